"""The boot code's loop over the steps of an update: lets other modules of the rack run, tells the owner how far it is.

Source: device-api 7.5, 14.5 (T54).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from moduline.vmodule.update.unit import RestartDue, SectorDone, UpdateOver, UpdateUnit

TENTHS: Final = 10


async def run_boot_steps(unit: UpdateUnit, found_version: str | None, notice: Callable[..., None]) -> bool:
    """Do what is due at this power-on; True when the boot code restarts the module, False when it goes on to boot.

    Args:
        unit: of the module.
        found_version: of the system that could boot as it is; None when none could.
        notice: tells the owner of the virtual module.

    Raises:
        FlashCut: the power went away; the next power-on goes on.
    """
    told = -1
    for step in unit.boot(found_version):
        if isinstance(step, SectorDone):
            tenth = TENTHS * step.done_bytes // step.total_bytes
            if tenth != told:
                told = tenth
                notice("virt.update-progress", part=step.role, percent=tenth * 100 // TENTHS)
            await asyncio.sleep(0)
        elif isinstance(step, RestartDue):
            notice("virt.update-restart", stage=step.stage, stages=step.stage_count)
            return True
        elif isinstance(step, UpdateOver):
            result = step.result
            slug = "virt.update-done" if result.is_done else "virt.update-failed"
            notice(slug, kind=result.kind, source=result.source, target=result.target, reason=result.reason)
    return False
