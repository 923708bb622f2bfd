"""Routes of people in front of a browser: coming in, their sessions, their passwords.

A browser's page keeps what ``login`` gives as it would keep a token, and sends it the same way.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field

from moduline.cloud.accounts import passwords, sessions
from moduline.cloud.accounts import service as accounts
from moduline.cloud.accounts.door import After, Came, Door, Guarded, Id, Limit, Open, Who, for_all, needs
from moduline.cloud.accounts.gate import Gate, is_here
from moduline.cloud.edge import require
from moduline.cloud.given import Given
from moduline.errors import BadField, LoginRefused, Text

router: Final = APIRouter(prefix="/v1", tags=["people"])
_OLD_NEEDED: Final = Text("the present password is needed", "请输入当前密码")
_OLD_WRONG: Final = Text("not the present password", "与当前密码不符")

CLIENT: Final = Field(None, description="what the session is listed as; none: User-Agent")
ADDRESS: Final = Field(
    None, max_length=60, description="of the browser, when a console on the same machine asks for it"
)
Typed = Annotated[str, Field(max_length=4 * passwords.MOST_BYTES)]


class Login(Given):
    """A name and a password."""

    model_config = ConfigDict(hide_input_in_errors=True)
    name: str
    password: Typed
    client: str | None = CLIENT
    address: str | None = ADDRESS


class NewSession(Given):
    """A session for whoever has a token."""

    client: str | None = CLIENT
    address: str | None = ADDRESS


class OwnPassword(Given):
    """One's own new password."""

    model_config = ConfigDict(hide_input_in_errors=True)
    old: Typed | None = Field(None, description="none: there is no password yet")
    new: Typed


class NewPassword(Given):
    """Somebody's new password."""

    model_config = ConfigDict(hide_input_in_errors=True)
    new: Typed


def _peer(request: Request, told: str | None = None) -> str:
    """Address of whoever asks; a console on this machine says for whom."""
    address = request.client.host if request.client else ""
    return told if told and is_here(address) else address


@router.get("/first-start", **for_all())
async def first_start(door: Open) -> dict[str, Any]:
    """Whether a main account has a password; says nothing else, and needs no token."""
    return {"has_password": await door.see(sessions.has_admin_password)}


@router.post("/login", **for_all())
async def login(door: Open, gate: Guarded, request: Request, given: Login) -> dict[str, Any]:
    """Come in with a name and a password: a session, whose text is shown this once.

    Whatever is wrong, the answer is the same, ML-E1516; who tries too often is told when to come again, ML-E1517.
    """
    peer = _peer(request, given.address)
    gate.knocks(given.name, peer, door.clock.now_s())
    kept = await door.see(sessions.kept_of, given.name)
    if not await gate.is_right(given.password, kept.hash) or kept.account_id is None:
        await _note_failure(door, gate, given.name, peer)
        raise LoginRefused
    session, text, actor = await door.act(sessions.come_in, kept, given.client or _agent(request), peer)
    gate.lets_in(given.name, peer)
    return {"token": text, "expires_at": session.expires_at, "account": asdict(actor), "session": session.id}


@router.get("/me")
async def me(door: Open, came: Came) -> dict[str, Any]:
    """Who one is, whether one has a password, and with which session one comes (null: a token of the API).

    `role` is that of the token, `account_role` the most that the account may.
    """
    kept = await door.see(sessions.kept_by, came.actor.account_id)
    session = came.token_id if came.is_session else None
    more = {"account_role": came.most, "has_password": kept is not None, "session": session}
    return asdict(came.actor) | more | {"expires_at": came.expires_at}


@router.get("/me/sessions")
async def list_sessions(door: Open, came: Came, after: After = 0, limit: Limit = None) -> dict[str, Any]:
    """One's sessions that have not ended."""
    page = await door.see(sessions.page, actor=came.actor, at=door.clock.now_s(), after=after, limit=limit)
    items = [asdict(one) | {"is_current": one.id == came.token_id} for one in page.items]
    return {"items": items, "next_after": page.next_after}


@router.post("/me/sessions", status_code=201, **needs("login"))
async def begin_session(door: Open, came: Came, request: Request, new: NewSession | None = None) -> dict[str, Any]:
    """Begin a session with the role of one's token; it ends when that token does. Its text is shown this once."""
    told = new or NewSession()
    client, peer = told.client or _agent(request), _peer(request, told.address)
    session, text = await door.act(sessions.begin, came, client, peer, actor=came.actor)
    return {"token": text, "expires_at": session.expires_at, "account": asdict(came.actor), "session": session.id}


@router.delete("/me/sessions/current", **needs("logout"))
async def log_out(door: Open, came: Came) -> dict[str, Any]:
    """End the session that one comes with."""
    return asdict(await door.act(sessions.end, came.token_id, actor=came.actor))


@router.delete("/me/sessions/{session}", **needs("logout"))
async def end_session(door: Open, who: Who, session: Id) -> dict[str, Any]:
    """End a session of one's own, such as one in a browser that was lost."""
    return asdict(await door.act(sessions.end, session, actor=who))


@router.put("/me/password", **needs("password.change"))
async def change_password(
    door: Open, gate: Guarded, came: Came, request: Request, given: OwnPassword
) -> dict[str, Any]:
    """Give oneself another password; all one's other sessions end."""
    who, peer = came.actor, _peer(request)
    sessions.require_whole(came)
    passwords.require_fit(given.new, who.name)
    kept = await door.see(sessions.kept_by, who.account_id)
    if kept is not None:
        if given.old is None:
            raise BadField(field="old", reason=_OLD_NEEDED)
        gate.knocks(who.name, peer, door.clock.now_s())
        if not await gate.is_right(given.old, kept):
            await _note_failure(door, gate, who.name, peer)
            raise BadField(field="old", reason=_OLD_WRONG)
    await door.act(sessions.change_password, came, kept, await gate.made(given.new), actor=who)
    gate.forgets(who.name)
    gate.lets_in(who.name, peer)
    return {"account": who.account_id, "has_password": True}


@router.put("/accounts/{account}/password", **needs("password.set"))
async def set_password(door: Open, gate: Guarded, came: Came, account: Id, given: NewPassword) -> dict[str, Any]:
    """Give an account another password; its sessions end."""
    require(came.actor, "password.set")
    of = await door.see(accounts.by_id, account, actor=came.actor)
    passwords.require_fit(given.new, of.name)
    made = await gate.made(given.new)
    await door.act(sessions.set_password, account, made, actor=came.actor, is_session=came.is_session)
    gate.forgets(of.name)
    return {"account": account, "has_password": True}


async def _note_failure(door: Door, gate: Gate, name: str, peer: str) -> None:
    """Have the audit log told, which no flood may fill."""
    if gate.may_note(door.clock.now_s()):
        await door.act(sessions.failed, name, peer)


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")
