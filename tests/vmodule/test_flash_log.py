"""What was done to a flash lately: neighbours joined, bounded, asked for by number."""

from __future__ import annotations

import pytest

from moduline.errors import FlashCut
from moduline.nor.faulty import FaultyFlash
from moduline.nor.geometry import Geometry
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.flash_log import RUN_BYTES, FlashLog, FlashNews


def runs(log, since=0, most=99):
    return [(run.first, run.last, run.verb, run.offset, run.end) for run in log.since(since, most).runs]


@pytest.fixture
def flash():
    flash = FaultyFlash(MemoryFlash(Geometry(0x40000)))
    flash.log = FlashLog(kept=4, now=iter(range(100)).__next__)
    flash.on_operation = flash.log.note
    return flash


def test_neighbours_when_done_in_a_row_then_one_run(flash):
    flash.erase(0, 0x1000)
    flash.erase(0x1000, 0x2000)
    flash.program(0, b"a" * 256)
    flash.program(256, b"b" * 10)
    flash.read(266, 4)
    flash.program(266, b"c")
    assert runs(flash.log) == [
        (1, 3, "erase", 0, 0x3000),  # an operation a sector
        (4, 5, "program", 0, 266),
        (6, 6, "read", 266, 270),
        (7, 7, "program", 266, 267),
    ]
    assert [run.at_s for run in flash.log.since(0).runs] == [0, 1, 2, 3]


def test_run_when_it_grew_since_then_given_again_under_its_number(flash):
    flash.program(0, bytes(256))
    assert flash.log.since(0).last == 1
    flash.program(256, bytes(256))
    news = flash.log.since(1)
    assert runs(flash.log, since=1) == [(1, 2, "program", 0, 512)]
    assert (news.last, news.is_gap) == (2, False)
    assert runs(flash.log, since=2) == []
    assert flash.log.since(2) == FlashNews((), 2, is_gap=False)


def test_list_when_full_then_the_oldest_go_and_the_gap_is_told(flash):
    for sector in (0, 2, 4, 6, 8, 10):
        flash.erase(sector * 0x1000, 0x1000)
    news = flash.log.since(0)
    assert [run.first for run in news.runs] == [3, 4, 5, 6]
    assert news.is_gap
    assert not flash.log.since(2).is_gap
    assert [run.first for run in flash.log.since(0, 2).runs] == [5, 6]
    assert flash.log.since(2, 2).is_gap


def test_long_write_when_done_then_runs_of_64_kib(flash):
    for start in range(0, 2 * RUN_BYTES, 0x1000):
        flash.program(start, bytes(0x1000))
    assert runs(flash.log) == [(1, 16, "program", 0, RUN_BYTES), (17, 32, "program", RUN_BYTES, 2 * RUN_BYTES)]


@pytest.mark.parametrize("verb", ["program", "erase"])
def test_operation_when_torn_then_on_the_list_and_when_cut_not(flash, verb):
    act = {"program": lambda: flash.program(0, bytes(256)), "erase": lambda: flash.erase(0, 0x1000)}[verb]
    flash.arm("tear@0:5")
    with pytest.raises(FlashCut):
        act()
    assert [run[2] for run in runs(flash.log)] == [verb]
    flash.power_on()
    flash.arm("cut@0")
    with pytest.raises(FlashCut):
        act()
    assert flash.log.since(0).last == 1


def test_violations_when_refused_then_not_on_the_list(flash):
    flash.program(0, b"\0")
    for wrong in (lambda: flash.program(0, b"\xff"), lambda: flash.erase(1, 0x1000), lambda: flash.read(0x40000, 1)):
        with pytest.raises(Exception, match="flash"):
            wrong()
    assert flash.log.since(0).last == 1
