"""The board of a gang: events and records in, one value per slot and the totals out.

A pure reducer: it knows no screen, opens nothing and asks no clock. Whoever shows a gang (the terminal, the browser)
feeds it with what the engine reports and reads values that are complete: words in both languages, a share that is fit
to be drawn, and what the operator does next.

Rules that hold whatever comes, in whatever order:

* A *try* begins with the step ``burn.enter``, or with a state of work in a slot where none goes on. Within a try the
  share never falls. It is 1 only once the unit has passed; before that it stays below :data:`MOST`.
* ``Progress`` named "burn" is the share of the whole try, as ``line.advance`` tells it.
* What arrives after a try has ended (steps, progress) belongs to the past and changes nothing.
* A record counts once, whatever is repeated.
* A slot nobody has named is added; a state nobody knows is shown by its word.

``now`` is in seconds, on one clock for all calls, the one of ``Head.started``; it may stand still but not go back.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from moduline.burn.record import BurnRecord, CheckResult
from moduline.errors import Text
from moduline.events import Event, Notice, Progress, Step
from moduline.line import board_words as words

MOST: Final = 0.99
"""Largest share of a try that has not ended."""
LOG_LINES: Final = 200
SPEED_WINDOW_S: Final = 5.0
STALL_S: Final = 2.0
HOUR_S: Final = 3600.0
SOONEST_S: Final = 30.0
"""Units per hour are not told before: a rate of a few seconds means nothing."""

_STATE_OF_STEP: Final[Mapping[str, str]] = {
    "burn.enter": "asking",
    "burn.check": "checking",
    "burn.examine": "examining",
}


@dataclass(frozen=True, slots=True)
class Head:
    """What is the same for all slots.

    Args:
        order: production order.
        operator: who runs it.
        station: where.
        rack: which slots.
        image: file name of the package.
        sha256: of the package file.
        version: that the package holds.
        started: when the gang began, seconds on the clock of ``now``.
    """

    order: str = ""
    operator: str = ""
    station: str = ""
    rack: str = ""
    image: str = ""
    sha256: str = ""
    version: str = ""
    started: float = 0.0


@dataclass(frozen=True, slots=True)
class StepTime:
    """One step of the present or last try.

    Args:
        name: slug such as ``burn.enter``.
        text: what it is called.
        state: "begin" while it goes on, "done", "failed" or "open": the try ended in it.
        seconds: how long it took so far.
    """

    name: str
    text: Text
    state: str
    seconds: float


@dataclass(frozen=True, slots=True)
class LogLine:
    """Something that was said about a slot.

    Args:
        at: when, on the clock of ``now``.
        text: what.
    """

    at: float
    text: Text


@dataclass(frozen=True, slots=True)
class SlotView:
    """One slot at one moment.

    Args:
        slot: its name.
        state: ``empty``, ``settling``, ``asking``, ``burning``, ``checking``, ``examining``, ``passed``, ``failed``,
            ``refused``, ``broken``, ``aborted``, ``pausing``, ``waiting``, or a word that is not known here.
        word: what the state is called.
        step: what is being done; empty when nothing is.
        share: of the try, 0 to 1.
        speed: bytes per second, 0 when nothing moves.
        seconds: how long the try takes or took.
        imei: of the unit, empty as long as nobody knows it.
        model: as the module says.
        tries: number of the try at this unit, 0 before the first.
        error_code: such as ML-E0901; empty without an error.
        error: what went wrong.
        hint: what can be done about it.
        next: what the operator does next.
        is_calling: whether the operator must do that now, in the middle of a try.
        checks: results of the functional test.
        steps: of the present or last try, in their order.
        log: what was said, oldest first, at most :data:`LOG_LINES`.
        last: outcome of the last try at the slot: PASS, FAIL, ...; empty before.
        record: of the last try.
        passed: units that passed here.
        done: tries that ended here.
    """

    slot: str
    state: str = "empty"
    word: Text = words.STATES["empty"]
    step: Text = words.NOTHING
    share: float = 0.0
    speed: float = 0.0
    seconds: float = 0.0
    imei: str = ""
    model: str = ""
    tries: int = 0
    error_code: str = ""
    error: Text = words.NOTHING
    hint: Text = words.NOTHING
    next: Text = words.NEXT["empty"]
    is_calling: bool = False
    checks: tuple[CheckResult, ...] = ()
    steps: tuple[StepTime, ...] = ()
    log: tuple[LogLine, ...] = ()
    last: str = ""
    record: BurnRecord | None = None
    passed: int = 0
    done: int = 0

    @property
    def imei_tail(self) -> str:
        """The last four digits, which people compare with a sticker."""
        return self.imei[-4:]

    @property
    def is_at_work(self) -> bool:
        """Whether the unit must not be touched."""
        return self.state in words.AT_WORK


@dataclass(frozen=True, slots=True)
class Totals:
    """The whole gang at one moment; a unit counts once, with its last verdict, as in ``records.statistics``.

    Args:
        units: that had at least one try.
        passed: units.
        failed: units.
        refused: units.
        errors: units.
        aborted: units.
        tries: of all units.
        at_work: slots that are being worked on.
        final_yield: units whose last verdict is PASS, of those that have one; None before the first.
        per_hour: units that pass per hour, over the last hour at most; None as long as that means nothing.
        seconds: since the gang began.
    """

    units: int = 0
    passed: int = 0
    failed: int = 0
    refused: int = 0
    errors: int = 0
    aborted: int = 0
    tries: int = 0
    at_work: int = 0
    final_yield: float | None = None
    per_hour: float | None = None
    seconds: float = 0.0


@dataclass(slots=True)
class _Lane:
    """What is known of one slot; ``view`` holds what needs no clock."""

    view: SlotView
    is_trying: bool = False
    began: float = 0.0
    ended: float = 0.0
    deadline: float = 0.0
    moved: deque[tuple[float, float]] = field(default_factory=deque)
    steps: dict[str, tuple[Text, str, float, float]] = field(default_factory=dict)
    still: SlotView | None = None

    def say(self, text: Text, now: float) -> None:
        """Put a line into the log."""
        self.view = replace(self.view, log=(*self.view.log, LogLine(now, text))[-LOG_LINES:])

    def begin(self, now: float) -> None:
        """A try begins."""
        self.is_trying, self.began, self.ended, self.deadline = True, now, now, 0.0
        self.steps = {}
        self.moved.clear()
        old = self.view
        before = old.record
        self.view = SlotView(
            old.slot, tries=1 if before is None or before.is_pass else before.tries + 1, log=old.log,
            last=old.last, record=before, passed=old.passed, done=old.done,
        )  # fmt: skip
        self.enter("asking")

    def enter(self, state: str) -> None:
        """Be in a state, with its words."""
        self.view = replace(self.view, state=state, word=words.word_of(state), next=words.next_of(state))

    def raise_share(self, share: float) -> None:
        """Move the share up, never down, and not to the end."""
        self.view = replace(self.view, share=min(max(self.view.share, share), MOST))

    def end(self, state: str, now: float) -> None:
        """The try is over."""
        if self.is_trying:
            self.is_trying, self.ended = False, now
        share = 1.0 if state == "passed" else min(self.view.share, MOST)
        self.view = replace(self.view, share=share, step=words.NOTHING)
        self.enter(state)

    def speed(self, now: float) -> float:
        """Bytes per second over the last moments; sinks to nothing when nothing moves."""
        if not self.is_trying or len(self.moved) < 2:
            return 0.0
        (since, first), (until, last) = self.moved[0], self.moved[-1]
        if now - until > SPEED_WINDOW_S:
            return 0.0
        span = (now if now - until > STALL_S else until) - since
        return (last - first) / span if span > 0 else 0.0

    def step_times(self, now: float) -> tuple[StepTime, ...]:
        """The steps so far; one that goes on has its time until now."""
        if not self.is_trying:
            now = self.ended
        return tuple(
            StepTime(name, text, state if self.is_trying or state != "begin" else "open", max(0.0, until - since))
            for name, (text, state, since, ended) in self.steps.items()
            for until in [now if state == "begin" else ended]
        )

    def at(self, now: float) -> SlotView:
        """The slot now."""
        if self.still is not None:
            return self.still
        record = self.view.record
        seconds = now - self.began if self.is_trying else self.ended - self.began
        if not self.is_trying and record is not None and self.view.state in words.ENDED:
            seconds = record.seconds or seconds
        told = self.view.next
        is_calling = self.is_trying and now < self.deadline
        if is_calling:
            told = Text(*(f"{say} ({self.deadline - now:.0f} s)" for say in (words.HOLD_PIN.en, words.HOLD_PIN.zh)))
        view = replace(
            self.view,
            speed=self.speed(now),
            seconds=max(0.0, seconds),
            next=told,
            is_calling=is_calling,
            steps=self.step_times(now),
        )
        if not self.is_trying:
            self.still = view
        return view


class Board:
    """The reducer; see the head of this file.

    Args:
        head: what is the same for all slots.
        slots: names of the slots that are known to be there, empty or not.
        content_share: how much of the progress of a try is content on its way; the rest is asking and testing.
    """

    def __init__(self, head: Head, slots: Iterable[str] = (), content_share: float = 1.0) -> None:
        self.head = head
        self._content_share = content_share
        self._lanes: dict[str, _Lane] = {}
        self._last_of_unit: dict[tuple[str, str], str] = {}
        self._records: set[str] = set()
        self._passed_at: deque[float] = deque()
        self._log: deque[LogLine] = deque(maxlen=LOG_LINES)
        for slot in slots:
            self._lane(slot)

    def take(self, event: Event, now: float) -> None:
        """Take what the engine reports."""
        if not event.where:
            if isinstance(event, Notice):
                self._log.append(LogLine(now, words.notice_of(event.slug, event.facts)))
            return
        lane = self._lane(event.where)
        if isinstance(event, Progress):
            _take_progress(lane, event, now, self._content_share)
        elif isinstance(event, Step):
            _take_step(lane, event, now)
        elif event.slug == "slot.state":
            _take_state(lane, event, now)
        else:
            text = words.notice_of(event.slug, event.facts)
            lane.say(text, now)
            if not lane.is_trying:
                lane.view = replace(lane.view, step=text)
            if event.slug == "burn.hold-boot-pin":
                lane.deadline = now + _number(event.facts.get("seconds"))

    def finished(self, record: BurnRecord, now: float) -> None:
        """Take a finished record; one that was taken before, or that is still running, changes nothing."""
        if record.outcome not in words.OUTCOMES or record.id in self._records:
            return
        self._records.add(record.id)
        self._count(record, now)
        lane = self._lane(record.slot or record.place or "?")
        view = lane.view = replace(
            lane.view, last=record.outcome, record=record, done=lane.view.done + 1,
            passed=lane.view.passed + (record.outcome == "PASS"),
        )  # fmt: skip
        error, hint = words.NOTHING, words.NOTHING
        if record.outcome != "PASS":
            error, hint = words.error_of(record.error_code, record.error_message, record.error_facts)
        text = f"{record.outcome} {record.error_code}".strip()
        lane.say(Text(f"{text} {error.en}".strip(), f"{text} {error.zh}".strip()), now)
        is_of_another_try = lane.is_trying and 0 < record.ended < lane.began
        has_been_told = not lane.is_trying and bool(lane.steps) and view.state not in words.ENDED
        if is_of_another_try or (has_been_told and view.state == "empty"):
            return
        lane.view = replace(
            lane.view, imei=record.imei or view.imei, model=record.model or view.model, tries=record.tries,
            error_code=record.error_code, error=error, hint=hint, checks=record.checks,
        )  # fmt: skip
        if not has_been_told:
            lane.end(words.OUTCOMES[record.outcome], now)

    def slots(self, now: float) -> list[SlotView]:
        """Every slot, in the order people count: A2 before A10."""
        return [self._lanes[name].at(now) for name in sorted(self._lanes, key=counting)]

    def totals(self, now: float) -> Totals:
        """The whole gang."""
        outcomes = list(self._last_of_unit.values())
        count = {outcome: outcomes.count(outcome) for outcome in words.OUTCOMES}
        judged = len(outcomes) - count["ABORTED"]
        seconds = max(0.0, now - self.head.started)
        while self._passed_at and now - self._passed_at[0] > HOUR_S:
            self._passed_at.popleft()
        has_rate = seconds >= SOONEST_S and any(lane.view.passed for lane in self._lanes.values())
        return Totals(
            units=len(outcomes),
            passed=count["PASS"],
            failed=count["FAIL"],
            refused=count["REFUSED"],
            errors=count["ERROR"],
            aborted=count["ABORTED"],
            tries=len(self._records),
            at_work=sum(lane.view.is_at_work for lane in self._lanes.values()),
            final_yield=count["PASS"] / judged if judged else None,
            per_hour=len(self._passed_at) * HOUR_S / min(seconds, HOUR_S) if has_rate else None,
            seconds=seconds,
        )

    def log(self) -> tuple[LogLine, ...]:
        """What was said about no slot in particular."""
        return tuple(self._log)

    def _lane(self, slot: str) -> _Lane:
        lane = self._lanes.setdefault(slot, _Lane(SlotView(slot)))
        lane.still = None
        return lane

    def _count(self, record: BurnRecord, now: float) -> None:
        """A unit counts with its last verdict; a try of nobody known, and the next at that place, are one unit."""
        place = record.place or record.slot
        if record.imei and self._last_of_unit.get((place, ""), "PASS") != "PASS":
            self._last_of_unit.pop((place, ""))
        if record.outcome != "ABORTED" or (place, record.imei) not in self._last_of_unit:
            self._last_of_unit[place, record.imei] = record.outcome
        if record.outcome == "PASS":
            self._passed_at.append(now)


def _take_progress(lane: _Lane, event: Progress, now: float, content_share: float) -> None:
    if not lane.is_trying or event.total_bytes <= 0 or event.what != "burn":
        return
    lane.raise_share(min(max(event.done_bytes / event.total_bytes, 0.0), 1.0))
    moved = lane.moved
    if lane.view.state != "burning":
        moved.clear()  # the clock alone moves a try that is asked or tested
        return
    done = event.done_bytes / content_share
    if moved and done < moved[-1][1]:
        return
    moved.append((now, done))
    while len(moved) > 2 and now - moved[0][0] > SPEED_WINDOW_S:
        moved.popleft()


def _take_step(lane: _Lane, event: Step, now: float) -> None:
    is_begin = event.state == "begin"
    is_first = event.name == "burn.enter" and is_begin
    if is_first and (not lane.is_trying or set(lane.steps) - {"burn.enter"}):
        lane.begin(now)
    if not lane.is_trying:
        if not is_begin or lane.view.state in words.ENDED or lane.view.state == "empty":
            return
        lane.begin(now)
    text, _, since, _ = lane.steps.get(event.name, (words.step_of(event.name, event.facts), "", now, now))
    lane.steps[event.name] = (text, event.state, since, now)
    imei, model = (str(event.facts.get(name) or "") for name in ("imei", "model"))
    lane.view = replace(lane.view, imei=imei or lane.view.imei, model=model or lane.view.model)
    if not is_begin:
        if event.state == "failed":
            lane.say(Text(f"{text.en}: failed", f"{text.zh}：失败"), now)
        return
    lane.say(text, now)
    lane.view = replace(lane.view, step=text)
    state = _STATE_OF_STEP.get(event.name, "burning")
    if lane.view.state != state:
        lane.enter(state)


def _take_state(lane: _Lane, event: Notice, now: float) -> None:
    facts = event.facts
    state = str(facts.get("state") or "")
    if not state:
        return
    if state in words.AT_WORK:
        if not lane.is_trying:
            lane.begin(now)
        lane.enter(state)
    elif state in words.ENDED:
        lane.end(state, now)
    else:
        lane.is_trying, lane.ended = False, now if lane.is_trying else lane.ended
        if state == "empty":
            lane.view = replace(
                lane.view, imei="", model="", tries=0, share=0.0, error_code="", error=words.NOTHING,
                hint=words.NOTHING, checks=(), step=words.NOTHING,
            )  # fmt: skip
        lane.enter(state)
    if facts.get("imei"):
        lane.view = replace(lane.view, imei=str(facts["imei"]))
    if _number(facts.get("tries")) > 0:
        lane.view = replace(lane.view, tries=int(_number(facts["tries"])))
    if facts.get("reason"):
        code, reason = words.reason_of(facts["reason"])
        view = lane.view
        if not code:
            lane.view = replace(view, step=reason)
            lane.say(reason, now)
        elif code != view.error_code:
            lane.view = replace(view, error_code=code, error=reason)


def _number(value: object) -> float:
    """A fact as a number; 0 for what is none."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def counting(name: str) -> list[tuple[int, int, str]]:
    """What names of slots are sorted by: A2 before A10."""
    return [(0, int(bit), "") if bit.isdecimal() else (1, 0, bit) for bit in re.findall(r"\d+|\D+", name)]
