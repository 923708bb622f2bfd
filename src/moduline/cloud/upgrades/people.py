"""What people do with upgrades: look at them and their log, confirm for a user, cancel, try again.

What an application shows to the users of a plan that asks is ``asked``: per device what they have said, and per
component from which version to which, with the text in their language.

Source: ota-semantics, sections 9 and 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select

from moduline.cloud import audit, tables
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.devices import service as devices
from moduline.cloud.edge import Actor, Page, acts, page_limit, page_of
from moduline.cloud.plans import scope, stored
from moduline.cloud.plans.rules import DeviceStatus, Trigger
from moduline.cloud.plans.stored import StoredPlan
from moduline.cloud.problem import Problem
from moduline.cloud.upgrades import rows, service
from moduline.cloud.upgrades.confirm import (
    Confirmation,
    ConfirmEntry,
    ConfirmStatus,
    Operation,
    entries,
    operate,
    see_result,
)
from moduline.cloud.upgrades.events import Cancelled, Retried
from moduline.cloud.upgrades.reading import may_cancel, may_retry
from moduline.cloud.upgrades.rows import Downlink, Row
from moduline.errors import NoSuchObject, StateForbids, Text

KIND: Final = Text("upgrade", "升级记录")
PLAN: Final = Text("plan", "升级计划")
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user of one device is asked, and what they have said.

    Args:
        upgrade_id: number of the upgrade.
        dk: key of the device.
        plan: name of the plan.
        said: what the user has said.
        status: of the device in the plan.
        entries: components, in the order they are upgraded.
        files: name and bytes of every file of the plan, by component.
    """

    upgrade_id: int
    dk: str
    plan: str
    said: Confirmation
    status: DeviceStatus
    entries: tuple[ConfirmEntry, ...]
    files: Mapping[str, tuple[tuple[str, int], ...]]


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


@acts("upgrade.confirm")
def see(conn: Connection, upgrade_id: int, *, actor: Actor, now: float) -> Confirmation:
    """The user has seen how it ended; nothing while it has not.

    Raises:
        NoSuchObject: there is no such upgrade.
    """
    row, _, dk = _of(conn, upgrade_id, actor)
    before = confirmation(conn, upgrade_id)
    after = see_result(before, row.state, now)
    if after is not before:
        _keep(conn, upgrade_id, after, actor)
        was, is_now = _plain(before), _plain(after)
        audit.note(conn, "upgrade.confirm", upgrade_id, dk, actor=actor, now=now, before=was, after=is_now)
    return after


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
    dk: str = "",
    after: int = 0,
    limit: int | None = None,
) -> Page[Shown]:
    """Upgrades of a plan, by their numbers.

    Args:
        status: only with this one.
        dk: only of this device; "": of all.

    Raises:
        NoSuchObject: there is no such plan.
    """
    _plan(conn, plan_id, actor)
    size = page_limit(limit)
    query = select(*rows.COLUMNS, _D.dk).join_from(tables.upgrades, tables.devices)
    query = query.where(_U.plan_id == plan_id, _U.id > after).order_by(_U.id).limit(size + 1)
    if status is not None:
        query = query.where(_U.status == int(status))
    if dk:
        query = query.where(_D.dk == dk)
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


def asked(
    conn: Connection, plan_id: int, language: str, *, actor: Actor, after: int = 0, limit: int | None = None
) -> Page[Asked]:
    """What the users of a plan are asked and have said, device by device.

    Args:
        plan_id: of the actor's main account.
        language: of the texts; else English, else Chinese.
        after: key of the page before.
        limit: rows of the page.

    Raises:
        NoSuchObject: there is no such plan.
    """
    plan = stored.with_lists(conn, _plan(conn, plan_id, actor))
    found = page(conn, plan_id, actor=actor, after=after, limit=limit)
    known = devices.of_numbers(conn, [one.row.device_id for one in found.items])
    files = _files(conn, plan)
    items = tuple(
        Asked(
            one.row.id,
            one.dk,
            plan.plan.name,
            confirmation(conn, one.row.id),
            DeviceStatus(one.row.status),
            entries(plan.plan, scope.ruled(known[one.row.device_id]).versions, language),
            files,
        )
        for one in found.items
    )
    return Page(items, found.next_after)


def waiting_for_users(conn: Connection, plan_id: int, *, actor: Actor) -> int:
    """How many devices of a plan could be upgraded if only their users said so.

    Raises:
        NoSuchObject: there is no such plan.
    """
    plan = _plan(conn, plan_id, actor)
    if plan.plan.is_silent or plan.state.is_final or not plan.state.is_activated:
        return 0
    one = tables.confirmations.c
    agreed = select(one.upgrade_id).where(one.status.in_((int(ConfirmStatus.NOW), int(ConfirmStatus.APPOINTED))))
    waits = (_U.plan_id == plan_id) & (_U.phase == "waiting") & (_U.status == int(DeviceStatus.NOT_UPGRADED))
    return int(conn.execute(select(func.count()).where(waits, _U.id.not_in(agreed))).scalar_one())


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


def _plan(conn: Connection, plan_id: int, actor: Actor) -> StoredPlan:
    plan = stored.load(conn, plan_id)
    if plan is None or plan.account_id != actor.main_id:
        raise NoSuchObject(kind=PLAN, name=str(plan_id))
    return plan


def _files(conn: Connection, plan: StoredPlan) -> dict[str, tuple[tuple[str, int], ...]]:
    """Files of the last release of each component, as the device will get them."""
    last = {one.component: one.releases[-1].artifact_id for one in plan.plan.components}
    known = artifacts.of_numbers(conn, last.values())
    return {
        component: tuple((file.name, file.digests.size_bytes) for file in known[number].artifact.files)
        for component, number in last.items()
        if number in known
    }


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
