"""What jobs of the file manager do: copy either way, make equal, fetch for the browser, run a script.

Each gets events of the verbs and turns the progress of single files into one of the whole; a cancel ends it between two
pieces of a file, and the module keeps the old file or has the new one.
"""

from __future__ import annotations

import asyncio
import codecs
import io
import posixpath
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from moduline.errors import BadOption, ScriptRaised, Text
from moduline.events import Event, Notice, Progress, Step
from moduline.release.output import write_whole
from moduline.remote import reach, snippets
from moduline.remote.console import RESTART
from moduline.remote.files import ModuleFiles, RemoteEntry, absolute
from moduline.remote.repl_session import ReplSession
from moduline.remote.sync import SyncPlan, is_left_out, plan_sync, run_sync, verify_sync
from moduline.testing.project import load_project
from moduline.testing.project_files import scripts_of
from moduline.web import host_files
from moduline.web.module_session import asked, session, with_files
from moduline.web.work import Job
from moduline.web.work.runner import Work

SEND: Final = "files.send"
FETCH: Final = "files.fetch"
RUN: Final = "files.run"
OUTPUT: Final = "files.output"
SETTINGS: Final = "moduline.toml"
LINE_CHARS: Final = 2000
_CLASH: Final = Text("a file and a folder of one name", "文件与目录同名")


class Whole:
    """Progress of single files as one of all.

    Args:
        job: gets it.
        what: slug of the stage.
        total_bytes: of all files.
    """

    def __init__(self, job: Job, what: str, total_bytes: int) -> None:
        self._job, self._what, self._total = job, what, total_bytes
        self._file = ""
        self._before = self._size = 0

    def __call__(self, event: Event) -> None:
        """Hear an event of a verb."""
        if not isinstance(event, Progress):
            self._job.report(event)
            return
        if event.what != self._file:
            self._before += self._size
            self._file, self._size = event.what, event.total_bytes
            self._job.report(Notice("files.file", facts={"path": event.what, "bytes": event.total_bytes}))
        done = min(self._before + event.done_bytes, self._total)
        self._job.report(Progress(self._what, done, self._total))


def host_tree(paths: list[str]) -> dict[str, bytes | None]:
    """Files and folders of this computer with all in them, by path relative to the folder they lie in.

    Raises:
        BadOption: one is not below the root, or two have one name.
        NoSuchFile: one is not there.
    """
    local: dict[str, bytes | None] = {}
    for path in paths:
        above = posixpath.dirname(path)
        is_folder = host_files.resolve(path).is_dir()
        if is_folder:
            local[posixpath.basename(path)] = None
        for one in host_files.inside(path):
            name = one.path.removeprefix(above).lstrip("/")
            if not is_left_out(name):
                local[name] = None if one.is_folder else host_files.read(one.path)
    return local


def folder_for_sync(path: str) -> tuple[dict[str, bytes | None], bool]:
    """What a folder of this computer would be on a module, and whether it is a project: then only its scripts.

    Raises:
        ModulineError: it cannot be read.
    """
    place = host_files.resolve(path)
    if (place / SETTINGS).is_file():
        return dict(scripts_of(load_project(place))), True
    depth = len(path) + 1 if path else 0
    entries = [one for one in host_files.inside(path) if not is_left_out(one.path[depth:])]
    return {one.path[depth:]: None if one.is_folder else host_files.read(one.path) for one in entries}, False


async def plan_send(port: str, local: Mapping[str, bytes | None], folder: str, *, deletes: bool = False) -> SyncPlan:
    """What sending would do to the module; nothing is changed.

    Raises:
        ModulineError: the module cannot be reached, or a file stands where a folder is wanted.
    """
    return await with_files(port, lambda files: plan_sync(files, local, folder, deletes=deletes))


def send_work(
    port: str, plan: SyncPlan, local: Mapping[str, bytes | None], *, deletes: bool = False, checks: bool = False
) -> Work:
    """Carries out a plan of ``plan_send``.

    Args:
        port: address of the module.
        plan: what is done.
        local: what it was made of.
        deletes: as the plan was made.
        checks: whether both sides are compared once more at the end.
    """

    async def work(job: Job) -> dict[str, Any]:
        job.report(Step(SEND, "begin"))
        async with session(port) as repl:
            files = ModuleFiles(repl, Whole(job, SEND, plan.upload_bytes))
            await run_sync(files, plan, local)
            if checks and not plan.is_nothing:
                job.report(Step("files.verify", "begin"))
                await verify_sync(ModuleFiles(repl), plan, local, deletes=deletes)
        return {"files": len(plan.uploads), "removed": len(plan.removals), "equal": len(plan.unchanged)}

    return work


@dataclass(frozen=True, slots=True)
class Fetch:
    """A file or folder of the module, and where it goes below the Studio's folder."""

    entry: RemoteEntry
    target: str


