from __future__ import annotations

import pytest

import asr_maker
from moduline.cli.disk import write_folder
from moduline.errors import BadFormat, BadOption
from moduline.formats.littlefs import FsGeometry, write_image
from moduline.package import merge, read_package
from moduline.release import firmware
from moduline.release.produce import Options, produce
from moduline.release.recover import recover
from package_maker import small_file

FILES = {
    "main.py": b"PROJECT_NAME = 'QUEC_TEST'\nPROJECT_VERSION = '1.0.0'\nfrom usr import a\n",
    "a.py": b"X = 1\n",
    "data/key.bin": b"\0\1\2",
    "apn_cfg.json": b'{"apn": "own"}',
}


@pytest.mark.parametrize("name", ["ec600n", "ec600u", "ec800n"])
@pytest.mark.parametrize("backup", [(), ("a.py", "data/key.bin"), ("all",)])
def test_recover_when_a_project_was_merged_then_the_folder_gives_the_same_package(tmp_path, name, backup):
    folder = tmp_path / "测试 目录 (1)"
    for path, data in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    stock = firmware.stock_package(name)
    first = produce(folder, stock, Options(backup=backup))
    found = recover(read_package(first.data))
    assert (found.module, found.remarks, found.encrypted) == (name, (), ())
    assert {
        path.removeprefix("usr/"): data for path, data in found.tree.files().items() if path != "moduline.toml"
    } == FILES
    back = tmp_path / "测试 目录 (2)"
    write_folder(found.tree, back)
    assert produce(back, stock).data == first.data


def test_recover_when_scripts_were_compiled_then_they_stay_and_it_says_so(tmp_path):
    for path, data in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    stock = firmware.stock_package("ec600n")
    first = produce(tmp_path, stock, Options(encrypt=True))
    found = recover(read_package(first.data))
    assert found.encrypted == ("a.mpy",)
    assert [one.slug for one in found.remarks] == ["bytecode-kept"]
    assert b"encrypt = true" in found.tree.files()["moduline.toml"]
    back = tmp_path / "back"
    write_folder(found.tree, back)
    assert produce(back, stock).data == first.data


def filled(user=(), backup=()):
    geometry = [FsGeometry("lfs1", 4096, size // 4096, 4096, 4096) for size in (asr_maker.U_SIZE, asr_maker.B_SIZE)]
    images = {"user_fs": write_image(user, geometry[0]), "backup_fs": write_image(backup, geometry[1])}
    return merge(read_package(asr_maker.small_file()), images)


LISTED = b'[{"name": "/usr/a.py", "sha256": "' + b"0" * 64 + b'"}]'


def test_recover_when_a_copy_differs_then_noticed_and_the_kind_of_checksum_tells_the_convention():
    package = filled(
        (("a.py", b"1"), ("checksum.json", LISTED)),
        (("backup_restore.json", b'{"enable": 1}'), ("checksum.json", LISTED), ("usr/a.py", b"2")),
    )
    found = recover(package)
    assert (found.convention, found.backed_up) == ("sha256-2020", ("a.py",))
    assert [(one.slug, one.path) for one in found.remarks] == [("copy-differs", "a.py")]
    assert list(found.tree.files()) == ["moduline.toml", "usr/a.py"]


@pytest.mark.parametrize("switch", [b'{"enable": 0}', b"no json", b"[]"])
def test_recover_when_the_backup_is_off_then_nothing_is_protected(switch):
    found = recover(filled((("a.py", b"1"),), (("backup_restore.json", switch), ("checksum.json", LISTED))))
    assert found.backed_up == ()


def test_recover_when_the_list_is_damaged_then_noticed():
    found = recover(filled((), (("backup_restore.json", b'{"enable": 1}'), ("checksum.json", b"{"))))
    assert [one.slug for one in found.remarks] == ["checksums-damaged"]


def test_recover_when_there_are_no_scripts_then_refused_or_empty():
    with pytest.raises(BadOption):
        recover(read_package(small_file()))
    blank = recover(read_package(asr_maker.small_file()))
    assert list(blank.tree.files()) == ["moduline.toml"]


def test_recover_when_the_file_system_is_damaged_then_coded_error():
    package = read_package(asr_maker.small_file(customer_fs__bin=filled().need("user_fs").data[:0x3000]))
    with pytest.raises(BadFormat):
        recover(package)


def test_recover_when_main_says_neither_name_nor_version_then_the_convention_that_asks_for_none(tmp_path):
    (tmp_path / "main.py").write_bytes(b"print('hello')\n")
    stock = firmware.stock_package("ec600u")
    first = produce(tmp_path, stock, Options(convention="crc32-2022"))
    found = recover(read_package(first.data))
    assert (found.convention, found.module) == ("crc32-2022", "ec600u")
    write_folder(found.tree, tmp_path / "back")
    assert produce(tmp_path / "back", stock).data == first.data
