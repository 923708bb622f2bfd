"""Routes of plans: write, approve, activate, suspend, resume, terminate; counters."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import Connection

from moduline.cloud.accounts.door import After, Door, Id, Limit, Open, Who, needs, shown
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.edge import Actor, require
from moduline.cloud.given import Given
from moduline.cloud.plans import counters, course, stored, trial, waiving
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.filters import parse_filter
from moduline.cloud.plans.groups import Count
from moduline.cloud.plans.plan import Plan, PlanComponent, Release, Stage, Strategy
from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.plans.states import PlanState
from moduline.cloud.plans.stored import StoredPlan
from moduline.cloud.plans.zone import Window, merge
from moduline.errors import LANGUAGES, BadField, NoSuchObject, Text

router: Final = APIRouter(prefix="/v1/plans", tags=["plans"])
_REASON: Final = Text("{reason}", "{reason}")


class GivenRelease(Given):
    """An artifact of a component, and from which versions it may be installed."""

    artifact: int
    needs: list[str] = Field([], description="whole packages: versions it may be installed over; none: any")


class GivenComponent(Given):
    """A component of a plan."""

    component: str
    releases: list[GivenRelease] = Field(min_length=1, description="stepping stones, the plan's target last")


class GivenPlan(Given):
    """All an operator writes down."""

    name: str
    product: int
    zone: str = Field(description="IANA name; all times are wall-clock times of it", examples=["Asia/Shanghai"])
    start: str = Field(description="local", examples=["2026-11-21T10:00"])
    end: str
    components: list[GivenComponent]
    white: list[str] | None = Field(None, description="device keys; null: all devices of the product")
    black: list[str] = Field([])
    filter: str = ""
    windows: list[tuple[int, int]] = Field([], description="whole hours [from, to)")
    is_windows_strict: bool = False
    is_silent: bool = True
    texts: dict[str, str] = Field({})
    strategy: dict[str, Any] = Field({})


class GivenWaiver(Given):
    """Which proof a plan may go without, and why."""

    proof: Literal["verification", "rehearsal"]
    reason: str


@router.get("")
async def list_plans(
    door: Open,
    who: Who,
    state: PlanState | None = None,
    product: int | None = None,
    after: After = 0,
    limit: Limit = None,
) -> dict[str, Any]:
    """Plans, oldest first, each with its counters."""
    page = await door.see(plans.page, actor=who, state=state, product_id=product, after=after, limit=limit)
    known = await door.see(counters.totals, [one.id for one in page.items])
    return shown(page, lambda one: plan_json(one) | {"counters": _counted(known[one.id])})


@router.post("", status_code=201, **needs("plan.create"))
async def create_plan(door: Open, who: Who, given: GivenPlan) -> dict[str, Any]:
    """Write a draft."""
    plan = await door.see(_plan, given, who)
    return plan_json(await door.act(plans.create, plan, actor=who))


@router.post("/check", **needs("plan.create"))
async def check_plan(
    door: Open,
    who: Who,
    given: GivenPlan,
    plan: Annotated[int | None, Query(description="the draft that it would replace")] = None,
) -> dict[str, Any]:
    """All that speaks against a plan before it is written, and how many devices it would meet now; keeps nothing."""
    require(who, "plan.create")
    return await door.see(_tried, given, plan, who)


@router.get("/{plan}")
async def show_plan(door: Open, who: Who, plan: Id) -> dict[str, Any]:
    """One plan with its lists and counters: the monitor."""
    return await door.see(_monitored, plan, who)


@router.put("/{plan}", **needs("plan.change"))
async def change_plan(door: Open, who: Who, plan: Id, given: GivenPlan) -> dict[str, Any]:
    """Write a draft anew."""
    made = await door.see(_plan, given, who)
    return plan_json(await door.act(plans.change, plan, made, actor=who))


@router.delete("/{plan}", **needs("plan.delete"))
async def delete_plan(door: Open, who: Who, plan: Id) -> dict[str, Any]:
    """Remove a draft."""
    await door.act(plans.delete, plan, actor=who)
    return {"ok": True}


@router.post("/{plan}/approve", **needs("plan.approve"))
async def approve_plan(door: Open, who: Who, plan: Id) -> dict[str, Any]:
    """Agree to a draft as it stands now."""
    return plan_json(await door.act(plans.approve, plan, actor=who))


@router.get("/{plan}/obstacles")
async def show_obstacles(door: Open, who: Who, plan: Id) -> dict[str, Any]:
    """All that stands between a draft and its activation; nothing, once it was activated."""
    found = await door.see(waiving.obstacles, plan, actor=who, at=door.clock.now_s())
    said = [{"field": one.field, "en": one.say("en"), "zh": one.say("zh")} for one in found]
    codes = [one.facts.get("reason_code") for one in found]
    return {"items": [one | {"reason": code} for one, code in zip(said, codes, strict=True)]}


@router.post("/{plan}/waivers", status_code=201, **needs("plan.waive"))
async def waive_proof(door: Open, who: Who, plan: Id, wish: GivenWaiver) -> dict[str, Any]:
    """Let a draft, as it stands now, go without a proof that it needs; the reason stays in the audit log."""
    given = await door.act(waiving.waive, plan, wish.proof, wish.reason, actor=who)
    return {"items": [asdict(one) for one in given]}


@router.post("/{plan}/activate", **needs("plan.activate"))
async def activate_plan(door: Open, who: Who, plan: Id) -> dict[str, Any]:
    """Start it; from now on it is neither edited nor deleted."""
    return await _shifted(door, plans.activate, plan, who)


@router.post("/{plan}/suspend", **needs("plan.suspend"))
async def suspend_plan(door: Open, who: Who, plan: Id) -> dict[str, Any]:
    """Offer it to nobody for the time being."""
    return await _shifted(door, plans.suspend, plan, who)


@router.post("/{plan}/resume", **needs("plan.resume"))
async def resume_plan(door: Open, who: Who, plan: Id) -> dict[str, Any]:
    """Go on."""
    return await _shifted(door, plans.resume, plan, who)


@router.post("/{plan}/terminate", **needs("plan.terminate"))
async def terminate_plan(door: Open, who: Who, plan: Id) -> dict[str, Any]:
    """End it for good."""
    return await _shifted(door, plans.terminate, plan, who)


def plan_json(one: StoredPlan) -> dict[str, Any]:
    """A plan as JSON, without its lists."""
    plan = one.plan
    return {
        "id": one.id,
        "name": plan.name,
        "product": plan.product_id,
        "state": str(one.state),
        "reason": one.reason,
        "zone": plan.zone,
        "start": plan.start_local,
        "end": plan.end_local,
        "components": [_component_json(each) for each in plan.ordered],
        "has_white_list": plan.has_white_list,
        "filter": plan.filter.text if plan.filter else "",
        "windows": [[each.start, each.end] for each in plan.windows],
        "is_windows_strict": plan.is_windows_strict,
        "is_silent": plan.is_silent,
        "texts": dict(plan.texts),
        "strategy": asdict(plan.strategy),
        "revision": one.revision,
        "open_group": one.open_group,
        "created_at": one.created_at,
        "activated_at": one.activated_at,
        "ended_at": one.ended_at,
    }


def _component_json(one: PlanComponent) -> dict[str, Any]:
    releases = [
        {"artifact": each.artifact_id, "name": each.name, "source": each.source, "target": each.target}
        | {"bytes": each.size_bytes, "needs": sorted(each.needs)}
        for each in one.releases
    ]
    return {"component": one.component, "type": int(one.type), "target": one.target, "releases": releases}


async def _shifted(door: Door, verb: Any, plan: int, who: Actor) -> dict[str, Any]:
    made: StoredPlan = await door.act(verb, plan, actor=who)
    door.wake()
    return plan_json(made)


def _tried(conn: Connection, given: GivenPlan, number: int | None, who: Actor) -> dict[str, Any]:
    """What a form of a plan is told: every problem that can be seen, one of the filter or of an artifact alone."""
    try:
        plan = _plan(conn, given, who)
    except BadField as refused:
        told = {lang: _REASON.say(lang, **refused.facts) for lang in LANGUAGES}
        return {"items": [{"field": refused.facts["field"]} | told], "devices": None}
    except NoSuchObject as gone:
        told = {lang: gone.message(lang) for lang in LANGUAGES}
        return {"items": [{"field": "components"} | told], "devices": None}
    found = trial.problems(conn, plan, actor=who, plan_id=number)
    items = [{"field": one.field, "en": one.say("en"), "zh": one.say("zh")} for one in found]
    return {"items": items, "devices": trial.met(conn, plan, actor=who)}


def _monitored(conn: Connection, plan_id: int, who: Actor) -> dict[str, Any]:
    one = stored.with_lists(conn, plans.by_id(conn, plan_id, actor=who))
    groups = counters.counts(conn, plan_id, max(len(one.plan.strategy.stages), 1))
    counted = _counted(course.total(conn, one)) | {"groups": [asdict(each) for each in groups]}
    lists = {"white": sorted(one.plan.white), "black": sorted(one.plan.black)}
    agreed = [{"account": name, "at": at} for name, at in plans.approvals(conn, one)]
    waived = [asdict(each) for each in waiving.waivers(conn, plan_id, actor=who)]
    return plan_json(one) | lists | {"approvals": agreed, "waivers": waived, "counters": counted}


def _counted(whole: Count) -> dict[str, Any]:
    """What a plan has come to, as JSON."""
    by_status = zip((each.name.lower() for each in DeviceStatus), asdict(whole).values(), strict=True)
    rate = whole.upgraded / whole.finished if whole.finished else None
    return {"devices": whole.total, "by_status": dict(by_status), "success_rate": rate}


def _plan(conn: Connection, given: GivenPlan, who: Actor) -> Plan:
    """The plan that was written down, with what the artifacts say."""
    return Plan(
        name=given.name,
        product_id=given.product,
        zone=given.zone,
        start_local=given.start,
        end_local=given.end,
        components=tuple(_component(conn, at, one, who) for at, one in enumerate(given.components)),
        white=frozenset(given.white or ()),
        black=frozenset(given.black),
        has_white_list=given.white is not None,
        filter=parse_filter(given.filter) if given.filter else None,
        windows=_windows(given),
        is_windows_strict=given.is_windows_strict,
        is_silent=given.is_silent,
        texts=given.texts,
        strategy=_strategy(given.strategy),
    )


def _windows(given: GivenPlan) -> tuple[Window, ...]:
    """Push windows, merged where they can be; hours that cannot be are left for the rules to refuse."""
    windows = tuple(Window(*one) for one in given.windows)
    is_sound = all(0 <= one.start < 24 and 0 <= one.end <= 24 for one in windows)
    return merge(windows) if windows and is_sound else windows


def _component(conn: Connection, at: int, one: GivenComponent, who: Actor) -> PlanComponent:
    releases, kinds = [], set[ComponentType]()
    for given in one.releases:
        made = artifacts.by_id(conn, given.artifact, actor=who)
        known = made.artifact
        kinds.add(known.type)
        releases.append(
            Release(made.id, known.target, known.size_bytes, known.source, frozenset(given.needs), known.name)
        )
    if len(kinds) > 1:
        reason = Text("artifacts of modules and of MCUs in one component", "同一组件混用了模组与 MCU 版本包")
        raise BadField(field=f"components[{at}].releases", reason=reason)
    return PlanComponent(one.component, kinds.pop(), tuple(releases))


def _strategy(given: dict[str, Any]) -> Strategy:
    known = {one.name for one in fields(Strategy)}
    for name in given:
        if name not in known:
            raise BadField(field=f"strategy.{name[:64]}", reason=Text("is not known", "未知字段"))
    stages = given.get("stages") or ()
    try:
        return Strategy(**given | {"stages": tuple(Stage(**one) for one in stages)})
    except TypeError as wrong:
        reason = Text("groups of percent, success_percent ...", "批次字段有误")
        raise BadField(field="strategy.stages", reason=reason) from wrong
