"""A script of AT commands on the page: its text, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from nicegui import ui

from moduline.web.feedback import guarded
from moduline.web.studio.at_script import parse_script
from moduline.web.studio.at_session import AtPort, StepResult
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, section, table

EXAMPLE: Final = "AT\nAT+CPIN? => READY\nAT+CSQ => +CSQ:\nAT+CEREG?\n"


class ScriptView:
    """The script of an AT port.

    Args:
        session: of the port.
        may_write: whether this page writes; says so when it does not.
    """

    def __init__(self, session: AtPort, may_write: Callable[[], bool]) -> None:
        self._session = session
        self._may_write = may_write
        self._shown: object = None
        with section(t("at.script"), about=t("at.script_about")):
            self._text = ui.textarea(t("at.script_text"), value=EXAMPLE).props(
                'outlined autogrow input-class="m-mono" spellcheck=false data-testid="script"'
            )
            with ui.element("div").classes("m-row"):
                ui.button(t("at.script_run"), icon="play_arrow", on_click=guarded(self._run)).props(
                    'unelevated data-testid="script-run"'
                )
                self._said = ui.element("span").props('role="status" data-testid="script-said"')
            self._table = ui.element("div")

    def look(self) -> None:
        """Draw what changed."""
        results = list(self._session.results)
        now = (results, self._session.is_running)
        if now == self._shown:
            return
        self._shown = now
        self._said.clear()
        self._table.clear()
        if not results:
            return
        met = sum(one.is_met for one in results)
        over = sum(one.is_met or one.answer is not None or one.failure is not None for one in results)
        with self._said:
            if self._session.is_running and over < len(results):
                chip("busy", t("at.script_running", at=over + 1, count=len(results)))
            else:
                chip("good" if met == len(results) else "bad", t("at.script_result", met=met, count=len(results)))
        head = [t("at.step"), t("at.expected"), t("at.came"), t("at.verdict")]
        with self._table:
            table(head, [_row(one) for one in results], caption=t("at.script"))

    def _run(self) -> None:
        steps = parse_script(str(self._text.value or ""))
        if self._may_write():
            self._session.run(steps)


def _row(result: StepResult) -> list[object]:
    step = result.step
    what = step.command or t("at.pause", seconds=step.wait_s)
    answer = result.answer
    came = " ".join((*answer.lines, answer.result)) if answer is not None else ""
    if result.failure is not None:
        came = result.failure.message(viewer().lang)

    def verdict() -> None:
        if result.is_met:
            chip("good", t("at.met"))
        elif answer is None and result.failure is None:
            chip("idle", t("at.waiting"))
        else:
            chip("bad", t("at.unmet"))

    return [what, step.expected or ("OK" if step.command else ""), came, verdict]
