"""Verbs of devices that people use: lists, tags and attributes, switching off, making known before first contact.

Lists are paged by the device's number, never by offset, and every condition of ``DeviceFilter`` is decided by the
database; a filter that is a function (``holds``) is asked row by row in blocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, and_, bindparam, exists, func, insert, select, union, update
from sqlalchemy import delete as remove

from moduline.cloud import audit, tables
from moduline.cloud.devices import contact
from moduline.cloud.devices.device import MODULE, POLLING_KEY, Device, DeviceFilter
from moduline.cloud.devices.handover import Unit, checked
from moduline.cloud.edge import Actor, Page, acts, like, page_limit, page_of, plain_text
from moduline.cloud.outbox import events as outbox
from moduline.errors import BadField, NameTaken, NoSuchObject, StateForbids, Text

KIND: Final = Text("device", "设备")
PRODUCT: Final = Text("product", "产品")
TAG: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
TAG_LIMIT: Final = 64
"""Tags and attributes of one device."""
UNIT: Final = "line.unit"
"""Attribute with the number that the production line gave a device."""
_LAST: Final = "\U0010ffff"
_BLOCK: Final = 500
"""Rows looked up at once."""

_D: Final = tables.devices.c
_COLUMNS: Final = (
    _D.id, _D.product_id, _D.dk, _D.is_enabled, _D.origin, _D.node, _D.connected_at, _D.last_seen, _D.cell, _D.facts,
    _D.facts_at, _D.created_at,
)  # fmt: skip

_SOME: Final = select(*_COLUMNS).where(_D.id.in_(bindparam("devices", expanding=True))).order_by(_D.id)


@acts("device.add")
def add(conn: Connection, product_id: int, dk: str, *, actor: Actor, now: float) -> Device:
    """Make a device known before it comes; it gets its secret when it authenticates.

    Raises:
        BadField, NameTaken, NoSuchObject: it cannot be done.
    """
    require_product(conn, product_id, actor)
    if not POLLING_KEY.fullmatch(dk):  # a QuecThing device has at most 16 of them, and says so itself
        reason = Text("1 to 64 letters, digits, '_', '-', '.' or ':'", "须为 1–64 位字母、数字、“_”“-”“.”或“:”")
        raise BadField(field="dk", reason=reason)
    if conn.execute(select(exists().where(_D.product_id == product_id, _D.dk == dk))).scalar_one():
        raise NameTaken(kind=KIND, name=dk)
    number = contact.add_row(conn, product_id, dk, origin="operator", now=now)
    audit.note(conn, "device.add", number, dk, actor=actor, now=now, after={"product_id": product_id, "dk": dk})
    return by_id(conn, number, actor=actor)


@acts("device.change")
def change(
    conn: Connection,
    device_id: int,
    *,
    actor: Actor,
    now: float,
    is_enabled: bool | None = None,
    cell: str | None = None,
) -> Device:
    """Switch a device on or off for the platform, or say in which radio cell it is.

    Raises:
        BadField, NoSuchObject: it cannot be done.
    """
    old = by_id(conn, device_id, actor=actor)
    before = {"is_enabled": old.is_enabled, "cell": old.cell}
    after = dict(before)
    if is_enabled is not None:
        after["is_enabled"] = is_enabled
    if cell is not None:
        after["cell"] = plain_text("cell", cell, is_needed=False)
    conn.execute(update(tables.devices).where(_D.id == device_id).values(**after))
    audit.note(conn, "device.change", device_id, old.dk, actor=actor, now=now, before=before, after=after)
    return by_id(conn, device_id, actor=actor)


@acts("device.change")
def change_many(
    conn: Connection, device_ids: Sequence[int], *, actor: Actor, now: float, is_enabled: bool
) -> tuple[int, ...]:
    """Switch devices on or off; the numbers of those that were not so before.

    Raises:
        NoSuchObject: a device is not there; none is changed then.
    """
    others: list[int] = []
    for block in _blocks(device_ids):
        others += [row.id for row in _rows(conn, block, actor) if row.is_enabled is not is_enabled]
    for number in others:
        change(conn, number, actor=actor, now=now, is_enabled=is_enabled)
    return tuple(others)


@acts("device.tag")
def tag(
    conn: Connection,
    device_ids: Sequence[int],
    tags: Mapping[str, str | None],
    *,
    actor: Actor,
    now: float,
) -> int:
    """Give devices tags and attributes, or take them away; how many devices were changed.

    Args:
        tags: name -> value; "" is a plain tag, None takes it away.

    Raises:
        BadField: a name or a value cannot be so.
        NoSuchObject: a device is not there; none is changed then.
    """
    for name, value in tags.items():
        if not TAG.fullmatch(name):
            reason = Text("1 to 64 letters, digits, '_', '.', ':' or '-'", "须为 1–64 位字母、数字、“_”、“.”、“:”或“-”")
            raise BadField(field=f"tags.{name[:64]}", reason=reason)
        plain_text(f"tags.{name}", value or "", limit=256, is_needed=False)
    count = 0
    for block in _blocks(device_ids):
        for device in _with_parts(conn, _rows(conn, block, actor)):
            after = {name: value for name, value in {**device.tags, **tags}.items() if value is not None}
            if after == device.tags:
                continue
            if len(after) > TAG_LIMIT:
                reason = Text("at most {most} tags per device", "每台设备最多 {most} 个标签")
                raise BadField(field="tags", reason=reason, most=TAG_LIMIT)
            write_tags(conn, {device.id: after})
            before = dict(device.tags)
            audit.note(conn, "device.tag", device.id, device.dk, actor=actor, now=now, before=before, after=after)
            count += 1
    return count


@acts("device.import")
def import_line(
    conn: Connection, product_id: int, units: Sequence[Unit], *, actor: Actor, now: float
) -> tuple[int, int]:
    """Make units of the production line known before their first contact; how many are new, how many were known.

    A device that is known keeps its secret and its other tags; what the line says of it is written over.

    Raises:
        BadField: a key, a version or an attribute cannot be so.
        NoSuchObject: there is no such product.
    """
    require_product(conn, product_id, actor)
    units = checked(units)
    known = numbers(conn, product_id, [unit.dk for unit in units])
    fresh = [
        contact.new_row(product_id, dk, origin="line", now=now)
        for dk in dict.fromkeys(unit.dk for unit in units)
        if dk not in known
    ]
    if fresh:
        conn.execute(insert(tables.devices), fresh)
    keyed = numbers(conn, product_id, [unit.dk for unit in units])
    made = {row["dk"]: keyed[row["dk"]] for row in fresh}
    contact.tell_made(conn, product_id, made, origin="line", now=now)
    versions = {keyed[unit.dk]: unit.version for unit in units if unit.version}
    told = _reported(conn, list(versions))
    new = [(device, MODULE, "", version) for device, version in versions.items() if device not in told]
    if new:
        contact.keep_versions(conn, new, now=now)
    for block in _blocks(keyed.values()):
        mark = tables.device_tags.c
        conn.execute(remove(tables.device_tags).where(mark.device_id.in_(block), mark.name.like("line.%")))
    tags = {(keyed[unit.dk], name): value for unit in units for name, value in unit.attributes.items()}
    rows = [{"device_id": device, "name": name, "value": value} for (device, name), value in tags.items()]
    if rows:
        conn.execute(insert(tables.device_tags), rows)
    after = {"new": len(fresh), "known": len(keyed) - len(fresh)}
    audit.note(conn, "device.import", product_id, "line", actor=actor, now=now, after=after)
    return len(fresh), len(keyed) - len(fresh)


@acts("device.delete")
def delete(conn: Connection, device_id: int, *, actor: Actor, now: float) -> None:
    """Forget a device that is in no plan; if it comes again it authenticates as a new one.

    Raises:
        NoSuchObject: there is none.
        StateForbids: it has upgrades.
    """
    old = by_id(conn, device_id, actor=actor)
    if conn.execute(select(exists().where(tables.upgrades.c.device_id == device_id))).scalar_one():
        reason = Text("it is in plans; switch it off instead", "设备已在升级计划中，可改为停用")
        raise StateForbids(kind=KIND, name=old.dk, reason=reason)
    conn.execute(remove(tables.devices).where(_D.id == device_id))
    before = {"product_id": old.product_id, "dk": old.dk}
    outbox.note(conn, actor.main_id, "device.deleted", {"device_id": device_id, **before}, now=now)
    audit.note(conn, "device.delete", device_id, old.dk, actor=actor, now=now, before=before)


def by_id(conn: Connection, device_id: int, *, actor: Actor) -> Device:
    """A device of the actor's main account.

    Raises:
        NoSuchObject: there is none.
    """
    return _with_parts(conn, _rows(conn, [device_id], actor))[0]


def of_actor(conn: Connection, device_ids: Sequence[int], *, actor: Actor) -> list[Device]:
    """Devices of the actor's main account, by their numbers.

    Raises:
        NoSuchObject: one is not there.
    """
    return _with_parts(conn, _rows(conn, device_ids, actor))


def of_numbers(conn: Connection, device_ids: Sequence[int]) -> dict[int, Device]:
    """Devices by their numbers, whoever's they are: for the platform itself."""
    found: dict[int, Device] = {}
    for block in _blocks(device_ids):
        rows = conn.execute(_SOME, {"devices": block}).all()
        found |= {one.id: one for one in _with_parts(conn, rows)}
    return found


