"""Routes of upgrades: who is how far, the log, the user's part; verifications."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import Field

from moduline.cloud.accounts.door import After, Id, Limit, Open, Who, needs, shown
from moduline.cloud.edge import error_frame, require
from moduline.cloud.given import Given
from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import leaving, people, tally, verification
from moduline.cloud.upgrades.confirm import Operation
from moduline.cloud.upgrades.people import Asked, Shown
from moduline.cloud.upgrades.upgrade import ComponentState
from moduline.cloud.upgrades.verification import Run
from moduline.errors import ModulineError

router: Final = APIRouter(prefix="/v1", tags=["upgrades"])


class Confirm(Given):
    """What the user of a device wants."""

    operation: Operation = Field(description="1 now, 2 at a time, 3 not now, 5 once more")
    start_at: float | None = Field(None, description="2: UTC seconds")
    end_at: float | None = None


class ConfirmMany(Confirm):
    """What the users of many devices want."""

    upgrades: list[int] = Field(min_length=1, max_length=1000, description="numbers of upgrades")


class Move(Given):
    """Which devices are to go where."""

    devices: list[int] = Field(min_length=1, max_length=leaving.MOST)
    host: str = Field(description="domain or IPv4 address")
    port: int = Field(description="of MQTT; devices keep the scheme they came by")
    is_trial: bool = Field(False, description="only say who would be told")


class Verify(Given):
    """Which device tries an artifact, as which component."""

    device: int
    component: str


@router.post("/devices/move", **needs("device.move"))
async def move_devices(door: Open, who: Who, to: Move) -> dict[str, Any]:
    """Send devices to another server; those that are offline or being upgraded are named, and not told."""
    found, said = await door.act(leaving.move, to.devices, to.host, to.port, is_trial=to.is_trial, actor=who)
    await door.deliver(said)
    return asdict(found)


@router.get("/plans/{plan}/upgrades")
async def list_upgrades(
    door: Open,
    who: Who,
    plan: Id,
    status: DeviceStatus | None = None,
    dk: str = "",
    after: After = 0,
    limit: Limit = None,
) -> dict[str, Any]:
    """Devices of a plan, each with its status and the reason why it waits."""
    page = await door.see(people.page, plan, actor=who, status=status, dk=dk, after=after, limit=limit)
    return shown(page, upgrade_json)


@router.get("/plans/{plan}/reasons")
async def list_reasons(door: Open, who: Who, plan: Id) -> dict[str, Any]:
    """Why devices of a plan wait and why they failed, each reason with its number of devices."""
    found = await door.see(tally.reasons, plan, actor=who)
    items = [
        {"status": int(one.status), "status_name": one.status.name.lower(), "count": one.count}
        | {"reason": _reason_json(one.reason)}
        for one in found
    ]
    return {"items": items, "next_after": None}


@router.get("/plans/{plan}/components")
async def list_components(door: Open, who: Who, plan: Id) -> dict[str, Any]:
    """How many devices of a plan are how far with each component that they were offered."""
    found = await door.see(tally.components, plan, actor=who)
    return {"items": [asdict(one) | {"status": str(one.status)} for one in found], "next_after": None}


@router.get("/plans/{plan}/course")
async def show_course(door: Open, who: Who, plan: Id) -> dict[str, Any]:
    """How the upgrades of a plan ended over time, in equal steps, as far back as events are kept."""
    return asdict(await door.see(tally.course, plan, actor=who, at=door.clock.now_s()))


@router.get("/plans/{plan}/confirmations")
async def list_confirmations(
    door: Open,
    who: Who,
    plan: Id,
    language: Annotated[str, Query(description="of the texts; else en, else zh", max_length=20)] = "en",
    after: After = 0,
    limit: Limit = None,
) -> dict[str, Any]:
    """What the users of a plan are asked and have said: what an application shows them.

    `status`: 0 nothing, 1 now, 2 appointed, 3 cancelled, 4 has seen the result; `waiting`: devices that could be
    upgraded if only their users said so.
    """
    page = shown(await door.see(people.asked, plan, language, actor=who, after=after, limit=limit), asked_json)
    return page | {"waiting": await door.see(people.waiting_for_users, plan, actor=who)}


@router.post("/upgrades/confirm", **needs("upgrade.confirm"))
async def confirm_many(door: Open, who: Who, wish: ConfirmMany) -> dict[str, Any]:
    """Do what the users of many devices want, each for itself; what is not possible is an error of its own."""
    require(who, "upgrade.confirm")
    made: list[dict[str, Any]] = []
    for number in wish.upgrades:
        try:
            said = await door.act(
                people.confirm, number, wish.operation, actor=who, start_at=wish.start_at, end_at=wish.end_at
            )
        except ModulineError as refused:
            made.append(error_frame(refused) | {"upgrade": number})
            continue
        await door.deliver(said)
        made.append({"ok": True, "upgrade": number, "offered": bool(said)})
    return {"items": made}


@router.post("/upgrades/{upgrade}/seen", **needs("upgrade.confirm"))
async def see_result(door: Open, who: Who, upgrade: Id) -> dict[str, Any]:
    """The user has seen how it ended."""
    return {"status": int((await door.act(people.see, upgrade, actor=who)).status)}


@router.get("/upgrades/{upgrade}/log")
async def show_log(door: Open, who: Who, upgrade: Id, after: After = 0, limit: Limit = None) -> dict[str, Any]:
    """All that happened to one device in one plan, oldest first."""
    return shown(await door.see(people.log, upgrade, actor=who, after=after, limit=limit), asdict)


@router.post("/upgrades/{upgrade}/confirm", **needs("upgrade.confirm"))
async def confirm_upgrade(door: Open, who: Who, upgrade: Id, wish: Confirm) -> dict[str, Any]:
    """Do what the user of a device wants."""
    said = await door.act(
        people.confirm, upgrade, wish.operation, actor=who, start_at=wish.start_at, end_at=wish.end_at
    )
    await door.deliver(said)
    return {"ok": True, "offered": bool(said)}


@router.post("/upgrades/{upgrade}/cancel", **needs("upgrade.cancel"))
async def cancel_upgrade(door: Open, who: Who, upgrade: Id) -> dict[str, Any]:
    """Take an offer back, possible until the download begins."""
    await door.act(people.cancel, upgrade, actor=who)
    return {"ok": True}


@router.post("/upgrades/{upgrade}/retry", **needs("upgrade.retry"))
async def retry_upgrade(door: Open, who: Who, upgrade: Id) -> dict[str, Any]:
    """Try a failed upgrade once more."""
    said = await door.act(people.retry, upgrade, actor=who)
    await door.deliver(said)
    return {"ok": True, "offered": bool(said)}


@router.post("/artifacts/{artifact}/verifications", status_code=201, **needs("verification.start"))
async def start_verification(door: Open, who: Who, artifact: Id, wish: Verify) -> dict[str, Any]:
    """Let a device try an artifact now."""
    run, said = await door.act(verification.start, artifact, wish.device, wish.component, actor=who)
    await door.deliver(said)
    return run_json(run)


@router.get("/artifacts/{artifact}/verifications")
async def list_verifications(
    door: Open, who: Who, artifact: Id, after: After = 0, limit: Limit = None
) -> dict[str, Any]:
    """The verifications of an artifact, oldest first."""
    return shown(await door.see(verification.runs, artifact, actor=who, after=after, limit=limit), run_json)


@router.get("/verifications")
async def list_verifications_of_all(door: Open, who: Who, limit: Limit = None) -> dict[str, Any]:
    """The newest verifications of all artifacts, newest first, with names of artifact and device."""
    found = await door.see(verification.newest, actor=who, limit=limit)
    items = [run_json(run) | {"artifact": name, "target": target, "dk": dk} for run, name, target, dk in found]
    return {"items": items, "next_after": None}


def upgrade_json(one: Shown) -> dict[str, Any]:
    """An upgrade as JSON."""
    state = one.row.state
    return {
        "id": one.row.id,
        "plan": one.row.plan_id,
        "device": one.row.device_id,
        "dk": one.dk,
        "status": one.row.status,
        "status_name": DeviceStatus(one.row.status).name.lower(),
        "phase": str(state.phase),
        "reason": _reason_json(state.reason),
        "attempt": state.attempt,
        "group": one.row.group,
        "begun_at": one.row.begun_at,
        "components": [_component_json(each) for each in state.components],
    }


def asked_json(one: Asked) -> dict[str, Any]:
    """What a user is asked, as JSON."""
    entries = [
        asdict(each)
        | {
            "type": int(each.type),
            "files": [{"name": name, "bytes": size} for name, size in one.files.get(each.component, ())],
        }
        for each in one.entries
    ]
    return {
        "upgrade": one.upgrade_id,
        "dk": one.dk,
        "plan": one.plan,
        **asdict(one.said),
        "status": int(one.said.status),
        "device_status": one.status.name.lower(),
        "components": entries,
    }


def run_json(run: Run) -> dict[str, Any]:
    """A verification as JSON."""
    return asdict(run) | {"reason": _reason_json(run.reason)}


def _component_json(one: ComponentState) -> dict[str, Any]:
    return {
        "sort": one.sort,
        "component": one.component,
        "type": int(one.type),
        "source": one.source,
        "target": one.target,
        "status": str(one.status),
        "artifact": one.artifact_id,
    }


def _reason_json(reason: Reason | None) -> dict[str, Any] | None:
    if reason is None:
        return None
    return {"code": int(reason), "en": reason.text.say("en"), "zh": reason.text.say("zh")}
