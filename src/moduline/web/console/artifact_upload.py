"""Adding a version package: files that were dropped or that the Studio made, what they are, the job that sends them.

::

    browser ──▶ folder of this server ──job──▶ platform: each file as a stream, its digests back ──▶ the package

Files that were dropped are kept only until they were sent.
"""

from __future__ import annotations

import asyncio
import functools
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from nicegui import events, ui

from moduline.cloud.artifacts.rules import MOST_FILE_BYTES, MOST_FILES, ComponentType
from moduline.errors import ModulineError, NoSuchFile, StorageFailed
from moduline.events import Progress, Step
from moduline.web import host_files
from moduline.web.console.allowed import act_button
from moduline.web.console.forms import choice, text_field
from moduline.web.feedback import guarded, show_error, told
from moduline.web.file_dialog import choose_file
from moduline.web.jobs import Job, JobView, job_panel, start_job
from moduline.web.platform_api import PlatformApi, api_of_job
from moduline.web.site import site
from moduline.web.texts import filled, t
from moduline.web.viewer import viewer
from moduline.web.widgets import drop_zone, icon_button, row, section, size

KIND: Final = "package-upload"
STEP: Final = "console.upload"
PIECE: Final = 1 << 20
FOLDER: Final = "drops"
"""Below the data of this server; has what was dropped and not sent yet."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file to be sent.

    Args:
        name: as the package calls it.
        path: where it is on this server.
        size_bytes: of it.
        is_dropped: whether it goes once it was sent.
    """

    name: str
    path: Path
    size_bytes: int
    is_dropped: bool


class Upload:
    """The card.

    Args:
        files: paths below the Studio's root that are chosen already.
        added: is told when a package was added.
    """

    def __init__(self, files: list[str], added: Callable[[], Awaitable[None]]) -> None:
        self._added = added
        self._files: list[Chosen] = []
        with section(t("artifacts.new")) as card:
            card.props('data-testid="artifacts-new"')
            self._panel = ui.element("div")
            self._uploader = drop_zone(
                t("artifacts.drop"),
                self._dropped,
                testid="artifacts-file",
                most_bytes=MOST_FILE_BYTES,
                multiple=True,
                on_rejected=lambda: ui.notify(t("artifacts.not_sent"), type="negative", position="top"),
            )
            with row():
                act_button(
                    t("artifacts.from_studio"),
                    self._choose,
                    needs="operator",
                    testid="artifacts-studio",
                    icon="folder_open",
                )
            self._list = (
                ui.element("ul")
                .classes("c-files")
                .props(f'aria-label="{t("artifacts.files")}" data-testid="artifacts-files"')
            )
            self._fields()
        for path in files[:MOST_FILES]:
            self._take(path)
        running = [view for view in site().jobs.views(KIND) if not view.state.is_over]
        if running:
            self._show(running[0].id)

    def _fields(self) -> None:
        with ui.element("div").classes("c-form"):
            self._name = text_field(t("artifacts.name"), "artifacts-name", hint=t("artifacts.name_hint"))
            self._type = choice(
                t("artifacts.type"),
                {int(one): t(f"artifacts.type.{one.name.lower()}") for one in ComponentType},
                int(ComponentType.MODULE),
                "artifacts-type",
            )
            kinds = {"whole": t("artifacts.kind.whole"), "delta": t("artifacts.kind.delta")}
            self._kind = choice(t("artifacts.kind"), kinds, "whole", "artifacts-kind")
            self._source = text_field(t("artifacts.source"), "artifacts-source", hint=t("artifacts.source_hint"))
            self._source.bind_visibility_from(self._kind, "value", value="delta")
            self._target = text_field(t("artifacts.target"), "artifacts-target", hint=t("artifacts.target_hint"))
            self._component = text_field(t("artifacts.component"), "artifacts-component")
            self._remark = text_field(t("artifacts.remark"), "artifacts-remark")
        with row():
            act_button(
                t("artifacts.upload"),
                self._send,
                needs="operator",
                testid="artifacts-add",
                icon="upload",
                look="unelevated",
            )

    async def _dropped(self, event: events.UploadEventArguments) -> None:
        name = PurePosixPath(event.file.name.replace("\\", "/")).name or "file"
        path = site().data / FOLDER / secrets.token_hex(8) / "file"
        try:
            count = await _keep(path, event.file.iterate(chunk_size=PIECE))
        except ModulineError as failure:
            show_error(failure)
            return
        self._add(Chosen(name, path, count, is_dropped=True))
        self._uploader.reset()

    async def _choose(self) -> None:
        path = await choose_file()
        if path is not None:
            self._take(path)

    def _take(self, path: str) -> None:
        """Choose a file below the Studio's root."""
        try:
            found = host_files.resolve(path)
            if not found.is_file():
                raise NoSuchFile(path=path, reason="")
            self._add(Chosen(found.name, found, found.stat().st_size, is_dropped=False))
        except ModulineError as failure:
            show_error(failure)

    def _add(self, one: Chosen) -> None:
        if len(self._files) >= MOST_FILES:
            ui.notify(t("artifacts.too_many"), type="negative", position="top")
            return
        self._files.append(one)
        if not self._name.value:
            self._name.set_value(PurePosixPath(one.name).stem[:100])
        self._draw()

    def _draw(self) -> None:
        self._list.clear()
        with self._list:
            for one in self._files:
                with ui.element("li"):
                    ui.icon("draft").props("aria-hidden=true")
                    ui.label(one.name).classes("m-grow")
                    ui.label(size(one.size_bytes)).classes("m-muted")
                    icon_button("close", t("artifacts.remove", name=one.name), lambda one=one: self._leave_out(one))

    def _leave_out(self, one: Chosen) -> None:
        self._files.remove(one)
        _forget([one])
        self._draw()

    async def _send(self) -> None:
        if not self._files:
            ui.notify(t("artifacts.no_file"), type="negative", position="top")
            return
        is_delta = self._kind.value == "delta"
        body = {
            "name": (self._name.value or "").strip(),
            "type": self._type.value,
            "source": (self._source.value or "").strip() if is_delta else "",
            "target": (self._target.value or "").strip(),
            "component": (self._component.value or "").strip(),
            "remark": (self._remark.value or "").strip(),
        }
        files, seen = list(self._files), viewer()

        async def work(job: Job) -> dict[str, Any]:
            async with api_of_job(seen) as platform:
                made = await send_package(platform, files, body, job)
            _forget(files)
            return {"artifact": made["id"], "name": made["name"], "warnings": made["warnings"]}

        self._show(start_job(KIND, filled("artifacts.uploading", name=body["name"]), work, page="/console/packages"))

    def _show(self, job: str) -> None:
        self._panel.clear()
        with self._panel:
            job_panel(job, on_end=self._over, with_log=False)

    def _over(self, view: JobView) -> None:
        """It is over; what follows needs the platform, so it is done in the next turn, in the panel."""
        ui.timer(0.05, guarded(functools.partial(self._ended, view)), once=True)

    async def _ended(self, view: JobView) -> None:
        made = view.result.get("artifact")
        if made is None:
            return  # the files stay chosen, to be sent again once what was wrong is mended
        with row():
            ui.link(t("artifacts.open"), f"/console/packages/{made}").props('data-testid="artifacts-made"')
        for said in view.result["warnings"]:
            ui.label(t("artifacts.warning", said=said)).classes("m-muted")
        self._files = []
        self._name.set_value("")
        self._draw()
        told("artifacts.added", name=view.result["name"])
        await self._added()


