"""Acts that a role may or may not do: a control that is not allowed is there, is off, and says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from moduline.web.feedback import guarded
from moduline.web.texts import t
from moduline.web.viewer import viewer


def why_not(needs: str) -> str:
    """Why whoever looks may not do something; "" when they may.

    Args:
        needs: the least role that may.
    """
    seen = viewer()
    if seen.may(needs):
        return ""
    return t("people.needs", needed=t(f"shell.role.{needs}"), mine=t(f"shell.role.{seen.role}"))


def note_why_not(needs: str) -> None:
    """A sentence on the page when most of its acts are not allowed."""
    said = why_not(needs)
    if said:
        with ui.element("p").classes("m-row m-line m-muted").props('role="note" data-testid="why-not"'):
            ui.icon("lock").props("aria-hidden=true")
            ui.label(f"{said} {t('shell.role_hint')}").classes("m-grow")


def act_button(
    said: str, act: Callable[..., Any], *, needs: str, testid: str, icon: str = "", look: str = "flat", about: str = ""
) -> ui.button:
    """A button that does something, or is off and says why.

    Args:
        said: its word.
        act: what it does; errors are shown.
        needs: the least role that may.
        testid: for tests.
        icon: before its word.
        look: ``flat``, ``outline`` or ``unelevated``.
        about: read out behind the word where the word alone says too little, such as what is deleted.
    """
    refused = why_not(needs)
    made = ui.button(said, icon=icon or None, on_click=guarded(act)).props(f'{look} data-testid="{testid}"')
    made.classes("m-act")
    if look == "flat":
        made.props("dense")
    if about:
        made.props["aria-label"] = f"{said} {about}"
    if refused:
        made.disable()
        made.props["title"] = refused
    return made
