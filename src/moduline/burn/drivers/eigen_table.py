"""The conversation with an EigenComm module as data: states, cues, what follows what, how long each state may last.

A test walks this table: every state is reached, every state but the final ones is left, every pair that is not listed
is refused.

Source: platform-eigencomm 3.1, 3.5.
"""

from __future__ import annotations

from enum import auto
from typing import Final

from moduline.burn.drivers.state_table import Word, page


class State(Word):
    """Where the conversation is; ``ROM_*`` talks to the boot ROM, ``AG_*`` and the rest to the agentboot."""

    IDLE = auto()
    ROM_SYNC = auto()
    ROM_VERSION = auto()
    ROM_SELECT = auto()
    ROM_VERIFY = auto()
    ROM_SIZE = auto()
    ROM_DATA = auto()
    ROM_DONE = auto()
    LPC_SYNC = auto()
    CHOOSE = auto()
    KEEP = auto()
    KEEP_HOLD = auto()
    ERASE = auto()
    BURN_ONE = auto()
    AG_SYNC = auto()
    AG_VERSION = auto()
    AG_SELECT = auto()
    AG_VERIFY = auto()
    AG_SIZE = auto()
    AG_DATA = auto()
    AG_DONE = auto()
    STATUS = auto()
    READ_BACK = auto()
    RESET = auto()
    DONE = auto()
    FAILED = auto()


class Cue(Word):
    """What can happen: an answer, the clock, or what the plan wants next."""

    BEGIN = auto()
    ECHO = auto()
    """The device answered the sync word of the layer that is spoken to."""
    ECHO_BLOCK = auto()
    """The same, before a block of a body whose image the device has already named."""
    WRONG_LAYER = auto()
    """The device says that it is past the layer that is spoken to."""
    ACK = auto()
    ACK_LAST = auto()
    """Acknowledged, and nothing of this piece (data), this image (done) or this range (erase, reads) is left."""
    ALREADY = auto()
    """The ROM wants the agentboot's body: it has its head from a try before."""
    REFUSED = auto()
    PENDING = auto()
    TICK = auto()
    LATE = auto()
    STORED = auto()
    GONE = auto()
    WANT_KEEP = auto()
    WANT_ERASE = auto()
    WANT_WRITE = auto()
    WANT_COMPARE = auto()
    NOTHING_LEFT = auto()


S, C = State, Cue

TABLE: Final[dict[tuple[State, Cue], tuple[str, State]]] = {
    (S.IDLE, C.BEGIN): ("sync", S.ROM_SYNC),
    (S.ROM_SYNC, C.TICK): ("sync", S.ROM_SYNC),
    (S.ROM_SYNC, C.ECHO): ("ask_version", S.ROM_VERSION),
    (S.ROM_SYNC, C.WRONG_LAYER): ("skip_rom", S.LPC_SYNC),
    (S.ROM_VERSION, C.TICK): ("ask_version", S.ROM_VERSION),
    (S.ROM_VERSION, C.ACK): ("take_version", S.ROM_SELECT),
    (S.ROM_SELECT, C.TICK): ("ask_image", S.ROM_SELECT),
    (S.ROM_SELECT, C.ACK): ("ask_verify", S.ROM_VERIFY),
    (S.ROM_SELECT, C.ALREADY): ("skip_head", S.ROM_VERIFY),
    (S.ROM_VERIFY, C.ACK): ("ask_size", S.ROM_SIZE),
    (S.ROM_SIZE, C.ACK): ("send_data", S.ROM_DATA),
    (S.ROM_DATA, C.ACK): ("ask_size", S.ROM_SIZE),
    (S.ROM_DATA, C.ACK_LAST): ("send_done", S.ROM_DONE),
    (S.ROM_DONE, C.ACK): ("next_piece", S.ROM_SYNC),
    (S.ROM_DONE, C.ACK_LAST): ("loaded", S.LPC_SYNC),
    (S.ROM_DONE, C.GONE): ("loaded", S.LPC_SYNC),
    (S.LPC_SYNC, C.TICK): ("sync", S.LPC_SYNC),
    (S.LPC_SYNC, C.GONE): ("wait", S.LPC_SYNC),
    (S.LPC_SYNC, C.ECHO): ("wait", S.CHOOSE),
    (S.CHOOSE, C.WANT_KEEP): ("keep", S.KEEP),
    (S.KEEP, C.ACK): ("keep_on", S.KEEP),
    (S.KEEP, C.ACK_LAST): ("hand_out", S.KEEP_HOLD),
    (S.KEEP_HOLD, C.STORED): ("finish", S.CHOOSE),
    (S.CHOOSE, C.WANT_ERASE): ("erase", S.ERASE),
    (S.ERASE, C.ACK): ("erase_on", S.ERASE),
    (S.ERASE, C.ACK_LAST): ("finish", S.CHOOSE),
    (S.CHOOSE, C.WANT_WRITE): ("burn_one", S.BURN_ONE),
    (S.BURN_ONE, C.ACK): ("sync_first", S.AG_SYNC),
    (S.AG_SYNC, C.TICK): ("sync", S.AG_SYNC),
    (S.AG_SYNC, C.ECHO): ("ask_version", S.AG_VERSION),
    (S.AG_SYNC, C.ECHO_BLOCK): ("ask_size", S.AG_SIZE),
    (S.AG_VERSION, C.ACK): ("ask_image", S.AG_SELECT),
    (S.AG_SELECT, C.ACK): ("ask_verify", S.AG_VERIFY),
    (S.AG_VERIFY, C.ACK): ("ask_size", S.AG_SIZE),
    (S.AG_SIZE, C.ACK): ("send_data", S.AG_DATA),
    (S.AG_DATA, C.ACK): ("ask_size", S.AG_SIZE),
    (S.AG_DATA, C.ACK_LAST): ("send_done", S.AG_DONE),
    (S.AG_DONE, C.ACK): ("next_piece", S.AG_SYNC),
    (S.AG_DONE, C.ACK_LAST): ("ask_status", S.STATUS),
    (S.STATUS, C.PENDING): ("wait", S.STATUS),
    (S.STATUS, C.TICK): ("sync", S.STATUS),
    (S.STATUS, C.ECHO): ("ask_status", S.STATUS),
    (S.STATUS, C.ACK): ("finish_image", S.LPC_SYNC),
    (S.CHOOSE, C.WANT_COMPARE): ("read_back", S.READ_BACK),
    (S.READ_BACK, C.ACK): ("compare", S.READ_BACK),
    (S.READ_BACK, C.ACK_LAST): ("compare_last", S.CHOOSE),
    (S.CHOOSE, C.NOTHING_LEFT): ("reset", S.RESET),
    (S.RESET, C.ACK): ("done", S.DONE),
    (S.RESET, C.GONE): ("done", S.DONE),
}

