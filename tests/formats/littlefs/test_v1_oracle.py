"""littlefs 1 against the interpreter's VfsLfs1 (the same C code as on modules), in both directions."""

from __future__ import annotations

import pytest

from formats.littlefs import trees
from formats.littlefs.churn import churn
from formats.littlefs.oracle import content, judge, summary
from moduline.errors import TooBig
from moduline.formats.littlefs import FsGeometry, read_image, write_image

GEOMETRIES = [
    (4096, 95, 4096),
    (4096, 96, 32),
    (4096, 50, 4096),
    (4096, 32, 32),
    (4096, 16, 4096),
    (4096, 1279, 4096),
    (4096, 1280, 32),
    (512, 256, 32),
    (512, 255, 128),
    (1024, 97, 64),
]


def blank(block_bytes: int, count: int) -> bytes:
    return b"\xff" * (block_bytes * count)


@pytest.mark.parametrize(("block_bytes", "count", "unit"), GEOMETRIES)
@pytest.mark.parametrize("tree", ["small", "deep"])
def test_written_image_when_interpreter_mounts_it_then_shows_the_same_tree(tmp_path, block_bytes, count, unit, tree):
    entries = trees.small() if tree == "small" else trees.deep(2 if count < 32 else 6)
    geometry = FsGeometry("lfs1", block_bytes, count, unit, unit)
    image = write_image(entries, geometry)
    verdict = judge(tmp_path, image, "lfs1", block_bytes=block_bytes, unit=unit)
    assert verdict.tree == summary(read_image(image).entries)
    assert {p: s for p, s, _ in verdict.tree if s is not None} == {p: len(d) for p, d in entries if d is not None}
    assert verdict.statvfs[3] == count - read_image(image).used_blocks
    assert verdict.image == image, "looking must not change an image"


@pytest.mark.parametrize(("block_bytes", "count", "unit"), GEOMETRIES)
def test_written_image_when_interpreter_makes_the_same_tree_then_is_byte_identical(tmp_path, block_bytes, count, unit):
    """The strongest oracle: block numbers, generations, pointers, stale halves, padding."""
    files = [
        ("top.py", (700, 1)),
        ("empty", (0, 0)),
        ("lib/a.py", (block_bytes * 2 + 5, 2)),
        ("lib/deep/b.bin", (9, 3)),
    ]
    files += [
        (f"lib/some_longer_name_to_fill_a_block_{i:03}", (i % 2, i))
        for i in range(1 if count < 32 else 12 if count < 64 else 120)
    ]
    entries = [(path, content(*spec)) for path, spec in files]
    ops = [("write", path, spec) for path, spec in files]
    ops.insert(2, ("mkdir", "lib"))
    ops.insert(4, ("mkdir", "lib/deep"))
    verdict = judge(
        tmp_path, blank(block_bytes, count), "lfs1", block_bytes=block_bytes, unit=unit, ops=ops, do_format=True
    )
    assert write_image(entries, FsGeometry("lfs1", block_bytes, count, unit, unit)) == verdict.image


@pytest.mark.parametrize("unit", [32, 4096])
def test_written_image_when_names_are_at_the_limit_then_interpreter_reads_them(tmp_path, unit):
    image = write_image(trees.limits(), FsGeometry("lfs1", 4096, 96, unit, unit))
    assert judge(tmp_path, image, "lfs1", block_bytes=4096, unit=unit).tree == summary(read_image(image).entries)


@pytest.mark.parametrize("block_bytes", [512, 4096])
def test_written_image_when_file_ends_at_block_edges_then_interpreter_reads_them(tmp_path, block_bytes):
    image = write_image(trees.edges(block_bytes), FsGeometry("lfs1", block_bytes, 96, 32, 32))
    verdict = judge(tmp_path, image, "lfs1", block_bytes=block_bytes, unit=32)
    assert verdict.tree == summary(trees.edges(block_bytes)) == summary(read_image(image).entries)


def test_written_image_when_directories_take_several_blocks_then_order_is_kept(tmp_path):
    entries = trees.many(200)
    image = write_image(entries, FsGeometry("lfs1", 4096, 400, 4096, 4096))
    verdict = judge(tmp_path, image, "lfs1", block_bytes=4096)
    assert verdict.tree == summary(read_image(image).entries)
    top = [path for path, _, _ in verdict.tree if "/" not in path]
    assert top == list(dict.fromkeys(path.partition("/")[0] for path, _ in entries))


def test_written_image_when_large_then_interpreter_reads_every_byte(tmp_path):
    entries = [(f"d{i % 7}/f{i}.bin", content(i * 200, i)) for i in range(200)]
    entries.append(("large.bin", content(300_000, 7)))
    geometry = FsGeometry("lfs1", 4096, 1280, 4096, 4096, usable_blocks=1279)
    image = write_image(entries, geometry)
    verdict = judge(tmp_path, image, "lfs1", block_bytes=4096, block_count=1279)
    assert verdict.tree == summary(read_image(image).entries)


