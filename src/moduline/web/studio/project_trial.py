"""A project run on a virtual module of its own, from its page."""

from __future__ import annotations

from urllib.parse import quote

from nicegui import ui

from moduline.errors import Text
from moduline.web.feedback import guarded
from moduline.web.jobs import start_job
from moduline.web.site import site
from moduline.web.studio import project_works
from moduline.web.studio.files_output import output_panel
from moduline.web.texts import t
from moduline.web.widgets import section


class Trial:
    """The part of the page that runs the project.

    Args:
        folder: of the project.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        with section(t("project.trial"), about=t("project.trial_about")):
            ui.button(t("project.trial_go"), icon="play_arrow", on_click=guarded(self._start)).props(
                'outline data-testid="project-trial"'
            ).classes("project-alone")
            self._box = ui.element("div")
        last = site().jobs.latest(project_works.TRIAL, folder)
        if last is not None and not last.state.is_over:
            self._show(last.id)

    def _start(self) -> None:
        job = start_job(
            project_works.TRIAL,
            Text(f"Run {self._folder} on a virtual module", f"在虚拟模组上运行 {self._folder}"),
            project_works.trial_work(self._folder),
            key=self._folder,
            page=f"/studio/project?dir={quote(self._folder)}",
            alone=True,
        )
        self._show(job)

    def _show(self, job: str) -> None:
        self._box.clear()
        with self._box:
            output_panel(job, "project-output")
