"""One device: what it is, why it waits, all its upgrades with their logs; live while it is looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import segno
from nicegui import ui

from moduline.cloud.devices.device import MODULE
from moduline.cloud.devices.service import UNIT
from moduline.web.console.device_page_acts import DeviceActs
from moduline.web.console.device_rows import state_of
from moduline.web.console.device_upgrades import Upgrades
from moduline.web.console.linking import devices_with
from moduline.web.console.live import Event, follow
from moduline.web.console.plan_words import both, plan_chip
from moduline.web.feedback import guarded
from moduline.web.platform_api import api
from moduline.web.shell import page, style
from moduline.web.texts import TABLE, t
from moduline.web.widgets import chip, copy_button, empty, facts, moment, row, section, table

LOOK_S: Final = 3.0
"""So long an open page waits at most before it looks again; whether a device is online is no event."""
EVENTS: Final = 1000
"""The newest events that are looked through."""
QR_BORDER: Final = 0


@page("/console/devices/{device}")
async def device_page(device: int) -> None:
    """One device: its versions, its upgrades, its log."""
    style("console.css")
    shown = _Page(device)
    await shown.look()
    follow(shown.look, lambda event: _names(event, device), slow_s=LOOK_S)


def _names(event: Event, device: int) -> bool:
    data = event.get("data", event)
    return isinstance(data, dict) and data.get("device_id") == device


class _Page:
    """The page; each part is drawn anew when what it shows has changed.

    Args:
        device: number of the device.
    """

    def __init__(self, device: int) -> None:
        self._device = device
        self._known: dict[str, Any] = {}
        self._product: dict[str, Any] = {}
        self._head = ui.element("div").classes("m-card")
        with ui.element("div").classes("m-two"):
            with ui.element("div").classes("m-stack c-stack"):
                with section(t("device.waits")).props('data-testid="device-waits"'):
                    self._waits = ui.element("div").classes("m-stack").props('role="status"')
                with section(t("device.versions")):
                    self._versions = ui.element("div").props('data-testid="device-versions"')
                with section(t("device.facts")):
                    self._told = ui.element("div").classes("m-stack")
            with ui.element("div").classes("m-stack c-stack"):
                with section(t("device.acts")):
                    self._acts = DeviceActs(self.look)
                with section(t("device.tags")):
                    self._tags = ui.element("div").classes("m-stack").props('data-testid="device-tags"')
        with section(t("device.upgrades")).props('data-testid="device-upgrades"'):
            self._upgrades = Upgrades(device)
        with ui.expansion(t("device.raw"), icon="data_object").classes("m-card c-help") as raw:
            raw.props('data-testid="device-raw"')
            ui.label(t("device.raw_about")).classes("m-muted")
            self._raw = ui.element("pre").classes("c-raw").props(f'tabindex="0" aria-label="{t("device.raw")}"')
        raw.on_value_change(guarded(self._show_raw))
        self._is_raw = raw

    async def look(self) -> None:
        """Ask for everything, and draw what has changed."""
        one = await api().get(f"/v1/devices/{self._device}")
        if not self._product:
            self._product = await api().get(f"/v1/products/{one['product_id']}")
        upgrades = await api().get(f"/v1/devices/{self._device}/upgrades")
        names = ("is_enabled", "is_online", "connected_at", "last_seen", "cell")
        self._draw("head", {name: one[name] for name in names}, self._head, lambda: self._show_head(one))
        self._draw("waits", upgrades["items"], self._waits, lambda: _waits(upgrades["items"]))
        self._draw("versions", one["versions"], self._versions, lambda: _versions(one["versions"]))
        self._draw("told", (one["facts"], one["facts_at"]), self._told, lambda: _told(one))
        self._draw("tags", one["tags"], self._tags, lambda: self._acts.tags(one))
        self._acts.show(one)
        await self._upgrades.show(upgrades)

    def _draw(self, name: str, shown: Any, place: ui.element, draw: Callable[[], None]) -> None:
        if name in self._known and self._known[name] == shown:
            return
        self._known[name] = shown
        place.clear()
        with place:
            draw()

    def _show_head(self, one: dict[str, Any]) -> None:
        kind, icon, word = state_of(one)
        since = one["connected_at"] if one["is_online"] else one["last_seen"]
        slug = "device.since" if one["is_online"] else "device.last"
        with row("c-links"):
            ui.link(t("device.all"), devices_with(product=one["product_id"]))
        with ui.element("div").classes("c-head"):
            _qr(one["dk"])
            with ui.element("div").classes("m-stack m-grow"):
                with ui.element("div").classes("m-row"):
                    ui.html(f'<h2 class="c-name m-mono">{one["dk"]}</h2>', sanitize=False)
                    copy_button(one["dk"], t("device.copy"))
                with row().props('role="status" data-testid="device-state"'):
                    chip(kind, word, icon=icon)
                    ui.label(t(slug, at=moment(since)) if since else t("device.never")).classes("m-muted")
                unit = one["tags"].get(UNIT)
                known = [
                    (t("device.product"), self._product["name"]),
                    *([("SN", unit)] if unit else []),
                    (t("device.origin"), t(f"device.origin.{one['origin']}")),
                    *([(t("device.cell"), one["cell"])] if one["cell"] else []),
                    (t("device.created"), moment(one["created_at"])),
                ]
                facts(known)

    async def _show_raw(self) -> None:
        """The device and the events that name it; asked for when somebody opens it."""
        if not self._is_raw.value:
            return
        one = await api().get(f"/v1/devices/{self._device}")
        last = (await api().get("/v1/events", limit=1))["last"]
        newest = await api().get("/v1/events", after=max(0, (last or 0) - EVENTS), limit=EVENTS)
        events = [event for event in newest["items"] if _names(event, self._device)]
        said = json.dumps({"device": one, "events": events}, ensure_ascii=False, indent=1)
        self._raw.clear()
        with self._raw:
            ui.label(said)


def _qr(dk: str) -> None:
    """Its key as a picture that a phone reads; black on white in the dark, too."""
    drawn = segno.make(dk, error="m", micro=False).svg_inline(border=QR_BORDER, omitsize=True)
    said = t("device.qr", dk=dk)
    ui.html(drawn, sanitize=False).classes("c-qr").props(f'role="img" aria-label="{said}" data-testid="device-qr"')


def _waits(upgrades: list[dict[str, Any]]) -> None:
    """The one list of reasons, for every plan that still wants the device."""
    open_ones = [
        one for one in upgrades if one["phase"] != "final" and one["plan_state"] not in {"ended", "terminated"}
    ]
    if not open_ones:
        with row():
            chip("good", t("device.waits_nothing"))
    for one in open_ones:
        with row():
            ui.link(t("device.waits_plan", plan=one["plan_name"]), f"/console/plans/{one['plan']}")
            plan_chip(one["plan_state"])
        with row():
            ui.icon("hourglass_top").props("aria-hidden=true")
            said = both(one["reason"]) or t("device.waits_soon")
            ui.label(said).classes("m-strong m-grow").props('data-testid="device-reason"')


def _versions(parts: list[dict[str, Any]]) -> None:
    if not parts:
        empty("memory", t("device.no_versions"), t("device.no_versions_hint"))
        return
    table(
        (t("device.component"), t("device.version")),
        [
            (
                t("device.module") if one["type"] == MODULE else one["component"],
                lambda one=one: ui.label(one["version"]).classes("m-mono"),
            )
            for one in parts
        ],
        caption=t("device.versions"),
    )


def _told(one: dict[str, Any]) -> None:
    if not one["facts"]:
        ui.label(t("device.no_facts")).classes("m-muted")
        return
    facts([(_fact_name(name), value) for name, value in sorted(one["facts"].items())])
    ui.label(t("device.facts_at", at=moment(one["facts_at"] or 0))).classes("m-muted m-small")


def _fact_name(name: str) -> str:
    slug = f"device.fact.{name}"
    return t(slug) if slug in TABLE else name
