"""The page "Audit": every change by a person or a program, filtered, paged, and as a table for spreadsheets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from nicegui import app, ui
from starlette.requests import Request

from moduline.cloud.edge import PERMISSIONS, ROLES
from moduline.errors import ModulineError
from moduline.web import sessions
from moduline.web.console.cards import card_table
from moduline.web.console.forms import choice, text_field
from moduline.web.console.settings_sessions import browser_of
from moduline.web.feedback import guarded
from moduline.web.platform_api import PlatformApi, api
from moduline.web.shell import page, style
from moduline.web.texts import TABLE, t
from moduline.web.viewer import Viewer, viewer
from moduline.web.widgets import empty, moment, row

PAGE: Final = 50
FAILED: Final = "login.failed"
"""What is noted without anybody's right."""
VERBS: Final = (*PERMISSIONS, FAILED)
KINDS: Final = tuple(dict.fromkeys(verb.partition(".")[0] for verb in VERBS))
PLACES: Final = {"product": "products", "device": "devices", "artifact": "packages", "plan": "plans"}
"""Kinds of objects that have a page, and where."""
WAYS: Final = ("password", "token")
YEARS: Final = range(2000, 3000)
MOST: Final = 120
"""Characters of a value that are shown."""
EXPORT: Final = "/console/audit/export"


@dataclass(slots=True)
class Asked:
    """What is looked for, as the address of the page says it; "" is not asked.

    Args:
        account: who did it.
        verb: what was done.
        kind: of the object.
        name: that the object's name begins with.
        since: first day, ``2026-11-22``.
        until: last day.
    """

    account: str = ""
    verb: str = ""
    kind: str = ""
    name: str = ""
    since: str = ""
    until: str = ""

    def query(self, seen: Viewer) -> dict[str, str | float]:
        """For the operator API; days are those of whoever looks."""
        asked: dict[str, str | float] = {
            name: value for name, value in asdict(self).items() if value and name not in {"since", "until"}
        }
        if self.since:
            asked["since"] = _midnight(self.since, seen)
        if self.until:
            asked["until"] = _midnight(self.until, seen, days=1)
        return asked

    def address(self, path: str) -> str:
        """A path with this question."""
        asked = {name: value for name, value in asdict(self).items() if value}
        return f"{path}?{urlencode(asked)}" if asked else path


@page("/console/audit")
async def audit_page(
    account: str = "", verb: str = "", kind: str = "", name: str = "", since: str = "", until: str = ""
) -> None:
    """Who changed what, and when."""
    style("people.css")
    asked = Asked(account, verb if verb in VERBS else "", kind if kind in KINDS else "", name, _day(since), _day(until))
    accounts = [one["name"] for one in await api().every("/v1/accounts")]
    places = [0]  # where each page so far began
    bar = ui.element("div").classes("m-stack")
    box = ui.element("div").classes("m-stack")
    drawn = 0

    async def draw() -> None:
        nonlocal drawn
        drawn += 1
        mine = drawn
        found = await api().get("/v1/audit", **asked.query(viewer()), newest=True, after=places[-1], limit=PAGE)
        if mine != drawn:
            return  # somebody typed on: another question is under way
        box.clear()
        with box:
            if not found["items"]:
                empty("history", t("audit.none"), t("audit.none_hint"))
            else:
                _table(found["items"])
            _pages(len(found["items"]), len(places) > 1, found["next_after"], turn)
        link.props["href"] = asked.address(EXPORT)
        link.update()

    async def turn(to: int | None) -> None:
        if to is None and len(places) > 1:
            places.pop()
        elif to is not None and to != places[-1]:  # once, however often it is clicked
            places.append(to)
        await draw()

    async def change() -> None:
        del places[1:]
        ui.navigate.history.replace(asked.address("/console/audit"))
        await draw()

    with bar:
        clear = _filters(asked, accounts, change)
        with row():
            ui.button(t("audit.clear"), icon="filter_alt_off", on_click=clear).props(
                'flat dense data-testid="audit-clear"'
            )
            with ui.element("a").classes("m-link-act").props('download data-testid="audit-export"') as link:
                ui.icon("download").props("aria-hidden=true")
                ui.label(t("audit.export"))
            ui.label(t("audit.for_ever")).classes("m-muted")
    await draw()


