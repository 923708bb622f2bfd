"""The page "Package explorer": a file with facts, checks and parts, the map of the flash, what differs from another.

What is looked at stands in the address: ``?file=``, ``&other=`` and ``&part=``. Files are read in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlencode

from nicegui import ui
from starlette.requests import Request

from moduline.errors import ModulineError
from moduline.package.flash_map import Place
from moduline.package.parts import file_name_of
from moduline.web.feedback import error_card, guarded
from moduline.web.file_dialog import choose_file
from moduline.web.shell import page, style
from moduline.web.studio import explorer_compare, explorer_open, explorer_sections
from moduline.web.studio.explorer_files import files_box
from moduline.web.studio.explorer_map import MapView
from moduline.web.studio.explorer_open import Opened
from moduline.web.studio.explorer_words import place_name, printable, role_word
from moduline.web.studio.fota_choices import choose_stock
from moduline.web.studio.fota_wish import Wish
from moduline.web.texts import t
from moduline.web.widgets import chip, empty, facts, icon_button, row, section, size

PATH: Final = "/studio/packages"
ENDINGS: Final = (".pac", ".zip", ".bin", ".img", ".binpkg")


@page("/studio/packages")
async def explorer_page(request: Request) -> None:
    """What a package holds, where it lies in the flash, and what differs from another."""
    style("explorer.css")
    words = request.query_params
    Desk(words.get("file", ""), words.get("other", ""), words.get("part", "")).draw()


class Desk:
    """The page of one viewer.

    Args:
        file: path below the root; "": nothing chosen.
        other: path of what it is compared with; "": nothing.
        part: number of the part that is looked into; "": none.
    """

    def __init__(self, file: str, other: str, part: str) -> None:
        self.file = file
        self.other = other
        self.part = int(part) if part.isascii() and part.isdecimal() and len(part) < 6 else None
        self.opened: Opened | None = None
        self._view: MapView | None = None
        self._turn = 0

    def draw(self) -> None:
        """The choice; what was chosen is read once the browser is there."""
        self._lasting = ui.element("div").props("hidden")
        with ui.element("section").classes("m-card").props('data-testid="explorer-choice"'):
            self._choice = ui.element("div").classes("ex-choice")
        self._body = ui.element("div").classes("m-stack").props('aria-live="polite"')
        self._draw_choice()
        if self.file:
            ui.timer(0.01, self._look, once=True)
        else:
            self._nothing()

    @property
    def address(self) -> str:
        """Of the page as it stands."""
        words = {"file": self.file, "other": self.other, "part": "" if self.part is None else str(self.part)}
        known = {name: value for name, value in words.items() if value}
        return f"{PATH}?{urlencode(known)}" if known else PATH

    def _choose(self, which: str, path: str) -> None:
        setattr(self, which, path)
        self.part = None
        ui.navigate.history.replace(self.address)
        self._draw_choice()
        with self._lasting:  # what is redrawn takes its timers with it
            ui.timer(0.01, self._look, once=True)

    def _draw_choice(self) -> None:
        self._choice.clear()
        with self._choice:
            self._slot("file", self.file, t("explorer.file"), t("explorer.nothing"))
            self._slot("other", self.other, t("explorer.other"), t("explorer.nothing_other"))

    def _slot(self, which: str, path: str, title: str, unset: str) -> None:
        async def choose() -> None:
            found = await choose_file(ENDINGS, str(PurePosixPath(path).parent).removeprefix(".") if path else "")
            if found is not None:
                self._choose(which, found)

        async def stock() -> None:
            found = await choose_stock()
            if found is not None:
                self._choose(which, found)

        with ui.element("div").classes("ex-slot").props(f'data-testid="explorer-{which}"'):
            ui.label(title).classes("m-strong")
            ui.label(printable(path) or unset).classes("m-mono m-grow" if path else "m-muted m-grow")
            with row():
                acts: tuple[tuple[str, str, Callable[[], Any], str], ...] = (
                    ("folder_open", t("explorer.choose"), choose, "choose"),
                    ("memory", t("explorer.stock"), stock, "stock"),
                )
                for icon, word, act, name in acts:
                    ui.button(word, icon=icon, on_click=guarded(act)).props(
                        f'outline no-caps aria-label="{title}: {word}" data-testid="explorer-{which}-{name}"'
                    )
                if which == "other" and path:
                    icon_button(
                        "close", t("explorer.clear"), lambda: self._choose("other", ""), testid="explorer-other-clear"
                    )

    def _nothing(self) -> None:
        with self._body:
            empty("view_in_ar", t("explorer.nothing"), t("explorer.nothing_hint"))

    async def _look(self) -> None:
        """Read what is chosen; of two looks only the later one shows."""
        self._turn += 1
        turn = self._turn
        self._body.clear()
        if not self.file:
            self._nothing()
            return
        with self._body, row():
            chip("busy", t("explorer.reading"))
            ui.label(PurePosixPath(self.file).name).classes("m-grow")
        try:
            opened = await asyncio.to_thread(explorer_open.open_file, self.file)
            other = await asyncio.to_thread(explorer_open.open_file, self.other) if self.other else None
            compared = await asyncio.to_thread(explorer_compare.compare, other, opened) if other is not None else None
        except ModulineError as failure:
            if turn == self._turn:
                self._body.clear()
                with self._body:
                    error_card(failure)
            return
        if turn != self._turn:
            return
        self.opened = opened
        self._body.clear()
        with self._body:
            if compared is not None:
                explorer_compare.differences(compared)
            elif other is not None:
                ui.label(t("explorer.no_packages")).classes("m-strong")
            self._draw(opened)

    # ---- one file

    def _draw(self, opened: Opened) -> None:
        explorer_sections.draw_facts(opened, Wish(old=self.other, new=self.file) if self.other else Wish(old=self.file))
        if opened.patch is not None:
            explorer_sections.draw_patch(opened.patch)
            return
        if opened.package is not None:
            explorer_sections.draw_findings(opened.findings)
        with ui.element("div").classes("ex-two"):
            if opened.map is not None:
                with section(t("explorer.map")):
                    self._view = MapView(opened.map, self._choose_place, opened.used)
                    self._view.draw()
            with ui.element("div").classes("ex-beside"), section(t("explorer.part")) as card:
                card.props('data-testid="explorer-part"')
                self._detail = ui.element("div").classes("m-stack")
        explorer_sections.draw_parts(opened, self._choose_part)
        if opened.map is None and self.part is None:
            self.part = 0
        self._show_part(self.part)

    def _choose_place(self, place: Place) -> None:
        if place.part is None:
            self._show_place(place)
            return
        self._choose_part(place.part)

    def _choose_part(self, at: int) -> None:
        self.part = at
        ui.navigate.history.replace(self.address)
        self._show_part(at)

    def _place_of(self, at: int | None) -> Place | None:
        flash = self.opened.map if self.opened is not None else None
        places = (*flash.places, *flash.elsewhere) if flash is not None else ()
        return next((one for one in places if one.part == at), None) if at is not None else None

    def _show_part(self, at: int | None) -> None:
        assert self.opened is not None
        self._detail.clear()
        place = self._place_of(at)
        if self._view is not None:
            self._view.mark(place)
        with self._detail:
            if at is None or at >= len(self.opened.parts):
                ui.label(t("explorer.pick")).classes("m-muted")
                return
            part = self.opened.parts[at]
            explorer_sections.draw_part_facts(part, place)
            if part.data:
                name = file_name_of(at + 1, part)
                with row():
                    ui.button(
                        t("explorer.save", what=printable(part.name)), icon="download",
                        on_click=lambda: ui.download.content(part.data, name),
                    ).props('outline no-caps data-testid="explorer-save-part"')  # fmt: skip
            found = self.opened.files.get(at)
            if found is not None:
                files_box(found)

    def _show_place(self, place: Place) -> None:
        self._detail.clear()
        if self._view is not None:
            self._view.mark(place)
        with self._detail:
            ui.label(place_name(place)).classes("m-strong ex-title")
            rows = [(t("explorer.place"), t(f"explorer.source.{place.source}"))]
            if place.role:
                rows.append((t("explorer.role"), role_word(place.role)))
            rows.append((t("explorer.address"), f"0x{place.address:08x} - 0x{place.end - 1:08x}"))
            rows.append((t("explorer.room"), f"{size(place.size_bytes)} (0x{place.size_bytes:x})"))
            if place.mount:
                rows.append((t("explorer.mount"), place.mount))
            facts(rows)
            ui.label(t("explorer.no_content")).classes("m-muted")
            if place.is_inferred:
                ui.label(t("explorer.inferred")).classes("m-muted")