def by_key(conn: Connection, product_id: int, dk: str, *, actor: Actor) -> Device:
    """A device by its key.

    Raises:
        NoSuchObject: there is none.
    """
    require_product(conn, product_id, actor)
    row = conn.execute(select(*_COLUMNS).where(_D.product_id == product_id, _D.dk == dk)).first()
    if row is None:
        raise NoSuchObject(kind=KIND, name=dk)
    return _with_parts(conn, [row])[0]


def page(
    conn: Connection,
    wanted: DeviceFilter | None = None,
    *,
    actor: Actor,
    after: int = 0,
    limit: int | None = None,
    holds: Callable[[Device], bool] | None = None,
    also: Any = None,
) -> Page[Device]:
    """Some of the devices that are wanted, by their numbers.

    Args:
        wanted: which.
        after: key of the page before.
        limit: rows of the page.
        holds: a further condition.
        also: a further condition over ``devices``, of the database.

    Raises:
        BadField: the limit is out of range.
    """
    size = page_limit(limit)
    found = scan(conn, wanted, actor=actor, after=after, block=size + 1 if holds is None else _BLOCK, also=also)
    return page_of(list(islice((one for one in found if holds is None or holds(one)), size + 1)), size, _number)


def scan(
    conn: Connection,
    wanted: DeviceFilter | None = None,
    *,
    actor: Actor,
    after: int = 0,
    block: int = _BLOCK,
    also: Any = None,
) -> Iterator[Device]:
    """All devices that are wanted, by their numbers, read in blocks."""
    query = select(*_COLUMNS).where(*_all_of(conn, wanted, also, actor)).order_by(_D.id).limit(block)
    while True:
        rows = conn.execute(query.where(_D.id > after)).all()
        yield from _with_parts(conn, rows)
        if len(rows) < block:
            return
        after = rows[-1].id


