"""Routes of upgrades: who is how far, the log, the user's part; verifications."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from moduline.cloud.accounts.door import After, Limit, Open, Who, needs, shown
from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import people, verification
from moduline.cloud.upgrades.confirm import Operation
from moduline.cloud.upgrades.people import Shown
from moduline.cloud.upgrades.upgrade import ComponentState
from moduline.cloud.upgrades.verification import Run

router: Final = APIRouter(prefix="/v1", tags=["upgrades"])


class Confirm(BaseModel):
    """What the user of a device wants."""

    model_config = ConfigDict(extra="forbid")
    operation: Operation = Field(description="1 now, 2 at a time, 3 not now, 5 once more")
    start_at: float | None = Field(None, description="2: UTC seconds")
    end_at: float | None = None


class Verify(BaseModel):
    """Which device tries an artifact, as which component."""

    model_config = ConfigDict(extra="forbid")
    device: int
    component: str


@router.get("/plans/{plan}/upgrades")
async def list_upgrades(
    door: Open, who: Who, plan: int, status: DeviceStatus | None = None, after: After = 0, limit: Limit = None
) -> dict[str, Any]:
    """Devices of a plan, each with its status and the reason why it waits."""
    page = await door.see(people.page, plan, actor=who, status=status, after=after, limit=limit)
    return shown(page, upgrade_json)


@router.get("/upgrades/{upgrade}/log")
async def show_log(door: Open, who: Who, upgrade: int, after: After = 0, limit: Limit = None) -> dict[str, Any]:
    """All that happened to one device in one plan, oldest first."""
    return shown(await door.see(people.log, upgrade, actor=who, after=after, limit=limit), asdict)


@router.post("/upgrades/{upgrade}/confirm", **needs("upgrade.confirm"))
async def confirm_upgrade(door: Open, who: Who, upgrade: int, wish: Confirm) -> dict[str, Any]:
    """Do what the user of a device wants."""
    said = await door.act(
        people.confirm, upgrade, wish.operation, actor=who, start_at=wish.start_at, end_at=wish.end_at
    )
    await door.deliver(said)
    return {"ok": True, "offered": bool(said)}


@router.post("/upgrades/{upgrade}/cancel", **needs("upgrade.cancel"))
async def cancel_upgrade(door: Open, who: Who, upgrade: int) -> dict[str, Any]:
    """Take an offer back, possible until the download begins."""
    await door.act(people.cancel, upgrade, actor=who)
    return {"ok": True}


@router.post("/upgrades/{upgrade}/retry", **needs("upgrade.retry"))
async def retry_upgrade(door: Open, who: Who, upgrade: int) -> dict[str, Any]:
    """Try a failed upgrade once more."""
    said = await door.act(people.retry, upgrade, actor=who)
    await door.deliver(said)
    return {"ok": True, "offered": bool(said)}


@router.post("/artifacts/{artifact}/verifications", status_code=201, **needs("verification.start"))
async def start_verification(door: Open, who: Who, artifact: int, wish: Verify) -> dict[str, Any]:
    """Let a device try an artifact now."""
    run, said = await door.act(verification.start, artifact, wish.device, wish.component, actor=who)
    await door.deliver(said)
    return run_json(run)


@router.get("/artifacts/{artifact}/verifications")
async def list_verifications(
    door: Open, who: Who, artifact: int, after: After = 0, limit: Limit = None
) -> dict[str, Any]:
    """The verifications of an artifact, oldest first."""
    return shown(await door.see(verification.runs, artifact, actor=who, after=after, limit=limit), run_json)


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
