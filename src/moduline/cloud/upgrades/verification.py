"""Firmware verification: one device tries one artifact before a plan does; the real upgrade, at once.

A verification is a plan of its own kind with one device in it, so it runs, reports and logs as every upgrade does, and
``upgrade_open`` keeps it and plans apart. It ends with whatever ends first: success, failure, refusal, the hour.

Source: ota-semantics, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, exists, func, insert, select, update

from moduline.cloud import audit, tables
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.devices import service as devices
from moduline.cloud.edge import Actor, Page, acts, page_limit, page_of
from moduline.cloud.plans import service as plans
from moduline.cloud.plans import stored
from moduline.cloud.plans.plan import Plan, PlanComponent, Release, Strategy
from moduline.cloud.plans.rules import Trigger
from moduline.cloud.plans.states import PlanState
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import service
from moduline.cloud.upgrades.rows import Downlink
from moduline.errors import StateForbids, Text

LIMIT_MIN: Final = 60
"""A verification that is not over by then has failed."""
DEVICE: Final = Text("device", "设备")
_OFFLINE: Final = Text("it is offline", "设备离线")
_BUSY: Final = Text("it is in an upgrade", "设备正在升级")
_MISFIT: Final = Text("its version does not fit the artifact", "设备版本与版本包不匹配")
_V: Final = tables.verifications.c


@dataclass(frozen=True, slots=True)
class Run:
    """A verification.

    Args:
        id: number in the database.
        artifact_id: what is tried.
        plan_id: of its kind; its upgrade has the log.
        device_id: who tries it.
        state: ``verifying``, ``passed`` or ``failed``.
        started_at: UTC seconds.
        ended_at: UTC seconds; None: goes on.
        reason: why it failed.
    """

    id: int
    artifact_id: int
    plan_id: int
    device_id: int
    state: str
    started_at: float
    ended_at: float | None
    reason: Reason | None


@acts("verification.start")
def start(
    conn: Connection, artifact_id: int, device_id: int, component: str, *, actor: Actor, now: float
) -> tuple[Run, tuple[Downlink, ...]]:
    """Let a device try an artifact now; what is to be said to it.

    Raises:
        BadField, NoSuchObject: it cannot be so.
        StateForbids: the device is offline, busy, or runs a version that does not fit.
    """
    tried = artifacts.by_id(conn, artifact_id, actor=actor)
    device = devices.by_id(conn, device_id, actor=actor)
    one = tables.upgrades.c
    if not device.is_online or not device.is_enabled:
        raise StateForbids(kind=DEVICE, name=device.dk, reason=_OFFLINE)
    if conn.execute(select(exists().where(one.device_id == device_id, one.is_open))).scalar_one():
        raise StateForbids(kind=DEVICE, name=device.dk, reason=_BUSY)
    number = conn.execute(select(func.count()).where(_V.artifact_id == artifact_id)).scalar_one() + 1
    known = tried.artifact
    release = Release(artifact_id, known.target, known.size_bytes, known.source, name=known.name)
    plan = Plan(
        name=f"{artifact_id}.{number}",
        product_id=device.product_id,
        zone="UTC",
        start_local=_local(now),
        end_local=_local(now + 60.0 * (LIMIT_MIN + 2)),
        components=(PlanComponent(component, known.type, (release,)),),
        white=frozenset({device.dk}),
        has_white_list=True,
        strategy=Strategy(timeout_min=LIMIT_MIN),
    )
    plan_id = plans.draft(conn, plan, stored.VERIFICATION, author=actor, now=now)
    made = stored.load(conn, plan_id)
    assert made is not None
    plans.start(conn, stored.with_lists(conn, made), now=now)
    conn.execute(update(tables.plans).where(tables.plans.c.id == plan_id).values(state=str(PlanState.RUNNING)))
    row = {
        "artifact_id": artifact_id,
        "plan_id": plan_id,
        "device_id": device_id,
        "state": "verifying",
        "started_at": now,
    }
    run_id = conn.execute(insert(tables.verifications).returning(_V.id), row).scalar_one()
    piece = tables.artifacts
    conn.execute(update(piece).where(piece.c.id == artifact_id).values(state="verifying"))
    said = service.look(conn, device_id, Trigger.CONFIRMED, now=now)
    if not said:
        raise StateForbids(kind=DEVICE, name=device.dk, reason=_MISFIT)
    after = {"device": device.dk, "component": component}
    audit.note(conn, "verification.start", artifact_id, known.name, actor=actor, now=now, after=after)
    return _runs(conn, _V.id == run_id)[0], said


def runs(conn: Connection, artifact_id: int, *, actor: Actor, after: int = 0, limit: int | None = None) -> Page[Run]:
    """The verifications of an artifact, oldest first.

    Raises:
        NoSuchObject: there is no such artifact.
    """
    artifacts.by_id(conn, artifact_id, actor=actor)
    size = page_limit(limit)
    return page_of(_runs(conn, (_V.artifact_id == artifact_id) & (_V.id > after), size + 1), size, lambda run: run.id)


def newest(conn: Connection, *, actor: Actor, limit: int | None = None) -> list[tuple[Run, str, str, str]]:
    """The newest verifications of a main account, newest first: each with artifact, its target, and the device's key.

    Args:
        conn: of a transaction.
        actor: who asks.
        limit: how many at most.
    """
    piece, device = tables.artifacts.c, tables.devices.c
    query = (
        select(_V.id, piece.name, piece.target, device.dk)
        .join_from(tables.verifications, tables.artifacts, piece.id == _V.artifact_id)
        .join(tables.devices, device.id == _V.device_id)
        .where(piece.account_id == actor.main_id)
    )
    rows = conn.execute(query.order_by(_V.id.desc()).limit(page_limit(limit))).all()
    known = {run.id: run for run in _runs(conn, _V.id.in_([row.id for row in rows]))}
    return [(known[row.id], row.name, row.target, row.dk) for row in rows]


def _runs(conn: Connection, condition: object, limit: int | None = None) -> list[Run]:
    query = select(tables.verifications).where(condition).order_by(_V.id).limit(limit)  # type: ignore[arg-type]
    return [
        Run(
            row.id,
            row.artifact_id,
            row.plan_id,
            row.device_id,
            row.state,
            row.started_at,
            row.ended_at,
            None if row.reason is None else Reason(row.reason),
        )
        for row in conn.execute(query)
    ]


def _local(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M")
