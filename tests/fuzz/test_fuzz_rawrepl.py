"""2,000 broken modules: whatever one answers, the session ends with a result or a coded error, within bounded time."""

from __future__ import annotations

import asyncio
import random

import pytest

from moduline.errors import ModulineError, PortGone
from moduline.port.pair import pair
from moduline.remote.files import ModuleFiles
from moduline.remote.identify import identify_by_repl
from moduline.remote.repl_session import ReplSession
from remote import virtual_time
from remote.fake_module import FakeModule, Variant

ROUNDS = 2000
BATCHES = 8
PATIENCE_S = 600.0  # of virtual time for one whole conversation
SPECIAL = (b"\x01", b"\x04", b">", b"OK", b"R\x01\x00\x00", b"R\x00", b"\x04\x04>", b"\x02", b"\x03", b"\xff\xfe", b"raw REPL; CTRL-B to exit\r\n>",
           b"MPY: soft reboot\r\n", b">>> ", b"OSError: 28", b"\x021 5 2f\x03", b"\x02-\x03", b"")  # fmt: skip


async def visit(stream) -> None:
    async with ReplSession(stream) as repl:
        await repl.exec("print('Hello World !')", timeout_s=20)
        await repl.eval("[1, 2]", timeout_s=20)
        files = ModuleFiles(repl)
        await files.list_folder(is_recursive=True)
        await files.write("/usr/a.py", b"print(1)\n" * 20)
        await files.read("/usr/a.py")
        await identify_by_repl(repl)
        await repl.soft_reset()


class Recorder:
    """Keeps the module's writes, to be replayed broken."""

    def __init__(self, stream):
        self.stream, self.writes = stream, []

    async def read_some(self, limit=65536):
        return await self.stream.read_some(limit)

    async def write_all(self, data):
        self.writes.append(bytes(data))
        await self.stream.write_all(data)

    async def close(self):
        await self.stream.close()


def recorded(paste) -> list[bytes]:
    async def both():
        host, module = pair()
        recorder = Recorder(module)
        serving = asyncio.create_task(FakeModule(recorder, Variant(paste=paste)).serve())
        await visit(host)
        await serving
        return recorder.writes

    return virtual_time.run(both())


def broken(writes: list[bytes], rng: random.Random) -> list[bytes]:
    result = list(writes)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(result))
        data = bytearray(result[at])
        kind = rng.choice((0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 4, 6, 6, 5))
        if kind == 0 and data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data = data[: rng.randrange(len(data) + 1)]
        elif kind == 2:
            where = rng.randrange(len(data) + 1)
            data[where:where] = rng.choice(SPECIAL) * rng.choice((1, 1, 3))
        elif kind == 3:
            data = bytearray(rng.randbytes(rng.randrange(300)))
        elif kind == 4:
            del result[at:]
            result.append(b"")
            at = len(result) - 1
            data = bytearray()
        elif kind == 5:
            data = bytearray(rng.choice((b"n", b"\r\n", b"e\x04")) * 70_000)
        else:
            data = data + data
        result[at] = bytes(data)
    return result


async def replay(stream, writes, rng):
    """Sends the next write whenever the host has said something, as the module did; then is silent, or gone."""
    try:
        for data in writes:
            await stream.write_all(data)
            if rng.random() < 0.5:
                async with asyncio.timeout(0.5):
                    await stream.read_some()
    except (PortGone, TimeoutError):
        pass
    try:
        if rng.random() < 0.5:
            while True:
                await stream.read_some()
    except PortGone:
        pass
    stream.cut()


async def one_round(writes, rng):
    host, module = pair(read_limit=rng.choice((16, 500, 65536, 65536)))
    playing = asyncio.create_task(replay(module, broken(writes, rng), rng))
    loop = asyncio.get_running_loop()
    begun = loop.time()
    outcome = "done"
    try:
        await visit(host)
    except ModulineError as failure:
        outcome = f"{failure.code} {failure.message('en')[:1]}{failure.message('zh')[:1]}"
    host.cut()
    await playing
    assert loop.time() - begun < PATIENCE_S
    return outcome


@pytest.mark.parametrize("batch", range(BATCHES))
def test_session_when_answers_are_broken_then_only_coded_errors_in_bounded_time(batch):
    rng = random.Random(f"rawrepl {batch}")
    writes = recorded(("offered", "refused", "unknown", "silent")[batch % 4])

    async def many():
        return [await one_round(writes, rng) for _ in range(ROUNDS // BATCHES)]

    outcomes = virtual_time.run(many())
    assert len(outcomes) == ROUNDS // BATCHES
    assert len(set(outcomes)) >= 3  # the mutations do reach different places
