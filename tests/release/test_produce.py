"""The host line: folder plus stock package gives the production package of T01, T02 and T18, on our own and the real base."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from moduline.errors import BadOption, BadProject, CompileFailed, MissingArea, TooBig, WrongModule
from moduline.formats import mpy
from moduline.image import open_image
from moduline.package import diff, read_package, verify, write_package
from moduline.package.findings import errors_of
from moduline.package.inspect import only_areas
from moduline.package.merge import strip
from moduline.release import app_fota, firmware
from moduline.release.produce import Options, finish, prepare, produce, system_image_of
from samples import sample

MAIN = "PROJECT_NAME = 'P'\nPROJECT_VERSION = '1'\n"


def files_in(data, area="PY_FS_U"):
    return open_image(read_package(data).part(area).data).tree.files()


def decided(produced):
    return {one.name: one.value for one in produced.prepared.decisions}


def test_example_when_produced_then_named_as_the_seed_names_it(example, stock):
    """T02: QUEC_TEST_1.0.0.zip; no module connected."""
    produced = produce(example, stock, stock_name="stock.zip")
    assert produced.name == "QUEC_TEST_1.0.0.zip"
    package = read_package(produced.data, produced.name)
    assert [shell.member for shell in package.shells]
    assert errors_of(verify(package)) == []
    assert list(files_in(produced.data)) == ["apn_cfg.json", "main.py", "user_file.py"]
    assert files_in(produced.data)["main.py"] == (example / "main.py").read_bytes()
    assert files_in(produced.data, "PY_FS_B") == {"backup_restore.json": b'{"enable": 0}'}
    assert decided(produced) == {
        "module": "ec600u",
        "profile": "crc32-2021",
        "bytecode": "6.3",
        "encrypt": "off",
        "backup": "off",
        "user_fs": "PY_FS_U 0x60420000 + 0x60000 lfs1",
        "backup_fs": "PY_FS_B 0x60480000 + 0x20000 lfs1",
    }


@pytest.mark.parametrize("encrypt", [False, True])
def test_package_when_produced_then_it_differs_from_the_base_in_the_script_areas_only(example, eg915u, encrypt):
    """Nothing but the file-system areas, what describes them, and the checks."""
    produced = produce(example, eg915u, Options(encrypt=encrypt, backup=("all",)), "base.pac")
    before, after = read_package(eg915u), read_package(produced.data)
    found = diff(before, after)
    assert {one.name for one in found} == {"PY_FS_U", "PY_FS_B"}
    assert only_areas(found)
    assert write_package(strip(after, ["PY_FS_U", "PY_FS_B"])) == eg915u
    assert errors_of(verify(after)) == []
    for name, address, size in (("PY_FS_U", 0x604E0000, 0x60000), ("PY_FS_B", 0x60540000, 0x20000)):
        part = after.part(name)
        assert (part.address, part.size, len(part.data), part.kind) == (address, size, size, "code")
    assert produced.name == "QUEC_TEST_1.0.0.pac"


def test_package_when_produced_again_then_same_bytes(example, eg915u):
    options = Options(encrypt=True, backup=("all",))
    assert produce(example, eg915u, options).data == produce(example, eg915u, options).data


def test_package_when_produced_from_a_production_package_then_contents_are_replaced(example, eg915u, project):
    first = produce(project({"main.py": MAIN, "old.py": ""}), eg915u).data
    assert produce(example, first).data == produce(example, eg915u).data


def test_package_when_protected_for_a_real_module_then_version_5_and_twins(example):
    base = sample("unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac").read_bytes()
    produced = produce(example, base, Options(encrypt=True))
    files = files_in(produced.data)
    assert list(files) == ["apn_cfg.json", "main.py", "user_file.mpy"]
    assert files["user_file.mpy"][:4].hex() == "4d05001f"
    assert b"usr/user_file.py" in files["user_file.mpy"]
    assert list(produced.twins) == [sha256(files["user_file.mpy"]).hexdigest()]
    assert mpy.read_header(next(iter(produced.twins.values()))).version == 6
    assert [(one.path, one.reason.en) for one in produced.prepared.kept] == [
        ("main.py", "the entry file stays source; the firmware starts nothing else")
    ]


def test_package_when_protected_for_virtual_firmware_then_version_6_and_no_twins(example, stock):
    produced = produce(example, stock, Options(encrypt=True))
    assert mpy.read_header(files_in(produced.data)["user_file.mpy"]).version == 6
    assert produced.twins == {}


def test_package_when_backed_up_then_both_images_hold_list_and_copies(example, stock):
    """S0, T04: names by source or by what stands on the module."""
    options = Options(encrypt=True, backup=("user_file.py", "main.py"), convention="sha256-2020")
    produced = produce(example, stock, options)
    user, backup = files_in(produced.data), files_in(produced.data, "PY_FS_B")
    assert list(user) == ["apn_cfg.json", "checksum.json", "main.py", "user_file.mpy"]
    assert list(backup) == ["checksum.json", "backup_restore.json", "usr/main.py", "usr/user_file.mpy"]
    assert json.loads(user["checksum.json"]) == [
        {"name": f"/usr/{name}", "sha256": sha256(user[name]).hexdigest()} for name in ("main.py", "user_file.mpy")
    ]
    assert backup["usr/user_file.mpy"] == user["user_file.mpy"]


def test_project_when_settings_say_more_then_options_win(project, stock):
    folder = project({"usr/main.py": MAIN, "usr/a.py": "x = 1", "moduline.toml": 'encrypt = true\nbackup = ["a.py"]\n'})
    assert list(files_in(produce(folder, stock).data)) == ["apn_cfg.json", "checksum.json", "main.py", "a.mpy"]
    off = produce(folder, stock, Options(encrypt=False, backup=("main.py",)))
    assert list(files_in(off.data)) == ["apn_cfg.json", "checksum.json", "main.py", "a.py"]
    assert list(files_in(off.data, "PY_FS_B")) == ["checksum.json", "backup_restore.json", "usr/main.py"]


def test_project_when_it_breaks_rules_then_refused_with_all_findings(project, stock):
    with pytest.raises(BadProject) as caught:
        produce(project({"main.py": "x = 1\n", "a.py": "def f(:\n"}), stock, Options(backup=("none.py",)))
    slugs = [row["slug"] for row in caught.value.facts["findings"]]
    assert slugs == ["missing", "missing", "syntax", "backup-name"]


def test_project_when_scripts_are_too_new_for_the_module_then_notice_or_refused(project, eg915u, stock):
    folder = project({"main.py": MAIN + "print(f'{1}')\n", "a.py": "x = 1\nif (n := 2):\n    x = n\n"})
    for base in (eg915u, stock):
        prepared = prepare(folder, base)
        found = [(one.severity, one.slug, one.path, one.line) for one in prepared.remarks]
        assert found == [("notice", "language", "main.py", 3), ("notice", "language", "a.py", 2)]
        finish(prepared)
    if system_image_of(read_package(eg915u)) is None:
        with pytest.raises(CompileFailed) as caught:
            produce(folder, eg915u, Options(encrypt=True))
        assert caught.value.facts["path"] == "a.py:2"


def test_base_when_for_another_module_then_refused(example, stock, eg915u):
    with pytest.raises(WrongModule):
        produce(example, stock, Options(module="eg915u"))
    with pytest.raises(WrongModule):
        produce(example, eg915u, Options(module="ec600u"))


def test_base_when_it_names_no_module_then_option_decides_and_table_gives_the_areas(example):
    base = sample("unisoc/CSDK_RDA8910.pac").read_bytes()
    with pytest.raises(BadOption) as caught:
        produce(example, base)
    assert "--module" in caught.value.message()
    produced = produce(example, base, Options(module="ec600u"))
    reasons = {one.name: one.reason.en for one in produced.prepared.decisions}
    assert reasons["user_fs"] == "table of {module}; the base does not name it"
    assert read_package(produced.data).part("PY_FS_U").address == 0x60420000


def test_base_when_of_another_chip_then_refused(example):
    base = sample("unisoc/EC600GCN_LD__8850XM_cat1_open_merge.pac").read_bytes()
    with pytest.raises((BadOption, WrongModule, MissingArea)):
        produce(example, base, Options(module="ec600u"))


def test_base_when_no_source_knows_its_areas_then_refused_and_no_guess_is_burnt(example):
    """platform-unisoc 10: the addresses of PY_FS_* on 8850 are not public; the catalogue's are for virtual modules."""
    base = sample("unisoc/EC600GCN_LD__8850XM_cat1_open_merge.pac").read_bytes()
    with pytest.raises(MissingArea):
        produce(example, base)


