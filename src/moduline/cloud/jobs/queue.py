"""The queue: a row per job; who works at it has a claim with an end, so that another takes up what was left.

::

    queued ──claim──▶ running ──▶ done | failed
       └──cancel──▶ cancelled ◀── the worker has seen that nobody wants it

A job has a key, the digest of all that its result depends on: there is at most one of a key that is queued or running.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, or_, select, update

from moduline.cloud import audit, leases, tables
from moduline.cloud.edge import Actor, Page, acts, page_limit, page_of
from moduline.cloud.outbox import events as outbox
from moduline.errors import BadField, NoSuchObject, StateForbids, Text

KIND: Final = Text("job", "任务")
STATES: Final = ("queued", "running", "done", "failed", "cancelled")
CLAIM_S: Final = 60.0
"""So long a job stays with a worker that does not say that it is at it."""
_J: Final = tables.jobs.c


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work.

    Args:
        id: number in the database.
        account_id: main account it is for.
        kind: ``patch`` or ``rehearsal``.
        key: digest of all that its result depends on.
        state: ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``.
        is_unwanted: somebody cancelled it while it ran.
        request: what is to be done.
        author: who asked for it.
        result: what came of it; None: not done.
        reason: why it failed: ``code``, ``en``, ``zh``, ``hint``.
        tries: how often a worker began.
        created_at: UTC seconds.
        begun_at: UTC seconds, of the last try.
        ended_at: UTC seconds.
        progress: ``done`` of ``total`` pieces of work; None: it does not say.
    """

    id: int
    account_id: int
    kind: str
    key: str
    state: str
    is_unwanted: bool
    request: Mapping[str, Any]
    author: Actor
    result: Mapping[str, Any] | None
    reason: Mapping[str, Any] | None
    tries: int
    created_at: float
    begun_at: float | None
    ended_at: float | None
    progress: Mapping[str, int] | None = None


