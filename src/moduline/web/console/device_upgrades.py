"""The upgrades of one device: each with its components and, when somebody opens it, its log as it grows."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from moduline.web.console.plan_words import both, component_kind, component_word, status_chip
from moduline.web.feedback import guarded
from moduline.web.platform_api import api
from moduline.web.texts import t
from moduline.web.widgets import chip, empty, moment, row


class Upgrades:
    """The list, newest first; stays as it was opened while it changes.

    Args:
        device: number of the device.
    """

    def __init__(self, device: int) -> None:
        self._device = device
        self._known: list[dict[str, Any]] | None = None
        self._cards: dict[int, _Upgrade] = {}
        self._order: list[int] = []
        self._box = ui.element("div").classes("m-stack")
        self._more = ui.button(t("device.older"), on_click=guarded(self._older)).props("flat dense")
        self._after: int | None = None
        self._is_extended = False

    async def show(self, page: dict[str, Any]) -> None:
        """Show the newest ones."""
        if not self._is_extended:
            self._after = page["next_after"]
        self._more.set_visibility(self._after is not None)
        found = page["items"]
        if self._known is None or [one["id"] for one in found] != self._order:
            self._order = [one["id"] for one in found]
            self._box.clear()
            self._cards, self._is_extended, self._after = {}, False, page["next_after"]
            with self._box:
                if not found:
                    empty("history", t("device.upgrades_none"), t("device.upgrades_hint"))
                for at, one in enumerate(found):
                    self._cards[one["id"]] = _Upgrade(one, is_open=at == 0)
        self._known = found
        for one in found:
            await self._cards[one["id"]].look(one)

    async def _older(self) -> None:
        page = await api().get(f"/v1/devices/{self._device}/upgrades", after=self._after)
        self._after, self._is_extended = page["next_after"], True
        self._more.set_visibility(self._after is not None)
        with self._box:
            for one in page["items"]:
                self._cards[one["id"]] = _Upgrade(one, is_open=False)
                await self._cards[one["id"]].look(one)


class _Upgrade:
    """One upgrade.

    Args:
        one: as the API gives it.
        is_open: whether its log is shown at first.
    """

    def __init__(self, one: dict[str, Any], *, is_open: bool) -> None:
        self._number = one["id"]
        self._shown: dict[str, Any] | None = None
        self._last = 0
        with ui.element("article").classes("c-upgrade").props(f'data-upgrade="{one["id"]}"'):
            self._head = ui.element("div").classes("m-stack")
            self._log = ui.expansion(t("device.log"), icon="subject", value=is_open).props("dense").classes("c-help")
            with self._log:
                self._none = ui.label(t("device.log_none")).classes("m-muted")
                self._lines = ui.element("ol").classes("c-log").props('data-testid="device-log"')
        self._log.on_value_change(guarded(self._read))

    async def look(self, one: dict[str, Any]) -> None:
        """Show how far it is now."""
        if one != self._shown:
            self._shown = one
            self._head.clear()
            with self._head:
                _head(one)
        await self._read()

    async def _read(self) -> None:
        """The lines of the log that are new, if it is open."""
        if not self._log.value:
            return
        after: int | None = self._last
        while after is not None:
            page = await api().get(f"/v1/upgrades/{self._number}/log", after=after)
            with self._lines:
                for line in page["items"]:
                    _line(line)
                    self._last = line["id"]
            after = page["next_after"]
        self._none.set_visibility(self._last == 0)


def _head(one: dict[str, Any]) -> None:
    with row():
        ui.html(f"<h3>{_plain(one['plan_name'])}</h3>", sanitize=False)
        if one["is_verification"]:
            chip("info", t("device.verification"), icon="verified")
        else:
            ui.link(t("device.waits_plan", plan=one["plan_name"]), f"/console/plans/{one['plan']}").classes("m-small")
        status_chip(one["status_name"])
        if one["attempt"] > 1:
            ui.label(t("device.attempt", number=one["attempt"])).classes("m-muted")
        if one["begun_at"]:
            ui.label(moment(one["begun_at"])).classes("m-muted")
    if one["reason"]:
        ui.label(both(one["reason"]))
    for part in one["components"]:
        with row("m-small"):
            ui.label(part["component"] or t("device.module")).classes("m-strong")
            ui.label(f"{part['source'] or '?'} → {part['target']}").classes("m-mono")
            chip(component_kind(part["status"]), component_word(part["status"]))


def _line(line: dict[str, Any]) -> None:
    with ui.element("li"):
        ui.label(moment(line["at"])).classes("m-muted")
        ui.label(t(f"device.source.{line['source']}")).classes("m-muted")
        said = [both(line["text"]), line["message"]]
        if line["code"] is not None:
            said.append(f"({t('device.code', code=line['code'])})")
        ui.label(" ".join(one for one in said if one)).classes("m-grow")


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
