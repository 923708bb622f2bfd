"""littlefs 2 against the interpreter's VfsLfs2 and the library, in both directions."""

from __future__ import annotations

import littlefs
import pytest

from formats.littlefs import trees
from formats.littlefs.churn import churn
from formats.littlefs.oracle import content, judge, summary
from moduline.errors import TooBig
from moduline.formats.littlefs import DISK_2_0, DISK_2_1, FsGeometry, read_image, write_image

GEOMETRIES = [
    (4096, 95, 4096),
    (4096, 96, 32),
    (4096, 50, 256),
    (4096, 32, 32),
    (4096, 16, 32),
    (4096, 1279, 32),
    (4096, 1280, 4096),
    (512, 256, 32),
    (512, 255, 128),
    (1024, 97, 64),
]


def blank(block_bytes: int, count: int) -> bytes:
    return b"\xff" * (block_bytes * count)


def free_blocks_shown(found) -> int:
    """The interpreter's statvfs counts the pair of every directory but the root twice, and does not stop at 0."""
    directories = sum(data is None for _, data in found.entries)
    return (found.geometry.block_count - found.used_blocks - 2 * directories) & 0xFFFFFFFF


@pytest.mark.parametrize(("block_bytes", "count", "unit"), GEOMETRIES)
@pytest.mark.parametrize("disk_version", [DISK_2_0, DISK_2_1])
def test_written_image_when_interpreter_mounts_it_then_shows_the_same_tree(
    tmp_path, block_bytes, count, unit, disk_version
):
    entries = [*trees.small(), *trees.deep(2 if count < 32 else 6)]
    image = write_image(entries, FsGeometry("lfs2", block_bytes, count, unit, unit), disk_version=disk_version)
    found = read_image(image)
    assert found.disk_version == disk_version
    assert (found.geometry.block_bytes, found.geometry.block_count) == (block_bytes, count)
    assert {p: d for p, d in found.entries if d is not None} == {p: d for p, d in entries if d is not None}
    verdict = judge(tmp_path, image, "lfs2", block_bytes=block_bytes, unit=unit)
    assert verdict.tree == summary(found.entries)
    assert verdict.statvfs[3] == free_blocks_shown(found)
    assert verdict.image == image, "looking must not change an image"


def test_written_image_when_written_twice_then_is_the_same():
    geometry = FsGeometry("lfs2", 4096, 200, 32, 32)
    entries = [*trees.many(), *trees.deep(), *trees.limits()]
    assert write_image(entries, geometry) == write_image(list(entries), geometry)


@pytest.mark.parametrize(
    "entries", [trees.limits(), trees.edges(4096), trees.many(150)], ids=["limits", "edges", "many"]
)
def test_written_image_when_tree_is_at_a_limit_then_interpreter_reads_it(tmp_path, entries):
    image = write_image(entries, FsGeometry("lfs2", 4096, 300, 32, 32))
    assert judge(tmp_path, image, "lfs2", block_bytes=4096, unit=32).tree == summary(read_image(image).entries)


@pytest.mark.parametrize("size", [127, 128, 129, 512, 1022, 1023])
def test_written_image_when_file_is_small_then_module_with_small_buffers_reads_it(tmp_path, size):
    """A file inside its directory must not be larger than the buffer of the module that reads it."""
    image = write_image([("small.bin", content(size, 1))], FsGeometry("lfs2", 4096, 16, 32, 32))
    verdict = judge(tmp_path, image, "lfs2", block_bytes=4096, unit=32)
    assert verdict.tree == summary([("small.bin", content(size, 1))])


