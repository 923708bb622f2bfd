"""A gang in the middle of its work, as events and records; what tests, pictures and the bench show."""

from __future__ import annotations

from moduline.burn.record import BurnRecord, CheckResult
from moduline.cli.gang_screen import Snapshot
from moduline.events import Notice, Progress, Step
from moduline.line.board import Board, Head

HEAD = Head(
    order="A-17", operator="Li Wei", station="L2-03", rack="jig4", image="QUEC_TEST_1.0.0.zip",
    sha256="3f5a9c1287de00b1", version="EG915UEUABR03A06M08", started=1000.0,
)  # fmt: skip
NOW = 1000.0 + 2 * 3600 + 754
KINDS = (
    "passed", "burning", "passed", "failed", "passed", "checking", "refused", "passed",
    "empty", "pin", "broken", "aborted", "tested", "early", "waiting", "settling",
)  # fmt: skip


class Hand:
    """An engine that only remembers what it was asked."""

    def __init__(self, *, can_stop_taking=True, can_print=True):
        self.has_ended = False
        self.can_stop_taking = can_stop_taking
        self.can_print = can_print
        self.asked = []

    def start(self):
        self.is_started = True

    def stop_taking(self):
        self.asked.append("stop")

    def abort(self):
        self.asked.append("abort")

    def print_label(self, record):
        self.asked.append(record.imei)


def slot_name(index):
    return f"{'ABCDEFGH'[index // 8]}{index % 8 + 1}"


def scene(count, kinds=KINDS):
    """A board of ``count`` slots, each in the state of its kind."""
    board = Board(HEAD, [slot_name(index) for index in range(count)])
    for index in range(count):
        put(board, slot_name(index), kinds[index % len(kinds)], index)
    return board


def snapshot_of(board, now=NOW):
    return lambda: Snapshot(board.head, board.slots(now), board.totals(now))


def record_of(slot, index, outcome, **facts):
    return BurnRecord(
        id=f"{slot}-{index}", slot=slot, place=f"1-2.{index}", imei=f"86888877{index:03d}6665", model="EG915U",
        outcome=outcome, started=NOW - 40, ended=NOW - 5, seconds=34.6, bytes=4_211_344, order="A-17",
        **facts,
    )  # fmt: skip


def put(board, slot, kind, index):
    """Bring a slot into a state, as the engine would."""
    if kind in {"empty", "settling"}:
        if kind == "settling":
            board.take(Notice("slot.state", slot, {"state": "settling"}), NOW - 1)
        return
    board.take(Step("burn.enter", "begin", slot, {"port": "usb:1-2"}), NOW - 34)
    if kind == "pin":
        board.take(Notice("burn.hold-boot-pin", slot, {"place": "1-2", "seconds": 30.0}), NOW - 8)
        return
    board.take(Step("burn.enter", "done", slot, {"imei": f"86888877{index:03d}6665", "model": "EG915U"}), NOW - 31)
    if kind == "early":
        board.take(Step("burn.connect", "begin", slot), NOW - 30)
        return
    if kind == "refused":
        facts = {"package": "EG915U", "module": "EC600U"}
        board.finished(record_of(slot, index, "REFUSED", error_code="ML-E0701", error_facts=facts), NOW - 20)
        return
    part = {"part": "SYSTEM", "verb": "write", "bytes": 4_211_344}
    board.take(Step("burn.SYSTEM", "begin", slot, part), NOW - 30)
    done = 2_500_000 if kind in {"burning", "failed", "broken", "aborted", "waiting"} else 4_211_344
    for second in range(4):
        board.take(Progress("burn", done - (3 - second) * 210_000, 4_211_344, slot), NOW - 3 + second)
    if kind == "burning":
        return
    if kind == "failed":
        facts = {"port": "usb:1-2", "part": "SYSTEM", "answer": "0x8B", "command": "MIDST_DATA", "what": "MIDST_DATA"}
        failed = record_of(slot, index, "FAIL", error_code="ML-E0901", error_facts=facts, tries=2)
        board.finished(failed, NOW - 2)
        return
    if kind == "waiting":
        board.take(Notice("slot.state", slot, {"state": "waiting", "tries": 2, "left": 1}), NOW - 2)
        return
    if kind in {"broken", "aborted"}:
        facts = {"path": "records.db", "reason": "disk full"}
        code = "ML-E0104" if kind == "broken" else ""
        outcome = "ERROR" if kind == "broken" else "ABORTED"
        told = "" if kind == "broken" else "stopped by the operator"
        board.finished(record_of(slot, index, outcome, error_code=code, error_message=told, error_facts=facts), NOW - 2)
        return
    board.take(Step("burn.SYSTEM", "done", slot, part), NOW - 8)
    board.take(Step("burn.check", "begin", slot), NOW - 7)
    if kind == "checking":
        return
    if kind == "tested":
        checks = (
            CheckResult("imei", "pass", f"86888877{index:03d}6665", "", 0.2),
            CheckResult("signal", "fail", "4", ">= 12", 3.1, "too weak"),
        )
        facts = {"checks": "signal", "value": "4", "limits": ">= 12"}
        failed = record_of(slot, index, "FAIL", error_code="ML-E1105", error_facts=facts, checks=checks)
        board.finished(failed, NOW - 1)
        return
    board.finished(record_of(slot, index, "PASS"), NOW - 5 - index)
