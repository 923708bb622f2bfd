"""What a job prints on a module, line by line, live, with the job above it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from nicegui import ui

from moduline.web.jobs import JobView, job_panel
from moduline.web.site import site
from moduline.web.studio.files_works import OUTPUT
from moduline.web.texts import t
from moduline.web.widgets import section

LOOK_S: Final = 0.2
SHOWN: Final = 1500


def output_panel(job: str, testid: str, on_end: Callable[[JobView], Any] | None = None) -> None:
    """Show the output of a job.

    Args:
        job: its id.
        testid: marks the output.
        on_end: called once on the page when it is over.
    """
    with section(t("files.output")):
        job_panel(job, with_log=False, on_end=on_end)
        shown = ui.log(max_lines=SHOWN).classes("m-log files-output").props(f'data-testid="{testid}" tabindex="0"')
        shown.props["aria-label"] = t("files.output")
        shown.props["role"] = "log"
        number = 0

        def look() -> None:
            nonlocal number
            is_over = site().jobs.view(job).state.is_over
            for line in site().jobs.lines(job, number):
                number = line.number
                if line.event.get("slug") == OUTPUT:
                    shown.push(str(line.event["facts"]["text"]))
            if is_over:
                timer.deactivate()

        timer = ui.timer(LOOK_S, look)
