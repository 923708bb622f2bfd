"""What devices do themselves: authenticate, connect, report, leave. Called by the device links, never by people.

Who is online is a row: node and connection number. The gateway numbers connections, larger is later; an end that names
an older one changes nothing, so the close of a connection that was taken over never marks the device offline.

Source: ota-semantics, sections 1, 11.1, 12 (traps 2 and 12).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, any_, bindparam, delete, func, insert, null, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY

from moduline.cloud import tables
from moduline.cloud.devices.device import DK, MCU, MODULE, Denied, Issued, Known
from moduline.cloud.edge import clean_text
from moduline.cloud.hot import Hot, as_json, from_json
from moduline.cloud.outbox import events as outbox

VERSION_LIMIT: Final = 64
"""Characters of a version that are kept; the SDK knows no longer one."""
COMPONENT_LIMIT: Final = 32
"""Characters of an identifier that are kept."""
MCU_LIMIT: Final = 64
"""Controllers of one device that are kept; 512 bytes of text can hold no more that mean anything."""
FACT_LIMIT: Final = 256
"""Characters of a text in a report that are kept."""
POLLING: Final = "ddi"
"""Node of devices that have no connection and poll: nothing is sent to them, they are offered a plan when they ask."""

_D: Final = tables.devices.c
_FIND: Final = select(_D.id, _D.is_enabled, _D.authenticated_at, _D.ds).where(
    _D.product_id == bindparam("product"), _D.dk == bindparam("key")
)
_CREDENTIALS: Final = (
    select(_D.id, _D.product_id, tables.products.c.pk, _D.dk, tables.products.c.ps, _D.ds, _D.is_enabled)
    .join_from(tables.devices, tables.products)
    .where(tables.products.c.pk == bindparam("pk"), _D.dk == bindparam("dk"))
)
_CONNECT: Final = Hot(
    update(tables.devices)
    .where(_D.id == bindparam("device"), _D.connection < bindparam("number"))
    .values(
        node=bindparam("at_node"),
        connection=bindparam("number"),
        connected_at=bindparam("at"),
        last_seen=bindparam("at"),
    )
)
_CONNECTIONS: Final = {
    "sqlite": Hot(
        select(_D.id, _D.connection).where(
            _D.id.in_(select(func.json_each(bindparam("devices")).table_valued("value").c.value))
        ),
        ("id", "connection"),
    ),
    "postgresql": Hot(
        select(_D.id, _D.connection).where(_D.id == any_(bindparam("devices", type_=ARRAY(BigInteger)))),
        ("id", "connection"),
    ),
}
_HOLD: Final = Hot(
    select(_D.connection).where(_D.id == bindparam("device")).with_for_update(key_share=True), ("connection",)
)
_DISCONNECT: Final = Hot(
    update(tables.devices)
    .where(_D.id == bindparam("device"), _D.connection == bindparam("number"), _D.node.is_not(None))
    .values(node=null(), last_seen=bindparam("at"))
)
_SEEN: Final = update(tables.devices).where(_D.id == bindparam("device")).values(last_seen=bindparam("at"))
_FACTS: Final = Hot(select(_D.facts, _D.cell).where(_D.id == bindparam("device")), ("facts", "cell"))
_KEEP_FACTS: Final = Hot(
    update(tables.devices)
    .where(_D.id == bindparam("device"))
    .values(facts=bindparam("known"), facts_at=bindparam("at"), last_seen=bindparam("at"), cell=bindparam("place"))
)
_V: Final = tables.device_versions.c
_VERSIONS: Final = Hot(
    select(_V.type, _V.component, _V.version).where(_V.device_id == bindparam("device")),
    ("type", "component", "version"),
)


def _put_version(made: Any) -> Hot:
    """An INSERT that writes over what was there."""
    made = made.values({column.name: bindparam(column.name) for column in _V})
    new = {"version": made.excluded.version, "reported_at": made.excluded.reported_at}
    return Hot(made.on_conflict_do_update(index_elements=["device_id", "type", "component"], set_=new))


_PUT_VERSION: Final = {
    "sqlite": _put_version(sqlite.insert(tables.device_versions)),
    "postgresql": _put_version(postgresql.insert(tables.device_versions)),
}


def credentials(conn: Connection, pk: str, dk: str) -> Known | None:
    """What is needed to check a device's password; None: the platform does not know the device."""
    row = conn.execute(_CREDENTIALS, {"pk": pk, "dk": dk}).first()
    return None if row is None else Known(*row)


