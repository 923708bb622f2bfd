"""Fields of the wizard: each belongs to a field of the API, so that what the platform says stands where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

from nicegui import ui

from moduline.web.console.plan_words import both
from moduline.web.console.wizard_form import whole
from moduline.web.texts import t

Problem = Mapping[str, Any]
Set = Callable[[Any], Any]


def into(target: MutableMapping[Any, Any] | MutableSequence[Any], key: Any, convert: Set = lambda value: value) -> Set:
    """Puts a value into its place.

    Args:
        target: what has the place.
        key: of the place.
        convert: what becomes of a value before.
    """

    def put(value: Any) -> None:
        target[key] = convert(value)

    return put


class Fields:
    """The fields of the step that is shown.

    Args:
        changed: is called whenever somebody has changed one.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._placed: dict[str, Any] = {}

    def clear(self) -> None:
        """Forget the fields of the step before."""
        self._placed.clear()

    def show(self, problems: Sequence[Problem]) -> list[Problem]:
        """Say each problem at its field; those that have none are given back."""
        first = {one["field"]: one for one in reversed(problems)}
        for name, field in self._placed.items():
            field.error = both(first[name]) if name in first else None
        return [one for one in problems if one["field"] not in self._placed]

    def text(self, name: str, label: str, value: str, set_: Set, *, hint: str = "", props: str = "") -> ui.input:
        """A line of text."""
        made = ui.input(label, value=value, on_change=lambda change: self._take(name, set_, change.value or ""))
        self._place(name, made, hint, f"debounce=200 {props}")
        return made

    def lines(self, name: str, label: str, value: str, set_: Set, *, hint: str = "", props: str = "") -> ui.textarea:
        """Several lines of text."""
        made = ui.textarea(label, value=value, on_change=lambda change: self._take(name, set_, change.value or ""))
        self._place(name, made, hint, f"debounce=400 autogrow {props}")
        return made

    def number(self, name: str, label: str, value: Any, set_: Set, *, unit: str = "", hint: str = "") -> ui.number:
        """A number; empty: the platform's default."""

        def take(change: Any) -> None:
            self._take(name, set_, whole(change.value))

        made = ui.number(label, value=value, on_change=take, suffix=unit or None)
        self._place(name, made, hint, "")
        return made

    def choice(
        self, name: str, label: str, options: Any, value: Any, set_: Set, *, hint: str = "", is_long: bool = False
    ) -> ui.select:
        """One of several; with a field to search in when there are many."""
        made = ui.select(
            options, label=label, value=value, with_input=is_long,
            on_change=lambda change: self._take(name, set_, change.value),
        )  # fmt: skip
        self._place(name, made, hint, "")
        return made

    def tick(self, name: str, label: str, value: bool, set_: Set, *, about: str = "") -> ui.checkbox:
        """Yes or no."""
        with ui.element("div").classes("g-tick"):
            made = ui.checkbox(label, value=value, on_change=lambda change: self._take(name, set_, bool(change.value)))
            made.props(f'data-testid="wizard-{_slug(name)}"')
            if about:
                ui.label(about).classes("m-muted m-small")
        return made

    def _take(self, name: str, set_: Set, value: Any) -> None:
        set_(value)
        if name in self._placed:
            self._placed[name].error = None
        self._changed()

    def _place(self, name: str, made: Any, hint: str, props: str) -> None:
        made.props(f'outlined data-testid="wizard-{_slug(name)}" {props}').classes("g-field")
        if hint:
            made.props["hint"] = hint
        self._placed[name] = made


def help_in_place(slug: str) -> None:
    """A few sentences that say what a step is for, and what people do wrong in it."""
    with ui.element("details").classes("g-help"):
        with ui.element("summary"):
            ui.icon("help_outline").props("aria-hidden=true")
            ui.label(t("wizard.help"))
        ui.label(t(slug))


def _slug(name: str) -> str:
    return (
        name.replace("strategy.", "")
        .replace("[", "-")
        .replace("].", "-")
        .replace("]", "")
        .replace(".", "-")
        .replace("_", "-")
    )
