from __future__ import annotations

import json

import pytest

import asr_maker
from moduline.cli.main import run
from moduline.package import read_package
from moduline.release import firmware
from package_maker import small_file

FOLDER = "测试 目录 (1)"


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / FOLDER
    place.mkdir()
    return place


def run_json(capsys, *words) -> tuple[int, dict]:
    code = run([*map(str, words), "--json"])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, json.loads(captured.out)


def test_convert_when_a_pac_then_zip_and_back_are_the_same_container(capsys, folder):
    (folder / "EG915U.pac").write_bytes(small_file())
    code, facts = run_json(capsys, "pack", "convert", folder / "EG915U.pac", "--to", "bin", "-o", folder)
    assert (code, facts["path"], facts["kinds"]) == (0, str(folder / "EG915U.bin"), ["pac", "zip", "bin", "release"])
    code, _ = run_json(capsys, "pack", "convert", folder / "EG915U.bin", "--to", "pac", "-o", folder / "back.pac")
    assert code == 0
    assert (folder / "back.pac").read_bytes() == small_file()


def test_convert_when_nothing_shall_be_written_then_nothing_is_and_files_are_not_replaced(capsys, folder):
    (folder / "a.bin").write_bytes(asr_maker.small_file())
    code, facts = run_json(capsys, "pack", "convert", folder / "a.bin", "--to", "release", "-o", folder, "--dry-run")
    assert (code, facts["written"], facts["path"]) == (0, False, str(folder / "a.zip"))
    assert [path.name for path in folder.iterdir()] == ["a.bin"]
    (folder / "a.zip").write_bytes(b"mine")
    code, facts = run_json(capsys, "pack", "convert", folder / "a.bin", "--to", "release", "-o", folder)
    assert (code, facts["ok"]) == (2, False)
    assert (folder / "a.zip").read_bytes() == b"mine"
    code, _ = run_json(capsys, "pack", "convert", folder / "a.bin", "--to", "release", "-o", folder, "--yes")
    assert code == 0
    assert read_package((folder / "a.zip").read_bytes()).shells[0].member == "a.bin"


def test_convert_when_onto_itself_or_into_an_unknown_kind_then_refused(capsys, folder):
    (folder / "a.bin").write_bytes(asr_maker.small_file())
    code, _ = run_json(capsys, "pack", "convert", folder / "a.bin", "--to", "bin", "-o", folder / "a.bin", "--yes")
    assert code == 2
    code, facts = run_json(capsys, "pack", "convert", folder / "a.bin", "--to", "pac", "-o", folder)
    assert code == 2
    assert "release" in facts["message"]


@pytest.mark.parametrize("verb", ["info", "list", "verify"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_pack_when_asr_then_prints_in_either_language(capsys, folder, verb, lang):
    (folder / "a.bin").write_bytes(asr_maker.small_file())
    assert run(["pack", verb, str(folder / "a.bin"), "--lang", lang]) == 0
    assert "0xffffffff" not in capsys.readouterr().out


def test_pack_when_asr_then_info_extract_and_diff_work_on_it(capsys, folder):
    (folder / "a.bin").write_bytes(asr_maker.small_file())
    (folder / "b.bin").write_bytes(asr_maker.small_file(cp__bin=b"other"))
    code, facts = run_json(capsys, "pack", "info", folder / "a.bin")
    assert (code, facts["container"], facts["chip"], facts["bootrom"]) == (0, "asr", "asr1603", ["2020.07.30"])
    code, facts = run_json(capsys, "pack", "extract", folder / "a.bin", "-o", folder / "parts")
    assert code == 0
    written = {path.name: path.read_bytes() for path in (folder / "parts").iterdir()}
    assert asr_maker.members()["preboot.img"] in written.values()
    assert len(facts["parts"]) == 10
    code, facts = run_json(capsys, "pack", "diff", folder / "a.bin", folder / "b.bin")
    assert (code, facts["same"], facts["differences"][0]["name"]) == (0, False, "cp.bin")


def test_extract_when_a_project_is_wanted_then_its_folder_builds_the_same_package(capsys, folder):
    project = folder / "project"
    project.mkdir()
    (project / "main.py").write_text("PROJECT_NAME = 'QUEC_TEST'\nPROJECT_VERSION = '1.0.0'\n", encoding="utf-8")
    (project / "数据.txt").write_text("数据\n", encoding="utf-8")
    (folder / "stock.bin").write_bytes(firmware.firmware_file("ec600n", "bin"))
    build = ("pack", "build", project, "--base", folder / "stock.bin", "--backup", "all", "-o")
    code, made = run_json(capsys, *build, folder / "made.bin")
    assert code == 0
    code, found = run_json(capsys, "pack", "extract", folder / "made.bin", "--project", folder / "back")
    assert (code, found["module"], found["backup"]) == (0, "ec600n", ["main.py", "数据.txt"])
    code, again = run_json(
        capsys, "pack", "build", folder / "back", "--base", folder / "stock.bin", "-o", folder / "again.bin"
    )
    assert (code, again["sha256"]) == (0, made["sha256"])
    code, facts = run_json(capsys, "pack", "extract", folder / "made.bin", "--project", folder / "back")
    assert (code, facts["ok"]) == (2, False), "a folder with files is not written into"
    code, facts = run_json(capsys, "pack", "extract", folder / "made.bin")
    assert code == 2


def test_firmware_when_built_for_an_asr_module_into_a_folder_then_a_zip(capsys, folder):
    code, facts = run_json(capsys, "firmware", "build", "ec600n", "-o", folder)
    assert code == 0
    assert facts["path"].endswith(".zip")
    code, facts = run_json(capsys, "pack", "verify", facts["path"])
    assert (code, facts["findings"]) == (0, [])
