"""The door of the operator API: who comes with which token, and how a verb is run for them.

Every ``api.py`` has a ``router``. A route reads its body, runs one verb by ``door.act`` or ``door.see``, and shows what
the verb gives; rights, audit and rules are the verb's own. ``needs`` tells readers of the description which role a
route asks for, and the tests that no right lacks a route. Errors are those of the command line:
``{"ok": false, "code", "message", "hint", "facts"}`` with the HTTP status of the error, in the language of
``Accept-Language``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, FastAPI, Path, Query, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path

from moduline.clock import Clock
from moduline.cloud.accounts import service as accounts
from moduline.cloud.accounts import sessions
from moduline.cloud.accounts.gate import Gate
from moduline.cloud.accounts.service import Comer
from moduline.cloud.blob import BlobStore
from moduline.cloud.db import Database
from moduline.cloud.edge import PAGE_LIMIT, PERMISSIONS, Actor, Page, error_frame
from moduline.cloud.settings import Settings
from moduline.errors import BadField, MethodForbidden, ModulineError, NoSuchAddress, Text, TokenRefused

T = TypeVar("T")
_UNREAD: Final = 400
"""What FastAPI answers to a body that it cannot even read."""
_UNREADABLE: Final = Text("it cannot be read: JSON in UTF-8 is expected", "无法读取：应为 UTF-8 编码的 JSON")
_BEARER: Final = HTTPBearer(auto_error=False, description="a token of `moduline ota token create`")
_MOST_ID: Final = (1 << 63) - 1
Id = Annotated[int, Path(ge=0, le=_MOST_ID)]
"""A number in an address."""
After = Annotated[int, Query(ge=0, le=_MOST_ID, description="`next_after` of the page before")]
Limit = Annotated[int | None, Query(ge=1, le=PAGE_LIMIT)]


@dataclass(frozen=True, slots=True)
class Door:
    """What routes need of the platform.

    Args:
        db: its database.
        store: its files.
        settings: of the installation.
        clock: wall clock.
        deliver: says to devices what a verb gave.
        drop: ends the connection of a device.
        wake: has the schedule look at once.
    """

    db: Database
    store: BlobStore
    settings: Settings
    clock: Clock
    deliver: Callable[[Sequence[Any]], Awaitable[None]]
    drop: Callable[[int], Awaitable[None]]
    wake: Callable[[], None]

    async def act(self, verb: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a verb that changes something; it is told the time."""
        return await self.db.write_soon(verb, *args, now=self.clock.now_s(), **kwargs)

    async def see(self, verb: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a verb that only looks."""
        return await self.db.read_soon(verb, *args, **kwargs)


def door_of(request: Request) -> Door:
    """The door of the application that a request came to."""
    found = request.app.state.door
    assert isinstance(found, Door)
    return found


Open = Annotated[Door, Depends(door_of)]


def gate_of(request: Request) -> Gate:
    """The gate in front of passwords."""
    found = request.app.state.gate
    assert isinstance(found, Gate)
    return found


Guarded = Annotated[Gate, Depends(gate_of)]


async def comer_of(door: Open, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)] = None) -> Comer:
    """Who asks, and with which token.

    Raises:
        TokenRefused: no token, or none that is accepted.
    """
    if given is None:
        raise TokenRefused
    now = door.clock.now_s()
    comer = await door.see(accounts.comer_of, given.credentials, now=now)
    if comer.seen_at is not None and comer.seen_at + sessions.SEEN_EVERY_S <= now:
        await door.act(sessions.seen, comer.token_id)
    return comer


Came = Annotated[Comer, Depends(comer_of)]


async def actor_of(comer: Came) -> Actor:
    """Who asks."""
    return comer.actor


Who = Annotated[Actor, Depends(actor_of)]


def still_of(door: Open, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)] = None) -> Still:
    """Asks, whenever it is called, whether the token of a long answer is still accepted; raises like ``comer_of``."""

    async def asks() -> Actor:
        return (await comer_of(door, given)).actor

    return asks


Still = Callable[[], Awaitable[Actor]]
StillThere = Annotated[Still, Depends(still_of)]


def needs(*verbs: str) -> dict[str, Any]:
    """What a route says of itself that runs verbs with these rights: keywords of its decorator."""
    roles = ", ".join(dict.fromkeys(PERMISSIONS[verb] for verb in verbs))
    told = f"The role of the token is too low; needed: {roles} (`{'`, `'.join(verbs)}`)."
    return {"openapi_extra": {"x-permissions": list(verbs)}, "responses": {403: {"description": told}}}


def for_all() -> dict[str, Any]:
    """What a route says of itself that asks for no token: keywords of its decorator."""
    return {"openapi_extra": {"x-public": True, "security": []}}


def shown(page: Page[T], how: Callable[[T], dict[str, Any]]) -> dict[str, Any]:
    """A page as JSON."""
    return {"items": [how(one) for one in page.items], "next_after": page.next_after}


def add_complaints(app: FastAPI) -> None:
    """Have errors answered in the one frame."""

    async def tell(request: Request, failure: ModulineError, headers: dict[str, str] | None = None) -> JSONResponse:
        lang = "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"
        return JSONResponse(error_frame(failure, lang), failure.http_status, headers)

    @app.exception_handler(ModulineError)
    async def tell_with_wait(request: Request, failure: ModulineError) -> JSONResponse:
        wait = failure.facts.get("retry_s")
        return await tell(request, failure, None if wait is None else {"Retry-After": str(wait)})

    @app.exception_handler(RequestValidationError)
    async def complain(request: Request, wrong: RequestValidationError) -> JSONResponse:
        said = [(".".join(str(part) for part in one["loc"]), one["msg"]) for one in wrong.errors()]
        field, reason = said[0] if said else (request.url.path, "")
        return await tell(request, BadField(field=field, reason=reason))

    @app.exception_handler(HTTPException)
    async def turn_away(request: Request, wrong: HTTPException) -> Response:
        if wrong.status_code == NoSuchAddress.http_status:
            return await tell(request, NoSuchAddress(path=request.url.path))
        if wrong.status_code == MethodForbidden.http_status:
            allowed = ", ".join(_methods(app, request.url.path)) or (wrong.headers or {}).get("Allow", "")
            refusal = MethodForbidden(method=request.method, path=request.url.path, allowed=allowed)
            return await tell(request, refusal, {"Allow": allowed})
        if wrong.status_code == _UNREAD:
            return await tell(request, BadField(field="body", reason=_UNREADABLE))
        return await http_exception_handler(request, wrong)


def _methods(app: FastAPI, path: str) -> list[str]:
    """What may be asked of an address, by the description of all calls."""
    calls = app.openapi()["paths"].items()
    return sorted({method.upper() for at, methods in calls if compile_path(at)[0].match(path) for method in methods})
