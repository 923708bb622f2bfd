"""Verbs of artifacts: upload, look, remark, delete; which files are in use.

An upload has two halves. ``receive`` reads a file piece by piece into the store - outside any transaction, refusing
what grows beyond its limit while it is read - and gives its digests; ``create`` is the transaction that makes an
artifact of files that were received. A file that no artifact names is removed after the grace time, so an upload that
stops half way costs nothing.

Source: ota-semantics, section 2; seed 003, step 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, exists, func, insert, select, update
from sqlalchemy import delete as remove

from moduline.cloud import audit, tables
from moduline.cloud.artifacts.digests import Digester, FileDigests
from moduline.cloud.artifacts.rules import (
    MOST_FILE_BYTES,
    SUFFIXES,
    Artifact,
    ComponentType,
    UploadedFile,
    check_artifact,
    deletion_problem,
    suffix_of,
)
from moduline.cloud.blob import BlobStore
from moduline.cloud.edge import Actor, Page, acts, page_limit, page_of, plain_text
from moduline.cloud.outbox import events as outbox
from moduline.cloud.problem import Problem, refuse_first
from moduline.errors import BadField, NameTaken, NoSuchObject, StateForbids, Text, TooBig

KIND: Final = Text("artifact", "版本包")
FILE: Final = Text("the file", "文件")
FILES_LOCK: Final = 0x4D4C_F17E  # any number that nothing else in the database locks by
_A: Final = tables.artifacts.c
_F: Final = tables.artifact_files.c


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """An artifact that is kept.

    Args:
        id: number in the database.
        artifact: what was uploaded.
        file_ids: numbers of its files, in order.
        state: ``unverified``, ``verifying``, ``passed`` or ``failed``: its newest verification.
        is_rehearsed: whether a rehearsal on virtual modules passed.
        created_at: UTC seconds.
    """

    id: int
    artifact: Artifact
    file_ids: tuple[int, ...]
    state: str
    is_rehearsed: bool
    created_at: float


def receive(
    store: BlobStore,
    name: str,
    pieces: Iterable[bytes],
    *,
    allowed: Sequence[str] = SUFFIXES,
    most_bytes: int = MOST_FILE_BYTES,
) -> UploadedFile:
    """Read one file of an upload into the store; all its digests in one pass.

    Args:
        store: where it goes.
        name: as its owner calls it; never a path.
        pieces: its bytes.
        allowed: endings it may have.
        most_bytes: limit; nothing is kept of a file that grows beyond it.

    Raises:
        BadField: its name has none of the endings.
        TooBig: it is longer than the limit.
        DatabaseFull, DatabaseReadOnly, StorageFailed: it cannot be kept.
    """
    if suffix_of(name, allowed) is None:
        reason = Text("its ending is not one of {known}", "扩展名不在允许范围：{known}")
        raise BadField(field="files.name", reason=reason, known=" ".join(allowed))
    digester = Digester()

    def measured() -> Iterator[bytes]:
        for piece in pieces:
            digester.take(piece)
            if digester.size_bytes > most_bytes:
                raise TooBig(what=FILE, need=digester.size_bytes, have=most_bytes)
            yield piece

    store.put(measured())
    return UploadedFile(name, digester.give())


@acts("artifact.create")
def create(
    conn: Connection,
    artifact: Artifact,
    store: BlobStore,
    *,
    actor: Actor,
    now: float,
    allowed: Sequence[str] = SUFFIXES,
) -> tuple[StoredArtifact, tuple[Problem, ...]]:
    """Make an artifact of files that were received; with it, warnings such as another of the same versions.

    Raises:
        BadField: a rule is broken.
        NameTaken: the name is in use in the main account.
        NoSuchObject: a file is not in the store (any more).
    """
    if _has(conn, (_A.account_id == actor.main_id) & (_A.name == artifact.name)):
        raise NameTaken(kind=KIND, name=artifact.name)
    problems = check_artifact(artifact, allowed=allowed, others=_alike(conn, artifact, actor))
    refuse_first(problems)
    alone(conn, is_collector=False)
    for file in artifact.files:
        store.size(file.digests.sha256)
    values = {
        "account_id": actor.main_id,
        "name": artifact.name,
        "type": int(artifact.type),
        "component": artifact.component,
        "is_delta": artifact.is_delta,
        "source": artifact.source,
        "target": artifact.target,
        "remark": plain_text("remark", artifact.remark, limit=200, is_needed=False),
        "state": "unverified",
        "is_rehearsed": False,
        "created_at": now,
    }
    number = conn.execute(insert(tables.artifacts).returning(_A.id), values).scalar_one()
    conn.execute(insert(tables.artifact_files), [_file_row(number, at, one) for at, one in enumerate(artifact.files)])
    after = values | {"files": [one.name for one in artifact.files]}
    said = {"artifact_id": number, "name": artifact.name, "target": artifact.target}
    outbox.note(conn, actor.main_id, "artifact.created", said, now=now)
    audit.note(conn, "artifact.create", number, artifact.name, actor=actor, now=now, after=after)
    return by_id(conn, number, actor=actor), tuple(one for one in problems if one.is_warning)


@acts("artifact.change")
def change(conn: Connection, artifact_id: int, remark: str, *, actor: Actor, now: float) -> StoredArtifact:
    """Write another remark; nothing else of an artifact ever changes.

    Raises:
        BadField, NoSuchObject: it cannot be done.
    """
    old = by_id(conn, artifact_id, actor=actor)
    plain_text("remark", remark, limit=200, is_needed=False)
    conn.execute(update(tables.artifacts).where(_A.id == artifact_id).values(remark=remark))
    before, after = {"remark": old.artifact.remark}, {"remark": remark}
    name = old.artifact.name
    audit.note(conn, "artifact.change", artifact_id, name, actor=actor, now=now, before=before, after=after)
    return by_id(conn, artifact_id, actor=actor)


@acts("artifact.delete")
def delete(conn: Connection, artifact_id: int, *, actor: Actor, now: float) -> None:
    """Remove an artifact that no plan uses; its files go after the grace time.

    Raises:
        NoSuchObject: there is none.
        StateForbids: a plan uses it, or a device tries it.
    """
    old = by_id(conn, artifact_id, actor=actor)
    plan, used = tables.plans.c, tables.plan_releases.c
    using = select(plan.name, plan.state).join_from(tables.plans, tables.plan_releases)
    users = conn.execute(using.where(used.artifact_id == artifact_id).order_by(plan.id)).all()
    active = [user.name for user in users if user.state != "draft"]
    problem = deletion_problem(active, is_verifying=old.state == "verifying")
    if problem is not None:
        raise StateForbids(kind=KIND, name=old.artifact.name, reason=problem.text, **problem.facts)
    if users:
        reason = Text("the draft '{plan}' names it", "草稿“{plan}”正在使用它")
        raise StateForbids(kind=KIND, name=old.artifact.name, reason=reason, plan=users[0].name)
    conn.execute(remove(tables.artifacts).where(_A.id == artifact_id))
    before = {"name": old.artifact.name, "target": old.artifact.target}
    audit.note(conn, "artifact.delete", artifact_id, old.artifact.name, actor=actor, now=now, before=before)


def by_id(conn: Connection, artifact_id: int, *, actor: Actor) -> StoredArtifact:
    """An artifact of the actor's main account.

    Raises:
        NoSuchObject: there is none.
    """
    found = _load(conn, (_A.id == artifact_id) & (_A.account_id == actor.main_id))
    if not found:
        raise NoSuchObject(kind=KIND, name=str(artifact_id))
    return found[0]


def of_numbers(conn: Connection, artifact_ids: Iterable[int]) -> dict[int, StoredArtifact]:
    """Artifacts by their numbers, whoever's they are: for the platform itself."""
    return {one.id: one for one in _load(conn, _A.id.in_(list(artifact_ids)))}


