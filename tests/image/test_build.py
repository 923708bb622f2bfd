"""The two images: contents and order of T01 and T18, both conventions, geometry, what does not fit."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from moduline.errors import TooBig
from moduline.formats.littlefs import FsGeometry, read_image
from moduline.image.build import build, compose
from moduline.image.tree import FileTree
from moduline.profiles import catalog

OLD = catalog.convention("sha256-2020")
NEW = catalog.convention("crc32-2021")
USER = FsGeometry("lfs1", 4096, 96, 4096, 4096, 95)
BACKUP = FsGeometry("lfs1", 4096, 32, 4096, 4096, 31)
T01 = FileTree.of({"main.py": b"main", "user_file.py": b"user"})


def test_trees_when_nothing_is_backed_up_then_listing_of_t01():
    trees = compose(T01, (), NEW)
    assert list(trees.user.files()) == ["apn_cfg.json", "main.py", "user_file.py"]
    assert trees.backup.files() == {"backup_restore.json": b'{"enable": 0}'}


def test_trees_when_backed_up_in_sha256_era_then_as_t18():
    tree = FileTree.of({"a.py": b"a", "b.py": b"b", "b.txt": b"t", "V05.bin": b"v", "c.py": b"c"})
    trees = compose(tree, ("a.py", "b.py", "b.txt", "V05.bin"), OLD)
    assert list(trees.user.files())[:6] == ["apn_cfg.json", "checksum.json", "a.py", "b.py", "b.txt", "V05.bin"]
    assert list(trees.backup.files()) == [
        "checksum.json", "backup_restore.json", "usr/a.py", "usr/b.py", "usr/b.txt", "usr/V05.bin",
    ]  # fmt: skip
    listing = trees.user.get("checksum.json")
    assert listing == trees.backup.get("checksum.json")
    assert json.loads(listing)[0] == {"name": "/usr/a.py", "sha256": sha256(b"a").hexdigest()}
    assert [row["name"] for row in json.loads(listing)] == ["/usr/a.py", "/usr/b.py", "/usr/b.txt", "/usr/V05.bin"]
    assert trees.backup.get("backup_restore.json") == b'{"enable": 1}'


def test_trees_when_backed_up_in_crc32_era_then_other_key_and_empty_files_unlisted():
    trees = compose(FileTree.of({"main.py": b"m", "pkg/__init__.py": b""}), ("main.py", "pkg/__init__.py"), NEW)
    rows = json.loads(trees.user.get("checksum.json"))
    assert [sorted(row) for row in rows] == [["crc32", "name"]]
    assert "usr/pkg/__init__.py" in trees.backup


def test_trees_when_project_brings_its_own_apn_file_then_it_stays_first():
    trees = compose(FileTree.of({"main.py": b"m", "apn_cfg.json": b"[1]"}), (), NEW)
    assert list(trees.user.files().items()) == [("apn_cfg.json", b"[1]"), ("main.py", b"m")]


def test_images_when_built_then_readable_of_area_size_and_the_same_every_time():
    trees = compose(T01, ("main.py",), NEW)
    first, second = (build(trees.user, trees.backup, USER, BACKUP) for _ in range(2))
    assert first == second
    assert (len(first.user), len(first.backup)) == (0x60000, 0x20000)
    assert [path for path, _ in read_image(first.user).entries] == list(trees.user.files())
    assert dict(read_image(first.backup).entries)["usr/main.py"] == b"main"
    assert list(first.by_role()) == ["user_fs", "backup_fs"]


def test_images_when_full_then_last_block_stays_free():
    """device-api 5.6: the driver has one block less than the partition."""
    room = build(FileTree.of({}), FileTree.of({}), USER, BACKUP).user_free_bytes
    full = build(FileTree.of({"a": b"x" * (room - 4096)}), FileTree.of({}), USER, BACKUP)
    assert full.user[-4096:] == b"\xff" * 4096
    with pytest.raises(TooBig) as caught:
        build(FileTree.of({"a": b"x" * (room + 1)}), FileTree.of({}), USER, BACKUP)
    assert caught.value.facts["mount"] == "/usr"
    assert caught.value.message("zh").startswith("/usr 的内容")
    with pytest.raises(TooBig) as caught:
        build(FileTree.of({}), FileTree.of({"a": b"x" * room}), USER, BACKUP)
    assert caught.value.message().startswith("the content of /bak needs")
