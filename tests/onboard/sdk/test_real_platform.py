"""The seed's script on a virtual module against the whole platform, over loopback: two halves by two authors meet.

Source: seed 003; ota-semantics 13.1.
"""

import asyncio
from functools import partial

import pytest

from onboard.sdk.sdk_bench import MAIN, bench, restart, start
from ota_site import OtaSite
from transcripts.board import run

PACKAGE = bytes(range(256)) * 100


class Served:
    """The platform as ``sdk_bench.bench`` wants one."""

    def __init__(self, site):
        self.url = f"mqtt://127.0.0.1:{site.addresses.mqtt}"


@pytest.fixture
def site(tmp_path):
    site = OtaSite(tmp_path / "ota")
    yield site
    site.stop()


def script_for(product, ps, action=1):
    text = MAIN.replace("'p111xt','V2VUei9ZVWt2SnpL'", f"'{product['pk']}', '{ps}'")
    assert text != MAIN
    return text.replace("otaAction(1)", f"otaAction({action})")


async def aside(work, *arguments, **names):
    """Something that waits, beside the module."""
    return await asyncio.get_running_loop().run_in_executor(None, partial(work, *arguments, **names))


async def online(site, product):
    def is_known():
        found = site.get("/v1/devices", product=product["id"], is_online=True)["items"]
        return len(found) == 1 and bool(found[0]["versions"])

    await aside(site.until, is_known)


def test_seed_when_the_platform_is_the_real_one_then_upgraded(site):
    async def story():
        product, ps = await aside(site.product)
        script = script_for(product, ps)
        async with bench(Served(site)) as board:
            await start(board, script)
            await online(site, product)
            package = await aside(site.package, content=PACKAGE)
            plan = await aside(site.plan, product, package)
            await aside(site.activate, plan)
            assert await board.client.ask("Qth.otaRequest()") == "True\n"
            await board.client.until(b"otaPlan: [(0, 'mod', ")
            async with asyncio.timeout(60):
                await board.dead.wait()
            assert board.unit.packages == [PACKAGE]
            await restart(board, "V2", script)
            await board.client.until(b"fotaResult: mod True\r\n")
            await aside(site.until, lambda: site.counters(plan) == {"upgraded": 1})

    run(story, 200)


def test_seed_when_it_refuses_then_the_platform_says_so(site):
    async def story():
        product, ps = await aside(site.product)
        async with bench(Served(site)) as board:
            await start(board, script_for(product, ps, 0))
            await online(site, product)
            plan = await aside(site.plan, product, await aside(site.package, content=PACKAGE))
            await aside(site.activate, plan)
            await board.client.ask("Qth.otaRequest()")
            await board.client.until(b"otaPlan: ")

            def is_refused():
                (upgrade,) = site.upgrades(plan).values()
                return any("refused" in line.lower() for line in site.log(upgrade))

            await aside(site.until, is_refused)
            assert await aside(site.counters, plan) == {"not_upgraded": 1}

    run(story, 200)
