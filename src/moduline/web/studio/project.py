"""The page "Project": create, choose the firmware, add files, tick encrypt and backup, merge - in that order."""

from __future__ import annotations

import asyncio
import html
import json
import posixpath
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from nicegui import ui
from nicegui.events import GenericEventArguments

from moduline.errors import BadOption, ModulineError, Text
from moduline.image import ticks as ticking
from moduline.image.project import SETTINGS_NAME
from moduline.image.remarks import ERROR, Remark, errors_of
from moduline.image.settings_text import Value
from moduline.package import read_package
from moduline.profiles import catalog
from moduline.release import editing, keeping
from moduline.release.examine import AreaUse, Examined, examine
from moduline.web import host_files
from moduline.web.feedback import error_card, guarded
from moduline.web.file_dialog import choose_file
from moduline.web.jobs import JobState, JobView, job_panel, start_job
from moduline.web.shell import page, script, style
from moduline.web.site import site
from moduline.web.studio import files_brought, project_works
from moduline.web.studio.files_asking import ask_about
from moduline.web.studio.files_editor import edit
from moduline.web.studio.files_sides import HostSide
from moduline.web.studio.project_result import burn_address, result_card
from moduline.web.studio.project_start import module_names, start_screen
from moduline.web.studio.project_table import TicksTable
from moduline.web.studio.project_trial import Trial
from moduline.web.texts import t, text
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, facts, row, size

PACKAGES = (".zip", ".bin", ".pac", ".binpkg")


@page("/studio/project")
async def project_page(dir: str = "", base: str = "") -> None:  # noqa: A002  as the address says
    """Scripts plus stock firmware give a production package."""
    style("files.css")
    style("project.css")
    script("files.js")
    if not dir:
        await start_screen()
        return
    await ProjectPage(dir.strip("/"), base.strip("/")).show()


@dataclass(frozen=True, slots=True)
class BaseFacts:
    """What the page says about a stock package."""

    model: str
    version: str
    bytes: int


