"""Verbs of rehearsals: ask for one, look what it showed; whether an artifact counts as rehearsed.

A proof counts for exactly the bytes that were rehearsed, if nothing failed, if enough was tried (``LEAST_CUTS``), and
if it was made by a tool whose rehearsals are trusted today: the format of the proof is today's, and the tool is not
older than ``OLDEST_TOOL`` - raised when a fault is found in the rehearsal itself; ``judge_anew`` then takes the mark
away from what was proved by such a tool. The newest proof of a file decides, and an artifact needs one for each of
its files.

Source: issue 6 (plans that may require a passed rehearsal); docs/spec/rehearsal-proof.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from moduline.cloud import audit, tables
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.artifacts.service import StoredArtifact
from moduline.cloud.blob import PIECE, BlobStore
from moduline.cloud.edge import Actor, acts
from moduline.cloud.jobs import queue
from moduline.cloud.jobs.confined import Limits
from moduline.cloud.jobs.queue import Job
from moduline.cloud.jobs.worker import Trade
from moduline.cloud.rehearsals.trying import PAGE, PATCH, PROOF, SOURCE
from moduline.delta import proof
from moduline.delta.rehearsal import STORES
from moduline.errors import BadField, Text

KIND: Final = "rehearsal"
LIMITS: Final = Limits(memory_bytes=4 << 30, seconds=6 * 3600)
LEAST_CUTS: Final = 100
"""Operations that must have been cut at; ``all`` is always enough."""
MOST_PAIRS: Final = 100_000
OLDEST_TOOL: Final = (0, 1, 0)
"""The first release whose rehearsals count."""
_R: Final = tables.rehearsals.c
_A: Final = tables.artifacts.c


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What one rehearsal of one file showed.

    Args:
        id: number in the database.
        position: of the file in its artifact.
        sha256: of the bytes that were rehearsed.
        is_good: nothing failed.
        cuts: ``all``, or how many operations were cut at.
        pairs: cuts while it recovered.
        trials: all that were made.
        failed: of them.
        tool: version that made it.
        proof_version: of the proof's format.
        proof_key: JSON in the file store.
        page_key: page in the file store.
        rehearsed_at: UTC seconds.
    """

    id: int
    position: int
    sha256: str
    is_good: bool
    cuts: str
    pairs: int
    trials: int
    failed: int
    tool: str
    proof_version: int
    proof_key: str
    page_key: str
    rehearsed_at: float

    def counts_for(self, sha256: str) -> bool:
        """Whether it proves a file of these bytes."""
        is_enough = self.cuts == "all" or int(self.cuts) >= LEAST_CUTS
        is_trusted = self.proof_version == proof.VERSION and _release(self.tool) >= OLDEST_TOOL
        return self.is_good and is_enough and is_trusted and self.sha256 == sha256


_COLUMNS: Final = tuple(_R[name] for name in Rehearsal.__dataclass_fields__)


@acts("rehearsal.start")
def start(
    conn: Connection,
    artifact_id: int,
    source_id: int,
    *,
    actor: Actor,
    now: float,
    cuts: str = "all",
    pairs: int = 1000,
    store: str = "fp",
) -> Job:
    """Have the update by a delta artifact rehearsed.

    Args:
        conn: of a transaction.
        artifact_id: the delta.
        source_id: whole artifact of what runs before.
        actor: who asks.
        now: UTC seconds.
        cuts: ``all`` operations, or how many of them, evenly spread.
        pairs: how often the power goes away again while the module recovers.
        store: where the patch lies: ``fp`` or ``fs``.

    Raises:
        BadField: the artifacts are not such, or a choice is none.
        NoSuchObject: one is not there.
    """
    tried, source = (artifacts.by_id(conn, number, actor=actor) for number in (artifact_id, source_id))
    _require_fit(tried, source)
    if cuts != "all" and not (cuts.isascii() and cuts.isdecimal() and 0 < int(cuts) < 10**9):
        raise BadField(field="cuts", reason=Text("'all' or a number from 1", "须为 all 或正整数"))
    if not 0 <= pairs <= MOST_PAIRS:
        raise BadField(field="pairs", reason=Text("0 to {most}", "须为 0 至 {most}"), most=MOST_PAIRS)
    if store not in STORES:
        raise BadField(field="store", reason=Text("fs or fp", "须为 fs 或 fp"))
    before = source.artifact.files[0]
    request = {
        "artifact_id": artifact_id,
        "files": [one.digests.sha256 for one in tried.artifact.files],
        "source": {"file": before.name, "sha256": before.digests.sha256},
        "cuts": cuts if cuts == "all" else str(int(cuts)),
        "pairs": pairs,
        "store": store,
    }
    job = queue.put(conn, KIND, queue.key_of(KIND, actor.main_id, request), request, actor, now)
    after = {"source": source.artifact.name, "cuts": request["cuts"], "pairs": pairs}
    audit.note(conn, "rehearsal.start", artifact_id, tried.artifact.name, actor=actor, now=now, after=after)
    return job


