"""What has to be told to others about ended tries: one row per address and try, written with the try's end.

A row is ``waiting``, then ``told`` or ``refused``. Whoever tells claims rows for a while by putting off when they are
due, so two processes do not tell the same thing at once, and a process that dies loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection, exists, func, insert, literal, or_, select, update

from moduline.burn.books.database import Database
from moduline.burn.books.rows import clean, from_row
from moduline.burn.books.schema import event, hook, outbox
from moduline.burn.record import BurnRecord

CLAIM_S: Final = 90.0
"""How long claimed rows are left alone by others; longer than all attempts at one batch may take."""
LONGEST_WAIT_S: Final = 900.0
"""No row waits longer than this; one that is due later was put off by a clock that has been set back since."""

State = Literal["waiting", "told", "refused"]


@dataclass(frozen=True, slots=True)
class Hook:
    """An address that wants to hear of ended tries.

    Args:
        url: where to.
        secret: where the key of the signature is: ``file:PATH`` or ``env:NAME``; never the key itself.
    """

    url: str
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing to tell.

    Args:
        id: number of the row.
        hook: whom.
        seq: number of the event; with the try's id it makes the idempotency key.
        record: what.
        attempts: how often it was tried before.
    """

    id: int
    hook: Hook
    seq: int
    record: BurnRecord
    attempts: int


@dataclass(frozen=True, slots=True)
class HookState:
    """How far an address has heard.

    Args:
        hook: the address.
        waiting: tries it has still to hear of.
        told: tries it has taken.
        refused: tries it does not want, by an answer that no repetition would change.
        detail: what it said last, when that was no yes.
    """

    hook: Hook
    waiting: int
    told: int
    refused: int
    detail: str


def enqueue(connection: Connection, seq: int) -> None:
    """Let every active hook hear of an event; part of the transaction that adds it."""
    rows = select(hook.c.id, literal(seq), literal("waiting"), literal(0), literal(0.0), literal("")).where(
        hook.c.is_active
    )
    names = ["hook_id", "event_seq", "state", "attempts", "due", "detail"]
    connection.execute(insert(outbox).from_select(names, rows))


def add_hook(database: Database, new: Hook) -> None:
    """Tell an address of every try that ends from now on; one that is known gets the new secret.

    Raises:
        StorageFailed: that cannot be kept.
    """
    values = {"url": clean(new.url), "secret": clean(new.secret), "is_active": True}

    def work(connection: Connection) -> None:
        changed = connection.execute(update(hook).where(hook.c.url == values["url"]), values)
        if not changed.rowcount:
            connection.execute(insert(hook), values)

    database.write(work)


def remove_hook(database: Database, url: str) -> bool:
    """Tell an address nothing more, what waits included; whether it was known.

    Raises:
        StorageFailed: that cannot be kept.
    """

    def work(connection: Connection) -> bool:
        mine = hook.c.url == clean(url), hook.c.is_active
        return bool(connection.execute(update(hook).where(*mine), {"is_active": False}).rowcount)

    return database.write(work)


def hook_states(database: Database) -> list[HookState]:
    """How far each active hook has heard.

    Raises:
        StorageFailed: that cannot be read.
    """
    return database.read(_hook_states, [])


def claim(database: Database, now_s: float, limit: int = 5) -> list[Letter]:
    """Letters that are due and not behind one that waits, oldest first, left alone by others for ``CLAIM_S`` from now.

    Raises:
        StorageFailed: the database does not answer.
    """
    if not database.read(lambda connection: _due(connection, now_s, 1), []):
        return []

    def work(connection: Connection) -> list[Letter]:
        rows = _due(connection, now_s, limit)
        ids = [row["letter"] for row in rows]
        connection.execute(update(outbox).where(outbox.c.id.in_(ids)), {"due": now_s + CLAIM_S})
        return [
            Letter(row["letter"], Hook(row["url"], row["secret"]), row["seq"], from_row(row), row["attempts"])
            for row in rows
        ]

    return database.write(work)


def settle(database: Database, letter: Letter, state: State, due_s: float = 0.0, detail: str = "") -> None:
    """Note how an attempt went; with ``waiting``, when the next one is due.

    Raises:
        StorageFailed: that cannot be kept.
    """
    values = {"state": state, "attempts": letter.attempts + 1, "due": due_s, "detail": clean(detail)}
    database.write(lambda connection: connection.execute(update(outbox).where(outbox.c.id == letter.id), values))


def put_back(database: Database, letters: Iterable[Letter]) -> None:
    """Give up claims without an attempt.

    Raises:
        StorageFailed: that cannot be kept.
    """
    mine = outbox.c.id.in_([letter.id for letter in letters])
    database.write(lambda connection: connection.execute(update(outbox).where(mine), {"due": 0.0}))


def _due(connection: Connection, now_s: float, limit: int) -> list[Mapping[str, Any]]:
    is_due = or_(outbox.c.due <= now_s, outbox.c.due > now_s + LONGEST_WAIT_S)
    older = outbox.alias()
    is_behind = exists().where(
        older.c.state == "waiting",
        older.c.due > now_s,
        older.c.due <= now_s + LONGEST_WAIT_S,
        older.c.hook_id == outbox.c.hook_id,
        older.c.id < outbox.c.id,
    )
    query = (
        select(outbox.c.id.label("letter"), outbox.c.attempts, hook.c.url, hook.c.secret, event)
        .join(hook, hook.c.id == outbox.c.hook_id)
        .join(event, event.c.seq == outbox.c.event_seq)
        .where(outbox.c.state == "waiting", hook.c.is_active, is_due, ~is_behind)
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def _hook_states(connection: Connection) -> list[HookState]:
    states = []
    for row in connection.execute(select(hook).where(hook.c.is_active).order_by(hook.c.id)).mappings():
        mine = outbox.c.hook_id == row["id"]
        query = select(outbox.c.state, func.count()).where(mine).group_by(outbox.c.state)
        counts = {str(row[0]): int(row[1]) for row in connection.execute(query)}
        last = select(outbox.c.detail).where(mine, outbox.c.detail != "").order_by(outbox.c.id.desc()).limit(1)
        said = connection.execute(last).scalar() or ""
        whom = Hook(row["url"], row["secret"])
        counted = counts.get("waiting", 0), counts.get("told", 0), counts.get("refused", 0)
        states.append(HookState(whom, *counted, said))
    return states
