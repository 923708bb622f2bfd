"""``delta scripts`` as typed: what stands in the folder for the server, both languages, what is refused."""

from __future__ import annotations

import json

import pytest

from cli.test_delta import type_json, type_plain
from moduline.delta.scripts import SMALL_WINDOW, apply_script
from moduline.formats import script_patch

OLD = b"def answer():\n    return 42\n" * 60


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Old and new scripts in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name, data in {
        "v1/app.py": OLD, "v1/same.py": b"same\n", "v1/gone.py": b"gone\n", "v1/__pycache__/app.pyc": b"1",
        "v2/app.py": OLD + b"# more\n", "v2/same.py": b"same\n", "v2/lib/tiny.py": b"#\n", "v2/checksum.json": b"[]",
    }.items():  # fmt: skip
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return tmp_path


def names_in(folder):
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())


def test_scripts_when_two_folders_then_patches_whole_files_and_the_list(capsys, folder):
    code, made = type_json(capsys, "delta", "scripts", "v1", "v2", "-o", "www")
    assert code == 0
    assert names_in(folder / "www") == ["app_fota.json", "usr/app.py", "usr/app.py.mdl", "usr/lib/tiny.py"]
    rows = json.loads((folder / "www" / "app_fota.json").read_text("utf-8"))
    assert [row["file_name"] for row in rows] == ["/usr/app.py", "/usr/lib/tiny.py"]
    assert made["files"] == rows
    assert (made["changed"], made["unchanged"], made["gone"]) == (2, 1, ["gone.py"])
    patch = (folder / "www" / "usr" / "app.py.mdl").read_bytes()
    assert apply_script(OLD, patch) == OLD + b"# more\n"
    assert (made["fetched_bytes"], made["whole_bytes"]) == (len(patch) + 2, len(OLD) + 9)


def test_scripts_when_tried_only_then_nothing_is_written(capsys, folder):
    code, made = type_json(capsys, "delta", "scripts", "v1", "v2", "-o", "www", "--dry-run")
    assert (code, made["changed"], made["is_dry_run"]) == (0, 2, True)
    assert not (folder / "www").exists()


def test_helper_when_asked_for_then_lies_beside_and_is_python(capsys, folder):
    assert type_json(capsys, "delta", "scripts", "v1", "v2", "-o", "www", "--helper")[0] == 0
    for name in ("script_patch.py", "script_window.py"):
        compile((folder / "www" / name).read_bytes(), name, "exec")


@pytest.mark.parametrize("way", ["--helper", "in OLD_DIR"])
def test_scripts_when_modules_have_the_decoder_then_patches_read_the_old_file(capsys, folder, way):
    if way == "in OLD_DIR":
        for side in ("v1", "v2"):
            (folder / side / "script_window.py").write_bytes(b"# the decoder\n")
    code, made = type_json(
        capsys, "delta", "scripts", "v1", "v2", "-o", "www", *(["--helper"] if way == "--helper" else [])
    )
    assert (code, made["reads_old"], made["changed"]) == (0, True, 2)
    patch = (folder / "www" / "usr" / "app.py.mdl").read_bytes()
    assert script_patch.read(patch).codec == script_patch.WINDOW
    assert apply_script(OLD, patch, SMALL_WINDOW) == OLD + b"# more\n"


def test_scripts_when_modules_lack_the_decoder_then_told_so_in_either_case(capsys, folder):
    code, made = type_json(capsys, "delta", "scripts", "v1", "v2", "-o", "www", "--dry-run")
    assert (code, made["reads_old"]) == (0, False)
    _, _, err = type_plain(capsys, "delta", "scripts", "v1", "v2", "-o", "www", "--dry-run")
    assert "smaller ones with --helper" in err
    _, _, err = type_plain(capsys, "delta", "scripts", "v1", "v2", "-o", "www", "--dry-run", "--helper")
    assert "script_window.py in /usr first" in err


def test_gone_file_when_told_then_in_both_languages(capsys, folder):
    code, _, err = type_plain(capsys, "delta", "scripts", "v1", "v2", "-o", "www")
    assert (code, "gone.py" in err) == (0, True)


def test_folder_when_none_then_exit_2_and_too_many_names_then_exit_13(capsys, folder):
    assert type_json(capsys, "delta", "scripts", "none", "v2", "-o", "www")[0] == 2
    for number in range(300):
        (folder / "v2" / f"a_script_with_quite_a_long_name_{number}.py").write_bytes(b"#\n")
    code, failure = type_json(capsys, "delta", "scripts", "v1", "v2", "-o", "www")
    assert (code, failure["ok"]) == (13, False)
    assert not (folder / "www").exists()
