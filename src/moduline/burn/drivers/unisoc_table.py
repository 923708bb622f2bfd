"""The conversation with an 8910 as data: states, cues, what follows what, and how long each state may last.

A test walks this table: every state is reached, every state but the final ones is left, every pair that is not listed
is refused. The diagram of ``docs/spec/unisoc-download.md`` is made from it.

Source: platform-unisoc 5.1, 5.9, 6.1.
"""

from __future__ import annotations

from enum import auto
from typing import Final

from moduline.burn.drivers.state_table import Word, page


class State(Word):
    """Where the conversation is."""

    IDLE = auto()
    PDL_CONNECT = auto()
    PDL_QUIET = auto()
    PDL_START = auto()
    PDL_CHUNK = auto()
    PDL_END = auto()
    SYNC = auto()
    CONNECT = auto()
    LOADER_CONNECT = auto()
    LOADER_START = auto()
    LOADER_CHUNK = auto()
    LOADER_END = auto()
    LOADER_EXEC = auto()
    CHOOSE = auto()
    NV_READ = auto()
    NV_HOLD = auto()
    START = auto()
    CHUNK = auto()
    END = auto()
    ERASE = auto()
    READ_BACK = auto()
    RESET = auto()
    DONE = auto()
    FAILED = auto()


class Cue(Word):
    """What can happen: an answer, the clock, or what the plan wants next."""

    BEGIN = auto()
    ACK = auto()
    """Acknowledged, and more of the same content is left."""
    ACK_LAST = auto()
    """Acknowledged, nothing of this content is left."""
    ACK_AGAIN = auto()
    """Acknowledged after several requests: more answers may be on their way."""
    VERSION = auto()
    DATA = auto()
    DATA_LAST = auto()
    REFUSED = auto()
    TICK = auto()
    LATE = auto()
    STORED = auto()
    READ_NV = auto()
    WRITE = auto()
    ERASE = auto()
    COMPARE = auto()
    NOTHING_LEFT = auto()
    GONE = auto()


S, C = State, Cue

TABLE: Final[dict[tuple[State, Cue], tuple[str, State]]] = {
    (S.IDLE, C.BEGIN): ("pdl_connect", S.PDL_CONNECT),
    (S.PDL_CONNECT, C.TICK): ("pdl_connect", S.PDL_CONNECT),
    (S.PDL_CONNECT, C.ACK): ("pdl_start", S.PDL_START),
    (S.PDL_CONNECT, C.ACK_AGAIN): ("wait", S.PDL_QUIET),
    (S.PDL_QUIET, C.ACK): ("wait", S.PDL_QUIET),
    (S.PDL_QUIET, C.TICK): ("pdl_start", S.PDL_START),
    (S.PDL_START, C.ACK): ("pdl_chunk", S.PDL_CHUNK),
    (S.PDL_CHUNK, C.ACK): ("pdl_chunk", S.PDL_CHUNK),
    (S.PDL_CHUNK, C.ACK_LAST): ("pdl_end", S.PDL_END),
    (S.PDL_END, C.ACK): ("pdl_exec", S.SYNC),
    (S.SYNC, C.TICK): ("sync", S.SYNC),
    (S.SYNC, C.GONE): ("wait", S.SYNC),
    (S.SYNC, C.VERSION): ("connect", S.CONNECT),
    (S.CONNECT, C.VERSION): ("wait", S.CONNECT),
    (S.CONNECT, C.ACK): ("connect", S.LOADER_CONNECT),
    (S.LOADER_CONNECT, C.ACK): ("load", S.LOADER_START),
    (S.LOADER_START, C.ACK): ("chunk", S.LOADER_CHUNK),
    (S.LOADER_CHUNK, C.ACK): ("chunk", S.LOADER_CHUNK),
    (S.LOADER_CHUNK, C.ACK_LAST): ("end", S.LOADER_END),
    (S.LOADER_END, C.ACK): ("exec", S.LOADER_EXEC),
    (S.LOADER_EXEC, C.ACK): ("loaded", S.CHOOSE),
    (S.CHOOSE, C.READ_NV): ("read_nv", S.NV_READ),
    (S.NV_READ, C.DATA): ("take_nv", S.NV_READ),
    (S.NV_READ, C.DATA_LAST): ("take_last_nv", S.NV_HOLD),
    (S.NV_HOLD, C.STORED): ("settle_nv", S.CHOOSE),
    (S.CHOOSE, C.WRITE): ("start", S.START),
    (S.START, C.ACK): ("chunk", S.CHUNK),
    (S.CHUNK, C.ACK): ("chunk", S.CHUNK),
    (S.CHUNK, C.ACK_LAST): ("end", S.END),
    (S.END, C.ACK): ("finish", S.CHOOSE),
    (S.CHOOSE, C.ERASE): ("erase", S.ERASE),
    (S.ERASE, C.ACK): ("finish", S.CHOOSE),
    (S.CHOOSE, C.COMPARE): ("read_back", S.READ_BACK),
    (S.READ_BACK, C.DATA): ("compare", S.READ_BACK),
    (S.READ_BACK, C.DATA_LAST): ("compare_last", S.CHOOSE),
    (S.CHOOSE, C.NOTHING_LEFT): ("reset", S.RESET),
    (S.RESET, C.ACK): ("done", S.DONE),
    (S.RESET, C.GONE): ("done", S.DONE),
}

# Seconds a state may last without an answer. Source: platform-unisoc 5.9, "reasonable for our host".
LIMITS_S: Final[dict[State, float]] = {
    S.PDL_CONNECT: 10.0,
    S.PDL_QUIET: 10.0,
    S.PDL_START: 10.0,
    S.PDL_CHUNK: 10.0,
    S.PDL_END: 10.0,
    S.SYNC: 10.0,
    S.CONNECT: 3.0,
    S.LOADER_CONNECT: 3.0,
    S.LOADER_START: 30.0,
    S.LOADER_CHUNK: 10.0,
    S.LOADER_END: 60.0,
    S.LOADER_EXEC: 10.0,
    S.NV_READ: 10.0,
    S.START: 30.0,
    S.CHUNK: 10.0,
    S.END: 60.0,
    S.ERASE: 120.0,
    S.READ_BACK: 10.0,
    S.RESET: 10.0,
}
for _state in LIMITS_S:
    TABLE[_state, C.LATE] = ("give_up", S.FAILED)
    if _state is not S.PDL_QUIET:
        TABLE[_state, C.REFUSED] = ("refuse", S.FAILED)
TABLE[S.NV_READ, C.REFUSED] = ("take_no_nv", S.NV_HOLD)
"""A module that cannot read its NV is like one whose NV is damaged: whoever stores it decides."""

RETRIES_S: Final = {S.PDL_CONNECT: 1.0, S.PDL_QUIET: 0.05, S.SYNC: 0.1}
"""States that wake up to do something again, or to go on after a silence; seconds."""

CHUNKING: Final = frozenset({S.PDL_CHUNK, S.LOADER_CHUNK, S.CHUNK})
"""States in which content is on its way."""
IN_ROM: Final = frozenset({S.IDLE, S.PDL_CONNECT, S.PDL_QUIET, S.PDL_START, S.PDL_CHUNK, S.PDL_END})
"""States that speak PDL; the others speak BSL."""
REPEATED: Final = frozenset({*CHUNKING, S.NV_READ, S.READ_BACK})
"""States in which every answer gives new time."""


def as_markdown() -> str:
    """The table for people; see ``state_table.page``."""
    return page(State, TABLE, LIMITS_S, RETRIES_S)
