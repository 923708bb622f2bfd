"""Verbs of webhooks: who is told what, where, and what has become of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, exists, insert, select, update
from sqlalchemy import delete as remove

from moduline.cloud import audit, tables
from moduline.cloud.edge import Actor, Page, acts, page_limit, page_of, plain_text
from moduline.cloud.outbox import events
from moduline.cloud.outbox.reach import Reach, peer_of
from moduline.errors import BadField, NameTaken, NoSuchObject, Text

KIND: Final = Text("webhook", "Webhook")
MOST: Final = 20
"""Webhooks of one main account."""
_W: Final = tables.webhooks.c


@dataclass(frozen=True, slots=True)
class Webhook:
    """A program that is told what happens.

    Args:
        id: number in the database.
        account_id: main account whose events it gets.
        name: for people.
        url: where it is.
        kinds: events it wants; empty: all.
        is_enabled: whether it is told.
        last_seq: place of the last event it has taken, or that is none of its business.
        attempts: at the next event, so far.
        due: when it is tried next, UTC seconds.
        failing_since: since when nothing was taken; None: all is well.
        dead_at: when it was given up; None: it is not.
        said: what was wrong at the last attempt, in English.
        created_at: UTC seconds.
    """

    id: int
    account_id: int
    name: str
    url: str
    kinds: tuple[str, ...]
    is_enabled: bool
    last_seq: int
    attempts: int
    due: float
    failing_since: float | None
    dead_at: float | None
    said: str
    created_at: float

    @property
    def state(self) -> str:
        """``on``, ``off``, ``failing`` or ``dead``."""
        if self.dead_at is not None:
            return "dead"
        if not self.is_enabled:
            return "off"
        return "on" if self.failing_since is None else "failing"


_COLUMNS: Final = tuple(_W[name] for name in Webhook.__dataclass_fields__)


@acts("webhook.create")
def create(
    conn: Connection, name: str, url: str, kinds: Sequence[str] = (), *, reach: Reach, actor: Actor, now: float
) -> tuple[Webhook, str]:
    """Tell a program of everything from now on; with it, the secret of the signatures, which is shown this once.

    Raises:
        BadField: the address, a kind or the name cannot be, or there are too many.
        NameTaken: the name is in use.
    """
    plain_text("name", name)
    if conn.execute(select(exists().where(_W.account_id == actor.main_id, _W.name == name))).scalar_one():
        raise NameTaken(kind=KIND, name=name)
    if len(conn.execute(select(_W.id).where(_W.account_id == actor.main_id)).all()) >= MOST:
        raise BadField(field="name", reason=Text("at most {most} webhooks", "最多 {most} 个 Webhook"), most=MOST)
    secret = secrets.token_urlsafe(32)
    values: dict[str, Any] = {
        "account_id": actor.main_id,
        "name": name,
        "url": _url(url, reach),
        "secret": secret,
        "kinds": known_kinds(kinds),
        "is_enabled": True,
        "last_seq": events.last_place(conn),
        "attempts": 0,
        "due": now,
        "said": "",
        "created_at": now,
    }
    number = conn.execute(insert(tables.webhooks).returning(_W.id), values).scalar_one()
    after = {key: values[key] for key in ("name", "url", "kinds", "secret")}
    audit.note(conn, "webhook.create", number, name, actor=actor, now=now, after=after)
    return by_id(conn, number, actor=actor), secret


@acts("webhook.change")
def change(
    conn: Connection,
    webhook_id: int,
    *,
    reach: Reach,
    actor: Actor,
    now: float,
    url: str | None = None,
    kinds: Sequence[str] | None = None,
    is_enabled: bool | None = None,
) -> Webhook:
    """Change where or of what it is told, or switch it off or on; on, one that was given up is tried again.

    Raises:
        BadField, NoSuchObject: it cannot be done.
    """
    old = by_id(conn, webhook_id, actor=actor)
    before: dict[str, Any] = {"url": old.url, "kinds": list(old.kinds), "is_enabled": old.is_enabled}
    after = dict(before)
    if url is not None:
        after["url"] = _url(url, reach)
    if kinds is not None:
        after["kinds"] = known_kinds(kinds)
    if is_enabled is not None:
        after["is_enabled"] = is_enabled
    fresh: dict[str, Any] = {"attempts": 0, "due": now, "failing_since": None, "dead_at": None, "said": ""}
    is_again = is_enabled is True or url is not None
    conn.execute(update(tables.webhooks).where(_W.id == webhook_id).values(**after, **(fresh if is_again else {})))
    before, after = before | {"state": old.state}, after | {"state": by_id(conn, webhook_id, actor=actor).state}
    audit.note(conn, "webhook.change", webhook_id, old.name, actor=actor, now=now, before=before, after=after)
    return by_id(conn, webhook_id, actor=actor)


@acts("webhook.delete")
def delete(conn: Connection, webhook_id: int, *, actor: Actor, now: float) -> None:
    """Tell it nothing any more.

    Raises:
        NoSuchObject: there is none.
    """
    old = by_id(conn, webhook_id, actor=actor)
    conn.execute(remove(tables.webhooks).where(_W.id == webhook_id))
    before = {"name": old.name, "url": old.url}
    audit.note(conn, "webhook.delete", webhook_id, old.name, actor=actor, now=now, before=before)


@acts("webhook.secret")
def renew_secret(conn: Connection, webhook_id: int, *, actor: Actor, now: float) -> tuple[Webhook, str]:
    """Sign with another secret from the next attempt on; it is shown this once.

    Raises:
        NoSuchObject: there is none.
    """
    old = by_id(conn, webhook_id, actor=actor)
    secret = secrets.token_urlsafe(32)
    conn.execute(update(tables.webhooks).where(_W.id == webhook_id).values(secret=secret))
    before, after = {"secret": ""}, {"secret": secret}
    audit.note(conn, "webhook.secret", webhook_id, old.name, actor=actor, now=now, before=before, after=after)
    return old, secret


@acts("webhook.test")
def try_out(conn: Connection, webhook_id: int, *, actor: Actor, now: float) -> tuple[Webhook, str]:
    """The webhook and its secret, for one attempt with an event that never happened; that it was tried is noted.

    Raises:
        NoSuchObject: there is none.
    """
    old = by_id(conn, webhook_id, actor=actor)
    audit.note(conn, "webhook.test", webhook_id, old.name, actor=actor, now=now, after={"url": old.url})
    return old, str(conn.execute(select(_W.secret).where(_W.id == webhook_id)).scalar_one())


def by_id(conn: Connection, webhook_id: int, *, actor: Actor) -> Webhook:
    """A webhook of the actor's main account.

    Raises:
        NoSuchObject: there is none.
    """
    found = conn.execute(select(*_COLUMNS).where(_W.id == webhook_id, _W.account_id == actor.main_id)).first()
    if found is None:
        raise NoSuchObject(kind=KIND, name=str(webhook_id))
    return of_row(found)


def page(conn: Connection, *, actor: Actor, after: int = 0, limit: int | None = None) -> Page[Webhook]:
    """The webhooks of the actor's main account, oldest first."""
    size = page_limit(limit)
    query = select(*_COLUMNS).where(_W.account_id == actor.main_id, _W.id > after).order_by(_W.id).limit(size + 1)
    return page_of([of_row(row) for row in conn.execute(query)], size, lambda one: one.id)


def of_row(row: Any) -> Webhook:
    """A webhook from its row."""
    values = {name: getattr(row, name) for name in Webhook.__dataclass_fields__}
    return Webhook(**(values | {"kinds": tuple(row.kinds), "is_enabled": bool(row.is_enabled)}))


def known_kinds(kinds: Sequence[str]) -> list[str]:
    """Kinds of events, in order and each once.

    Raises:
        BadField: one is none.
    """
    unknown = sorted(set(kinds) - set(events.KINDS))
    if unknown:
        reason = Text("there is no event '{kind}'; known: {known}", "没有事件“{kind}”；可用：{known}")
        raise BadField(field="kinds", reason=reason, kind=unknown[0], known=" ".join(events.KINDS))
    return sorted(set(kinds))


def _url(url: str, reach: Reach) -> str:
    reach.check(peer_of(url))
    return url
