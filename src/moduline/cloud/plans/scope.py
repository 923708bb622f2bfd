"""Which devices are in a plan, as sets: one INSERT ... SELECT at activation, one look-up when a device joins later.

::

    no groups, no filter     the database decides alone: product, white list, black list
    groups or a filter       the rules decide for each device; their answer, {device key: group}, is joined as JSON
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, text

from moduline.cloud.devices import service as devices
from moduline.cloud.devices.device import MODULE, Device, DeviceFilter
from moduline.cloud.edge import Actor
from moduline.cloud.plans.groups import assign
from moduline.cloud.plans.rules import Device as RuledDevice
from moduline.cloud.plans.rules import Versions, in_scope
from moduline.cloud.plans.stored import StoredPlan

_INTO: Final = """
INSERT INTO upgrades (plan_id, device_id, status, phase, is_open, group_number, attempt, is_lapsed)
SELECT :plan, devices.id, 0, 'waiting', {false}, {group}, 1, {false}
FROM devices {chosen}
WHERE devices.product_id = :product
"""
_WHITE: Final = """
AND EXISTS (SELECT 1 FROM plan_devices AS w WHERE w.plan_id = :plan AND w.dk = devices.dk AND w.is_black = {false})
"""
_BLACK: Final = """
AND NOT EXISTS (SELECT 1 FROM plan_devices AS b WHERE b.plan_id = :plan AND b.dk = devices.dk AND b.is_black = {true})
"""
_IN_ORDER: Final = "ORDER BY devices.id"
"""Without it PostgreSQL numbers rows as its hash join happens to yield them; two activations would lock crosswise."""
_CHOSEN: Final = {
    "sqlite": "JOIN json_each(:groups) AS chosen ON chosen.key = devices.dk",
    "postgresql": "JOIN jsonb_each_text(CAST(:groups AS jsonb)) AS chosen ON chosen.key = devices.dk",
}


def groups(conn: Connection, plan: StoredPlan) -> dict[str, int] | None:
    """The group of every device in scope by its key; None: the database can decide alone.

    Args:
        plan: with its lists.
    """
    stages = plan.plan.strategy.stages
    if not stages and plan.plan.filter is None:
        return None
    owner = Actor(plan.account_id, plan.account_id, "", "viewer")
    found = devices.scan(conn, DeviceFilter(product_id=plan.plan.product_id), actor=owner)
    return assign((one.dk for one in found if in_scope(plan.plan, ruled(one))), plan.id, stages)


def rows(conn: Connection, plan: StoredPlan) -> Any:
    """The statement that makes the rows of a plan."""
    dialect = conn.dialect.name
    words = {"false": "false", "true": "true"} if dialect == "postgresql" else {"false": "0", "true": "1"}
    is_chosen = bool(plan.plan.strategy.stages) or plan.plan.filter is not None
    group = "CAST(chosen.value AS INTEGER)" if is_chosen else "0"
    query = _INTO.format(**words, group=group, chosen=_CHOSEN[dialect] if is_chosen else "")
    if plan.plan.has_white_list:
        query += _WHITE.format(**words)
    if plan.plan.black:
        query += _BLACK.format(**words)
    return text(query + _IN_ORDER)


def values(plan: StoredPlan, chosen: Mapping[str, int] | None) -> dict[str, Any]:
    """What goes along with it."""
    found: dict[str, Any] = {"plan": plan.id, "product": plan.plan.product_id}
    return found if chosen is None else found | {"groups": json.dumps(chosen)}


def ruled(device: Device, *, busy_plan: int | None = None, is_verifying: bool = False) -> RuledDevice:
    """A device as the rules see it."""
    facts = device.facts
    mcu = {component: version for (kind, component), version in device.versions.items() if kind != MODULE}
    return RuledDevice(
        dk=device.dk,
        product_id=device.product_id,
        is_enabled=device.is_enabled,
        is_online=device.is_online,
        versions=Versions(device.versions.get((MODULE, "")), mcu),
        busy_plan=busy_plan,
        is_verifying=is_verifying,
        names=dict(_names(device)),
        battery=_whole(facts.get("battery")),
        signal_dbm=_whole(facts.get("signal")),
        free_bytes=free_bytes(device),
        facts_at=device.facts_at,
    )


def free_bytes(device: Device) -> int | None:
    """Free flash as the device reported it last; None: it never did."""
    return _whole(device.facts.get("free_flash"))


def _names(device: Device) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Names of the filter language with their values."""
    yield "dk", (device.dk,)
    yield "tag", tuple(device.tags)
    if device.cell:
        yield "cell", (device.cell,)
    for (kind, component), version in device.versions.items():
        yield ("version" if kind == MODULE else f"mcu.{component}"), (version,)
    for name, value in device.tags.items():
        if value:
            yield f"attr.{name}", (value,)
    for name, fact in device.facts.items():
        yield f"fact.{name}", (str(fact),)
        if name == "model":
            yield "model", (str(fact),)


def _whole(fact: Any) -> int | None:
    return int(fact) if isinstance(fact, int | float) and abs(fact) < 2**53 else None
