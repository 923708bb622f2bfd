"""A decoder that remembers what it gave before: for sweeps, where thousands of lives decode the same few blocks.

What a decoder gives depends on the state it went on from and on the old bytes that it reads, and on nothing else. So
what was given once is given again if the state is the same and every byte that was read then is read again now, and is
the same. Otherwise the real decoder does it, for the rest of that life.

Source: docs/decisions/0021-less-spare-flash.md (sweeps).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from moduline.delta.native_decoder import ReadAt
from moduline.delta.streams import Decoder, decoder_of

MOST: Final = 64
"""Blocks and states that are remembered."""
_NEW_AT: Final = 1 << 25
"""Behind every old image."""


@dataclass(frozen=True, slots=True)
class Given:
    """Bytes of the new image, and the bytes of the old one that were read for them: offset, bytes; none twice."""

    content: bytes = field(repr=False)
    reads: tuple[tuple[int, bytes], ...] = field(repr=False)


class Memory:
    """What decoders of one patch gave; ``decoder`` makes one that looks here first."""

    def __init__(self) -> None:
        self.given: dict[tuple[bytes, int, int], Given] = {}
        self.states: dict[tuple[bytes, int], bytes] = {}

    def decoder(
        self, read_old: ReadAt, old_bytes: int, stream: bytes, new_bytes: int, read_new: ReadAt | None = None
    ) -> RecallingDecoder:
        """As ``streams.decoder_of``; what was given before is remembered as if it stood behind the old image."""

        def read_both(at: int, count: int) -> bytes:
            if at < _NEW_AT or read_new is None:
                return read_old(at, count)
            return read_new(at - _NEW_AT, count)

        for some in (self.given, self.states):
            if len(some) > MOST:
                some.clear()
        return RecallingDecoder(
            self,
            read_both,
            lambda read: decoder_of(read, old_bytes, stream, new_bytes, lambda at, count: read(_NEW_AT + at, count)),
        )


class RecallingDecoder:
    """See above; the calls that ``InPlaceUpdate`` makes of a ``native.Decoder``."""

    def __init__(self, memory: Memory, read_old: ReadAt, new_decoder: Callable[[ReadAt], Decoder]) -> None:
        self._memory, self._read_old, self._new_decoder = memory, read_old, new_decoder
        self._from = b""  # the state it went on from
        self._sizes: list[int] = []  # what it gave since
        self._decoder: Decoder | None = None  # the real one, as far as this one
        self._is_strange = False  # old bytes were others: nothing that is remembered counts
        self._trace: dict[int, bytes] = {}

    def state(self) -> bytes:
        """As ``native.Decoder.state``; what was read before is not asked for again, for it may be gone."""
        key = self._from, sum(self._sizes)
        known = None if self._is_strange else self._memory.states.get(key)
        if known is None:
            known = self._real().state()
            if not self._is_strange:
                self._memory.states[key] = known
        self._from, self._sizes = known, []
        return known

    def restore(self, state: bytes) -> None:
        """As ``native.Decoder.restore``; a state that is none is found out when it is needed.

        Raises:
            BadFormat: it is none of this stream.
        """
        self._from, self._sizes, self._decoder = state, [], None

    def read(self, count: int) -> bytes:
        """As ``native.Decoder.read``.

        Raises:
            BadFormat: the stream breaks a rule of the format.
        """
        key = self._from, sum(self._sizes), count
        known = None if self._is_strange else self._memory.given.get(key)
        if known is not None and all(self._read_old(at, len(data)) == data for at, data in known.reads):
            if self._decoder is not None:
                self._decoder.read(count)
        else:
            self._is_strange |= known is not None
            decoder = self._real()
            self._trace = {}
            known = Given(decoder.read(count), _joined(self._trace))
            if not self._is_strange:
                self._memory.given[key] = known
        self._sizes.append(count)
        return known.content

    def _real(self) -> Decoder:
        """The real decoder, brought to where this one is."""
        if self._decoder is None:
            self._decoder = self._new_decoder(self._noted)
            if self._from:
                self._decoder.restore(self._from)
            for count in self._sizes:
                self._decoder.read(count)
        return self._decoder

    def _noted(self, at: int, count: int) -> bytes:
        data = self._read_old(at, count)
        if len(data) > len(self._trace.get(at, b"")):
            self._trace[at] = data
        return data


def _joined(trace: dict[int, bytes]) -> tuple[tuple[int, bytes], ...]:
    """Runs of bytes that touch or overlap as one."""
    runs: list[tuple[int, bytearray]] = []
    for at, data in sorted(trace.items()):
        if runs and at <= runs[-1][0] + len(runs[-1][1]):
            first, run = runs[-1]
            run += data[first + len(run) - at :]
        else:
            runs.append((at, bytearray(data)))
    return tuple((at, bytes(run)) for at, run in runs)
