"""Forms in a dialog: fields with labels, one button that does it, errors beside the fields until it is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Self

from nicegui import ui

from moduline.cloud.edge import ROLES
from moduline.errors import ModulineError
from moduline.web.feedback import answered
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import copy_button


class Form:
    """A dialog that asks for something and stays open until it is done or given up.

    Args:
        title: what it is about.
        yes: word of the button that does it.
        about: a sentence below the title.
    """

    def __init__(self, title: str, yes: str, *, about: str = "") -> None:
        self._yes = yes
        with ui.dialog().props("persistent") as self._dialog, ui.card().classes("m-dialog") as card:
            self._dialog.props["aria-label"] = title
            ui.label(title).classes("m-strong m-dialog-title").props('role="heading" aria-level="2"')
            if about:
                ui.label(about).classes("m-muted")
            self.fields = ui.element("div").classes("m-stack")
            self._wrong = ui.label().classes("m-problem").props('role="alert" data-testid="form-wrong"')
            self._wrong.set_visibility(False)
        self._card = card

    def __enter__(self) -> Self:
        self.fields.__enter__()
        return self

    def __exit__(self, *what: object) -> None:
        self.fields.__exit__(*what)

    def complain(self, said: str) -> None:
        """Say what is wrong."""
        self._wrong.set_text(said)
        self._wrong.set_visibility(True)

    async def run(self, act: Callable[[], Awaitable[Any]]) -> Any:
        """Show it; what ``act`` gave, or None when it was given up.

        Args:
            act: what the button does; errors of our tree are shown in the form.
        """

        async def submit() -> None:
            button.disable()
            try:
                self._dialog.submit(await act())
            except (Mistake, ModulineError) as failure:
                self.complain(said_of(failure))
            finally:
                button.enable()

        with self._card, ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.cancel"), on_click=lambda: self._dialog.submit(None)).props(
                'flat data-testid="form-cancel"'
            )
            button = ui.button(self._yes, on_click=submit).props('unelevated data-testid="form-yes"')
        for field in self.fields.descendants():
            if isinstance(field, ui.input):
                field.on("keydown.enter", submit)
        self._dialog.on("escape-key", lambda: self._dialog.submit(None))
        return await answered(self._dialog)


class Mistake(Exception):  # noqa: N818  it is no error of ours: somebody mistyped, and is told so in the form
    """What was typed cannot be; its text is a sentence in the viewer's language."""


def said_of(failure: Mistake | ModulineError) -> str:
    """What is wrong, what to do about it, and its code, in one line."""
    if isinstance(failure, Mistake):
        return str(failure)
    lang = viewer().lang
    return f"{failure.message(lang)} · {failure.remedy(lang)} ({failure.code})"


def text_field(label: str, testid: str, *, value: str = "", hint: str = "", is_first: bool = False) -> ui.input:
    """A line of text."""
    made = ui.input(label, value=value).props(f'outlined dense data-testid="{testid}" autocomplete=off')
    if hint:
        made.props["hint"] = hint
    if is_first:
        made.props("autofocus")
    return made.classes("m-field")


def password_field(label: str, testid: str, *, is_new: bool = True, hint: str = "") -> ui.input:
    """A line that is not shown."""
    kind = "new-password" if is_new else "current-password"
    made = ui.input(label, password=True).props(f'outlined dense data-testid="{testid}" autocomplete={kind}')
    if hint:
        made.props["hint"] = hint
    return made.classes("m-field")


def choice(label: str, options: dict[Any, str], value: Any, testid: str) -> ui.select:
    """One of several."""
    made = ui.select(options, label=label, value=value).props(f'outlined dense data-testid="{testid}"')
    return made.classes("m-field")


def role_choice(value: str, testid: str) -> ui.select:
    """One of the roles, with what it may do below."""
    made = choice(t("people.role"), {role: t(f"shell.role.{role}") for role in ROLES}, value, testid)

    def say() -> None:
        made.props["hint"] = t(f"people.does.{made.value}")
        made.update()

    say()
    made.on_value_change(say)
    return made


def require_same(first: str, second: str) -> str:
    """A password that was typed twice.

    Raises:
        Mistake: the two differ.
    """
    if first != second:
        raise Mistake(t("entry.differ"))
    return first


async def show_once(title: str, about: str, secret: str) -> None:
    """Show a secret that nobody can see again, with a way to copy it."""
    with ui.dialog().props("persistent") as dialog, ui.card().classes("m-dialog"):
        dialog.props["aria-label"] = title
        ui.label(title).classes("m-strong m-dialog-title").props('role="heading" aria-level="2"')
        with ui.element("p").classes("m-row m-line"):
            ui.icon("visibility").props("aria-hidden=true")
            ui.label(about).classes("m-grow")
        with ui.element("div").classes("m-row m-secret"):
            ui.label(secret).classes("m-mono m-grow").props('data-testid="secret"')
            copy_button(secret)
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("people.kept"), on_click=lambda: dialog.submit(True)).props(
                'unelevated data-testid="secret-kept"'
            )
    await answered(dialog)
