"""Routes of accounts, tokens and the audit log."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from moduline.cloud import audit
from moduline.cloud.accounts import service as accounts
from moduline.cloud.accounts.door import After, Id, Limit, Open, Who, needs, shown
from moduline.cloud.given import Given

router: Final = APIRouter(prefix="/v1", tags=["accounts"])
Role = Literal["viewer", "operator", "releaser", "admin"]


class NewAccount(Given):
    """A sub-account of one's main account."""

    name: str
    role: Role


class AccountChange(Given):
    """What is to be different; what is left out stays."""

    role: Role | None = None
    is_enabled: bool | None = None


class NewToken(Given):
    """A token; its text is shown once, in the answer."""

    name: str
    account: int | None = Field(None, description="none: one's own")
    role: Role | None = Field(None, description="none: that of the account")
    expires_at: float | None = Field(None, description="UTC seconds; none: never")
    lifetime_s: float | None = Field(None, gt=0, le=1e10, description="from now on, by the platform's clock")


def asked(
    kind: str | None = None,
    object: int | None = None,  # noqa: A002  the name in the query
    name: Annotated[str | None, Query(description="that the object's name begins with")] = None,
    account: str | None = None,
    verb: str | None = None,
    since: Annotated[float | None, Query(description="UTC seconds")] = None,
    until: Annotated[float | None, Query(description="UTC seconds, not included")] = None,
) -> audit.Wanted:
    """Which changes are meant."""
    return audit.Wanted(kind, object, name, account, verb, since, until)


Asked = Annotated[audit.Wanted, Depends(asked)]


@router.get("/accounts")
async def list_accounts(door: Open, who: Who, after: After = 0, limit: Limit = None) -> dict[str, Any]:
    """The main account and its sub-accounts."""
    return shown(await door.see(accounts.page, actor=who, after=after, limit=limit), asdict)


@router.post("/accounts", status_code=201, **needs("account.create"))
async def create_account(door: Open, who: Who, new: NewAccount) -> dict[str, Any]:
    """Make a sub-account."""
    return asdict(await door.act(accounts.create, new.name, new.role, actor=who))


@router.patch("/accounts/{account}", **needs("account.change"))
async def change_account(door: Open, who: Who, account: Id, to: AccountChange) -> dict[str, Any]:
    """Another role, or off, or on."""
    return asdict(await door.act(accounts.change, account, actor=who, role=to.role, is_enabled=to.is_enabled))


@router.get("/tokens")
async def list_tokens(door: Open, who: Who, after: After = 0, limit: Limit = None) -> dict[str, Any]:
    """Tokens, never their texts."""
    return shown(await door.see(accounts.tokens, actor=who, after=after, limit=limit), asdict)


@router.post("/tokens", status_code=201, **needs("token.create"))
async def create_token(door: Open, who: Who, new: NewToken) -> dict[str, Any]:
    """Make a token; the answer is the only place that has its text."""
    ends = new.expires_at if new.lifetime_s is None else door.clock.now_s() + new.lifetime_s
    made, text = await door.act(
        accounts.create_token,
        new.account or who.account_id,
        new.name,
        actor=who,
        role=new.role,
        expires_at=ends,
    )
    return asdict(made) | {"token": text}


@router.delete("/tokens/{token}", **needs("token.revoke"))
async def revoke_token(door: Open, who: Who, token: Id) -> dict[str, Any]:
    """Accept a token no more."""
    return asdict(await door.act(accounts.revoke_token, token, actor=who))


@router.get("/audit")
async def list_audit(
    door: Open,
    who: Who,
    wanted: Asked,
    after: After = 0,
    limit: Limit = None,
    newest: Annotated[bool, Query(description="the newest first")] = False,
) -> dict[str, Any]:
    """Every change: who, when, what was and what is."""
    page = await door.see(audit.entries, wanted, actor=who, after=after, limit=limit, is_newest_first=newest)
    return shown(page, asdict)
