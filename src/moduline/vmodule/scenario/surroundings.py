"""The tables of a scenario that describe a module's world: which part of the world reads each, and how a World is made.

Each part of the world reads its own table and knows its own keys; nothing in a scenario is ever silently ignored.

Source: ``vmodule/world``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from moduline.profiles.schema import Table
from moduline.vmodule.world.bench_plan import read_bench
from moduline.vmodule.world.clock import ModuleClock, read_clock
from moduline.vmodule.world.cloud_plan import read_cloud
from moduline.vmodule.world.network_plan import read_network
from moduline.vmodule.world.radio_table import read_radio
from moduline.vmodule.world.updates import read_updates
from moduline.vmodule.world.world import World

READERS: Final[dict[str, Callable[[Table], object]]] = {
    "clock": read_clock,
    "radio": read_radio,
    "network": read_network,
    "bench": read_bench,
    "cloud": read_cloud,
    "updates": read_updates,
}
"""Name of a table to what reads it."""
_FIELDS: Final = {
    "radio": "radio_plan",
    "network": "network_plan",
    "bench": "bench_plan",
    "cloud": "cloud_plan",
    "updates": "update_plan",
}
"""Name of a table to the field of ``World`` that takes its plan; the clock is handed over whole."""


def read_surroundings(table: Table) -> dict[str, object]:
    """The plans in ``table``, by the names of their tables.

    Raises:
        BadRecipe: a key that its part does not know, or a wrong value.
    """
    return {name: read(table.table(name)) for name, read in READERS.items() if table.has(name)}


def make_world(plans: Mapping[str, object], seed: int) -> World:
    """A world as planned; parts without a plan are those of a healthy module.

    Args:
        plans: from :func:`read_surroundings`.
        seed: decides what is left to chance.
    """
    clock: Any = plans.get("clock")
    given: dict[str, Any] = {_FIELDS[name]: plan for name, plan in plans.items() if name != "clock"}
    return World(clock=ModuleClock(clock), seed=seed, **given)
