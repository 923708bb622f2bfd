"""Telling people what happened: errors with their remedy, confirmations, and questions before something is lost."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from moduline.errors import ModulineError
from moduline.web.texts import t
from moduline.web.viewer import viewer


def show_error(failure: ModulineError) -> None:
    """Show an error until somebody closes it: what failed, what to do, its code."""
    lang = viewer().lang
    ui.notify(
        f"{failure.message(lang)}\n{failure.remedy(lang)} ({failure.code})",
        type="negative",
        multi_line=True,
        timeout=0,
        close_button=t("shell.close"),
        position="top",
        classes="m-notice",
    )


def told(slug: str, **facts: Any) -> None:
    """Confirm something briefly."""
    ui.notify(t(slug, **facts), type="positive", position="top", timeout=4000, classes="m-notice")


def error_card(failure: ModulineError) -> None:
    """An error in its place on the page."""
    lang = viewer().lang
    with ui.element("section").classes("m-card m-card-bad").props('role="alert"'):
        with ui.element("p").classes("m-strong"):
            ui.icon("error").props("aria-hidden=true")
            ui.label(failure.message(lang))
        ui.label(failure.remedy(lang))
        ui.label(failure.code).classes("m-muted m-mono")


def guarded(act: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Make what a control does show errors of our tree; anything else is a fault of ours and is logged as one.

    What it creates, such as a dialog, stands on the page itself: it lives on when the control is drawn anew meanwhile.
    """

    @functools.wraps(act)
    async def done(*args: Any, **kwargs: Any) -> Any:
        with ui.context.client:
            try:
                result = act(*args, **kwargs)
                return await result if inspect.isawaitable(result) else result
            except ModulineError as failure:
                show_error(failure)
                return None

    return done


async def answered(dialog: ui.dialog) -> Any:
    """Open a dialog; what it was closed with, None: nothing.

    It goes when the browser has closed it: until then it is needed to put the focus back where it was before.
    """
    dialog.on("hide", dialog.delete, args=[])
    return await dialog


async def ask(question: str, yes: str, *, about: str = "", is_dangerous: bool = False) -> bool:
    """Ask before something is done; whether the answer is yes. Escape and a click beside it are no.

    Args:
        question: the whole question.
        yes: word of the button that does it, such as "Delete".
        about: what will happen, in a sentence.
        is_dangerous: whether something is lost.
    """
    with ui.dialog() as dialog, ui.card().classes("m-dialog").props('role="alertdialog"') as card:
        dialog.props["aria-label"] = card.props["aria-label"] = question
        ui.label(question).classes("m-strong m-dialog-title")
        if about:
            ui.label(about)
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.cancel"), on_click=lambda: dialog.submit(False)).props("flat autofocus")
            kind = "m-danger" if is_dangerous else ""
            ui.button(yes, on_click=lambda: dialog.submit(True)).props('unelevated data-testid="ask-yes"').classes(kind)
    answer = await answered(dialog)
    return bool(answer)