def test_project_when_too_big_for_the_area_then_said_with_numbers(project, stock):
    folder = project({"main.py": MAIN, "big.bin": b"x" * 0x60000})
    with pytest.raises(TooBig) as caught:
        produce(folder, stock)
    assert caught.value.facts["mount"] == "/usr"
    assert caught.value.facts["need"] > caught.value.facts["have"] == 95 * 4096


def test_shell_when_base_is_a_bin_then_ending_stays(example):
    data = firmware.firmware_file("ec600u", "bin")
    assert produce(example, data, stock_name="stock.bin").name == "QUEC_TEST_1.0.0.bin"
    assert produce(example, firmware.stock_package("ec600u"), stock_name="x").name == "QUEC_TEST_1.0.0.pac"


def test_system_image_when_the_base_is_the_vendors_then_none(stock):
    assert system_image_of(read_package(stock)).module == "ec600u"
    base = sample("unisoc/CSDK_RDA8910.pac").read_bytes()
    assert system_image_of(read_package(base)) is None


# ---- eras of the vendor's tool --------------------------------------------------------------------------------------


@pytest.mark.parametrize("convention", ["sha256-2020", "crc32-2021", ""])
def test_project_when_it_has_no_name_and_the_era_asks_for_one_then_refused(project, stock, convention):
    """device-api T02."""
    with pytest.raises(BadProject) as caught:
        produce(project({"main.py": "print('hello')\n"}), stock, Options(convention=convention))
    assert [one["slug"] for one in caught.value.facts["findings"]] == ["missing", "missing"]


