"""Routes of artifacts: a file is sent as it is, then an artifact is made of files that were received.

Patches are made of whole artifacts by a job; what was made can be had as a file again.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Annotated, Any, BinaryIO, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.requests import ClientDisconnect

from moduline.cloud.accounts.door import After, Door, Id, Limit, Open, Who, needs, shown
from moduline.cloud.artifacts import making
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.artifacts.digests import Digester
from moduline.cloud.artifacts.rules import BUNDLES, SUFFIXES, Artifact, ComponentType, UploadedFile
from moduline.cloud.artifacts.service import StoredArtifact
from moduline.cloud.blob import PIECE
from moduline.cloud.edge import require
from moduline.cloud.given import Given
from moduline.cloud.jobs.api import job_json
from moduline.cloud.problem import Problem
from moduline.errors import BadField, NoSuchObject, Text

router: Final = APIRouter(prefix="/v1/artifacts", tags=["artifacts"])
_UPLOADS: Final = ThreadPoolExecutor(8, "upload")
"""Threads that wait for the bodies of slow peers: of their own, for the others are needed by everybody."""
_GAP_S: Final = 30.0
_LEAST_PER_S: Final = 4096.0
_BROKEN: Final = Text("it broke off, or did not come in time", "传输中断或超时")
FILE: Final = Text("file", "文件")


class NamedFile(Given):
    """A file that was received."""

    name: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class NewArtifact(Given):
    """A release of a component."""

    name: str
    type: ComponentType = Field(ComponentType.MODULE, description="0 module, 1 MCU")
    component: str = Field("", description='identifier it is meant for; "" fits any of its type')
    source: str = Field("", description='delta: the version it starts from; "": a whole package')
    target: str
    remark: str = ""
    files: list[NamedFile] = Field(max_length=5)


class Remark(Given):
    """The only thing that can be changed."""

    remark: str


class NewPatch(Given):
    """From which whole artifact to which."""

    old: int = Field(description="artifact of what runs on the devices")
    new: int = Field(description="artifact of what shall run there")
    kind: Literal["diff", "full", "mini"] = "diff"
    place: Literal["fp", "fs", ""] = Field("fp", description='where the module keeps the patch; "": whichever')
    name: str = Field("", description='of the artifact to be; "": made of the two names')


def artifact_json(stored: StoredArtifact, warnings: tuple[Problem, ...] = ()) -> dict[str, Any]:
    """An artifact as JSON."""
    one = stored.artifact
    return {
        "id": stored.id,
        "name": one.name,
        "type": int(one.type),
        "component": one.component,
        "is_delta": one.is_delta,
        "source": one.source,
        "target": one.target,
        "remark": one.remark,
        "state": stored.state,
        "is_rehearsed": stored.is_rehearsed,
        "created_at": stored.created_at,
        "files": [_file_json(file) for file in one.files],
        "warnings": [warning.say() for warning in warnings],
    }


def _file_json(file: UploadedFile) -> dict[str, Any]:
    known = file.digests
    return {
        "name": file.name,
        "bytes": known.size_bytes,
        "md5": known.md5,
        "sha1": known.sha1,
        "sha256": known.sha256,
        "crc32_mpeg2": known.crc32_mpeg2,
    }


def _allowed(door: Door) -> tuple[str, ...]:
    return (*SUFFIXES, *BUNDLES, *door.settings.more_suffixes)


@router.put("/files/{name}", status_code=201, **needs("artifact.create"))
async def send_file(
    door: Open, who: Who, request: Request, name: Annotated[str, "as its owner calls it"]
) -> dict[str, Any]:
    """Send a file, as the body; it is kept for a day and named in an artifact within that time."""
    require(who, "artifact.create")  # nobody fills the disk who may not
    loop, is_over = asyncio.get_running_loop(), threading.Event()
    pieces = _pieces(request.stream(), loop, is_over)
    receive = functools.partial(artifacts.receive, door.store, name, pieces, allowed=_allowed(door))
    try:
        return _file_json(await loop.run_in_executor(_UPLOADS, receive))
    finally:
        is_over.set()


@router.post("", status_code=201, **needs("artifact.create"))
async def create_artifact(door: Open, who: Who, new: NewArtifact) -> dict[str, Any]:
    """Make an artifact; the answer has warnings, such as another of the same versions."""
    require(who, "artifact.create")  # nobody fills the disk who may not
    files = tuple([await asyncio.to_thread(_measured, door, one) for one in new.files])
    made = Artifact(new.name, new.type, bool(new.source), new.source, new.target, files, new.remark, new.component)
    stored, warnings = await door.act(artifacts.create, made, door.store, actor=who, allowed=_allowed(door))
    return artifact_json(stored, warnings)


@router.post("/patches", status_code=202, **needs("patch.make"))
async def make_patch(door: Open, who: Who, wish: NewPatch) -> dict[str, Any]:
    """Have the patch between two whole packages made; the job, whose result names the artifact.

    What was made before is not made again: the job is done already then.
    """
    job = await door.act(making.start, wish.old, wish.new, wish.kind, actor=who, place=wish.place, name=wish.name)
    return job_json(job)


@router.get("")
async def list_artifacts(door: Open, who: Who, after: After = 0, limit: Limit = None) -> dict[str, Any]:
    """Artifacts, oldest first."""
    return shown(await door.see(artifacts.page, actor=who, after=after, limit=limit), artifact_json)


@router.get("/{artifact}")
async def show_artifact(door: Open, who: Who, artifact: Id) -> dict[str, Any]:
    """One artifact."""
    return artifact_json(await door.see(artifacts.by_id, artifact, actor=who))


@router.get("/{artifact}/files/{position}", response_class=StreamingResponse)
async def get_file(door: Open, who: Who, artifact: Id, position: Id) -> StreamingResponse:
    """One file of an artifact, by its place from 0."""
    stored = await door.see(artifacts.by_id, artifact, actor=who)
    if not 0 <= position < len(stored.artifact.files):
        raise NoSuchObject(kind=FILE, name=str(position))
    file = stored.artifact.files[position]
    opened = await asyncio.to_thread(door.store.open, file.digests.sha256)
    return sent_file(opened, file.name, file.digests.size_bytes)


@router.patch("/{artifact}", **needs("artifact.change"))
async def change_artifact(door: Open, who: Who, artifact: Id, to: Remark) -> dict[str, Any]:
    """Another remark."""
    return artifact_json(await door.act(artifacts.change, artifact, to.remark, actor=who))


@router.delete("/{artifact}", **needs("artifact.delete"))
async def delete_artifact(door: Open, who: Who, artifact: Id) -> dict[str, Any]:
    """Remove an artifact that no plan uses."""
    await door.act(artifacts.delete, artifact, actor=who)
    return {"ok": True}


def sent_file(opened: BinaryIO, name: str, size_bytes: int) -> StreamingResponse:
    """A file of the store as an answer, never held whole; it is closed whatever becomes of the answer."""

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while piece := await asyncio.to_thread(opened.read, PIECE):
                yield piece
        finally:
            opened.close()

    headers = {
        "Content-Length": str(size_bytes),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(pieces(), media_type="application/octet-stream", headers=headers)


def _measured(door: Door, named: NamedFile) -> UploadedFile:
    """A received file with its digests, read from the store and not from the request."""
    digester = Digester()
    with door.store.open(named.sha256) as file:
        while piece := file.read(PIECE):
            digester.take(piece)
    return UploadedFile(named.name, digester.give())


def _pieces(stream: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop, is_over: threading.Event) -> Iterator[bytes]:
    """A body that arrives on the event loop, for a thread that reads it until the request is over.

    Raises:
        BadField: the peer has gone, or sends too little.
    """
    begun, taken = loop.time(), 0

    async def following() -> bytes | None:
        left_s = min(_GAP_S, begun + _GAP_S + taken / _LEAST_PER_S - loop.time())
        async with asyncio.timeout(max(0.0, left_s)):
            return await anext(stream, None)

    def waited_for() -> bytes | None:
        coming = asyncio.run_coroutine_threadsafe(following(), loop)
        while not is_over.is_set():
            done, _ = wait((coming,), 1.0)
            if done:
                return coming.result()
        raise TimeoutError  # the loop has ended, or nobody waits for the answer

    try:
        while (piece := waited_for()) is not None:
            taken += len(piece)
            yield piece
    except (TimeoutError, ClientDisconnect) as gone:
        raise BadField(field="body", reason=_BROKEN) from gone
