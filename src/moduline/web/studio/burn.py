"""The page "Burn": module, package, options, the plan, and then the burn itself.

``/studio/burn?port=ADDRESS&file=PATH`` has both chosen; ``&job=ID`` shows a burn that runs or has run. What is chosen
stands in the address of the page, so a reload shows the same.
"""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlencode

from nicegui import ui

from moduline import burn as burning
from moduline.burn import Order
from moduline.errors import ModulineError, NoSuchObject, Text
from moduline.events import Notice
from moduline.web import host_files
from moduline.web.feedback import ask, error_card, guarded
from moduline.web.file_dialog import choose_file
from moduline.web.jobs import Job, JobView, start_job
from moduline.web.jobs.panel import job_chip
from moduline.web.shell import page, style
from moduline.web.site import site
from moduline.web.studio.burn_module import LOOK_S, ModuleChoice
from moduline.web.studio.burn_options import OptionsForm, Wishes
from moduline.web.studio.burn_panel import BurnPanel
from moduline.web.studio.burn_plan import draw_plan
from moduline.web.studio.burn_story import planned_steps
from moduline.web.texts import t, text
from moduline.web.viewer import viewer
from moduline.web.widgets import empty, facts, moment, section

KIND: Final = "burn"
PATH: Final = "/studio/burn"
SUFFIXES: Final = (".zip", ".pac", ".bin", ".binpkg")
LAST_SHOWN: Final = 8


@page("/studio/burn")
async def burn_page(port: str = "", file: str = "", job: str = "") -> None:
    """Write a package to one module."""
    style("burn.css")
    desk = _Desk(port, file)
    desk.build(_job_to_show(job))
    await desk.begin()


def _job_to_show(wanted: str) -> JobView | None:
    """The burn that the address names, else one that runs now."""
    if wanted:
        try:
            return site().jobs.view(wanted)
        except NoSuchObject:
            return None
    newest = site().jobs.latest(KIND)
    return newest if newest is not None and not newest.state.is_over else None


