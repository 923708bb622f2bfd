"""Verbs of passwords and sessions: coming in with a name and a password, and being known for a while.

::

    name, password ──┐
                     ├─▶ session: a token that ends 14 days after it began, or 12 hours after it was last used
    token of the API ┘            (a session begun with a token has its role, and ends with it)

A session is a row of ``tokens`` of the kind ``session``; whatever asks for a token takes it, and lists of tokens do not
show it. A new password ends the sessions of its account, all but the one that changed it. Texts of passwords never
reach this file: it is given what is kept of them.

Who sets a password: everybody their own, with the old one, or, when there is none yet, with the full role of the
account, so that the token of a build server becomes nobody's password; and an admin that of any account of the same
main account, whose own they may overwrite with a token of the API but not from a browser left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, exists, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from moduline.cloud import audit, tables
from moduline.cloud.accounts import service as accounts
from moduline.cloud.accounts.passwords import NOBODY
from moduline.cloud.accounts.service import IDLE_S, Comer
from moduline.cloud.edge import Actor, Page, acts, clean_text, page_limit, page_of
from moduline.errors import BadField, LoginRefused, NoSuchObject, RoleTooLow, StateForbids, Text

SESSION: Final = Text("session", "会话")
LIFE_S: Final = 14 * 24 * 3600.0
"""A session ends so long after it began, however it is used."""
SEEN_EVERY_S: Final = 300.0
"""How often it is written down that a session is used."""
MOST: Final = 50
"""Sessions of one account; one more ends the one that was used longest ago."""
CLIENT: Final = 100
"""Characters of what a session says of its browser."""
ADDRESS: Final = 60
"""Characters of an address."""
_A: Final = tables.accounts.c
_T: Final = tables.tokens.c
_P: Final = tables.passwords.c
_WRONG_OLD: Final = Text("not the present password", "与当前密码不符")


@dataclass(frozen=True, slots=True)
class Session:
    """A session, without its text.

    Args:
        id: number in the database, among the tokens.
        account_id: whose it is.
        client: what the browser says of itself.
        role: the most it may do.
        created_at: UTC seconds.
        seen_at: when it was last used, UTC seconds, to five minutes.
        expires_at: when it ends at the latest, UTC seconds.
        origin_id: the token it was begun with; None: a password.
    """

    id: int
    account_id: int
    client: str
    role: str
    created_at: float
    seen_at: float
    expires_at: float
    origin_id: int | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What there is to compare a password with.

    Args:
        account_id: whose it is; None: of nobody who may come in, and ``hash`` fits no password.
        hash: see ``passwords``.
    """

    account_id: int | None
    hash: str


def require_whole(comer: Comer) -> None:
    """See that somebody comes with all that their account may: nobody else changes its password.

    Raises:
        RoleTooLow: the token has less than the role of the account.
    """
    actor = comer.actor
    if actor.role != comer.most:
        raise RoleTooLow(verb="password.change", needed=comer.most, role=actor.role, name=actor.name)


def kept_of(conn: Connection, name: str) -> Kept:
    """What a password that comes with a name is compared with; for a name without one, something that never fits."""
    query = select(_P.account_id, _P.hash).join_from(tables.passwords, tables.accounts)
    row = conn.execute(query.where(_A.name == clean_text(name, 200), _A.is_enabled)).first()
    return Kept(None, NOBODY) if row is None else Kept(row.account_id, row.hash)


def kept_by(conn: Connection, account_id: int) -> str | None:
    """What is kept of the password of an account; None: it has none."""
    return conn.execute(select(_P.hash).where(_P.account_id == account_id)).scalar_one_or_none()


def has_admin_password(conn: Connection) -> bool:
    """Whether a main account can come in with a password: the first start of a console asks that."""
    mains = select(_P.account_id).join_from(tables.passwords, tables.accounts).where(_A.main_id.is_(None))
    return bool(conn.execute(select(exists(mains))).scalar_one())


