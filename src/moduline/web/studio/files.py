"""The page "Files": this computer on the left, the module on the right; copying, editing, running, making equal.

Everything that takes time is a job of kind ``files.*`` with the module as its key, so a reload finds it again. What
would replace something is asked first, with its name.
"""

from __future__ import annotations

import asyncio
import functools
import json
import posixpath
import secrets
from typing import Any, Final
from urllib.parse import quote

from nicegui import ui
from nicegui.events import GenericEventArguments

from moduline.errors import BadOption, ModulineError, Text
from moduline.port.connected import connected_modules
from moduline.web import host_files
from moduline.web.feedback import guarded, told
from moduline.web.jobs import JobState, JobView, job_panel, start_job
from moduline.web.live_ports import live_ports
from moduline.web.shell import page, script, style
from moduline.web.site import site
from moduline.web.studio import files_brought, files_works
from moduline.web.studio.files_asking import ask_about, ask_name
from moduline.web.studio.files_editor import edit
from moduline.web.studio.files_output import output_panel
from moduline.web.studio.files_pane import Act, Pane, name_of
from moduline.web.studio.files_sides import HostSide, ModuleSide
from moduline.web.studio.files_sync import SyncDialog
from moduline.web.texts import t, text
from moduline.web.viewer import viewer
from moduline.web.widgets import empty

KINDS: Final = (files_works.SEND, files_works.FETCH, files_brought.BRING)
CARDS: Final = 3
"""Jobs that stay on the page when they are over."""


@page("/studio/files")
async def files_page(port: str = "", at: str = "") -> None:
    """This computer on the left, the module on the right."""
    style("files.css")
    script("files.js")
    await FilesPage(port, at).show()


