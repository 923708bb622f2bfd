"""The way in: a one-time link, the first password, signing in and out, and how one wants to see things.

::

    terminal prints  /enter/KEY ──▶ session of the admin ──▶ no password yet? /first-start ──▶ the page
    otherwise        /sign-in   ──▶ POST /v1/login of the platform ──▶ the page

The forms are plain HTML that works without any script; what they send is guarded by ``guard``.
"""

from __future__ import annotations

import html
import secrets
import threading
from typing import Annotated, Final
from urllib.parse import quote, unquote

from fastapi import APIRouter, Form, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from moduline.errors import LANGUAGES, ModulineError, Text
from moduline.web import entry_paths, sessions
from moduline.web.places import PLACES
from moduline.web.platform_api import PlatformApi
from moduline.web.site import site
from moduline.web.texts import TABLE
from moduline.web.viewer import LANG_COOKIE, THEME_COOKIE, THEMES, ZONE_COOKIE, Viewer

router = APIRouter(include_in_schema=False)
HOME: Final = "/studio"
YEAR_S: Final = 365 * 24 * 3600
PATH_MOST: Final = 2000
NAME_MOST: Final = 200


class OneTimeLinks:
    """Keys that open the door once each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: set[str] = set()

    def make(self) -> str:
        """A new key."""
        key = secrets.token_urlsafe(24)
        with self._lock:
            self._keys.add(key)
        return key

    def use(self, key: str) -> bool:
        """Whether a key opens; it does not again."""
        with self._lock:
            known = next((one for one in self._keys if secrets.compare_digest(one.encode(), key.encode())), None)
            self._keys.discard(known or "")
        return known is not None


links = OneTimeLinks()
_owner_token: list[str] = []


def trust(token: str) -> None:
    """Have one-time links sign in whoever this token belongs to."""
    _owner_token[:] = [token]


def safe_path(wanted: str) -> str:
    """A path of this server that somebody asked to go on to; anything else is the first page."""
    is_ours = wanted.startswith("/") and wanted.isprintable() and "\\" not in wanted and not wanted.startswith("//")
    return wanted if is_ours and len(wanted) <= PATH_MOST else HOME


def _home(role: str) -> str:
    """The first page that a role may look at."""
    return next(one.path for one in PLACES if one.icon and Viewer(role=role).may(one.needs))


async def _viewer_of(request: Request) -> Viewer:
    """Who sends a request; a stranger while the platform does not answer."""
    try:
        return await sessions.viewer_of(request)
    except ModulineError:
        return sessions.stranger_of(request)


@router.get("/")
async def start(request: Request) -> Response:
    """The address that people remember: the first page they may look at, or the way in."""
    seen = await _viewer_of(request)
    return RedirectResponse(_home(seen.role) if seen.name else entry_paths.SIGN_IN, 303)


async def not_found(request: Request, wrong: Exception) -> Response:
    """What an address gets that leads nowhere: a page for people, the usual frame for programs."""
    if "text/html" not in request.headers.get("accept", "") and isinstance(wrong, HTTPException):
        return await http_exception_handler(request, wrong)
    seen = await _viewer_of(request)
    form = f'<p>{_said(seen, "entry.no_page_about")}</p><p><a href="/">{_said(seen, "entry.to_start")}</a></p>'
    return _form_page(request, seen, None, form, title="entry.no_page", status=404)


@router.get(entry_paths.ENTER + "/{key}")
async def enter(request: Request, key: str) -> Response:
    """Come in by a one-time link; programs that only look at where a link leads do not use it up."""
    seen = await _viewer_of(request)
    if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
        return Response(status_code=403)
    if not _owner_token or not links.use(key):
        return _form_page(request, seen, "entry.link_over", _sign_in_form(seen, HOME), status=410)
    try:
        asked = {"client": _browser(request), "address": _address(request)}
        made = await PlatformApi(_owner_token[0], seen.lang).post("/v1/me/sessions", asked)
        me = await PlatformApi(made["token"], seen.lang).get("/v1/me")
    except ModulineError as failure:
        return _form_page(request, seen, failure, _sign_in_form(seen, HOME), status=failure.http_status)
    await sessions.end_old(request)
    answer = _onward(seen, _home(me["role"]) if me["has_password"] else entry_paths.FIRST_START)
    sessions.seal(answer, made["token"])
    return answer


@router.get(entry_paths.FIRST_START)
async def first_start(request: Request) -> Response:
    """Ask for the admin's password; it can wait, the next start prints another link."""
    seen = await _viewer_of(request)
    if not seen.name:
        return RedirectResponse(entry_paths.SIGN_IN, 303)
    if (await sessions.check(seen.token))["has_password"]:
        return RedirectResponse("/console/settings", 303)
    return _form_page(request, seen, None, _password_form(seen), title="entry.first_title")


