"""What people do with upgrades: look at them and their log, confirm for a user, cancel, try again.

Source: ota-semantics, sections 9 and 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from moduline.cloud import audit, tables
from moduline.cloud.edge import Actor, Page, acts, page_limit, page_of
from moduline.cloud.plans import stored
from moduline.cloud.plans.rules import DeviceStatus, Trigger
from moduline.cloud.plans.stored import StoredPlan
from moduline.cloud.problem import Problem
from moduline.cloud.upgrades import rows, service
from moduline.cloud.upgrades.confirm import Confirmation, ConfirmStatus, Operation, operate
from moduline.cloud.upgrades.events import Cancelled, Retried
from moduline.cloud.upgrades.reading import may_cancel, may_retry
from moduline.cloud.upgrades.rows import Downlink, Row
from moduline.errors import NoSuchObject, StateForbids, Text

KIND: Final = Text("upgrade", "升级记录")
_BEGUN: Final = Text("it cannot be cancelled (any more)", "当前无法取消")
_NO_RETRY: Final = Text("only a failed upgrade with an unchanged version", "仅升级失败且版本未变化时可以重试")
_U: Final = tables.upgrades.c
_D: Final = tables.devices.c


@dataclass(frozen=True, slots=True)
class Shown:
    """An upgrade in a list.

    Args:
        row: the upgrade.
        dk: key of its device.
    """

    row: Row
    dk: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log of an upgrade.

    Args:
        id: grows.
        at: server time, UTC seconds.
        device_at: device time, if it told any.
        source: ``device``, ``platform`` or ``user``.
        component: identifier; "": the whole upgrade.
        status: of the component afterwards.
        text: what happened, by language.
        code: raw code of the device.
        message: words of the device.
    """

    id: int
    at: float
    device_at: float | None
    source: str
    component: str
    status: str | None
    text: Mapping[str, str]
    code: int | None
    message: str


@acts("upgrade.confirm")
def confirm(
    conn: Connection,
    upgrade_id: int,
    operation: Operation,
    *,
    actor: Actor,
    now: float,
    start_at: float | None = None,
    end_at: float | None = None,
) -> tuple[Downlink, ...]:
    """Do what the user of a device wants: now, at a time, not now, once more.

    Raises:
        NoSuchObject: there is no such upgrade.
        StateForbids: it is not possible now.
    """
    row, plan, dk = _of(conn, upgrade_id, actor, locks=True)
    before = confirmation(conn, upgrade_id)
    after = operate(
        before,
        operation,
        plan=plan.plan,
        plan_state=plan.state,
        upgrade=row.state,
        now=now,
        start_at=start_at,
        end_at=end_at,
    )
    if isinstance(after, Problem):
        raise StateForbids(kind=KIND, name=dk, reason=after.text, **after.facts)
    _keep(conn, upgrade_id, after, actor)
    audit.note(
        conn, "upgrade.confirm", upgrade_id, dk, actor=actor, now=now, before=_plain(before), after=_plain(after)
    )
    said: tuple[Downlink, ...] = ()
    if operation is Operation.CANCEL:
        said = tuple(service.apply(conn, row, Cancelled(), now=now))
    elif operation is Operation.RETRY:
        service.apply(conn, row, Retried(by_user=True), now=now)
    if after.wants(now):
        said = (*said, *service.look(conn, row.device_id, Trigger.CONFIRMED, now=now))
    return said


@acts("upgrade.cancel")
def cancel(conn: Connection, upgrade_id: int, *, actor: Actor, now: float) -> None:
    """Take an offer back, possible until the download begins; the grid may make another one.

    Raises:
        NoSuchObject: there is no such upgrade.
        StateForbids: it has begun, or nothing was offered.
    """
    row, _, dk = _of(conn, upgrade_id, actor, locks=True)
    if not may_cancel(row.state):
        raise StateForbids(kind=KIND, name=dk, reason=_BEGUN)
    before = {"phase": str(row.state.phase)}
    service.apply(conn, row, Cancelled(), now=now)
    audit.note(conn, "upgrade.cancel", upgrade_id, dk, actor=actor, now=now, before=before, after={"phase": "waiting"})