def test_written_image_when_full_then_fits_exactly_and_one_byte_more_does_not(tmp_path):
    """A device that drives one block less than the partition has: the content ends just before it."""
    geometry = FsGeometry("lfs1", 4096, 50, 4096, 4096, usable_blocks=49)
    room = 4096 + sum(4096 - 4 * ((i & -i).bit_length()) for i in range(1, 45))  # 4 of 49 blocks are directories
    image = write_image([("full.bin", content(room, 3))], geometry)
    assert image[49 * 4096 :] == b"\xff" * 4096
    verdict = judge(tmp_path, image, "lfs1", block_bytes=4096, block_count=49)
    assert verdict.tree == summary(read_image(image).entries)
    assert verdict.statvfs[3] == 0
    with pytest.raises(TooBig) as full:
        write_image([("full.bin", content(room + 1, 3))], geometry)
    assert (full.value.facts["need"], full.value.facts["have"]) == (50 * 4096, 49 * 4096)


def test_written_image_when_interpreter_goes_on_writing_then_stays_whole(tmp_path):
    """The thread of directories is right: deorphaning and finding free blocks walk it before the first write."""
    entries = [*trees.deep(), *trees.many(60), *trees.small()]
    image = write_image(entries, FsGeometry("lfs1", 4096, 128, 4096, 4096, usable_blocks=127))
    ops = [("remove", "level0/level1/level2/level3/level4/level5/here.py")]
    ops += [("remove", "level0/level1/level2/level3/level4/level5")]
    ops += [("write", f"usr/new{i}.bin", (3000 * (i % 4), i)) for i in range(30)]
    ops += [("rename", f"usr/new{i}.bin", f"level0/moved{i}.bin") for i in range(0, 30, 3)]
    ops += [("remove", f"usr/new{i}.bin") for i in range(1, 30, 3)]
    ops += [("append", "main.py", (5000, 9)), ("mkdir", "usr/late"), ("write", "usr/late/x", (20000, 5))]
    verdict = judge(tmp_path, image, "lfs1", block_bytes=4096, block_count=127, ops=ops)
    found = read_image(verdict.image)
    assert verdict.tree == summary(found.entries)
    assert verdict.statvfs[3] == 127 - found.used_blocks
    before = {path: data for path, data in entries if data is not None and path.startswith("a_rather")}
    assert before.items() <= dict(found.entries).items()


@pytest.mark.parametrize(
    ("block_bytes", "count", "unit", "seed"),
    [(4096, 95, 4096, 1), (4096, 96, 32, 2), (512, 600, 32, 3), (512, 601, 512, 4), (4096, 1279, 4096, 5)],
)
def test_read_when_interpreter_has_lived_in_the_image_then_sees_the_same(tmp_path, block_bytes, count, unit, seed):
    verdict = judge(
        tmp_path,
        blank(block_bytes, count),
        "lfs1",
        block_bytes=block_bytes,
        unit=unit,
        ops=churn(seed, 200),
        do_format=True,
        may_fail=True,
    )
    found = read_image(verdict.image)
    assert verdict.tree == summary(found.entries)
    assert verdict.statvfs[3] == count - found.used_blocks
    geometry = FsGeometry("lfs1", block_bytes, count, unit, unit)
    again = write_image(found.entries, geometry)
    assert judge(tmp_path, again, "lfs1", block_bytes=block_bytes, unit=unit).tree == summary(found.entries)


def test_read_when_worn_blocks_made_pairs_move_then_sees_the_same(tmp_path):
    """Blocks that do not take what is written make littlefs move directories and repair the thread."""
    entries = [*trees.small(), ("usr/sub/deep.py", b"1")]
    image = write_image(entries, FsGeometry("lfs1", 4096, 64, 32, 32))
    ops = [("write", "usr/sub/again.py", (100, 1)), ("write", "usr/x", (9000, 2)), ("write", "y", (10, 3))] * 4
    verdict = judge(tmp_path, image, "lfs1", block_bytes=4096, unit=32, ops=ops, bad=[2, 4, 5, 9, 12, 13, 20])
    assert verdict.tree == summary(read_image(verdict.image).entries)
    assert {"usr/sub/again.py", "usr/x", "y"} <= {path for path, _, _ in verdict.tree}


@pytest.mark.parametrize("limit", [*range(24), 30, 40])
def test_read_when_device_died_within_a_life_then_sees_what_a_mount_shows(tmp_path, limit):
    """Half-done creations, renames and removals: the reader shows what the next mount would show."""
    image = write_image(trees.small(), FsGeometry("lfs1", 4096, 64, 4096, 4096))
    ops = [
        ("mkdir", "dir"),
        ("rename", "main.py", "dir/main2.py"),
        ("rename", "usr/empty.txt", "dir/none"),
        ("rename", "dir/main2.py", "usr/data.bin"),
        ("rename", "dir", "usr/dir"),
        ("remove", "usr/dir/none"),
        ("remove", "usr/dir"),
    ]
    dead = judge(tmp_path, image, "lfs1", block_bytes=4096, ops=ops, limit=limit, may_fail=True)
    shown = judge(tmp_path, dead.image, "lfs1", block_bytes=4096)
    assert shown.tree == summary(read_image(dead.image).entries)
