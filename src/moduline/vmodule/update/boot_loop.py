"""The boot code's loop over the steps of an update: lets other modules of the rack run, says how far it is.

On the port, in the lines of the vendor's own upgrades; the last one comes when the firmware runs that follows::

    +QIND: "FOTA","START"
    +QIND: "FOTA","UPDATING",10
    ...
    +QIND: "FOTA","END",0          or the code of what went wrong

Source: device-api 7.5, 14.5 (T54); lines and codes: Quectel's DFOTA user guides (EP06 1.0, 3.1 and 5; BG96, 3.1). That
these modules say them too is inferred.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from moduline.vmodule.update.unit import RestartDue, SectorDone, UpdateOver, UpdateResult, UpdateUnit

TENTHS: Final = 10
DONE: Final = 0
BAD_PACKAGE: Final = 504
NOT_ITS_SOURCE: Final = 510
NO_SPACE: Final = 511
FAILED: Final = 520
CODES: Final = {"": DONE, "package-damaged": BAD_PACKAGE, "spare-too-small": NO_SPACE, "verify-failed": FAILED}


def line_of(word: str, value: int | None = None) -> bytes:
    """What the port says: ``START``, ``UPDATING`` with percent, ``END`` with a code."""
    tail = f",{value}" if value is not None else ""
    return f'\r\n+QIND: "FOTA","{word}"{tail}\r\n'.encode("ascii")


def end_line(result: UpdateResult) -> bytes:
    """What the firmware says that runs after an update."""
    return line_of("END", CODES.get(result.reason, NOT_ITS_SOURCE))


async def run_boot_steps(
    unit: UpdateUnit, found_version: str | None, notice: Callable[..., None], say: Callable[[bytes], object]
) -> bool:
    """Do what is due at this power-on; True when the boot code restarts the module, False when it goes on to boot.

    Args:
        unit: of the module.
        found_version: of the system that could boot as it is; None when none could.
        notice: tells the owner of the virtual module.
        say: puts bytes on the port.

    Raises:
        FlashCut: the power went away; the next power-on goes on.
    """
    told = -1
    if unit.is_applying:
        say(line_of("START"))
    for step in unit.boot(found_version):
        if isinstance(step, SectorDone):
            tenth = TENTHS * step.done_bytes // step.total_bytes
            if tenth != told:
                told = tenth
                notice("virt.update-progress", part=step.role, percent=tenth * 100 // TENTHS)
                say(line_of("UPDATING", tenth * 100 // TENTHS))
            await asyncio.sleep(0)
        elif isinstance(step, RestartDue):
            notice("virt.update-restart", stage=step.stage, stages=step.stage_count)
            return True
        elif isinstance(step, UpdateOver):
            result = step.result
            slug = "virt.update-done" if result.is_done else "virt.update-failed"
            notice(slug, kind=result.kind, source=result.source, target=result.target, reason=result.reason)
    return False
