"""How a plan spreads: groups that open one after the other, a stop when too much fails, and how many may begin now.

::

    stages  5 %, 25 %, 100 %      1000 devices -> groups of 50, 200, 750
    group 1 open -> enough upgraded -> group 2 opens -> ...
                 -> too many failed -> the plan is suspended with a reason; people look, resume or terminate

The group of a device comes from its key and the plan's, not from chance: any node gives the same answer. Devices that
join later belong to the last group. Nothing here terminates a plan.

Source: ota-semantics 4, 5.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from moduline.cloud.plans.plan import Stage, Strategy
from moduline.cloud.reasons import Reason
from moduline.errors import Text

MINUTE_S: Final = 60.0


def assign(device_keys: Iterable[str], plan_id: int, stages: Sequence[Stage]) -> dict[str, int]:
    """The group of every device that is known at activation, counted from 0.

    Sizes follow the percentages, rounded up, so that a group is empty only when there are no devices left for it: an
    empty group would open the next one unproved.
    """
    keys = sorted(set(device_keys), key=lambda key: hashlib.sha256(f"{plan_id}:{key}".encode()).digest())
    groups: dict[str, int] = {}
    begin = 0
    for number, stage in enumerate(stages or (Stage(100.0),)):
        end = max(math.ceil(len(keys) * stage.percent / 100 - 1e-9), begin + 1)
        groups |= dict.fromkeys(keys[begin:end], number)
        begin = min(end, len(keys))
    return groups


def late_group(stages: Sequence[Stage]) -> int:
    """The group of a device that joins after activation."""
    return max(len(stages) - 1, 0)


@dataclass(frozen=True, slots=True)
class Count:
    """Devices of a plan or of one group by their status.

    Args:
        waiting: not upgraded.
        in_progress: upgrading.
        upgraded: final and good.
        failed: final and bad, for the time being.
        no_update: were at the target already.
    """

    waiting: int = 0
    in_progress: int = 0
    upgraded: int = 0
    failed: int = 0
    no_update: int = 0

    @property
    def finished(self) -> int:
        """Upgraded or failed."""
        return self.upgraded + self.failed

    @property
    def total(self) -> int:
        """All but those that need no update."""
        return self.waiting + self.in_progress + self.finished

    @property
    def success_percent(self) -> float | None:
        """Upgraded of finished, as the plan shows it; None while nothing is finished."""
        return 100.0 * self.upgraded / self.finished if self.finished else None

    def plus(self, other: Count) -> Count:
        """Both together."""
        return Count(
            self.waiting + other.waiting,
            self.in_progress + other.in_progress,
            self.upgraded + other.upgraded,
            self.failed + other.failed,
            self.no_update + other.no_update,
        )


@dataclass(frozen=True, slots=True)
class Stop:
    """A threshold is reached: the plan is to be suspended.

    Args:
        text: what an operator reads.
        facts: of the text.
        group: which group, counted from 0; None: the whole plan.
    """

    text: Text
    facts: Mapping[str, float]
    group: int | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """What the counters say.

    Args:
        open_group: the last group that is open, counted from 0; never less than before.
        stop: why the plan is to be suspended; None: it goes on.
    """

    open_group: int
    stop: Stop | None = None


_PLAN_STOP: Final = Text(
    "{failed} of {finished} finished devices failed; the limit is {limit} %",
    "已完成的 {finished} 台设备中 {failed} 台失败，达到阈值 {limit}%",
)
_GROUP_STOP: Final = Text(
    "group {group}: {failed} of {finished} finished devices failed; the limit is {limit} %",
    "第 {group} 批：已完成的 {finished} 台设备中 {failed} 台失败，达到阈值 {limit}%",
)


def _is_over(count: Count, limit_percent: float, least: int) -> bool:
    enough = count.failed > 0 and count.finished >= least
    return limit_percent > 0 and enough and 100.0 * count.failed >= limit_percent * count.finished


def judge_spread(strategy: Strategy, counts: Sequence[Count], open_group: int, *, ignored_failures: int = 0) -> Spread:
    """What is open now, and whether the plan must stop.

    Args:
        strategy: of the plan.
        counts: one per group, at least one.
        open_group: as stored.
        ignored_failures: failed devices an operator saw when the plan was resumed; only further ones stop it again.
    """
    whole = Count()
    for count in counts:
        whole = whole.plus(count)
    if whole.failed > ignored_failures:
        if _is_over(whole, strategy.failure_percent, strategy.failure_least):
            facts = {"failed": whole.failed, "finished": whole.finished, "limit": strategy.failure_percent}
            return Spread(open_group, Stop(_PLAN_STOP, facts))
        for number, (stage, count) in enumerate(zip(strategy.stages, counts, strict=False)):
            if number <= open_group and _is_over(count, stage.failure_percent, stage.failure_least):
                facts = {"failed": count.failed, "finished": count.finished, "limit": stage.failure_percent}
                return Spread(open_group, Stop(_GROUP_STOP, facts | {"group": number + 1}, number))
    last = max(len(strategy.stages) - 1, 0)
    while open_group < last and _is_proved(strategy.stages[open_group], counts[open_group]):
        open_group += 1
    return Spread(open_group)


def _is_proved(stage: Stage, count: Count) -> bool:
    """Whether enough of a group is upgraded; a group in which nobody needs the update proves nothing and opens too."""
    return count.total == 0 or 100.0 * count.upgraded >= stage.success_percent * count.total


# ---- rate -----------------------------------------------------------------------------------------------------------


def rate_per_min(strategy: Strategy, upgraded: int) -> int:
    """Devices that may begin in a minute after so many were upgraded; 0: no limit."""
    rate = strategy.rate_per_min
    if not rate or not strategy.rate_growth_every or not strategy.rate_growth_percent:
        return rate
    most = strategy.rate_most_per_min or 2**31 - 1
    steps = upgraded // strategy.rate_growth_every
    exponent = steps * math.log1p(strategy.rate_growth_percent / 100)
    if exponent > math.log(most / rate) if most > rate else True:
        return most
    return min(most, int(rate * math.exp(exponent) + 1e-9))


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may begin now.

    Args:
        admitted: keys, in the order given.
        held: the others, each with its reason.
        next_at: when to ask again for the rate's sake; None: not for its sake.
    """

    admitted: tuple[str, ...]
    held: Mapping[str, Reason]
    next_at: float | None = None