async def plan_fetch(port: str, paths: list[str], folder: str) -> tuple[list[Fetch], list[str]]:
    """What copying to this computer would bring, and which files of it are there already.

    Raises:
        BadOption: a name leads out of the root, or a folder would replace a file.
        ModulineError: the module cannot be reached.
    """

    async def look(files: ModuleFiles) -> list[Fetch]:
        found = []
        for path in paths:
            above = posixpath.dirname(path)
            first = await files.stat(path)
            inside = await files.list_folder(path, is_recursive=True) if first.is_folder else ()
            for entry in (first, *inside):
                name = entry.path.removeprefix(above).lstrip("/")
                found.append(Fetch(entry, f"{folder}/{name}".lstrip("/")))
        return found

    items = await with_files(port, look)
    there = []
    for one in items:
        place = host_files.resolve(one.target)
        if place.exists() and place.is_dir() != one.entry.is_folder:
            raise BadOption(name=one.target, reason=_CLASH)
        if place.is_file():
            there.append(one.target)
    return items, there


def fetch_work(port: str, items: list[Fetch]) -> Work:
    """Copies from the module to this computer; each file whole or not at all."""

    async def work(job: Job) -> dict[str, Any]:
        job.report(Step(FETCH, "begin"))
        total = sum(one.entry.size_bytes for one in items)
        done = count = 0
        async with session(port) as repl:
            files = ModuleFiles(repl)
            for one in items:
                place = host_files.resolve(one.target)
                if one.entry.is_folder:
                    host_files.ensure_folder(one.target)
                    continue
                job.report(Notice("files.file", facts={"path": one.entry.path, "bytes": one.entry.size_bytes}))
                write_whole(place, await files.read(one.entry.path))
                done, count = done + one.entry.size_bytes, count + 1
                job.report(Progress(FETCH, done, total))
        return {"files": count}

    return work


def download_work(port: str, paths: list[str], place: Path) -> Work:
    """Reads from the module what the browser will save: one file as it is, more as a zip archive."""

    async def work(job: Job) -> dict[str, Any]:
        job.report(Step(FETCH, "begin"))
        async with session(port) as repl:
            files = ModuleFiles(repl)
            entries = [await files.stat(path) for path in paths]
            if len(entries) == 1 and not entries[0].is_folder:
                write_whole(place, await files.read(paths[0]))
                return {"name": entries[0].name, "ticket": place.name}
            held = io.BytesIO()
            with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
                for entry in entries:
                    above = posixpath.dirname(entry.path)
                    for one in await files.list_folder(entry.path, is_recursive=True):
                        name = one.path.removeprefix(above).lstrip("/")
                        job.report(Notice("files.file", facts={"path": one.path, "bytes": one.size_bytes}))
                        archive.writestr(
                            f"{name}/" if one.is_folder else name, b"" if one.is_folder else await files.read(one.path)
                        )
            write_whole(place, held.getvalue())
        return {"name": f"{entries[0].name or 'module'}.zip", "ticket": place.name}

    return work


def code_of(side: str, path: str) -> bytes:
    """What is run on the module to run a script of either side.

    Raises:
        ModulineError: a script of this computer cannot be read.
    """
    if side == "module":
        return snippets.call(snippets.RUN_FILE, absolute(path)).encode()
    return host_files.read(path)


def run_work(port: str, code: bytes) -> Work:
    """Runs code; every line it prints is an event. Cancelling interrupts it on the module."""

    async def work(job: Job) -> dict[str, Any]:
        job.report(Step(RUN, "begin"))
        lines = Lines(job)
        async with session(port) as repl:
            try:
                await repl.exec(code, lines.feed)
            except ScriptRaised as raised:
                lines.end()
                for line in str(raised.facts["traceback"]).split("\n"):
                    job.tell(Notice(OUTPUT, facts={"text": line}))
                raise
            finally:
                lines.end()
        return {}

    return work


class Lines:
    """Bytes that a module prints, as events line by line."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._partial = ""

    def feed(self, data: bytes) -> None:
        """Take what came."""
        *whole, rest = (self._partial + self._decoder.decode(data)).split("\n")
        while len(rest) > LINE_CHARS:
            whole.append(rest[:LINE_CHARS])
            rest = rest[LINE_CHARS:]
        self._partial = rest
        for line in whole:
            self._job.tell(Notice(OUTPUT, facts={"text": line.rstrip("\r")}))

    def end(self) -> None:
        """What has no line end is a line, too."""
        if self._partial:
            self._job.tell(Notice(OUTPUT, facts={"text": self._partial}))
            self._partial = ""


async def stop_module(port: str) -> bool:
    """Interrupt what runs on a module; whether that ended a main.py.

    Raises:
        ModulineError: it cannot be reached, or does not stop.
    """
    return await asked(port, _has_stopped)


async def restart_module(port: str) -> None:
    """Restart the interpreter of a module, so that its main.py runs.

    Raises:
        ModulineError: it cannot be reached.
    """

    async def restart() -> None:
        async with session(port) as repl:
            await repl.exec(b"")  # leaving the session leaves the friendly prompt
        stream = await reach.open_stream(port, "repl")
        try:
            await stream.write_all(RESTART)
        finally:
            await stream.close()

    await asyncio.to_thread(asyncio.run, restart())


async def _has_stopped(repl: ReplSession) -> bool:
    return repl.has_interrupted_boot
