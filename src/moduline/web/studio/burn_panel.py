"""A burn that runs or has run: steps, bytes, the guide to the boot pin, and how it went."""

from __future__ import annotations

import asyncio
import math
from typing import Any, Final

from nicegui import ui

from moduline.vmodule import rack_client, rack_finding
from moduline.web.feedback import guarded
from moduline.web.jobs.panel import job_chip
from moduline.web.jobs.words import line_words
from moduline.web.site import site
from moduline.web.static_folder import FOLDER
from moduline.web.studio.burn_story import Story, StoryStep
from moduline.web.studio.rack_module import said
from moduline.web.texts import either, t
from moduline.web.viewer import viewer
from moduline.web.widgets import copy_button, lasted, size
from moduline.web.work.job import JobState, JobView

LOOK_S: Final = 0.2
SHOWN_S: Final = 0.05
"""Steps that took less need not say so."""
ICONS: Final = {
    "waiting": "radio_button_unchecked",
    "doing": "autorenew",
    "done": "check_circle",
    "failed": "cancel",
    "left_out": "remove",
}
VERDICTS: Final = {
    "PASS": ("good", "check_circle"),
    "FAIL": ("bad", "cancel"),
    "REFUSED": ("warn", "block"),
    "ERROR": ("bad", "error"),
    "ABORTED": ("warn", "front_hand"),
}


class BurnPanel:
    """Shows the job; looks a few times a second until it is over.

    Args:
        view: the job.
    """

    def __init__(self, view: JobView) -> None:
        self._id = view.id
        self._key = view.key
        self._story = Story()
        self._number = 0
        self._drawn: object = None
        self._is_guiding = False
        self._timer: ui.timer | None = None
        with ui.element("section").classes("m-card").props(f'data-testid="burn-job" data-job="{view.id}"'):
            with ui.element("div").classes("m-row"):
                with ui.element("h2").classes("m-grow"):
                    ui.label(view.title.say(viewer().lang))
                self._state = ui.element("span").props('role="status" data-testid="burn-state"')
                self._cancel = ui.button(t("jobs.cancel"), icon="stop", on_click=guarded(self._stop))
                self._cancel.props('outline dense data-testid="burn-cancel"')
            self._guide = ui.element("div")
            self._result = ui.element("div").props('data-testid="burn-result"')
            self._bar = ui.linear_progress(value=0, show_value=False, size="12px").props(
                f'instant-feedback aria-label="{t("burn.now")}"'
            )
            with ui.element("div").classes("m-burn-numbers").props('data-testid="burn-numbers"'):
                self._bytes, self._rate, self._left = ui.label(), ui.label(), ui.label()
            ui.html(f"<h3>{t('burn.steps')}</h3>", sanitize=False)
            self._steps = ui.element("ol").classes("m-steps").props('data-testid="burn-steps"')
            with ui.expansion(t("burn.log"), icon="subject"):
                self._log = ui.log(max_lines=400).classes("m-log")
                ui.link(t("burn.save_log"), f"/jobs/{view.id}/log").props("download")
        self.look()
        if not site().jobs.view(view.id).state.is_over:
            self._timer = ui.timer(LOOK_S, self.look, immediate=False)

    def look(self) -> None:
        """Show what is so now."""
        view = site().jobs.view(self._id)
        fresh = site().jobs.lines(self._id, self._number)
        self._story.feed(fresh)
        for line in fresh[-400:]:
            self._log.push(line_words(line.event, viewer().lang))
        self._number = fresh[-1].number if fresh else self._number
        if view.state.is_over:
            self._story.end()
        now = site().clock.now_s()
        self._show_bytes(view, now)
        self._show_guide(now)
        drawn = (view.state, tuple((one.name, one.state) for one in self._story.steps))
        if drawn != self._drawn:
            self._drawn = drawn
            self._show_steps(view)
        if view.state.is_over and self._timer is not None:
            self._timer.deactivate()

    def _show_bytes(self, view: JobView, now: float) -> None:
        story = self._story
        share = story.done_bytes / story.total_bytes if story.total_bytes else 0.0
        self._bar.set_value(share)
        for part in (self._bar, self._bytes, self._rate, self._left):
            part.set_visibility(not view.state.is_over and story.total_bytes > 0)
        if view.state.is_over or not story.total_bytes:
            return
        done, total = size(story.done_bytes), size(story.total_bytes)
        word = t("burn.comparing" if story.what == "verify" else "burn.writing")
        self._bytes.set_text(f"{word} {t('burn.percent', done=done, total=total, percent=math.floor(100 * share))}")
        rate, left = story.rate(now), story.left_s(now)
        self._rate.set_text(t("burn.rate", rate=size(rate)) if rate else "")
        self._left.set_text(t("burn.left", left=lasted(left)) if left is not None else "")

    def _show_steps(self, view: JobView) -> None:
        self._state.clear()
        with self._state:
            job_chip(view)
        self._cancel.set_visibility(not view.state.is_over)
        self._steps.clear()
        with self._steps:
            for step in self._story.steps:
                _step(step)
        self._result.clear()
        if view.state.is_over:
            with self._result:
                _result(view, self._story)

    # ---- boot pin ------------------------------------------------------------------------------------------------

    def _show_guide(self, now: float) -> None:
        until = self._story.pin_until
        is_wanted = until is not None
        if is_wanted != self._is_guiding:
            self._is_guiding = is_wanted
            self._guide.clear()
            if is_wanted:
                with self._guide:
                    self._draw_guide()
        if until is not None:
            self._seconds.set_text(t("burn.pin_left", seconds=max(0, math.ceil(until - now))))

    def _draw_guide(self) -> None:
        with ui.element("section").classes("m-card m-guide").props('role="alert" data-testid="boot-pin-guide"'):
            ui.html(f"<h3>{t('burn.pin_title')}</h3>", sanitize=False)
            with ui.element("div").classes("m-guide-body"):
                picture = (FOLDER / "boot-pin.svg").read_text("utf-8")
                named = picture.replace('role="img"', f'role="img" aria-label="{t("burn.pin_picture")}"')
                ui.html(named, sanitize=False)
                with ui.element("div").classes("m-stack"):
                    self._seconds = ui.label().classes("m-guide-left").props('data-testid="pin-left" aria-live="off"')
                    with ui.element("ol"):
                        for slug in ("burn.pin_1", "burn.pin_2", "burn.pin_3"):
                            with ui.element("li"):
                                ui.label(t(slug))
                    ui.label(t("burn.pin_core")).classes("m-small")
                    if self._key.startswith("virt:"):
                        ui.button(t("burn.pin_virtual"), icon="push_pin", on_click=guarded(self._hold)).props(
                            'unelevated data-testid="pin-virtual"'
                        )

    async def _hold(self) -> None:
        """Do it to a virtual module."""
        rack, _, name = self._key.removeprefix("virt:").rpartition("/")
        place = await asyncio.to_thread(rack_finding.rack_of, name, rack)
        await asyncio.to_thread(rack_client.ask, place, "power", name=name, action="boot-pin")

    def _stop(self) -> None:
        site().jobs.cancel(self._id)
        self._cancel.set_text(t("jobs.cancelling"))
        self._cancel.disable()