def come_in(conn: Connection, kept: Kept, client: str, address: str, *, now: float) -> tuple[Session, str, Actor]:
    """Begin a session for whoever knew a password; the session, its text, and the account.

    Args:
        kept: what the password was compared with.
        client: what the browser says of itself.
        address: it came from.

    Raises:
        LoginRefused: the password was changed or the account switched off meanwhile.
    """
    row = conn.execute(
        select(_A.id, _A.main_id, _A.name, _A.role)
        .join_from(tables.accounts, tables.passwords)
        .where(_A.id == kept.account_id, _A.is_enabled, _P.hash == kept.hash)
    ).first()
    if row is None:
        raise LoginRefused
    actor = Actor(row.id, row.main_id or row.id, row.name, row.role)
    made, text = _begin(conn, actor, client, address, now, now + LIFE_S, None)
    return made, text, actor


def failed(conn: Connection, name: str, address: str, *, now: float) -> None:
    """Keep that somebody came with a wrong password.

    A name that nobody has is told to the first main account, and not kept: people type passwords into the wrong field.
    """
    known = conn.execute(_who(_A.name == clean_text(name, 200))).first()
    row = known or conn.execute(_who(_A.main_id.is_(None)).order_by(_A.id).limit(1)).one()
    number, said = (row.id, row.name) if known else (0, "?")
    actor = Actor(number, row.main_id or row.id, said, "viewer")
    audit.note(conn, "login.failed", number, said, actor=actor, now=now, after={"address": _line(address, ADDRESS)})


def seen(conn: Connection, token_id: int, *, now: float) -> None:
    """Keep that a session is used."""
    conn.execute(update(tables.tokens).where(_T.id == token_id, _T.seen_at < now).values(seen_at=now))


@acts("login")
def begin(
    conn: Connection, comer: Comer, client: str, address: str, *, actor: Actor, now: float
) -> tuple[Session, str]:
    """Begin a session for whoever has a token, with its role; it ends when the token does. Its text is shown once."""
    origin = comer.origin_id if comer.is_session else comer.token_id
    ends = now + LIFE_S if comer.expires_at is None else min(comer.expires_at, now + LIFE_S)
    return _begin(conn, actor, client, address, now, ends, origin)


@acts("logout")
def end(conn: Connection, session_id: int, *, actor: Actor, now: float) -> Session:
    """End a session of one's own; nothing when it has ended.

    Raises:
        NoSuchObject: one has no such session.
    """
    row = conn.execute(_sessions().where(_T.id == session_id, _T.account_id == actor.account_id)).first()
    if row is None:
        raise NoSuchObject(kind=SESSION, name=str(session_id))
    session = Session(*row)
    if _end(conn, now, _T.id == session_id):
        audit.note(conn, "logout", session_id, session.client or actor.name, actor=actor, now=now, after={"ended": now})
    return session


@acts("password.change")
def change_password(conn: Connection, comer: Comer, old: str | None, new: str, *, actor: Actor, now: float) -> None:
    """Give oneself another password; all other sessions of the account end.

    Args:
        comer: who comes.
        old: what the old password was compared with; None: there was none.
        new: what is kept of the new one.

    Raises:
        RoleTooLow: the token has less than the role of the account.
        BadField: the password is not that one any more.
    """
    require_whole(comer)
    if kept_by(conn, actor.account_id) != old:
        raise BadField(field="old", reason=_WRONG_OLD)
    _keep(conn, actor.account_id, new, now)
    ended = _end(conn, now, _T.account_id == actor.account_id, _T.id != comer.token_id)
    note = {"had_one": old is not None, "sessions_ended": ended}
    audit.note(conn, "password.change", actor.account_id, actor.name, actor=actor, now=now, after=note)


@acts("password.set")
def set_password(
    conn: Connection, account_id: int, new: str, *, actor: Actor, now: float, is_session: bool = False
) -> accounts.Account:
    """Give an account of the actor's main account another password; its sessions end.

    Args:
        account_id: of the account.
        new: what is kept of the password.
        is_session: whether the actor comes from a browser.

    Raises:
        NoSuchObject: there is none.
        StateForbids: it is one's own, and the old one must be said from a browser.
    """
    account = accounts.by_id(conn, account_id, actor=actor)
    if is_session and account_id == actor.account_id and kept_by(conn, account_id) is not None:
        reason = Text("one's own password is changed with the old one", "更改自己的密码须输入当前密码")
        raise StateForbids(kind=accounts.ACCOUNT, name=account.name, reason=reason)
    _keep(conn, account_id, new, now)
    ended = _end(conn, now, _T.account_id == account_id)
    after = {"sessions_ended": ended}
    audit.note(conn, "password.set", account_id, account.name, actor=actor, now=now, after=after)
    return account


