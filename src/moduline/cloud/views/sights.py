"""What a screen shows beside an object: how many there are of what, what a device is in, who uses an artifact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select

from moduline.cloud import tables
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.devices import service as devices
from moduline.cloud.devices.device import MODULE, DeviceFilter
from moduline.cloud.edge import Actor, Page, page_limit, page_of
from moduline.cloud.plans import stored
from moduline.cloud.products import service as products
from moduline.cloud.upgrades import rows
from moduline.cloud.upgrades.people import Shown

MOST_FACETS: Final = 200
"""Versions, tags and models that are told with their counts: those of the most devices."""
_D: Final = tables.devices.c
_U: Final = tables.upgrades.c
_P: Final = tables.plans.c


@dataclass(frozen=True, slots=True)
class DeviceUpgrade:
    """A device in one plan.

    Args:
        shown: how far it is.
        plan: name of the plan.
        plan_state: of the plan.
        is_verification: whether it is no plan of people's but the trial of an artifact.
    """

    shown: Shown
    plan: str
    plan_state: str
    is_verification: bool


def facets(conn: Connection, product_id: int | None, *, actor: Actor) -> dict[str, Any]:
    """What one can filter by, with the number of devices; the most frequent first.

    Args:
        product_id: of this product alone; None: of all.

    Returns:
        ``count``, ``online``, ``disabled``; ``versions`` of modules and ``tags``, each ``{name, count}``;
        ``components``, each ``{type, component, count}``.

    Raises:
        NoSuchObject: there is no such product.
    """
    if product_id is not None:
        devices.require_product(conn, product_id, actor)
    some = [devices.mine(actor)] if product_id is None else [_D.product_id == product_id]
    part, mark = tables.device_versions.c, tables.device_tags.c
    versions = _counted(
        conn, part.version, tables.device_versions, *some, part.type == MODULE, part.component == "", part.version != ""
    )
    return {
        "count": devices.count(conn, DeviceFilter(product_id), actor=actor),
        "online": devices.count(conn, DeviceFilter(product_id, is_online=True), actor=actor),
        "disabled": devices.count(conn, DeviceFilter(product_id, is_enabled=False), actor=actor),
        "versions": versions,
        "tags": _counted(conn, mark.name, tables.device_tags, *some),
        "components": _components(conn, *some),
    }


def product_counts(conn: Connection, product_id: int, *, actor: Actor) -> dict[str, Any]:
    """How much there is of a product: ``devices``, ``online``, ``plans`` by state.

    Raises:
        NoSuchObject: there is no such product.
    """
    products.by_id(conn, product_id, actor=actor)
    of = (_P.product_id == product_id) & (_P.kind != stored.VERIFICATION)
    plans = conn.execute(select(_P.state, func.count()).where(of).group_by(_P.state).order_by(_P.state))
    return {
        "devices": devices.count(conn, DeviceFilter(product_id), actor=actor),
        "online": devices.count(conn, DeviceFilter(product_id, is_online=True), actor=actor),
        "plans": {str(state): int(count) for state, count in plans},
    }


def upgrades_of(
    conn: Connection, device_id: int, *, actor: Actor, after: int = 0, limit: int | None = None
) -> Page[DeviceUpgrade]:
    """All plans and verifications that a device is or was in, newest first.

    Args:
        after: number of the last one of the page before; 0: from the newest.

    Raises:
        NoSuchObject: there is no such device.
    """
    known, size = devices.by_id(conn, device_id, actor=actor), page_limit(limit)
    query = (
        select(*rows.COLUMNS, _P.name.label("plan"), _P.state.label("plan_state"), _P.kind.label("plan_kind"))
        .join_from(tables.upgrades, tables.plans)
        .where(_U.device_id == device_id)
        .order_by(_U.id.desc())
        .limit(size + 1)
    )
    if after:
        query = query.where(_U.id < after)
    found = [
        DeviceUpgrade(Shown(rows.row_of(row), known.dk), row.plan, row.plan_state, row.plan_kind == stored.VERIFICATION)
        for row in conn.execute(query)
    ]
    return page_of(found, size, lambda one: one.shown.row.id)


def uses_of(conn: Connection, artifact_id: int, *, actor: Actor) -> list[dict[str, Any]]:
    """Plans that name an artifact: ``id``, ``name``, ``state``, ``product``; newest first.

    Raises:
        NoSuchObject: there is no such artifact.
    """
    artifacts.by_id(conn, artifact_id, actor=actor)
    one = tables.plan_releases.c
    query = select(_P.id, _P.name, _P.state, _P.product_id).where(
        _P.id.in_(select(one.plan_id).where(one.artifact_id == artifact_id)), _P.kind != stored.VERIFICATION
    )
    found = conn.execute(query.order_by(_P.id.desc()))
    return [{"id": row.id, "name": row.name, "state": row.state, "product": row.product_id} for row in found]


def _components(conn: Connection, *where: Any) -> list[dict[str, Any]]:
    """What devices are made of, with the number of those that have told a version of it."""
    one = tables.device_versions.c
    query = select(one.type, one.component, func.count()).join_from(tables.device_versions, tables.devices)
    found = conn.execute(query.where(*where).group_by(one.type, one.component).order_by(one.type, one.component))
    return [{"type": row[0], "component": row[1], "count": int(row[2])} for row in found.fetchmany(MOST_FACETS)]


def _counted(conn: Connection, column: Any, table: Any, *where: Any) -> list[dict[str, Any]]:
    """Values of a column with the number of devices that have them."""
    count = func.count().label("count")
    query = select(column, count).join_from(table, tables.devices).where(*where).group_by(column)
    found = conn.execute(query.order_by(count.desc(), column).limit(MOST_FACETS))
    return [{"name": name, "count": int(number)} for name, number in found]
