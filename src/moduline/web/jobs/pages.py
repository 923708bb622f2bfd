"""The list of jobs, and one of them."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import FileResponse, PlainTextResponse
from nicegui import app, ui
from starlette.requests import Request

from moduline.errors import NoSuchObject
from moduline.web import sessions
from moduline.web.jobs.panel import job_chip, job_panel
from moduline.web.live_table import Cell, Drawn, LiveTable
from moduline.web.shell import page
from moduline.web.site import site
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import empty, lasted, moment, row
from moduline.web.work.job import JobView


@page("/jobs")
async def jobs_page() -> None:
    """All jobs, newest first; those that run with their progress."""
    lang = viewer().lang
    panels: dict[str, ui.element] = {}
    running = ui.element("div").classes("m-stack").props('data-testid="jobs-running"')
    with ui.element("div").props('data-testid="jobs-over"'):
        with ui.element("div") as nothing:
            empty("pending_actions", t("jobs.none"), t("jobs.none_hint"))
        over = LiveTable(("", "", "", ""), caption=t("jobs.title"))

    def look() -> None:
        views = site().jobs.views()
        now = {one.id: one for one in views if not one.state.is_over}
        for job in [one for one in panels if one not in now]:
            panels.pop(job).delete()
        with running:
            for at, job in enumerate(now):
                if job not in panels:
                    panels[job] = job_panel(job, with_log=False)
                    panels[job].move(running, at)
        nothing.set_visibility(not views)
        over.show([(one.id, _cells(one, lang)) for one in views if one.state.is_over])
        over.box.set_visibility(len(views) > len(now))

    look()
    ui.timer(1.0, look)


def _cells(one: JobView, lang: str) -> list[Cell]:
    return [
        Drawn(one.state, lambda: job_chip(one)),
        Drawn(one.id, lambda: ui.link(one.title.say(lang), f"/jobs/{one.id}")),
        t("jobs.by", owner=one.owner, at=moment(one.started_at)),
        lasted((one.ended_at or one.started_at) - one.started_at),
    ]


@page("/jobs/{job}")
async def job_page(job: str) -> None:
    """One job with its log."""
    view = site().jobs.view(job)
    with row():
        ui.link(t("jobs.all"), "/jobs")
        if view.page:
            ui.link(t("jobs.open"), view.page)
    job_panel(job)


@app.get("/jobs/{job}/log", include_in_schema=False)
async def job_log(request: Request, job: str) -> Response:
    """The events of a job, one JSON object a line."""
    if not (await sessions.viewer_of(request)).may("operator"):
        return PlainTextResponse("", 403)
    try:
        path = site().jobs.log_path(job)
    except NoSuchObject as failure:
        return PlainTextResponse(failure.message(), 404)
    if not path.is_file():
        return PlainTextResponse("", 200)
    return FileResponse(path, media_type="application/jsonl", filename=f"{job}.jsonl")
