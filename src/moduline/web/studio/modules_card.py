"""One module on the page "Modules and ports": what it is, its ports, and what can be done with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote

from nicegui import ui

from moduline.errors import NoAnswer, Text
from moduline.line.rescue_ways import ways_to
from moduline.port.connected import ConnectedModule
from moduline.remote import identify, plan_rescue, reach, rescue, stop
from moduline.remote.rescue import STEPS
from moduline.web.feedback import ask, guarded, told
from moduline.web.jobs import job_panel, start_job
from moduline.web.studio import modules_known
from moduline.web.studio.modules_known import Said
from moduline.web.texts import TABLE, t, text
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, copy_button
from moduline.web.work.job import JobState, JobView
from moduline.web.work.runner import Job

CHIPS: Final = {"running": "good", "booting": "busy", "download": "info", "off": "idle", "silent": "warn"}
ICONS: Final = {"download": "download", "silent": "volume_off"}


def role_words(role: str) -> str:
    """What a port is for."""
    return t(f"modules.role.{role}") if f"modules.role.{role}" in TABLE else role.upper()


def title_of(module: ConnectedModule) -> str:
    """What a module is called on pages."""
    if module.name:
        return module.name
    return module.slot or t("modules.unnamed", place=module.place)


class ModuleCard:
    """A module on the page. What it says of itself is drawn anew, never what can be pressed: a click is not lost.

    Args:
        module: as it is; another state of it needs another card.
        on_news: called when it said something.
    """

    def __init__(self, module: ConnectedModule, on_news: Callable[[], Any]) -> None:
        self.module = module
        self._said: Said | None = None
        name = title_of(module)
        with ui.element("section").classes("m-card modules-card") as self.element:
            self.element.props(f'role="listitem" data-testid="module" data-module="{name}" aria-label="{name}"')
            with ui.element("div").classes("m-row modules-head"):
                if module.slot:
                    ui.label(module.slot).classes("modules-slot").props(f'title="{t("modules.slot")}"')
                ui.html(f"<h2>{_plain(name)}</h2>", sanitize=False)
                ui.label(t("modules.virtual" if module.is_virtual else "modules.real")).classes("modules-kind")
                ui.element("div").classes("m-space")
                self._chip = ui.element("div")
            self._facts = ui.element("dl").classes("m-facts")
            _ports(module, name)
            _acts(module, name, on_news)
        self.show()

    def show(self) -> None:
        """Say what the module has said by now."""
        said = modules_known.said_by(self.module)
        if said == self._said:
            return
        self._said = said
        state = "silent" if said.is_silent else self.module.state
        self.element.props(f'data-state="{state}"')
        self._chip.clear()
        with self._chip:
            chip(CHIPS[state], t(f"modules.state.{state}"), icon=ICONS.get(state, ""))
        self._facts.clear()
        with self._facts:
            _facts(self.module, said)


def _facts(module: ConnectedModule, said: Said) -> None:
    unknown = t("modules.hidden" if module.state == "download" else "modules.not_asked")
    rows = [
        (t("modules.model"), said.model or module.model, False),
        ("IMEI", said.imei or module.imei, True),
        (t("modules.version"), said.version, False),
        (t("modules.slot"), f"{module.rack} / {module.slot}" if module.slot else "", False),
        (t("modules.place"), module.place, False),
        (t("modules.address"), module.address, True),
    ]
    for title, value, can_copy in rows:
        if not value and title == t("modules.slot"):
            continue
        with ui.element("dt"):
            ui.label(title)
        with ui.element("dd").classes("modules-value"):
            ui.label(value or unknown).classes("m-mono" if can_copy and value else "" if value else "m-muted")
            if can_copy and value:
                copy_button(value, t("modules.copy_what", what=title))


def _ports(module: ConnectedModule, name: str) -> None:
    box = ui.element("div").classes("m-table-box")
    box.props(f'tabindex="0" role="region" aria-label="{_plain(t("modules.ports", name=name))}"')
    with box, ui.element("table").classes("m-table modules-ports"), ui.element("tbody"):
        for port in module.ports:
            with ui.element("tr").props(f'data-role="{port.role}"'):
                with ui.element("th").props('scope="row"'):
                    ui.label(role_words(port.role))
                with ui.element("td").classes("m-mono"):
                    ui.label(port.path).classes("modules-path").props(f'title="{port.path}"')
                with ui.element("td").classes("modules-copy"):
                    copy_button(port.path, t("modules.copy_what", what=port.path))


def _acts(module: ConnectedModule, name: str, on_news: Callable[[], Any]) -> None:
    has_repl, has_at = module.port("repl") is not None, module.port("at") is not None
    pages = [
        ("terminal", "/studio/terminal", "terminal", has_repl),
        ("files", "/studio/files", "folder_open", has_repl),
        ("burn", "/studio/burn", "bolt", True),
        ("at", "/studio/at", "settings_ethernet", has_at),
    ]
    with ui.element("div").classes("m-row modules-acts"):
        for slug, path, icon, is_there in pages:
            if not is_there:
                continue
            page = t(f"modules.go.{slug}")
            with ui.element("a").classes("modules-go") as link:
                link.props(f'href="{path}?port={quote(module.address, safe=":")}" data-testid="go-{slug}"')
                link.props(f'aria-label="{_plain(t("modules.go_what", page=page, name=name))}"')
                ui.icon(icon).props("aria-hidden=true")
                ui.label(page)
    with ui.element("div").classes("m-row modules-acts"):
        if has_at or has_repl:
            ui.button(t("modules.identify"), icon="badge", on_click=_acting(lambda: _identify(module, on_news))).props(
                'flat dense data-testid="identify"'
            )
        if has_repl:
            ui.button(t("modules.stop"), icon="front_hand", on_click=_acting(lambda: _stop(module, name))).props(
                'flat dense data-testid="stop"'
            )
            ui.button(t("modules.rescue"), icon="support", on_click=_acting(lambda: _rescue(module, name))).props(
                'flat dense data-testid="rescue"'
            )


def _acting(act: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """What a control of a card does, on the page itself: the card may be drawn anew meanwhile."""
    client = ui.context.client

    async def done() -> None:
        with client.content:
            await guarded(act)()

    return done


async def _identify(module: ConnectedModule, on_news: Callable[[], Any]) -> None:
    try:
        found = await identify(module.address)
    except NoAnswer:
        modules_known.keep(module, Said(is_silent=True))
        on_news()
        raise
    modules_known.keep(module, Said(found.model, found.imei, found.version))
    told("modules.identified", model=found.model, imei=found.imei, version=found.version, via=found.via.upper())
    on_news()


async def _stop(module: ConnectedModule, name: str) -> None:
    if not await ask(t("modules.stop_ask", name=name), t("modules.stop"), about=t("modules.stop_about")):
        return
    ended = await stop(await reach.open_stream(module.address, "repl"))
    told("modules.stopped" if ended else "modules.at_prompt", name=name)


async def _rescue(module: ConnectedModule, name: str) -> None:
    """The plan first, then the rescue itself as a job."""
    lang = viewer().lang
    ways = await asyncio.to_thread(ways_to, module.address)
    with ui.dialog() as dialog, ui.card().classes("m-dialog").props('data-testid="rescue-dialog"'):
        dialog.props(f'aria-label="{_plain(t("modules.rescue_title", name=name))}"')
        ui.label(t("modules.rescue_title", name=name)).classes("m-strong m-dialog-title")
        ui.label(t("modules.rescue_about"))
        steps = ui.element("ol").classes("modules-steps")
        unsure = ui.label(t("modules.rescue_unsure")).classes("m-muted")
        keep = ui.checkbox(t("modules.rescue_keep"))
        shown = ui.element("div")

        def draw() -> None:
            plan = plan_rescue(ways, renames=not keep.value)
            steps.clear()
            with steps:
                for step in plan.steps:
                    with ui.element("li"):
                        ui.label(STEPS[step].say(lang))
            unsure.set_visibility(not plan.has_surer)

        def go() -> None:
            plan = plan_rescue(ways, renames=not keep.value)

            async def work(job: Job) -> dict[str, Any]:
                done = await rescue(ways, plan, job.report)
                return {"freed_by": done.freed_by, "renamed_to": done.renamed_to}

            job_id = start_job(
                "rescue",
                Text(text("modules.rescue_job").say("en", address=ways.address),
                     text("modules.rescue_job").say("zh", address=ways.address)),
                work, key=module.place, page="/studio", alone=True,
            )  # fmt: skip
            acts.delete()
            keep.disable()
            with shown:
                job_panel(job_id, on_end=_say_rescued)

        keep.on_value_change(draw)
        draw()
        with ui.row().classes("m-dialog-acts") as acts:
            ui.button(t("shell.cancel"), on_click=dialog.close).props("flat")
            ui.button(t("modules.rescue_go"), on_click=guarded(go)).props('unelevated data-testid="rescue-go"')
        ui.button(t("shell.close"), on_click=dialog.close).props("flat").classes("modules-close")
    dialog.on("hide", dialog.delete)
    dialog.open()


def _say_rescued(view: JobView) -> None:
    if view.state is not JobState.DONE:
        return
    path = view.result.get("renamed_to", "")
    with ui.element("div").classes("m-row"):
        chip("good", t("modules.rescued_renamed", path=path) if path else t("modules.rescued"))


def _plain(words: str) -> str:
    return words.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
