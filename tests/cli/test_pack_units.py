"""pack units, and the new options of pack build, as a user types them, in a folder with a difficult name."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest

from moduline.cli import main
from moduline.formats.littlefs import read_image
from moduline.package import read_package

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = str(ROOT / "examples" / "quec_test")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Type a command in a folder with a difficult name; gives stdout; asserts the exit code."""
    folder = tmp_path / "测试 目录 (1)"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def typed(*words, exit_code=0):
        code = main.run([str(word) for word in words])
        shown = capsys.readouterr()
        assert code == exit_code, shown
        typed.err = shown.err
        return shown.out

    return typed


@pytest.fixture
def production(run):
    run("firmware", "build", "ec800e", "-o", "stock.bin")
    run("pack", "build", EXAMPLE, "--base", "stock.bin", "-o", "量产 1.bin")
    Path("units.csv").write_bytes("serial,key\r\nSN1,a\r\nSN2,b\r\n".encode("utf-8-sig"))
    return "量产 1.bin"


def test_units_when_typed_then_a_package_each_and_a_list(run, production):
    facts = json.loads(run("pack", "units", production, "--csv", "units.csv", "-o", "out", "--json"))
    assert [one["unit"] for one in facts["units"]] == ["SN1", "SN2"]
    assert sorted(path.name for path in Path("out").iterdir()) == ["units.csv", "量产 1_SN1.bin", "量产 1_SN2.bin"]
    for name, key in (("SN1", "a"), ("SN2", "b")):
        package = read_package(Path(f"out/量产 1_{name}.bin").read_bytes())
        files = dict(read_image(package.need("user_fs").data).entries)
        assert json.loads(files["unit.json"]) == {"serial": name, "key": key}
        run("pack", "verify", f"out/量产 1_{name}.bin")
    rows = list(csv.DictReader(io.StringIO(Path("out/units.csv").read_text(encoding="utf-8"))))
    assert [row["file"] for row in rows] == ["量产 1_SN1.bin", "量产 1_SN2.bin"]
    assert [row["sha256"] for row in rows] == [one["sha256"] for one in facts["units"]]


def test_units_when_there_already_then_refused_unless_yes(run, production):
    run("pack", "units", production, "--csv", "units.csv", "-o", "out", "--dry-run")
    assert not Path("out").exists()
    run("pack", "units", production, "--csv", "units.csv", "-o", "out")
    run("pack", "units", production, "--csv", "units.csv", "-o", "out", exit_code=2)
    assert "--yes" in run.err
    run("pack", "units", production, "--csv", "units.csv", "-o", "out", "--yes")


def test_units_when_csv_is_wrong_then_exit_8(run, production):
    Path("units.csv").write_text("serial\nSN1\nSN1\n", encoding="utf-8")
    run("pack", "units", production, "--csv", "units.csv", "-o", "out", exit_code=8)
    assert "SN1" in run.err


def test_build_when_explained_then_every_file_has_its_origin(run, production):
    facts = json.loads(
        run("pack", "build", EXAMPLE, "--base", "stock.bin", "--explain", "--backup", "main.py", "--dry-run", "--json")
    )
    rows = {one["path"]: one for one in facts["explain"]}
    assert rows["/usr/main.py"]["origin"] == "main.py"
    assert rows["/usr/main.py"]["checksum"].startswith("0x")
    assert rows["/usr/user_file.py"]["checksum"] == ""
    assert rows["/bak/usr/main.py"]["origin"] == "/usr/main.py"
    assert rows["/usr/apn_cfg.json"]["origin"] == "-"
    shown = run("pack", "build", EXAMPLE, "--base", "stock.bin", "--explain", "--dry-run", "--encrypt")
    assert "compiled, bytecode 6.3" in shown
    assert "entry file" in shown


def test_build_when_app_fota_is_asked_for_then_an_archive_beside_the_package(run, production):
    facts = json.loads(run("pack", "build", EXAMPLE, "--base", "stock.bin", "--app-fota", "-o", "out/", "--json"))
    (path,) = facts["app_fota"]
    archive = zipfile.ZipFile(path)
    assert archive.namelist() == ["app_fota.json", "usr/main.py", "usr/user_file.py"]
    rows = json.loads(archive.read("app_fota.json"))
    assert [(one["url"], one["file_name"]) for one in rows] == [
        ("usr/main.py", "/usr/main.py"),
        ("usr/user_file.py", "/usr/user_file.py"),
    ]
    assert archive.read("usr/main.py") == Path(EXAMPLE, "main.py").read_bytes()


def test_build_when_one_script_is_named_then_only_it_is_compiled(run, production):
    facts = json.loads(
        run("pack", "build", EXAMPLE, "--base", "stock.bin", "--encrypt-file", "user_file.py", "-o", "x.bin", "--json")
    )
    assert "user_file.mpy" in facts["user"]["files"]
    run("pack", "build", EXAMPLE, "--base", "stock.bin", "--encrypt-file", "nobody.py", exit_code=8)
    assert "nobody.py" in run.err


def test_build_when_split_is_asked_for_then_by_the_platform(run, production):
    run("pack", "build", EXAMPLE, "--base", "stock.bin", "--split", "0x40000", exit_code=8)
    assert "UNISOC" in run.err
    run("firmware", "build", "ec600u", "-o", "stock.pac")
    run("pack", "build", EXAMPLE, "--base", "stock.pac", "--split", "256K", "-o", "split.pac")
    package = read_package(Path("split.pac").read_bytes())
    assert [area.size for area in package.areas] == [0x40000, 0x40000]
    run("pack", "build", EXAMPLE, "--base", "stock.pac", "--split", "0x40001", exit_code=2)


def test_convert_when_to_binpkg_then_a_bare_one_that_says_what_it_lacks(run, production):
    run("pack", "convert", "stock.bin", "--to", "binpkg", "-o", "bare.binpkg")
    assert "agentboot" in run("pack", "verify", "bare.binpkg")
    run("pack", "build", EXAMPLE, "--base", "bare.binpkg", "--module", "ec800e", exit_code=8)
    listed = json.loads(run("pack", "list", "bare.binpkg", "--json"))["parts"]
    assert [one["name"] for one in listed] == ["ap_bootloader", "ap_at_command", "cp-demo-flash"]
