"""Reading project folders: what is read, what is named and left, and what never happens."""

from __future__ import annotations

import os

import pytest

from moduline.errors import BadRecipe, NoSuchFile, StorageFailed, TooBig
from moduline.release import folder as folders
from moduline.release.folder import read_folder


def plant(root, files):
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


def test_folder_when_read_then_files_by_slash_path_and_the_rest_named(tmp_path):
    plant(
        tmp_path, {"main.py": b"1", "lib/a.py": b"2", ".git/HEAD": b"3", "lib/__pycache__/a.pyc": b"4", "x.pyc": b"5"}
    )
    (tmp_path / "empty").mkdir()
    content = read_folder(tmp_path)
    assert content.files == {"lib/a.py": b"2", "main.py": b"1"}
    assert [(one.path, one.reason.en) for one in content.skipped] == [
        (".git/", "hidden; its name begins with a dot"),
        ("empty/", "an empty folder"),
        ("lib/__pycache__/", "bytecode of desktop Python"),
        ("x.pyc", "bytecode of desktop Python"),
    ]


def test_folder_when_it_has_links_then_they_are_named_and_not_followed(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"secret")
    root = plant(tmp_path / "project", {"main.py": b"1"})
    (root / "link.txt").symlink_to(secret)
    (root / "loop").symlink_to(root, target_is_directory=True)
    content = read_folder(root)
    assert list(content.files) == ["main.py"]
    assert [one.path for one in content.skipped] == ["link.txt", "loop"]
    assert all("link" in one.reason.en for one in content.skipped)


def test_folder_when_it_has_a_pipe_then_named_and_not_opened(tmp_path):
    os.mkfifo(plant(tmp_path, {"main.py": b"1"}) / "pipe")
    assert [(one.path, one.reason.en) for one in read_folder(tmp_path).skipped] == [("pipe", "neither file nor folder")]


def test_folder_when_settings_exclude_then_they_win(tmp_path):
    plant(tmp_path, {"main.py": b"", "docs/a.txt": b"", "moduline.toml": b'exclude = ["docs"]\nmodule = "ec600u"\n'})
    content = read_folder(tmp_path)
    assert content.settings.module == "ec600u"
    assert list(content.files) == ["main.py"]
    assert "docs/" in [one.path for one in content.skipped]


def test_folder_when_not_there_then_no_such_file(tmp_path):
    with pytest.raises(NoSuchFile):
        read_folder(tmp_path / "none")
    with pytest.raises(NoSuchFile):
        read_folder(plant(tmp_path, {"a": b""}) / "a")


def test_folder_when_settings_are_wrong_then_bad_recipe(tmp_path):
    with pytest.raises(BadRecipe):
        read_folder(plant(tmp_path, {"moduline.toml": b"x = 1"}))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_folder_when_a_file_cannot_be_read_then_storage_failed(tmp_path):
    plant(tmp_path, {"main.py": b""})
    (tmp_path / "main.py").chmod(0)
    with pytest.raises(StorageFailed):
        read_folder(tmp_path)


def test_folder_when_a_file_is_huge_then_too_big_without_reading_it(tmp_path):
    with (plant(tmp_path, {"main.py": b""}) / "huge.bin").open("wb") as file:
        file.truncate(folders.MAX_FILE_BYTES + 1)
    with pytest.raises(TooBig):
        read_folder(tmp_path)
