"""Verbs of rehearsals on virtual modules: ask for one, and have them begun by themselves when an artifact arrives.

The source version needs a whole package that can be put into a module: the artifact that is named, or the newest whole
one whose target is the delta's source. Where a product says so (``rehearses_uploads``), a patch is rehearsed as soon as
both are there; ``begin_wanted`` looks at what has arrived since it looked last, and the worker of jobs calls it.

Source: issue 6 (a passed rehearsal); docs/decisions/0031-rehearsals-on-virtual-modules.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, exists, func, insert, select, update

from moduline.cloud import audit, tables
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.artifacts.service import StoredArtifact
from moduline.cloud.blob import BlobStore
from moduline.cloud.edge import Actor, acts
from moduline.cloud.jobs import queue
from moduline.cloud.jobs.confined import Limits
from moduline.cloud.jobs.queue import Job
from moduline.cloud.jobs.worker import Trade
from moduline.cloud.rehearsals.service import MODULE, pieces, record
from moduline.cloud.rehearsals.trying import PAGE, PROOF, SOURCE
from moduline.errors import BadField, ModulineError, NotRehearsable, Text

KIND: Final = "module-rehearsal"
LIMITS: Final = Limits(memory_bytes=4 << 30, seconds=3600)
CUTS: Final = 60
"""Modules that lose their power when nobody says how many."""
MOST_CUTS: Final = 2000
SEED: Final = 20265
MOST_SEED: Final = (1 << 31) - 1
UPDATE: Final = "update-{number}"
SCRIPTS: Final = (".py", ".mpy", ".py.mdl", ".mpy.mdl")
AT_ONCE: Final = 20
"""Artifacts that are looked at in one transaction."""
_SEEN: Final = "rehearsals.seen"
_A: Final = tables.artifacts.c
_NO_SOURCE: Final = Text(
    "there is no whole package of version {source} to start from: send one, or name one",
    "没有版本 {source} 的整包可作为起点：请上传或指定",
)
_MCU: Final = Text("'{name}' is for an MCU, and virtual modules have none", "“{name}”用于 MCU，虚拟模组没有 MCU")


@acts("rehearsal.start")
def start(
    conn: Connection,
    artifact_id: int,
    source_id: int | None = None,
    *,
    actor: Actor,
    now: float,
    cuts: int = CUTS,
    seed: int = SEED,
) -> Job:
    """Have an update applied by virtual modules that lose their power.

    Args:
        conn: of a transaction.
        artifact_id: the update.
        source_id: whole artifact of what runs before; None: the newest of the version the artifact starts from.
        actor: who asks.
        now: UTC seconds.
        cuts: modules that lose their power, each at a moment of its own.
        seed: decides at which.

    Raises:
        BadField: the artifacts are not such, or a choice is none.
        NoSuchObject: one is not there.
        NotRehearsable: no virtual module can try it.
    """
    tried = artifacts.by_id(conn, artifact_id, actor=actor)
    if not 1 <= cuts <= MOST_CUTS:
        raise BadField(field="cuts", reason=Text("1 to {most}", "须为 1 至 {most}"), most=MOST_CUTS)
    if not 0 <= seed <= MOST_SEED:
        raise BadField(field="seed", reason=Text("0 to {most}", "须为 0 至 {most}"), most=MOST_SEED)
    source = _source(conn, tried) if source_id is None else artifacts.by_id(conn, source_id, actor=actor)
    _require_fit(tried, source)
    before = source.artifact.files[0]
    request = {
        "artifact_id": artifact_id,
        "files": [{"name": one.name, "sha256": one.digests.sha256} for one in tried.artifact.files],
        "source": {"file": before.name, "sha256": before.digests.sha256},
        "versions": {"source": tried.artifact.source, "target": tried.artifact.target},
        "cuts": cuts,
        "seed": seed,
    }
    job = queue.put(conn, KIND, queue.key_of(KIND, actor.main_id, request), request, actor, now)
    after = {"source": source.artifact.name, "cuts": cuts, "on": "virtual modules"}
    audit.note(conn, "rehearsal.start", artifact_id, tried.artifact.name, actor=actor, now=now, after=after)
    return job


def trade(limits: Limits = LIMITS) -> Trade:
    """How such jobs are done, for ``jobs.worker``."""
    task = "moduline.cloud.rehearsals.trying_modules:work"
    return Trade(KIND, task, _inputs, _keep, _settle, limits, look=has_arrived, begin=begin_wanted)


def has_arrived(conn: Connection) -> bool:
    """Whether there are artifacts that nobody has looked at."""
    newest = conn.execute(select(func.max(_A.id))).scalar()
    return newest is not None and newest > _seen(conn)


def begin_wanted(conn: Connection, *, now: float) -> int:
    """Have those rehearsed that arrived since the last look, where a product says so; how many were begun.

    A patch whose source version has no whole package yet is begun when that arrives.
    """
    rows = conn.execute(select(_A.id).where(_A.id > _seen(conn)).order_by(_A.id).limit(AT_ONCE)).scalars().all()
    if not rows:
        return 0
    begun = 0
    for number in rows:
        begun += sum(_begin(conn, one, now) for one in _affected(conn, number))
    _keep_seen(conn, rows[-1])
    return begun


# ---- the job --------------------------------------------------------------------------------------------------------


def _inputs(request: Mapping[str, Any]) -> dict[str, str]:
    files = {UPDATE.format(number=number): str(one["sha256"]) for number, one in enumerate(request["files"])}
    return files | {SOURCE: str(request["source"]["sha256"])}


def _keep(store: BlobStore, _job: Job, facts: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Put the proof into the store."""
    keys = {"proof_key": PROOF, "page_key": PAGE}
    return dict(facts) | {name: store.put(pieces(folder / file.format(number=0))) for name, file in keys.items()}


