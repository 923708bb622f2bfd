"""One contract, every implementation: pairs, pseudo-terminals with the serial backend, TCP, RFC 2217, recorded, outlets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
import threading
from pathlib import Path

import pytest
import serial
import serial.rfc2217

from moduline.errors import PortBusy, PortGone
from moduline.port.listing import PortInfo
from moduline.port.pair import pair
from moduline.port.pty import PtyEnd
from moduline.port.recording import Recorder, RecordingStream
from moduline.port.rfc2217 import open_rfc2217
from moduline.port.serial import open_serial
from moduline.port.stream import pump, set_baud
from moduline.port.tcp import open_tcp, open_tcp_end
from moduline.vmodule.faults.line import Line
from moduline.vmodule.outlet import Outlet
from moduline.vmodule.power import LoopClock


@contextlib.asynccontextmanager
async def over_pair():
    near, far = pair()
    yield near, far
    near.cut()


@contextlib.asynccontextmanager
async def over_pty():
    far = PtyEnd()
    near = open_serial(far.path)
    yield near, far
    await near.close()
    await far.close()


@contextlib.asynccontextmanager
async def over_tcp():
    far = await open_tcp_end()
    _, host, port = far.path.split(":")
    near = await open_tcp(host, int(port))
    yield near, far
    await near.close()
    await far.close()


@contextlib.asynccontextmanager
async def over_recorded():
    """What passes is written down; the file itself is looked at in test_recording.py."""
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / "x.jsonl", "contract")
        async with over_pty() as (near, far):
            yield RecordingStream(near, PortInfo(far.path, "repl"), recorder), far
        recorder.close()


@contextlib.asynccontextmanager
async def over_outlet():
    """The module's side of a port behind a cable."""
    far = Outlet("repl", make_end, Line("repl"), LoopClock())
    await far.plug()
    near = open_serial(far.path)
    yield near, far
    await near.close()
    await far.close()


async def make_end():
    return PtyEnd()


KINDS = {"pair": over_pair, "pty": over_pty, "tcp": over_tcp, "recorded": over_recorded, "outlet": over_outlet}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


async def write_for_ever(stream):
    """TCP takes a moment to know that nobody is there."""
    for _ in range(10_000):
        await stream.write_all(b"x" * 1000)


async def read_exactly(stream, size):
    found = b""
    while len(found) < size:
        found += await stream.read_some()
    return found


@each_kind
def test_bytes_when_written_then_arrive_in_both_directions(kind):
    async def run():
        async with kind() as (near, far):
            every = bytes(range(256))
            await near.write_all(every)
            assert await read_exactly(far, 256) == every
            await far.write_all(every)
            assert await read_exactly(near, 256) == every

    asyncio.run(run())


@each_kind
def test_read_when_limited_then_gives_no_more(kind):
    async def run():
        async with kind() as (near, far):
            await near.write_all(b"abcdef")
            assert await far.read_some(2) == b"ab"
            assert await read_exactly(far, 4) == b"cdef"

    asyncio.run(run())


@each_kind
def test_megabyte_when_the_reader_is_slow_then_nothing_is_lost(kind):
    """Linux hands out at most 4095 bytes of a pseudo-terminal at a time; a writer must wait."""

    async def run():
        async with kind() as (near, far):
            data = bytes(range(251)) * 4180
            writer = asyncio.create_task(near.write_all(data))
            assert await read_exactly(far, len(data)) == data
            await writer

    asyncio.run(run())


@each_kind
def test_read_when_cancelled_then_no_byte_is_lost(kind):
    async def run():
        async with kind() as (near, far):
            for number in range(20):
                reader = asyncio.create_task(near.read_some())
                await asyncio.sleep(0)
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
                await far.write_all(bytes([number]))
                assert await near.read_some() == bytes([number])

    asyncio.run(run())


@each_kind
def test_read_when_cancelled_just_as_bytes_arrive_then_they_are_kept(kind):
    async def run():
        async with kind() as (near, far):
            for number in range(50):
                reader = asyncio.create_task(near.read_some())
                await asyncio.sleep(0)
                await far.write_all(bytes([number]))
                for _ in range(number % 5):
                    await asyncio.sleep(0)
                reader.cancel()
                (found,) = await asyncio.gather(reader, return_exceptions=True)
                assert found == bytes([number]) or await near.read_some() == bytes([number])

    asyncio.run(run())