class ProjectPage:
    """An open project.

    Args:
        folder: of it, below the Studio's folder.
        base: stock package; empty: that of the last merge, if any.
    """

    def __init__(self, folder: str, base: str) -> None:
        self.folder = folder
        self._key = folder
        last = site().jobs.latest(project_works.BUILD, folder)
        self._base = base or (str(last.result.get("base", "")) if last is not None else "")
        self._examined: Examined | None = None
        self._changing = asyncio.Lock()

    async def show(self) -> None:
        """Draw everything.

        Raises:
            ModulineError: there is no such folder.
        """
        if not host_files.resolve(self.folder).is_dir():
            host_files.listing(self.folder)  # says why
        with row():
            ui.icon("inventory_2").props("aria-hidden=true")
            ui.label(f"/{self.folder}").classes("m-strong m-mono m-grow").props('data-testid="project-folder"')
            ui.link(t("project.in_files"), f"/studio/files?at={quote(self.folder)}")
            ui.link(t("project.others"), "/studio/project")
        with ui.element("div").classes("m-two project-steps"):
            with _step(1, t("project.step_project")):
                self._about = ui.element("div").classes("m-stack")
            with _step(2, t("project.step_base")):
                self._shown_base = ui.element("div").classes("m-stack").props('data-testid="project-base"')
        with _step(3, t("project.step_files"), about=t("project.step_files_about")) as box:
            box.props('data-pane="project" data-at=""')
            self._file_tools()
            self._table = TicksTable(self._change, self._open, self._remove)
            self._skipped = ui.element("div")
            self._bringing = ui.element("div").classes("m-stack")
        with ui.element("div").classes("m-two project-steps"):
            with _step(0, t("project.step_checks")):
                self._checks = ui.element("div").classes("m-stack").props('data-testid="project-checks" role="status"')
            with _step(0, t("project.step_sizes")):
                self._sizes = ui.element("div").classes("m-stack").props('data-testid="project-sizes"')
        self._merge_section()
        self._trial = Trial(self.folder)
        ui.on("files_bring", guarded(self._brought))
        await self.refresh()
        await self._draw_base()

    # ---- the project --------------------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Look at the folder again and show what it is now."""
        for box in (self._about, self._checks, self._sizes, self._skipped):
            box.clear()
        try:
            found = await asyncio.to_thread(examine, host_files.resolve(self.folder))
        except ModulineError as failure:
            self._examined = None
            with self._checks:
                error_card(failure)
                self._open_settings()
            return
        self._examined = found
        for box in (self._about, self._checks, self._sizes, self._skipped):
            box.clear()
        self._table.update(ticking.ticks(found.project, found.settings, found.convention.entry_file))
        with self._about:
            self._draw_about(found)
        with self._checks:
            self._draw_checks(found)
        with self._sizes:
            self._draw_sizes(found)
        if found.project.skipped:
            with self._skipped, ui.expansion(t("project.skipped", count=len(found.project.skipped)), icon="block"):
                facts((one.path, one.reason.say(viewer().lang)) for one in found.project.skipped)

    def _draw_about(self, found: Examined) -> None:
        facts([(t("project.name"), found.project.name or "-"), (t("project.makes"), found.project.title or "-")])
        with row():
            version = ui.input(t("project.version"), value=found.project.version).props(
                'outlined dense data-testid="project-version"'
            )
            version.on("blur", guarded(lambda: self._set_version(version.value or "")))
            version.on("keydown.enter", guarded(lambda: self._set_version(version.value or "")))
            ui.select(
                {"": t("project.module_by_base")} | module_names(),
                value=found.settings.module,
                label=t("project.module"),
                on_change=guarded(lambda event: self._change({"module": event.value or None})),
            ).props('outlined dense options-dense data-testid="project-module"').classes("m-grow")
        self._open_settings()

    def _open_settings(self) -> None:
        if (host_files.resolve(self.folder) / SETTINGS_NAME).is_file():
            ui.button(SETTINGS_NAME, icon="settings", on_click=guarded(lambda: self._open(SETTINGS_NAME))).props(
                'flat dense no-caps data-testid="project-settings"'
            ).classes("project-settings")

    async def _set_version(self, value: str) -> None:
        found = self._examined
        if found is None or not value or value == found.project.version:
            return
        entry = found.convention.entry_file
        origin = found.project.origins.get(entry, entry)
        name = found.convention.version_constant
        await asyncio.to_thread(editing.set_version, host_files.resolve(self.folder), origin, name, value.strip())
        await self.refresh()

    async def _change(self, changes: dict[str, Value]) -> None:
        async with self._changing:
            try:
                await asyncio.to_thread(editing.change_settings, host_files.resolve(self.folder), changes)
            finally:
                await self.refresh()

    def _draw_checks(self, found: Examined) -> None:
        if found.module is None:
            ui.label(t("project.no_module")).classes("m-muted")
        if not found.remarks and found.too_big is None:
            chip("good", t("project.sound"))
        if found.too_big is not None:
            error_card(found.too_big)
        with ui.element("ul").classes("project-findings"):
            for one in (*errors_of(found.remarks), *(one for one in found.remarks if one.severity != ERROR)):
                self._finding(one)

    def _finding(self, one: Remark) -> None:
        lang = viewer().lang
        is_error = one.severity == ERROR
        with ui.element("li"):
            with row():
                chip("bad" if is_error else "warn", t("project.error" if is_error else "project.notice"))
                place = f"{one.path}:{one.line}" if one.line else one.path
                if host_files.resolve(f"{self.folder}/{one.path}").is_file():
                    ui.button(place, on_click=guarded(lambda: self._open(one.path, one.line))).props(
                        f'flat dense no-caps data-testid="finding-{one.slug}"'
                    ).classes("m-mono")
                else:
                    ui.label(place).classes("m-mono")
            ui.label(one.reason.say(lang, **one.facts))
            ui.label(one.remedy.say(lang, **one.facts)).classes("m-muted")

    def _draw_sizes(self, found: Examined) -> None:
        facts(
            [
                (t("project.file_count"), str(len(found.project.tree.files()))),
                (t("project.content"), size(found.project.tree.content_bytes)),
            ]
        )
        for area in found.areas:
            _meter(area)
        if not found.areas:
            ui.label(t("project.no_sizes")).classes("m-muted")

    # ---- files --------------------------------------------------------------------------------------------------

    def _file_tools(self) -> None:
        with row():
            ui.button(t("project.add"), icon="add", on_click=lambda: self._pick(is_folder=False)).props(
                'unelevated data-testid="project-add"'
            )
            ui.button(
                t("project.add_folder"), icon="drive_folder_upload", on_click=lambda: self._pick(is_folder=True)
            ).props('outline data-testid="project-add-folder"')
            ui.button(t("project.choose"), icon="folder_open", on_click=guarded(self._choose)).props(
                'outline data-testid="project-choose"'
            )

    def _pick(self, *, is_folder: bool) -> None:
        ui.run_javascript(f"moduFiles.pick('project', '', {json.dumps(is_folder)})")

    async def _choose(self) -> None:
        path = await choose_file(start="")
        if path is None:
            return
        name = posixpath.basename(path)
        folder = host_files.resolve(self.folder)
        if editing.place_for(folder, name).exists() and not await self._may_replace([name]):
            return
        await asyncio.to_thread(lambda: editing.add_file(folder, name, host_files.read(path)))
        await self.refresh()

    async def _brought(self, event: GenericEventArguments) -> None:
        batch = str(event.args.get("batch", ""))
        folder = host_files.resolve(self.folder)
        try:
            items = files_brought.announced(event.args.get("items"))
            there = [path for path, _ in items if editing.place_for(folder, path).exists()]
            if there and not await self._may_replace(there):
                ui.run_javascript(f"moduFiles.drop({json.dumps(batch)})")
                return
            files_brought.expect(batch, viewer().account, items)
        except ModulineError:
            ui.run_javascript(f"moduFiles.drop({json.dumps(batch)})")
            raise
        target = host_files.shown(editing.place_for(folder, "x").parent)
        work = files_brought.bring_work(batch, target, "")
        job = start_job(files_brought.BRING, text("project.job_add"), work, key=self._key, page=self._address)
        with self._bringing:
            job_panel(job, on_end=self._has_brought, with_log=False)
        ui.run_javascript(f"moduFiles.send({json.dumps(batch)})")

    def _has_brought(self, view: JobView) -> None:
        async def done() -> None:
            if view.state is JobState.DONE:
                self._bringing.clear()
            await self.refresh()

        with ui.context.client:
            ui.timer(0.05, done, once=True)

    async def _may_replace(self, names: list[str]) -> bool:
        return await ask_about(
            t("files.replace_what", count=len(names)), t("files.replace"), names, about=t("files.for_good")
        )

    async def _open(self, origin: str, line: int = 0) -> None:
        await edit(HostSide(), f"{self.folder}/{origin}", line=line, on_saved=self.refresh)

    async def _remove(self, path: str) -> None:
        if not await ask_about(
            t("files.remove_what", count=1), t("files.do.remove"), [path], about=t("files.for_good")
        ):
            return
        found = self._examined
        if found is None:
            return
        files = ticking.ticks(found.project, found.settings, found.convention.entry_file)
        try:
            await asyncio.to_thread(editing.remove_file, host_files.resolve(self.folder), files, path)
        finally:
            await self.refresh()

    # ---- firmware and merge -------------------------------------------------------------------------------------

    async def _draw_base(self) -> None:
        self._shown_base.clear()
        with self._shown_base:
            if self._base:
                await self._base_facts()
            else:
                ui.label(t("project.no_base")).classes("m-muted")
            with row():
                ui.button(t("project.choose_base"), icon="folder_open", on_click=guarded(self._choose_base)).props(
                    'unelevated data-testid="project-choose-base"'
                )
                ui.button(t("project.stock_base"), icon="developer_board", on_click=guarded(self._stock_base)).props(
                    'outline data-testid="project-stock-base"'
                )

    async def _base_facts(self) -> None:
        ui.label(f"/{self._base}").classes("m-strong m-mono m-grow").props('data-testid="project-base-path"')
        try:
            found = await asyncio.to_thread(_look_at_base, self._base)
        except ModulineError as failure:
            error_card(failure)
            return
        facts(
            [
                (t("project.model"), found.model or "-"),
                (t("project.firmware"), found.version or "-"),
                (t("project.bytes"), size(found.bytes)),
            ]
        )
        module = self._examined.settings.module if self._examined is not None else ""
        told_by_base = catalog.module_of_model(found.model)
        if module and told_by_base is not None and told_by_base.slug != module:
            chip("warn", t("project.other_module", module=module))

    async def _choose_base(self) -> None:
        path = await choose_file(PACKAGES)
        if path is not None:
            await self._take_base(path)

    async def _stock_base(self) -> None:
        found = self._examined
        module = found.module.slug if found is not None and found.module is not None else ""
        if not module:
            raise BadOption(name=t("project.module"), reason=text("project.stock_needs_module"))
        await self._take_base(await asyncio.to_thread(project_works.stock_firmware, module))

    async def _take_base(self, path: str) -> None:
        self._base = path
        ui.navigate.history.replace(f"{self._address}&base={quote(path)}")
        await self._draw_base()

    @property
    def _address(self) -> str:
        return f"/studio/project?dir={quote(self.folder)}"

    def _merge_section(self) -> None:
        with _step(4, t("project.step_merge"), about=t("project.step_merge_about")):
            with row():
                self._to = ui.input(t("project.to"), value=project_works.OUT_FOLDER).props(
                    'outlined dense data-testid="project-to"'
                )
                ui.button(t("project.merge"), icon="merge", on_click=guarded(self._merge)).props(
                    'unelevated data-testid="project-merge"'
                )
            self._building = ui.element("div").classes("m-stack")
        last = site().jobs.latest(project_works.BUILD, self._key)
        if last is not None:
            self._show_build(last.id, is_fresh=not last.state.is_over)

    async def _merge(self) -> None:
        if not self._base:
            raise BadOption(name=t("project.step_base"), reason=text("project.no_base"))
        work = project_works.build_work(self.folder, self._base, (self._to.value or "").strip().strip("/"))
        title = Text(f"Merge {self.folder}", f"合并 {self.folder}")
        async with self._changing:  # what was ticked a moment ago is written first
            job = start_job(project_works.BUILD, title, work, key=self._key, page=self._address, alone=True)
        self._show_build(job, is_fresh=True)

    def _show_build(self, job: str, *, is_fresh: bool) -> None:
        self._building.clear()
        with self._building:
            job_panel(job, on_end=lambda view: self._built(view, is_fresh=is_fresh))
            self._result = ui.element("div")

    def _built(self, view: JobView, *, is_fresh: bool) -> None:
        if view.state is not JobState.DONE:
            return
        with self._building:
            result_card(view.result)
        if is_fresh:
            _say_merged(view.result)