def _filters(asked: Asked, accounts: list[str], change: Any) -> Callable[[], None]:
    """The fields of what is looked for; gives what empties them."""
    anything = {"": t("audit.any")}
    names = dict.fromkeys([*accounts, *([asked.account] if asked.account else [])])
    with ui.element("div").classes("m-filters").props(f'role="search" aria-label="{t("audit.title")}"'):
        fields = {
            "account": choice(
                t("audit.account"), anything | {one: one for one in names}, asked.account, "audit-account"
            ),
            "verb": choice(t("audit.act"), anything | {one: _said(one) for one in VERBS}, asked.verb, "audit-verb"),
            "kind": choice(
                t("audit.kind"), anything | {one: t(f"audit.kind.{one}") for one in KINDS}, asked.kind, "audit-kind"
            ),
            "name": text_field(t("audit.name"), "audit-name", value=asked.name).props("debounce=400"),
            "since": text_field(t("audit.since"), "audit-since", value=asked.since).props("type=date stack-label"),
            "until": text_field(t("audit.until"), "audit-until", value=asked.until).props("type=date stack-label"),
        }
        for name, field in fields.items():

            async def changed(event: Any, name: str = name) -> None:
                value = event.value or ""
                setattr(asked, name, _day(value) if name in {"since", "until"} else value)
                await change()

            field.on_value_change(guarded(changed))

    def clear() -> None:
        for name, field in fields.items():
            setattr(asked, name, "")
            field.set_value("")

    return clear


def _pages(count: int, has_newer: bool, older: int | None, turn: Any) -> None:
    with row():
        ui.label(t("audit.shown", count=count)).classes("m-muted").props('role="status" data-testid="audit-count"')
        newer = ui.button(t("audit.newer"), icon="chevron_left", on_click=guarded(lambda: turn(None)))
        newer.props('flat dense data-testid="audit-newer"').set_enabled(has_newer)
        next_one = ui.button(t("audit.older"), icon="chevron_right", on_click=guarded(lambda: turn(older)))
        next_one.props('flat dense data-testid="audit-older"').set_enabled(older is not None)


def _table(found: list[dict[str, Any]]) -> None:
    def cells(one: dict[str, Any]) -> tuple[object, ...]:
        def thing() -> None:
            ui.label(t(f"audit.kind.{one['kind']}")).classes("m-muted m-small")
            if one["kind"] in PLACES and not one["verb"].endswith(".delete"):
                ui.link(one["name"], f"/console/{PLACES[one['kind']]}/{one['object_id']}")
            else:
                ui.label(one["name"])

        return (
            moment(one["at"]),
            one["account"],
            _said(one["verb"]),
            thing,
            lambda: _change(one["before"], one["after"]),
        )

    head = [t(f"audit.{name}") for name in ("time", "account", "act", "object", "change")]
    card_table(head, [cells(one) for one in found], caption=t("audit.title"), testid="audit-table")


def _change(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """What was and what is, field by field."""
    if not before and not after:
        return
    with ui.element("dl").classes("m-change"):
        for name in dict.fromkeys([*before, *after]):
            slug = f"audit.field.{name}"
            with ui.element("dt"):
                ui.label(t(slug) if slug in TABLE else name)
            with ui.element("dd"):
                if name in before:
                    ui.label(_value(name, before[name])).classes("m-was").props(f'title="{t("audit.was")}"')
                if name in after:
                    ui.label(_value(name, after[name]))


def _value(name: str, value: object) -> str:
    """A value in words, where a person would say it so."""
    if name == "client":
        return browser_of(str(value))
    if name == "role" and value in ROLES:
        return t(f"shell.role.{value}")
    if name == "by" and value in WAYS:
        return t(f"audit.by.{value}")
    if isinstance(value, bool):
        return t("audit.yes" if value else "audit.no")
    if isinstance(value, float) and (name.endswith("_at") or name == "ended"):
        return moment(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


def _said(verb: str) -> str:
    """A verb in words; a newer platform may know more."""
    slug = f"audit.verb.{verb}"
    return t(slug) if slug in TABLE else verb


def _day(text: str) -> str:
    """A day that somebody typed; "" for anything else."""
    try:
        day = date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return ""
    return day.isoformat() if day.year in YEARS else ""


def _midnight(day: str, seen: Viewer, *, days: int = 0) -> float:
    """When a day begins for whoever looks, UTC seconds."""
    return seen.moment(datetime.combine(date.fromisoformat(day) + timedelta(days), time.min))


@app.get(EXPORT, include_in_schema=False)
async def audit_export(
    request: Request,
    account: str = "",
    verb: str = "",
    kind: str = "",
    name: str = "",
    since: str = "",
    until: str = "",
) -> Response:
    """The whole list that the page shows a part of, as CSV."""
    seen = await sessions.viewer_of(request)
    if not seen.name:
        return PlainTextResponse("", 401)
    asked = Asked(account, verb, kind, name, _day(since), _day(until))
    pieces = PlatformApi(seen.token, seen.lang).fetch("/v1/audit/export", **asked.query(seen), form="csv")
    try:
        first = await anext(pieces, b"")
    except ModulineError as failure:
        return PlainTextResponse(failure.message(seen.lang), failure.http_status)

    async def every() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return StreamingResponse(every(), media_type="text/csv; charset=utf-8", headers=headers)
