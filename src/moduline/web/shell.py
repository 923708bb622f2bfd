"""The frame of every page: who looks, where they are, what runs, and how to get elsewhere.

::

    ┌ header: Studio | Line | Console ········ jobs · language · colours · account ┐
    ├ nav ┬ main: h1, one sentence, the page                                       │
    └─────┴────────────────────────────────────────────────────────────────────────┘

``@page(path)`` makes a function a page: the viewer is known in it, strangers are sent to sign in, and a role that is
too low is told so. After a restart of the server the browser comes back by itself and the frame says what happened.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from nicegui import Client, app, ui
from nicegui.version import __version__ as nicegui_version

import moduline
from moduline.errors import ModulineError, TokenRefused
from moduline.web import entry_paths, sessions
from moduline.web.places import PLACES, ROOMS, Place, place
from moduline.web.site import site
from moduline.web.texts import t
from moduline.web.viewer import Viewer, seat, viewer
from moduline.web.widgets import empty, time_of_day

CHECK_S: Final = 30.0
"""How often an open page asks whether its session is still accepted."""
BUILD_S: Final = 60.0
LEAVE_S: Final = 3.0
"""So long a browser has to leave a page that is not its own any more."""
STATIC: Final = "/static"

Build = Callable[..., Awaitable[Response | None]]


def page(path: str, *, frame: str = "full") -> Callable[[Build], Build]:
    """Make a function the page of a path of ``places.PLACES``.

    Args:
        path: of the list; parts in braces are arguments of the function.
        frame: ``full``; ``wide`` has no margins and no heading of its own, for what fills a screen.
    """
    where = place(path)

    def make(build: Build) -> Build:
        @functools.wraps(build)
        async def shown(*args: Any, **kwargs: Any) -> Response | None:
            client = ui.context.client
            request = client.request
            try:
                seen = await sessions.viewer_of(request)
            except ModulineError:
                seen = sessions.stranger_of(request)  # the page they are sent to says what is wrong
            if not seen.name:
                asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                return RedirectResponse(f"{entry_paths.SIGN_IN}?next={quote(asked)}", 303)
            seat(seen)
            dress(client, seen, t(f"{where.slug}.title"))
            with _frame(where, request, frame):
                if not seen.may(where.needs):
                    _too_low(where)
                    return None
                try:
                    answer = await build(*args, **kwargs)
                except ModulineError as failure:
                    from moduline.web.feedback import error_card

                    error_card(failure)
                    answer = None
            ui.timer(CHECK_S, functools.partial(_still, seen), once=False)
            return answer

        # FastAPI reads the arguments of a page off its signature, which wraps() leaves readable
        ui.page(path, response_timeout=BUILD_S)(shown)
        return build

    return make


def dress(client: Client, seen: Viewer, title: str) -> None:
    """Style, language and colours of a page, and what its own script needs to know."""
    version = moduline.__version__ if site().options.port == 0 else site().boot
    lang = "zh-CN" if seen.lang == "zh" else "en-US"
    client.title = f"{title} · Moduline"
    texts = {name: t(f"shell.{name}") for name in ("lost", "coming_back", "too_long", "too_long_body", "copied")}
    facts = {"boot": site().boot, "startedAt": site().started_at, "lang": lang, "texts": texts}
    quasar = f"/_nicegui/{nicegui_version}/static/lang/zh-CN.umd.prod.js"
    ui.add_head_html(
        f'<script>document.documentElement.lang="{lang}";window.moduline={_script_safe(facts)}</script>'
        f'<link rel="stylesheet" href="{STATIC}/moduline.css?{version}">'
        f'<script defer src="{STATIC}/moduline.js?{version}"></script>'
    )
    if seen.lang == "zh":
        ui.add_body_html(
            f'<script defer src="{quasar}"></script>'
            "<script>addEventListener('DOMContentLoaded',()=>Quasar.lang.set(Quasar.lang.zhCN))</script>"
        )
    ui.dark_mode({"light": False, "dark": True}.get(seen.theme))
    ui.colors(primary="#0b5cad", positive="#14692e", negative="#a61b1b", warning="#7a4b00", info="#0b5cad")


def style(name: str) -> None:
    """Add a style sheet of ``static/`` to the page, such as ``gang.css``."""
    ui.add_head_html(f'<link rel="stylesheet" href="{STATIC}/{name}?{site().boot}">')


def script(name: str) -> None:
    """Add a script of ``static/`` to the page, such as ``gang.js``."""
    ui.add_body_html(f'<script defer src="{STATIC}/{name}?{site().boot}"></script>')


def _script_safe(facts: object) -> str:
    return re.sub(r"[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", json.dumps(facts))


def _frame(where: Place, request: Request, frame: str) -> ui.element:
    """Header, navigation and the box that the page goes into."""
    ui.html(f'<a class="m-skip" href="#main">{t("shell.skip")}</a>', sanitize=False)
    drawer = None
    places = [one for one in PLACES if one.room == where.room and one.icon]
    if where.room:
        is_full = frame == "full"
        drawer = ui.left_drawer(value=False, fixed=True, bordered=True).classes("m-drawer")
        drawer.props("width=216 breakpoint=900 show-if-above" if is_full else "width=216 overlay")
        with drawer:
            _navigation(where, places)
    _header(where, request, drawer)
    _restarted()
    main = ui.element("div").classes(f"m-main m-main-{frame}").props('id="main" tabindex="-1"')
    if frame == "full":
        with main:
            ui.html(f"<h1>{t(f'{where.slug}.title')}</h1>", sanitize=False)
            ui.label(t(f"{where.slug}.about")).classes("m-about")
    return main


def _navigation(where: Place, places: list[Place]) -> None:
    with ui.element("nav").props(f'aria-label="{t(f"shell.room.{where.room}")}"').classes("m-nav"):
        above = [one for one in places if where.path.startswith(one.path + "/") and not where.icon]
        nearest = max(above, key=lambda one: len(one.path), default=where)
        for one in places:
            is_here = one is nearest
            with ui.element("a").props(f'href="{one.path}"').classes("m-nav-link") as link:
                if is_here:
                    link.props('aria-current="page"')
                ui.icon(one.icon).props("aria-hidden=true")
                ui.label(t(f"{one.slug}.title"))


def _header(where: Place, request: Request, drawer: ui.left_drawer | None) -> None:
    seen = viewer()
    with ui.header(elevated=False, fixed=True).classes("m-header"):
        if drawer is not None:
            ui.button(icon="menu", on_click=drawer.toggle).props(
                f'flat dense class="m-menu" aria-label="{t("shell.menu")}"'
            )
        ui.html('<a class="m-brand" href="/studio">Moduline</a>', sanitize=False)
        with ui.element("nav").props(f'aria-label="{t("shell.seats")}"').classes("m-rooms"):
            for room, icon in ROOMS:
                first = next(one for one in PLACES if one.room == room)
                said = t(f"shell.room.{room}")
                with ui.element("a").props(f'href="{first.path}" aria-label="{said}"').classes("m-room") as link:
                    if room == where.room:
                        link.props('aria-current="true"')
                    ui.icon(icon).props("aria-hidden=true")
                    ui.label(said).classes("m-room-word")
        ui.element("div").classes("m-space")
        if seen.may("operator"):
            _jobs_link()
        here = quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
        other = "en" if seen.lang == "zh" else "zh"
        _link(f"{entry_paths.LOOK}?lang={other}&back={here}", "translate", t("shell.other_language"), "look-lang")
        themes = {"auto": ("dark", "brightness_auto"), "dark": ("light", "dark_mode"), "light": ("auto", "light_mode")}
        next_theme, icon = themes[seen.theme]
        said = t("shell.theme", now=t(f"shell.theme.{seen.theme}"), then=t(f"shell.theme.{next_theme}"))
        _link(f"{entry_paths.LOOK}?theme={next_theme}&back={here}", icon, said, "look-theme")
        with (
            ui.button(icon="account_circle").props(
                f'flat dense class="m-round" aria-label="{t("shell.account", name=seen.name)}" data-testid="account"'
            ),
            ui.menu().props("auto-close"),
        ):
            with ui.element("div").classes("m-menu-head"):
                ui.label(seen.name).classes("m-strong")
                ui.label(t(f"shell.role.{seen.role}")).classes("m-muted")
                if seen.zone:
                    ui.label(t("shell.zone", zone=seen.zone)).classes("m-muted m-small")
            ui.menu_item(t("settings.title"), lambda: ui.navigate.to("/console/settings"))
            ui.menu_item(t("shell.sign_out"), lambda: ui.navigate.to(entry_paths.SIGN_OUT)).props(
                'data-testid="sign-out"'
            )


def _link(href: str, icon: str, said: str, testid: str) -> None:
    with ui.element("a").props(f'href="{href}" data-testid="{testid}"').classes("m-round") as link:
        link.props(f'aria-label="{said}" title="{said}"')
        ui.icon(icon).props("aria-hidden=true")


def _jobs_link() -> None:
    """How many jobs run, live."""
    with ui.element("a").props('href="/jobs" data-testid="jobs-link"').classes("m-jobs-link") as link:
        icon = ui.icon("pending_actions").props("aria-hidden=true")
        word = ui.label().classes("m-jobs-word")
    shown = -1

    def look() -> None:
        nonlocal shown
        count = site().jobs.running()
        if count != shown:
            shown = count
            said = t("shell.jobs_running", count=count) if count else t("shell.jobs")
            word.set_text(said)
            link.props(f'aria-label="{said}"')
            icon.classes(replace="m-turning" if count else "")

    look()
    ui.timer(1.0, look)


def _restarted() -> None:
    """What is said when the browser finds that the server was started again; the script shows it."""
    cut = site().jobs.interrupted
    at = time_of_day(site().started_at)
    with ui.element("div").props('id="m-restarted" role="status" hidden').classes("m-banner"):
        ui.icon("restart_alt").props("aria-hidden=true")
        with ui.element("p"):
            ui.label(t("shell.restarted", at=at))
            if cut:
                ui.html(f'<a href="/jobs">{t("shell.interrupted", count=len(cut))}</a>', sanitize=False)
        ui.html(f'<button class="m-banner-close" aria-label="{t("shell.close")}">✕</button>', sanitize=False)


def _too_low(where: Place) -> None:
    said = t("shell.role_too_low", needed=t(f"shell.role.{where.needs}"), mine=t(f"shell.role.{viewer().role}"))
    empty("lock", said, t("shell.role_hint"))


async def _still(seen: Viewer) -> None:
    """Leave the page when its session is not accepted any more, and take it away from a browser that will not go."""
    client = ui.context.client
    try:
        me = await sessions.check(seen.token)
    except TokenRefused:
        ui.navigate.to(entry_paths.SIGN_IN)
        asyncio.get_running_loop().call_later(LEAVE_S, _take_away, client)
    except ModulineError:
        return  # the platform cannot be asked just now: what the page shows says so by itself
    else:
        if me["role"] != seen.role:
            ui.navigate.reload()
            asyncio.get_running_loop().call_later(LEAVE_S, _take_away, client)


def _take_away(client: Client) -> None:
    """Leave nothing on a page that could be acted on; the page itself goes with its connection."""
    if client.id in Client.instances:
        client.remove_all_elements()


def serve_static() -> None:
    """Serve the folder of style sheets and scripts."""
    from moduline.web.static_folder import FOLDER

    app.add_static_files(STATIC, str(FOLDER), max_cache_age=3600)
