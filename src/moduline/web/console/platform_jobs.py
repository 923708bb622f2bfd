"""Long work of the platform itself - patches, rehearsals - on a page: how far it is, why it failed, a way to end it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from nicegui import ui

from moduline.web.console.allowed import act_button
from moduline.web.console.plan_words import both
from moduline.web.platform_api import api
from moduline.web.site import site
from moduline.web.texts import t
from moduline.web.widgets import chip, moment, row, section

LOOK_S: Final = 1.0
FRESH_S: Final = 86_400.0
"""So long a failed job is still shown."""
CHIPS: Final = {"queued": "idle", "running": "busy", "done": "good", "failed": "bad", "cancelled": "idle"}
Job = dict[str, Any]


@dataclass(slots=True)
class _Card:
    """One job on the page.

    Args:
        facts: what it shows, without the progress.
        made: the card.
        bar: of a job that runs.
    """

    facts: Job
    made: ui.element
    bar: ui.linear_progress | None

    def go_on(self, progress: dict[str, Any] | None) -> None:
        """Show how far it is."""
        if self.bar is None:
            return
        if progress and progress.get("total"):
            self.bar.set_value(progress["done"] / progress["total"])
            self.bar.props(remove="indeterminate")
        else:
            self.bar.props("indeterminate")


class PlatformJobs:
    """What the platform is at; a card that is not there when there is nothing.

    Args:
        concerns: which jobs belong on the page.
        ended: is told of each that ended while one looked.
    """

    def __init__(self, concerns: Callable[[Job], bool], ended: Callable[[Job], Awaitable[None]]) -> None:
        self._concerns = concerns
        self._ended = ended
        self._watched: dict[int, Job] = {}
        self._over: dict[int, Job] = {}
        self._cards: dict[int, _Card] = {}
        with section(t("artifacts.work")) as self._card:
            self._card.props('data-testid="platform-jobs"')
            self._box = ui.element("div").classes("m-stack").props('role="status"')
        self._card.set_visibility(False)
        ui.timer(LOOK_S, self.look)

    async def look(self) -> None:
        """Ask, and show what has changed."""
        live = {job["id"]: job for state in ("running", "queued") for job in await self._of(state)}
        for number in [one for one in self._watched if one not in live]:
            job = await api().get(f"/v1/jobs/{number}")
            if job["state"] in {"queued", "running"}:
                live[number] = job
                continue
            self._over[number] = job
            await self._ended(job)
        if not self._watched and not self._over:
            since = site().clock.now_s() - FRESH_S
            self._over = {job["id"]: job for job in await self._of("failed") if (job["ended_at"] or 0) > since}
        self._watched = live
        wanted = sorted({**self._over, **live}.values(), key=lambda job: -job["id"])
        self._card.set_visibility(bool(wanted))
        for number in self._cards.keys() - {job["id"] for job in wanted}:
            self._cards.pop(number).made.delete()
        for at, job in enumerate(wanted):
            facts = {name: value for name, value in job.items() if name != "progress"}
            known = self._cards.get(job["id"])
            if known is None or known.facts != facts:  # a button is not replaced by progress alone
                if known is not None:
                    known.made.delete()
                with self._box:
                    known = self._cards[job["id"]] = self._draw(job, facts)
                known.made.move(self._box, at)
            known.go_on(job["progress"])

    async def _of(self, state: str) -> list[Job]:
        return [job for job in await api().every("/v1/jobs", state=state) if self._concerns(job)]

    def _draw(self, job: Job, facts: Job) -> _Card:
        name = t(f"artifacts.job.{job['kind']}", name=job["request"].get("name", ""))
        bar = None
        with ui.element("article").classes("c-upgrade").props(f'data-job="{job["id"]}"') as made:
            with row():
                ui.label(name).classes("m-strong m-grow")
                chip(CHIPS[job["state"]], t(f"artifacts.job_state.{job['state']}"))
                if job["state"] in {"queued", "running"}:
                    act_button(
                        t("artifacts.job_cancel"),
                        lambda: api().post(f"/v1/jobs/{job['id']}/cancel"),
                        needs="operator",
                        testid="platform-job-cancel",
                        icon="stop",
                        about=t("artifacts.job_cancel_named", name=name),
                    )
            if job["state"] == "running":
                bar = ui.linear_progress(show_value=False, size="8px").props(f'instant-feedback aria-label="{name}"')
            if job["reason"]:
                ui.label(f"{both(job['reason'])} ({job['reason'].get('code', '')})").classes("m-problem")
            for said in (job["result"] or {}).get("warnings", ()):
                ui.label(t("artifacts.warning", said=both(said)))
            at = job["ended_at"] or job["begun_at"] or job["created_at"]
            with row("m-small m-muted"):
                ui.label(t("artifacts.job_by", owner=job["author"], at=moment(at)))
                artifact = (job["result"] or {}).get("artifact_id")
                if artifact:
                    ui.link(t("artifacts.open"), f"/console/packages/{artifact}")
        return _Card(facts, made, bar)
