"""More modules: of a model, or as a scenario file describes them; and taking all of them down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from nicegui import ui

from moduline.errors import ModulineError
from moduline.profiles import catalog
from moduline.testing.rack_setup import Setup, bring_up, bring_up_scenario, free_numbers
from moduline.vmodule import rack_client
from moduline.web import host_files
from moduline.web.feedback import answered, ask, guarded, show_error, told
from moduline.web.file_dialog import choose_file
from moduline.web.jobs import Job, JobState, JobView, job_panel, start_job
from moduline.web.site import site
from moduline.web.studio.rack_module import Shown
from moduline.web.texts import t, text
from moduline.web.widgets import row, table

JOB: Final = "rack"
MOST: Final = 64
FIRST_MODEL: Final = "ec600u"
PAGE: Final = "/studio/rack"


def bring_up_bar(modules: Callable[[], Sequence[Shown]], refresh: Callable[[], Awaitable[Any]]) -> None:
    """The buttons above the cards, and the progress of what they began.

    Args:
        modules: those that are up now.
        refresh: called when there are more or fewer.
    """
    progress = ui.element("div").classes("m-stack")

    def watch(job_id: str) -> None:
        progress.clear()
        with progress:
            job_panel(job_id, with_log=False, on_end=ended)

    async def ended(view: JobView) -> None:
        if view.state is JobState.DONE:
            progress.clear()
        await refresh()

    with row("m-rack-bar"):
        ui.button(t("rack.more"), icon="add", on_click=guarded(lambda: _more(modules(), watch))).props(
            'unelevated data-testid="rack-more"'
        )
        ui.button(t("rack.scenario"), icon="theater_comedy", on_click=guarded(lambda: _scenario(watch))).props(
            'outline data-testid="rack-scenario"'
        )
        ui.button(
            t("rack.take_down_all"), icon="power_off", on_click=guarded(lambda: _all_down(modules(), refresh))
        ).props('outline data-testid="rack-down"')
    running = site().jobs.latest(JOB)
    if running is not None and not running.state.is_over:
        watch(running.id)


async def _more(modules: Sequence[Shown], watch: Callable[[str], None]) -> None:
    """Ask which modules, and bring them up."""
    choices = {slug: _model_words(slug) for slug in catalog.modules()}
    with ui.dialog() as dialog, ui.card().classes("m-dialog"):
        dialog.props(f'aria-label="{t("rack.more_title")}"')
        ui.label(t("rack.more_title")).classes("m-strong m-dialog-title")
        model = ui.select(choices, value=FIRST_MODEL, label=t("rack.more_model"), with_input=True).props(
            'outlined data-testid="more-model"'
        )
        count = ui.number(t("rack.more_count"), value=1, min=1, max=MOST, precision=0).props(
            'outlined data-testid="more-count"'
        )
        is_blank = ui.checkbox(t("rack.more_blank"))
        is_off = ui.checkbox(t("rack.more_off"))
        is_realistic = ui.checkbox(t("rack.more_realistic"))
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.cancel"), on_click=lambda: dialog.submit(False)).props("flat")
            ui.button(t("rack.more_act"), on_click=lambda: dialog.submit(True)).props(
                'unelevated data-testid="more-act"'
            )
    if await answered(dialog) and model.value:
        setup = Setup(
            str(model.value),
            is_off=bool(is_off.value),
            is_blank=bool(is_blank.value),
            is_realistic=bool(is_realistic.value),
        )
        rack = site().options.rack
        numbers = free_numbers([one.facts for one in modules if one.rack == rack], int(count.value or 1))

        async def work(job: Job) -> dict[str, Any]:
            del job
            made = await asyncio.to_thread(bring_up, rack, setup, numbers)
            return {"modules": [one["name"] for one in made]}

        said = text("rack.more_job")
        facts = {"count": len(numbers), "model": setup.module}
        title = type(said)(said.say("en", **facts), said.say("zh", **facts))
        watch(start_job(JOB, title, work, key=rack, page=PAGE, alone=True))


def _model_words(slug: str) -> str:
    module = catalog.module(slug)
    return f"{slug} · {module.identity.variant}"


async def _scenario(watch: Callable[[str], None]) -> None:
    """Have a scenario file chosen, show what it says, and bring it up."""
    path = await choose_file((".toml",))
    if path is None:
        return
    from moduline.vmodule import scenario as scenarios  # takes its time; other pages come sooner without

    data = await asyncio.to_thread(host_files.read, path)
    whole = host_files.resolve(path)
    scenario = await asyncio.to_thread(scenarios.read_scenario, data, whole)
    with ui.dialog() as dialog, ui.card().classes("m-dialog"):
        dialog.props(f'aria-label="{t("rack.scenario_title")}"')
        ui.label(t("rack.scenario_title")).classes("m-strong m-dialog-title")
        ui.label(scenario.title or path)
        table(
            (t("rack.model"), t("rack.slot"), t("rack.faults"), t("rack.scenario_story")),
            [
                (
                    f"{one.name} · {one.module}",
                    one.slot or f"A{one.number}",
                    " ".join(one.faults) or "–",
                    " ".join(f"{entry.at_s:g} s {entry.fault}" for entry in one.timeline) or "–",
                )
                for one in scenario.modules
            ],
            caption=t("rack.scenario_title"),
        )
        ui.label(t("rack.scenario_about")).classes("m-muted")
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.cancel"), on_click=lambda: dialog.submit(False)).props("flat")
            ui.button(t("rack.more_act"), on_click=lambda: dialog.submit(True)).props(
                'unelevated data-testid="scenario-act"'
            )
    if await answered(dialog):
        rack = site().options.rack

        async def work(job: Job) -> dict[str, Any]:
            del job
            made = await asyncio.to_thread(bring_up_scenario, data, whole, rack, is_off=False, is_kept=False)
            return {"modules": [one["name"] for one in made]}

        said = text("rack.scenario_job")
        title = type(said)(said.say("en", file=path), said.say("zh", file=path))
        watch(start_job(JOB, title, work, key=rack, page=PAGE, alone=True))


async def _all_down(modules: Sequence[Shown], refresh: Callable[[], Awaitable[Any]]) -> None:
    """Take every rack down, after a question."""
    if not modules:
        told("rack.none")
        return
    question = t("rack.take_down_all_ask", count=len(modules))
    if not await ask(question, t("rack.take_down_all"), about=t("rack.take_down_about"), is_dangerous=True):
        return
    for rack in dict.fromkeys(one.rack for one in modules):
        await asyncio.to_thread(rack_client.take_down, rack)
    told("rack.taken_down", names=", ".join(one.name for one in modules))
    await refresh()


async def take_one_down(shown: Shown, *, is_deleting: bool) -> bool:
    """Take a module down, after a question; whether it is down."""
    slug = "rack.delete" if is_deleting else "rack.take_down"
    about = t("rack.delete_about" if is_deleting else "rack.take_down_about")
    if not await ask(t("rack.take_down_one_ask", name=shown.name), t(slug), about=about, is_dangerous=True):
        return False
    try:
        await asyncio.to_thread(rack_client.take_down, shown.rack, shown.name, is_deleting=is_deleting)
    except ModulineError as failure:
        show_error(failure)
        return False
    return True