def key_of(kind: str, account_id: int, facts: Mapping[str, Any]) -> str:
    """The digest that two equal requests of one main account have in common."""
    said = json.dumps([kind, account_id, dict(facts)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


def put(conn: Connection, kind: str, key: str, request: Mapping[str, Any], author: Actor, at: float) -> Job:
    """Queue a job; the one of this key that is queued or running already, if there is one."""
    row = conn.execute(select(tables.jobs).where(_J.key == key, _J.is_live)).first()
    if row is not None:
        return _job(row)
    values = {
        "account_id": author.main_id,
        "kind": kind,
        "key": key,
        "state": "queued",
        "is_live": True,
        "is_unwanted": False,
        "request": dict(request),
        "author": {"account_id": author.account_id, "name": author.name, "role": author.role},
        "tries": 0,
        "created_at": at,
    }
    number = conn.execute(insert(tables.jobs).returning(_J.id), values).scalar_one()
    return _job(conn.execute(select(tables.jobs).where(_J.id == number)).one())


def done_of(conn: Connection, key: str) -> Job | None:
    """The last job of a key that was done; None: none was."""
    query = select(tables.jobs).where(_J.key == key, _J.state == "done").order_by(_J.id.desc()).limit(1)
    row = conn.execute(query).first()
    return None if row is None else _job(row)


@acts("job.cancel")
def cancel(conn: Connection, job_id: int, *, actor: Actor, now: float) -> Job:
    """Do not do it; one that is being done ends within a moment.

    Raises:
        NoSuchObject: there is none.
        StateForbids: it is over.
    """
    old = by_id(conn, job_id, actor=actor)
    queued = {"state": "cancelled", "is_live": False, "ended_at": now}
    mine = _J.id == job_id
    if not conn.execute(update(tables.jobs).where(mine, _J.state == "queued").values(**queued)).rowcount and (
        not conn.execute(update(tables.jobs).where(mine, _J.state == "running").values(is_unwanted=True)).rowcount
    ):
        raise StateForbids(
            kind=KIND, name=str(job_id), reason=Text("it is over: {state}", "已结束：{state}"), state=old.state
        )
    before, after = {"state": old.state}, {"state": "cancelled"}
    audit.note(conn, "job.cancel", job_id, f"{old.kind} {job_id}", actor=actor, now=now, before=before, after=after)
    return by_id(conn, job_id, actor=actor)


def by_id(conn: Connection, job_id: int, *, actor: Actor) -> Job:
    """A job of the actor's main account.

    Raises:
        NoSuchObject: there is none.
    """
    row = conn.execute(select(tables.jobs).where(_J.id == job_id, _J.account_id == actor.main_id)).first()
    if row is None:
        raise NoSuchObject(kind=KIND, name=str(job_id))
    return _job(row)


def page(
    conn: Connection,
    *,
    actor: Actor,
    kind: str | None = None,
    state: str | None = None,
    after: int = 0,
    limit: int | None = None,
) -> Page[Job]:
    """The jobs of the actor's main account, oldest first.

    Raises:
        BadField: no job is ever in that state.
    """
    if state is not None and state not in STATES:
        reason = Text("one of {known}", "须为 {known} 之一")
        raise BadField(field="state", reason=reason, known=", ".join(STATES))
    size = page_limit(limit)
    query = select(tables.jobs).where(_J.account_id == actor.main_id, _J.id > after)
    for column, value in ((_J.kind, kind), (_J.state, state)):
        if value is not None:
            query = query.where(column == value)
    rows = conn.execute(query.order_by(_J.id).limit(size + 1))
    return page_of([_job(row) for row in rows], size, lambda one: one.id)


def is_waiting(conn: Connection, node: str, *, now: float) -> bool:
    """Whether there is a job to be taken."""
    at = leases.clock(conn, now)
    return conn.execute(select(_J.id).where(_free(node, at)).limit(1)).first() is not None


def claim(conn: Connection, node: str, *, now: float) -> Job | None:
    """Take the oldest job that nobody works at; None: there is none.

    Args:
        node: who will work at it; what it left when it was killed it takes up at once.
        now: UTC seconds; claims of others are measured by the clock of a database server.
    """
    at = leases.clock(conn, now)
    query = select(_J.id).where(_free(node, at)).order_by(_J.id).limit(1).with_for_update(skip_locked=True)
    number = conn.execute(query).scalar()
    if number is None:
        return None
    taken = {"state": "running", "owner": node, "owned_until": at + CLAIM_S, "begun_at": now, "tries": _J.tries + 1}
    taken["progress"] = None
    conn.execute(update(tables.jobs).where(_J.id == number).values(**taken))
    return _job(conn.execute(select(tables.jobs).where(_J.id == number)).one())


def keep_claim(
    conn: Connection, node: str, job_id: int, *, now: float, progress: Mapping[str, int] | None = None
) -> bool:
    """Say that the work goes on, and how far it is; False: it is not wanted any more, or somebody else does it."""
    mine = (_J.id == job_id) & (_J.owner == node) & (_J.state == "running") & _J.is_unwanted.is_(False)
    values: dict[str, Any] = {"owned_until": leases.clock(conn, now) + CLAIM_S}
    if progress is not None:
        values["progress"] = dict(progress)
    return conn.execute(update(tables.jobs).where(mine).values(**values)).rowcount == 1


def is_mine(conn: Connection, node: str, job_id: int) -> bool:
    """Whether this worker has the job; its row is locked until the transaction ends."""
    mine = (_J.id == job_id) & (_J.owner == node) & (_J.state == "running")
    return conn.execute(update(tables.jobs).where(mine).values(owner=node)).rowcount == 1


def end(
    conn: Connection,
    job: Job,
    state: str,
    *,
    now: float,
    result: Mapping[str, Any] | None = None,
    reason: Mapping[str, Any] | None = None,
) -> None:
    """Write how a job ended, and tell it; the caller has seen that it is its own."""
    values = {"state": state, "is_live": False, "owner": None, "owned_until": None, "ended_at": now}
    known = {"result": None if result is None else dict(result), "reason": None if reason is None else dict(reason)}
    conn.execute(update(tables.jobs).where(_J.id == job.id).values(**values, **known))
    if state in {"done", "failed"}:
        said = {"job_id": job.id, "kind": job.kind, **known}
        outbox.note(conn, job.account_id, f"job.{state}", said, now=now)


def give_back(conn: Connection, node: str, job_id: int) -> None:
    """Put a job back that this worker will not finish, because it is being shut down."""
    mine = (_J.id == job_id) & (_J.owner == node) & (_J.state == "running")
    values = {"state": "queued", "owner": None, "owned_until": None, "tries": _J.tries - 1}
    conn.execute(update(tables.jobs).where(mine).values(**values))


def _free(node: str, now: float) -> Any:
    left = (_J.state == "running") & or_(_J.owner == node, _J.owned_until <= now)
    return _J.is_live & or_(_J.state == "queued", left)


def _job(row: Any) -> Job:
    who = row.author
    author = Actor(who["account_id"], row.account_id, who["name"], who["role"])
    values = {name: getattr(row, name) for name in Job.__dataclass_fields__}
    return Job(**(values | {"author": author, "is_unwanted": bool(row.is_unwanted)}))
