"""The map of the flash: one button a place, by addresses, as high as it is large."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from nicegui import ui

from moduline.package.flash_map import FREE, PACKAGE, FlashMap, Place
from moduline.web.studio.explorer_words import percent, place_name, role_word
from moduline.web.texts import t
from moduline.web.widgets import size, table

HEIGHT_PX: Final = 640
LEAST_PX: Final = 38
INNER_PX: Final = 30


class MapView:
    """The map on a page.

    Args:
        flash: what is drawn.
        on_choose: called with the place that somebody chose.
        used: share of file systems that is used, by positions of their parts.
    """

    def __init__(self, flash: FlashMap, on_choose: Callable[[Place], Any], used: Mapping[int, float]) -> None:
        self.flash = flash
        self._on_choose = on_choose
        self._used = used
        self._buttons: dict[Place, ui.element] = {}

    def draw(self) -> None:
        """All places, and the same as a table."""
        flash = self.flash
        about = t("explorer.map_about", size=size(flash.size_bytes), address=f"0x{flash.address:08x}")
        if flash.module:
            about += " " + t("explorer.map_module", module=flash.module.upper())
        ui.label(about).classes("m-muted m-small")
        with ui.element("div").classes("ex-legend"):
            for source in ("package", "erased", "profile", "free"):
                with ui.element("span"):
                    ui.element("i").classes(f"ex-key ex-{source}").props('aria-hidden="true"')
                    ui.label(t(f"explorer.source.{source}"))
        with ui.element("ol").classes("ex-map").props('data-testid="explorer-map"'):
            for place in flash.places:
                self._draw_place(place)
        if flash.elsewhere:
            ui.label(t("explorer.elsewhere")).classes("m-strong m-small")
            with ui.element("ol").classes("ex-map"):
                for place in flash.elsewhere:
                    self._draw_place(place)
        with ui.expansion(t("explorer.as_table"), icon="table_rows").props('data-testid="explorer-map-table"'):
            head = [t("explorer.address"), t("explorer.part"), t("explorer.role"), t("explorer.place")]
            head += [t("explorer.room"), t("explorer.content")]
            rows = [
                (
                    f"0x{one.address:08x}", place_name(one), role_word(one.role) if one.role else "-",
                    t(f"explorer.source.{one.source}"), size(one.size_bytes),
                    size(one.used_bytes) if one.used_bytes else "-",
                )
                for one in (*flash.places, *flash.elsewhere)
            ]  # fmt: skip
            table(head, rows, caption=t("explorer.as_table"), numeric=(4, 5))

    def mark(self, chosen: Place | None) -> None:
        """Show which place is chosen."""
        for place, button in self._buttons.items():
            button.props(f'aria-pressed="{"true" if place == chosen else "false"}"')

    def _draw_place(self, place: Place) -> None:
        share = min(1.0, place.size_bytes / max(1, self.flash.size_bytes))
        height = INNER_PX if place.depth else max(LEAST_PX, round(HEIGHT_PX * share))
        said = t(
            "explorer.place_said", source=t(f"explorer.source.{place.source}"), first=f"0x{place.address:08x}",
            last=f"0x{place.end - 1:08x}",
        )  # fmt: skip
        with ui.element("li").classes("ex-row" if not place.depth else "ex-row ex-inner"):
            ui.label(f"{place.address:08x}").classes("ex-address m-mono").props('aria-hidden="true"')
            button = ui.element("button").classes(f"ex-place ex-{place.source}").style(f"min-height: {height}px")
            button.props('type="button" aria-pressed="false" data-testid="explorer-place"')
            button.props(f'data-role="{place.role}" data-source="{place.source}"')
            button.on("click", lambda: self._on_choose(place), args=[])
            self._buttons[place] = button
            with button:
                if place.source == PACKAGE:
                    filled = f"width: {100 * self._share(place):.2f}%"
                    ui.element("span").classes("ex-fill").style(filled).props('aria-hidden="true"')
                with ui.element("span").classes("ex-said"):
                    ui.label(place_name(place)).classes("ex-name")
                    if place.source != FREE and place.name:
                        ui.label(role_word(place.role)).classes("ex-role")
                with ui.element("span").classes("ex-size"):
                    ui.label(size(place.size_bytes))
                    if place.source == PACKAGE:
                        ui.label(t("explorer.used", share=percent(self._share(place)))).classes("ex-role")
                ui.label(said).classes("ex-hidden")

    def _share(self, place: Place) -> float:
        """How much of a place is used: of a file system by its files, else by the content."""
        known = self._used.get(place.part) if place.part is not None else None
        return min(1.0, place.used_bytes / max(1, place.size_bytes) if known is None else known)
