"""Devices that are alike are judged once: what one block of the grid need not work out again.

The rules are pure functions, and thousands of devices of a plan report the same versions and stand at the same place.
What they give is therefore kept under everything they look at, and dropped with the block. What every device has for
itself - its key, its row, the free flash it told - is added to it afterwards.

Source: ota-semantics 6; decision 0029.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final

from moduline.cloud.devices.device import Device
from moduline.cloud.plans.rules import Device as RuledDevice
from moduline.cloud.plans.rules import Match, Wait
from moduline.cloud.plans.stored import StoredPlan
from moduline.cloud.upgrades.confirm import Confirmation
from moduline.cloud.upgrades.offer import Say
from moduline.cloud.upgrades.rows import Row
from moduline.cloud.upgrades.upgrade import LogLine, UpgradeState, changed

_STATE: Final = attrgetter(*(one.name for one in fields(UpgradeState) if one.name != "versions"))
_FACTS: Final = ("battery", "signal", "free_flash")


@dataclass(slots=True)
class Case:
    """What the rules make of one kind of device.

    Args:
        ruled: the first of them, as the rules see it.
        match: what they are offered; None: nothing.
        waits: why they wait.
        begun: what the offer makes of their upgrade, but for the free flash; None: not worked out yet.
    """

    ruled: RuledDevice
    match: Match | None
    waits: tuple[Wait, ...]
    begun: tuple[UpgradeState, tuple[LogLine, ...], tuple[Say, ...]] | None = None

    def begins(self, free_bytes: int | None) -> tuple[UpgradeState, tuple[LogLine, ...], tuple[Say, ...]]:
        """What the offer makes of the upgrade of a device that told this of its flash."""
        assert self.begun is not None
        state, lines, says = self.begun
        if free_bytes is not None and free_bytes != state.free_bytes:
            state = changed(state, free_bytes=free_bytes)
        return state, lines, says


def kind_of(plan: StoredPlan, device: Device, row: Row, said: Confirmation | None) -> Hashable:
    """Everything that the rules look at in a device that may be offered a plan by the grid.

    Args:
        plan: which; it and the time are the same for the whole block.
        device: that has no upgrade in progress.
        row: its upgrade.
        said: what its user has said.
    """
    state, facts = row.state, device.facts
    told = [facts.get(name) for name in _FACTS] if plan.plan.strategy.holds_on_status else ()
    return (
        _STATE(state),
        state.versions.module,
        tuple(state.versions.mcu.items()),
        row.status,
        row.group,
        tuple(device.versions.items()),
        device.product_id,
        device.is_enabled,
        device.is_online,
        said,
        tuple(told),
        device.facts_at if told else None,
        device.dk if plan.plan.filter is not None else None,
    )
