"""Who is in a slot, asked before anything is done: a real port tells no IMEI by itself."""

from __future__ import annotations

import asyncio
from typing import Final

from moduline.errors import AtRefused, BadAnswer, NoAnswer, NoModule, PortBusy, PortGone
from moduline.port import address as addresses
from moduline.port.listing import PortInfo
from moduline.remote.at_session import AtSession
from moduline.remote.identify import identify_by_at

AGAIN_S: Final = 0.2


async def ask_imei(port: PortInfo, limit_s: float) -> str:
    """The IMEI that the module behind an AT port tells; empty when it tells none in time.

    Args:
        port: AT port of a module that may still be booting.
        limit_s: how long to try, seconds.
    """
    try:
        async with asyncio.timeout(limit_s):
            while True:
                try:
                    async with AtSession(await addresses.open_port(port)) as session:
                        return (await identify_by_at(session)).imei
                except (NoAnswer, BadAnswer, AtRefused, PortBusy):
                    await asyncio.sleep(AGAIN_S)
    except (PortGone, NoModule, TimeoutError):
        return ""
