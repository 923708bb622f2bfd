"""The controls above the list of devices: what is asked, word by word as it is typed; where a filter is wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from nicegui import ui

from moduline.errors import BadField, ModulineError
from moduline.web.console.device_asked import NO, YES, Asked
from moduline.web.feedback import guarded
from moduline.web.platform_api import api
from moduline.web.texts import t
from moduline.web.viewer import viewer

DEBOUNCE_MS: Final = 50
"""So long typing must pause before the platform is asked."""
EXAMPLES: Final = (
    ("tag", "tag==pilot;version<1.10"),
    ("line", "attr.line.order==A-17;attr.line.station==S*"),
    ("model", "model=in=(EC600U,EC800M)"),
    ("battery", "fact.battery<50,attr.site!=*"),
    ("key", "dk==*0042"),
)


class Search:
    """The controls; each change gives a new ``Asked``.

    Args:
        asked: what is shown at first.
        products: names by number.
        changed: is told what is asked now.
    """

    def __init__(self, asked: Asked, products: dict[int, str], changed: Callable[[Asked], Awaitable[None]]) -> None:
        self.asked = asked
        self._changed = changed
        self._is_told = True
        with ui.element("search").classes("m-card c-search").props(f'aria-label="{t("devices.filter")}"'):
            with ui.element("div").classes("c-fields"):
                self._q = self._line("q", t("devices.search"), asked.q, icon="search")
                of = {0: t("devices.any_product"), **products}
                chosen = asked.product if asked.product in products else 0
                self._product = self._choice("product", of, chosen)
                self._online = self._choice("online", _three("online"), asked.online)
                self._enabled = self._choice("enabled", _three("enabled"), asked.enabled)
                self._version = self._choice("version", _known(asked.version), asked.version, is_open=True)
                self._tag = self._choice("tag", _known(asked.tag), asked.tag, is_open=True)
            with ui.element("div").classes("c-filter"):
                self._filter = self._line("filter", t("devices.filter"), asked.filter, icon="filter_alt")
                self._filter.props["hint"] = t("devices.filter_hint")
                ui.button(t("devices.clear"), icon="backspace", on_click=self.clear).props(
                    'flat dense data-testid="devices-clear"'
                )
            self._wrong = ui.element("div").props('role="alert" data-testid="devices-filter-wrong"')
            self._help()

    async def offer(self) -> None:
        """Fill in which versions and tags there are."""
        found = await api().get("/v1/devices/facets", product=self.asked.product)
        self._is_told = False
        for field, name in ((self._version, "versions"), (self._tag, "tags")):
            value = str(field.value or "")
            options = {one["name"]: f"{one['name']} ({one['count']})" for one in found[name]}
            field.set_options(_known(value) | options, value=value)
        self._is_told = True

    async def clear(self) -> None:
        """Ask for nothing but the product."""
        self._is_told = False
        for field in (self._q, self._filter, self._online, self._enabled, self._version, self._tag):
            field.set_value("")
        self._is_told = True
        await self._tell()

    def complain(self, failure: ModulineError | None) -> None:
        """Say what is wrong with the filter and where; None: nothing is."""
        self._wrong.clear()
        self._filter.props["error"] = failure is not None
        if failure is None:
            return
        at = failure.facts.get("at")
        with self._wrong:
            if isinstance(at, int) and isinstance(failure, BadField):
                with ui.element("p").classes("c-wrong m-mono"):
                    written = self.asked.filter.strip()
                    ui.label(written[:at])
                    ui.label(written[at : at + 1] or "␣").classes("c-mark").props('data-testid="devices-filter-at"')
                    ui.label(written[at + 1 :])
            ui.label(failure.message(viewer().lang)).classes("m-problem")

    def _line(self, name: str, label: str, value: str, *, icon: str) -> ui.input:
        made = ui.input(label, value=value, on_change=guarded(self._tell)).classes("m-field")
        made.props(f'outlined dense clearable debounce={DEBOUNCE_MS} data-testid="devices-{name}" autocomplete=off')
        with made.add_slot("prepend"):
            ui.icon(icon).props("aria-hidden=true")
        return made

    def _choice(self, name: str, options: dict[Any, str], value: Any, *, is_open: bool = False) -> ui.select:
        made = ui.select(
            options, label=t(f"devices.{name}"), value=value, with_input=is_open, on_change=guarded(self._tell)
        )
        return made.props(f'outlined dense options-dense data-testid="devices-{name}"').classes("m-field")

    async def _tell(self) -> None:
        if not self._is_told:
            return
        before = self.asked
        self.asked = replace(
            before,
            q=self._q.value or "",
            product=self._product.value or None,
            online=self._online.value or "",
            enabled=self._enabled.value or "",
            version=self._version.value or "",
            tag=self._tag.value or "",
            filter=self._filter.value or "",
            after=0,
        )
        if self.asked == replace(before, after=0):
            return
        await self._changed(self.asked)
        if self.asked.product != before.product:
            await self.offer()

    def _help(self) -> None:
        with (
            ui.expansion(t("devices.filter_help"), icon="help_outline")
            .classes("c-help")
            .props('dense data-testid="devices-filter-help"')
        ):
            ui.label(t("devices.filter_about")).classes("m-muted")
            with ui.element("ul").classes("c-examples"):
                for slug, written in EXAMPLES:
                    with ui.element("li"):
                        ui.button(written, on_click=lambda written=written: self._filter.set_value(written)).props(
                            "flat dense no-caps"
                        ).classes("m-mono")
                        ui.label(t(f"devices.example.{slug}")).classes("m-muted")


def _three(name: str) -> dict[str, str]:
    return {"": t(f"devices.{name}.any"), YES: t(f"devices.{name}.yes"), NO: t(f"devices.{name}.no")}


def _known(value: str) -> dict[str, str]:
    """Nothing, and what is chosen now."""
    return {"": "—"} | ({value: value} if value else {})
