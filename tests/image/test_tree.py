from __future__ import annotations

import pytest

from moduline.errors import BadOption, TooBig
from moduline.image import FileTree, FsGeometry, TreeEntry, compare_trees, make_image, open_image

SMALL = FileTree.of({"main.py": b"print(1)", "usr/lib/a.py": b"", "empty": None})
GEOMETRY = FsGeometry("lfs1", 4096, 50, 4096, 4096, usable_blocks=49)


def test_tree_when_made_then_keeps_order_and_knows_implied_directories():
    assert [entry.path for entry in SMALL] == ["main.py", "usr/lib/a.py", "empty"]
    assert SMALL.directories() == ("usr", "usr/lib", "empty")
    assert SMALL.files() == {"main.py": b"print(1)", "usr/lib/a.py": b""}
    assert (len(SMALL), SMALL.content_bytes) == (3, 8)
    assert SMALL.get("main.py") == b"print(1)"
    assert SMALL.get("empty") is None
    assert "usr/lib/a.py" in SMALL
    assert "usr" not in SMALL


def test_tree_when_normal_then_every_directory_stands_before_its_content():
    paths = [entry.path for entry in SMALL.normal()]
    assert paths == ["main.py", "usr", "usr/lib", "usr/lib/a.py", "empty"]
    assert SMALL.normal().normal() == SMALL.normal()


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "."])
def test_tree_when_path_is_not_plain_then_refused(path):
    with pytest.raises(BadOption):
        FileTree.of({path: b""})


def test_tree_when_entries_contradict_then_refused():
    with pytest.raises(BadOption):
        FileTree((TreeEntry("a", b"1"), TreeEntry("a", b"2")))
    with pytest.raises(BadOption):
        FileTree.of({"a": b"1", "a/b": b"2"})
    with pytest.raises(BadOption):
        FileTree.of({"a/b": b"2", "a": b"1"})


@pytest.mark.parametrize("name", ["n" * 256, "中" * 86])
def test_tree_when_name_is_over_255_bytes_then_too_big(name):
    with pytest.raises(TooBig) as refused:
        FileTree.of({f"folder/{name}": b""})
    assert refused.value.facts["have"] == 255


def test_tree_when_changed_then_is_a_new_tree_and_checked_again():
    changed = SMALL.with_entry("main.py", b"2").with_entry("late.py", b"3")
    assert list(changed.files()) == ["main.py", "usr/lib/a.py", "late.py"]
    assert changed.get("main.py") == b"2"
    assert SMALL.get("main.py") == b"print(1)"
    assert changed.without("usr").without("empty").files() == {"main.py": b"2", "late.py": b"3"}
    with pytest.raises(BadOption):
        SMALL.with_entry("main.py/x", b"")


def test_tree_when_moved_under_a_folder_and_seen_from_it_then_is_the_same():
    moved = SMALL.under("bak/usr")
    assert list(moved.files()) == ["bak/usr/main.py", "bak/usr/usr/lib/a.py"]
    assert moved.below("bak/usr") == SMALL
    assert moved.below("bak").below("usr") == SMALL


def test_image_when_made_of_a_tree_and_opened_then_gives_the_tree():
    image = make_image(SMALL, GEOMETRY)
    opened = open_image(image)
    assert opened.tree == SMALL.normal()
    assert (opened.version_name, opened.used_blocks, opened.free_blocks, opened.unsettled) == ("1.1", 11, 39, 0)
    assert (opened.missing_bytes, opened.extra_bytes) == (0, 0)
    assert make_image(SMALL, GEOMETRY) == image


def test_image_when_shorter_or_longer_than_its_file_system_then_says_by_how_much():
    image = make_image(SMALL, GEOMETRY)
    assert open_image(image[:-8192]).missing_bytes == 8192
    assert open_image(image + bytes(100)).extra_bytes == 100


def test_compare_when_trees_differ_then_names_paths():
    new = SMALL.with_entry("main.py", b"x").without("usr").with_entry("lib/b.py", b"")
    difference = compare_trees(SMALL, new)
    assert difference.added == ("lib", "lib/b.py")
    assert difference.removed == ("usr", "usr/lib", "usr/lib/a.py")
    assert difference.changed == ("main.py",)
    assert difference
    assert not compare_trees(SMALL, SMALL.normal())


def test_compare_when_file_became_directory_then_is_changed():
    assert compare_trees(FileTree.of({"a": b""}), FileTree.of({"a": None})).changed == ("a",)
