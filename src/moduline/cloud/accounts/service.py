"""Verbs of accounts and tokens.

A main account owns products, artifacts and plans; sub-accounts share them, each with a role of its own. Everybody
comes with a token: ``mdl_`` and 40 letters and digits, shown once and kept as its SHA-256. A token may have a lower
role than its account, such as one for a build server; it ends when it expires, when it is revoked, and when its account
is disabled. The session of a browser is a token, too (``sessions``): it also ends when nobody uses it.

Source: ota-semantics, section 1 (sub-accounts share packages and plans).
"""

from __future__ import annotations

import hashlib
import secrets
import string
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, exists, func, insert, or_, select, update

from moduline.cloud import audit, tables
from moduline.cloud.edge import ROLES, Actor, Page, acts, page_limit, page_of, plain_text
from moduline.errors import BadField, NameTaken, NoSuchObject, StateForbids, Text, TokenRefused

ACCOUNT: Final = Text("account", "账号")
TOKEN: Final = Text("token", "令牌")
PREFIX: Final = "mdl_"
_LETTERS: Final = string.ascii_letters + string.digits
_A: Final = tables.accounts.c
_T: Final = tables.tokens.c
IDLE_S: Final = 12 * 3600.0
"""So long after its last use a session ends."""
IS_TOKEN: Final = _T.kind == "token"
"""Of a row of ``tokens``: shown among the tokens."""
_ACTOR: Final = (
    select(
        *(_A.id, _A.main_id, _A.name, _A.role.label("most")),
        *(_T.role, _T.expires_at, _T.id.label("token_id"), _T.kind, _T.seen_at, _T.origin_id),
    )
    .join_from(tables.tokens, tables.accounts)
    .where(_T.hash == bindparam("digest"), _T.revoked_at.is_(None), _A.is_enabled)
)


@dataclass(frozen=True, slots=True)
class Account:
    """An account.

    Args:
        id: number in the database.
        main_id: the main account it belongs to; its own number for a main account.
        name: unique on the platform.
        role: the most it may do.
        is_enabled: whether its tokens are accepted.
        created_at: UTC seconds.
        has_password: whether it can come in with one.
    """

    id: int
    main_id: int
    name: str
    role: str
    is_enabled: bool
    created_at: float
    has_password: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A token, without its text.

    Args:
        id: number in the database.
        account_id: whose it is.
        name: what it is for.
        role: the most it may do.
        created_at: UTC seconds.
        expires_at: until when it is accepted; None: for ever.
        revoked_at: since when it is not accepted any more.
    """

    id: int
    account_id: int
    name: str
    role: str
    created_at: float
    expires_at: float | None
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class Comer:
    """Who comes with which token.

    Args:
        actor: the account, with the role that the token has.
        most: role of the account.
        token_id: of the token.
        is_session: whether it is the session of a browser.
        seen_at: when the session was last used, UTC seconds, to some minutes; None: no session.
        origin_id: the token that the session was begun with; None: no session, or one begun with a password.
        expires_at: until when the token is accepted at most; None: for ever.
    """

    actor: Actor
    most: str
    token_id: int
    is_session: bool
    seen_at: float | None
    origin_id: int | None
    expires_at: float | None


def found(conn: Connection, name: str, *, now: float) -> tuple[Account, str]:
    """Make a main account and its first token: what the first start of a platform does. The token's text is shown once.

    Raises:
        BadField, NameTaken: it cannot be called so.
    """
    _require_free(conn, name)
    number = _add(conn, name, "admin", None, now)
    owner = Actor(number, number, name, "admin")
    audit.note(conn, "account.create", number, name, actor=owner, now=now, after={"name": name, "role": "admin"})
    _, text = create_token(conn, number, "first", actor=owner, now=now)
    return _account(conn, number), text


def is_founded(conn: Connection) -> bool:
    """Whether there is any account."""
    return bool(conn.execute(select(exists().where(_A.id > 0))).scalar_one())


def comer_of(conn: Connection, text: str, *, now: float) -> Comer:
    """Who comes with a token.

    Raises:
        TokenRefused: it is unknown, over, revoked, or its account is disabled; nobody is told which.
    """
    row = conn.execute(_ACTOR, {"digest": digest(text)}).first()
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        raise TokenRefused
    is_session = row.kind != "token"
    if is_session and row.seen_at + IDLE_S <= now:
        raise TokenRefused
    role = min(row.most, row.role, key=ROLES.index)
    actor = Actor(row.id, row.main_id or row.id, row.name, role)
    return Comer(actor, row.most, row.token_id, is_session, row.seen_at, row.origin_id, row.expires_at)


@acts("account.create")
def create(conn: Connection, name: str, role: str, *, actor: Actor, now: float) -> Account:
    """Make a sub-account of the actor's main account.

    Raises:
        BadField, NameTaken: it cannot be so.
    """
    _require_free(conn, name)
    _require_role(role)
    number = _add(conn, name, role, actor.main_id, now)
    after = {"name": name, "role": role, "is_enabled": True}
    audit.note(conn, "account.create", number, name, actor=actor, now=now, after=after)
    return _account(conn, number)


@acts("account.change")
def change(
    conn: Connection,
    account_id: int,
    *,
    actor: Actor,
    now: float,
    role: str | None = None,
    is_enabled: bool | None = None,
) -> Account:
    """Give a sub-account another role, or switch it off or on.

    Raises:
        BadField, NoSuchObject: it cannot be done.
        StateForbids: it is the main account, which nobody could undo.
    """
    old = by_id(conn, account_id, actor=actor)
    if old.id == old.main_id:
        reason = Text("the main account stays as it is", "主账号不可更改")
        raise StateForbids(kind=ACCOUNT, name=old.name, reason=reason)
    before = {"role": old.role, "is_enabled": old.is_enabled}
    after = dict(before)
    if role is not None:
        _require_role(role)
        after["role"] = role
    if is_enabled is not None:
        after["is_enabled"] = is_enabled
    conn.execute(update(tables.accounts).where(_A.id == account_id).values(**after))
    audit.note(conn, "account.change", account_id, old.name, actor=actor, now=now, before=before, after=after)
    return _account(conn, account_id)


@acts("token.create")
def create_token(
    conn: Connection,
    account_id: int,
    name: str,
    *,
    actor: Actor,
    now: float,
    role: str | None = None,
    expires_at: float | None = None,
) -> tuple[Token, str]:
    """Make a token; its text, which is shown this once.

    Raises:
        BadField, NoSuchObject: it cannot be so.
    """
    owner = by_id(conn, account_id, actor=actor)
    plain_text("name", name)
    chosen = role or owner.role
    _require_role(chosen)
    if expires_at is not None and expires_at <= now:
        raise BadField(field="expires_at", reason=Text("is over already", "已过期"))
    text = new_text()
    values = {
        "account_id": account_id,
        "name": name,
        "hash": digest(text),
        "role": min(chosen, owner.role, key=ROLES.index),
        "created_at": now,
        "expires_at": expires_at,
    }
    number = conn.execute(insert(tables.tokens).returning(_T.id), values).scalar_one()
    audit.note(conn, "token.create", number, name, actor=actor, now=now, after=values)
    return _token(conn, number), text


@acts("token.revoke")
def revoke_token(conn: Connection, token_id: int, *, actor: Actor, now: float) -> Token:
    """Accept a token no more, nor the sessions begun with it, from this moment on; nothing when that was done.

    Raises:
        NoSuchObject: there is none.
    """
    row = conn.execute(select(_T.account_id).where(_T.id == token_id, IS_TOKEN)).first()
    if row is None:
        raise NoSuchObject(kind=TOKEN, name=str(token_id))
    by_id(conn, row.account_id, actor=actor)
    old = _token(conn, token_id)
    if old.revoked_at is None:
        its = or_(_T.id == token_id, (_T.account_id == row.account_id) & (_T.origin_id == token_id))
        conn.execute(update(tables.tokens).where(its, _T.revoked_at.is_(None)).values(revoked_at=now))
        after = {"revoked_at": now}
        audit.note(conn, "token.revoke", token_id, old.name, actor=actor, now=now, before={}, after=after)
    return _token(conn, token_id)


def by_id(conn: Connection, account_id: int, *, actor: Actor) -> Account:
    """An account of the actor's main account.

    Raises:
        NoSuchObject: there is none.
    """
    mine = or_(_A.id == actor.main_id, _A.main_id == actor.main_id)
    if not conn.execute(select(exists().where(_A.id == account_id, mine))).scalar_one():
        raise NoSuchObject(kind=ACCOUNT, name=str(account_id))
    return _account(conn, account_id)


def page(conn: Connection, *, actor: Actor, after: int = 0, limit: int | None = None) -> Page[Account]:
    """The accounts of the actor's main account, oldest first."""
    size = page_limit(limit)
    mine = or_(_A.id == actor.main_id, _A.main_id == actor.main_id)
    rows = conn.execute(_accounts().where(mine, _A.id > after).order_by(_A.id).limit(size + 1)).all()
    return page_of([Account(*row) for row in rows], size, lambda one: one.id)


