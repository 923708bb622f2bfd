"""What goes wrong in a module: what is on, each with an end to it, and the menu of everything that can."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from nicegui import ui

from moduline.profiles import catalog
from moduline.vmodule.faults.menu import GROUPS, MENU, Blank, FaultKind, kind_of
from moduline.vmodule.world.radio_plan import REGISTRATIONS as KINDS
from moduline.web.feedback import guarded, told
from moduline.web.studio.rack_module import Shown, said
from moduline.web.texts import t
from moduline.web.widgets import icon_button, section

ROLES: Final = ("at", "repl", "download", "uart2")


class FaultsView:
    """The list and the menu.

    Args:
        shown: the module.
        refresh: called after a change.
    """

    def __init__(self, shown: Shown, refresh: Callable[[], Awaitable[Any]]) -> None:
        self._shown = shown
        self._refresh = refresh
        self._seen: list[str] | None = None
        self._given: dict[str, Any] = {}
        with section(t("rack.faults"), about=t("rack.faults_about")) as card:
            card.props('data-testid="faults"')
            self._on = ui.element("div").classes("m-stack").props('data-testid="faults-on"')
            options = {
                one.slug: f"{said(GROUPS[one.group])} · {said(one.label)}" for one in MENU if one.slug != "clear"
            }
            self._choice = ui.select(
                options, value=MENU[0].slug, label=t("rack.fault"), on_change=self._chosen, with_input=True
            ).props('outlined dense data-testid="fault-kind"')
            self._about = ui.label()
            self._blanks = ui.element("div").classes("m-rack-blanks")
            self._word = ui.label().classes("m-mono m-small m-muted").props('data-testid="fault-word"')
            with ui.element("div").classes("m-row"):
                ui.button(t("rack.fault_add"), icon="bug_report", on_click=guarded(self._add)).props(
                    'unelevated data-testid="fault-add"'
                )
                self._clear = ui.button(t("rack.fault_clear"), icon="healing", on_click=guarded(self._end_all)).props(
                    'outline data-testid="fault-clear"'
                )
        self._chosen()

    def update(self, shown: Shown) -> None:
        """Show what is on now."""
        self._shown = shown
        if shown.faults == self._seen:
            return
        self._seen = shown.faults
        self._clear.set_enabled(bool(shown.faults) or not shown.is_plugged)
        self._on.clear()
        with self._on:
            if not shown.faults:
                ui.label(t("rack.faults_none")).classes("m-muted")
            for word in shown.faults:
                with ui.element("div").classes("m-row m-rack-fault"):
                    ui.label(word).classes("m-mono m-grow")
                    icon_button(
                        "close",
                        t("rack.fault_end", word=word),
                        guarded(lambda word=word: self._end(word)),
                        testid=f"fault-end-{word}",
                    )

    def _kind(self) -> FaultKind:
        return kind_of(str(self._choice.value or MENU[0].slug))

    def _chosen(self) -> None:
        kind = self._kind()
        self._about.set_text(said(kind.explanation))
        self._blanks.clear()
        self._given = {}
        with self._blanks:
            for blank in kind.blanks:
                self._given[blank.name] = self._field(blank)
        self._blanks.set_visibility(bool(kind.blanks))
        self._say_word()

    def _field(self, blank: Blank) -> Any:
        if blank.kind in {"integer", "number"}:
            made: Any = ui.number(
                said(blank.label),
                value=float(blank.default),
                min=blank.least,
                max=blank.most,
                precision=0 if blank.kind == "integer" else 1,
                on_change=self._say_word,
            )
        else:
            choices = self._choices(blank)
            first = blank.default if blank.default in choices else next(iter(choices))
            made = ui.select(choices, value=first, label=said(blank.label), on_change=self._say_word)
        return made.props(f'outlined dense data-testid="fault-{blank.name}"')

    def _choices(self, blank: Blank) -> dict[str, str]:
        if blank.kind == "registration":
            return {kind: t(f"rack.registration.{kind}") for kind in KINDS}
        if blank.kind == "role":
            return {role: role for role in ROLES}
        parts = catalog.module(str(self._shown.facts["module"])).partitions
        return {one.part: f"{one.part} ({one.role})" for one in parts if one.part}

    def _spec(self) -> str:
        given = {name: _text(field.value) for name, field in self._given.items()}
        return self._kind().fill(given)

    def _say_word(self) -> None:
        self._word.set_text(t("rack.fault_word", word=self._spec()))

    async def _add(self) -> None:
        await self._shown.ask("fault", spec=self._spec())
        told("rack.fault_done", name=self._shown.name, label=said(self._kind().label))
        await self._refresh()

    async def _end(self, word: str) -> None:
        await self._shown.ask("fault", spec=word, is_off=True)
        await self._refresh()

    async def _end_all(self) -> None:
        await self._shown.ask("fault", spec="clear")
        await self._refresh()


def _text(value: object) -> str:
    """A field's value as a word has it: numbers without a needless point."""
    return f"{value:.10g}" if isinstance(value, float) else str(value or "")