def _say_merged(result: dict[str, Any]) -> None:
    """The window that QPYcom opens, too."""
    with ui.dialog(value=True) as dialog, ui.card().classes("m-dialog").props('data-testid="project-merged"'):
        dialog.props["aria-label"] = t("project.merged")
        with row():
            ui.icon("check_circle").props("aria-hidden=true").classes("project-done")
            ui.label(t("project.merged")).classes("m-strong m-dialog-title")
        facts([(t("project.package"), result["path"]), ("SHA-256", result["sha256"])])
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.close"), on_click=dialog.close).props('flat data-testid="merged-close"')
            ui.button(
                t("project.burn"), icon="bolt", on_click=lambda: ui.navigate.to(burn_address(result["path"]))
            ).props('unelevated data-testid="merged-burn"')


def _look_at_base(path: str) -> BaseFacts:
    data = keeping.read_base(host_files.resolve(path))
    package = read_package(data, posixpath.basename(path), must_check=False)
    return BaseFacts(package.model or "", package.version or "", len(data))


def _step(number: int, title: str, *, about: str = "") -> ui.element:
    """A card with a numbered heading."""
    made = ui.element("section").classes("m-card")
    mark = f'<span class="project-number" aria-hidden="true">{number}</span>' if number else ""
    with made:
        ui.html(f'<h2 class="project-step">{mark}{html.escape(title)}</h2>', sanitize=False)
        if about:
            ui.label(about).classes("m-muted")
    return made


def _meter(area: AreaUse) -> None:
    used = area.total_bytes - area.free_bytes
    said = t("project.used", used=size(used), total=size(area.total_bytes), free=size(area.free_bytes))
    share = 100 * used / area.total_bytes
    with ui.element("div").classes("files-space"):
        with ui.element("p"):
            ui.label(area.mount).classes("m-strong")
            ui.label(said)
        with ui.element("div").classes("files-meter is-full" if share > 90 else "files-meter") as meter:
            meter.props(f'role="meter" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{share:.0f}"')
            meter.props["aria-label"] = f"{area.mount}: {said}"
            ui.element("i").style(f"width: {share:.1f}%")
