"""The page "Line station": the set-up beside the wall of slots; while a gang runs, the wall alone.

What moves is drawn by ``static/gang.js`` from the frames of ``frames.py``; the rest is laid out once. The browser tells
keys and scans as the events ``gang_key``, ``gang_slot``, ``gang_label`` and ``gang_scan``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from nicegui import Client, events, ui

from moduline.line.next_action import next_action
from moduline.web.feedback import ask, guarded, told
from moduline.web.shell import page, script, style
from moduline.web.site import site
from moduline.web.station import live, setup, starting
from moduline.web.station.frames import Frames
from moduline.web.station.scanned import look_up
from moduline.web.station.setup_pane import SetupPane
from moduline.web.station.slot_details import print_again, show_slot
from moduline.web.texts import either, t
from moduline.web.viewer import viewer
from moduline.web.widgets import moment
from moduline.web.work import JobState, JobView

TICK_S: Final = 0.1
COUNTERS: Final = ("passed", "failed", "done", "yield", "rate", "time")
KEYS: Final = (
    ("←↑↓→", "arrows"), ("Enter", "enter"), ("F2", "f2"), ("F4", "f4"), ("F6", "f6"), ("F8", "f8"), ("F9", "f9"),
)  # fmt: skip
FACTS: Final = ("order", "package", "operator", "rack")


@dataclass(slots=True)
class _View:
    """One open page.

    Args:
        client: whose.
        station: shown.
        pane: the set-up.
        box: the whole page; its ``data-mode`` is ``run`` or ``idle``.
        facts: what is made, by name.
        banner: how the last run ended.
        gang: whose board is shown.
        job: its job as it was shown last.
        frames: what the browser knows.
    """

    client: Client
    station: str
    pane: SetupPane
    box: ui.element
    facts: dict[str, ui.label]
    banner: ui.element
    gang: live.LiveGang | None = None
    job: JobView | None = None
    frames: Frames = field(default_factory=lambda: Frames(viewer().lang))

    def tick(self) -> None:
        """Send what has changed."""
        found = live.gang_of(self.station)
        if found is not None and found is not self.gang:
            self.show(found)
        if self.gang is None:
            return
        job = site().jobs.view(self.gang.job)
        is_new = self.job is None or self.job.state is not job.state or self.job.id != job.id
        if not is_new and job.state.is_over:
            return
        head, slots, totals = self.gang.relay.look()
        act = next_action(slots, is_ending=self.gang.finish.is_asked or job.state.is_over)
        if changed := self.frames.changes(slots, totals, act):
            data = json.dumps(changed, ensure_ascii=False)
            self.client.run_javascript(
                f"(window.stationQueue=window.stationQueue||[]).push({data});window.station&&station.drain()"
            )
        if is_new:
            self.job = job
            self.tell_state(job)
            for name, value in zip(FACTS, (head.order, head.image, head.operator, head.rack), strict=True):
                self.facts[name].set_text(value or t("gang.fact.none"))

    def show(self, gang: live.LiveGang) -> None:
        """Show another gang from now on."""
        self.gang, self.job, self.frames = gang, None, Frames(viewer().lang)

    def tell_state(self, job: JobView) -> None:
        """Say whether it runs, or how it ended."""
        is_running = not job.state.is_over
        self.box.props(f"data-mode={'run' if is_running else 'idle'}")
        self.banner.clear()
        self.banner.set_visibility(not is_running)
        if not is_running:
            with self.banner:
                _how_it_ended(job)
                ui.timer(0.01, self.pane.refresh, once=True)


@page("/line", frame="wide")
async def gang_page(station: str = "") -> None:
    """One cell per slot; ``station`` in the address says whose."""
    style("gang.css")
    script("gang.js")  # before the first await: what comes behind it may reach the browser as text only
    kept = await asyncio.to_thread(setup.remembered, station)
    known = await asyncio.to_thread(live.known, kept.station)
    view = _build(kept)
    if known is not None:
        view.show(known)
    _listen(view)
    ui.timer(TICK_S, view.tick)


def _build(kept: setup.StationSetup) -> _View:
    box = ui.element("div").classes("g-page").props("data-mode=idle")
    facts: dict[str, ui.label] = {}
    with box:
        with ui.element("section").classes("g-top"):
            _title(kept, facts)
            _counters()
            _tools()
        with ui.element("p").classes("g-say").props('id="g-say" role="status" aria-live="polite" data-act="wait"'):
            ui.icon("pan_tool_alt").props("aria-hidden=true")
            ui.element("span").props('id="g-say-text" data-testid="gang-say"')
        with ui.element("div").classes("g-body"):
            with ui.element("aside").classes("g-setup").props(f'aria-label="{t("gang.setup")}"'):
                banner = ui.element("div").classes("g-banner").props('role="status" data-testid="gang-over"')
                banner.set_visibility(False)
                pane = SetupPane(kept)
            with ui.element("section").classes("g-field").props(f'aria-label="{t("gang.wall")}"'):
                ui.element("div").classes("g-wall").props('id="g-wall" data-testid="gang-wall"')
                ui.label(t("gang.wall_empty")).classes("g-wall-empty")
        _foot()
        _hold()
    return _View(ui.context.client, kept.station, pane, box, facts, banner)


def _title(kept: setup.StationSetup, facts: dict[str, ui.label]) -> None:
    with ui.element("div").classes("g-title"):
        with ui.element("h1"):
            ui.label(t("gang.station", station=kept.station))
        with ui.element("dl").classes("g-facts"):
            for name, value in zip(FACTS, (kept.order, kept.package_name, kept.operator, kept.rack), strict=True):
                with ui.element("div"):
                    with ui.element("dt"):
                        ui.label(t(f"gang.fact.{name}"))
                    with ui.element("dd"):
                        facts[name] = ui.label(value or t("gang.fact.none")).props(f'data-testid="gang-fact-{name}"')


def _counters() -> None:
    with ui.element("dl").classes("g-counts").props(f'aria-label="{t("gang.counters")}"'):
        for name in COUNTERS:
            with ui.element("div").classes(f"g-count g-count-{name}"):
                with ui.element("dt"):
                    ui.label(t(f"gang.count.{name}"))
                with ui.element("dd"):
                    ui.element("span").props(f'id="g-{name}" data-testid="gang-{name}"')


def _tools() -> None:
    with ui.element("div").classes("g-tools"):
        sound = ui.button(icon="volume_up").props(
            f'flat dense id="g-sound" aria-label="{t("gang.sound")}" title="{t("gang.sound")} (F6)"'
        )
        sound.on("click", js_handler="() => station.toggleSound()")
        ui.button(
            t("gang.stop"), icon="back_hand", on_click=lambda: ui.run_javascript('emitEvent("gang_ask","stop")')
        ).props('outline no-wrap data-testid="gang-stop"').classes("g-when-run")
        ui.button(
            t("gang.abort"), icon="dangerous", on_click=lambda: ui.run_javascript('emitEvent("gang_ask","abort")')
        ).props('flat no-wrap data-testid="gang-abort"').classes("g-when-run")


def _foot() -> None:
    with ui.element("footer").classes("g-foot"):
        with ui.element("label").classes("g-scan"):
            ui.icon("qr_code_scanner").props("aria-hidden=true")
            said = t("gang.scan")
            ui.element("input").props(
                f'id="g-scan" data-testid="gang-scan" aria-label="{said}" placeholder="{said}" autocomplete="off"'
            )
        with ui.element("ul").classes("g-keys").props(f'aria-label="{t("gang.keys")}"'):
            for key, name in KEYS:
                with ui.element("li"):
                    with ui.element("kbd"):
                        ui.label(key)
                    ui.label(t(f"gang.key.{name}"))


def _hold() -> None:
    """What is shown while a key is held."""
    with ui.element("div").classes("g-hold").props('id="g-hold" hidden role="alert"'):
        for act in ("stop", "abort"):
            ui.label(t(f"gang.hold.{act}")).classes(f"g-hold-{act}")
        with ui.element("div").classes("g-hold-bar"):
            ui.element("div").classes("g-hold-fill")


def _listen(view: _View) -> None:
    """What the browser tells."""
    acts: dict[str, Callable[[], Any]] = {
        "start": lambda: _start(view),
        "stop": lambda: _stop(view),
        "abort": lambda: _abort(view),
    }

    async def key(event: events.GenericEventArguments) -> None:
        act = acts.get(str(event.args))
        if act is not None:
            await guarded(act)()

    async def confirm(event: events.GenericEventArguments) -> None:
        name = str(event.args)
        if name in {"stop", "abort"} and await ask(
            t(f"gang.{name}_ask"), t(f"gang.{name}"), about=t(f"gang.{name}_about"), is_dangerous=name == "abort"
        ):
            await guarded(acts[name])()

    async def slot(event: events.GenericEventArguments) -> None:
        if view.gang is not None:
            await show_slot(view.gang, str(event.args))

    async def label(event: events.GenericEventArguments) -> None:
        if view.gang is not None:
            await print_again(view.gang, str(event.args))

    async def scan(event: events.GenericEventArguments) -> None:
        await guarded(_scanned)(view, str(event.args))

    view.pane.on_start = lambda: guarded(_start)(view)
    for name, act in (
        ("gang_key", key), ("gang_ask", confirm), ("gang_slot", slot), ("gang_label", label), ("gang_scan", scan)
    ):  # fmt: skip
        ui.on(name, act)


async def _start(view: _View) -> None:
    wanted = view.pane.value()
    if view.job is not None and not view.job.state.is_over:
        return
    with view.pane.busy():
        await asyncio.to_thread(starting.start, wanted, viewer().name)
    if wanted.station != view.station:
        ui.navigate.to(f"/line?station={wanted.station}")
        return
    view.tick()


def _stop(view: _View) -> None:
    if view.gang is not None and view.job is not None and not view.job.state.is_over:
        view.gang.finish.ask()
        told("gang.stopping")


def _abort(view: _View) -> None:
    if view.gang is not None:
        site().jobs.cancel(view.gang.job)


async def _scanned(view: _View, text: str) -> None:
    """What a scanned text means: somebody's badge, an order to begin, or a unit."""
    is_idle = view.job is None or view.job.state.is_over
    found = await asyncio.to_thread(look_up, text, view.gang, viewer(), is_idle=is_idle)
    if found.kind == "order":
        view.pane.set_order(found.value)
    elif found.kind == "operator":
        view.pane.set_operator(found.value)
    kind = {"unknown": "warning", "slot": "info", "record": "info"}.get(found.kind, "positive")
    said = either(found.text.en, found.text.zh)
    ui.notify(said, type=kind, position="top", timeout=5000, classes="m-notice g-heard")  # type: ignore[arg-type]


def _how_it_ended(job: JobView) -> None:
    facts = {"at": moment(job.started_at), "passed": job.result.get("passed", 0), "units": job.result.get("units", 0)}
    kind = {JobState.DONE: "done", JobState.CANCELLED: "cancelled", JobState.INTERRUPTED: "interrupted"}
    ui.label(t(f"gang.over.{kind.get(job.state, 'failed')}", **facts))
    if job.error is not None:
        ui.label(either(**job.error["message"])).classes("m-strong")
        ui.label(f"{either(**job.error['hint'])} ({job.error['code']})")
