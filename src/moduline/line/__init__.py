"""The production line: many modules at once, each in its own slot, and what became of each.

Verb: ``run_gang``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from moduline.burn import Book, BurnRecord, Order, book
from moduline.events import Reporter, silent
from moduline.line.gang import MOST_CHANNELS, Finish, Gang, GangOptions, final_records
from moduline.port.watch import Watch

__all__ = ["MOST_CHANNELS", "Finish", "Gang", "GangOptions", "final_records", "run_gang"]

THREADS = 2 * MOST_CHANNELS + 8
"""A slow disk and a hanging port in every slot still leave threads to those that look for ports."""


async def run_gang(
    order: Order,
    rack: str | None = None,
    options: GangOptions | None = None,
    records: Book | None = None,
    report: Reporter = silent,
    on_record: Callable[[BurnRecord], None] = lambda _: None,
    finish: Finish | None = None,
) -> list[BurnRecord]:
    """Burn every module of a rack, and whatever arrives; the records of all tries, in the order of their end.

    The event loop gets more threads than usual, so that what blocks one slot leaves its neighbours alone.

    Args:
        order: from :func:`~moduline.burn.make_order`.
        rack: rack of virtual modules, or of mapped USB places; None: everything that is connected.
        options: when to stop.
        records: where records go; None: the book of the order.
        report: gets the events of all slots.
        on_record: gets each finished record at once.
        finish: asked from outside when nothing more is to begin.

    Raises:
        NoModule: nothing is connected, and nothing was said that would make waiting useful.
        StorageFailed: the records cannot be read.
        RecordsUnwritable: they could not be written on the way; the error's facts hold what they lack.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="moduline line"))
    async with Watch(rack) as watch:
        gang = Gang(
            order,
            watch,
            records or book(order.order),
            options or GangOptions(),
            report,
            on_record,
            rack,
            finish or Finish(),
        )
        return await gang.run()
