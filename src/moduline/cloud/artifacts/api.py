"""Routes of artifacts: a file is sent as it is, then an artifact is made of files that were received."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from moduline.cloud.accounts.door import After, Door, Limit, Open, Who, shown
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.artifacts.digests import Digester
from moduline.cloud.artifacts.rules import SUFFIXES, Artifact, ComponentType, UploadedFile
from moduline.cloud.artifacts.service import StoredArtifact
from moduline.cloud.blob import PIECE
from moduline.cloud.edge import Actor
from moduline.cloud.problem import Problem
from moduline.errors import RoleTooLow

router: Final = APIRouter(prefix="/v1/artifacts", tags=["artifacts"])


class NamedFile(BaseModel):
    """A file that was received."""

    model_config = ConfigDict(extra="forbid")
    name: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class NewArtifact(BaseModel):
    """A release of a component."""

    model_config = ConfigDict(extra="forbid")
    name: str
    type: ComponentType = Field(ComponentType.MODULE, description="0 module, 1 MCU")
    component: str = Field("", description='identifier it is meant for; "" fits any of its type')
    source: str = Field("", description='delta: the version it starts from; "": a whole package')
    target: str
    remark: str = ""
    files: list[NamedFile] = Field(max_length=5)


class Remark(BaseModel):
    """The only thing that can be changed."""

    model_config = ConfigDict(extra="forbid")
    remark: str


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
    return (*SUFFIXES, *door.settings.more_suffixes)


@router.put("/files/{name}", status_code=201)
async def send_file(
    door: Open, who: Who, request: Request, name: Annotated[str, "as its owner calls it"]
) -> dict[str, Any]:
    """Send a file, as the body; it is kept for a day and named in an artifact within that time."""
    _require_right(who)
    pieces = _pieces(request.stream(), asyncio.get_running_loop())
    file = await asyncio.to_thread(artifacts.receive, door.store, name, pieces, allowed=_allowed(door))
    return _file_json(file)


@router.post("", status_code=201)
async def create_artifact(door: Open, who: Who, new: NewArtifact) -> dict[str, Any]:
    """Make an artifact; the answer has warnings, such as another of the same versions."""
    _require_right(who)
    files = tuple([await asyncio.to_thread(_measured, door, one) for one in new.files])
    made = Artifact(new.name, new.type, bool(new.source), new.source, new.target, files, new.remark, new.component)
    stored, warnings = await door.act(artifacts.create, made, door.store, actor=who, allowed=_allowed(door))
    return artifact_json(stored, warnings)


@router.get("")
async def list_artifacts(door: Open, who: Who, after: After = 0, limit: Limit = None) -> dict[str, Any]:
    """Artifacts, oldest first."""
    return shown(await door.see(artifacts.page, actor=who, after=after, limit=limit), artifact_json)


@router.get("/{artifact}")
async def show_artifact(door: Open, who: Who, artifact: int) -> dict[str, Any]:
    """One artifact."""
    return artifact_json(await door.see(artifacts.by_id, artifact, actor=who))


@router.patch("/{artifact}")
async def change_artifact(door: Open, who: Who, artifact: int, to: Remark) -> dict[str, Any]:
    """Another remark."""
    return artifact_json(await door.act(artifacts.change, artifact, to.remark, actor=who))


@router.delete("/{artifact}")
async def delete_artifact(door: Open, who: Who, artifact: int) -> dict[str, Any]:
    """Remove an artifact that no plan uses."""
    await door.act(artifacts.delete, artifact, actor=who)
    return {"ok": True}


def _require_right(who: Actor) -> None:
    """See that nobody fills the disk who may not make an artifact."""
    if not who.may("artifact.create"):
        raise RoleTooLow(verb="artifact.create", needed="operator", role=who.role, name=who.name)


def _measured(door: Door, named: NamedFile) -> UploadedFile:
    """A received file with its digests, read from the store and not from the request."""
    digester = Digester()
    with door.store.open(named.sha256) as file:
        while piece := file.read(PIECE):
            digester.take(piece)
    return UploadedFile(named.name, digester.give())


def _pieces(stream: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> Iterator[bytes]:
    """A body that arrives on the event loop, for a thread that reads it."""

    async def following() -> bytes | None:
        return await anext(stream, None)

    while (piece := asyncio.run_coroutine_threadsafe(following(), loop).result()) is not None:
        yield piece