@each_kind
def test_pump_when_running_then_every_piece_is_answered_until_none(kind):
    async def run():
        async with kind() as (near, far):
            seen, echoed, heard, idles = bytearray(), [0], bytearray(), []

            def react(data):
                seen.extend(data)
                if len(seen) >= 100_000:
                    return None
                echoed[0] += len(data)
                return data

            async def talk():
                for _ in range(100):
                    await far.write_all(bytes(1000))

            async def listen():
                while True:
                    heard.extend(await far.read_some())

            listening, talking = asyncio.create_task(listen()), asyncio.create_task(talk())
            await pump(near, react, lambda: idles.append(1))
            await talking
            while len(heard) < echoed[0]:
                await asyncio.sleep(0)
            listening.cancel()
            assert len(heard) == echoed[0]
            assert len(seen) == 100_000
            assert idles

    asyncio.run(run())


@each_kind
def test_pump_when_react_raises_or_the_port_vanishes_then_raised_here(kind):
    def broken(data):
        raise ValueError(data)

    async def run():
        async with kind() as (near, far):
            await far.write_all(b"x")
            with pytest.raises(ValueError, match="x"):
                await pump(near, broken)
            await far.write_all(b"y")
            assert await near.read_some() == b"y"
            pumping = asyncio.create_task(pump(near, lambda data: b""))
            await asyncio.sleep(0)
            await far.close()
            with pytest.raises(PortGone):
                await pumping
            with pytest.raises(PortGone):
                await pump(near, lambda data: b"")

    asyncio.run(run())


@each_kind
def test_pump_when_cancelled_then_the_stream_still_reads(kind):
    async def run():
        async with kind() as (near, far):
            pumping = asyncio.create_task(pump(near, lambda data: b""))
            await asyncio.sleep(0)
            pumping.cancel()
            await asyncio.gather(pumping, return_exceptions=True)
            await far.write_all(b"z")
            assert await near.read_some() == b"z"

    asyncio.run(run())


def test_pump_when_the_kernel_takes_no_more_then_the_rest_of_an_answer_follows():
    async def run():
        async with over_pty() as (near, far):
            big = bytes(range(256)) * 2000
            await far.write_all(b"?")
            pumping = asyncio.create_task(pump(near, lambda data: None if data == b"!" else big))
            assert await read_exactly(far, len(big)) == big
            await far.write_all(b"!")
            await pumping

    asyncio.run(run())


@each_kind
def test_read_when_the_other_end_vanishes_then_port_gone(kind):
    async def run():
        async with kind() as (near, far):
            reader = asyncio.create_task(near.read_some())
            await asyncio.sleep(0)
            await far.close()
            with pytest.raises(PortGone) as gone:
                await reader
            assert gone.value.facts["port"] == near.name
            with pytest.raises(PortGone):
                await near.read_some()
            with pytest.raises(PortGone):
                await write_for_ever(near)

    asyncio.run(run())


@each_kind
def test_calls_when_closed_then_port_gone_and_closing_again_is_harmless(kind):
    async def run():
        async with kind() as (near, _far):
            reader = asyncio.create_task(near.read_some())
            await asyncio.sleep(0)
            await near.close()
            with pytest.raises(PortGone):
                await reader
            with pytest.raises(PortGone):
                await near.read_some()
            with pytest.raises(PortGone):
                await near.write_all(b"x")
            await near.close()

    asyncio.run(run())


def test_write_when_the_port_vanishes_in_the_middle_then_port_gone():
    async def run():
        async with over_pty() as (near, far):
            writer = asyncio.create_task(near.write_all(bytes(1_000_000)))
            await far.read_some()
            await far.close()
            with pytest.raises(PortGone):
                await writer

    asyncio.run(run())


def test_pty_end_when_hosts_come_and_go_then_it_stays():
    """The slave kept open means that no host coming or going is a hang-up."""

    async def run():
        far = PtyEnd()
        for number in range(3):
            near = open_serial(far.path)
            await near.write_all(bytes([number]))
            assert await far.read_some() == bytes([number])
            await near.close()
        await far.close()

    asyncio.run(run())


