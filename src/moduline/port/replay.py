"""A recorded module as a peer: what the host sends is compared with the record, the answers are the recorded ones.

``Script`` is the comparison, without I/O: bytes of the host go in by port, what is to be done next comes out. Chunking
does not matter: the host may send a line in one piece or byte by byte; its bytes must be the recorded ones, port by
port, in the order of the record. An answer is given as soon as all that the host had sent before it was received.

``Replay`` offers the ports in the virtual USB tree and keeps the time.

Source: style-anchors H31 (recorded sessions); docs/spec/recording.md.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from moduline.errors import PortGone, ReplayDiverged, Text
from moduline.port.offered import Offer, silent
from moduline.port.recording import Entry, Recording

RACK: Final = "replays"
SHOWN_BYTES: Final = 32
DOWNLOAD: Final = "download"
LEAST_LAST_S: Final = 0.05  # between the last bytes and the end of a port
MOST_LAST_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Do:
    """The next thing a replay does.

    Attributes:
        kind: ``send`` bytes, ``open`` a port, take one away (``gone``).
        entry: what the record says.
        after_s: seconds since the entry before it.
    """

    kind: Literal["send", "open", "gone"]
    entry: Entry
    after_s: float


class Script:
    """Walks through a recording while the host speaks.

    Args:
        recording: to be played.
    """

    def __init__(self, recording: Recording) -> None:
        self._entries = recording.entries
        busy = [at for at, one in enumerate(self._entries) if one.kind in {"host", "module", "open"}]
        self._last_busy = max(busy, default=-1)  # what went behind it is not worth hurrying the host for
        self._at = 0
        self._taken = 0  # bytes of the present entry that the host has sent
        self._waiting: dict[str, bytearray] = {}
        self._sent: dict[str, int] = {}
        self._right: dict[str, bytes] = {}  # the last bytes that were as recorded
        self._last_s = 0.0

    @property
    def is_over(self) -> bool:
        """Whether all of it was played."""
        return self._at >= len(self._entries)

    @property
    def awaited(self) -> Entry | None:
        """What the host is to send next; None when it is not its turn."""
        entry = None if self.is_over else self._entries[self._at]
        return entry if entry is not None and entry.kind == "host" else None

    def receive(self, port: str, data: bytes) -> None:
        """Take bytes of the host."""
        self._waiting.setdefault(port, bytearray()).extend(data)

    def next(self) -> Do | None:
        """What is to be done now; None while the host has to send more, and when all is over.

        Raises:
            ReplayDiverged: the host sent something else, or more than was recorded.
        """
        while not self.is_over:
            entry = self._entries[self._at]
            if entry.kind == "host" and not self._matched(entry):
                return None
            self._at += 1
            after_s, self._last_s = entry.at_s - self._last_s, entry.at_s
            if entry.kind == "module":
                return Do("send", entry, after_s)
            if entry.kind == "open":
                return Do("open", entry, after_s)
            if entry.kind == "gone" and self._at <= self._last_busy:
                return Do("gone", entry, after_s)
        self._refuse_more()
        return None

    def stalled(self, seconds: float) -> ReplayDiverged:
        """The failure of a host that says nothing although it is its turn."""
        entry = self.awaited
        rest = entry.data[self._taken :] if entry is not None else b""
        found = Text("nothing for {seconds:g} s", "{seconds:g} 秒内无内容")
        return self._diverged(entry, rest, found, seconds=seconds)

    def _matched(self, entry: Entry) -> bool:
        """Whether the host has sent all of an entry; what it sent otherwise stays for later ones."""
        waiting = self._waiting.setdefault(entry.port, bytearray())
        wanted = entry.data[self._taken :]
        size = min(len(waiting), len(wanted))
        for index in range(size):
            if waiting[index] != wanted[index]:
                self._count(entry.port, wanted[:index])
                raise self._diverged(entry, wanted[index:], bytes(waiting[index:]))
        del waiting[:size]
        self._count(entry.port, wanted[:size])
        self._taken = 0 if size == len(wanted) else self._taken + size
        return size == len(wanted)

    def _count(self, port: str, right: bytes) -> None:
        self._sent[port] = self._sent.get(port, 0) + len(right)
        self._right[port] = (self._right.get(port, b"") + right)[-SHOWN_BYTES:]

    def _refuse_more(self) -> None:
        for port, waiting in self._waiting.items():
            if waiting:
                raise self._diverged(None, b"", bytes(waiting), port=port)

    def _diverged(
        self, entry: Entry | None, expected: bytes, found: bytes | Text, port: str = "", **more: object
    ) -> ReplayDiverged:
        port = entry.port if entry is not None else port
        nothing = Text("the end of the recording", "录制内容结束")
        return ReplayDiverged(
            port=port,
            line=entry.line if entry is not None else len(self._entries) + 1,
            offset=self._sent.get(port, 0),
            before=repr(self._right.get(port, b"")),
            expected=shown(expected) if expected else nothing,
            found=shown(found) if isinstance(found, bytes) else found,
            **more,
        )


def shown(data: bytes) -> str:
    """The first bytes as a person reads them: text with escapes, then the same in hexadecimal."""
    piece = data[:SHOWN_BYTES]
    more = f" (+{len(data) - len(piece)})" if len(data) > len(piece) else ""
    return f"{piece!r}{more} = {piece.hex(' ')}"


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a replay went: entries played, bytes each way."""

    entries: int
    host_bytes: int
    module_bytes: int


