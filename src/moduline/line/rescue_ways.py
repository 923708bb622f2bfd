"""How a rescue reaches a module: its ports, and for one of a rack the flash itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from moduline.errors import ModulineError
from moduline.port import registry
from moduline.port.address import resolve
from moduline.remote import reach
from moduline.remote.rescue import Reburnt, Ways
from moduline.vmodule import rack_client


def ways_to(address: str, at_address: str | None = None) -> Ways:
    """The ways to a module, real or virtual.

    Args:
        address: of the module or of its REPL port.
        at_address: of its AT port; None: the module's own, where it has one.
    """
    return with_reburn(reach.ways(address, at_address), address)


def with_reburn(ways: Ways, address: str) -> Ways:
    """The same ways, and for a module of a rack one to write its script area back."""
    try:
        path = resolve(address, role="repl").path
    except ModulineError:
        return ways  # the rescue itself says what is wrong with the address
    entry = next((one for one in registry.modules() if any(path == port.path for port in one.ports)), None)
    if entry is None:
        return ways

    async def reburn() -> Reburnt:
        done = await asyncio.to_thread(rack_client.ask, entry.rack, "set_aside", name=entry.name)
        return Reburnt(str(done["renamed_to"]), bool(done["was_protected"]))

    return replace(ways, reburn=reburn)