class FilesPage:
    """The page.

    Args:
        port: address of the module; empty: none yet.
        at: folder of this computer to begin with.
    """

    def __init__(self, port: str, at: str) -> None:
        self.port, self._at = port, at
        self.module: Pane | None = None
        self._cards: list[tuple[str, ui.element]] = []

    async def show(self) -> None:
        """Draw everything."""
        await self._bar()
        with ui.element("div").classes("files-panes"):
            self.host = Pane(HostSide(), t("files.host"), "computer", self._tools("host"), self._open, folder=self._at)
            if self.port:
                title = t("files.module", port=self.port)
                self.module = Pane(ModuleSide(self.port), title, "memory", self._tools("module"), self._open)
            else:
                with ui.element("section").classes("files-pane"):
                    empty("usb", t("files.no_module"), t("files.no_module_hint"))
        self._jobs = ui.element("div").classes("m-stack").props('data-testid="files-jobs"')
        self._output = ui.element("div")
        ui.on("files_drop", guarded(self._dropped))
        ui.on("files_bring", guarded(self._brought))
        self._find_jobs()
        await self.host.refresh()
        if self.module is not None:
            self._loading = ui.timer(
                0.05, self.module.refresh, once=True
            )  # the page is there before the module answers

    async def _bar(self) -> None:
        modules = connected_modules(await live_ports().look())
        names = {one.address: " · ".join(filter(None, (one.address, one.model))) for one in modules}
        if self.port:
            names.setdefault(self.port, self.port)
        with ui.element("div").classes("m-row files-bar"):
            ui.select(
                names,
                value=self.port or None,
                label=t("files.choose_module"),
                on_change=lambda event: ui.navigate.to(f"/studio/files?port={quote(str(event.value))}"),
            ).props('outlined dense options-dense data-testid="files-port"')
            if not names:
                ui.link(t("files.to_rack"), "/studio/rack")
            if not self.port:
                return
            for slug, icon, act in (
                ("stop", "stop_circle", self._stop),
                ("restart", "restart_alt", self._restart),
                ("sync", "sync", self._sync),
            ):
                ui.button(t(f"files.{slug}"), icon=icon, on_click=guarded(act)).props(
                    f'flat dense data-testid="files-{slug}"'
                )
            ui.label(t("files.interrupts")).classes("m-muted m-small m-grow")

    def _tools(self, side: str) -> list[tuple[str, str, Act]]:
        tools: list[tuple[str, str, Act]] = []
        if self.port:
            tools.append(
                ("to_module", "arrow_forward", self._copy) if side == "host" else ("to_host", "arrow_back", self._copy)
            )
        tools += [
            ("edit", "edit", self._edit),
            ("new_file", "note_add", self._new_file),
            ("new_folder", "create_new_folder", self._new_folder),
            ("rename", "drive_file_rename_outline", self._rename),
            ("bring", "upload_file", functools.partial(self._pick, is_folder=False)),
            ("bring_folder", "drive_folder_upload", functools.partial(self._pick, is_folder=True)),
            ("save", "download", self._download),
            ("remove", "delete", self._remove),
            ("refresh", "refresh", lambda pane: pane.refresh()),
        ]
        if self.port:
            tools.insert(2, ("run", "play_arrow", self._run))
        return tools

    # ---- one file or some ---------------------------------------------------------------------------------------

    async def _open(self, pane: Pane, path: str) -> None:
        run = functools.partial(self._run_path, pane, path) if self.port and path.endswith(".py") else None
        await edit(pane.side, path, on_saved=pane.refresh, on_run=run)

    async def _edit(self, pane: Pane) -> None:
        await self._open(pane, self._one(pane, is_file=True))

    async def _run(self, pane: Pane) -> None:
        await self._run_path(pane, self._one(pane, is_file=True))

    async def _new_file(self, pane: Pane) -> None:
        name = await ask_name(t("files.do.new_file"), t("files.make"), "main.py")
        if name:
            path = pane.side.join(pane.folder, _plain(name))
            await pane.side.replace(path, b"", None)
            await pane.refresh()
            await self._open(pane, path)

    async def _new_folder(self, pane: Pane) -> None:
        name = await ask_name(t("files.do.new_folder"), t("files.make"))
        if name:
            await pane.side.make_folder(pane.side.join(pane.folder, _plain(name)))
            await pane.refresh()

    async def _rename(self, pane: Pane) -> None:
        path = self._one(pane)
        name = await ask_name(t("files.rename_what", name=name_of(path)), t("files.do.rename"), name_of(path))
        if name and name != name_of(path):
            await pane.side.rename(path, pane.side.join(posixpath.dirname(path), _plain(name)))
            await pane.refresh()

    async def _remove(self, pane: Pane) -> None:
        paths = self._some(pane)
        names: list[str] = []
        for path in paths:
            row = pane.row(path)
            is_folder = row is not None and row.is_folder
            names.append(f"{path}/" if is_folder else path)
            names += [one.path for one in await pane.side.inside(path)] if is_folder else []
        question = t("files.remove_what", count=len(names))
        if await ask_about(question, t("files.do.remove"), names, about=t("files.for_good")):
            try:
                await pane.side.remove(paths)
            finally:
                await pane.refresh()

    def _one(self, pane: Pane, *, is_file: bool = False) -> str:
        paths = pane.chosen
        row = pane.row(paths[0]) if len(paths) == 1 else None
        if row is None or (is_file and row.is_folder):
            raise BadOption(
                name=name_of(pane.folder) or "/",
                reason=text("files.choose_one_file" if is_file else "files.choose_one"),
            )
        return paths[0]

    def _some(self, pane: Pane) -> list[str]:
        if not pane.chosen:
            raise BadOption(name=name_of(pane.folder) or "/", reason=text("files.choose_some"))
        return pane.chosen

    # ---- between the sides --------------------------------------------------------------------------------------

    async def _copy(self, pane: Pane) -> None:
        assert self.module is not None
        other = self.module if pane is self.host else self.host
        await self._transfer(self._some(pane), other, other.folder)

    async def _dropped(self, event: GenericEventArguments) -> None:
        source, target = self._pane(event.args.get("from")), self._pane(event.args.get("to"))
        paths = [str(one) for one in event.args.get("paths", [])]
        folder = str(event.args.get("folder", ""))
        if source is not target:
            await self._transfer(paths, target, folder)
            return
        if folder != source.folder and folder not in paths:
            for path in paths:
                await source.side.rename(path, source.side.join(folder, name_of(path)))
            await source.refresh()

    def _pane(self, name: object) -> Pane:
        pane = self.module if name == "module" else self.host
        assert pane is not None, "panes that are not there cannot be dropped on"
        return pane

    async def _transfer(self, paths: list[str], target: Pane, folder: str) -> None:
        if target is self.host:
            items, there = await files_works.plan_fetch(self.port, paths, folder)
            if there and not await self._may_replace(there):
                return
            self._begin(files_works.FETCH, text("files.job.fetch"), files_works.fetch_work(self.port, items))
            return
        local = await asyncio.to_thread(files_works.host_tree, paths)
        plan = await files_works.plan_send(self.port, local, folder)
        if plan.is_nothing:
            told("files.equal")
            return
        if plan.replaced and not await self._may_replace(list(plan.replaced)):
            return
        self._begin(files_works.SEND, text("files.job.send"), files_works.send_work(self.port, plan, local))

    async def _may_replace(self, names: list[str]) -> bool:
        return await ask_about(
            t("files.replace_what", count=len(names)), t("files.replace"), names, about=t("files.for_good")
        )

    async def _sync(self) -> None:
        assert self.module is not None
        chosen = self.host.chosen
        row = self.host.row(chosen[0]) if len(chosen) == 1 else None
        source = row.path if row is not None and row.is_folder else self.host.folder
        await SyncDialog(self.port, source, self.module.folder, self._started).show()

    # ---- the viewer's own computer ------------------------------------------------------------------------------

    def _pick(self, pane: Pane, *, is_folder: bool) -> None:
        words = json.dumps([pane.side.name, pane.folder, is_folder])
        ui.run_javascript(f"moduFiles.pick(...{words})")

    async def _brought(self, event: GenericEventArguments) -> None:
        batch = str(event.args.get("batch", ""))
        pane, folder = self._pane(event.args.get("to")), str(event.args.get("folder", ""))
        try:
            items = files_brought.announced(event.args.get("items"))
            there = await self._present(pane, folder, [path for path, _ in items])
            if there and not await self._may_replace(there):
                ui.run_javascript(f"moduFiles.drop({json.dumps(batch)})")
                return
            files_brought.expect(batch, viewer().account, items)
        except ModulineError:
            ui.run_javascript(f"moduFiles.drop({json.dumps(batch)})")
            raise
        port = self.port if pane is self.module else ""
        self._begin(files_brought.BRING, text("files.job.bring"), files_brought.bring_work(batch, folder, port))
        ui.run_javascript(f"moduFiles.send({json.dumps(batch)})")

    async def _present(self, pane: Pane, folder: str, names: list[str]) -> list[str]:
        """Which of the files would replace one."""
        targets = [pane.side.join(folder, name) for name in names]
        if pane is self.host:
            return [path for path in targets if host_files.resolve(path).exists()]
        first = {name.split("/", maxsplit=1)[0] for name in names}
        there: set[str] = set()
        for row in (await pane.side.look(folder)).rows:
            if row.name in first:
                there |= {one.path for one in await pane.side.inside(row.path)} if row.is_folder else {row.path}
        return [path for path in targets if path in there]

    async def _download(self, pane: Pane) -> None:
        paths = self._some(pane)
        if pane is self.host:
            for path in paths:
                ui.download(f"/studio/files/host?path={quote(path)}")
            return
        folder = files_brought.fetched_place("").parent
        await asyncio.to_thread(files_brought.forget_old, folder)
        place = folder / secrets.token_hex(12)
        self._begin(files_works.FETCH, text("files.job.save"), files_works.download_work(self.port, paths, place))

    # ---- running ------------------------------------------------------------------------------------------------

    async def _run_path(self, pane: Pane, path: str) -> None:
        code = await asyncio.to_thread(files_works.code_of, pane.side.name, path)
        title = Text(f"Run {path}", f"运行 {path}")
        job = start_job(
            files_works.RUN, title, files_works.run_work(self.port, code), key=self.port, page=self._address, alone=True
        )
        self._show_run(job)

    async def _stop(self) -> None:
        running = site().jobs.latest(files_works.RUN, self.port)
        if running is not None and not running.state.is_over:
            site().jobs.cancel(running.id)
            return
        told("files.stopped_main" if await files_works.stop_module(self.port) else "files.at_prompt")

    async def _restart(self) -> None:
        await files_works.restart_module(self.port)
        told("files.restarted")

    def _show_run(self, job: str) -> None:
        self._output.clear()
        with self._output:
            output_panel(job, "files-output", lambda _: self._refresh_soon())

    # ---- jobs ---------------------------------------------------------------------------------------------------

    @property
    def _address(self) -> str:
        return f"/studio/files?port={quote(self.port)}" if self.port else "/studio/files"

    def _begin(self, kind: str, title: Text, work: Any) -> None:
        self._started(start_job(kind, title, work, key=self.port, page=self._address))

    def _started(self, job: str) -> None:
        with self._jobs:
            card = job_panel(job, on_end=self._ended, with_log=False)
        card.move(self._jobs, 0)
        self._cards.insert(0, (job, card))
        for old, drawn in self._cards[CARDS:]:
            if site().jobs.view(old).state.is_over:
                self._cards.remove((old, drawn))
                drawn.delete()

    def _ended(self, view: JobView) -> None:
        if view.state is JobState.DONE and "ticket" in view.result:
            ui.download(f"/studio/files/fetched/{view.id}")
        self._refresh_soon()

    def _refresh_soon(self) -> None:
        async def refresh() -> None:
            await self.host.refresh()
            if self.module is not None:
                await self.module.refresh()

        with ui.context.client:
            ui.timer(0.05, refresh, once=True)

    def _find_jobs(self) -> None:
        """What still runs, or ended while nobody looked, after a reload."""
        for kind in KINDS:
            for view in site().jobs.views(kind, self.port):
                if not view.state.is_over:
                    self._started(view.id)
        run = site().jobs.latest(files_works.RUN, self.port) if self.port else None
        if run is not None and not run.state.is_over:
            self._show_run(run.id)


def _plain(name: str) -> str:
    """A name, as long as it is one.

    Raises:
        BadOption: it is a path.
    """
    if name in {".", ".."} or any(sign in name for sign in "/\\\0"):
        raise BadOption(name=name, reason=text("files.bad_name"))
    return name
