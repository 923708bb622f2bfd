"""One slot at work: holds its state, tells of every change, and knows when it is its turn.

A channel looks at nothing and starts nothing by itself: the gang tells it who is there and what became of a try.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from moduline.burn.record import BurnRecord
from moduline.events import Event, Notice, Progress, Reporter, Step
from moduline.line.advance import Advance
from moduline.line.presence import Presence, Sight
from moduline.line.retry import Budget, Cause, cause_of
from moduline.line.slot import AT_WORK, CUE_OF_STEP, VERDICTS, Cue, State, after
from moduline.port.listing import PortInfo

ALREADY_PASSED: Final = "already-passed"
RETRYABLE: Final = frozenset({State.FAILED, State.REFUSED, State.BROKEN})


@dataclass(slots=True)
class Channel:
    """One slot.

    Args:
        name: of the slot, the ``where`` of its events.
        place: USB place; empty as long as nobody was seen there.
        presence: who is there, without bounce.
        budget: what is left of tries by itself.
        report: gets the slot's events.
        state: see ``line.slot``.
        last: record of the try before, of whatever unit.
        task: the try that goes on.
        has_passed: whether a unit passed here, in this run or, as it turned out, before.
        imei: of the unit that is there, as far as known.
        tries: number of the try at this unit.
    """

    name: str
    place: str
    presence: Presence
    budget: Budget
    report: Reporter
    state: State = State.EMPTY
    last: BurnRecord | None = None
    task: asyncio.Task[BurnRecord | None] | None = None
    has_passed: bool = False
    imei: str = ""
    tries: int = 0
    advance: Advance | None = None
    due: float = 0.0
    _reason: str = ""
    _left: int = 0
    _is_stable: bool = field(default=False)

    # ---- who is there ----------------------------------------------------------------------------------------------

    def look(self, *, is_there: bool, now: float) -> None:
        """Take one look at the place; nothing while a try goes on, to which the ports belong."""
        if self.task is not None:
            return
        sight = self.presence.look(is_there=is_there, now=now)
        if sight is Sight.SEEN:
            self._is_stable = False
            self.move(Cue.SEEN)
        elif sight is Sight.LOST:
            self.move(Cue.MISSED if self._owes_a_pass else Cue.LOST)
        elif sight is Sight.STABLE:
            self._is_stable = True
        elif sight is Sight.LEFT:
            self._is_stable = False
            if not self._owes_a_pass:
                self.imei, self.tries, self._reason, self._left = "", 0, "", 0
            if self.state is State.SETTLING:
                self.move(Cue.MISSED if self._owes_a_pass else Cue.LOST)
            else:
                self.move(Cue.LEFT)

    @property
    def _owes_a_pass(self) -> bool:
        """Whether the unit that was here last failed, and is expected back."""
        return self.last is not None and self.last.outcome in {"FAIL", "ERROR", "ABORTED"}

    def is_ready(self, now: float) -> bool:
        """Whether a try may begin now."""
        if self.task is not None:
            return False
        if self.state is State.SETTLING:
            return self._is_stable
        return self.state is State.PAUSING and now >= self.due and self.presence.is_there

    @property
    def is_busy(self) -> bool:
        """Whether something will happen here without anybody's help."""
        return self.task is not None or self.state is State.SETTLING or self.state is State.PAUSING

    # ---- a try -----------------------------------------------------------------------------------------------------

    def begin(self, advance: Advance, now: float) -> None:
        """A try begins; who the unit is may not be known yet."""
        if self.state is State.SETTLING:
            self.budget.begin_anew()
        self._reason, self._left = "", 0
        self.advance = advance
        self.tries = self.last.tries + 1 if self.last is not None and not self.last.is_pass else 1
        self.move(Cue.START)
        self.report(advance.begin(now))

    def try_before(self, port: PortInfo, earlier: BurnRecord | None) -> BurnRecord | None:
        """The try that this one goes on from, if it was at this unit and did not pass.

        Args:
            port: the unit; its IMEI if that is known.
            earlier: the last one at this place in an earlier run.
        """
        before = self.last if self.last is not None else earlier
        if before is not None and (before.is_pass or (port.imei and before.imei not in {"", port.imei})):
            before = None
        self.imei = port.imei or (before.imei if before else "")
        self.tries = before.tries + 1 if before else 1
        return before

    def take(self, event: Event, now: float) -> None:
        """Pass on what a try reports; content counts go into the one progress of the try."""
        if isinstance(event, Step):
            self.imei = str(event.facts.get("imei") or self.imei)
            cue = CUE_OF_STEP.get((event.name, event.state))
            if cue is not None and after(self.state, cue) is not None:
                self.move(cue)
        if not isinstance(event, Progress):
            self.report(_at(event, self.name))
        self._tell(self.advance.take(event, now) if self.advance is not None else None)

    def tick(self, now: float) -> None:
        """Time goes by in a try."""
        if self.task is not None and self.advance is not None:
            self._tell(self.advance.tick(now))

    def _tell(self, progress: Progress | None) -> None:
        if progress is not None:
            self.report(progress)

    def end(self, record: BurnRecord, *, is_there: bool, now: float) -> None:
        """A try ended."""
        self.task, self.last = None, record
        self.imei, self.tries = record.imei or self.imei, record.tries
        self.presence.hold(is_there=is_there, now=now)
        cause = cause_of(record)
        self._reason = "" if record.is_pass else record.error_code
        self._left = 0 if record.is_pass or record.outcome == "ABORTED" else self.budget.left(cause)
        if record.is_pass:
            self.has_passed = True
            if self.advance is not None:
                self.report(self.advance.finish())
        self.advance = None
        self.move(VERDICTS.get(record.outcome, Cue.BREAK))

    def settle_verdict(self, now: float, *, may_retry: bool) -> Cause | None:
        """After a try that did not pass: pause and try again, if its cause is one for that; gives the cause."""
        if self.last is None or self.state not in RETRYABLE:
            return None
        cause = cause_of(self.last)
        if may_retry and self.budget.take(cause):
            self.due = now + cause.pause_s
            self.move(Cue.RETRY)
        return cause

    def give_up(self) -> None:
        """The gang ends: what was to be tried again is not."""
        if self.state is State.PAUSING:
            self._left = 0
            self.move(Cue.GIVE_UP)

    def stop(self) -> None:
        """The try was stopped before anything was begun, so there is no record of it."""
        self.task, self.advance = None, None
        self.move(Cue.ABORT)

    def leave_alone(self, imei: str, *, is_there: bool, now: float) -> None:
        """The unit has passed already."""
        self.task, self.advance = None, None
        self.presence.hold(is_there=is_there, now=now)
        self.imei, self.has_passed, self._reason, self._left = imei, True, ALREADY_PASSED, 0
        self.report(Notice("gang.already-passed", where=self.name, facts={"imei": imei}))
        self.last = None
        self.move(Cue.KNOWN)

    # ---- what is told ----------------------------------------------------------------------------------------------

    def move(self, cue: Cue) -> None:
        """Follow the table, and tell."""
        new = after(self.state, cue)
        assert new is not None, f"{self.name}: {cue} in {self.state}"
        self.state = new
        self.tell_state()

    def tell_state(self) -> None:
        """The notice of the present state."""
        facts = {
            "state": str(self.state),
            "imei": self.imei,
            "tries": self.tries,
            "reason": self._reason,
            "left": self._left,
            "place": self.place,
            "outcome": self.last.outcome if self.last is not None and self.state not in AT_WORK else "",
        }
        self.report(Notice("slot.state", where=self.name, facts=facts))


def _at(event: Event, where: str) -> Event:
    """The event with the slot's own name, which is unique in the gang."""
    if event.where == where:
        return event
    if isinstance(event, Step):
        return Step(event.name, event.state, where, event.facts)
    if isinstance(event, Notice):
        return Notice(event.slug, where, event.facts)
    return Progress(event.what, event.done_bytes, event.total_bytes, where)
