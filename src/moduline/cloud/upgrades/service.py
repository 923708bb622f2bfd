"""Verbs of upgrades: what happened goes in, what is to be said comes out; one transaction each.

::

    device link, schedule, people ──event──▶ rows ──▶ reading.read (pure) ──▶ rows, counters, log
                                                                     └──▶ Downlinks, sent after the commit

Which device is offered what is decided by ``plans.rules``; here is only who is looked at, in which order, and that a
device has one open upgrade. A reason is kept for everybody who is looked at and must wait.

Source: ota-semantics, sections 6 to 9 and 13.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select, update

from moduline.cloud import tables
from moduline.cloud.devices import contact
from moduline.cloud.devices import service as devices
from moduline.cloud.devices.device import Device
from moduline.cloud.hot import Hot
from moduline.cloud.outbox import events as outbox
from moduline.cloud.plans import course, scope, stored
from moduline.cloud.plans.groups import Admission, admit
from moduline.cloud.plans.rules import Device as RuledDevice
from moduline.cloud.plans.rules import DeviceStatus as Status
from moduline.cloud.plans.rules import LivePlan, Match, Standing, Trigger, Versions, Wait, judge_all
from moduline.cloud.plans.states import PlanState
from moduline.cloud.plans.stored import StoredPlan
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import rows
from moduline.cloud.upgrades.alike import Case, kind_of
from moduline.cloud.upgrades.confirm import Confirmation, ConfirmStatus
from moduline.cloud.upgrades.events import (
    Connected,
    Disconnected,
    Event,
    FileAsked,
    Retried,
    SpaceReported,
    StatusReported,
    TimePassed,
    VersionsReported,
)
from moduline.cloud.upgrades.ledger import Ledger
from moduline.cloud.upgrades.offer import LookAgain, Say, offered
from moduline.cloud.upgrades.reading import read
from moduline.cloud.upgrades.rows import Downlink, Row
from moduline.cloud.upgrades.upgrade import LogLine, UpgradeState

LINK_GRACE_S: Final = 24 * 3600.0
"""Links to files are good until the plan ends and so long after."""
BLOCK: Final = 500
"""Devices that one transaction of the grid begins at most."""
_AGAIN: Final = 3
"""How often one event may lead to another look at the same device."""
_U: Final = tables.upgrades.c
_TOLD: Final = {int(Status.UPGRADED): "upgrade.finished", int(Status.FAILED): "upgrade.failed"}
_P: Final = tables.plans.c
_WHOSE: Final = Hot(
    select(_P.account_id, _P.kind, _P.name, tables.devices.c.dk).where(
        _P.id == bindparam("plan"), tables.devices.c.id == bindparam("device")
    ),
    ("account_id", "kind", "name", "dk"),
)


def came_online(conn: Connection, device_id: int, node: str, connection: int, *, now: float) -> tuple[Downlink, ...]:
    """A device is connected and can be spoken to; nothing is said before it has told its versions."""
    if not contact.connect(conn, device_id, node, connection, now=now):
        return ()
    return hear(conn, device_id, Connected(), now=now)


def went_offline(conn: Connection, device_id: int, connection: int, *, now: float) -> tuple[Downlink, ...]:
    """A connection has ended; nothing happens when a newer one has taken its place."""
    if not contact.disconnect(conn, device_id, connection, now=now):
        return ()
    return hear(conn, device_id, Disconnected(), now=now)


def told_facts(conn: Connection, device_id: int, facts: Mapping[str, Any], *, now: float) -> tuple[Downlink, ...]:
    """A status or information report."""
    contact.report_facts(conn, device_id, facts, now=now)
    space = space_of(facts)
    return () if space is None else hear(conn, device_id, space, now=now)


def space_of(facts: Mapping[str, Any]) -> SpaceReported | None:
    """What a report says of free flash; None: nothing."""
    free = facts.get("free_flash")
    return SpaceReported(int(free)) if isinstance(free, int | float) else None


def requested(
    conn: Connection, device_id: int, module: str | None, controllers: Mapping[str, str] | None, *, now: float
) -> tuple[Downlink, ...]:
    """A device asks for a plan, with its versions."""
    return told_versions(conn, device_id, module, controllers, now=now, is_request=True)


def told_versions(
    conn: Connection,
    device_id: int,
    module: str | None,
    controllers: Mapping[str, str] | None,
    *,
    now: float,
    is_request: bool = False,
) -> tuple[Downlink, ...]:
    """Versions, by whatever message; a request is answered with a plan if there is one."""
    contact.report_versions(conn, device_id, module, controllers, now=now)
    told = Versions(module or None, {name: one for name, one in (controllers or {}).items() if name and one})
    said = hear(conn, device_id, VersionsReported(told, is_request=is_request), now=now)
    if not is_request:
        return said
    return (*said, *look(conn, device_id, Trigger.REQUEST, now=now))


def hear(conn: Connection, device_id: int, event: Event, *, now: float) -> tuple[Downlink, ...]:
    """Something happened to a device: every upgrade that it concerns hears of it.

    A status concerns the open upgrade, else the last one whose offer was withdrawn; versions concern all that could
    still change; everything else concerns the open one.
    """
    if isinstance(event, VersionsReported):
        found = [row for row in _of_device(conn, device_id) if row.state.components]
    else:
        opened = rows.OPEN.first(conn, {"device": device_id})
        found = [] if opened is None else [rows.row_of(opened)]
        if not found and isinstance(event, StatusReported):
            found = [row for row in _of_device(conn, device_id) if row.state.is_lapsed][:1]
    said: list[Downlink] = []
    for row in found:
        said += apply(conn, row, event, now=now)
    return go_on(conn, said, now=now)


def look(conn: Connection, device_id: int, trigger: Trigger, *, now: float) -> tuple[Downlink, ...]:
    """Offer a device what the rules give it now, and keep the reason for every plan that it waits for."""
    device = devices.of_numbers(conn, [device_id]).get(device_id)
    if device is None:
        return ()
    course.join(conn, device, now=now)
    plans = {plan.id: plan for plan in course.live(conn, device.product_id)}
    mine = [row for row in _of_device(conn, device_id) if row.plan_id in plans]
    ledger = Ledger(conn)
    match = _judge(ledger, device, [(plans[row.plan_id], row) for row in mine], trigger, now=now)
    ledger.write()
    if match is None:
        return ()
    row = next(row for row in mine if row.plan_id == match.plan_id)
    held = _admitted(conn, plans[row.plan_id], [device], now=now).held
    said: tuple[Downlink, ...] = ()
    if held:
        ledger.note_reason(row, held[device.dk])
    else:
        said = _begin(ledger, scope.ruled(device), plans[row.plan_id], row, match, now=now)
    ledger.write()
    return said


def grid(
    conn: Connection, plan_id: int, *, now: float, after: int = 0, is_held_only: bool = False
) -> tuple[tuple[Downlink, ...], int | None]:
    """One block of the grid of a running plan: what is said, and where the next block begins (None: that was the last).

    Args:
        after: key of the block before.
        is_held_only: between two marks: only devices that were held for the sake of the rate.
    """
    if course.settle(conn, plan_id, now=now) is not PlanState.RUNNING:
        return (), None
    plan = stored.load(conn, plan_id)
    assert plan is not None
    query = _candidates(plan, after)
    found = conn.execute(query.where(_U.reason == int(Reason.RATE_LIMITED)) if is_held_only else query).all()
    mine = [rows.row_of(one) for one in found]
    there = devices.of_numbers(conn, [row.device_id for row in mine])
    ledger = Ledger(conn)
    fits: dict[str, tuple[Device, Row, Case]] = {}
    confirmed = {} if plan.plan.is_silent else _confirmations(conn, mine)
    live = _live(plan, *(one.dk for one in there.values()))
    cases: dict[Hashable, Case] = {}
    for row in mine:  # who has another upgrade open is no candidate
        device = there[row.device_id]
        said_by_user = confirmed.get(row.id)
        kind = kind_of(plan, device, row, said_by_user)
        case = cases.get(kind)
        if case is None:
            ruled = scope.ruled(device)
            case = Case(ruled, *judge_all([(live, _standing(row, said_by_user, now))], ruled, Trigger.GRID, now))
            cases[kind] = case
        if case.waits:
            _note_waits(ledger, case.ruled, [(live, row)], case.waits, now=now)
        if case.match is not None:
            fits[device.dk] = (device, row, case)
    ledger.write()
    admitted = _admitted(conn, plan, [device for device, _, _ in fits.values()], now=now)
    said: list[Downlink] = []
    for dk in admitted.admitted:
        device, row, case = fits[dk]
        said += _begin_alike(ledger, plan, device, row, case, now=now)
    for dk, reason in admitted.held.items():
        ledger.note_reason(fits[dk][1], reason)
    ledger.write()
    next_after = mine[-1].id if len(mine) == BLOCK and admitted.next_at is None else None
    return tuple(said), next_after


def due(conn: Connection, *, now: float, limit: int = BLOCK) -> tuple[Downlink, ...]:
    """Upgrades whose time has come hear of it; at most ``limit`` of them, the most urgent first."""
    query = select(*rows.COLUMNS).where(_U.deadline <= now).order_by(_U.deadline).limit(limit)
    query = query.with_for_update(skip_locked=True, key_share=True)  # who is being heard is looked at again soon
    ledger = Ledger(conn)
    said: list[Downlink] = []
    for found in conn.execute(query).all():
        said += enter(ledger, rows.row_of(found), TimePassed(), now=now)[1]
    ledger.write()
    # whoever comes again before this is said may have installed what is offered: the rows that were judged are locked
    numbers = contact.connections_of(conn, dict.fromkeys(one.device_id for one in said)) if said else {}
    return go_on(conn, [replace(one, connection=numbers.get(one.device_id)) for one in said], now=now)


def file_asked(conn: Connection, token: str, http_status: int, *, now: float, is_broken: bool = False) -> None:
    """A line of the HTTP log: a device has loaded a file, or could not."""
    link, file = tables.downloads.c, tables.artifact_files.c
    query = select(link.upgrade_id, file.artifact_id).join_from(tables.downloads, tables.artifact_files)
    asked = conn.execute(query.where(link.token == token)).first()
    if asked is None:
        return
    found = rows.BY_ID.first(conn, {"upgrade": asked.upgrade_id})
    apply(conn, rows.row_of(found), FileAsked(asked.artifact_id, http_status, is_broken), now=now)


def apply(conn: Connection, row: Row, event: Event, *, now: float, begun_at: float | None = None) -> Sequence[Downlink]:
    """Let one upgrade hear of an event: the rules decide, the row, its counters and its log are written."""
    ledger = Ledger(conn)
    _, said = enter(ledger, row, event, now=now, begun_at=begun_at)
    ledger.write()
    return said


def enter(
    ledger: Ledger, row: Row, event: Event, *, now: float, begun_at: float | None = None
) -> tuple[Row, Sequence[Downlink]]:
    """The same, but what is written waits in a ledger; the row as it is now, and what is said."""
    state, lines, says = read(row.state, event, now)
    begun_at = row.begun_at if begun_at is None else begun_at
    return _entered(ledger, row, state, lines, says, begun_at=begun_at, now=now)


def _entered(
    ledger: Ledger,
    row: Row,
    state: UpgradeState,
    lines: Sequence[LogLine],
    says: Sequence[Say],
    *,
    begun_at: float | None,
    now: float,
) -> tuple[Row, Sequence[Downlink]]:
    """Keep what the rules have made of an upgrade, with all that follows from it."""
    kept = ledger.save(row, state, lines, begun_at=begun_at)
    if kept.status != row.status and kept.status in _TOLD:
        _tell(ledger, kept, now=now)
    if row.state.is_open and not state.is_open and ledger.plan(row.plan_id).kind == stored.VERIFICATION:
        ledger.write()
        _conclude(ledger.conn, kept, now=now)
    return kept, _linked(ledger, kept, says)


def _tell(ledger: Ledger, row: Row, *, now: float) -> None:
    """Tell of an upgrade that has come to an end."""
    found = _WHOSE.first(ledger.conn, {"plan": row.plan_id, "device": row.device_id})
    if found.kind != stored.PLAN:
        return
    said: dict[str, Any] = {
        "upgrade_id": row.id,
        "plan_id": row.plan_id,
        "plan": found.name,
        "device_id": row.device_id,
        "dk": found.dk,
        "attempt": row.state.attempt,
    }
    if row.status == int(Status.FAILED):
        said["reason"] = None if row.state.reason is None else int(row.state.reason)
    ledger.tell(found.account_id, _TOLD[row.status], said, now=now)


def _conclude(conn: Connection, row: Row, *, now: float) -> None:
    """A verification is over: say so of its artifact."""
    plan = stored.load(conn, row.plan_id)
    assert plan is not None
    has_passed = row.state.status is Status.UPGRADED
    state = "passed" if has_passed else "failed"
    reason = None if has_passed else int(row.state.reason or Reason.UNKNOWN)
    run, piece = tables.verifications, tables.artifacts
    done = update(run).where(run.c.plan_id == plan.id).values(state=state, ended_at=now, reason=reason)
    artifact_id = conn.execute(done.returning(run.c.artifact_id)).scalar_one()
    conn.execute(update(piece).where(piece.c.id == artifact_id).values(state=state))
    told = {"artifact_id": artifact_id, "device_id": row.device_id, "upgrade_id": row.id, "reason": reason}
    outbox.note(conn, plan.account_id, f"verification.{state}", told, now=now)
    ended = {"state": str(PlanState.ENDED), "ended_at": now}
    conn.execute(update(tables.plans).where(tables.plans.c.id == plan.id).values(**ended))
    course.close_rows(conn, plan.id, Reason.PLAN_ENDED, now=now)


def go_on(conn: Connection, said: Sequence[Downlink], *, now: float, left: int = _AGAIN) -> tuple[Downlink, ...]:
    """Look again at devices whose upgrade says so: a stepping stone was reached, or an attempt is left."""
    again = dict.fromkeys(one.device_id for one in said if isinstance(one.say, LookAgain))
    rest = [one for one in said if not isinstance(one.say, LookAgain)]
    for device_id in again:
        rest += look(conn, device_id, Trigger.GRID, now=now) if left else ()
    return tuple(rest)


def _judge(
    ledger: Ledger, device: Device, plans: Sequence[tuple[StoredPlan, Row]], trigger: Trigger, *, now: float
) -> Match | None:
    """What the rules give a device of these plans; the reason for every plan that it waits for is kept."""
    busy = rows.OPEN.first(ledger.conn, {"device": device.id})
    opened = None if busy is None else ledger.plan(busy.plan_id)
    is_verifying = opened is not None and opened.kind == stored.VERIFICATION
    ruled = scope.ruled(device, busy_plan=None if busy is None else busy.plan_id, is_verifying=is_verifying)
    confirmed = _confirmations(ledger.conn, [row for plan, row in plans if not plan.plan.is_silent])
    lives = [(_live(plan, device.dk), row) for plan, row in plans]
    return _weigh(ledger, ruled, lives, confirmed, trigger, now=now)


def _weigh(
    ledger: Ledger,
    ruled: RuledDevice,
    plans: Sequence[tuple[LivePlan, Row]],
    confirmed: Mapping[int, Confirmation],
    trigger: Trigger,
    *,
    now: float,
) -> Match | None:
    """The same, once all is known."""
    standings = [(live, _standing(row, confirmed.get(row.id), now)) for live, row in plans]
    match, waits = judge_all(standings, ruled, trigger, now)
    _note_waits(ledger, ruled, plans, waits, now=now)
    return match


def _note_waits(
    ledger: Ledger,
    ruled: RuledDevice,
    plans: Sequence[tuple[LivePlan, Row]],
    waits: Sequence[Wait],
    *,
    now: float,
) -> None:
    """Keep why a device waits; of ``ruled`` only the versions are looked at."""
    by_id = {live.plan_id: (live, row) for live, row in plans}
    for wait in waits:
        live, row = by_id[wait.plan_id]
        if row.state.phase != "waiting":
            continue
        if wait.reason is Reason.AT_TARGET:  # nothing to offer, so it is over: no update required
            enter(ledger, row, offered(live.plan, Match(live.plan_id, ()), ruled.versions), now=now)
        elif row.state.reason is not wait.reason:
            ledger.note_reason(row, wait.reason)


def _begin(
    ledger: Ledger, ruled: RuledDevice, plan: StoredPlan, row: Row, match: Match, *, now: float
) -> tuple[Downlink, ...]:
    """Offer what matched; a failed upgrade begins its next attempt first."""
    if row.state.status is Status.FAILED:
        state, lines, _ = read(row.state, Retried(), now)
        row = ledger.save(row, state, lines, begun_at=row.begun_at)
    _, said = enter(ledger, row, offered(plan.plan, match, ruled.versions, ruled.free_bytes), now=now, begun_at=now)
    return tuple(one for one in said if not isinstance(one.say, LookAgain))


def _begin_alike(
    ledger: Ledger, plan: StoredPlan, device: Device, row: Row, case: Case, *, now: float
) -> tuple[Downlink, ...]:
    """The same for a device of the grid, of whose kind there may be many."""
    assert case.match is not None
    if row.state.status is Status.FAILED:
        return _begin(ledger, scope.ruled(device), plan, row, case.match, now=now)
    if case.begun is None:
        case.begun = read(row.state, offered(plan.plan, case.match, case.ruled.versions), now)
    state, lines, says = case.begins(scope.free_bytes(device))
    _, said = _entered(ledger, row, state, lines, says, begun_at=now, now=now)
    return tuple([one for one in said if not isinstance(one.say, LookAgain)])


def _of_device(conn: Connection, device_id: int) -> list[Row]:
    return [rows.row_of(found) for found in rows.OF_DEVICE.rows(conn, {"device": device_id})]


def _linked(ledger: Ledger, row: Row, says: Sequence[Say]) -> tuple[Downlink, ...]:
    if not says:
        return ()
    until = ledger.plan(row.plan_id).plan.end_at + LINK_GRACE_S
    return rows.downlinks(ledger.conn, row, says, until=until)


def _live(plan: StoredPlan, *keys: str) -> LivePlan:
    """The plan for devices that have a row in it, and are therefore in its lists."""
    return replace(plan.live, plan=replace(plan.plan, white=frozenset(keys), black=frozenset()))


def _standing(row: Row, said: Confirmation | None, now: float) -> Standing:
    state = row.state
    has_failed = state.status is Status.FAILED
    is_now = said is not None and said.status is ConfirmStatus.NOW
    return Standing(
        status=state.status,
        is_open=state.is_open,
        attempts=state.attempt if has_failed else state.attempt - 1,
        failed_at=state.failed_at,
        failed_versions=state.failed_versions,
        refused_at=state.refused_at,
        group=row.group,
        is_confirmed=said is not None and said.wants(now),
        is_now=is_now,
    )


def _confirmations(conn: Connection, of: Sequence[Row]) -> dict[int, Confirmation]:
    """What users have said, by upgrade."""
    if not of:
        return {}
    one = tables.confirmations.c
    query = select(one.upgrade_id, one.status, one.start_at, one.end_at, one.changed_at)
    found = conn.execute(query.where(one.upgrade_id.in_([row.id for row in of])))
    return {row[0]: Confirmation(ConfirmStatus(row[1]), row[2], row[3], row[4]) for row in found}


def _candidates(plan: StoredPlan, after: int) -> Any:
    """Who could be offered a plan now, as a set; the rules judge each of them."""
    device, other = tables.devices.c, tables.upgrades.alias()
    is_busy = select(other.c.id).where(other.c.device_id == _U.device_id, other.c.is_open).exists()
    may_begin = _U.phase == "waiting"
    if plan.plan.strategy.retries and plan.plan.is_silent:
        may_begin |= (_U.status == int(Status.FAILED)) & (_U.attempt <= plan.plan.strategy.retries)
    return (
        select(*rows.COLUMNS)
        .join_from(tables.upgrades, tables.devices)
        .where(_U.plan_id == plan.id, _U.id > after, may_begin, _U.group_number <= plan.open_group)
        .where(device.node.is_not(None), device.node != contact.POLLING, device.is_enabled, ~is_busy)
        .order_by(_U.id)
        .limit(BLOCK)
        .with_for_update(of=tables.upgrades, key_share=True)
    )


def _admitted(conn: Connection, plan: StoredPlan, wanting: Sequence[Device], *, now: float) -> Admission:
    """Who of them may begin now by the plan's rate and the number in progress per radio cell."""
    strategy = plan.plan.strategy
    keys = [(device.dk, device.cell) for device in wanting]
    if not strategy.rate_per_min and not strategy.cell_most:
        return Admission(tuple(key for key, _ in keys), {})
    recent = select(_U.begun_at).where(_U.plan_id == plan.id, _U.begun_at > now - 60.0)
    cells: dict[str, int] = {}
    if strategy.cell_most:
        one = tables.devices.c
        query = (
            select(one.cell, func.count()).join_from(tables.devices, tables.upgrades).where(_U.is_open, one.cell != "")
        )
        cells = {found[0]: found[1] for found in conn.execute(query.group_by(one.cell))}
    begun = tuple(conn.execute(recent).scalars())
    return admit(strategy, keys, now=now, upgraded=course.total(conn, plan).upgraded, begun_at=begun, cells=cells)