def test_project_when_it_has_no_name_and_the_era_asks_for_none_then_named_after_the_firmware(project, stock):
    """platform-asr 1.1: ``<firmware>_<yyyymmdd>-<HHMM>.zip``."""
    folder = project({"main.py": "print('hello')\n", "EC600U_20211130-1405.zip": "an earlier build"})
    options = Options(convention="crc32-2022", made_at="20211201-0900", backup=("main.py",))
    produced = produce(folder, stock, options, stock_name="EC600U.zip")
    assert produced.name == "EC600U_20211201-0900.zip"
    assert app_fota.name_of(produced) == "EC600U_20211201-0900_app_fota.zip"
    assert decided(produced)["name"] == "EC600U_20211201-0900"
    files = files_in(produced.data)
    assert list(files) == ["apn_cfg.json", "checksum.json", "main.py"]
    assert list(json.loads(files["checksum.json"])[0]) == ["name", "crc32"]
    assert [one.path for one in produced.prepared.project.skipped] == ["EC600U_20211130-1405.zip"]
    later = produce(folder, stock, Options(convention="crc32-2022", made_at="20220101-0000", backup=("main.py",)))
    assert later.data == produced.data


@pytest.mark.parametrize(
    "line", ["PROJECT_NAME = 1", "PROJECT_NAME = '../x'\nPROJECT_VERSION = '1'", "PROJECT_NAME = 'A' + 'B'"]
)
def test_project_when_the_era_asks_for_no_name_then_whatever_stands_there_is_the_users_business(project, stock, line):
    produced = produce(project({"main.py": line + "\n"}), stock, Options(convention="crc32-2022"), "stock.zip")
    assert produced.name == "stock.zip"
    assert produced.prepared.project.title == ""


def test_project_when_the_era_asks_for_no_name_then_main_is_needed_all_the_same(project, stock):
    with pytest.raises(BadProject) as caught:
        produce(project({"a.py": "x = 1\n"}), stock, Options(convention="crc32-2022"))
    assert [one["slug"] for one in caught.value.facts["findings"]] == ["no-main"]