@acts("upgrade.retry")
def retry(conn: Connection, upgrade_id: int, *, actor: Actor, now: float) -> tuple[Downlink, ...]:
    """Try a failed upgrade once more.

    Raises:
        NoSuchObject: there is no such upgrade.
        StateForbids: it has not failed, its version has changed, or the plan is over.
    """
    row, plan, dk = _of(conn, upgrade_id, actor, locks=True)
    if plan.state.is_final or not may_retry(row.state):
        raise StateForbids(kind=KIND, name=dk, reason=_NO_RETRY)
    service.apply(conn, row, Retried(by_user=True), now=now)
    before, after = {"attempt": row.state.attempt}, {"attempt": row.state.attempt + 1}
    audit.note(conn, "upgrade.retry", upgrade_id, dk, actor=actor, now=now, before=before, after=after)
    return service.look(conn, row.device_id, Trigger.REQUEST, now=now)


def page(
    conn: Connection,
    plan_id: int,
    *,
    actor: Actor,
    status: DeviceStatus | None = None,
    after: int = 0,
    limit: int | None = None,
) -> Page[Shown]:
    """Upgrades of a plan, by their numbers.

    Raises:
        NoSuchObject: there is no such plan.
    """
    plan = stored.load(conn, plan_id)
    if plan is None or plan.account_id != actor.main_id:
        raise NoSuchObject(kind=Text("plan", "升级计划"), name=str(plan_id))
    size = page_limit(limit)
    query = select(*rows.COLUMNS, _D.dk).join_from(tables.upgrades, tables.devices)
    query = query.where(_U.plan_id == plan_id, _U.id > after).order_by(_U.id).limit(size + 1)
    if status is not None:
        query = query.where(_U.status == int(status))
    found = [Shown(rows.row_of(row), row.dk) for row in conn.execute(query)]
    return page_of(found, size, lambda shown: shown.row.id)


def log(conn: Connection, upgrade_id: int, *, actor: Actor, after: int = 0, limit: int | None = None) -> Page[Line]:
    """The log of an upgrade, oldest first.

    Raises:
        NoSuchObject: there is no such upgrade.
    """
    _of(conn, upgrade_id, actor)
    size, one = page_limit(limit), tables.upgrade_log.c
    query = select(
        one.id, one.at, one.device_at, one.source, one.component, one.status, one.text, one.code, one.message
    )
    query = query.where(one.upgrade_id == upgrade_id, one.id > after).order_by(one.id).limit(size + 1)
    return page_of([Line(*list(row)) for row in conn.execute(query)], size, lambda line: line.id)


def confirmation(conn: Connection, upgrade_id: int) -> Confirmation:
    """What the user of a device has said about a plan."""
    one = tables.confirmations.c
    query = select(one.status, one.start_at, one.end_at, one.changed_at).where(one.upgrade_id == upgrade_id)
    row = conn.execute(query).first()
    if row is None:
        return Confirmation()
    return Confirmation(ConfirmStatus(row.status), row.start_at, row.end_at, row.changed_at)


def _of(conn: Connection, upgrade_id: int, actor: Actor, *, locks: bool = False) -> tuple[Row, StoredPlan, str]:
    query = select(*rows.COLUMNS, _D.dk).join_from(tables.upgrades, tables.devices).where(_U.id == upgrade_id)
    if locks:
        query = query.with_for_update(of=tables.upgrades, key_share=True)
    found = conn.execute(query).first()
    plan = None if found is None else stored.load(conn, found.plan_id)
    if found is None or plan is None or plan.account_id != actor.main_id:
        raise NoSuchObject(kind=KIND, name=str(upgrade_id))
    return rows.row_of(found), plan, found.dk


def _keep(conn: Connection, upgrade_id: int, said: Confirmation, actor: Actor) -> None:
    one = tables.confirmations
    conn.execute(delete(one).where(one.c.upgrade_id == upgrade_id))
    conn.execute(insert(one), {"upgrade_id": upgrade_id, "account": actor.name} | _plain(said))


def _plain(said: Confirmation) -> dict[str, Any]:
    return {
        "status": int(said.status),
        "start_at": said.start_at,
        "end_at": said.end_at,
        "changed_at": said.changed_at,
    }
