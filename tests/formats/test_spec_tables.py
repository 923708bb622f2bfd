"""H26: the field tables in docs/spec are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from moduline.delta import journal
from moduline.formats import appimg, cpio, inplace, script_patch, sihr, uimage
from moduline.formats.container import asr_fip, asr_flash_list, asr_sparse, asr_table, eigen_binpkg, unisoc

SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec"


@pytest.mark.parametrize(
    ("page", "table"),
    [
        ("pac", unisoc.HEADER),
        ("pac", unisoc.RECORD),
        ("asr-package", asr_table.HEADER),
        ("asr-package", asr_table.SLOT),
        ("asr-package", asr_flash_list.BLOCK),
        ("asr-package", asr_flash_list.DEVICE),
        ("asr-package", asr_fip.HEADER),
        ("asr-package", asr_fip.ENTRY),
        ("asr-package", asr_sparse.HEADER),
        ("asr-package", asr_sparse.CHUNK),
        ("eigen-package", eigen_binpkg.HEADER),
        ("eigen-package", eigen_binpkg.ENTRY),
        ("eigen-package", eigen_binpkg.HEADER_105),
        ("eigen-package", eigen_binpkg.ENTRY_105),
        ("eigen-package", eigen_binpkg.RECORD),
        ("images", uimage.HEADER),
        ("images", sihr.HEADER),
        ("images", appimg.HEADER),
        ("cpio", cpio.HEADER),
        ("in-place", inplace.HEADER),
        ("script-patch", script_patch.HEADER),
        ("in-place", journal.BANK),
    ],
)
def test_spec_when_field_table_is_printed_then_it_is_the_codes(page, table):
    assert table.as_markdown() in (SPEC / f"{page}.md").read_text(encoding="utf-8")
