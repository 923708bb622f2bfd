"""Two packages part by part, byte by byte, file by file, line by line; and what parts hold."""

from __future__ import annotations

import random

import pytest

import asr_maker
from moduline.errors import FormatError
from moduline.formats import littlefs
from moduline.formats.container import unisoc
from moduline.package import Part, read_package, verify
from moduline.package.comparison import byte_map, changed_bytes, compare_packages
from moduline.package.contents import files_in, files_or_none
from moduline.package.findings import finding
from moduline.package.remedies import remedy_of
from moduline.package.text_difference import SHOWN_LINES, DiffLine, text_difference, text_of
from package_maker import CPIO, small_pac, stock_rows


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [(b"", b"", 0), (b"abc", b"abc", 0), (b"abc", b"abd", 1), (b"abc", b"xyz", 3), (b"abc", b"abcde", 2),
     (b"abcde", b"x", 5), (b"\0\0", b"\0\1", 1), (b"", b"ab", 2)],
)  # fmt: skip
def test_changed_bytes_when_counted_then_as_by_hand(old, new, count):
    assert changed_bytes(old, new) == count


def test_changed_bytes_when_random_then_as_a_loop_says():
    rng = random.Random(3)
    old = rng.randbytes(4000)
    new = bytes(one ^ (rng.random() < 0.2) for one in old)
    assert changed_bytes(old, new) == sum(a != b for a, b in zip(old, new, strict=True))


def test_byte_map_when_one_piece_differs_then_only_that_one():
    old = bytes(96 * 10)
    new = old[:500] + b"\1" * 5 + old[505:]
    shares = byte_map(old, new)
    assert len(shares) == 96
    assert {at: share for at, share in enumerate(shares) if share} == {50: 0.5}
    assert byte_map(b"ab", b"ax") == (0.0, 1.0)
    assert byte_map(b"", b"") == ()


def image(files):
    """A small file system."""
    sizes = littlefs.FsGeometry("lfs1", 4096, asr_maker.U_SIZE // 4096, 4096, 4096)
    return littlefs.write_image(list(files.items()), sizes)


def test_compare_when_scripts_changed_then_the_part_and_the_files_are_named():
    before = image({"main.py": b"print(1)\n", "gone.py": b"a", "same.py": b"s"})
    after = image({"main.py": b"print(2)\n", "new.py": b"bb", "same.py": b"s"})
    packages = [read_package(asr_maker.small_file(customer_fs__bin=one), "a.zip") for one in (before, after)]
    found = {one.name: one for one in compare_packages(*packages)}
    assert {name for name, one in found.items() if one.state != "same"} == {"customer_fs"}
    rows = [(one.path, one.state, one.old_bytes, one.new_bytes) for one in found["customer_fs"].files]
    assert rows == [("gone.py", "removed", 1, 0), ("main.py", "changed", 9, 9), ("new.py", "added", 0, 2)]
    assert found["customer_fs"].changed_bytes == changed_bytes(before, after)


def test_compare_when_parts_come_go_and_move_then_each_is_said():
    rows = stock_rows()
    moved = [(*row[:2], row[2] + 0x1000, *row[3:]) if row[0] == "PS" else row for row in rows if row[0] != "PREPACK"]
    packages = [read_package(unisoc.write(small_pac(one)), "a.pac") for one in (rows, moved)]
    states = {one.name: one.state for one in compare_packages(*packages) if one.state != "same"}
    assert states == {"PS": "moved", "PREPACK": "removed", "XML": "changed"}
    back = {one.name: one.state for one in compare_packages(*reversed(packages)) if one.state != "same"}
    assert back == {"PS": "moved", "PREPACK": "added", "XML": "changed"}


def test_files_when_a_part_holds_some_then_they_are_given():
    found = files_in(Part("PREPACK", "", "cpio", CPIO, 0, 0))
    assert (found.kind, found.files) == ("cpio", {"prepack/example.txt": b"PREPACK FILE EXAMPLE\n"})
    found = files_in(Part("customer_fs", "user_fs", "code", image({"main.py": b"1"}), 0, 0))
    assert (found.kind, found.files, found.disk_version) == ("lfs1", {"main.py": b"1"}, "1.1")
    assert found.used_blocks + 0 < found.block_count == asr_maker.U_SIZE // 4096
    assert files_in(Part("PS", "modem", "code", b"\xe5\x01" * 400, 0, 0)) is None


def test_files_when_damaged_then_an_error_or_none():
    part = Part("PREPACK", "", "cpio", CPIO[:40], 0, 0)
    with pytest.raises(FormatError):
        files_in(part)
    assert files_or_none(part) is None
    assert files_or_none(None) is None


def test_lines_when_a_script_changed_then_what_stands_around_them_too():
    old = b"a = 1\nb = 2\nc = 3\n"
    assert text_difference(old, old.replace(b"2", b"4")) == [
        DiffLine("place", "@@ -1,3 +1,3 @@"),
        DiffLine("same", "a = 1"),
        DiffLine("removed", "b = 2"),
        DiffLine("added", "b = 4"),
        DiffLine("same", "c = 3"),
    ]


def test_lines_when_it_is_no_text_or_very_long_then_none_or_few():
    assert text_difference(b"\0\1", b"a") is None
    assert text_difference(b"\xff\xfe", b"a") is None
    assert text_of("中文\n".encode()) == "中文\n"
    many = "".join(f"{number}\n" for number in range(5000)).encode()
    assert len(text_difference(b"", many)) == SHOWN_LINES


def test_remedy_when_a_package_has_findings_then_each_has_one_in_both_languages():
    package = read_package(unisoc.write(small_pac()), "small.pac", must_check=False)
    for one in [*verify(package), finding("error", "no-such-slug", "", "x", "x")]:
        assert remedy_of(one).en
        assert remedy_of(one).zh