RESYNCING: Final = frozenset({S.AG_VERSION, S.AG_SELECT, S.AG_VERIFY, S.AG_SIZE})
"""States whose request may be lost to a device that was not listening yet: sync again, ask again."""
for _state in RESYNCING:
    TABLE[_state, C.TICK] = ("resync", S.AG_SYNC)

# Seconds a state may last without an answer. The device's own: 16 s in the download layer, 300 s in LPC.
LIMITS_S: Final[dict[State, float]] = {
    S.ROM_SYNC: 15.0,
    S.ROM_VERSION: 3.0,
    S.ROM_SELECT: 3.0,
    S.ROM_VERIFY: 3.0,
    S.ROM_SIZE: 5.0,
    S.ROM_DATA: 10.0,
    S.ROM_DONE: 10.0,
    S.LPC_SYNC: 25.0,
    S.KEEP: 5.0,
    S.ERASE: 30.0,
    S.BURN_ONE: 10.0,
    S.AG_SYNC: 20.0,
    S.AG_VERSION: 10.0,
    S.AG_SELECT: 10.0,
    S.AG_VERIFY: 10.0,
    S.AG_SIZE: 10.0,
    S.AG_DATA: 15.0,
    S.AG_DONE: 30.0,
    S.STATUS: 60.0,
    S.READ_BACK: 5.0,
    S.RESET: 5.0,
}
REFUSABLE: Final = frozenset(LIMITS_S) - {S.ROM_SYNC, S.LPC_SYNC, S.AG_SYNC}
"""States that wait for an answer, which may be a NAK; the others wait for an echo."""
for _state in LIMITS_S:
    TABLE[_state, C.LATE] = ("give_up", S.FAILED)
    if _state in REFUSABLE:
        TABLE[_state, C.REFUSED] = ("refuse", S.FAILED)

RETRIES_S: Final = {
    S.ROM_SYNC: 0.3,
    S.ROM_VERSION: 1.0,
    S.ROM_SELECT: 1.0,
    S.LPC_SYNC: 0.3,
    S.AG_SYNC: 0.3,
    S.STATUS: 0.5,
} | dict.fromkeys(RESYNCING, 2.0)
"""States that wake up to say something again; seconds."""
FIRST_PAIRS_S: Final = (0.005, 0.03)
"""The first AGBOOT pair after BURN_ONE is swallowed: the next ones follow so soon. Source: platform-eigencomm 3.1."""
MAX_RESYNCS: Final = 5

REPEATED: Final = frozenset({S.ROM_SIZE, S.ROM_DATA, S.AG_SIZE, S.AG_DATA, S.ERASE, S.KEEP, S.READ_BACK})
"""States in which every answer gives new time."""
ROM: Final = frozenset(
    {S.IDLE, S.ROM_SYNC, S.ROM_VERSION, S.ROM_SELECT, S.ROM_VERIFY, S.ROM_SIZE, S.ROM_DATA, S.ROM_DONE}
)
"""States that speak DLBOOT."""
DOWNLOAD: Final = frozenset({S.AG_SYNC, S.AG_VERSION, S.AG_SELECT, S.AG_VERIFY, S.AG_SIZE, S.AG_DATA, S.AG_DONE})
"""States that speak AGBOOT; all others after the ROM speak LPC."""


def as_markdown() -> str:
    """The table for people; see ``state_table.page``."""
    return page(State, TABLE, LIMITS_S, RETRIES_S)
