"""Which racks are up, which modules they have, and in which one a module is; plain blocking calls."""

from __future__ import annotations

from typing import Any

from moduline.errors import BadOption, NoModule, Text, VirtualRackDown
from moduline.vmodule import rack_client

DEFAULT = "default"


def all_modules() -> tuple[list[dict[str, Any]], list[str]]:
    """The modules of every rack that is up, and the names of racks that died; their traces are swept."""
    up, dead = rack_client.racks()
    modules = [module for rack in up for module in rack_client.ask(rack, "list")["modules"]]
    for rack in dead:
        rack_client.bury(rack)
    return modules, list(dead)


def rack_of(name: str, rack: str = "") -> str:
    """The rack a module is in, when the user does not say.

    Args:
        name: of the module, or ``all``.
        rack: what the user says; empty to find out.

    Raises:
        VirtualRackDown: no rack is up.
        NoModule: no rack has it.
        BadOption: several have it, and none of them is the default one.
    """
    if rack:
        return rack
    up, _ = rack_client.racks()
    if not up:
        raise VirtualRackDown(rack=DEFAULT)
    if name == "all":
        return DEFAULT if DEFAULT in up else up[0]
    holding = [one for one in up if any(module["name"] == name for module in rack_client.ask(one, "list")["modules"])]
    if not holding:
        raise NoModule(address=f"virt:{name}")
    if len(holding) > 1 and DEFAULT not in holding:
        why = Text("{module} is in {racks}", "{module} 同时存在于 {racks}")
        raise BadOption(name="--rack", reason=why, module=name, racks=", ".join(holding))
    return DEFAULT if DEFAULT in holding else holding[0]