def authenticate(conn: Connection, product_id: int, dk: str, *, is_first_only: bool, now: float) -> Issued | Denied:
    """Let a device in that has proved the product's secret; it is made known when it is not.

    Every authentication issues a new device secret: a device that asks again has lost the former one.
    """
    if not DK.fullmatch(dk):
        return Denied.DK_ILLEGAL
    row = conn.execute(_FIND, {"product": product_id, "key": dk}).first()
    if row is not None and not row.is_enabled:
        return Denied.DISABLED
    if row is not None and is_first_only and (row.authenticated_at is not None or row.ds):
        return Denied.ALREADY  # here before, or with a secret that it brought along from elsewhere
    secret = secrets.token_hex(16)
    number = add_row(conn, product_id, dk, origin="contact", now=now) if row is None else row.id
    values = {"ds": secret, "authenticated_at": now, "last_seen": now}
    conn.execute(update(tables.devices).where(_D.id == number), values)
    return Issued(number, secret, row is None)


def new_row(product_id: int, dk: str, *, origin: str, now: float) -> dict[str, Any]:
    """Columns of a device that nobody has heard of."""
    return {
        "product_id": product_id,
        "dk": dk,
        "ds": "",
        "is_enabled": True,
        "origin": origin,
        "connection": 0,
        "cell": "",
        "facts": {},
        "created_at": now,
    }


def add_row(conn: Connection, product_id: int, dk: str, *, origin: str, now: float) -> int:
    """A new row; the caller has seen that there is none."""
    row = new_row(product_id, dk, origin=origin, now=now)
    number = int(conn.execute(insert(tables.devices).returning(_D.id), row).scalar_one())
    tell_made(conn, product_id, {dk: number}, origin=origin, now=now)
    return number


def tell_made(conn: Connection, product_id: int, made: Mapping[str, int], *, origin: str, now: float) -> None:
    """Write the events of new devices: dk -> number."""
    owner = select(tables.products.c.account_id).where(tables.products.c.id == product_id)
    said = [{"device_id": number, "product_id": product_id, "dk": dk, "origin": origin} for dk, number in made.items()]
    if said:
        outbox.note_many(conn, conn.execute(owner).scalar_one(), "device.created", said, now=now)


def connect(conn: Connection, device_id: int, node: str, connection: int, *, now: float) -> bool:
    """Note that a device is connected to a node; False when a later connection is known or the device was deleted.

    Args:
        node: which the device is connected to.
        connection: its number; larger is later.
    """
    values = {"device": device_id, "at_node": node, "number": connection, "at": now}
    return bool(_CONNECT.run(conn, values).rowcount == 1)


def disconnect(conn: Connection, device_id: int, connection: int, *, now: float) -> bool:
    """Note that a connection has ended; False when a newer one has taken its place."""
    values = {"device": device_id, "number": connection, "at": now}
    return bool(_DISCONNECT.run(conn, values).rowcount == 1)


def connections_of(conn: Connection, device_ids: Iterable[int]) -> dict[int, int]:
    """Number of the last connection of each device; whoever is unknown is left out."""
    name = conn.dialect.name
    wanted: Any = list(device_ids)
    found = _CONNECTIONS[name].rows(conn, {"devices": as_json(wanted) if name == "sqlite" else wanted})
    return {row.id: row.connection for row in found}


def hold(conn: Connection, device_id: int) -> int:
    """Number of the last connection of a device, which no other transaction changes before this one ends."""
    found = _HOLD.first(conn, {"device": device_id})
    return 0 if found is None else int(found.connection)


