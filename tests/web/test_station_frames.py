"""What the browser is told of a gang: complete at first, then only what changed; words in both languages."""

from __future__ import annotations

import json

import pytest

from moduline.burn import BurnRecord
from moduline.events import Notice, Progress, Step
from moduline.line.board import Board, Head
from moduline.line.next_action import next_action
from moduline.web.station.frames import Frames, clock


def state(slot, word, **facts):
    return Notice("slot.state", slot, {"state": word, **facts})


class Line:
    """A board and a browser that looks at it."""

    def __init__(self, slots=("A1", "A2"), lang="en"):
        self.board, self.frames, self.now = Board(Head(started=0.0), slots), Frames(lang), 0.0

    def after(self, *events, seconds=0.1):
        self.now += seconds
        for event in events:
            (self.board.finished if isinstance(event, BurnRecord) else self.board.take)(event, self.now)
        slots = self.board.slots(self.now)
        return self.frames.changes(slots, self.board.totals(self.now), next_action(slots))


def record(slot, outcome, **facts):
    return BurnRecord(
        id=f"{slot}-{outcome}", slot=slot, place=slot, imei="868888777766665", outcome=outcome, started=1.0, ended=9.0,
        seconds=8.0, **facts,
    )  # fmt: skip


def test_browser_when_it_looks_first_then_everything_is_told():
    told = Line().after()
    assert told["order"] == ["A1", "A2"]
    assert told["slots"]["A1"] == {
        "k": "empty", "i": "radio_button_unchecked", "w": "empty", "u": "", "p": -1, "m": "", "s": "", "e": "",
        "h": "put a unit in", "n": 0,
    }  # fmt: skip
    assert told["top"]["say"] == "Put a module into slot A1, A2"


def test_browser_when_nothing_happens_then_nothing_is_told():
    line = Line()
    line.after()
    assert line.after(seconds=0.0) == {}


def test_browser_when_a_bar_moves_then_that_number_alone():
    line = Line()
    line.after(Step("burn.enter", "begin", "A1"), Step("burn.AP", "begin", "A1", {"part": "AP", "verb": "write"}))
    told = line.after(Progress("burn", 46, 100, "A1"), seconds=0.0)
    assert told == {"slots": {"A1": {"p": 46}}}
    assert line.after(Progress("burn", 46, 100, "A1"), seconds=0.0) == {}


@pytest.mark.parametrize(
    ("lang", "word", "under", "hand"), [("en", "PASS", "", "take it out"), ("zh", "PASS", "通过", "请取出")]
)
def test_slot_when_it_passed_then_big_word_and_what_to_do(lang, word, under, hand):
    line = Line(lang=lang)
    line.after(Step("burn.enter", "begin", "A1"))
    told = line.after(record("A1", "PASS"))["slots"]["A1"]
    assert (told["k"], told["w"], told.get("u", ""), told["h"], told["m"]) == ("pass", word, under, hand, "6665")
    assert told["i"] == "check_circle"


def test_slot_when_it_failed_then_the_failure_in_a_sentence_with_its_code():
    line = Line()
    line.after(Step("burn.enter", "begin", "A1"))
    failed = record("A1", "FAIL", error_code="ML-E0602", error_message="no answer", tries=2)
    told = line.after(failed)
    slot = told["slots"]["A1"]
    assert (slot["k"], slot["w"], slot["n"]) == ("fail", "FAIL", 2)
    assert slot["e"].endswith("(ML-E0602)")
    assert (told["top"]["done"], told["top"]["failed"], told["top"]["yield"]) == (1, 1, "0.0 %")
    assert told["top"]["act"] == "bad"


def test_slot_when_its_unit_lost_power_then_it_is_no_quiet_waiting():
    line = Line()
    line.after(Step("burn.enter", "begin", "A1"))
    line.after(record("A1", "FAIL", error_code="ML-E0601", error_message="gone"))
    told = line.after(state("A1", "waiting"))["slots"]["A1"]
    assert (told["k"], told["w"], told["i"]) == ("again", "waiting", "power_settings_new")


def test_slot_when_the_boot_pin_is_wanted_then_it_calls():
    line = Line()
    line.after(Step("burn.enter", "begin", "A1"))
    told = line.after(Notice("burn.hold-boot-pin", "A1", {"seconds": 10.0}))
    assert (told["slots"]["A1"]["k"], told["slots"]["A1"]["w"], told["top"]["act"]) == ("call", "BOOT", "call")


def test_slot_when_its_state_is_not_known_here_then_its_own_word():
    told = Line().after(state("A1", "dancing"))["slots"]["A1"]
    assert (told["k"], told["w"]) == ("wait", "dancing")


def test_slots_when_another_appears_then_the_new_order_and_it_whole():
    line = Line()
    line.after()
    told = line.after(state("A3", "empty"))
    assert told["order"] == ["A1", "A2", "A3"]
    assert set(told["slots"]) == {"A1", "A2", "A3"}


def test_message_when_sixteen_slots_move_at_once_then_it_stays_small():
    slots = [f"A{number}" for number in range(1, 17)]
    line = Line(slots)
    begins = [Step("burn.AP", "begin", slot, {"part": "AP", "verb": "write"}) for slot in slots]
    line.after(*[Step("burn.enter", "begin", slot) for slot in slots], *begins)
    told = line.after(*[Progress("burn", 460, 1000, slot) for slot in slots])
    assert len(json.dumps(told)) < 700


def test_clock_when_hours_pass_then_as_people_write_them():
    assert [clock(seconds) for seconds in (0, 65.9, 3600 + 62, -5)] == ["0:00:00", "0:01:05", "1:01:02", "0:00:00"]