def test_pty_end_when_nobody_listens_then_write_if_room_does_not_wait():
    async def run():
        far = PtyEnd()
        taken = 0
        while (now := far.write_if_room(bytes(4096))) > 0:
            taken += now
        assert 4095 <= taken < 1_000_000
        await far.close()
        assert far.write_if_room(b"x") == 0

    asyncio.run(run())


def test_pty_end_when_linked_then_the_link_follows_and_goes(tmp_path):
    async def run():
        link = tmp_path / "rack" / "m1-at"
        first = PtyEnd(link)
        second = PtyEnd(link)
        assert second.path == str(link)
        near = open_serial(second.path)
        await near.write_all(b"x")
        assert await second.read_some() == b"x"
        await first.close()
        assert link.is_symlink()
        await near.close()
        await second.close()
        assert not link.is_symlink()

    asyncio.run(run())


def test_tcp_end_when_a_second_host_comes_then_it_replaces_the_first():
    async def run():
        async with over_tcp() as (near, far):
            await near.write_all(b"1")
            assert await far.read_some() == b"1"
            _, host, port = far.path.split(":")
            second = await open_tcp(host, int(port))
            reader = asyncio.create_task(far.read_some())
            await second.write_all(b"2")
            assert await reader == b"2"
            with pytest.raises(PortGone):
                await near.read_some()
            await second.close()

    asyncio.run(run())


@each_kind
def test_rate_when_changed_then_bytes_still_pass_in_both_directions(kind):
    """Ports without a rate take the change silently."""

    async def run():
        async with kind() as (near, far):
            await near.write_all(b"old")
            assert await read_exactly(far, 3) == b"old"
            await set_baud(near, 921600)
            await near.write_all(b"new")
            assert await read_exactly(far, 3) == b"new"
            await far.write_all(b"back")
            assert await read_exactly(near, 4) == b"back"

    asyncio.run(run())


@pytest.mark.parametrize("kind", [over_pty, over_recorded], ids=["pty", "recorded"])
def test_rate_when_changed_then_the_terminal_has_it(kind):
    termios = pytest.importorskip("termios", reason="only POSIX terminals keep a speed that can be read back")

    async def run():
        async with kind() as (near, far):
            await set_baud(near, 921600)
            descriptor = os.open(far.path, os.O_RDWR | os.O_NOCTTY)
            assert termios.tcgetattr(descriptor)[4:6] == [termios.B921600] * 2
            os.close(descriptor)
            with pytest.raises(PortBusy):
                await set_baud(near, 12345)
            await near.close()
            with pytest.raises(PortGone):
                await set_baud(near, 115200)

    asyncio.run(run())


class Rfc2217Server(threading.Thread):
    """pyserial's own server code in front of its loop device, which sends back what it gets."""

    def __init__(self):
        super().__init__(daemon=True)
        self.device = serial.serial_for_url("loop://", timeout=0.01)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def write(self, data):
        self.client.sendall(data)

    def run(self):
        self.client, _ = self.listener.accept()
        self.client.settimeout(0.01)
        ports = serial.rfc2217.PortManager(self.device, self)
        while True:
            with contextlib.suppress(TimeoutError):
                data = self.client.recv(1024)
                if not data:
                    break
                self.device.write(b"".join(ports.filter(data)))
            if waiting := self.device.read(self.device.in_waiting):
                self.write(b"".join(ports.escape(waiting)))
        for end in (self.client, self.listener, self.device):
            end.close()


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # inside pyserial
def test_rfc2217_when_bytes_pass_then_arrive_in_both_directions():
    async def run():
        server = Rfc2217Server()
        server.start()
        near = await open_rfc2217(f"rfc2217://127.0.0.1:{server.port}")
        await near.write_all(bytes(range(256)))
        assert await read_exactly(near, 256) == bytes(range(256))
        await set_baud(near, 921600)
        await near.write_all(b"faster")
        assert await read_exactly(near, 6) == b"faster"
        await near.close()
        with pytest.raises(PortGone):
            await near.read_some()
        with pytest.raises(PortGone):
            await set_baud(near, 115200)
        with pytest.raises(PortGone):
            await near.write_all(b"x")
        await asyncio.to_thread(server.join)

    asyncio.run(run())