def count(conn: Connection, wanted: DeviceFilter | None = None, *, actor: Actor, also: Any = None) -> int:
    """How many devices are wanted."""
    query = select(func.count()).select_from(tables.devices)
    return int(conn.execute(query.where(*_all_of(conn, wanted, also, actor))).scalar_one())


def _all_of(conn: Connection, wanted: DeviceFilter | None, also: Any, actor: Actor) -> list[Any]:
    asked = _conditions(wanted or DeviceFilter(), conn.dialect.name == "sqlite")
    return [mine(actor), *asked, *(() if also is None else (also,))]


def _number(device: Device) -> int:
    return device.id


def mine(actor: Actor) -> Any:
    """The condition over ``devices`` that one is of a product of the actor's main account."""
    own = select(tables.products.c.id).where(tables.products.c.account_id == actor.main_id)
    return _D.product_id.in_(own)


def _conditions(wanted: DeviceFilter, is_sqlite: bool) -> Iterator[Any]:
    if wanted.product_id is not None:
        yield _D.product_id == wanted.product_id
    if wanted.dk:
        yield _D.dk.like(like(wanted.dk), escape="\\")
    if wanted.find:
        yield _D.id.in_(_beginning(wanted.find, is_sqlite))
    if wanted.is_online is not None:
        yield _D.node.is_not(None) if wanted.is_online else _D.node.is_(None)
    if wanted.is_enabled is not None:
        yield _D.is_enabled.is_(wanted.is_enabled)
    if wanted.cell:
        yield _D.cell == wanted.cell
    if wanted.seen_before is not None:
        yield func.coalesce(_D.last_seen, 0.0) < wanted.seen_before
    if wanted.tag:
        one = tables.device_tags.c
        marked = select(one.device_id).where(one.name == wanted.tag)
        yield _D.id.in_(marked if wanted.value is None else marked.where(one.value == wanted.value))
    if wanted.version:
        part = tables.device_versions.c
        component = "" if wanted.type == MODULE else wanted.component
        same = (part.type == wanted.type, part.component == component, part.version == wanted.version)
        yield _D.id.in_(select(part.device_id).where(*same))


