"""The conversation with an 8850 as data: states, cues, what follows what, and how long each state may last.

A test walks this table: every state is reached, every state but the final ones is left, every pair that is not listed
is refused. The diagram of ``docs/spec/unisoc8850-download.md`` is made from it.

Source: platform-unisoc 5.1, 5.7, 5.9, 6.2.
"""

from __future__ import annotations

from enum import auto
from typing import Final

from moduline.burn.drivers.state_table import Word, page


class State(Word):
    """Where the conversation is."""

    IDLE = auto()
    SYNC = auto()
    ROM_QUIET = auto()
    CONNECT = auto()
    FDL_START = auto()
    FDL_CHUNK = auto()
    FDL_END = auto()
    FDL_EXEC = auto()
    FDL_SYNC = auto()
    FDL_QUIET = auto()
    FDL_CONNECT = auto()
    CHOOSE = auto()
    BAUD = auto()
    BAUD_SETTLE = auto()
    PROBE = auto()
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
    ROM_VERSION = auto()
    """VER of the ROM, with its CRC-16."""
    ROM_HEARS = auto()
    """The ROM is alive and past its greeting; more of its answers may be on their way."""
    FDL_VERSION = auto()
    """VER of the loader, with its sum."""
    FDL_HEARS = auto()
    """A loader of a try before still runs; more of its answers may be on their way."""
    MORE = auto()
    """An answer that was still on its way."""
    ACK = auto()
    """Acknowledged, and more of the same content is left."""
    ACK_LAST = auto()
    """Acknowledged, nothing of this content is left."""
    DATA = auto()
    DATA_LAST = auto()
    OUT_OF_FLASH = auto()
    """The module has no flash at the last address of the package."""
    REFUSED = auto()
    TICK = auto()
    LATE = auto()
    STORED = auto()
    SPEED_UP = auto()
    LOOK = auto()
    READ_NV = auto()
    WRITE = auto()
    ERASE = auto()
    COMPARE = auto()
    NOTHING_LEFT = auto()
    GONE = auto()


S, C = State, Cue

TABLE: Final[dict[tuple[State, Cue], tuple[str, State]]] = {
    (S.IDLE, C.BEGIN): ("sync", S.SYNC),
    (S.SYNC, C.TICK): ("ask_again", S.SYNC),
    (S.SYNC, C.ROM_VERSION): ("rom_connect", S.CONNECT),
    (S.SYNC, C.ROM_HEARS): ("wait", S.ROM_QUIET),
    (S.SYNC, C.FDL_VERSION): ("resume", S.FDL_CONNECT),
    (S.SYNC, C.FDL_HEARS): ("wait", S.FDL_QUIET),
    (S.ROM_QUIET, C.MORE): ("wait", S.ROM_QUIET),
    (S.ROM_QUIET, C.TICK): ("rom_connect", S.CONNECT),
    (S.FDL_QUIET, C.MORE): ("wait", S.FDL_QUIET),
    (S.FDL_QUIET, C.TICK): ("resume", S.FDL_CONNECT),
    (S.CONNECT, C.ROM_VERSION): ("wait", S.CONNECT),
    (S.CONNECT, C.ACK): ("load", S.FDL_START),
    (S.FDL_START, C.ACK): ("chunk", S.FDL_CHUNK),
    (S.FDL_CHUNK, C.ACK): ("chunk", S.FDL_CHUNK),
    (S.FDL_CHUNK, C.ACK_LAST): ("rom_end", S.FDL_END),
    (S.FDL_END, C.ACK): ("rom_exec", S.FDL_EXEC),
    (S.FDL_EXEC, C.ACK): ("loaded", S.FDL_SYNC),
    (S.FDL_EXEC, C.GONE): ("started", S.FDL_SYNC),
    (S.FDL_SYNC, C.TICK): ("ask_again", S.FDL_SYNC),
    (S.FDL_SYNC, C.MORE): ("wait", S.FDL_SYNC),
    (S.FDL_SYNC, C.GONE): ("wait", S.FDL_SYNC),
    (S.FDL_SYNC, C.FDL_VERSION): ("connect", S.FDL_CONNECT),
    (S.FDL_SYNC, C.FDL_HEARS): ("wait", S.FDL_QUIET),
    (S.FDL_CONNECT, C.FDL_VERSION): ("wait", S.FDL_CONNECT),
    (S.FDL_CONNECT, C.ACK): ("wait", S.CHOOSE),
    (S.CHOOSE, C.SPEED_UP): ("baud", S.BAUD),
    (S.BAUD, C.ACK): ("new_rate", S.BAUD_SETTLE),
    (S.BAUD, C.REFUSED): ("keep_rate", S.CHOOSE),
    (S.BAUD_SETTLE, C.TICK): ("connect", S.FDL_CONNECT),
    (S.CHOOSE, C.LOOK): ("look", S.PROBE),
    (S.PROBE, C.DATA_LAST): ("looked", S.CHOOSE),
    (S.PROBE, C.OUT_OF_FLASH): ("too_small", S.FAILED),
    (S.CHOOSE, C.READ_NV): ("read_nv", S.NV_READ),
    (S.NV_READ, C.DATA): ("take_nv", S.NV_READ),
    (S.NV_READ, C.DATA_LAST): ("take_last_nv", S.NV_HOLD),
    (S.NV_READ, C.REFUSED): ("take_no_nv", S.NV_HOLD),  # like damaged NV: whoever stores it decides
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

# Seconds a state may last without an answer. Source: platform-unisoc 5.9, "reasonable for our host". SYNC: some modules
# leave their ROM after 10 s without a host (platform-unisoc 8); a silent one is given up before it does.
LIMITS_S: Final[dict[State, float]] = {
    S.SYNC: 8.0,
    S.ROM_QUIET: 10.0,
    S.CONNECT: 3.0,
    S.FDL_START: 30.0,
    S.FDL_CHUNK: 10.0,
    S.FDL_END: 60.0,
    S.FDL_EXEC: 10.0,
    S.FDL_SYNC: 10.0,
    S.FDL_QUIET: 10.0,
    S.FDL_CONNECT: 3.0,
    S.BAUD: 2.0,
    S.BAUD_SETTLE: 10.0,
    S.PROBE: 10.0,
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
    if _state not in {S.SYNC, S.ROM_QUIET, S.FDL_QUIET, S.FDL_SYNC, S.BAUD, S.BAUD_SETTLE, S.NV_READ}:
        TABLE[_state, C.REFUSED] = ("refuse", S.FAILED)

RETRIES_S: Final = {S.SYNC: 0.1, S.FDL_SYNC: 0.1, S.ROM_QUIET: 0.2, S.FDL_QUIET: 0.2, S.BAUD_SETTLE: 0.5}
"""States that wake up to do something again, or to go on after a silence; seconds."""

IN_ROM: Final = frozenset({S.CONNECT, S.FDL_START, S.FDL_CHUNK, S.FDL_END, S.FDL_EXEC})
"""States that speak to the ROM: CRC-16."""
LISTENING: Final = frozenset({S.IDLE, S.SYNC, S.ROM_QUIET, S.FDL_QUIET, S.FDL_SYNC})
"""States in which both checks may be heard."""
CHUNKING: Final = frozenset({S.FDL_CHUNK, S.CHUNK})
"""States in which content is on its way."""
REPEATED: Final = frozenset({*CHUNKING, S.NV_READ, S.READ_BACK})
"""States in which every answer gives new time."""


def as_markdown() -> str:
    """The table for people; see ``state_table.page``."""
    return page(State, TABLE, LIMITS_S, RETRIES_S)
