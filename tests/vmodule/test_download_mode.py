"""The loop between port and session: what a session says by itself, in time, and what happens when nobody reads it."""

from __future__ import annotations

import asyncio

from manual_clock import ManualClock
from moduline.vmodule.download.events import DownloadFaults, ResetWanted, StageEntered
from moduline.vmodule.download_mode import serve
from moduline.vmodule.faults import Faults


class Ticking:
    """Says ``beat`` every second once it has heard something, and restarts at the fourth."""

    def __init__(self, events=()):
        self.faults = DownloadFaults()
        self.stage = "rom"
        self.content_bytes = 0
        self.wake_at_s = None
        self.times = []
        self._events = list(events)
        self._now = 0.0
        self._out = b""

    def advance(self, now_s):
        self._now = now_s
        if self.wake_at_s is None or now_s < self.wake_at_s:
            return []
        self.times.append(now_s)
        self.wake_at_s = now_s + 1
        self._out += b"<beat>"
        return [ResetWanted()] if len(self.times) == 4 else []

    def receive(self, data):
        self._out += b"<" + data + b">"
        self.wake_at_s = self.wake_at_s or self._now + 1
        return self._events

    def bytes_to_send(self):
        out, self._out = self._out, b""
        return out


class Stream:
    """A port whose reader takes ``room`` bytes of what is said unasked."""

    name = path = "test"

    def __init__(self, room=1000):
        self.room = room
        self.said = b""
        self._arrived = asyncio.Queue()

    def put(self, data):
        self._arrived.put_nowait(data)

    async def read_some(self, limit=65536):
        return await self._arrived.get()

    async def write_all(self, data):
        self.said += data

    def write_if_room(self, data):
        taken = data[: self.room]
        self.room -= len(taken)
        self.said += taken
        return len(taken)

    async def close(self):
        return None


async def turns(count=20):
    for _ in range(count):
        await asyncio.sleep(0)


def started(session, stream, clock, faults=None):
    events = []
    task = asyncio.create_task(serve(stream, session, faults or Faults(), events.append, clock))
    return task, events


def test_session_when_it_wants_to_be_woken_then_is_on_the_modules_clock_and_may_end_it():
    async def story():
        session, stream, clock = Ticking(), Stream(), ManualClock()
        task, events = started(session, stream, clock)
        await turns()
        clock.advance(100)
        await turns()
        assert stream.said == b""
        stream.put(b"hello")
        await turns()
        begin = clock.now
        for _ in range(4):
            clock.advance(1)
            await turns()
        assert await task == ResetWanted()
        assert session.times == [begin + n for n in (1, 2, 3, 4)]
        assert stream.said == b"<hello>" + b"<beat>" * 4
        assert events == [ResetWanted()]

    asyncio.run(story())


def test_session_when_nobody_reads_then_frames_stay_whole_and_answers_come():
    """A frame of which a part has gone out is finished before anything else; others find no room and are lost."""

    async def story():
        session, stream, clock = Ticking(), Stream(room=9), ManualClock()
        task, _ = started(session, stream, clock)
        stream.put(b"a")
        await turns()
        for _ in range(3):
            clock.advance(1)
            await turns()
        stream.put(b"b")
        await turns()
        assert stream.said == b"<a>" + b"<beat>" * 2 + b"<b>"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())


def test_stage_when_its_port_is_to_come_anew_then_the_loop_ends_for_it():
    async def story():
        for stage in ("fdl1", "preboot", "agentboot"):
            stream, clock = Stream(), ManualClock()
            task, _ = started(Ticking([StageEntered(stage)]), stream, clock, Faults(is_reenumerating=True))
            stream.put(b"go")
            assert await task == StageEntered(stage)

    asyncio.run(story())