def page(conn: Connection, *, actor: Actor, at: float, after: int = 0, limit: int | None = None) -> Page[Session]:
    """The sessions of one's own that have not ended, oldest first.

    Args:
        at: now, UTC seconds.
        after: key of the page before.
        limit: rows of the page.
    """
    size = page_limit(limit)
    query = _sessions().where(_T.account_id == actor.account_id, *_alive(at), _T.id > after)
    rows = conn.execute(query.order_by(_T.id).limit(size + 1)).all()
    return page_of([Session(*row) for row in rows], size, lambda one: one.id)


def forget(conn: Connection, before: float, most: int) -> int:
    """Forget sessions that ended before a time, at most so many; how many it were."""
    over = or_(_T.revoked_at < before, _T.expires_at < before, _T.seen_at < before - IDLE_S)
    old = select(_T.id).where(_T.kind == "session", over).limit(most)
    return conn.execute(delete(tables.tokens).where(_T.id.in_(old))).rowcount


def _begin(
    conn: Connection, actor: Actor, client: str, address: str, now: float, ends: float, origin: int | None
) -> tuple[Session, str]:
    text = accounts.new_text()
    values = {
        "account_id": actor.account_id,
        "name": _line(client, CLIENT),
        "hash": accounts.digest(text),
        "role": actor.role,
        "created_at": now,
        "expires_at": ends,
        "kind": "session",
        "seen_at": now,
        "origin_id": origin,
    }
    number = int(conn.execute(insert(tables.tokens).returning(_T.id), values).scalar_one())
    _end_oldest(conn, actor.account_id, now)
    by = "password" if origin is None else "token"
    note = {"client": values["name"], "address": _line(address, ADDRESS), "role": actor.role, "by": by}
    audit.note(conn, "login", number, actor.name, actor=actor, now=now, after=note)
    return Session(*conn.execute(_sessions().where(_T.id == number)).one()), text


def _end_oldest(conn: Connection, account_id: int, now: float) -> None:
    mine = select(_T.id).where(_T.account_id == account_id, *_alive(now))
    kept = conn.execute(mine.order_by(_T.seen_at.desc(), _T.id.desc()).limit(MOST)).scalars().all()
    if len(kept) == MOST:
        _end(conn, now, _T.account_id == account_id, _T.id.not_in(kept))


def _end(conn: Connection, now: float, *which: Any) -> int:
    """End sessions that have not; how many it were."""
    ended = update(tables.tokens).where(_T.kind == "session", _T.revoked_at.is_(None), *which)
    return conn.execute(ended.values(revoked_at=now)).rowcount


def _alive(now: float) -> tuple[Any, ...]:
    return (_T.kind == "session", _T.revoked_at.is_(None), _T.expires_at > now, _T.seen_at > now - IDLE_S)


def _line(text: str, limit: int) -> str:
    """What a stranger said, as one line without anything that moves a terminal."""
    return "".join(one for one in clean_text(text, limit) if one.isprintable())[:limit].strip()


def _sessions() -> Any:
    columns = (_T.id, _T.account_id, _T.name, _T.role, _T.created_at, _T.seen_at, _T.expires_at, _T.origin_id)
    return select(*columns).where(_T.kind == "session")


def _who(which: Any) -> Any:
    return select(_A.id, _A.main_id, _A.name).where(which)


def _keep(conn: Connection, account_id: int, new: str, now: float) -> None:
    make = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    values = {"account_id": account_id, "hash": new, "changed_at": now}
    made = make(tables.passwords).values(values)
    kept = made.on_conflict_do_update(index_elements=["account_id"], set_={"hash": new, "changed_at": now})
    conn.execute(kept)