async def send_package(platform: PlatformApi, files: list[Chosen], body: dict[str, Any], job: Job) -> dict[str, Any]:
    """Send files and make a package of them; what the platform says of it.

    Args:
        platform: in whose name.
        files: in their order.
        body: what the package is.
        job: hears how far it is.

    Raises:
        ModulineError: the platform refuses one, or it cannot be read.
    """
    total, sent = sum(one.size_bytes for one in files), 0
    job.report(Step(STEP, "begin"))
    named = []
    for one in files:

        async def pieces(one: Chosen = one) -> AsyncIterator[bytes]:
            nonlocal sent
            try:
                with one.path.open("rb") as opened:
                    while piece := await asyncio.to_thread(opened.read, PIECE):
                        yield piece
                        sent += len(piece)
                        job.report(Progress(STEP, sent, max(total, sent)))
            except OSError as cause:
                raise NoSuchFile(path=one.name, reason=cause.strerror or str(cause)) from cause

        known = await platform.send_file(one.name, pieces(), one.size_bytes)
        named.append({"name": known["name"], "sha256": known["sha256"]})
    made: dict[str, Any] = await platform.post("/v1/artifacts", {**body, "files": named})
    job.report(Step(STEP, "done", facts={"artifact": made["id"]}))
    return made


async def _keep(path: Path, pieces: AsyncIterator[bytes]) -> int:
    """Write what was dropped; how many bytes.

    Raises:
        StorageFailed: it cannot be written.
    """
    count = 0
    try:
        path.parent.mkdir(parents=True)
        with path.open("wb") as opened:
            async for piece in pieces:
                await asyncio.to_thread(opened.write, piece)
                count += len(piece)
    except OSError as cause:
        raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause
    return count


def _forget(files: list[Chosen]) -> None:
    for one in files:
        if one.is_dropped:
            shutil.rmtree(one.path.parent, ignore_errors=True)
