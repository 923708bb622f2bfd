"""Power pulled at seeded random moments of a download and of what follows, on a whole module with its interpreter.

Half of the pulls come by the clock, half at a flash operation, torn or not. After each the module is powered on: it runs the
old or the new firmware, and the user's file is there. When nothing pulls any more, the upgrade succeeds.

Source: device-api 7.5, 14.5 (T54); style H32.
"""

import asyncio
import random
import sys

import pytest

from transcripts.board import run
from transcripts.updating import diff, serving, updating, version_of

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")

MODULE = "ec600n"
OLD, NEW = version_of(MODULE), version_of(MODULE) + "2"


async def version(bench):
    return (await bench.client.ask("import modem; modem.getDevFwVersion()")).strip().strip("'")


async def upgrade(bench, base):
    """Start a download; gives when the new firmware runs, or the power is away."""
    bench.client.write(f"import fota; fota().httpDownload(url1='{base}/v2.bin')\r".encode())
    former = bench.module.runtime
    module = bench.module
    await module.wait_until(
        lambda: (
            module.state == "off" or (module.runtime is not former and module.runtime is not None and module.has_ports)
        )
    )


def pull(bench, chance):
    """Arrange for the power to go away once."""
    kind = chance.randrange(4)
    if kind < 2:
        bench.module.fault(f"cut@{chance.uniform(0.01, 0.9):.3f}s")
    elif kind == 2:
        bench.module.fault(f"cut@{chance.randrange(600)}")
    else:
        bench.module.fault(f"tear@{chance.randrange(600)}:{chance.randrange(1000)}")


async def pulls(folder, seed, count):
    chance = random.Random(seed)
    versions = []
    with serving({"/v2.bin": diff(MODULE)}) as (base, _):
        async with updating(MODULE, folder) as bench:
            await bench.put("/usr/kept.txt", b"kept" * 500)
            for _ in range(count):
                pull(bench, chance)
                async with asyncio.timeout(30):
                    await upgrade(bench, base)
                bench.module.fault("clear")
                await bench.up()
                versions.append(await version(bench))
                assert versions[-1] in {OLD, NEW}, (seed, versions)
                assert await bench.client.ask("open('/usr/kept.txt').read() == 'kept' * 500") == "True\n", (
                    seed,
                    versions,
                )
                if versions[-1] == NEW:
                    return versions
                await bench.online()
            async with asyncio.timeout(30):
                await upgrade(bench, base)
            await bench.up()
            assert await version(bench) == NEW, (seed, versions)
    return versions


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_power_when_pulled_during_download_and_apply_then_old_or_new_firmware(seed, tmp_path):
    run(lambda: pulls(tmp_path, seed, 4))


@pytest.mark.sweep
@pytest.mark.timeout(1800)
def test_power_when_pulled_two_hundred_times_then_always_old_or_new_firmware(tmp_path):
    async def story():
        seen = []
        for seed in range(100, 160):
            (tmp_path / str(seed)).mkdir()
            seen += await pulls(tmp_path / str(seed), seed, 5)
        assert {OLD, NEW} <= set(seen)

    run(story, 1700)