def _settle(conn: Connection, _store: BlobStore, job: Job, kept: dict[str, Any], now: float) -> dict[str, Any]:
    number = int(job.request["artifact_id"])
    artifacts.by_id(conn, number, actor=job.author)
    shown = [kept | {"sha256": one["sha256"]} for one in job.request["files"]]
    return {"artifact_id": number, "is_rehearsed": record(conn, number, MODULE, shown, now=now), **kept}


# ---- rules ----------------------------------------------------------------------------------------------------------


def _source(conn: Connection, tried: StoredArtifact) -> StoredArtifact:
    """The newest whole package of the version that an artifact starts from.

    Raises:
        BadField: it does not say from which.
        NotRehearsable: there is none.
    """
    if not tried.artifact.is_delta:
        reason = Text("name the whole package of what runs before", "请指定升级前版本的整包")
        raise BadField(field="source", reason=reason)
    found = _whole(conn, tried)
    if found is None:
        raise NotRehearsable(reason=_NO_SOURCE, source=tried.artifact.source)
    return found


def _whole(conn: Connection, tried: StoredArtifact) -> StoredArtifact | None:
    account = select(_A.account_id).where(_A.id == tried.id).scalar_subquery()
    fits = (_A.account_id == account) & _A.is_delta.is_(False) & (_A.type == int(ComponentType.MODULE))
    fits &= (_A.target == tried.artifact.source) & _A.component.in_(["", tried.artifact.component])
    found = artifacts.of_numbers(conn, conn.execute(select(_A.id).where(fits)).scalars().all())
    single = [one for one in found.values() if len(one.artifact.files) == 1]
    return max(single, key=lambda one: one.id, default=None)


def _require_fit(tried: StoredArtifact, source: StoredArtifact) -> None:
    update_of, whole = tried.artifact, source.artifact
    are_scripts = all(one.name.lower().endswith(SCRIPTS) for one in update_of.files)
    if update_of.type is not ComponentType.MODULE and not are_scripts:
        raise NotRehearsable(reason=_MCU, name=update_of.name)
    if whole.type is not ComponentType.MODULE or whole.is_delta or len(whole.files) != 1:
        reason = Text("{name} is no whole package of a module in one file", "{name} 不是单文件的模组整包")
        raise BadField(field="source", reason=reason, name=whole.name)
    if tried.id == source.id:
        raise BadField(field="source", reason=Text("it is the update itself", "不能是升级包本身"))


# ---- by itself ------------------------------------------------------------------------------------------------------


def _affected(conn: Connection, number: int) -> list[StoredArtifact]:
    """The patches that can be rehearsed now that an artifact is there: itself, or those that start from it."""
    found = artifacts.of_numbers(conn, [number]).get(number)
    if found is None or found.artifact.type is not ComponentType.MODULE or not _is_wanted(conn, number):
        return []
    if found.artifact.is_delta:
        return [found] if _whole(conn, found) is not None else []
    account = select(_A.account_id).where(_A.id == number).scalar_subquery()
    waits = (_A.account_id == account) & _A.is_delta & (_A.source == found.artifact.target) & (_A.id < number)
    proved = exists().where(tables.rehearsals.c.artifact_id == _A.id)
    numbers = conn.execute(select(_A.id).where(waits, ~proved).order_by(_A.id.desc()).limit(AT_ONCE)).scalars()
    return list(artifacts.of_numbers(conn, numbers.all()).values())


def _is_wanted(conn: Connection, number: int) -> bool:
    product = tables.products.c
    of = (product.account_id == _A.account_id) & product.rehearses_uploads
    return conn.execute(select(_A.id).where(_A.id == number, exists().where(of))).first() is not None


def _begin(conn: Connection, tried: StoredArtifact, now: float) -> bool:
    who = tables.accounts.c
    row = conn.execute(select(who.id, who.name).join_from(tables.accounts, tables.artifacts).where(_A.id == tried.id))
    account = row.one()
    try:
        start(conn, tried.id, actor=Actor(account.id, account.id, account.name, "operator"), now=now)
    except ModulineError:  # what cannot be rehearsed is told to whoever asks for it by hand
        return False
    return True


def _seen(conn: Connection) -> int:
    one = tables.settings.c
    found = conn.execute(select(one.value).where(one.name == _SEEN)).scalar()
    return int(found["artifact_id"]) if found else 0


def _keep_seen(conn: Connection, number: int) -> None:
    one = tables.settings.c
    value = {"artifact_id": number}
    if not conn.execute(update(tables.settings).where(one.name == _SEEN).values(value=value)).rowcount:
        conn.execute(insert(tables.settings).values(name=_SEEN, value=value))
