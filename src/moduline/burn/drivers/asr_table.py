"""The conversation with an ASR loader as data: states, cues, what follows what, and how long each state may last.

The table is about commands; how the link below opens and reopens is ``asr_link``. A test walks this table: every state
is reached, every state but the final ones is left, every pair that is not listed is refused.

Source: platform-asr 4.1, 4.2, 4.4.
"""

from __future__ import annotations

from enum import auto
from typing import Final

from moduline.burn.drivers.state_table import GIVING_UP, Word, page


class State(Word):
    """Where the conversation is."""

    IDLE = auto()
    OPEN = auto()
    CHOOSE = auto()
    CHECK = auto()
    PROGRESS = auto()
    SIZE = auto()
    REOPEN = auto()
    DOWNLOAD = auto()
    CONTENT = auto()
    VERIFY = auto()
    CALL = auto()
    NOP = auto()
    TABLE = auto()
    TYPE = auto()
    FLASH = auto()
    ERASE = auto()
    KEEP_SELECT = auto()
    KEEP_STAGE = auto()
    KEEP_UPLOAD = auto()
    KEEP_CONTENT = auto()
    KEEP_END = auto()
    KEEP_HOLD = auto()
    REBOOT = auto()
    COMPLETE = auto()
    PAUSE = auto()
    DISCONNECT = auto()
    DONE = auto()
    FAILED = auto()


class Cue(Word):
    """What can happen: the link, an answer, the clock, or what the plan wants next."""

    BEGIN = auto()
    UP = auto()
    """The link is open."""
    ANEW = auto()
    """The module greets on an open link: it runs something else now, and the link opens again."""
    OKAY = auto()
    LOADED = auto()
    """OKAY behind the content of a loader, of a table, of a piece of a partition."""
    TABLED = auto()
    FILLED = auto()
    DATA = auto()
    UPLOADED = auto()
    UPLOADED_ALL = auto()
    REFUSED = auto()
    REFUSED_OLD_ROM = auto()
    """FAIL to ``call`` from the one ROM that is known not to take it on this link."""
    TICK = auto()
    LATE = auto()
    STORED = auto()
    GONE = auto()
    ASK = auto()
    ANNOUNCE = auto()
    SIZE = auto()
    LOAD = auto()
    TABLE_NEXT = auto()
    KEEP = auto()
    WRITE = auto()
    PIECE = auto()
    ERASE = auto()
    NOTHING_LEFT = auto()


S, C = State, Cue

TABLE: Final[dict[tuple[State, Cue], tuple[str, State]]] = {
    (S.IDLE, C.BEGIN): ("open", S.OPEN),
    (S.OPEN, C.UP): ("opened", S.CHOOSE),
    (S.CHOOSE, C.ASK): ("ask", S.CHECK),
    (S.CHECK, C.OKAY): ("compare", S.CHOOSE),
    (S.CHECK, C.REFUSED): ("compare_unknown", S.CHOOSE),
    (S.CHECK, C.ANEW): ("wait", S.REOPEN),
    (S.CHOOSE, C.ANNOUNCE): ("announce", S.PROGRESS),
    (S.PROGRESS, C.OKAY): ("wait", S.CHOOSE),
    (S.PROGRESS, C.REFUSED): ("wait", S.CHOOSE),
    (S.PROGRESS, C.ANEW): ("wait", S.REOPEN),
    (S.CHOOSE, C.SIZE): ("ask_size", S.SIZE),
    (S.SIZE, C.OKAY): ("take_size", S.CHOOSE),
    (S.SIZE, C.ANEW): ("wait", S.REOPEN),
    (S.SIZE, C.TICK): ("knock", S.SIZE),
    (S.REOPEN, C.UP): ("opened", S.CHOOSE),
    (S.CHOOSE, C.LOAD): ("download", S.DOWNLOAD),
    (S.CHOOSE, C.TABLE_NEXT): ("download", S.DOWNLOAD),
    (S.CHOOSE, C.PIECE): ("download", S.DOWNLOAD),
    (S.DOWNLOAD, C.DATA): ("send", S.CONTENT),
    (S.DOWNLOAD, C.ANEW): ("wait", S.REOPEN),
    (S.CONTENT, C.LOADED): ("verify", S.VERIFY),
    (S.CONTENT, C.TABLED): ("table", S.TABLE),
    (S.CONTENT, C.FILLED): ("flash", S.FLASH),
    (S.VERIFY, C.OKAY): ("call", S.CALL),
    (S.CALL, C.OKAY): ("called", S.CHOOSE),
    (S.CALL, C.ANEW): ("called", S.REOPEN),
    (S.CALL, C.REFUSED_OLD_ROM): ("nop", S.NOP),
    (S.NOP, C.OKAY): ("called", S.CHOOSE),
    (S.NOP, C.REFUSED): ("called", S.CHOOSE),
    (S.TABLE, C.OKAY): ("finish", S.CHOOSE),
    (S.CHOOSE, C.WRITE): ("ask_type", S.TYPE),
    (S.TYPE, C.OKAY): ("take_type", S.CHOOSE),
    (S.FLASH, C.OKAY): ("piece_done", S.CHOOSE),
    (S.CHOOSE, C.ERASE): ("erase", S.ERASE),
    (S.ERASE, C.OKAY): ("finish", S.CHOOSE),
    (S.CHOOSE, C.KEEP): ("select", S.KEEP_SELECT),
    (S.KEEP_SELECT, C.OKAY): ("stage", S.KEEP_STAGE),
    (S.KEEP_SELECT, C.REFUSED): ("cannot_keep", S.FAILED),
    (S.KEEP_STAGE, C.OKAY): ("upload", S.KEEP_UPLOAD),
    (S.KEEP_STAGE, C.REFUSED): ("cannot_keep", S.FAILED),
    (S.KEEP_UPLOAD, C.DATA): ("expect", S.KEEP_CONTENT),
    (S.KEEP_UPLOAD, C.REFUSED): ("cannot_keep", S.FAILED),
    (S.KEEP_CONTENT, C.UPLOADED): ("wait", S.KEEP_CONTENT),
    (S.KEEP_CONTENT, C.UPLOADED_ALL): ("wait", S.KEEP_END),
    (S.KEEP_END, C.OKAY): ("hold", S.KEEP_HOLD),
    (S.KEEP_END, C.TICK): ("hold", S.KEEP_HOLD),
    (S.KEEP_HOLD, C.STORED): ("finish", S.CHOOSE),
    (S.CHOOSE, C.NOTHING_LEFT): ("reboot", S.REBOOT),
    (S.REBOOT, C.OKAY): ("complete", S.COMPLETE),
    (S.REBOOT, C.GONE): ("done", S.DONE),
    (S.REBOOT, C.ANEW): ("done", S.DONE),
    (S.COMPLETE, C.OKAY): ("wait", S.PAUSE),
    (S.COMPLETE, C.REFUSED): ("wait", S.PAUSE),
    (S.COMPLETE, C.TICK): ("wait", S.PAUSE),
    (S.COMPLETE, C.GONE): ("done", S.DONE),
    (S.COMPLETE, C.ANEW): ("done", S.DONE),
    (S.PAUSE, C.TICK): ("disconnect", S.DISCONNECT),
    (S.PAUSE, C.GONE): ("done", S.DONE),
    (S.PAUSE, C.ANEW): ("done", S.DONE),
    (S.DISCONNECT, C.OKAY): ("done", S.DONE),
    (S.DISCONNECT, C.REFUSED): ("done", S.DONE),
    (S.DISCONNECT, C.TICK): ("done", S.DONE),
    (S.DISCONNECT, C.GONE): ("done", S.DONE),
    (S.DISCONNECT, C.ANEW): ("done", S.DONE),
}

