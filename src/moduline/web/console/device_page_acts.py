"""What is done to one device: off and on, tags, a token of its own, a verification on it, forgetting it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from moduline.web.console.allowed import act_button
from moduline.web.console.device_acts import tags_of
from moduline.web.console.device_rows import tag_text
from moduline.web.console.forms import show_once
from moduline.web.console.linking import devices_with
from moduline.web.feedback import ask, guarded, told
from moduline.web.platform_api import api
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import row


class DeviceActs:
    """The buttons.

    Args:
        look: shows the device anew.
    """

    def __init__(self, look: Callable[[], Awaitable[None]]) -> None:
        self._look = look
        self._one: dict[str, Any] = {}
        with row():
            self._on = act_button(
                t("device.on"), self._switch_on, needs="operator", testid="device-on", icon="toggle_on"
            )
            self._off = act_button(
                t("device.off"), self._switch_off, needs="operator", testid="device-off", icon="toggle_off"
            )
            self._verify = act_button(
                t("device.verify"), self._go_verify, needs="operator", testid="device-verify", icon="verified"
            )
            act_button(t("device.token"), self._issue, needs="operator", testid="device-token", icon="key")
            act_button(t("device.revoke"), self._revoke, needs="operator", testid="device-revoke", icon="key_off")
            act_button(t("device.delete"), self._delete, needs="operator", testid="device-delete", icon="delete")

    def show(self, one: dict[str, Any]) -> None:
        """Offer what can be done to it now."""
        self._one = one
        self._on.set_visibility(not one["is_enabled"])
        self._off.set_visibility(one["is_enabled"])

    def tags(self, one: dict[str, Any]) -> None:
        """Its tags, each with a way to take it away, and a field for another one."""
        self._one = one
        may = viewer().may("operator")
        with ui.element("div").classes("c-tags"):
            for name, value in one["tags"].items():
                with ui.element("span").classes("c-tag"):
                    ui.label(tag_text(name, value))
                    if may:
                        said = t("device.tag_remove", name=name)
                        ui.button(icon="close", on_click=guarded(lambda name=name: self._tag({name: None}))).props(
                            f'flat dense round aria-label="{said}" title="{said}"'
                        )
        if not one["tags"]:
            ui.label(t("device.no_tags")).classes("m-muted")
        if not may:
            return
        with ui.element("div").classes("c-filter"):
            field = ui.input(t("device.tag_new")).props('outlined dense data-testid="device-tag" autocomplete=off')
            field.classes("m-field")

            async def add() -> None:
                tags = tags_of(field.value or "", "")
                if tags:
                    await self._tag(tags)

            field.on("keydown.enter", guarded(add))
            act_button(t("device.tag_add"), add, needs="operator", testid="device-tag-add", icon="add", look="outline")

    async def _tag(self, tags: dict[str, str | None]) -> None:
        await api().post("/v1/devices/tags", {"devices": [self._one["id"]], "tags": tags})
        await self._look()

    async def _switch_on(self) -> None:
        await api().patch(f"/v1/devices/{self._one['id']}", {"is_enabled": True})
        await self._look()

    async def _switch_off(self) -> None:
        question = t("device.off_ask", dk=self._one["dk"])
        if await ask(question, t("device.off"), about=t("device.off_about"), is_dangerous=True):
            await api().patch(f"/v1/devices/{self._one['id']}", {"is_enabled": False})
            await self._look()

    def _go_verify(self) -> None:
        ui.navigate.to(f"/console/verification?device={self._one['id']}")

    async def _issue(self) -> None:
        about = t("device.token_about")
        if await ask(t("device.token_ask", dk=self._one["dk"]), t("device.token_yes"), about=about):
            made = await api().post(f"/v1/devices/{self._one['id']}/token")
            await show_once(t("device.token"), t("device.token_once"), made["token"])

    async def _revoke(self) -> None:
        question = t("device.revoke_ask", dk=self._one["dk"])
        if await ask(question, t("device.revoke"), is_dangerous=True):
            await api().delete(f"/v1/devices/{self._one['id']}/token")
            told("device.revoked")

    async def _delete(self) -> None:
        question = t("device.delete_ask", dk=self._one["dk"])
        if await ask(question, t("device.delete"), about=t("device.delete_about"), is_dangerous=True):
            await api().delete(f"/v1/devices/{self._one['id']}")
            told("device.deleted", dk=self._one["dk"])
            ui.navigate.to(devices_with(product=self._one["product_id"]))
