"""One slot of the line as data: its states, what can happen, and what follows.

::

    EMPTY -> SETTLING -> ASKING -> BURNING -> CHECKING -> EXAMINING -> PASSED -> EMPTY
                            |         |           |            |
                            +---------+-----------+------------+--> FAILED, REFUSED, BROKEN, ABORTED
    FAILED -> PAUSING -> ASKING          a cause that is tried again by itself
    FAILED -> WAITING -> SETTLING        the unit was taken from power; it goes on when it comes back

A test walks this table: every state is reached, every state but the final one is left, every pair that is not listed
is refused. ``docs/reference/line.md`` is generated from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from moduline.burn.record import Outcome
from moduline.errors import Text


class State(StrEnum):
    """What a slot is doing; the value is the word in events, JSON and on screens."""

    EMPTY = "empty"
    SETTLING = "settling"
    ASKING = "asking"
    BURNING = "burning"
    CHECKING = "checking"
    EXAMINING = "examining"
    PASSED = "passed"
    FAILED = "failed"
    REFUSED = "refused"
    BROKEN = "broken"
    ABORTED = "aborted"
    PAUSING = "pausing"
    WAITING = "waiting"


class Cue(StrEnum):
    """What can happen to a slot."""

    SEEN = "seen"
    """A module appeared; its contacts may still bounce."""
    LOST = "lost"
    """It vanished again before it was stable."""
    MISSED = "missed"
    """The same, where a failed unit is expected back."""
    LEFT = "left"
    """The place has been empty long enough to be believed."""
    KNOWN = "known"
    """The unit has passed already."""
    START = "start"
    """A try begins."""
    SWITCHED = "switched"
    """The module is in download mode."""
    WRITTEN = "written"
    """Everything is written; it is read back, restarted and asked who it is."""
    TEST = "test"
    """The functional test begins."""
    PASS = "pass"  # noqa: S105  a verdict
    FAIL = "fail"
    REFUSE = "refuse"
    BREAK = "break"
    ABORT = "abort"
    RETRY = "retry"
    """The cause is one that is tried again by itself."""
    GIVE_UP = "give-up"
    """It was to be tried again, and the gang ends before that."""


S, C = State, Cue

AT_WORK: Final = frozenset({S.ASKING, S.BURNING, S.CHECKING, S.EXAMINING})
"""States in which the ports of the place belong to a try."""
FINAL: Final = frozenset({S.ABORTED})

TABLE: Final[dict[tuple[State, Cue], State]] = {
    (S.EMPTY, C.SEEN): S.SETTLING,
    (S.SETTLING, C.LOST): S.EMPTY,
    (S.SETTLING, C.MISSED): S.WAITING,
    (S.SETTLING, C.KNOWN): S.PASSED,
    (S.SETTLING, C.START): S.ASKING,
    (S.ASKING, C.KNOWN): S.PASSED,
    (S.ASKING, C.SWITCHED): S.BURNING,
    (S.BURNING, C.WRITTEN): S.CHECKING,
    (S.BURNING, C.TEST): S.EXAMINING,
    (S.BURNING, C.PASS): S.PASSED,
    (S.CHECKING, C.TEST): S.EXAMINING,
    (S.CHECKING, C.PASS): S.PASSED,
    (S.EXAMINING, C.PASS): S.PASSED,
    (S.PASSED, C.LEFT): S.EMPTY,
    (S.FAILED, C.RETRY): S.PAUSING,
    (S.FAILED, C.LEFT): S.WAITING,
    (S.BROKEN, C.RETRY): S.PAUSING,
    (S.BROKEN, C.LEFT): S.WAITING,
    (S.REFUSED, C.RETRY): S.PAUSING,
    (S.REFUSED, C.LEFT): S.EMPTY,
    (S.PAUSING, C.KNOWN): S.PASSED,
    (S.PAUSING, C.START): S.ASKING,
    (S.PAUSING, C.LEFT): S.WAITING,
    (S.PAUSING, C.GIVE_UP): S.FAILED,
    (S.WAITING, C.SEEN): S.SETTLING,
}
for _state in AT_WORK:
    TABLE[_state, C.FAIL] = S.FAILED
    TABLE[_state, C.REFUSE] = S.REFUSED
    TABLE[_state, C.BREAK] = S.BROKEN
    TABLE[_state, C.ABORT] = S.ABORTED

VERDICTS: Final[Mapping[Outcome, Cue]] = {
    "PASS": C.PASS,
    "FAIL": C.FAIL,
    "REFUSED": C.REFUSE,
    "ERROR": C.BREAK,
    "ABORTED": C.ABORT,
}
"""What a record's outcome means for its slot."""

CUE_OF_STEP: Final[Mapping[tuple[str, str], Cue]] = {
    ("burn.enter", "done"): C.SWITCHED,
    ("burn.verify", "begin"): C.WRITTEN,
    ("burn.reset", "begin"): C.WRITTEN,
    ("burn.check", "begin"): C.WRITTEN,
    ("burn.examine", "begin"): C.TEST,
}
"""Steps of a try (name, state) that move its slot; where the table has no such move, the slot is there already."""

WORDS: Final[Mapping[State, Text]] = {
    S.EMPTY: Text("nobody is there", "无模组"),
    S.SETTLING: Text("a module appeared; waiting until the contact is stable", "已接入，等待接触稳定"),
    S.ASKING: Text("who it is, and into download mode", "识别并进入下载模式"),
    S.BURNING: Text("writing", "写入"),
    S.CHECKING: Text("reading back, restarting, asking version and IMEI", "回读、重启、核对版本与 IMEI"),
    S.EXAMINING: Text("functional test", "功能测试"),
    S.PASSED: Text("good; stays so until it is taken out", "合格，直至取出"),
    S.FAILED: Text("the module failed; re-powering tries again", "模组失败，重新上电可重试"),
    S.REFUSED: Text("does not belong here; nothing was changed", "不属于此处，未做任何更改"),
    S.BROKEN: Text("this computer failed, not the module", "本机故障，并非模组问题"),
    S.ABORTED: Text("stopped before its end", "中途停止"),
    S.PAUSING: Text("will be tried again by itself", "即将自动重试"),
    S.WAITING: Text("a failed unit without power is expected back", "等待失败的模组重新上电"),
}


def after(state: State, cue: Cue) -> State | None:
    """The state that follows; None when the cue means nothing there."""
    return TABLE.get((state, cue))
