"""The board of a gang: typed sequences of events and records, in order and out of it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from moduline.burn.record import BurnRecord, CheckResult
from moduline.errors import Text, leaves
from moduline.events import Notice, Progress, Step
from moduline.line import board_words
from moduline.line.board import LOG_LINES, MOST, Board, Head
from moduline.line.slot import AT_WORK, State

IMEI = "868888777766665"


def state(name, slot="A1", **facts):
    return Notice("slot.state", slot, {"state": name, "imei": "", "tries": 0, "reason": "", "left": 0} | facts)


def begin(name, slot="A1", **facts):
    return Step(name, "begin", slot, facts)


def progress(done, total=1000, slot="A1"):
    return Progress("burn", done, total, slot)


def record(outcome="PASS", number=1, slot="A1", **facts):
    known = {"place": "1-2", "imei": IMEI, "seconds": 12.5}
    return BurnRecord(id=f"{slot}-{number}", outcome=outcome, slot=slot, **known | facts)


def board_of(*events, slots=("A1",), **options):
    """A board that took events at the given times, as (time, event or record)."""
    board = Board(Head(started=0.0), slots, **options)
    for now, event in events:
        take(board, event, now)
    return board


def take(board, event, now):
    if isinstance(event, BurnRecord):
        board.finished(event, now)
    else:
        board.take(event, now)


def view(board, now, slot="A1"):
    (found,) = [one for one in board.slots(now) if one.slot == slot]
    return found


def whole_try(outcome="PASS", number=1, at=0.0, **facts):
    """What the engine tells of one try, as it tells it."""
    ends = {"PASS": "passed", "FAIL": "failed", "REFUSED": "refused", "ERROR": "broken", "ABORTED": "aborted"}
    return [
        (at + 1, state("settling")),
        (at + 2, state("asking", tries=1)),
        (at + 2, progress(0)),
        (at + 2, begin("burn.enter", port="usb:1-2")),
        (at + 4, state("burning", tries=1)),
        (at + 4, Step("burn.enter", "done", "A1", {"imei": IMEI, "model": "EG915U"})),
        (at + 4, begin("burn.SYSTEM", part="SYSTEM", verb="write", bytes=1000)),
        (at + 5, progress(300)),
        (at + 6, progress(600)),
        (at + 7, Step("burn.SYSTEM", "done", "A1", {"part": "SYSTEM", "verb": "write"})),
        (at + 7, state("checking", tries=1)),
        (at + 7, begin("burn.check")),
        (at + 8, progress(999)),
        (at + 9, state(ends[outcome], tries=1, imei=IMEI, reason=facts.get("error_code", ""))),
        (at + 9, record(outcome, number, **facts)),
    ]


# ---- one slot -------------------------------------------------------------------------------------------------------


def test_slot_when_nothing_was_heard_then_it_is_empty_and_says_what_to_do():
    (one,) = Board(Head(), ["A1"]).slots(0.0)
    assert (one.state, one.word.en, one.word.zh, one.share, one.tries) == ("empty", "empty", "空", 0.0, 0)
    assert (one.next.en, one.next.zh) == ("put a unit in", "请放入模组")


def test_slot_when_a_try_goes_on_then_every_field_tells_of_it():
    one = view(board_of(*whole_try()[:9]), 6.0)
    assert (one.state, one.word.zh, one.is_at_work) == ("burning", "烧录", True)
    assert (one.step.en, one.step.zh) == ("writing SYSTEM", "写入 SYSTEM")
    assert (one.share, one.seconds, one.imei_tail, one.model, one.tries) == (0.6, 4.0, "6665", "EG915U", 1)
    assert one.next.en == "do not unplug"
    assert [(step.text.en, step.state, step.seconds) for step in one.steps] == [
        ("into download mode", "done", 2.0),
        ("writing SYSTEM", "begin", 2.0),
    ]
    assert [line.text.en for line in one.log] == ["into download mode", "writing SYSTEM"]


def test_slot_when_the_unit_has_passed_then_whole_and_to_be_taken_out():
    one = view(board_of(*whole_try()), 60.0)
    assert (one.state, one.word.en, one.share, one.seconds, one.speed) == ("passed", "PASS", 1.0, 12.5, 0.0)
    assert (one.last, one.passed, one.done, one.next.en) == ("PASS", 1, 1, "take it out")
    assert one.record is not None
    assert one.record.id == "A1-1"


def test_slot_when_the_unit_failed_then_the_error_and_its_remedy_stand_in_both_languages():
    facts = {"part": "SYSTEM", "answer": "0x8B", "what": "MIDST_DATA"}
    one = view(board_of(*whole_try("FAIL", error_code="ML-E0901", error_facts=facts)), 60.0)
    assert (one.state, one.error_code) == ("failed", "ML-E0901")
    assert one.error.en == "SYSTEM: module answered 0x8B to MIDST_DATA"
    assert "SYSTEM" in one.error.zh
    assert one.error.zh != one.error.en
    assert one.hint.en
    assert one.share < 1.0
    assert [step.state for step in one.steps] == ["done", "done", "open"]


def test_slot_when_a_fact_of_the_error_is_a_text_then_each_language_gets_its_own():
    facts = {"what": Text("the AT port", "AT 口"), "seconds": 60.0}
    one = view(board_of((1, record("FAIL", error_code="ML-E0602", error_facts=facts))), 2.0)
    assert "the AT port" in one.error.en
    assert "AT 口" in one.error.zh


def test_slot_when_the_error_is_of_a_newer_engine_then_its_own_message_is_shown():
    one = view(board_of((1, record("FAIL", error_code="ML-E0999", error_message="cosmic {rays}"))), 2.0)
    assert (one.error.en, one.error.zh, one.hint.en) == ("cosmic {rays}", "cosmic {rays}", "")


def test_slot_when_the_operator_stopped_it_then_both_languages_say_so():
    one = view(board_of((1, record("ABORTED", error_message="stopped by the operator"))), 2.0)
    assert (one.state, one.error.en, one.error.zh) == ("aborted", "stopped by the operator", "操作员中止")


def test_slot_when_the_state_is_unknown_then_its_word_is_shown():
    one = view(board_of((1, state("polishing"))), 2.0)
    assert (one.state, one.word.en, one.word.zh, one.next.en) == ("polishing", "polishing", "polishing", "")


def test_slot_when_the_boot_pin_is_wanted_then_the_operator_sees_the_seconds_left():
    pin = Notice("burn.hold-boot-pin", "A1", {"place": "1-2", "seconds": 30.0})
    board = board_of((0, begin("burn.enter")), (10, pin))
    assert view(board, 18.0).next.en == "hold the BOOT pin and power it again (22 s)"
    assert (view(board, 18.0).is_calling, view(board, 41.0).is_calling) == (True, False)
    assert view(board, 18.0).next.zh.startswith("请按住 BOOT")
    assert view(board, 41.0).next.en == "do not unplug"


def test_slot_when_the_functional_test_failed_then_its_results_are_there():
    checks = (CheckResult("signal", "fail", "4", ">= 12", 3.1, "too weak"),)
    assert view(board_of((1, record("FAIL", error_code="ML-E1105", checks=checks))), 2.0).checks == checks


def test_slot_when_the_unit_is_taken_out_then_empty_and_the_last_outcome_is_remembered():
    one = view(board_of(*whole_try(), (20, state("empty"))), 21.0)
    assert (one.state, one.imei, one.tries, one.share, one.last, one.error_code) == ("empty", "", 0, 0.0, "PASS", "")


def test_slot_when_it_is_tried_again_by_itself_then_the_error_stays_until_the_next_try_begins():
    events = [*whole_try("FAIL", error_code="ML-E0602"), (10, state("pausing", reason="ML-E0602", left=1, tries=1))]
    board = board_of(*events)
    assert (view(board, 11).state, view(board, 11).error_code) == ("pausing", "ML-E0602")
    board.take(state("asking", tries=2), 12)
    board.take(begin("burn.enter"), 12)
    assert (view(board, 12).error_code, view(board, 12).tries, view(board, 12).share) == ("", 2, 0.0)


def test_slot_when_it_has_passed_already_then_the_reason_is_said_in_words():
    one = view(board_of((1, state("passed", imei=IMEI, reason="already-passed"))), 2.0)
    assert (one.state, one.step.en, one.step.zh, one.imei_tail) == (
        "passed",
        "has passed already",
        "此前已通过",
        "6665",
    )


def test_speed_when_bytes_move_then_content_per_second_and_nothing_once_they_stop():
    events = [(0, begin("burn.enter")), (1, state("burning"))]
    events += [(at, progress(at * 100_000, 10_000_000)) for at in range(2, 8)]
    board = board_of(*events, content_share=0.5)
    assert view(board, 7.0).speed == pytest.approx(200_000)
    assert view(board, 9.5).speed < 200_000
    assert view(board, 13.0).speed == 0.0


def test_log_when_very_much_is_said_then_only_the_end_is_kept():
    notices = [(at, Notice("burn.odd", "A1", {"n": at})) for at in range(LOG_LINES + 50)]
    one = view(board_of(*notices), 1e6)
    assert len(one.log) == LOG_LINES
    assert one.log[-1].text.en == f"burn.odd n={LOG_LINES + 49}"


# ---- hostile order --------------------------------------------------------------------------------------------------


def test_share_when_events_are_doubled_and_late_then_it_never_falls_and_never_waits_at_the_end():
    board = board_of(*whole_try()[:6])
    seen = []
    for done in (100, 100, 50, 700, 650, -5, 1000, 1000, 4000, 900):
        board.take(progress(done), 5.0)
        seen.append(view(board, 5.0).share)
    assert seen == sorted(seen)
    assert seen[-1] == MOST


@pytest.mark.parametrize("event", [progress(10, 0), progress(10, -4), Progress("verify", 9, 9, "A1")])
def test_share_when_the_count_means_nothing_then_it_stays(event):
    board = board_of(*whole_try()[:9], (6, event))
    assert view(board, 6.0).share == 0.6


def test_slot_when_the_past_is_told_after_the_end_then_nothing_changes():
    board = board_of(*whole_try())
    before = view(board, 20.0)
    for event in (progress(100), begin("burn.SYSTEM", part="SYSTEM"), Step("burn.check", "done", "A1"), progress(1000)):
        board.take(event, 15.0)
    assert view(board, 20.0) == before


def test_record_when_it_comes_twice_then_it_counts_once():
    board = board_of(*whole_try(), (30, record()), (31, record()))
    assert (board.totals(40).tries, board.totals(40).passed, view(board, 40).done) == (1, 1, 1)


def test_record_when_it_is_still_running_or_of_no_known_outcome_then_it_changes_nothing():
    board = board_of((1, record("RUNNING")), (2, record("SPLENDID", 2)))
    assert (view(board, 3).state, board.totals(3).tries) == ("empty", 0)


def test_record_when_it_comes_before_its_state_then_the_state_changes_no_word_of_it():
    events = whole_try("FAIL", error_code="ML-E0901", error_facts={"part": "S", "answer": "a", "what": "w"})
    swapped = [*events[:-2], events[-1], events[-2]]
    assert view(board_of(*swapped), 20) == view(board_of(*events), 20)


def test_record_when_it_comes_after_the_next_try_began_then_it_is_counted_and_the_try_goes_on():
    late = record("FAIL", 1, ended=900.0)
    board = board_of((1000, begin("burn.enter")), (1001, state("burning")), (1001, progress(500)), (1002, late))
    one = view(board, 1003)
    assert (one.state, one.share, one.last, one.error_code) == ("burning", 0.5, "FAIL", "")
    assert board.totals(1003).failed == 1


def test_record_when_it_comes_after_the_unit_was_taken_out_then_the_slot_stays_empty():
    events = whole_try("FAIL", error_code="ML-E0901")
    board = board_of(*events[:-1], (10, state("empty")), (11, events[-1][1]))
    assert (view(board, 12).state, view(board, 12).last, view(board, 12).imei) == ("empty", "FAIL", "")


def test_record_when_the_slot_waits_for_power_then_it_goes_on_waiting_with_the_error():
    events = whole_try("FAIL", error_code="ML-E0602", error_facts={"what": "x", "seconds": 1})
    board = board_of(*events[:-1], (10, state("waiting", reason="ML-E0602")), (11, events[-1][1]))
    assert (view(board, 12).state, view(board, 12).error_code) == ("waiting", "ML-E0602")


def test_slot_when_nobody_named_it_then_it_is_added_in_the_order_people_count():
    board = Board(Head(), ["A10", "A2"])
    board.take(begin("burn.enter", "B1"), 1.0)
    board.finished(record(slot="", number=7, place="1-4.2"), 1.0)
    assert [one.slot for one in board.slots(1.0)] == ["1-4.2", "A2", "A10", "B1"]


def test_notice_when_it_names_no_slot_then_it_is_kept_for_the_whole_gang():
    board = board_of((1, Notice("gang.odd", facts={"n": 1})), (2, Step("gang.x", "begin")))
    assert [line.text.en for line in board.log()] == ["gang.odd n=1"]
    assert [one.slot for one in board.slots(2)] == ["A1"]


@pytest.mark.parametrize(
    "facts", [{}, {"state": ""}, {"state": None}, {"state": "empty", "tries": "many", "left": None}]
)
def test_state_when_its_facts_are_odd_then_the_slot_stays_as_it_is(facts):
    assert view(board_of((1, Notice("slot.state", "A1", facts))), 2.0).state == "empty"


@pytest.mark.parametrize("tries", [float("nan"), float("inf"), -3, "2", None])
def test_state_when_the_number_of_tries_is_odd_then_it_is_not_shown(tries):
    assert view(board_of((1, state("failed", tries=tries))), 2.0).tries == 0


@pytest.mark.parametrize("seed", range(40))
def test_board_when_events_come_in_any_order_then_what_it_promises_holds(seed):
    """Shares never fall within a try, 1 means passed, ended slots have no speed, totals never lose a record."""
    dice = random.Random(seed)
    events = [event for at in range(4) for _, event in whole_try(dice.choice(["PASS", "FAIL", "ERROR"]), at)]
    events += [state(dice.choice([*board_words.STATES, "odd"])) for _ in range(20)]
    events += [begin(name) for name in ("burn.enter", "burn.enter", "burn.x", "burn.examine")] * 3
    dice.shuffle(events)
    board, before = Board(Head(), ["A1"]), None
    for now, event in enumerate(events):
        take(board, event, float(now))
        one = view(board, float(now))
        assert 0.0 <= one.share <= 1.0
        assert (one.share == 1.0) <= (one.state in {"passed", "settling", "waiting", "pausing", "odd"})
        assert one.speed >= 0.0
        assert one.seconds >= 0.0
        assert one.is_at_work or one.speed == 0.0
        if before is not None and before.is_at_work and one.is_at_work and one.steps[:1] == before.steps[:1]:
            assert one.share >= before.share
        before = one
    assert board.totals(1e4).tries == 4


# ---- totals ---------------------------------------------------------------------------------------------------------


def test_totals_when_a_unit_passes_at_its_second_try_then_it_is_one_good_unit():
    board = board_of((10, record("FAIL", 1)), (60, record("PASS", 2)))
    totals = board.totals(60)
    assert (totals.units, totals.passed, totals.failed, totals.tries) == (1, 1, 0, 2)
    assert (totals.final_yield, totals.per_hour, totals.seconds) == (1.0, 60.0, 60.0)


def test_totals_when_the_first_try_knew_no_imei_then_it_is_the_same_unit():
    board = board_of((10, record("FAIL", 1, imei="")), (60, record("PASS", 2)))
    assert (board.totals(60).units, board.totals(60).passed) == (1, 1)


def test_totals_when_units_end_differently_then_each_counts_where_it_belongs():
    outcomes = ["PASS", "PASS", "FAIL", "REFUSED", "ERROR", "ABORTED"]
    board = board_of(*[(100, record(outcome, n, imei=str(n))) for n, outcome in enumerate(outcomes)])
    totals = board.totals(100)
    assert (totals.passed, totals.failed, totals.refused, totals.errors, totals.aborted) == (2, 1, 1, 1, 1)
    assert totals.final_yield == pytest.approx(2 / 5)


def test_totals_when_a_good_unit_is_aborted_later_then_its_verdict_stays():
    board = board_of((10, record("PASS", 1)), (20, record("ABORTED", 2)))
    assert (board.totals(60).passed, board.totals(60).aborted, board.totals(60).final_yield) == (1, 0, 1.0)


def test_notice_when_the_label_fails_then_the_cell_says_it_until_the_next_unit():
    failed = Notice("label.failed", "A1", {"imei": IMEI, "reason": "out of paper"})
    board = board_of(*whole_try(), (20, failed))
    assert view(board, 21).step.en == f"{IMEI}: no label: out of paper"
    assert "out of paper" in view(board, 21).step.zh
    board.take(begin("burn.enter"), 30)
    assert "paper" not in view(board, 31).step.en


def test_totals_when_nothing_has_ended_then_no_rate_is_told():
    totals = board_of((1, begin("burn.enter"))).totals(2)
    assert (totals.final_yield, totals.per_hour, totals.at_work) == (None, None, 1)
    assert board_of((1, record())).totals(5).per_hour is None


def test_totals_when_the_gang_runs_for_hours_then_the_rate_is_that_of_the_last_one():
    board = board_of(*[(at, record("PASS", at, imei=str(at))) for at in range(60, 7200, 60)])
    assert board.totals(7200).per_hour == pytest.approx(60, abs=1)
    assert board.totals(20000).per_hour == 0.0


# ---- words ----------------------------------------------------------------------------------------------------------


def test_words_when_a_state_of_the_engine_is_shown_then_both_languages_know_it_and_what_to_do():
    for one in State:
        assert board_words.STATES[one].en
        assert board_words.STATES[one].zh
        assert board_words.NEXT[one].zh
    assert {str(one) for one in AT_WORK} == board_words.AT_WORK


def test_error_when_its_facts_are_lost_then_the_message_of_the_record_is_shown():
    for leaf in leaves():
        said, _ = board_words.error_of(leaf.code, "as the record says", {})
        assert "?" not in said.en or "{" not in leaf.text.en


def test_record_when_it_is_seen_as_a_value_then_it_can_be_compared():
    one = view(board_of(*whole_try()), 20)
    assert replace(one, share=0.5) != one
