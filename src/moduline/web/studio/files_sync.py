"""A folder of the module made equal to one of this computer: what would happen is shown first, then exactly that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nicegui import ui

from moduline.remote.sync import SyncPlan
from moduline.web.feedback import guarded
from moduline.web.jobs import start_job
from moduline.web.studio.files_works import SEND, folder_for_sync, plan_send, send_work
from moduline.web.texts import t, text
from moduline.web.widgets import chip, facts, size, table

SHOWN = 300


class SyncDialog:
    """The question and its answer.

    Args:
        port: address of the module.
        source: folder of this computer.
        target: folder of the module.
        on_start: called with the job.
    """

    def __init__(self, port: str, source: str, target: str, on_start: Callable[[str], None]) -> None:
        self._port, self._source, self._target, self._on_start = port, source, target, on_start
        self._local: dict[str, bytes | None] = {}
        self._plan: SyncPlan | None = None

    async def show(self) -> None:
        """Draw it, with the plan as it is without deleting."""
        with ui.dialog() as self._dialog, ui.card().classes("m-dialog"):
            self._dialog.props["aria-label"] = t("files.sync_title")
            ui.label(t("files.sync_title")).classes("m-strong m-dialog-title")
            facts([(t("files.sync_from"), f"/{self._source}"), (t("files.sync_to"), self._target)])
            self._deletes = ui.checkbox(t("files.sync_deletes"), on_change=guarded(self._compare)).props(
                'data-testid="sync-deletes"'
            )
            self._shown = ui.element("div").classes("m-stack").props('role="status" data-testid="sync-plan"')
            with ui.row().classes("m-dialog-acts"):
                ui.button(t("shell.cancel"), on_click=self._dialog.close).props("flat")
                self._go = ui.button(t("files.sync_go"), on_click=guarded(self._start)).props(
                    'unelevated data-testid="sync-go"'
                )
        self._go.disable()
        self._dialog.on("hide", self._dialog.delete)
        self._dialog.open()
        await self._compare()

    async def _compare(self) -> None:
        self._go.disable()
        self._shown.clear()
        with self._shown:
            ui.spinner(size="26px")
            ui.label(t("files.comparing"))
        try:
            self._local, is_project = await asyncio.to_thread(folder_for_sync, self._source)
            self._plan = await plan_send(self._port, self._local, self._target, deletes=bool(self._deletes.value))
        finally:
            self._shown.clear()
        with self._shown:
            if is_project:
                ui.label(t("files.is_project"))
            self._draw(self._plan)
        if not self._plan.is_nothing and self._plan.need_bytes <= self._plan.free_bytes:
            self._go.enable()

    def _draw(self, plan: SyncPlan) -> None:
        said = [
            (t("files.plan.added"), str(len(plan.added))),
            (t("files.plan.replaced"), str(len(plan.replaced))),
            (t("files.plan.removed"), str(len(plan.removals))),
            (t("files.plan.equal"), str(len(plan.unchanged))),
            (t("files.plan.extra"), str(len(plan.extra))),
            (t("files.plan.bytes"), f"{size(plan.upload_bytes)} / {size(plan.free_bytes)}"),
        ]
        facts(said)
        if plan.is_nothing:
            chip("good", t("files.equal"))
        elif plan.need_bytes > plan.free_bytes:
            chip("bad", t("files.too_big"))
        lines = [("bad", "removed", path) for path in plan.removals]
        lines += [("good", "added", path) for path in (*plan.folders, *plan.added)]
        lines += [("warn", "replaced", path) for path in plan.replaced]
        if lines:
            with ui.element("div").classes("files-plan"):
                table(
                    (t("files.name"), t("files.plan.what")),
                    [
                        (path, lambda kind=kind, word=word: chip(kind, t(f"files.plan.{word}")))
                        for kind, word, path in lines[:SHOWN]
                    ],
                    caption=t("files.sync_title"),
                )

    async def _start(self) -> None:
        assert self._plan is not None
        deletes = bool(self._deletes.value)
        work = send_work(self._port, self._plan, self._local, deletes=deletes, checks=True)
        job = start_job(SEND, text("files.job.sync"), work, key=self._port, page=f"/studio/files?port={self._port}")
        self._dialog.close()
        self._on_start(job)
