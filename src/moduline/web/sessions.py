"""Sessions of browsers: the cookie is a session token of the platform, and the platform alone says what it is worth."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import Any, Final

from fastapi import Request, Response

from moduline.errors import ModulineError, TokenRefused
from moduline.web.platform_api import PlatformApi
from moduline.web.site import site
from moduline.web.viewer import LANG_COOKIE, THEME_COOKIE, THEMES, ZONE_COOKIE, Viewer, known_zone, spoken

KNOWN_S: Final = 5.0
"""How long an answer of the platform about a session is believed: pages ask several times in a breath."""
MOST: Final = 1000
MOST_TEXT: Final = 100
"""Characters of a token, and some to spare."""
_known: dict[str, tuple[float, dict[str, Any]]] = {}


async def check(token: str) -> dict[str, Any]:
    """Who comes with a token, as ``GET /v1/me`` says.

    Raises:
        TokenRefused: it is not accepted.
        ServerUnreachable: the platform does not answer.
    """
    now = time.monotonic()
    at, me = _known.get(token, (-KNOWN_S, {}))
    if now - at >= KNOWN_S:
        _known.pop(token, None)
        me = await PlatformApi(token).get("/v1/me")
        if len(_known) >= MOST:
            _known.clear()
        _known[token] = (now, me)
    return me


def cookie_name() -> str:
    """Name of the cookie; browsers keep cookies by host alone, and one host may have several servers."""
    return f"moduline_session_{site().port}"


def forget(token: str) -> None:
    """Believe nothing about a token any more."""
    _known.pop(token, None)


def stranger_of(request: Request) -> Viewer:
    """How somebody wants to see things, whoever they are."""
    lang = spoken(request.cookies.get(LANG_COOKIE), request.headers.get("accept-language", ""))
    theme = request.cookies.get(THEME_COOKIE, "auto")
    zone = known_zone(request.cookies.get(ZONE_COOKIE))
    return Viewer(lang, theme if theme in THEMES else "auto", zone=zone)


async def viewer_of(request: Request) -> Viewer:
    """Who sends a request; without a name when nobody signed in.

    Raises:
        ServerUnreachable: the platform does not answer.
    """
    stranger = stranger_of(request)
    token = request.cookies.get(cookie_name(), "")
    if not _is_token(token):
        return stranger
    try:
        me = await check(token)
    except TokenRefused:
        return stranger
    return replace(stranger, token=token, account=me["account_id"], name=me["name"], role=me["role"])


async def is_known(token: str) -> bool:
    """Whether a cookie is a session that is accepted; not while the platform cannot be asked."""
    try:
        return _is_token(token) and bool(await check(token))
    except ModulineError:
        return False


def _is_token(text: str) -> bool:
    return len(text) <= MOST_TEXT and text.isascii() and text.replace("_", "").isalnum()


def seal(answer: Response, token: str) -> None:
    """Give a browser its session."""
    answer.set_cookie(
        cookie_name(), token, max_age=14 * 24 * 3600, httponly=True, samesite="strict", secure=_is_secure(), path="/"
    )


async def end(request: Request, answer: Response) -> None:
    """End the session of a browser, at the platform too."""
    await end_old(request)
    answer.delete_cookie(cookie_name(), path="/", samesite="strict", httponly=True, secure=_is_secure())


async def end_old(request: Request) -> None:
    """End the session that a browser came with at the platform; the browser gets another one, or none."""
    token = request.cookies.get(cookie_name(), "")
    if _is_token(token):
        forget(token)
        with contextlib.suppress(ModulineError):  # it was over already, or ends by its time
            await PlatformApi(token).delete("/v1/me/sessions/current")


def _is_secure() -> bool:
    return site().options.tls_cert is not None