def of_artifact(conn: Connection, artifact_id: int, *, actor: Actor) -> tuple[Rehearsal, ...]:
    """What was shown of an artifact's files, newest first.

    Raises:
        NoSuchObject: there is no such artifact.
    """
    artifacts.by_id(conn, artifact_id, actor=actor)
    return tuple(_of(conn, artifact_id))


def judge_anew(conn: Connection) -> int:
    """Let every mark "rehearsed" be what the proofs say by today's rule; how many were changed. Run at a start."""
    known = set(conn.execute(select(_R.artifact_id).distinct()).scalars())
    known |= set(conn.execute(select(_A.id).where(_A.is_rehearsed)).scalars())
    return sum(_mark(conn, number) for number in sorted(known))


def trade(limits: Limits = LIMITS) -> Trade:
    """How such jobs are done, for ``jobs.worker``."""
    return Trade(KIND, "moduline.cloud.rehearsals.trying:work", _inputs, _keep, _settle, limits)


def _inputs(request: Mapping[str, Any]) -> dict[str, str]:
    patches = {PATCH.format(number=number): str(key) for number, key in enumerate(request["files"])}
    return patches | {SOURCE: str(request["source"]["sha256"])}


def _keep(store: BlobStore, _job: Job, facts: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Put the proofs into the store."""
    return [
        dict(tried)
        | {
            "proof_key": store.put(_pieces(folder / PROOF.format(number=number))),
            "page_key": store.put(_pieces(folder / PAGE.format(number=number))),
        }
        for number, tried in enumerate(facts["tried"])
    ]


def _settle(conn: Connection, _store: BlobStore, job: Job, kept: list[dict[str, Any]], now: float) -> dict[str, Any]:
    number = int(job.request["artifact_id"])
    artifacts.by_id(conn, number, actor=job.author)
    names = [one for one in Rehearsal.__dataclass_fields__ if one not in {"id", "position", "rehearsed_at"}]
    rows = [
        {name: one[name] for name in names} | {"artifact_id": number, "position": at, "rehearsed_at": now}
        for at, one in enumerate(kept)
    ]
    conn.execute(insert(tables.rehearsals), rows)
    _mark(conn, number)
    counts = conn.execute(select(_A.is_rehearsed).where(_A.id == number)).scalar_one()
    return {"artifact_id": number, "is_rehearsed": bool(counts), "files": kept}


def _mark(conn: Connection, artifact_id: int) -> bool:
    """Write whether an artifact counts as rehearsed; whether that is another answer than before."""
    file = tables.artifact_files.c
    query = select(file.position, file.sha256).where(file.artifact_id == artifact_id)
    newest: dict[tuple[int, str], Rehearsal] = {}
    for one in _of(conn, artifact_id):
        newest.setdefault((one.position, one.sha256), one)
    files = [(row.position, row.sha256) for row in conn.execute(query)]
    is_rehearsed = bool(files) and all(key in newest and newest[key].counts_for(key[1]) for key in files)
    differs = (_A.id == artifact_id) & (_A.is_rehearsed != is_rehearsed)
    return conn.execute(update(tables.artifacts).where(differs).values(is_rehearsed=is_rehearsed)).rowcount == 1


def _of(conn: Connection, artifact_id: int) -> Iterator[Rehearsal]:
    for row in conn.execute(select(*_COLUMNS).where(_R.artifact_id == artifact_id).order_by(_R.id.desc())):
        values = {name: getattr(row, name) for name in Rehearsal.__dataclass_fields__}
        yield Rehearsal(**(values | {"is_good": bool(row.is_good)}))


def _require_fit(tried: StoredArtifact, source: StoredArtifact) -> None:
    delta, whole = tried.artifact, source.artifact
    if delta.type is not ComponentType.MODULE or not delta.is_delta:
        raise BadField(field="artifact", reason=Text("only patches of a module can be rehearsed", "仅能演练模组差分包"))
    if whole.type is not ComponentType.MODULE or whole.is_delta or len(whole.files) != 1:
        reason = Text("{name} is no whole package of a module in one file", "{name} 不是单文件的模组整包")
        raise BadField(field="source", reason=reason, name=whole.name)


def _release(version: str) -> tuple[int, ...]:
    numbers = version.partition("+")[0].split(".")[:3]
    return tuple(int(one) if one.isdecimal() else 0 for one in numbers)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