def _beginning(text: str, is_sqlite: bool) -> Any:
    """Numbers of devices whose key, or number of the line, begins so: as written, in capitals, or in small letters."""
    one, ways = tables.device_tags.c, sorted({text, text.upper(), text.lower()})
    keys = [select(_D.id).where(_begins(_D.dk, way, is_sqlite)) for way in ways]
    units = [select(one.device_id).where(one.name == UNIT, _begins(one.value, way, is_sqlite)) for way in ways]
    return union(*keys, *units)  # one range of an index each; SQLite walks through all units to answer an OR


def _begins(column: Any, text: str, is_sqlite: bool) -> Any:
    """Whether a text begins so; a range of its index where letters are in the order of their numbers."""
    if is_sqlite:
        return and_(column >= text, column < text + _LAST)
    return column.like(like(text), escape="\\")


def _rows(conn: Connection, device_ids: Sequence[int], actor: Actor) -> Sequence[Any]:
    """Rows of these devices, in order of their numbers.

    Raises:
        NoSuchObject: one is not there.
    """
    rows = conn.execute(select(*_COLUMNS).where(_D.id.in_(device_ids), mine(actor)).order_by(_D.id)).all()
    missing = set(device_ids) - {row.id for row in rows}
    if missing:
        raise NoSuchObject(kind=KIND, name=str(min(missing)))
    return rows


def _with_parts(conn: Connection, rows: Sequence[Any]) -> list[Device]:
    """Devices with their versions and tags."""
    versions: dict[int, dict[tuple[int, str], str]] = {}
    tags: dict[int, dict[str, str]] = {}
    for block in _blocks([row.id for row in rows]):
        part, mark = tables.device_versions.c, tables.device_tags.c
        parts = select(part.device_id, part.type, part.component, part.version).where(part.device_id.in_(block))
        for device, kind, component, version in conn.execute(parts):
            versions.setdefault(device, {})[kind, component] = version
        for device, name, value in conn.execute(
            select(mark.device_id, mark.name, mark.value).where(mark.device_id.in_(block)).order_by(mark.name)
        ):
            tags.setdefault(device, {})[name] = value
    return [Device(*(*row, versions.get(row[0], {}), tags.get(row[0], {}))) for row in rows]


def write_tags(conn: Connection, tags: Mapping[int, Mapping[str, str]]) -> None:
    """Have devices have these tags and no others: number -> name -> value."""
    for block in _blocks(tags):
        conn.execute(remove(tables.device_tags).where(tables.device_tags.c.device_id.in_(block)))
    rows = [
        {"device_id": device, "name": name, "value": value}
        for device, one in tags.items()
        for name, value in one.items()
    ]
    if rows:
        conn.execute(insert(tables.device_tags), rows)


def numbers(conn: Connection, product_id: int, keys: Sequence[str]) -> dict[str, int]:
    """Numbers of devices of a product by their keys; of those that are there."""
    found: dict[str, int] = {}
    rest = iter(keys)
    while block := list(islice(rest, _BLOCK)):
        query = select(_D.dk, _D.id).where(_D.product_id == product_id, _D.dk.in_(block))
        found |= {row.dk: row.id for row in conn.execute(query)}
    return found


def _reported(conn: Connection, device_ids: Sequence[int]) -> set[int]:
    """Devices whose module has told its version itself."""
    part, found = tables.device_versions.c, set[int]()
    for block in _blocks(device_ids):
        query = select(part.device_id).join_from(tables.device_versions, tables.devices)
        told = query.where(part.device_id.in_(block), part.type == MODULE, _D.last_seen.is_not(None))
        found |= set(conn.execute(told).scalars())
    return found


def require_product(conn: Connection, product_id: int, actor: Actor) -> None:
    """See that a product is of the actor's main account.

    Raises:
        NoSuchObject: it is not.
    """
    one = tables.products.c
    found = conn.execute(select(exists().where(one.id == product_id, one.account_id == actor.main_id))).scalar_one()
    if not found:
        raise NoSuchObject(kind=PRODUCT, name=str(product_id))


def _blocks(items: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(items)
    while block := list(islice(rest, _BLOCK)):
        yield block