def page(conn: Connection, *, actor: Actor, after: int = 0, limit: int | None = None) -> Page[StoredArtifact]:
    """The artifacts of the actor's main account, oldest first."""
    size = page_limit(limit)
    return page_of(_load(conn, (_A.account_id == actor.main_id) & (_A.id > after), size + 1), size, lambda one: one.id)


def file_in_use(conn: Connection, key: str) -> bool:
    """Whether an artifact, or the proof of a rehearsal, names a file of the store."""
    proof = tables.rehearsals.c
    is_proof = (proof.proof_key == key) | (proof.page_key == key)
    return _has(conn, _F.sha256 == key, tables.artifact_files) or _has(conn, is_proof, tables.rehearsals)


def alone(conn: Connection, *, is_collector: bool) -> None:
    """Until the transaction ends, no file goes while artifacts are made of files; several may be made at once.

    Only a database server has more than one writer; there it is a lock of the transaction's.
    """
    if conn.dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock if is_collector else func.pg_advisory_xact_lock_shared
        conn.execute(select(lock(FILES_LOCK)))


def _load(conn: Connection, condition: Any, limit: int | None = None) -> list[StoredArtifact]:
    rows = conn.execute(select(tables.artifacts).where(condition).order_by(_A.id).limit(limit)).all()
    files: dict[int, list[Any]] = {}
    named = select(tables.artifact_files).where(_F.artifact_id.in_([row.id for row in rows]))
    for file in conn.execute(named.order_by(_F.artifact_id, _F.position)):
        files.setdefault(file.artifact_id, []).append(file)
    return [_stored(row, files.get(row.id, [])) for row in rows]


def _stored(row: Any, files: Sequence[Any]) -> StoredArtifact:
    uploaded = tuple(
        UploadedFile(one.name, FileDigests(one.bytes, one.md5, one.sha1, one.sha256, one.crc32_mpeg2)) for one in files
    )
    kind = ComponentType(row.type)
    made = Artifact(row.name, kind, row.is_delta, row.source, row.target, uploaded, row.remark, row.component)
    return StoredArtifact(row.id, made, tuple(one.id for one in files), row.state, row.is_rehearsed, row.created_at)


def _file_row(artifact_id: int, position: int, file: UploadedFile) -> dict[str, Any]:
    known = file.digests
    return {
        "artifact_id": artifact_id,
        "position": position,
        "name": file.name,
        "bytes": known.size_bytes,
        "md5": known.md5,
        "sha1": known.sha1,
        "sha256": known.sha256,
        "crc32_mpeg2": known.crc32_mpeg2,
    }


def _alike(conn: Connection, artifact: Artifact, actor: Actor) -> list[Artifact]:
    same = (_A.type == int(artifact.type)) & (_A.source == artifact.source) & (_A.target == artifact.target)
    return [one.artifact for one in _load(conn, same & (_A.account_id == actor.main_id))]


def _has(conn: Connection, condition: Any, table: Any = tables.artifacts) -> bool:
    found = select(exists().select_from(table).where(condition))
    return bool(conn.execute(found).scalar_one())
