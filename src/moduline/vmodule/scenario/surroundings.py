"""The tables of a scenario that describe a module's world: which part of the world reads each, and how a World is made.

A table whose part is not there is refused by name; nothing in a scenario is ever silently ignored.

Source: brief of the virtual module; ``vmodule/world``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from moduline.profiles.schema import Table
from moduline.vmodule.world.clock import ModuleClock
from moduline.vmodule.world.world import World

HOMES: Final[dict[str, tuple[str, ...]]] = {
    "clock": ("clock",),
    "radio": ("radio_plan", "radio"),
    "network": ("network_plan", "network"),
    "bench": ("bench_plan", "bench"),
    "cloud": ("cloud_plan", "cloud"),
}
"""Name of a table, and the files of ``vmodule/world`` in which its reader may be."""


def reader_of(name: str) -> Callable[[Table], object] | None:
    """What reads the table of that name; None when the world has no such part."""
    if name != "clock" and f"{name}_plan" not in World.__dataclass_fields__:
        return None
    for home in HOMES[name]:
        place = f"moduline.vmodule.world.{home}"
        reader: Callable[[Table], object] | None = None
        if find_spec(place) is not None:
            reader = getattr(import_module(place), f"read_{name}", None)
        if reader is not None:
            return reader
    return None


def read_surroundings(table: Table) -> dict[str, object]:
    """The plans in ``table``, by the names of their tables.

    Raises:
        BadRecipe: a part that is not modelled, or a key it does not know.
    """
    plans: dict[str, object] = {}
    for name in HOMES:
        if not table.has(name):
            continue
        reader = reader_of(name)
        if reader is None:
            table.refuse(name, "this part of the world is not modelled by this version", "当前版本尚未建模该部分环境")
        plans[name] = reader(table.table(name))
    return plans


def make_world(plans: Mapping[str, object], seed: int) -> World:
    """A world as planned; parts without a plan are those of a healthy module.

    Args:
        plans: from :func:`read_surroundings`.
        seed: decides what is left to chance.
    """
    given: dict[str, Any] = {f"{name}_plan": plan for name, plan in plans.items() if name != "clock"}
    clock: Any = plans.get("clock")
    known = World.__dataclass_fields__
    if "seed" in known:
        given["seed"] = seed
    return World(clock=ModuleClock(clock), **given)
