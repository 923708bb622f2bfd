"""Burning: one package into one module, with a durable record; many at once are ``moduline.line``.

Verbs: ``make_order``, ``run_job``.
"""

from __future__ import annotations

import asyncio

from moduline.burn.books import LineBook, all_records, book
from moduline.burn.enter import ASK_LIMIT_S, PIN_LIMIT_S, WINDOW_S, find_module
from moduline.burn.job import BOOT_LIMIT_S, Job, Order
from moduline.burn.nv_store import NvFile, SavedNv, all_saved
from moduline.burn.plan import DEFAULT_PACKET_BYTES, Action, BurnPlan, Only, Verify, make_plan
from moduline.burn.record import Book, BurnRecord, CheckResult
from moduline.digest import sha256_hex
from moduline.events import Notice, Reporter, silent
from moduline.package import read_package
from moduline.port.watch import Watch

__all__ = [
    "Action",
    "Book",
    "BurnPlan",
    "BurnRecord",
    "CheckResult",
    "LineBook",
    "NvFile",
    "Order",
    "SavedNv",
    "all_records",
    "all_saved",
    "book",
    "make_order",
    "make_plan",
    "run_job",
]


def make_order(
    package: bytes,
    name: str = "",
    *,
    verify: Verify = "areas",
    packet_bytes: int = DEFAULT_PACKET_BYTES,
    extra: tuple[str, ...] = (),
    only: Only = "",
    baud: int = 0,
    order: str = "",
    operator: str = "",
    station: str = "",
    force: bool = False,
    window_s: float = WINDOW_S,
    ask_limit_s: float = ASK_LIMIT_S,
    pin_limit_s: float = PIN_LIMIT_S,
    boot_limit_s: float = BOOT_LIMIT_S,
    is_checked: bool = True,
    restore_nv: NvFile | None = None,
    accepts_nv_loss: bool = False,
) -> Order:
    """What to burn, from the bytes of a package file; nothing is touched yet.

    Args:
        package: any container that ``package.read_package`` reads.
        name: file name, for the records.
        verify: ``device``, ``areas`` (read back boot and script file systems) or ``all``.
        packet_bytes: content bytes per packet of the flash stage.
        extra: parts that are off by default and wanted nevertheless.
        only: "scripts" burns the script file systems and leaves the rest of the module as it is.
        baud: line rate that loader and port change to, where a loader can be told one; 0: as it is.
        order: production order.
        operator: who runs it.
        station: name of the place where it is done.
        force: burn although the module says it is another model.
        window_s: how long the download port may take to appear.
        ask_limit_s: how long the AT port may take to answer.
        pin_limit_s: how long somebody may take to hold the boot pin.
        boot_limit_s: how long the module may take to answer after the burn.
        is_checked: whether the module is asked for its version and IMEI after the burn.
        restore_nv: the NV block to bring back, from ``burn.nv_store.choose``.
        accepts_nv_loss: burn a module whose NV is damaged although no saved block is known to be its own.

    Raises:
        FormatError: the package is broken, or of a chip without a driver.
        BadOption: an option that cannot be meant.
    """
    plan = make_plan(read_package(package, name), verify, packet_bytes, extra, only, baud)
    return Order(
        plan=plan,
        package=name,
        sha256=sha256_hex(package),
        order=order,
        operator=operator,
        station=station,
        force=force,
        window_s=window_s,
        ask_limit_s=ask_limit_s,
        pin_limit_s=pin_limit_s,
        boot_limit_s=boot_limit_s,
        is_checked=is_checked,
        restore_nv=restore_nv,
        accepts_nv_loss=accepts_nv_loss,
    )


async def run_job(address: str, order: Order, records: Book | None = None, report: Reporter = silent) -> BurnRecord:
    """Burn the one module at ``address``; how it went is the record, ``record.raise_error()`` turns it into an error.

    Args:
        address: see ``port.address``.
        order: from :func:`make_order`.
        records: where the record goes; None: the book of the order.
        report: gets Steps, Progress and Notices.

    Raises:
        BadAddress, NoModule, SeveralModules: the address does not lead to one module.
        StorageFailed: the records cannot be read.
    """
    records = records or book(order.order)
    async with Watch() as watch:
        port = find_module(address, watch)
        last = await asyncio.to_thread(records.last_failed, port.place)
        if last is not None:
            report(Notice("burn.continues", where=port.address, facts={"tries": last.tries}))
        return await Job(order, port, watch, records, report, last).run()