@router.post(entry_paths.FIRST_START)
async def set_password(
    request: Request, password: Annotated[str, Form()] = "", again: Annotated[str, Form()] = ""
) -> Response:
    """Take the admin's password."""
    seen = await _viewer_of(request)
    if not seen.name:
        return RedirectResponse(entry_paths.SIGN_IN, 303)
    said: str | ModulineError = "entry.differ"
    status = 422
    if password == again:
        try:
            await PlatformApi(seen.token, seen.lang).put("/v1/me/password", {"new": password})
        except ModulineError as failure:
            said, status = failure, failure.http_status
        else:
            sessions.forget(seen.token)
            return RedirectResponse(_home(seen.role), 303)
    return _form_page(request, seen, said, _password_form(seen), title="entry.first_title", status=status)


@router.get(entry_paths.SIGN_IN)
async def sign_in_page(request: Request, next: str = HOME) -> Response:  # noqa: A002  as in the address
    """Ask for name and password."""
    seen = await _viewer_of(request)
    if seen.name:
        return RedirectResponse(_on_to(next, seen.role), 303)
    try:
        is_first = not (await PlatformApi("", seen.lang).get("/v1/first-start"))["has_password"]
    except ModulineError as failure:
        return _form_page(request, seen, failure, _sign_in_form(seen, next), status=failure.http_status)
    return _form_page(request, seen, "entry.no_password_yet" if is_first else None, _sign_in_form(seen, next))


@router.post(entry_paths.SIGN_IN)
async def sign_in(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = HOME,  # noqa: A002  as in the address
) -> Response:
    """Take name and password."""
    seen = await _viewer_of(request)
    asked = {"name": name, "password": password, "client": _browser(request), "address": _address(request)}
    try:
        made = await PlatformApi("", seen.lang).post("/v1/login", asked)
    except ModulineError as failure:
        form = _sign_in_form(seen, next, name[:NAME_MOST])
        return _form_page(request, seen, failure, form, status=failure.http_status)
    await sessions.end_old(request)
    answer = RedirectResponse(_on_to(next, made["account"]["role"]), 303)
    sessions.seal(answer, made["token"])
    return answer


@router.get(entry_paths.SIGN_OUT)
async def sign_out(request: Request) -> Response:
    """End the session."""
    answer = RedirectResponse(entry_paths.SIGN_IN, 303)
    if request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}:
        await sessions.end(request, answer)
    return answer


@router.get(entry_paths.LOOK)
async def look(lang: str = "", theme: str = "", back: str = HOME) -> Response:
    """Remember language or colours in the browser, and go back."""
    answer = RedirectResponse(safe_path(unquote(back)), 303)
    for name, value, known in ((LANG_COOKIE, lang, LANGUAGES), (THEME_COOKIE, theme, THEMES)):
        if value in known:
            answer.set_cookie(name, value, max_age=YEAR_S, samesite="strict", path="/")
    return answer


def _on_to(wanted: str, role: str) -> str:
    """Where somebody goes on to who has come in."""
    path = safe_path(wanted)
    return _home(role) if path == HOME else path


ZONE: Final = (
    f"<script>document.cookie='{ZONE_COOKIE}='+encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone||'')"
    f"+';path=/;max-age={YEAR_S};samesite=strict'</script>"
)
"""The first page after it shows times already."""


