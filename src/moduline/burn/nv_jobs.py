"""Jobs that touch nothing but the NV block: read it out and keep it, or write a saved one back byte for byte.

Both are burns with a plan of the loaders and one action, so ways into download mode, refusals and the check afterwards
are those of every burn. The package is needed for its loaders; nothing else of it reaches the module.

Source: platform-unisoc 6.3. ASR and EigenComm: how the area with the IMEI is read is not public.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from moduline.burn.action import Action, BurnPlan
from moduline.burn.drivers.unisoc_nv import is_nv
from moduline.burn.enter import find_module
from moduline.burn.job import Job, Order
from moduline.burn.nv_store import NvFile, SavedNv, all_saved
from moduline.burn.record import BurnRecord
from moduline.errors import Text, Unsupported
from moduline.events import Reporter, silent
from moduline.port.watch import Watch


def nv_plan(plan: BurnPlan, block: bytes | None = None) -> BurnPlan:
    """The part of ``plan`` that reaches the NV block.

    Args:
        plan: of a whole package for the module.
        block: what to write back; None: the block is only read and kept.

    Raises:
        Unsupported: the plan has no NV, because this chip's is not public or the package holds none.
    """
    found = next((action for action in plan.actions if is_nv(action)), None)
    if found is None or (block is not None and found.verb != "keep_nv"):
        reason = Text(
            "{chip}: how the NV area with the IMEI is read and written is not public, or the package holds none",
            "{chip}：含 IMEI 的 NV 区读写方式未公开，或固件包中没有 NV",
        )
        remedy = Text(
            "on Unisoc chips name a whole package; on others a burn leaves that area alone",
            "Unisoc 平台请使用完整固件包；其他平台烧录时不会改动该区域",
        )
        raise Unsupported(format="NV", reason=reason, remedy=remedy, chip=plan.chip)
    loads = tuple(action for action in plan.actions if action.verb == "load")
    if block is None:
        wanted = Action("keep", found.part, found.role, found.address, found.size_bytes)
    else:
        wanted = replace(found, data=block, size_bytes=len(block))
    return replace(plan, version=None, actions=(*loads, wanted), losses=())


def nv_order(order: Order, block: NvFile | None = None) -> Order:
    """``order`` of a whole package, cut down to its NV block.

    Args:
        order: from ``burn.make_order``.
        block: what to write back; None: the block is only read and kept, even a damaged one.

    Raises:
        Unsupported: as :func:`nv_plan`.
    """
    plan = nv_plan(order.plan, block.block if block else None)
    return replace(order, plan=plan, restore_nv=block, accepts_nv_loss=block is None, is_checked=block is not None)


async def run_nv(address: str, order: Order, report: Reporter = silent) -> tuple[BurnRecord, SavedNv | None]:
    """Do it at the one module at ``address``; how it went, and the block that was read, as it was kept.

    It is no burn, so no book gets a record.

    Args:
        address: see ``port.address``.
        order: from :func:`nv_order`.
        report: gets Steps, Progress and Notices.

    Raises:
        BadAddress, NoModule, SeveralModules: the address does not lead to one module.
        StorageFailed: the kept blocks cannot be read.
    """
    async with Watch() as watch:
        record = await Job(order, find_module(address, watch), watch, None, report).run()
    kept = [row for row in await asyncio.to_thread(all_saved) if row.record == record.id and not row.part]
    return record, kept[-1] if kept else None
