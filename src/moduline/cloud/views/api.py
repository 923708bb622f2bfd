"""Routes over several rooms: devices by a filter, and exports that are sent while they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from moduline.cloud import audit
from moduline.cloud.accounts.api import Asked
from moduline.cloud.accounts.door import After, Id, Limit, Open, Who, needs, shown
from moduline.cloud.devices import moving
from moduline.cloud.devices.api import device_json
from moduline.cloud.devices.device import MODULE, DeviceFilter
from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.upgrades import people
from moduline.cloud.upgrades.api import upgrade_json
from moduline.cloud.views import glance, lists, sights
from moduline.cloud.views.spelling import FORMATS, Item, Shape, head, moment, spell

router: Final = APIRouter(prefix="/v1")
exports: Final = APIRouter(prefix="/v1", tags=["exports"])
Form = Annotated[Literal["csv", "jsonl"], Query(description="csv for spreadsheets, jsonl for programs")]
Filter = Annotated[
    str, Query(description="as in plans", examples=["tag==pilot;version<1.10"], max_length=4096, alias="filter")
]
Block = tuple[Sequence[Item], Any]
"""Items, and where to go on; None: that was all."""


def _which(
    product: int | None = None,
    dk: Annotated[str, Query(description="whose key begins so")] = "",
    is_online: bool | None = None,
    is_enabled: bool | None = None,
    tag: str = "",
    value: Annotated[str | None, Query(description="of the attribute `tag`")] = None,
    version: Annotated[str, Query(description="that runs this version")] = "",
    type: int = MODULE,  # noqa: A002  the name in the query
    component: str = "",
    cell: str = "",
    seen_before: Annotated[float | None, Query(description="not heard of since, UTC seconds")] = None,
    find: Annotated[str, Query(description="whose key, or number of the line (`line.unit`), begins so")] = "",
) -> DeviceFilter:
    """Which devices are meant."""
    return DeviceFilter(
        product, dk, is_online, is_enabled, tag, value, type, component, version, cell, seen_before, find
    )


Which = Annotated[DeviceFilter, Depends(_which)]


@router.get("/overview", tags=["overview"])
async def show_overview(door: Open, who: Who) -> dict[str, Any]:
    """The fleet at a glance: devices, plans by state, upgrades of the last day, and what needs somebody."""
    return asdict(await door.see(glance.overview, actor=who, at=door.clock.now_s()))


@router.get("/devices", tags=["devices"])
async def list_devices(
    door: Open,
    who: Who,
    wanted: Which,
    text: Filter = "",
    after: After = 0,
    limit: Limit = None,
    counted: Annotated[bool, Query(description="whether `count` says how many there are in all")] = False,
) -> dict[str, Any]:
    """Devices by their numbers."""
    if counted:
        page, count = await door.see(lists.counted, wanted, text, actor=who, after=after, limit=limit)
        return shown(page, device_json) | {"count": count}
    return shown(await door.see(lists.matching, wanted, text, actor=who, after=after, limit=limit), device_json)


@router.get("/devices/count", tags=["devices"])
async def count_devices(door: Open, who: Who, wanted: Which, text: Filter = "") -> dict[str, Any]:
    """How many devices there are of those: what a filter of a plan would meet."""
    return {"count": await door.see(lists.count, wanted, text, actor=who)}


@router.get("/devices/facets", tags=["devices"])
async def show_facets(door: Open, who: Who, product: int | None = None) -> dict[str, Any]:
    """What devices can be filtered by, with how many have it: versions of modules, tags; the most frequent first."""
    return await door.see(sights.facets, product, actor=who)


@router.get("/devices/{device}/upgrades", tags=["devices"])
async def list_upgrades_of_device(
    door: Open, who: Who, device: Id, after: After = 0, limit: Limit = None
) -> dict[str, Any]:
    """All plans and verifications that a device is or was in, newest first, each with the reason why it waits."""
    return shown(await door.see(sights.upgrades_of, device, actor=who, after=after, limit=limit), _device_upgrade_json)


@router.get("/products/{product}/counts", tags=["products"])
async def count_product(door: Open, who: Who, product: Id) -> dict[str, Any]:
    """How much there is of a product: devices, those online, plans by state."""
    return await door.see(sights.product_counts, product, actor=who)


@router.get("/artifacts/{artifact}/uses", tags=["artifacts"])
async def list_uses(door: Open, who: Who, artifact: Id) -> dict[str, Any]:
    """Plans that name an artifact, newest first."""
    return {"items": await door.see(sights.uses_of, artifact, actor=who), "next_after": None}


@exports.get("/devices/export", response_class=StreamingResponse)
async def export_devices(
    door: Open, who: Who, wanted: Which, text: Filter = "", form: Form = "csv"
) -> StreamingResponse:
    """Devices with versions, tags and what they told last."""

    async def block(after: int) -> Block:
        page = await door.see(lists.matching, wanted, text, actor=who, after=after, limit=lists.BLOCK)
        return [device_json(one) for one in page.items], page.next_after

    return await _sent(block, 0, _DEVICES, form, "devices")


@exports.get("/devices/export/secrets", response_class=StreamingResponse, **needs("device.secrets"))
async def export_secrets(
    door: Open, who: Who, wanted: Which, text: Filter = "", form: Form = "csv"
) -> StreamingResponse:
    """Devices with their device secrets, as another platform takes them; that they were taken along is noted."""
    await door.act(moving.open_secrets, wanted.product_id, actor=who)

    async def block(after: int) -> Block:
        page = await door.see(lists.matching, wanted, text, actor=who, after=after, limit=lists.BLOCK)
        known = await door.see(moving.secrets_of, [one.id for one in page.items], actor=who)
        return [moving.device_line(device_json(one), known.get(one.id, "")) for one in page.items], page.next_after

    return await _sent(block, 0, _MOVING, form, "devices")


@exports.get("/plans/{plan}/upgrades/export", response_class=StreamingResponse)
async def export_upgrades(
    door: Open, who: Who, plan: Id, status: DeviceStatus | None = None, form: Form = "csv"
) -> StreamingResponse:
    """Devices of a plan, each with its status and the reason why it waits or failed."""

    async def block(after: int) -> Block:
        page = await door.see(people.page, plan, actor=who, status=status, after=after, limit=lists.BLOCK)
        return [upgrade_json(one) for one in page.items], page.next_after

    return await _sent(block, 0, _UPGRADES, form, f"plan-{plan}")


@exports.get("/plans/{plan}/log/export", response_class=StreamingResponse)
async def export_log(door: Open, who: Who, plan: Id, form: Form = "csv") -> StreamingResponse:
    """All that happened to the devices of a plan, device by device, oldest first."""

    async def block(after: tuple[int, int]) -> Block:
        return await door.see(lists.plan_log, plan, after, actor=who)

    return await _sent(block, (0, 0), _LOG, form, f"plan-{plan}-log")


@exports.get("/audit/export", response_class=StreamingResponse)
async def export_audit(door: Open, who: Who, wanted: Asked, form: Form = "csv") -> StreamingResponse:
    """Every change: who, when, what was and what is."""

    async def block(after: int) -> Block:
        page = await door.see(audit.entries, wanted, actor=who, after=after, limit=lists.BLOCK)
        return [asdict(one) for one in page.items], page.next_after

    return await _sent(block, 0, _AUDIT, form, "audit")


async def _sent(
    block: Callable[[Any], Awaitable[Block]], start: Any, shape: Shape, form: str, name: str
) -> StreamingResponse:
    """A list as a file; what is wrong with the question is found before the answer begins."""
    items, place = await block(start)

    async def pieces() -> AsyncIterator[str]:
        found, after = items, place
        yield head(shape, form) + spell(shape, form, found)
        while after is not None:
            found, after = await block(after)
            yield spell(shape, form, found)

    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(pieces(), media_type=FORMATS[form], headers=headers)


def _device_upgrade_json(one: sights.DeviceUpgrade) -> dict[str, Any]:
    more = {"plan_name": one.plan, "plan_state": one.plan_state, "is_verification": one.is_verification}
    return upgrade_json(one.shown) | more


def _device_cells(one: Item) -> list[Any]:
    facts, parts = one["facts"], one["versions"]
    module = next((part["version"] for part in parts if part["type"] == MODULE), "")
    others = "; ".join(f"{part['component']} {part['version']}" for part in parts if part["type"] != MODULE)
    tags = "; ".join(f"{name}={value}" if value else name for name, value in one["tags"].items())
    told = [facts.get(name) for name in ("model", "battery", "signal", "free_flash", "iccid")]
    times = [moment(one[name]) for name in ("last_seen", "created_at")]
    state = [one["is_enabled"], one["is_online"], one["origin"]]
    return [one["id"], one["product_id"], one["dk"], *state, module, others, tags, one["cell"], *told, *times]


def _moving_cells(one: Item) -> list[Any]:
    tags = "; ".join(f"{name}={value}" if value else name for name, value in one["tags"].items())
    return [*(one[name] for name in ("dk", "ds", "version", "cell")), tags]


def _upgrade_cells(one: Item) -> list[Any]:
    reason = one["reason"] or {"code": None, "en": "", "zh": ""}
    parts = "; ".join(
        f"{part['component']} {part['source'] or '?'} > {part['target']} {part['status']}" for part in one["components"]
    )
    known = [one[name] for name in ("id", "dk", "device", "status_name", "phase", "attempt", "group")]
    return [*known, parts, reason["code"], reason["en"], reason["zh"], moment(one["begun_at"])]


def _log_cells(one: Item) -> list[Any]:
    text = one["text"]
    known = [one[name] for name in ("source", "component", "status")]
    times = [moment(one["at"]), moment(one["device_at"])]
    said = [text.get("en"), text.get("zh"), one["code"], one["message"]]
    return [one["dk"], one["upgrade_id"], one["id"], *times, *known, *said]


def _audit_cells(one: Item) -> list[Any]:
    known = [one[name] for name in ("account", "verb", "object_id", "name")]
    return [one["id"], moment(one["at"]), *known, dict(one["before"]) or "", dict(one["after"]) or ""]


_DEVICES: Final = Shape(
    (
        "id", "product", "dk", "enabled", "online", "origin", "version", "mcu_versions", "tags", "cell", "model",
        "battery", "signal", "free_flash", "iccid", "last_seen", "created",
    ),
    _device_cells,
)  # fmt: skip
_MOVING: Final = Shape(("dk", "ds", "version", "cell", "tags"), _moving_cells)
_UPGRADES: Final = Shape(
    (
        "id", "dk", "device", "status", "phase", "attempt", "group", "components", "reason", "reason_en", "reason_zh",
        "begun",
    ),
    _upgrade_cells,
)  # fmt: skip
_LOG: Final = Shape(
    ("dk", "upgrade", "line", "at", "device_at", "source", "component", "status", "en", "zh", "code", "message"),
    _log_cells,
)
_AUDIT: Final = Shape(("id", "at", "account", "verb", "object", "name", "before", "after"), _audit_cells)
