"""The page "Virtual rack": a card per module, and one of them in all detail.

``/studio/rack`` shows all, ``/studio/rack?module=RACK/NAME`` one. What is shown is asked from the racks, about once a
second while somebody looks; nothing of it is kept here.
"""

from __future__ import annotations

from collections import Counter
from typing import Final
from urllib.parse import quote

from nicegui import ui

from moduline.errors import ModulineError
from moduline.vmodule.rack_words import STATES
from moduline.web.feedback import error_card, guarded
from moduline.web.shell import page, style
from moduline.web.studio import rack_module
from moduline.web.studio.rack_bring_up import bring_up_bar
from moduline.web.studio.rack_card import Card
from moduline.web.studio.rack_detail import detail
from moduline.web.studio.rack_module import Shown, said
from moduline.web.texts import t
from moduline.web.widgets import empty, grid, row

LOOK_S: Final = 1.0


@page("/studio/rack")
async def rack_page(module: str = "") -> None:
    """Virtual modules: power, faults, and their flash at work."""
    style("rack.css")
    if module:
        await detail(module)
    else:
        await _all()


async def _all() -> None:
    """A card for each module."""
    view = _Modules()
    bring_up_bar(lambda: view.modules, view.look)
    view.build()
    await view.look()
    ui.timer(LOOK_S, view.look, immediate=False)


class _Modules:
    """The cards, kept up to date."""

    def __init__(self) -> None:
        self.modules: list[Shown] = []
        self._cards: dict[str, Card] = {}
        self._keys: list[str] | None = None
        self._summary: ui.label
        self._dead: ui.label
        self._trouble: ui.element
        self._box: ui.element
        self._failed = ""

    def build(self) -> None:
        """Draw what stands around the cards."""
        with row():
            self._summary = ui.label().props('role="status" data-testid="rack-summary"').classes("m-strong")
        self._dead = ui.label().classes("m-problem")
        self._trouble = ui.element("div")
        self._box = ui.element("div")

    @guarded
    async def look(self) -> None:
        """Show what is so now."""
        try:
            self.modules, dead = await rack_module.look()
        except ModulineError as failure:
            if self._failed != failure.code:
                self._failed = failure.code
                self._trouble.clear()
                with self._trouble:
                    error_card(failure)
            return
        if self._failed:
            self._failed = ""
            self._trouble.clear()
        self._dead.set_text(t("rack.dead", racks=", ".join(dead)) if dead else self._dead.text)
        self._dead.set_visibility(bool(self._dead.text))
        self._summary.set_text(_summary(self.modules))
        keys = [one.key for one in self.modules]
        if keys != self._keys:
            self._keys = keys
            self._draw()
        for one in self.modules:
            self._cards[one.key].update(one)

    def _draw(self) -> None:
        self._box.clear()
        self._cards = {}
        with self._box:
            if not self.modules:
                empty("developer_board_off", t("rack.none"), t("rack.none_hint"))
                return
            with grid("m-rack-grid"):
                for one in self.modules:
                    self._cards[one.key] = Card(one, self.look, f"/studio/rack?module={quote(one.key)}")


def _summary(modules: list[Shown]) -> str:
    """How many there are, in which states."""
    if not modules:
        return ""
    states = Counter(one.state for one in modules)
    told = [t("rack.count_state", count=states[state], state=said(STATES[state])) for state in STATES if states[state]]
    return t("rack.count", count=len(modules), states=t("rack.comma").join(told))
