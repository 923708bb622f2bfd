"""The devices: 100,000 of them and more, by a search, by filters, page by page; what is done to many at once.

::

    a key is pressed ─50 ms of quiet─▶ Asked ─▶ one question to the platform ─▶ rows and count ─▶ address of the page

What is asked stands in the address, so a page can be kept, sent to somebody, and read again after a restart.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from nicegui import ui

from moduline.errors import BadField, ModulineError
from moduline.web.console.allowed import act_button
from moduline.web.console.device_acts import Acts
from moduline.web.console.device_asked import Asked
from moduline.web.console.device_import import import_devices
from moduline.web.console.device_rows import device_row, device_table
from moduline.web.console.device_search import Search
from moduline.web.console.forms import Form, choice, text_field
from moduline.web.feedback import guarded, show_error, told
from moduline.web.platform_api import api
from moduline.web.shell import page, style
from moduline.web.texts import t
from moduline.web.widgets import empty, row

SHOWN: Final = 50
"""Devices of a page."""
LOOK_S: Final = 5.0
"""How often an open page looks who is online."""


@page("/console/devices")
async def devices_page() -> None:
    """Every device that belongs to you."""
    style("console.css")
    asked = Asked.of_query(ui.context.client.request.query_params)
    products = {one["id"]: one["name"] for one in await api().every("/v1/products")}
    shown = _Devices(asked, products)
    await shown.look()
    ui.timer(0.1, guarded(shown.search.offer), once=True)
    ui.timer(LOOK_S, shown.look_again)


class _Devices:
    """The page.

    Args:
        asked: what is shown at first.
        products: names by number.
    """

    def __init__(self, asked: Asked, products: dict[int, str]) -> None:
        self.asked = asked
        self._products = products
        self._before: list[int] = []
        self._items: list[dict[str, Any]] = []
        self._count: int | None = None
        self._next: int | None = None
        self._turn = 0
        with row():
            for slug, icon, act, look in (
                ("add", "add", self._add, "unelevated"),
                ("import", "upload_file", self._import, "outline"),
            ):
                needs = "operator"
                act_button(t(f"devices.{slug}"), act, needs=needs, testid=f"devices-{slug}", icon=icon, look=look)
        self.search = Search(asked, products, self._asked_anew)
        with row("c-over"):
            self._said = ui.label().classes("m-strong").props('role="status" data-testid="devices-count"')
            self._place = ui.label().classes("m-muted")
            ui.element("div").classes("m-space")
            self.acts = Acts(lambda: (self.asked, self._count or 0, self._chosen()), self.look)
        self.table = device_table()
        self.table.on_select(self.acts.refresh)
        self._nothing = ui.element("div")
        with ui.element("nav").classes("m-row c-pages").props(f'aria-label="{t("devices.title")}"'):
            self._buttons = {
                name: ui.button(t(f"devices.{name}"), icon=icon, on_click=guarded(act)).props(
                    f'flat dense data-testid="devices-page-{name}"'
                )
                for name, icon, act in (
                    ("first", "first_page", self._first),
                    ("back", "chevron_left", self._back),
                    ("next", "chevron_right", self._forward),
                )
            }

    def _chosen(self) -> list[int]:
        return [one["id"] for one in self.table.selected]

    async def _asked_anew(self, asked: Asked) -> None:
        self.asked, self._before = asked, []
        self.table.selected = []
        await self.look()

    async def look(self) -> None:
        """Ask, and show what there is; the answer to an older question is not shown any more.

        Rows come first: the first fifty are found long before the last of 100,000 is counted.
        """
        self._turn += 1
        turn, asked = self._turn, self.asked
        try:
            found = await api().get("/v1/devices", **asked.query(), after=asked.after, limit=SHOWN)
        except BadField as wrong:
            if turn == self._turn:
                self.search.complain(wrong)
            return
        if turn != self._turn:
            return
        self.search.complain(None)
        is_whole = found["next_after"] is None and not asked.after
        self._show(found | {"count": len(found["items"]) if is_whole else None}, asked)
        ui.navigate.history.replace(asked.address)
        if not is_whole:
            counted = await api().get("/v1/devices/count", **asked.query())
            if turn == self._turn:
                self._show(found | counted, asked)

    async def look_again(self) -> None:
        """See who came and went; nothing is sent to the browser when nothing changed."""
        turn, asked = self._turn, self.asked
        try:
            found = await api().get("/v1/devices", **asked.query(), after=asked.after, limit=SHOWN, counted=True)
        except ModulineError:
            return  # what is shown stays; the frame says when the server is away
        if turn == self._turn:
            self._show(found, asked)

    def _show(self, found: dict[str, Any], asked: Asked) -> None:
        if found["items"] != self._items or found["count"] != self._count:
            self._items, self._count = found["items"], found["count"]
            self.table.rows = [device_row(one, self._products) for one in self._items]
            self._say(asked)
        self._next = found["next_after"]
        self._buttons["first"].set_visibility(bool(asked.after))
        self._buttons["back"].set_visibility(bool(self._before))
        self._buttons["next"].set_visibility(self._next is not None)
        self.acts.refresh()

    def _say(self, asked: Asked) -> None:
        here = len(self._items)
        if self._count is None:
            self._said.set_text(t("devices.counting"))
        else:
            one = self._count == 1
            self._said.set_text(t("devices.count_one") if one else t("devices.count", count=f"{self._count:,}"))
        first = len(self._before) * SHOWN + 1
        is_known = bool(here) and (not asked.after or bool(self._before))
        said = t("devices.shown", first=f"{first:,}", last=f"{first + here - 1:,}") if is_known else ""
        self._place.set_text(said or (t("devices.shown_after", count=here) if here else ""))
        self.table.set_visibility(bool(here))
        self._nothing.clear()
        if not here:
            with self._nothing:
                slug = "none_match" if asked.is_narrow or asked.product or asked.after else "none"
                empty("sensors_off", t(f"devices.{slug}"), t(f"devices.{slug}_hint"))

    async def _forward(self) -> None:
        if self._next is not None:
            self._before.append(self.asked.after)
            await self._turn_to(self._next)

    async def _back(self) -> None:
        if self._before:
            await self._turn_to(self._before.pop())

    async def _first(self) -> None:
        self._before = []
        await self._turn_to(0)

    async def _turn_to(self, after: int) -> None:
        self.asked = replace(self.asked, after=after)
        self.search.asked = self.asked
        self.table.selected = []
        await self.look()

    async def _add(self) -> None:
        if not self._products:
            ui.navigate.to("/console/products")
            return
        form = Form(t("devices.add"), t("devices.add"), about=t("devices.add_about"))
        with form:
            first = self.asked.product or next(iter(self._products))
            product = choice(t("devices.product"), self._products, first, "devices-add-product")
            key = text_field(t("devices.key"), "devices-add-key", is_first=True)

        async def act() -> Any:
            return await api().post("/v1/devices", {"product": product.value, "dk": (key.value or "").strip()})

        made = await form.run(act)
        if made:
            told("devices.added", dk=made["dk"])
            await self.look()

    async def _import(self) -> None:
        try:
            if self._products and await import_devices(self._products, self.asked.product):
                await self.look()
        except ModulineError as failure:
            show_error(failure)
