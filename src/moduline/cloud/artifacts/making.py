"""Patches made by the platform: two whole packages of a module, an artifact that leads from one to the other.

The same request - same files, kind and place - gives the same artifact, however often and by whomever of the main
account it is asked; while it is being made, the same job. The patch is made in a process of its own (``jobs``), so a
package that is not what it says costs a job and nothing else.

Source: issue 6, "patches made by the server on demand from two whole packages".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, exists, select

from moduline.cloud import audit, tables
from moduline.cloud.artifacts import service
from moduline.cloud.artifacts.patching import MADE, NEW, OLD
from moduline.cloud.artifacts.rules import MOST_NAME, Artifact, ComponentType, UploadedFile, name_problem
from moduline.cloud.artifacts.service import StoredArtifact
from moduline.cloud.blob import PIECE, BlobStore
from moduline.cloud.edge import Actor, acts
from moduline.cloud.jobs import queue
from moduline.cloud.jobs.confined import Limits
from moduline.cloud.jobs.queue import Job
from moduline.cloud.jobs.worker import Trade
from moduline.cloud.problem import Problem, refuse_first
from moduline.errors import BadField, NameTaken, Text

KIND: Final = "patch"
KINDS: Final = ("diff", "full", "mini")
PLACES: Final = ("fp", "fs", "")
LIMITS: Final = Limits(memory_bytes=3 << 30, seconds=1800)
_SUFFIXES: Final = {"mini": (".mini_1", ".mini_2")}
_NO_WHOLE: Final = Text("{name} is no whole package of a module in one file", "{name} 不是单文件的模组整包")
_SAME: Final = Text("both packages hold the same bytes", "两个包内容相同")
_APART: Final = Text("the two artifacts are for different components", "两个版本包属于不同组件")


@acts("patch.make")
def start(
    conn: Connection,
    old_id: int,
    new_id: int,
    kind: str = "diff",
    *,
    actor: Actor,
    now: float,
    place: str = "fp",
    name: str = "",
) -> Job:
    """Have the patch from one whole artifact to another made; a job that is done already if it was made before.

    Args:
        conn: of a transaction.
        old_id: artifact of what runs on the devices.
        new_id: artifact of what shall run there.
        kind: ``diff``, ``full`` or ``mini``.
        actor: who asks.
        now: UTC seconds.
        place: where the module keeps the patch: ``fp``, ``fs``, or "" for whichever.
        name: of the artifact to be; "" is made of the others' names.

    Raises:
        BadField: the artifacts are no whole packages of one component, or a choice is none.
        NameTaken: the name is in use.
        NoSuchObject: an artifact is not there.
    """
    for field, value, choices in (("kind", kind, KINDS), ("place", place, PLACES)):
        if value not in choices:
            reason = Text("one of {known}", "须为 {known} 之一")
            raise BadField(field=field, reason=reason, known=", ".join(one or "''" for one in choices))
    old, new = (service.by_id(conn, number, actor=actor) for number in (old_id, new_id))
    _require_whole({"old": old, "new": new})
    request = {OLD: _side(old), NEW: _side(new), "kind": kind, "place": place}
    facts = {side: {key: request[side][key] for key in ("sha256", "version")} for side in (OLD, NEW)}  # type: ignore[index]
    key = queue.key_of(KIND, actor.main_id, facts | {"kind": kind, "place": place, "for": old.artifact.component})
    made = queue.done_of(conn, key)
    if made is not None and _is_there(conn, made):
        return made
    known = name or f"{old.artifact.name} - {new.artifact.name} ({kind})"[:MOST_NAME].strip()
    problem = name_problem("name", known)
    refuse_first((problem,) if problem else ())
    _require_free(conn, known, actor)
    job = queue.put(conn, KIND, key, request | {"name": known, "component": old.artifact.component}, actor, now)
    after = {"old": old.artifact.name, "new": new.artifact.name, "kind": kind, "name": known}
    audit.note(conn, "patch.make", job.id, known, actor=actor, now=now, after=after)
    return job


def trade(limits: Limits = LIMITS) -> Trade:
    """How such jobs are done, for ``jobs.worker``."""
    return Trade(KIND, "moduline.cloud.artifacts.patching:work", _inputs, _keep, _settle, limits)


def _inputs(request: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(request[name]["sha256"]) for name in (OLD, NEW)}


def _keep(store: BlobStore, job: Job, facts: Mapping[str, Any], folder: Path) -> tuple[Mapping[str, Any], list[Any]]:
    """Put what was made into the store."""
    count, kind = int(facts["count"]), str(job.request["kind"])
    suffixes = _SUFFIXES.get(kind, (".bin",) * count)
    stem = f"{kind}_{facts['target'] or 'patch'}"
    files = [
        service.receive(store, stem + suffixes[number], _pieces(folder / MADE.format(number=number)))
        for number in range(count)
    ]
    return facts, files


def _settle(
    conn: Connection, store: BlobStore, job: Job, kept: tuple[Mapping[str, Any], list[UploadedFile]], now: float
) -> dict[str, Any]:
    facts, files = kept
    made = Artifact(
        str(job.request["name"]),
        ComponentType.MODULE,
        True,
        str(facts["source"]),
        str(facts["target"]),
        tuple(files),
        component=str(job.request["component"]),
    )
    stored, problems = service.create(conn, made, store, actor=job.author, now=now)
    said = [*facts["warnings"], *({lang: one.say(lang) for lang in ("en", "zh")} for one in problems)]
    told = {name: facts[name] for name in ("source", "target", "direction", "models", "chip", "spare_have")}
    return {"artifact_id": stored.id, **told, "warnings": said}


def _require_whole(sides: Mapping[str, StoredArtifact]) -> None:
    for field, one in sides.items():
        known = one.artifact
        if known.type is not ComponentType.MODULE or known.is_delta or len(known.files) != 1:
            raise BadField(field=field, reason=_NO_WHOLE, name=known.name)
    old, new = (one.artifact for one in sides.values())
    found = []
    if old.component != new.component:
        found.append(Problem("new", _APART))
    if old.files[0].digests.sha256 == new.files[0].digests.sha256:
        found.append(Problem("new", _SAME))
    refuse_first(tuple(found))


def _side(one: StoredArtifact) -> dict[str, Any]:
    file = one.artifact.files[0]
    known = {"artifact_id": one.id, "name": one.artifact.name, "version": one.artifact.target}
    return known | {"file": file.name, "sha256": file.digests.sha256}


def _is_there(conn: Connection, job: Job) -> bool:
    number = (job.result or {}).get("artifact_id")
    return bool(conn.execute(select(exists().where(tables.artifacts.c.id == number))).scalar_one())


def _require_free(conn: Connection, name: str, actor: Actor) -> None:
    one = tables.artifacts.c
    if conn.execute(select(exists().where(one.account_id == actor.main_id, one.name == name))).scalar_one():
        raise NameTaken(kind=service.KIND, name=name)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