class _Desk:
    """What is chosen, and what follows from it.

    Args:
        port: address of a module.
        file: path of a package below the root.
    """

    def __init__(self, port: str, file: str) -> None:
        self._port = port
        self._file = file
        self._job = ""
        self._order: Order | None = None
        self._asked = 0
        self._module: ModuleChoice
        self._options: OptionsForm

    def build(self, view: JobView | None) -> None:
        """Draw everything."""
        self._progress = ui.element("div").classes("m-stack")
        if view is not None:
            self._watch(view)
        with ui.element("div").classes("m-burn-top"):
            self._module = ModuleChoice(self._port, self._changed)
            with section(t("burn.package")) as card:
                card.props('data-testid="burn-package"')
                self._package = ui.element("div").classes("m-stack")
                self._choose = ui.button(t("burn.choose"), icon="folder_open", on_click=guarded(self._choose_file))
                self._choose.props('outline data-testid="burn-choose"')
        self._options = OptionsForm(self._changed)
        with section(t("burn.plan")) as card:
            card.props('data-testid="burn-plan"')
            self._plan = ui.element("div").classes("m-stack")
            with ui.element("div").classes("m-burn-act m-row"):
                self._act = ui.button(t("burn.act"), icon="bolt", on_click=guarded(self._burn))
                self._act.props('unelevated data-testid="burn-act"')
                self._missing = ui.label().classes("m-muted")
        self._last = ui.element("div")
        self._show_last()

    async def begin(self) -> None:
        """Show what is so now, and go on."""
        await self._options.fill()
        await self._module.look()
        await self._changed()
        ui.timer(LOOK_S, self._module.look, immediate=False)

    # ---- choosing ------------------------------------------------------------------------------------------------

    async def _choose_file(self) -> None:
        start = str(PurePosixPath(self._file).parent).removeprefix(".") if self._file else ""
        path = await choose_file(SUFFIXES, start)
        if path is not None:
            self._file = path
            await self._changed()

    async def _changed(self) -> None:
        """Something was chosen: work the plan out anew, and keep the choice in the address."""
        self._asked += 1
        mine, self._order = self._asked, None
        self._port = self._module.address
        self._remember()
        self._show_act()
        try:
            order = await asyncio.to_thread(_made, self._options.wishes, self._file, viewer().name)
        except ModulineError as failure:
            if mine == self._asked:
                self._show_package(None)
                self._plan.clear()
                with self._plan:
                    error_card(failure)
            return
        if mine != self._asked:
            return
        self._order = order
        self._show_package(order)
        self._plan.clear()
        with self._plan:
            if order is None:
                empty("checklist", t("burn.plan_none"))
            else:
                draw_plan(order, self._module.chosen)
        self._show_act()

    def _show_package(self, order: Order | None) -> None:
        self._choose.set_text(t("burn.choose_other" if self._file else "burn.choose"))
        self._package.clear()
        with self._package:
            if not self._file:
                empty("inventory_2", t("burn.package_none"), t("burn.package_hint"))
                return
            rows: list[tuple[str, object]] = [(t("burn.file"), self._file)]
            if order is not None:
                rows.append(("SHA-256", order.sha256))
            facts(rows)

    def _show_act(self) -> None:
        is_ready = self._order is not None and bool(self._module.address)
        self._act.set_enabled(is_ready)
        lacks = "" if is_ready else t("burn.missing_module" if self._file else "burn.package_none")
        self._missing.set_text(lacks)

    def _remember(self) -> None:
        given = {"port": self._port, "file": self._file, "job": self._job}
        query = urlencode({name: value for name, value in given.items() if value})
        ui.navigate.history.replace(f"{PATH}?{query}" if query else PATH)

    # ---- burning -------------------------------------------------------------------------------------------------

    async def _burn(self) -> None:
        order, address = self._order, self._module.address
        if order is None or not address:
            return
        question = t("burn.ask", file=order.package, module=address)
        warning = t("burn.ask_about")
        if order.restore_nv is not None:
            warning = f"{t('burn.nv_warning', imei=order.restore_nv.imei)} {warning}"
        if not await ask(question, t("burn.act"), about=warning, is_dangerous=order.restore_nv is not None):
            return
        said = text("burn.job")
        names = {"file": order.package, "module": address}
        title = Text(said.say("en", **names), said.say("zh", **names))
        job = start_job(KIND, title, _work(address, order), key=address, page=PATH, alone=True)
        self._job = job
        self._remember()
        self._watch(site().jobs.view(job))
        self._show_last()
        ui.run_javascript("window.scrollTo({top: 0, behavior: 'smooth'})")

    def _watch(self, view: JobView) -> None:
        self._job = view.id
        self._progress.clear()
        with self._progress:
            BurnPanel(view)

    def _show_last(self) -> None:
        self._last.clear()
        views = [one for one in site().jobs.views(KIND) if one.state.is_over][:LAST_SHOWN]
        if not views:
            return
        lang = viewer().lang
        with self._last, section(t("burn.last")), ui.element("ul").classes("m-burn-last"):
            for one in views:
                with ui.element("li").classes("m-row"):
                    job_chip(one)
                    ui.link(one.title.say(lang), f"{PATH}?job={one.id}").classes("m-grow")
                    ui.label(moment(one.started_at)).classes("m-muted m-small")


def _made(wishes: Wishes, file: str, operator: str) -> Order | None:
    """The order for a file; None when none is chosen."""
    return wishes.order(host_files.read(file), PurePosixPath(file).name, operator) if file else None


def _work(address: str, order: Order) -> Any:
    """The job: burn, keep the record with it, fail with its error."""

    async def work(job: Job) -> dict[str, Any]:
        plan = {"steps": planned_steps(order.plan), "bytes": order.plan.write_bytes}
        job.tell(Notice("burn.plan", facts=plan))
        record = await burning.run_job(address, order, report=job.tell)
        job.tell(Notice("burn.record", facts=record.as_json()))
        record.raise_error()
        if not record.is_pass:
            raise RuntimeError(record.error_message or record.outcome)
        return {"record": record.id, "imei": record.imei, "version": record.version_after}

    return work
