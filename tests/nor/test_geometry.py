from __future__ import annotations

import pytest

from moduline.nor.geometry import Geometry
from moduline.nor.memory import page_count

CHIP = Geometry(capacity_bytes=16384)


def test_geometry_when_usual_chip_then_counts_sectors():
    assert (CHIP.erase_count, CHIP.erase_bytes, CHIP.page_bytes, CHIP.program_bytes) == (4, 4096, 256, 1)


@pytest.mark.parametrize("sizes", [(10000,), (8192, 4096, 1, 300), (8192, 4096, 3, 256)])
def test_geometry_when_units_do_not_divide_then_refused(sizes):
    with pytest.raises(ValueError, match="multiple"):
        Geometry(*sizes)


@pytest.mark.parametrize(
    ("address", "size", "pages"),
    [
        (0, 0, 0),
        (255, 0, 0),
        (0, 1, 1),
        (0, 256, 1),
        (0, 257, 2),
        (255, 1, 1),
        (255, 2, 2),
        (1, 256, 2),
        (0, 4096, 16),
        (100, 4096, 17),
    ],
)
def test_page_count_when_program_spans_pages_then_counts_each(address, size, pages):
    assert page_count(CHIP, address, size) == pages
