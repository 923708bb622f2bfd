"""The audit log: one row per change by a person or a program with a token.

Only what differs is kept of ``before`` and ``after``; a creation has no before, a deletion no after. Secrets are never
in it: a field of that name is kept as ``***``. What devices report is not a change by anybody: it is in the log of the
upgrade.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select, true

from moduline.cloud import tables
from moduline.cloud.edge import Actor, Page, like, page_limit, page_of

SECRETS: Final = frozenset({"ps", "ds", "hash", "token", "secret"})
"""Fields whose values nobody is to read here."""
HIDDEN: Final = "***"
"""What stands for them."""
_INSERT: Final = insert(tables.audit)


@dataclass(frozen=True, slots=True)
class Entry:
    """One change.

    Args:
        id: grows.
        at: when, UTC seconds.
        account: name of who did it.
        verb: what was done, such as ``plan.activate``.
        kind: of the object, such as ``plan``.
        object_id: of the object.
        name: of the object, as it was called then.
        before: fields that differ, as they were.
        after: the same fields, as they are since.
    """

    id: int
    at: float
    account: str
    verb: str
    kind: str
    object_id: int
    name: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def note(
    conn: Connection,
    verb: str,
    object_id: int,
    name: str,
    *,
    actor: Actor,
    now: float,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Keep what a verb changed; its object's kind is the verb's first word."""
    old, new = dict(before or {}), dict(after or {})
    changed = {field for field in (*old, *new) if (field in old) != (field in new) or old.get(field) != new.get(field)}
    row = {
        "at": now,
        "main_id": actor.main_id,
        "account_id": actor.account_id,
        "account": actor.name,
        "verb": verb,
        "kind": verb.partition(".")[0],
        "object_id": object_id,
        "name": name,
        "before": _shown(old, changed),
        "after": _shown(new, changed),
    }
    conn.execute(_INSERT, row)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes are meant; what is None is not asked.

    Args:
        kind: of the object.
        object_id: of the object.
        name: that the object's name begins with.
        account: who did it.
        verb: what was done, such as ``plan.activate``.
        since: not before this time, UTC seconds.
        until: before this time, UTC seconds.
    """

    kind: str | None = None
    object_id: int | None = None
    name: str | None = None
    account: str | None = None
    verb: str | None = None
    since: float | None = None
    until: float | None = None

    def conditions(self) -> list[Any]:
        """For a query over ``tables.audit``."""
        one = tables.audit.c
        equal = ((one.kind, self.kind), (one.object_id, self.object_id), (one.account, self.account))
        asked = [column == value for column, value in (*equal, (one.verb, self.verb)) if value is not None]
        if self.name:
            asked.append(one.name.like(like(self.name), escape="\\"))
        if self.since is not None:
            asked.append(one.at >= self.since)
        if self.until is not None:
            asked.append(one.at < self.until)
        return asked


def entries(
    conn: Connection,
    wanted: Wanted | None = None,
    *,
    actor: Actor,
    after: int = 0,
    limit: int | None = None,
    is_newest_first: bool = False,
) -> Page[Entry]:
    """What was changed in the actor's main account, oldest first unless said otherwise.

    Args:
        wanted: only these; None: all.
        actor: who asks.
        after: key of the page before; 0: from the beginning.
        limit: rows of the page.
        is_newest_first: the other way round.
    """
    size, one = page_limit(limit), tables.audit.c
    query = select(one.id, one.at, one.account, one.verb, one.kind, one.object_id, one.name, one.before, one.after)
    query = query.where(one.main_id == actor.main_id, *(wanted or Wanted()).conditions()).limit(size + 1)
    if not is_newest_first:
        query = query.where(one.id > after).order_by(one.id)
    else:
        query = query.where(one.id < after if after else true()).order_by(one.id.desc())
    rows = [Entry(*row) for row in conn.execute(query)]
    return page_of(rows, size, lambda entry: entry.id)


def _shown(values: Mapping[str, Any], changed: set[str]) -> dict[str, Any]:
    return {field: HIDDEN if field in SECRETS else value for field, value in values.items() if field in changed}