def admit(
    strategy: Strategy,
    candidates: Iterable[tuple[str, str]],
    *,
    now: float,
    upgraded: int = 0,
    begun_at: Sequence[float] = (),
    cells: Mapping[str, int] | None = None,
) -> Admission:
    """Choose among devices that match.

    Args:
        strategy: of the plan.
        candidates: key and radio cell of each; "" is no cell and is not limited.
        now: UTC seconds.
        upgraded: devices upgraded so far.
        begun_at: when devices of this plan began, the last minute at least.
        cells: devices in progress by cell.
    """
    limit = rate_per_min(strategy, upgraded)
    recent = sorted(at for at in begun_at if now - MINUTE_S < at <= now)
    room = max(limit - len(recent), 0)
    busy = dict(cells or {})
    admitted: list[str] = []
    held: dict[str, Reason] = {}
    is_rate_full = False
    for key, cell in candidates:
        if limit and len(admitted) >= room:
            is_rate_full = True
            held[key] = Reason.RATE_LIMITED
        elif strategy.cell_most and cell and busy.get(cell, 0) >= strategy.cell_most:
            held[key] = Reason.RATE_LIMITED
        else:
            admitted.append(key)
            busy[cell] = busy.get(cell, 0) + 1
    next_at = (recent[0] if recent else now) + MINUTE_S if is_rate_full else None
    return Admission(tuple(admitted), held, next_at)
