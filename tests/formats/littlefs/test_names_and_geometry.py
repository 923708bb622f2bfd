"""Which paths and which geometries are allowed, and that any allowed tree survives both kinds."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moduline.errors import BadOption, TooBig
from moduline.formats.littlefs import FsGeometry, complete, read_image, recognise, v1_layout, v2_layout, write_image
from moduline.formats.record import RecordTable

KINDS = ["lfs1", "lfs2"]


def geometry(kind: str, count: int = 64) -> FsGeometry:
    return FsGeometry(kind, 4096, count, 4096 if kind == "lfs1" else 32, 4096 if kind == "lfs1" else 32)


@pytest.mark.parametrize(
    "path", ["", "/", "/main.py", "a/", "a//b", ".", "..", "a/../b", "./a", "a/.", "a\0b", "\ud800x"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_write_when_path_is_not_plain_then_refused(kind, path):
    with pytest.raises(BadOption):
        write_image([(path, b"x")], geometry(kind))


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([("a", b"1"), ("a", b"2")], id="file-twice"),
        pytest.param([("a", None), ("a", None)], id="directory-twice"),
        pytest.param([("a", b"1"), ("a", None)], id="file-then-directory"),
        pytest.param([("a", None), ("a", b"1")], id="directory-then-file"),
        pytest.param([("a/b", b"1"), ("a", b"1")], id="implied-directory-then-file"),
        pytest.param([("a", b"1"), ("a/b", b"1")], id="below-a-file"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_write_when_entries_contradict_then_refused(kind, entries):
    with pytest.raises(BadOption):
        write_image(entries, geometry(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_write_when_name_is_too_long_then_too_big(kind):
    write_image([("n" * 255, b"")], geometry(kind))
    for path in ("n" * 256, "中" * 86, "d/" * 2100 + "x"):
        with pytest.raises(TooBig):
            write_image([(path, b"")], geometry(kind))


def test_write_when_block_cannot_hold_the_name_then_too_big():
    small = FsGeometry("lfs1", 128, 64, 32, 32)
    write_image([("n" * 96, b"x")], small)
    with pytest.raises(TooBig):
        write_image([("n" * 97, b"x")], small)


def test_complete_when_parents_are_implied_then_stand_before_their_content():
    entries = [("a/b/c", b"1"), ("d", b"2"), ("a", None), ("a/b/e", b"3")]
    assert list(complete(entries)) == [("a", None), ("a/b", None), ("a/b/c", b"1"), ("d", b"2"), ("a/b/e", b"3")]


@pytest.mark.parametrize(
    "sizes",
    [
        ("lfs3", 4096, 50, 32, 32),
        ("lfs1", 64, 50, 32, 32),
        ("lfs1", 4096, 3, 32, 32),
        ("lfs2", 4096, 1, 32, 32),
        ("lfs1", 4096, 50, 0, 32),
        ("lfs1", 4096, 50, 48, 32),
        ("lfs1", 4096, 50, 32, 8192),
        ("lfs1", 4096, 50, 32, 32, 51),
        ("lfs1", 4096, 50, 32, 32, 3),
        ("lfs1", 4096, 1 << 20, 32, 32),
    ],
)
def test_geometry_when_sizes_cannot_be_then_refused(sizes):
    with pytest.raises(BadOption):
        FsGeometry(*sizes)


def test_write_when_arguments_do_not_belong_to_the_kind_then_refused():
    for arguments in ({"fill": 0}, {"disk_version": 0x00010001}, {"disk_version": 0x00020002}):
        with pytest.raises(BadOption):
            write_image([], geometry("lfs2"), **arguments)
    with pytest.raises(BadOption):
        write_image([], geometry("lfs1"), disk_version=0x00020000)
    with pytest.raises(BadOption):
        read_image(write_image([], geometry("lfs1")), "fat")


@pytest.mark.parametrize("kind", KINDS)
def test_recognise_when_either_superblock_remains_then_knows_the_kind(kind):
    image = write_image([("a", b"1")], geometry(kind))
    blank = b"\xff" * 4096
    assert recognise(image) == recognise(blank + image[4096:]) == recognise(image[:4096] + blank + image[8192:]) == kind


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda name: name not in {".", ".."}
)
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join), st.none() | st.binary(max_size=9000), max_size=12
)


@pytest.mark.parametrize("kind", KINDS)
@given(tree=TREES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_write_when_tree_is_any_then_reading_gives_it_back(kind, tree):
    try:
        whole = dict(complete(list(tree.items())))
    except BadOption:
        return
    found = read_image(write_image(list(tree.items()), geometry(kind, 128)))
    assert dict(found.entries) == whole
    again = read_image(write_image(found.entries, geometry(kind, 128)))
    assert again == found


TABLES = [
    v1_layout.DIRECTORY_BLOCK,
    v1_layout.ENTRY_HEAD,
    v1_layout.FILE_PLACE,
    v1_layout.DIRECTORY_PLACE,
    v1_layout.SUPERBLOCK,
    v2_layout.SUPERBLOCK,
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_field_when_at_minimum_middle_maximum_then_stands_at_its_place(table: RecordTable, share: float):
    zero = table.unpack(bytes(table.total_bytes))
    for number, field in enumerate(table.fields):
        bits = 8 if field.kind == "u8" else 32
        value = int((2**bits - 1) * share)
        at = table.offsets[field.name]
        end = [*(table.offsets[f.name] for f in table.fields), table.total_bytes][number + 1]
        packed = table.pack(zero | {field.name: (value, value) if "[" in field.kind else value})
        piece = value.to_bytes(bits // 8, "little") * (2 if "[" in field.kind else 1)
        assert packed == bytes(at) + piece + bytes(table.total_bytes - end)
        assert table.pack(table.unpack(packed)) == packed


@pytest.mark.parametrize(
    ("block_bytes", "read_bytes", "program_bytes"),
    [
        (128, 1, 1),
        (128, 128, 128),
        (480, 96, 96),
        (480, 96, 32),
        (384, 32, 48),
        (4096, 4096, 1),
        (4096, 16, 4096),
        (131, 1, 131),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_write_when_units_are_unusual_then_image_is_whole(kind, block_bytes, read_bytes, program_bytes):
    """The library stops the process when its buffers do not divide a block; the geometry must never lead there."""
    odd = FsGeometry(kind, block_bytes, 200, read_bytes, program_bytes)
    entries = [("a", b"1" * 900), ("b/c", b""), ("b/d", b"2" * 70)]
    assert dict(read_image(write_image(entries, odd)).entries) == {"b": None, **dict(entries)}


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_write_when_littlefs_2_is_tiny_then_fits_or_is_too_big(count):
    tiny = FsGeometry("lfs2", 4096, count, 32, 32)
    assert read_image(write_image([("a", b"1")], tiny)).entries == (("a", b"1"),)
    with pytest.raises(TooBig):
        write_image([("a", b"1" * 4096 * count)], tiny)
