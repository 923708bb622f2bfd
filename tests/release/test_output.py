"""Where results go, and that a failed write leaves what was there."""

from __future__ import annotations

import pytest

from moduline.errors import BadOption, StorageFailed
from moduline.release.output import choose_path, must_not_be, write_whole


def test_path_when_chosen_then_folder_or_file_by_what_was_said(tmp_path):
    (tmp_path / "dir.zip").mkdir()
    assert choose_path("x/", "n.zip").as_posix() == "x/n.zip"
    assert choose_path("x", "n.zip").as_posix() == "x/n.zip"
    assert choose_path("x.pac", "n.zip").as_posix() == "x.pac"
    assert choose_path(".", "n.zip").as_posix() == "n.zip"
    assert choose_path(str(tmp_path / "dir.zip"), "n.zip") == tmp_path / "dir.zip" / "n.zip"
    assert choose_path("v1.0", "n.zip").as_posix() == "v1.0/n.zip"


def test_write_when_done_then_whole_and_nothing_beside_it(tmp_path):
    target = tmp_path / "a" / "b.pac"
    write_whole(target, b"one")
    write_whole(target, b"two")
    assert target.read_bytes() == b"two"
    assert [path.name for path in target.parent.iterdir()] == ["b.pac"]


def test_write_when_target_is_a_folder_then_storage_failed_and_no_litter(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(StorageFailed):
        write_whole(tmp_path / "x", b"1")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageFailed):
        write_whole(tmp_path / "file" / "y", b"1")


def test_base_when_it_would_be_overwritten_then_refused(tmp_path):
    base = tmp_path / "base.pac"
    base.write_bytes(b"1")
    (tmp_path / "link.pac").symlink_to(base)
    for path in (base, tmp_path / "link.pac"):
        with pytest.raises(BadOption):
            must_not_be(path, base)
    must_not_be(tmp_path / "other.pac", base)
