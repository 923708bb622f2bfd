"""A gateway that is attacked: nothing may go wrong unseen, and a good device must be served at the end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from gateway_rig import site
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.quecthing.ota_messages import Request


@asynccontextmanager
async def watched_site(**facts):
    """A site on whose loop nothing may go wrong unseen, with one good device that must be served at the end."""
    wrong = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: wrong.append(context))
    async with site(**facts) as here:
        good = await here.reach("860000000099999")
        await good.come_online(keep_alive_s=0)
        await here.platform.until_online()
        yield here
        good.write(good.publish_packet(Request("V1"), mqtt_id=77))
        assert await good.read() == mqtt.PubAck(77)
        assert here.notices == []
    assert wrong == []


async def emptied(here):
    """Waits until only the good device is left."""
    async with asyncio.timeout(60):
        while here.gateway.connections_here > 1:
            await asyncio.sleep(0.01)
