"""Simulated devices: thousands of them in one process, speaking the real protocol to a real platform.

Verb: ``run_fleet``.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from moduline.events import Reporter, silent
from moduline.fleet.description import FleetPlan, read_description
from moduline.fleet.run import Fleet, FleetOptions
from moduline.fleet.state_file import load_state, save_state
from moduline.fleet.summary import Summary, Tally

__all__ = ["Fleet", "FleetOptions", "FleetPlan", "Summary", "Tally", "read_description", "run_fleet"]


async def run_fleet(
    plan: FleetPlan,
    options: FleetOptions,
    *,
    state: Path | None = None,
    report: Reporter = silent,
    stop: asyncio.Event | None = None,
) -> Summary:
    """Runs a fleet to its end; what it did.

    Args:
        plan: what the devices are, from :func:`read_description`.
        options: where they go and when it ends.
        state: file with what devices remember; read if it is there, written at the end however that comes.
        report: hears of progress and of ends of upgrades.
        stop: ends it when set.

    Raises:
        BadOption: too many devices, or a product secret that is too short.
        BadFormat: the state file is none, or of another product.
        ServerUnreachable: the server's name is not known.
        StorageFailed: the state file cannot be written.
    """
    stored = {} if state is None else load_state(state, options.product)
    fleet = Fleet(plan, options, stored, report=report)
    try:
        return await fleet.run(stop)
    finally:
        if state is not None:
            save_state(state, options.product, {**stored, **fleet.stored})
