"""Simulated devices: thousands of them in one process, speaking the real protocol to a real platform.

Verb: ``run_fleet``. With a `VirtualPlan`, full virtual modules are among them.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from moduline.events import Reporter, silent
from moduline.fleet.description import FleetPlan, read_description
from moduline.fleet.run import Fleet, FleetOptions
from moduline.fleet.state_file import load_state, save_state
from moduline.fleet.summary import Summary, Tally
from moduline.fleet.virtual import VirtualFleet, VirtualPlan, VirtualSummary

__all__ = [
    "Fleet",
    "FleetOptions",
    "FleetPlan",
    "Summary",
    "Tally",
    "VirtualFleet",
    "VirtualPlan",
    "VirtualSummary",
    "read_description",
    "run_fleet",
]


async def run_fleet(
    plan: FleetPlan,
    options: FleetOptions,
    *,
    virtual: VirtualPlan | None = None,
    state: Path | None = None,
    report: Reporter = silent,
    stop: asyncio.Event | None = None,
) -> Summary:
    """Runs a fleet to its end; what it did.

    Args:
        plan: what the devices are, from :func:`read_description`.
        options: where they go and when it ends.
        virtual: full virtual modules, which need Linux or macOS; None for light devices only.
        state: file with what devices remember; read if it is there, written at the end however that comes.
        report: hears of progress and of ends of upgrades.
        stop: ends it when set.

    Raises:
        BadOption: too many devices, a product secret that is too short, or a package that does not boot.
        ModulineError: the virtual modules cannot be made, see `VirtualFleet`.
        BadFormat: the state file is none, or of another product.
        ServerUnreachable: the server's name is not known.
        StorageFailed: the state file cannot be written.
    """
    stored = {} if state is None else load_state(state, options.product)
    async with contextlib.AsyncExitStack() as stack:
        full = None
        if virtual is not None:
            full = await stack.enter_async_context(VirtualFleet(virtual, report=report))
        fleet = Fleet(plan, options, stored, virtual=full, report=report)
        if full is not None:
            full.start()
        try:
            return await fleet.run(stop)
        finally:
            if state is not None:
                save_state(state, options.product, {**stored, **fleet.stored})
