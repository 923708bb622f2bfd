"""Factory parameters: a package per line of a CSV, everything else byte for byte."""

from __future__ import annotations

import json

import pytest

from moduline.errors import BadFormat, BadOption, MissingArea, TooBig
from moduline.formats.littlefs import read_image
from moduline.package import diff, read_package, verify, write_package
from moduline.package.findings import errors_of
from moduline.package.units import UnitMerger, read_units, with_unit
from moduline.release import firmware
from moduline.release.produce import produce

CSV = 'serial,key,/usr/cert.pem,/bak/usr/id\nSN0001,4f00,"-----BEGIN\nline",a\nSN0002,密钥,x,b\n'


@pytest.fixture(params=["ec600u", "ec600n", "ec800e"])
def production(request, tmp_path):
    """A production package of each platform."""
    (tmp_path / "main.py").write_text("PROJECT_NAME = 'P'\nPROJECT_VERSION = '1'\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.py").write_text("x = 1\n" * 2000)
    return read_package(produce(tmp_path, firmware.stock_package(request.param)).data)


def files_in(package, role="user_fs"):
    return dict(read_image(package.need(role).data).entries)


def test_units_when_read_then_values_and_files():
    first, second = read_units(CSV.encode())
    assert (first.name, first.row, first.values) == ("SN0001", 2, {"serial": "SN0001", "key": "4f00"})
    assert first.files == {
        "/usr/unit.json": b'{"serial": "SN0001", "key": "4f00"}',
        "/usr/cert.pem": b"-----BEGIN\nline",
        "/bak/usr/id": b"a",
    }
    assert json.loads(second.files["/usr/unit.json"]) == {"serial": "SN0002", "key": "密钥"}


def test_units_when_merged_then_each_has_its_files_and_the_rest_is_the_same(production):
    units = read_units(CSV.encode())
    merger = UnitMerger(production)
    for unit in units:
        package = read_package(write_package(merger.package(unit)))
        assert errors_of(verify(package)) == []
        user, backup = files_in(package), files_in(package, "backup_fs")
        assert user["unit.json"] == unit.files["/usr/unit.json"]
        assert user["cert.pem"] == unit.files["/usr/cert.pem"]
        assert backup["usr/id"] == unit.files["/bak/usr/id"]
        assert {k: v for k, v in user.items() if k not in {"unit.json", "cert.pem"}} == files_in(production)
        assert {k: v for k, v in backup.items() if k not in {"usr", "usr/id"}} == files_in(production, "backup_fs")
        old, new = (read_image(one.need("user_fs").data).geometry for one in (production, package))
        assert (old.kind, old.block_count) == (new.kind, new.block_count)
        assert {part.name for part in package.parts if part.data != production.part(part.name).data} <= {
            one.name for one in package.parts if one.role in {"user_fs", "backup_fs", "script", "xml"}
        }
        assert write_package(with_unit(production, unit)) == write_package(package)
    names = {one.name.partition(".")[0] for one in diff(*map(merger.package, units))}
    assert names <= {"PY_FS_U", "PY_FS_B", "customer_fs", "customer_backup_fs"}


def test_unit_when_its_file_is_in_the_package_then_replaced(production):
    unit = read_units(b"serial,/usr/main.py\nSN1,print(1)\n")[0]
    package = with_unit(production, unit)
    assert files_in(package)["main.py"] == b"print(1)"
    assert list(files_in(package))[:-1] == list(files_in(production))


def test_unit_when_too_large_then_said_for_which(production):
    unit = read_units(b"serial,/usr/big\nSN1," + b"x" * 120_000 + b"\n")[0]
    big = type(unit)(unit.name, unit.row, unit.values, {"/usr/big": bytes(12 << 20)})
    with pytest.raises(TooBig) as refused:
        with_unit(production, big)
    assert refused.value.facts["unit"] == "SN1"


def test_unit_when_package_has_no_images_then_refused():
    with pytest.raises(MissingArea):
        with_unit(read_package(firmware.stock_package("ec600u")), read_units(b"serial\nSN1\n")[0])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_units_when_from_any_spreadsheet_then_read(encoding, mark):
    data = f"序列号{mark}密钥\r\nSN1{mark}值\r\n\r\n".encode(encoding)
    (unit,) = read_units(data)
    assert unit.values == {"序列号": "SN1", "密钥": "值"}


def test_units_when_another_file_is_named_then_there():
    (unit,) = read_units(b"serial\nSN1\n", "/bak/factory/id.json")
    assert unit.files == {"/bak/factory/id.json": b'{"serial": "SN1"}'}


BROKEN = {
    "empty": b"",
    "head-only": b"serial,key\n",
    "double": b"serial\nSN1\nsn1\n",
    "columns": b"serial,key\nSN1\n",
    "same-column": b"serial,serial\nSN1,2\n",
    "nameless": b"serial,\nSN1,2\n",
    "file-first": b"/usr/a\nSN1\n",
    "name": b"serial\n../etc\n",
    "blank-name": b"serial,key\n,4\n",
    "binary": b"\xff\xfe\0\0",
    "quote": b'serial\n"SN1\n',
}


@pytest.mark.parametrize("name", BROKEN)
def test_units_when_csv_is_wrong_then_refused_with_its_line(name):
    with pytest.raises(BadFormat) as refused:
        read_units(BROKEN[name])
    assert refused.value.message("zh")
    assert refused.value.facts["row"] >= 1


@pytest.mark.parametrize(
    "place", ["/etc/passwd", "/usr/", "usr/a", "/usr/../a", "/usr/checksum.json", "/bak/backup_restore.json"]
)
def test_units_when_place_is_no_place_then_refused(place):
    with pytest.raises(BadOption):
        read_units(b"serial\nSN1\n", place)
