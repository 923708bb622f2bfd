"""Files that come from the viewer's own computer, and those that go there.

::

    page: "these 12 files, 3 of them replace others, yes"  ──▶ batches.expect(...)      job begins
    browser: POST /studio/files/bring/BATCH?at=0 … 11       ──▶ DATA/brought/BATCH/0 …   job counts
    job: all are here ──▶ into the folder of this computer, or onto the module

Only what a page announced is taken, from the account that announced it, and never more bytes than it said. A browser
that falls silent for a minute ends the job; what it had sent is thrown away.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from fastapi import Response
from fastapi.responses import FileResponse, PlainTextResponse
from nicegui import app
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request

from moduline.errors import BadOption, ModulineError, StorageFailed, Text, TooBig, TotalTimeout
from moduline.events import Notice, Progress, Step
from moduline.remote.files import ModuleFiles
from moduline.remote.sync import plan_sync, run_sync
from moduline.web import host_files, sessions
from moduline.web.module_session import session
from moduline.web.site import site
from moduline.web.studio.files_works import SEND, Whole
from moduline.web.work import Job
from moduline.web.work.runner import Work

BRING: Final = "files.bring"
MOST_BYTES: Final = 1 << 30
MOST_FILES: Final = 5000
MOST_NAME: Final = 1000
SILENCE_S: Final = 60.0
KEPT_S: Final = 24 * 3600.0
LOOK_S: Final = 0.1
FETCHED: Final = "fetched"
_BAD: Final = Text("not a path inside the folder", "不是该目录内的路径")


@dataclass(slots=True)
class Batch:
    """Files that are announced.

    Args:
        account: whose.
        items: path within the target folder, and bytes.
        place: folder that gets them, named by number.
        received: bytes by number.
        whole: numbers of those that are here.
        touched: steady seconds when the last byte came.
        is_over: nothing is taken any more.
    """

    account: int
    items: tuple[tuple[str, int], ...]
    place: Path
    received: dict[int, int] = field(default_factory=dict)
    whole: set[int] = field(default_factory=set)
    touched: float = field(default_factory=time.monotonic)
    is_over: bool = False

    @property
    def total_bytes(self) -> int:
        """Of all files."""
        return sum(size for _, size in self.items)


_batches: dict[str, Batch] = {}


def announced(items: Any) -> tuple[tuple[str, int], ...]:
    """What a browser says that it would bring, judged.

    Args:
        items: pairs of path and size, from anywhere.

    Raises:
        BadOption: a path leads elsewhere, or it is nothing of the kind.
        TooBig: too many, or too much.
    """
    found: dict[str, int] = {}
    for one in items if isinstance(items, list) else ():
        path, size = (one.get("path"), one.get("size")) if isinstance(one, dict) else (None, None)
        if not isinstance(path, str) or not isinstance(size, int) or size < 0:
            raise BadOption(name=str(path)[:80], reason=_BAD)
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts or "\0" in path or "\\" in path or len(path) > MOST_NAME:
            raise BadOption(name=path[:80], reason=_BAD)
        found["/".join(parts)] = size
    if not found:
        raise BadOption(name="-", reason=Text("there is no file", "没有文件"))
    if len(found) > MOST_FILES:
        raise TooBig(what=Text("number of files", "文件数量"), need=len(found), have=MOST_FILES)
    if sum(found.values()) > MOST_BYTES:
        raise TooBig(what=Text("what is brought", "上传内容"), need=sum(found.values()), have=MOST_BYTES)
    return tuple(found.items())


def expect(name: str, account: int, items: tuple[tuple[str, int], ...]) -> Batch:
    """Take files from now on.

    Args:
        name: of the batch, drawn by the browser: 32 hexadecimal digits.
        account: whose.
        items: from ``announced``.

    Raises:
        BadOption: the name is none, or taken.
        StorageFailed: there is no place for them.
    """
    if len(name) != 32 or set(name) - set("0123456789abcdef") or name in _batches:
        raise BadOption(name=name[:40], reason=_BAD)
    place = site().data / "brought" / name
    forget_old(place.parent)
    try:
        place.mkdir(parents=True)
    except OSError as cause:
        raise StorageFailed(path=str(place), reason=cause.strerror or str(cause)) from cause
    _batches[name] = Batch(account, items, place)
    return _batches[name]


def bring_work(name: str, folder: str, port: str) -> Work:
    """Waits for all files of a batch, then puts them where they belong.

    Args:
        name: of the batch.
        folder: that gets them.
        port: address of the module whose folder it is; empty: this computer's.
    """

    async def work(job: Job) -> dict[str, Any]:
        batch = _batches[name]
        try:
            await _arrived(job, batch)
            if port:
                await _onto_module(job, batch, folder, port)
            else:
                _into_folder(job, batch, folder)
            return {"files": len(batch.items)}
        finally:
            batch.is_over = True
            del _batches[name]
            shutil.rmtree(batch.place, ignore_errors=True)

    return work


async def _arrived(job: Job, batch: Batch) -> None:
    job.report(Step(BRING, "begin"))
    while len(batch.whole) < len(batch.items):
        if time.monotonic() - batch.touched > SILENCE_S:
            raise TotalTimeout(seconds=SILENCE_S)
        job.report(Progress(BRING, sum(batch.received.values()), batch.total_bytes))
        await asyncio.sleep(LOOK_S)
    job.report(Progress(BRING, batch.total_bytes, batch.total_bytes))


def _into_folder(job: Job, batch: Batch, folder: str) -> None:
    for number, (path, size) in enumerate(batch.items):
        job.report(Notice("files.file", facts={"path": path, "bytes": size}))
        host_files.take(batch.place / str(number), f"{folder}/{path}".lstrip("/"))


async def _onto_module(job: Job, batch: Batch, folder: str, port: str) -> None:
    job.report(Step(SEND, "begin"))
    local: dict[str, bytes | None] = {
        path: (batch.place / str(number)).read_bytes() for number, (path, _) in enumerate(batch.items)
    }
    async with session(port) as repl:
        plan = await plan_sync(ModuleFiles(repl), local, folder)
        await run_sync(ModuleFiles(repl, Whole(job, SEND, plan.upload_bytes)), plan, local)


@app.post("/studio/files/bring/{name}", include_in_schema=False)
async def bring(request: Request, name: str, at: int) -> Response:
    """Take one file of a batch: number ``at`` of what was announced, as the body."""
    seen = await sessions.viewer_of(request)
    if not seen.may("operator"):
        return PlainTextResponse("", 401)
    batch = _batches.get(name)
    if batch is None or batch.account != seen.account or not 0 <= at < len(batch.items) or at in batch.received:
        return PlainTextResponse("", 404)
    size = batch.items[at][1]
    batch.received[at] = 0
    try:
        with (batch.place / str(at)).open("wb") as opened:
            async for piece in request.stream():
                batch.received[at] += len(piece)
                if batch.is_over or batch.received[at] > size:
                    return PlainTextResponse("", 413)
                opened.write(piece)
                batch.touched = time.monotonic()
    except (OSError, ClientDisconnect):
        return PlainTextResponse("", 507)  # the job notices the silence
    if batch.received[at] != size:
        return PlainTextResponse("", 400)
    batch.whole.add(at)
    return PlainTextResponse("")


@app.get("/studio/files/host", include_in_schema=False)
async def save_from_host(request: Request, path: str) -> Response:
    """A file of this computer as it is, a folder as a zip archive."""
    if not (await sessions.viewer_of(request)).may("operator"):
        return PlainTextResponse("", 401)
    try:
        place = host_files.resolve(path)
        if place.is_file():
            return FileResponse(place, filename=place.name, media_type="application/octet-stream")
        archive = await asyncio.to_thread(_zipped, path)
    except ModulineError as failure:
        return PlainTextResponse(failure.message(), 404)
    called = f"{place.name or 'files'}.zip"
    return FileResponse(
        archive, filename=called, media_type="application/zip", background=BackgroundTask(archive.unlink)
    )


@app.get("/studio/files/fetched/{job}", include_in_schema=False)
async def save_from_module(request: Request, job: str) -> Response:
    """What a job has read from a module for the browser of the same account."""
    seen = await sessions.viewer_of(request)
    if not seen.may("operator"):
        return PlainTextResponse("", 401)
    try:
        view = site().jobs.view(job)
    except ModulineError as failure:
        return PlainTextResponse(failure.message(), 404)
    place = fetched_place(str(view.result.get("ticket", "")))
    if view.owner != seen.name or not place.is_file():
        return PlainTextResponse("", 404)
    return FileResponse(place, filename=str(view.result["name"]), media_type="application/octet-stream")


def fetched_place(ticket: str) -> Path:
    """Where a job keeps what it reads for a browser."""
    return site().data / FETCHED / os.path.basename(ticket or "-")  # noqa: PTH119  a name, not a path


def forget_old(folder: Path) -> None:
    """Make a folder of things in passing, and remove from it what nobody came for within a day.

    Raises:
        StorageFailed: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in folder.iterdir():
            if time.time() - one.stat().st_mtime > KEPT_S:
                shutil.rmtree(one) if one.is_dir() else one.unlink()
    except OSError as cause:
        raise StorageFailed(path=str(folder), reason=cause.strerror or str(cause)) from cause


def _zipped(path: str) -> Path:
    entries: Sequence[host_files.HostEntry] = host_files.inside(path)
    start = len(path) + 1 if path else 0
    handle, name = tempfile.mkstemp(prefix="moduline-", suffix=".zip")
    with os.fdopen(handle, "wb") as opened, zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in entries:
            if one.is_folder:
                archive.mkdir(one.path[start:])
            else:
                archive.write(host_files.resolve(one.path), one.path[start:])
    return Path(name)
