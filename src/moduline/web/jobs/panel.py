"""A job on a page: its state, its progress, what it does, how to end it, and its log; live until it is over."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from nicegui import ui

from moduline.errors import ModulineError
from moduline.web.feedback import show_error
from moduline.web.jobs.words import line_words, step_words
from moduline.web.site import site
from moduline.web.texts import TABLE, either, t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, lasted, moment, size, time_of_day
from moduline.web.work.job import JobState, JobView

LOOK_S: Final = 0.2
SHOWN: Final = 400
SURE_S: Final = 2.0
"""So long a stage must have run before anybody says how long it still takes."""
CHIPS: Final = {
    JobState.RUNNING: "busy",
    JobState.DONE: "good",
    JobState.FAILED: "bad",
    JobState.CANCELLED: "idle",
    JobState.INTERRUPTED: "warn",
}


def job_chip(view: JobView) -> None:
    """The state of a job."""
    chip(CHIPS[view.state], t(f"jobs.state.{view.state}"))


def job_panel(job_id: str, *, on_end: Callable[[JobView], Any] | None = None, with_log: bool = True) -> ui.element:
    """Show a job.

    Args:
        job_id: its id.
        on_end: called once on the page when it is over, at once if it is already.
        with_log: whether its events are shown, too.

    Raises:
        NoSuchObject: there is none.
    """
    view = site().jobs.view(job_id)
    lang = viewer().lang
    with ui.element("section").classes("m-card m-job").props(f'data-testid="job" data-job="{job_id}"') as card:
        with ui.element("div").classes("m-row m-job-head"):
            ui.label(view.title.say(lang)).classes("m-strong m-grow")
            state = ui.element("span").props('role="status"')
            cancel = ui.button(t("jobs.cancel"), icon="stop").props('flat dense data-testid="job-cancel"')
            cancel.on_click(functools.partial(_cancel, job_id, cancel))
        bar = ui.linear_progress(value=0, show_value=False, size="10px").props(
            f'instant-feedback aria-label="{t("jobs.title")}"'
        )
        doing = ui.label().classes("m-job-doing")
        about = ui.label().classes("m-muted")
        problem = ui.element("div")
        log = None
        if with_log:
            with ui.expansion(t("jobs.log"), icon="subject").classes("m-job-log"):
                log = ui.log(max_lines=SHOWN).classes("m-log")
                ui.link(t("jobs.save_log"), f"/jobs/{job_id}/log").props("download")
    shown: JobState | None = None
    line_number = 0
    is_over = False
    timers: list[ui.timer] = []
    pace = Pace()

    def look() -> None:
        nonlocal shown, line_number, is_over
        now = site().jobs.view(job_id)
        if shown is not now.state:
            shown = now.state
            state.clear()
            with state:
                job_chip(now)
            cancel.set_visibility(not now.state.is_over)
            bar.set_visibility(not now.state.is_over)
        _progress(now, pace, bar, doing, about)
        if log is not None:
            fresh = site().jobs.lines(job_id, line_number)
            for line in fresh[-SHOWN:]:
                log.push(f"{time_of_day(line.at)}  {line_words(line.event, lang)}")
            if fresh:
                line_number = fresh[-1].number
        if now.state.is_over and not is_over:
            is_over = True
            for timer in timers:
                timer.deactivate()
            with problem:
                _problem(now)
            if on_end is not None:
                with card:
                    on_end(now)

    with card:
        look()
        if not is_over:
            timers.append(ui.timer(LOOK_S, look, immediate=False))
    return card


class Pace:
    """How long a stage still takes, from how fast its bytes have come on this page."""

    def __init__(self) -> None:
        self._total = self._first = 0
        self._since = 0.0

    def left_s(self, now: JobView, at: float) -> float | None:
        """Seconds left; None: nobody knows yet."""
        if now.total_bytes != self._total or now.done_bytes < self._first:
            self._total, self._first, self._since = now.total_bytes, now.done_bytes, at
        done, spent = now.done_bytes - self._first, at - self._since
        if done <= 0 or spent < SURE_S:
            return None
        return (now.total_bytes - now.done_bytes) * spent / done


def _progress(now: JobView, pace: Pace, bar: ui.linear_progress, doing: ui.label, about: ui.label) -> None:
    at = site().clock.now_s()
    spent = (now.ended_at or at) - now.started_at
    words = [step_words(now.step, viewer().lang)] if now.step and not now.state.is_over else []
    if now.total_bytes and not now.state.is_over:
        words.append(f"{_amount(now)} · {100 * (now.share or 0):.0f} %")
        left = pace.left_s(now, at)
        if left is not None:
            words.append(t("jobs.left", left=lasted(left)))
    doing.set_text(" · ".join(words))
    doing.set_visibility(bool(words))
    bar.set_value(now.share or 0)
    bar.props(remove="indeterminate") if now.share is not None else bar.props("indeterminate")
    took = t("jobs.took" if now.state.is_over else "jobs.elapsed", elapsed=lasted(spent))
    about.set_text(f"{t('jobs.by', owner=now.owner, at=moment(now.started_at))} · {took}")


def _amount(now: JobView) -> str:
    """How much is done: bytes, or what ``step.NAME.count`` says of a stage that counts something else."""
    counted = TABLE.get(f"step.{now.step}.count")
    if counted is None:
        return f"{size(now.done_bytes)} / {size(now.total_bytes)}"
    return counted.say(viewer().lang, done=f"{now.done_bytes:,}", total=f"{now.total_bytes:,}")


def _problem(now: JobView) -> None:
    if now.state is JobState.INTERRUPTED:
        ui.label(t("jobs.interrupted_why")).classes("m-problem")
    if now.error is not None:
        with ui.element("div").classes("m-problem").props('role="alert"'):
            ui.label(either(**now.error["message"])).classes("m-strong")
            ui.label(f"{either(**now.error['hint'])} ({now.error['code']})")


def _cancel(job_id: str, button: ui.button) -> None:
    try:
        site().jobs.cancel(job_id)
    except ModulineError as failure:
        show_error(failure)
        return
    button.set_text(t("jobs.cancelling"))
    button.disable()


assert all(f"jobs.state.{state}" in TABLE for state in JobState)
