"""Verbs of rehearsals on flash: ask for one, look what it showed; whether an artifact counts as rehearsed.

Rehearsals are of two kinds: of a patch on simulated flash, here, and of any update on virtual modules (``modules``).
A proof counts for exactly the bytes that were rehearsed, if nothing failed, if enough was tried (``LEAST_CUTS``), if
its files in the store are as they were, and if it was made by a tool whose rehearsals are trusted today: the format of
the proof is one of ``TRUSTED``, and the tool is not older than ``OLDEST_TOOL`` - raised when a fault is found in the
rehearsal itself; ``judge_anew`` then takes the mark away from what was proved by such a tool. Of each kind the newest
proof of a file decides. An artifact is rehearsed when one kind has proved all its files and no kind has seen one fail.

Source: issue 6 (plans that may require a passed rehearsal); docs/spec/rehearsal-proof.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from moduline.delta.rehearsal import STORES
from moduline.errors import BadField, Text

KIND: Final = "rehearsal"
LIMITS: Final = Limits(memory_bytes=4 << 30, seconds=6 * 3600)
FLASH: Final = "flash"
MODULE: Final = "module"
LEAST_CUTS: Final[Mapping[str, int]] = {FLASH: 100, MODULE: 20}
"""Operations that must have been cut at, and modules that must have lost their power; ``all`` is always enough."""
TRUSTED: Final[Mapping[str, frozenset[int]]] = {FLASH: frozenset({2, 3}), MODULE: frozenset({3})}
"""Formats of proofs that count; 3 differs from 2 only in saying of which kind it is."""
MOST_PAIRS: Final = 100_000
OLDEST_TOOL: Final = (0, 1, 0)
"""The first release whose rehearsals count."""
_MOST_KEYS: Final = 500
_MOST_DIGITS: Final = 9
_OURS: Final = frozenset({"id", "position", "rehearsed_at", "kind", "is_damaged"})
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
        kind: ``flash`` or ``module``.
        is_damaged: a file of the proof is gone or not as it was.
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
    kind: str = FLASH
    is_damaged: bool = False

    def counts_for(self, sha256: str) -> bool:
        """Whether it proves a file of these bytes."""
        is_enough = self.cuts == "all" or int(self.cuts) >= LEAST_CUTS[self.kind]
        is_trusted = self.proof_version in TRUSTED[self.kind] and _release(self.tool) >= OLDEST_TOOL
        return self.is_good and is_enough and is_trusted and not self.is_damaged and self.sha256 == sha256


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
    if cuts != "all" and not (cuts.isascii() and cuts.isdecimal() and len(cuts) <= _MOST_DIGITS and int(cuts)):
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


def judge_anew(conn: Connection, seen: Sequence[str] = (), damaged: Sequence[str] = ()) -> int:
    """Let every mark "rehearsed" be what the proofs say by today's rule; how many were changed. Run at a start.

    Args:
        conn: of a transaction.
        seen: keys of files of proofs that were looked at in the store (``checking``); of others is known what was.
        damaged: those of them that are gone or not as they were.
    """
    bad = set(damaged)
    for is_damaged, keys in ((False, [key for key in seen if key not in bad]), (True, sorted(bad))):
        for at in range(0, len(keys), _MOST_KEYS):
            some = keys[at : at + _MOST_KEYS]
            mine = (_R.proof_key.in_(some) | _R.page_key.in_(some)) & (_R.is_damaged != is_damaged)
            conn.execute(update(tables.rehearsals).where(mine).values(is_damaged=is_damaged))
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
            "proof_key": store.put(pieces(folder / PROOF.format(number=number))),
            "page_key": store.put(pieces(folder / PAGE.format(number=number))),
        }
        for number, tried in enumerate(facts["tried"])
    ]


def _settle(conn: Connection, _store: BlobStore, job: Job, kept: list[dict[str, Any]], now: float) -> dict[str, Any]:
    number = int(job.request["artifact_id"])
    artifacts.by_id(conn, number, actor=job.author)
    return {"artifact_id": number, "is_rehearsed": record(conn, number, FLASH, kept, now=now), "files": kept}


def record(conn: Connection, artifact_id: int, kind: str, shown: Sequence[Mapping[str, Any]], *, now: float) -> bool:
    """Write what a rehearsal showed of each file of an artifact; whether it counts as rehearsed now."""
    names = [one for one in Rehearsal.__dataclass_fields__ if one not in _OURS]
    ours = {"artifact_id": artifact_id, "rehearsed_at": now, "kind": kind, "is_damaged": False}
    rows = [{name: one[name] for name in names} | ours | {"position": at} for at, one in enumerate(shown)]
    conn.execute(insert(tables.rehearsals), rows)
    _mark(conn, artifact_id)
    return bool(conn.execute(select(_A.is_rehearsed).where(_A.id == artifact_id)).scalar_one())


def _mark(conn: Connection, artifact_id: int) -> bool:
    """Write whether an artifact counts as rehearsed; whether that is another answer than before."""
    file = tables.artifact_files.c
    query = select(file.position, file.sha256).where(file.artifact_id == artifact_id)
    files = {(row.position, row.sha256) for row in conn.execute(query)}
    newest: dict[str, dict[tuple[int, str], Rehearsal]] = {FLASH: {}, MODULE: {}}
    for one in _of(conn, artifact_id):
        if (one.position, one.sha256) in files:
            newest[one.kind].setdefault((one.position, one.sha256), one)
    is_proved = any(all(key in found and found[key].counts_for(key[1]) for key in files) for found in newest.values())
    has_failed = any(not one.is_good for found in newest.values() for one in found.values())
    is_rehearsed = bool(files) and is_proved and not has_failed
    differs = (_A.id == artifact_id) & (_A.is_rehearsed != is_rehearsed)
    return conn.execute(update(tables.artifacts).where(differs).values(is_rehearsed=is_rehearsed)).rowcount == 1


def _of(conn: Connection, artifact_id: int) -> Iterator[Rehearsal]:
    for row in conn.execute(select(*_COLUMNS).where(_R.artifact_id == artifact_id).order_by(_R.id.desc())):
        values = {name: getattr(row, name) for name in Rehearsal.__dataclass_fields__}
        yield Rehearsal(**(values | {name: bool(values[name]) for name in ("is_good", "is_damaged")}))


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


def pieces(path: Path) -> Iterator[bytes]:
    """A file, for the store."""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