def test_written_image_when_too_full_then_says_need_and_have():
    geometry = FsGeometry("lfs2", 4096, 32, 32, 32)
    with pytest.raises(TooBig) as full:
        write_image([("big.bin", content(40 * 4096, 1))], geometry)
    need, have = full.value.facts["need"], full.value.facts["have"]
    assert have == 32 * 4096
    assert need > 40 * 4096
    enough = FsGeometry("lfs2", 4096, need // 4096, 32, 32)
    assert read_image(write_image([("big.bin", content(40 * 4096, 1))], enough)).used_blocks == need // 4096


def test_written_image_when_usable_blocks_are_fewer_then_rest_is_blank_and_it_mounts(tmp_path):
    image = write_image(trees.small(), FsGeometry("lfs2", 4096, 32, 32, 32, usable_blocks=20))
    assert image[20 * 4096 :] == b"\xff" * (12 * 4096)
    assert read_image(image).geometry.block_count == 32
    judge(tmp_path, image, "lfs2", block_bytes=4096, unit=32)


def test_written_image_when_interpreter_goes_on_writing_then_stays_whole(tmp_path):
    image = write_image([*trees.deep(), *trees.many(60)], FsGeometry("lfs2", 4096, 128, 32, 32))
    ops = [("write", f"new{i}.bin", (3000 * (i % 4), i)) for i in range(30)]
    ops += [("rename", f"new{i}.bin", f"level0/moved{i}.bin") for i in range(0, 30, 3)]
    ops += [("remove", f"new{i}.bin") for i in range(1, 30, 3)]
    verdict = judge(tmp_path, image, "lfs2", block_bytes=4096, unit=32, ops=ops)
    found = read_image(verdict.image)
    assert verdict.tree == summary(found.entries)
    assert found.disk_version == DISK_2_1, "the interpreter's library upgrades what it writes to"


@pytest.mark.parametrize(
    ("block_bytes", "count", "unit", "seed"),
    [
        (4096, 95, 4096, 1),
        (4096, 96, 32, 2),
        (512, 600, 32, 3),
        (512, 601, 512, 4),
        (4096, 1279, 32, 5),
        (512, 600, 32, 6),
    ],
)
def test_read_when_interpreter_has_lived_in_the_image_then_sees_the_same(tmp_path, block_bytes, count, unit, seed):
    verdict = judge(
        tmp_path,
        blank(block_bytes, count),
        "lfs2",
        block_bytes=block_bytes,
        unit=unit,
        ops=churn(seed, 250),
        do_format=True,
        may_fail=True,
    )
    found = read_image(verdict.image)
    assert verdict.tree == summary(found.entries)
    assert verdict.statvfs[3] == free_blocks_shown(found)
    again = write_image(found.entries, FsGeometry("lfs2", block_bytes, count, unit, unit))
    assert judge(tmp_path, again, "lfs2", block_bytes=block_bytes, unit=unit).tree == summary(found.entries)


def test_read_when_worn_blocks_made_pairs_move_then_sees_the_same(tmp_path):
    image = write_image([*trees.small(), ("usr/sub/deep.py", b"1")], FsGeometry("lfs2", 4096, 64, 32, 32))
    ops = [("write", "usr/sub/again.py", (100, 1)), ("write", "usr/x", (9000, 2)), ("write", "y", (10, 3))] * 40
    verdict = judge(tmp_path, image, "lfs2", block_bytes=4096, unit=32, ops=ops, bad=[2, 3, 4, 5, 9, 12, 13])
    assert verdict.tree == summary(read_image(verdict.image).entries)


@pytest.mark.parametrize("limit", [*range(20), 25, 30])
def test_read_when_device_died_within_a_life_then_sees_what_the_first_write_settles(tmp_path, limit):
    """Until its first write the C code hides entries behind a half-done move; we read what it settles to."""
    image = write_image(trees.small(), FsGeometry("lfs2", 4096, 64, 32, 32))
    ops = [
        ("mkdir", "dir"),
        ("rename", "main.py", "dir/main2.py"),
        ("rename", "usr/empty.txt", "dir/none"),
        ("rename", "dir/main2.py", "usr/data.bin"),
        ("rename", "dir", "usr/dir"),
        ("remove", "usr/dir/none"),
        ("remove", "usr/dir"),
    ]
    dead = judge(tmp_path, image, "lfs2", block_bytes=4096, unit=32, ops=ops, limit=limit, may_fail=True)
    found = read_image(dead.image)
    settle = [("write", "~settled", (1, 1))]
    shown = judge(tmp_path, dead.image, "lfs2", block_bytes=4096, unit=32, ops=settle)
    assert shown.tree == [*summary(found.entries), ("~settled", *summary([("", content(1, 1))])[0][1:])]
    assert summary(read_image(shown.image).entries) == shown.tree
    assert read_image(shown.image).unsettled == 0


def test_read_when_superblock_has_moved_on_then_follows_it(tmp_path):
    """With wear levelling the library moves the root away from blocks 0 and 1."""
    fs = littlefs.LittleFS(block_size=512, block_count=64, read_size=32, prog_size=32, block_cycles=2)
    for number in range(60):
        with fs.open("counter.txt", "w") as stream:
            stream.write(f"{number}" * 30)
        with fs.open(f"file{number % 3}", "w") as stream:
            stream.write("x")
    fs.unmount()
    found = read_image(bytes(fs.context.buffer))
    expected = [("counter.txt", b"59" * 30), ("file0", b"x"), ("file1", b"x"), ("file2", b"x")]
    assert list(found.entries) == expected
