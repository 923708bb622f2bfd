"""The production line: many modules at once, each in its own slot, and what became of each.

Verb: ``run_gang``.
"""

from __future__ import annotations

from collections.abc import Callable

from moduline.burn import Book, BurnRecord, Order, book
from moduline.events import Reporter, silent
from moduline.line.gang import Gang, GangOptions, final_records
from moduline.port.watch import Watch

__all__ = ["Gang", "GangOptions", "final_records", "run_gang"]


async def run_gang(
    order: Order,
    rack: str | None = None,
    options: GangOptions | None = None,
    records: Book | None = None,
    report: Reporter = silent,
    on_record: Callable[[BurnRecord], None] = lambda _: None,
) -> list[BurnRecord]:
    """Burn every module of a rack, and whatever arrives; the records of all tries, in the order of their end.

    Args:
        order: from :func:`~moduline.burn.make_order`.
        rack: rack of virtual modules, or of mapped USB places; None: everything that is connected.
        options: when to stop.
        records: where records go; None: the book of the order.
        report: gets the events of all slots.
        on_record: gets each finished record at once.

    Raises:
        NoModule: nothing is connected, and nothing was said that would make waiting useful.
    """
    async with Watch(rack) as watch:
        gang = Gang(order, watch, records or book(order.order), options or GangOptions(), report, on_record)
        return await gang.run()
