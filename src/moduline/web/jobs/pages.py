"""The list of jobs, and one of them."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import FileResponse, PlainTextResponse
from nicegui import app, ui
from starlette.requests import Request

from moduline.errors import NoSuchObject
from moduline.web import sessions
from moduline.web.jobs.panel import job_chip, job_panel
from moduline.web.shell import page
from moduline.web.site import site
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import empty, lasted, moment, row, table


@page("/jobs")
async def jobs_page() -> None:
    """All jobs, newest first; those that run with their progress."""
    running = ui.element("div").classes("m-stack").props('data-testid="jobs-running"')
    rest = ui.element("div").props('data-testid="jobs-over"')
    known: list[tuple[str, str]] | None = None

    def look() -> None:
        nonlocal known
        views = site().jobs.views()
        now = [(one.id, str(one.state)) for one in views]
        if now == known:
            return
        known = now
        running.clear()
        with running:
            for one in views:
                if not one.state.is_over:
                    job_panel(one.id, with_log=False)
        rest.clear()
        with rest:
            over = [one for one in views if one.state.is_over]
            if not views:
                empty("pending_actions", t("jobs.none"), t("jobs.none_hint"))
            lang = viewer().lang
            if over:
                table(
                    ("", "", "", ""),
                    [
                        (
                            lambda one=one: job_chip(one),
                            lambda one=one: ui.link(one.title.say(lang), f"/jobs/{one.id}"),
                            t("jobs.by", owner=one.owner, at=moment(one.started_at)),
                            lasted((one.ended_at or one.started_at) - one.started_at),
                        )
                        for one in over
                    ],
                    caption=t("jobs.title"),
                )

    look()
    ui.timer(1.0, look)


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