class Replay:
    """Plays a recording to whoever opens its ports.

    Args:
        recording: to be played.
        offer: where the ports appear.
        is_timed: wait as long as the record did; else as fast as the host will.
        limit_s: how long the host may say nothing when it is its turn.
        linger_s: how long the ports stay after the last byte, for a host that sends too much.
        on_port: told of every port that appears, by role and path.
    """

    def __init__(
        self,
        recording: Recording,
        offer: Offer,
        *,
        is_timed: bool = False,
        limit_s: float = 60.0,
        linger_s: float = 0.5,
        on_port: Callable[[str, str], None] = silent,
    ) -> None:
        self._recording = recording
        self._script = Script(recording)
        self._offer = offer
        self._is_timed = is_timed
        self._limit_s = limit_s
        self._linger_s = linger_s
        self._on_port = on_port
        self._heard = asyncio.Event()
        self._readers: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> Replayed:
        """Play it to its end; gives what was played.

        Raises:
            ReplayDiverged: the host sent something else than was recorded, more, or nothing.
            StorageFailed: no port can be offered.
        """
        try:
            while not self._script.is_over:
                await self._play()
                awaited = self._script.awaited
                if awaited is not None:
                    await self._bring(awaited)
                    await self._hear(self._limit_s, is_needed=True)
            await self._hear(self._linger_s, is_needed=False)
            self._script.next()
        finally:
            for role in tuple(self._readers):
                await self._take_away(role)
            await self._offer.close()
        entries = self._recording.entries
        sizes = {kind: sum(len(one.data) for one in entries if one.kind == kind) for kind in ("host", "module")}
        return Replayed(len(entries), sizes["host"], sizes["module"])

    async def _play(self) -> None:
        while (do := self._script.next()) is not None:
            if self._is_timed and do.after_s > 0:
                await asyncio.sleep(do.after_s)
            elif do.kind == "gone":  # what the host has not read when the port vanishes is lost
                await asyncio.sleep(min(max(do.after_s, LEAST_LAST_S), MOST_LAST_S))
            if do.kind == "open":
                await self._bring(do.entry)
            elif do.kind == "gone":
                await self._take_away(do.entry.port)
            else:
                await self._send(do.entry)

    async def _send(self, entry: Entry) -> None:
        if self._offer.end(entry.port) is None:
            await self._bring(entry)
        end = self._offer.end(entry.port)
        if end is not None:
            with contextlib.suppress(PortGone):
                await end.write_all(entry.data)

    async def _bring(self, entry: Entry) -> None:
        """Offer a port; those that cannot be there together with it vanish first."""
        for role in self._offer.roles:
            if (role == DOWNLOAD) != (entry.port == DOWNLOAD):
                await self._take_away(role)
        if entry.port in self._offer.roles:
            return
        end = await self._offer.open(entry.port, entry.vid, entry.pid, entry.product)
        self._on_port(entry.port, end.path)
        self._readers[entry.port] = asyncio.get_running_loop().create_task(self._listen(entry.port))

    async def _take_away(self, role: str) -> None:
        reader = self._readers.pop(role, None)
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        await self._offer.withdraw(role)

    async def _listen(self, role: str) -> None:
        end = self._offer.end(role)
        with contextlib.suppress(PortGone):
            while end is not None:
                self._script.receive(role, await end.read_some())
                self._heard.set()

    async def _hear(self, limit_s: float, *, is_needed: bool) -> None:
        """Return when the host has sent something, or after ``limit_s``."""
        try:
            async with asyncio.timeout(limit_s):
                await self._heard.wait()
            self._heard.clear()
        except TimeoutError:
            if is_needed:
                raise self._script.stalled(limit_s) from None
