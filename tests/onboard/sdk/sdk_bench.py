"""A board whose ``Qth`` speaks to the scripted platform of these tests; the seed's script, unchanged but for its import."""

import asyncio
import contextlib
from dataclasses import replace

from moduline.vmodule.world.clock import ClockPlan, ModuleClock
from moduline.vmodule.world.cloud_plan import CloudPlan
from moduline.vmodule.world.updates import Station
from moduline.vmodule.world.world import World
from transcripts.board import FACTS, Board
from transcripts.test_t40_qth import SAMPLE

PK, PS = "p111xt", "V2VUei9ZVWt2SnpL"  # of the seed
FACTS_V1 = replace(FACTS, firmware_version="V1")
MAIN = "import Qth\n" + SAMPLE


class Unit:
    """Takes every package, or none; ``packages`` has what was accepted."""

    room_bytes = 1 << 20

    def __init__(self):
        self.data, self.packages, self.refuses = b"", [], False

    @property
    def staged_bytes(self):
        return len(self.data)

    def begin(self, *, is_next=False):
        self.data = b""

    def write(self, data):
        self.data += data

    def flush(self):
        """Nothing waits."""

    def forget(self):
        self.data = b""

    def accept(self, running_version):
        if self.refuses:
            from moduline.errors import BadFormat, Text

            raise BadFormat(format="package", reason=Text("refused", "拒绝"), offset=0)
        self.packages.append(self.data)


@contextlib.asynccontextmanager
async def bench(platform, speed=1.0, facts=FACTS_V1, **board):
    """A module that stands at its prompt with a data call; its cloud is the platform."""
    world = World(clock=ModuleClock(ClockPlan(speed=speed)), cloud_plan=CloudPlan(server=platform.url))
    async with Board(facts=facts, world=world, **board) as module:
        module.unit = Unit()
        await ready(module)
        yield module
        await module.world.updates.close()


async def ready(board):
    """At the prompt, registered, with an update unit."""
    await board.prompt(30)
    radio, arrived = board.world.radio, asyncio.Event()
    radio.power_on()
    leave = radio.subscribe(lambda _: arrived.set())
    async with asyncio.timeout(30):
        while not radio.has_data:
            arrived.clear()
            await arrived.wait()
    leave()
    board.world.updates.open(
        Station(
            board.unit,
            board.facts.firmware_version,
            lambda: None,
            lambda cut: None,
            lambda slug, **facts: print(slug, facts),
        )
    )


async def start(board, source=MAIN):
    """Run a script in the shared name space, as main.py is; all that it prints stays to be read."""
    client = board.client
    client.write(b"\x01")
    await client.until(b"raw REPL; CTRL-B to exit\r\n>")
    await client.send(source.encode() + b"\x04")
    await client.until(b"OK")
    out = (await client.until(b"\x04"))[:-1]
    fault = (await client.until(b"\x04>"))[:-2]
    assert fault == b"", fault
    client.write(b"\x02")
    said = await client.until(b">>> ")
    client.seen = out + said[: said.index(b"\r\nQuecpython")] + client.seen


async def restart(board, version=None, source=MAIN, **changes):
    """Power off and on, as the module does; another firmware may run then."""
    await board.power_off()
    await board.world.updates.close()
    if version:
        board.facts = replace(board.facts, firmware_version=version)
    await board.power_on(**changes)
    await ready(board)
    if source:
        await start(board, source)