def tokens(conn: Connection, *, actor: Actor, after: int = 0, limit: int | None = None) -> Page[Token]:
    """The tokens of all accounts of the actor's main account, oldest first."""
    size = page_limit(limit)
    mine = select(_A.id).where(or_(_A.id == actor.main_id, _A.main_id == actor.main_id))
    query = _tokens().where(_T.account_id.in_(mine), IS_TOKEN, _T.id > after).order_by(_T.id).limit(size + 1)
    return page_of([Token(*row) for row in conn.execute(query)], size, lambda one: one.id)


def _add(conn: Connection, name: str, role: str, main_id: int | None, now: float) -> int:
    values = {"main_id": main_id, "name": name, "role": role, "is_enabled": True, "created_at": now}
    return int(conn.execute(insert(tables.accounts).returning(_A.id), values).scalar_one())


def _accounts() -> Any:
    has_password = exists().where(tables.passwords.c.account_id == _A.id)
    columns = (_A.id, func.coalesce(_A.main_id, _A.id), _A.name, _A.role, _A.is_enabled, _A.created_at)
    return select(*columns, has_password)


def _account(conn: Connection, account_id: int) -> Account:
    return Account(*conn.execute(_accounts().where(_A.id == account_id)).one())


def _tokens() -> Any:
    return select(_T.id, _T.account_id, _T.name, _T.role, _T.created_at, _T.expires_at, _T.revoked_at)


def _token(conn: Connection, token_id: int) -> Token:
    return Token(*conn.execute(_tokens().where(_T.id == token_id)).one())


def _require_free(conn: Connection, name: str) -> None:
    plain_text("name", name)
    if conn.execute(select(exists().where(_A.name == name))).scalar_one():
        raise NameTaken(kind=ACCOUNT, name=name)


def _require_role(role: str) -> None:
    if role not in ROLES:
        raise BadField(field="role", reason=Text("one of {known}", "须为 {known} 之一"), known=", ".join(ROLES))


def new_text() -> str:
    """The text of a token that nobody had yet."""
    return PREFIX + "".join(secrets.choice(_LETTERS) for _ in range(40))


def digest(text: str) -> str:
    """What is kept of the text of a token."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
