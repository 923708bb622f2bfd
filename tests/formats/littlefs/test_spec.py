"""H26: docs/spec/littlefs-v1.md says what the code does: field tables, example, rules."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from moduline.formats.littlefs import FsGeometry, v1_layout, write_image

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "spec" / "littlefs-v1.md").read_text(encoding="utf-8")
TABLES = [
    v1_layout.DIRECTORY_BLOCK,
    v1_layout.ENTRY_HEAD,
    v1_layout.FILE_PLACE,
    v1_layout.DIRECTORY_PLACE,
    v1_layout.SUPERBLOCK,
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_spec_when_field_table_is_printed_then_it_is_the_codes(table):
    assert table.as_markdown() in PAGE


def test_spec_when_example_is_compared_then_bytes_are_the_writers():
    entries = [("usr", None), ("main.py", b"print('hi')\n"), ("usr/b.bin", b"A" * 10000)]
    image = write_image(entries, FsGeometry("lfs1", 4096, 50, 4096, 4096))
    lines = re.findall(r"^([0-9a-f]{6})  ((?:[0-9a-f]{2} ?)+) ", PAGE, re.MULTILINE)
    assert len(lines) == 15
    for at, digits in lines:
        piece = bytes.fromhex(digits)
        assert image[int(at, 16) :][: len(piece)] == piece, at


def test_spec_when_rules_are_listed_then_they_are_the_readers():
    listed = set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE))
    folder = ROOT / "src" / "moduline" / "formats" / "littlefs"
    written = set()
    for name in ("blocks.py", "v1_reader.py"):
        for node in ast.walk(ast.parse((folder / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "broken":
                written.add(node.args[2].value)
            elif isinstance(node, ast.keyword) and node.arg == "rule" and isinstance(node.value, ast.Constant):
                written.add(node.value.value)
    assert listed == written