# Seconds a state may last without an answer: 10 s for a command, 60 s after content and for flash and erase, 300 s for
# call. OPEN is shorter than the 10 s a module stays in download mode by itself; SIZE waits longer because what was
# called may still be starting. Source: platform-asr 3, 4.2.
LIMITS_S: Final[dict[State, float]] = {
    S.OPEN: 8.0,
    S.CHECK: 10.0,
    S.PROGRESS: 10.0,
    S.SIZE: 30.0,
    S.REOPEN: 30.0,
    S.DOWNLOAD: 10.0,
    S.CONTENT: 60.0,
    S.VERIFY: 60.0,
    S.CALL: 300.0,
    S.NOP: 10.0,
    S.TABLE: 60.0,
    S.TYPE: 10.0,
    S.FLASH: 60.0,
    S.ERASE: 60.0,
    S.KEEP_SELECT: 10.0,
    S.KEEP_STAGE: 10.0,
    S.KEEP_UPLOAD: 10.0,
    S.KEEP_CONTENT: 60.0,
    S.KEEP_END: 10.0,
    S.REBOOT: 10.0,
    S.COMPLETE: 10.0,
    S.PAUSE: 10.0,
    S.DISCONNECT: 10.0,
}
for _state in LIMITS_S:
    TABLE[_state, C.LATE] = ("give_up", S.FAILED)
    if (_state, C.REFUSED) not in TABLE:
        TABLE[_state, C.REFUSED] = ("refuse", S.FAILED)
    if (_state, C.ANEW) not in TABLE and _state not in {S.OPEN, S.REOPEN}:
        TABLE[_state, C.ANEW] = ("restarted", S.FAILED)
TABLE[S.REOPEN, C.ANEW] = ("wait", S.REOPEN)
TABLE[S.OPEN, C.ANEW] = ("wait", S.OPEN)

RETRIES_S: Final = {S.SIZE: 0.5, S.KEEP_END: 1.0, S.COMPLETE: 3.0, S.PAUSE: 1.0, S.DISCONNECT: 1.0}
"""States that wake up to do something again, or to go on after a silence; seconds."""

REPEATED: Final = frozenset({S.KEEP_CONTENT})
"""States in which every answer gives new time."""
ENDING: Final = frozenset({S.REBOOT, S.COMPLETE, S.PAUSE, S.DISCONNECT})
"""States in which everything is done and the port may vanish."""


def as_markdown() -> str:
    """The table for people; see ``state_table.page``."""
    return page(State, TABLE, LIMITS_S, RETRIES_S, GIVING_UP | {"cannot_keep", "restarted"})