def _onward(seen: Viewer, path: str) -> Response:
    """A page that goes on by itself: a browser that came from elsewhere would not show its new cookie at once."""
    title = _said(seen, "entry.onward")
    body = (
        f'<!doctype html><html lang="{"zh-CN" if seen.lang == "zh" else "en"}"><head><meta charset="utf-8">'
        f'<title>{title} · Moduline</title><meta http-equiv="refresh" content="0;url={html.escape(path, quote=True)}">'
        f'{ZONE}</head><body><a href="{html.escape(path, quote=True)}">{title}</a></body></html>'
    )
    return HTMLResponse(body, headers={"Cache-Control": "no-store"})


def _address(request: Request) -> str:
    """Of the browser, for the delays behind wrong passwords and for the audit log."""
    return request.client.host if request.client else ""


def _browser(request: Request) -> str:
    """What a browser calls itself, for the list of sessions."""
    return request.headers.get("user-agent", "")[:200]


def _sign_in_form(seen: Viewer, next_path: str, name: str = "") -> str:
    where = html.escape(safe_path(next_path), quote=True)
    return (
        f'<form method="post" action="{entry_paths.SIGN_IN}"><input type="hidden" name="next" value="{where}">'
        f'<label>{_said(seen, "entry.name")}<input name="name" autocomplete="username" required '
        f'value="{html.escape(name, quote=True)}" {"" if name else "autofocus"}></label>'
        f'<label>{_said(seen, "entry.password")}<input name="password" type="password" '
        f'autocomplete="current-password" required {"autofocus" if name else ""}></label>'
        f'<button type="submit">{_said(seen, "entry.sign_in")}</button></form>'
    )


def _password_form(seen: Viewer) -> str:
    return (
        f"<p>{_said(seen, 'entry.first_about')}</p>"
        f'<form method="post" action="{entry_paths.FIRST_START}">'
        f'<input type="hidden" name="name" autocomplete="username" value="{html.escape(seen.name, quote=True)}">'
        f'<label>{_said(seen, "entry.new_password")}<input name="password" type="password" minlength="10" '
        'autocomplete="new-password" required autofocus></label>'
        f'<label>{_said(seen, "entry.again")}<input name="again" type="password" autocomplete="new-password" required>'
        f'</label><button type="submit">{_said(seen, "entry.keep")}</button></form>'
        f'<p><a href="{HOME}">{_said(seen, "entry.later")}</a></p>'
    )


def _form_page(
    request: Request,
    seen: Viewer,
    said: str | ModulineError | None,
    form: str,
    *,
    title: str = "entry.title",
    status: int = 200,
) -> Response:
    """A page of one form; with a sentence above it."""
    lang, theme = ("zh-CN" if seen.lang == "zh" else "en"), seen.theme
    notice = ""
    if isinstance(said, ModulineError):
        notice = f"{said.message(seen.lang)} · {said.remedy(seen.lang)} ({said.code})"
    elif said:
        notice = TABLE[said].say(seen.lang)
    shown = f'<p class="m-entry-notice" role="alert">{html.escape(notice)}</p>' if notice else ""
    other = "en" if seen.lang == "zh" else "zh"
    here = request.url.path if request.url.path in {entry_paths.SIGN_IN, entry_paths.FIRST_START} else HOME
    asked = f"?{request.url.query}" if request.method == "GET" and request.url.query and here != HOME else ""
    switch = f"{entry_paths.LOOK}?lang={other}&amp;back={quote(quote(here + asked), safe='')}"
    heading = _said(seen, title)
    body = (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{heading} · Moduline</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="/static/moduline.css?{site().boot}"></head>'
        f'<body class="m-entry m-theme-{theme}"><main><p class="m-brand">Moduline</p><h1>{heading}</h1>{shown}{form}'
        f'<p class="m-muted"><a href="{switch}">{_said(seen, "shell.other_language")}</a></p></main></body></html>'
    )
    headers = {"Cache-Control": "no-store"}
    if isinstance(said, ModulineError) and "retry_s" in said.facts:
        headers["Retry-After"] = str(said.facts["retry_s"])
    return HTMLResponse(body, status, headers=headers)


def _said(seen: Viewer, slug: str) -> str:
    found: Text = TABLE[slug]
    return html.escape(found.say(seen.lang), quote=True)