def node_of(conn: Connection, device_id: int) -> str | None:
    """Which node a device is connected to; None: it is offline."""
    node: str | None = conn.execute(select(_D.node).where(_D.id == device_id)).scalar()
    return node


def seen(conn: Connection, times: Mapping[int, float]) -> None:
    """Note signs of life of many devices: id -> UTC seconds. Gateways gather pings and call this now and then."""
    if times:
        conn.execute(_SEEN, [{"device": device, "at": at} for device, at in sorted(times.items())])


def forget_node(conn: Connection, node: str, *, now: float) -> int:
    """All devices of a node are offline: what a node says when it starts, and others when it is lost. How many were."""
    gone = update(tables.devices).where(_D.node == node).values(node=None, last_seen=now)
    return conn.execute(gone).rowcount


def report_facts(conn: Connection, device_id: int, facts: Mapping[str, Any], *, now: float) -> None:
    """Keep a status or information report over what was known; empty texts mean "unknown" and change nothing.

    Args:
        facts: battery, signal, model, cell ... numbers and texts.
    """
    row = _FACTS.first(conn, {"device": device_id})
    if row is None:
        return
    new = {clean_text(name, 64): _fact(value) for name, value in facts.items() if value is not None and value != ""}
    known = as_json({**from_json(row.facts), **new})
    cell = new.get("cell", row.cell)
    _KEEP_FACTS.run(conn, {"device": device_id, "known": known, "at": now, "place": str(cell)})


def note_fact(conn: Connection, device_id: int, name: str, value: str) -> None:
    """Keep one fact as it is now, without a sign of life; "": it holds no more. Nothing is written when it is so."""
    row = _FACTS.first(conn, {"device": device_id})
    if row is None:
        return
    known: dict[str, Any] = from_json(row.facts)
    if known.get(name, "") != value:
        made = {**known, name: value} if value else {one: fact for one, fact in known.items() if one != name}
        conn.execute(update(tables.devices).where(_D.id == device_id).values(facts=made))


def report_versions(
    conn: Connection,
    device_id: int,
    module: str | None,
    controllers: Mapping[str, str] | None,
    *,
    now: float,
) -> Mapping[tuple[int, str], str]:
    """Keep reported versions; those that are new or differ from before: (type, component) -> version.

    Args:
        module: version of the module; None or "": not reported.
        controllers: component -> version of all controllers; None: not reported. Those no longer named stay: a device
            sends the list in several messages when it is long.
    """
    told: dict[tuple[int, str], str] = {}
    if module:
        told[MODULE, ""] = clean_text(module, VERSION_LIMIT)
    for component, version in list((controllers or {}).items())[:MCU_LIMIT]:
        if component and version:
            told[MCU, clean_text(component, COMPONENT_LIMIT)] = clean_text(version, VERSION_LIMIT)
    known = {(row.type, row.component): row.version for row in _VERSIONS.rows(conn, {"device": device_id})}
    changed = {key: version for key, version in told.items() if known.get(key) != version}
    if changed:
        keep_versions(conn, [(device_id, *key, version) for key, version in changed.items()], now=now)
    return changed


def keep_versions(conn: Connection, versions: Sequence[tuple[int, int, str, str]], *, now: float) -> None:
    """Write versions of any devices over what was there: (device, type, component, version)."""
    rows = [
        {"device_id": device, "type": kind, "component": component, "version": version, "reported_at": now}
        for device, kind, component, version in versions
    ]
    _PUT_VERSION[conn.dialect.name].many(conn, rows)


def forget_versions(conn: Connection, device_id: int) -> None:
    """Forget what a device reported: it was given to somebody else or repaired."""
    conn.execute(delete(tables.device_versions).where(_V.device_id == device_id))


def _fact(value: Any) -> Any:
    """A fact as it is kept: short texts, numbers, truth values; anything else as text."""
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return round(value, 6) if abs(value) < 1e300 else str(value)
    return clean_text(str(value), FACT_LIMIT)
