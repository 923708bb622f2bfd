"""What the platform does to plans by itself: begin, end, open groups, stop, take in devices that join late.

Source: ota-semantics, sections 4 and 5.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, func, insert, literal, select, update

from moduline.cloud import tables
from moduline.cloud.devices.device import Device
from moduline.cloud.outbox import events as outbox
from moduline.cloud.plans import counters, scope, stored
from moduline.cloud.plans.groups import Count, judge_spread, late_group
from moduline.cloud.plans.rules import DeviceStatus, in_scope
from moduline.cloud.plans.states import PlanState, PlanVerb, move
from moduline.cloud.plans.states import settle as settled
from moduline.cloud.plans.stored import StoredPlan
from moduline.cloud.reasons import Reason
from moduline.errors import Text

LIVE: Final = (PlanState.SCHEDULED, PlanState.RUNNING, PlanState.SUSPENDED)
"""States of a plan that was activated and is not over."""
_P: Final = tables.plans.c
_U: Final = tables.upgrades.c
_TOLD: Final = {
    PlanState.RUNNING: "plan.started",
    PlanState.SUSPENDED: "plan.suspended",
    PlanState.ENDED: "plan.ended",
}
_ALL_DONE: Final = Text("every device of the list is finished", "名单内设备均已完成")


def live(conn: Connection, product_id: int | None = None) -> list[StoredPlan]:
    """Every plan that was activated and is not over, of one product or of all."""
    query = select(tables.plans).where(_P.state.in_(LIVE)).order_by(_P.id)
    if product_id is not None:
        query = query.where(_P.product_id == product_id)
    return [stored.of_row(conn, row) for row in conn.execute(query)]


def settle(conn: Connection, plan_id: int, *, now: float) -> PlanState:
    """Do to a plan what is due: begin, open the next group, stop, end; the state it is in then."""
    plan = stored.load(conn, plan_id, locks=True)
    assert plan is not None
    if plan.state not in LIVE:
        return plan.state
    state = settled(plan.state, now, plan.plan.start_at, plan.plan.end_at)
    values: dict[str, Any] = {}
    if state is PlanState.RUNNING:
        spread = judge_spread(
            plan.plan.strategy, _counts(conn, plan), plan.open_group, ignored_failures=plan.ignored_failures
        )
        values = {"open_group": spread.open_group} if spread.open_group != plan.open_group else {}
        if spread.stop is not None:
            state = _after(state, PlanVerb.STOP)
            values["reason"] = _both(spread.stop.text, **spread.stop.facts)
        elif _is_all_done(conn, plan):
            state = _after(state, PlanVerb.END)
            values["reason"] = _both(_ALL_DONE)
    if state is not plan.state:
        values["state"] = str(state)
    if state.is_final:
        values["ended_at"] = now
        close_rows(conn, plan_id, Reason.PLAN_ENDED, now=now)
    if values:
        conn.execute(update(tables.plans).where(_P.id == plan_id).values(**values))
        _tell(conn, plan, state, values, now=now)
    return state


def _tell(conn: Connection, plan: StoredPlan, state: PlanState, values: dict[str, Any], *, now: float) -> None:
    """Write the events of what the platform did to a plan."""
    if plan.kind != stored.PLAN:
        return
    said = {"plan_id": plan.id, "name": plan.plan.name, "by": "platform"}
    if "open_group" in values:
        outbox.note(conn, plan.account_id, "plan.group-opened", said | {"group": values["open_group"]}, now=now)
    kind = _TOLD.get(state)
    if state is not plan.state and kind is not None:
        outbox.note(conn, plan.account_id, kind, said | {"reason": values.get("reason")}, now=now)


def total(conn: Connection, plan: StoredPlan) -> Count:
    """What a plan has come to."""
    whole = Count()
    for count in _counts(conn, plan):
        whole = whole.plus(count)
    return whole


def close_rows(conn: Connection, plan_id: int, reason: Reason, *, now: float) -> None:
    """The plan is over for all its devices: those that wait are finished, those that have begun go on and know it."""
    begun = (_U.plan_id == plan_id) & _U.is_open & _U.over.is_(None)
    texts = literal(_both(reason.text), tables.upgrade_log.c.text.type)
    line = select(_U.id, literal(now), literal("platform"), literal(""), texts, literal("")).where(begun)
    conn.execute(
        insert(tables.upgrade_log).from_select(["upgrade_id", "at", "source", "component", "text", "message"], line)
    )
    conn.execute(update(tables.upgrades).where(begun).values(over=int(reason)))
    waiting = (_U.plan_id == plan_id) & (_U.phase == "waiting")
    done = {"phase": "final", "reason": int(reason), "over": int(reason), "is_lapsed": False}
    conn.execute(update(tables.upgrades).where(waiting).values(**done))


def join(conn: Connection, device: Device, *, now: float) -> int:
    """Take a device into every live plan that it is in the scope of and has no row in; how many.

    A device comes to be in scope by its first contact, or by a tag that a filter asks for.
    """
    there = select(_U.plan_id).where(_U.device_id == device.id)
    known = set(conn.execute(there).scalars())
    joined = 0
    ruled = scope.ruled(device)
    for plan in live(conn, device.product_id):
        if plan.id in known or plan.kind != stored.PLAN or plan.plan.end_at <= now:
            continue
        if in_scope(stored.listing(conn, plan, device.dk), ruled):
            group = late_group(plan.plan.strategy.stages)
            row = {
                "plan_id": plan.id,
                "device_id": device.id,
                "status": int(DeviceStatus.NOT_UPGRADED),
                "phase": "waiting",
                "is_open": False,
                "group_number": group,
                "attempt": 1,
                "is_lapsed": False,
            }
            conn.execute(insert(tables.upgrades), row)
            counters.add(conn, plan.id, {(group, int(DeviceStatus.NOT_UPGRADED)): 1})
            joined += 1
    return joined


def _counts(conn: Connection, plan: StoredPlan) -> tuple[Count, ...]:
    return counters.counts(conn, plan.id, max(len(plan.plan.strategy.stages), 1))


def _after(state: PlanState, verb: PlanVerb) -> PlanState:
    target = move(state, verb)
    assert isinstance(target, PlanState)
    return target


def _is_all_done(conn: Connection, plan: StoredPlan) -> bool:
    """Whether a closed list has nobody left who could still be upgraded."""
    if not plan.plan.has_white_list:
        return False
    count = total(conn, plan)
    if count.waiting or count.in_progress:
        return False
    one, black = tables.plan_devices.c, tables.plan_devices.alias().c
    is_out = select(black.dk).where(black.plan_id == plan.id, black.is_black)
    listed = select(func.count()).where(one.plan_id == plan.id, one.is_black.is_(False), one.dk.not_in(is_out))
    if int(conn.execute(listed).scalar_one()) > count.finished + count.no_update:
        return False  # some are not known yet
    left = select(func.count()).where(
        _U.plan_id == plan.id, _U.status == int(DeviceStatus.FAILED), _U.attempt <= plan.plan.strategy.retries
    )
    return not (plan.plan.is_silent and conn.execute(left).scalar_one())


def _both(words: Text, **facts: Any) -> dict[str, str]:
    return {"en": words.say("en", **facts), "zh": words.say("zh", **facts)}