def _step(step: StoryStep) -> None:
    with ui.element("li").classes(f"m-step-{step.state}"):
        ui.icon(ICONS[step.state]).props("aria-hidden=true")
        ui.label(said(step.words))
        seconds = step.seconds or 0.0
        took = lasted(seconds) if step.state == "done" and seconds >= SHOWN_S else ""
        ui.label(f"{t(f'burn.step.{step.state}')}{' · ' if took else ''}{took}").classes("m-step-state")


def _result(view: JobView, story: Story) -> None:
    """How it went: the verdict, what is so now, what to do."""
    record: dict[str, Any] = story.record or {}
    outcome = str(record.get("outcome") or ("ABORTED" if view.error is None else "ERROR"))
    kind, icon = VERDICTS.get(outcome, VERDICTS["ERROR"])
    with ui.element("div").classes("m-stack"):
        with ui.element("p").classes(f"m-burn-verdict m-verdict-{kind}"):
            ui.icon(icon).props("aria-hidden=true")
            ui.label(t(f"burn.outcome.{outcome}")).props('data-testid="burn-outcome"')
        ui.label(t(f"burn.outcome_about.{outcome}"))
        if view.state is JobState.INTERRUPTED:
            ui.label(t("jobs.interrupted_why")).classes("m-problem")
        if view.error is not None:
            with ui.element("div").classes("m-problem").props('role="alert" data-testid="burn-error"'):
                ui.label(either(**view.error["message"])).classes("m-strong")
                ui.label(f"{either(**view.error['hint'])} ({view.error['code']})")
        if record:
            _record(record)


def _record(record: dict[str, Any]) -> None:
    unknown = t("burn.unknown")
    rows = [
        ("IMEI", record["imei"] or unknown, "burn-imei"),
        (t("burn.version_before"), record["version_before"] or unknown, "burn-before"),
        (t("burn.version_after"), record["version_after"] or unknown, "burn-after"),
        (t("burn.sent"), size(record["bytes"]), "burn-sent"),
        (t("burn.took"), lasted(record["seconds"]), "burn-took"),
    ]
    if record["nv_file"]:
        rows.append((t("burn.nv_saved"), record["nv_file"], "burn-nv"))
    with ui.element("dl").classes("m-facts"):
        for name, value, testid in rows:
            with ui.element("dt"):
                ui.label(name)
            with ui.element("dd"):
                ui.label(str(value)).props(f'data-testid="{testid}"')
        with ui.element("dt"):
            ui.label(t("burn.record"))
        with ui.element("dd"):
            ui.label(record["id"]).classes("m-mono").style("display:inline").props('data-testid="burn-record"')
            copy_button(record["id"], t("burn.copy_record"))
