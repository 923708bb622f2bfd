"""What the events of a burn amount to: its steps, how far it is, how fast, and whether somebody must hold the pin.

::

    Notice burn.plan ─▶ the steps to come        Step NAME begin ─▶ doing        Progress ─▶ bytes, rate, time left
    Notice burn.hold-boot-pin ─▶ the guide       Step NAME done  ─▶ done         Notice burn.record ─▶ how it went

Pure: events go in, with the time at which they were reported; a page that is opened late is given them all again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from moduline.burn import BurnPlan
from moduline.errors import Text
from moduline.line.board_words import step_of
from moduline.web.work.runner import Line

StepState = Literal["waiting", "doing", "done", "failed", "left_out"]
PACE_S: Final = 4.0
"""The rate is that of so many seconds."""
SURE_S: Final = 1.0
"""So long bytes must have flowed before anybody says how long they still will."""


@dataclass(slots=True)
class StoryStep:
    """A step of a burn: ``began`` and ``ended`` are UTC seconds, 0 for not yet."""

    name: str
    facts: dict[str, Any]
    state: StepState = "waiting"
    began: float = 0.0
    ended: float = 0.0

    @property
    def words(self) -> Text:
        """What it is called."""
        return step_of(self.name, self.facts)

    @property
    def seconds(self) -> float | None:
        """How long it took; None: it is not over."""
        return self.ended - self.began if self.began and self.ended else None


@dataclass(slots=True)
class Story:
    """A burn as it is known now; ``feed`` takes what came."""

    steps: list[StoryStep] = field(default_factory=list)
    what: str = ""
    done_bytes: int = 0
    total_bytes: int = 0
    pin_until: float | None = None
    record: dict[str, Any] | None = None
    _pace: deque[tuple[float, int]] = field(default_factory=deque)

    def feed(self, lines: Iterable[Line]) -> None:
        """Take events, in the order in which they were reported."""
        for line in lines:
            event = line.event
            if event["event"] == "step":
                self._step(event, line.at)
            elif event["event"] == "progress":
                self._progress(event, line.at)
            elif event["event"] == "notice":
                self._notice(event, line.at)

    def rate(self, now: float) -> float | None:
        """Bytes a second of late; None: nobody knows.

        Args:
            now: UTC seconds.
        """
        if len(self._pace) < 2:
            return None
        (began, first), (_, last) = self._pace[0], self._pace[-1]
        spent = max(now, self._pace[-1][0]) - began
        return (last - first) / spent if spent >= SURE_S and last > first else None

    def left_s(self, now: float) -> float | None:
        """Seconds until the present bytes are through; None: nobody knows."""
        rate = self.rate(now)
        return (self.total_bytes - self.done_bytes) / rate if rate else None

    def end(self) -> None:
        """Nothing comes any more: what was not begun was not needed, or not reached."""
        for step in self.steps:
            if step.state == "waiting":
                step.state = "left_out"
            elif step.state == "doing":
                step.state = "failed"
        self.pin_until = None

    def _step(self, event: dict[str, Any], at: float) -> None:
        self.pin_until = None
        step = self._find(event)
        if event["state"] == "begin":
            step.state, step.began = "doing", at
            for before in self.steps[: self.steps.index(step)]:
                if before.state == "waiting":
                    before.state = "left_out"
        else:
            step.state, step.ended = "done" if event["state"] == "done" else "failed", at
            step.began = step.began or at

    def _find(self, event: dict[str, Any]) -> StoryStep:
        """The step that an event is about; one that nobody planned comes behind what was done."""
        wanted: tuple[StepState, ...] = ("waiting", "left_out") if event["state"] == "begin" else ("doing", "waiting")
        for state in wanted:
            for step in self.steps:
                if step.name == event["name"] and step.state == state:
                    step.facts = step.facts | event["facts"]
                    return step
        made = StoryStep(event["name"], dict(event["facts"]))
        begun = [number for number, step in enumerate(self.steps) if step.state != "waiting"]
        self.steps.insert(begun[-1] + 1 if begun else 0, made)
        return made

    def _progress(self, event: dict[str, Any], at: float) -> None:
        if event["what"] != self.what or event["total_bytes"] != self.total_bytes:
            self._pace.clear()
        self.what, self.done_bytes, self.total_bytes = event["what"], event["done_bytes"], event["total_bytes"]
        self._pace.append((at, self.done_bytes))
        while len(self._pace) > 2 and at - self._pace[0][0] > PACE_S:
            self._pace.popleft()

    def _notice(self, event: dict[str, Any], at: float) -> None:
        facts = event["facts"]
        if event["slug"] == "burn.plan":
            self.steps = [
                StoryStep(one["name"], {key: one[key] for key in one if key != "name"}) for one in facts["steps"]
            ]
        elif event["slug"] == "burn.hold-boot-pin":
            self.pin_until = at + float(facts["seconds"])
        elif event["slug"] == "burn.record":
            self.record = facts


def planned_steps(plan: BurnPlan) -> list[dict[str, Any]]:
    """The steps that a plan will take, for the notice ``burn.plan``."""
    does = [one for one in plan.actions if one.verb != "skip"]
    steps: list[dict[str, Any]] = [{"name": "burn.enter"}]
    is_begun = False
    for one in does:
        if not is_begun and one.verb != "load" and any(other.verb == "keep_nv" for other in does):
            steps.append({"name": "burn.nv_backup"})
            is_begun = True
        steps.append({"name": f"burn.{one.part}", "part": one.part, "verb": one.verb, "bytes": one.size_bytes})
    if plan.read_back_bytes:
        steps.append({"name": "burn.verify"})
    return [*steps, {"name": "burn.reset"}, {"name": "burn.check"}]
