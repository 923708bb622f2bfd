"""Verbs of a fleet that comes from another platform or leaves for one, with its device secrets: for admins only.

A device that is adopted with its secret connects at once with it (password form 1) and never notices the difference.
What this platform knows of a device already is worth more than what another one knew: its secret, its version and its
cell stay, so that a list may be sent twice. Secrets are never in the audit log, in events or in what is given back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from moduline.cloud import audit, tables
from moduline.cloud.devices import contact, service
from moduline.cloud.devices.device import MODULE
from moduline.cloud.devices.fleet_list import MOST_TAGS, Newcomer, checked
from moduline.cloud.edge import Actor, acts
from moduline.errors import BadField, Text

ORIGIN: Final = "moved"
"""How such a device was made known."""
BLOCK: Final = 500
_D: Final = tables.devices.c
_T: Final = tables.device_tags.c
_V: Final = tables.device_versions.c
_SET_SECRET: Final = (
    update(tables.devices).where(_D.id == bindparam("device"), _D.ds == "").values(ds=bindparam("secret"))
)
_SET_CELL: Final = (
    update(tables.devices).where(_D.id == bindparam("device"), _D.cell == "").values(cell=bindparam("place"))
)
_MANY_TAGS: Final = Text("{dk}: at most {most} tags per device", "{dk}：每台设备最多 {most} 个标签")


@dataclass(frozen=True, slots=True)
class Adopted:
    """What an import has done.

    Args:
        new: devices that were not known.
        known: those that were.
        secrets: that were set.
        kept: devices whose secret here is another one, which stayed.
        made: keys of those that were not known.
    """

    new: int = 0
    known: int = 0
    secrets: int = 0
    kept: int = 0
    made: tuple[str, ...] = field(default=(), compare=False)

    def __add__(self, other: Adopted) -> Adopted:
        return Adopted(
            self.new + other.new,
            self.known + other.known,
            self.secrets + other.secrets,
            self.kept + other.kept,
            self.made + other.made,
        )


@acts("device.adopt")
def adopt(conn: Connection, product_id: int, newcomers: Sequence[Newcomer], *, actor: Actor, now: float) -> Adopted:
    """Make devices of another platform known, with their secrets: all of them or, when this raises, none.

    Raises:
        BadField: one cannot be so; ``field`` says which.
        NoSuchObject: there is no such product.
    """
    service.require_product(conn, product_id, actor)
    found: dict[str, Newcomer] = {}
    for at, one in enumerate(newcomers):
        try:
            found[one.dk] = checked(one)
        except BadField as wrong:
            raise BadField(**{**wrong.facts, "field": f"devices[{at}].{wrong.facts['field']}"}) from wrong
    known = service.numbers(conn, product_id, list(found))
    fresh = [contact.new_row(product_id, dk, origin=ORIGIN, now=now) for dk in found if dk not in known]
    if fresh:
        conn.execute(insert(tables.devices), fresh)
    numbers = service.numbers(conn, product_id, list(found))
    made = {row["dk"]: numbers[row["dk"]] for row in fresh}
    contact.tell_made(conn, product_id, made, origin=ORIGIN, now=now)
    by_number = {numbers[dk]: one for dk, one in found.items()}
    given, kept = _keep_secrets(conn, by_number)
    _keep_rest(conn, by_number, now)
    done = Adopted(len(fresh), len(known), given, kept, tuple(made))
    after = {"new": done.new, "known": done.known, "secrets_set": done.secrets, "secrets_kept": done.kept}
    audit.note(conn, "device.adopt", product_id, ORIGIN, actor=actor, now=now, after=after)
    return done


@acts("device.secrets")
def open_secrets(conn: Connection, product_id: int | None, *, actor: Actor, now: float) -> None:
    """Note that somebody takes device secrets along; to be called before ``secrets_of``.

    Raises:
        NoSuchObject: there is no such product.
    """
    if product_id is not None:
        service.require_product(conn, product_id, actor)
    after = {"product_id": product_id}  # null: of all products
    audit.note(conn, "device.secrets", product_id or actor.main_id, "export", actor=actor, now=now, after=after)


def secrets_of(conn: Connection, device_ids: Sequence[int], *, actor: Actor) -> dict[int, str]:
    """Secrets of devices of the actor's main account; "" where none was ever given."""
    found: dict[int, str] = {}
    for begin in range(0, len(device_ids), BLOCK):
        query = select(_D.id, _D.ds).join_from(tables.devices, tables.products)
        mine = tables.products.c.account_id == actor.main_id
        rows = conn.execute(query.where(mine, _D.id.in_(device_ids[begin : begin + BLOCK])))
        found |= {row.id: row.ds for row in rows}
    return found


def _keep_secrets(conn: Connection, newcomers: Mapping[int, Newcomer]) -> tuple[int, int]:
    """Set secrets where there is none; how many were, and how many devices have another one."""
    wanted = [number for number, one in newcomers.items() if one.ds]
    set_, kept = [], 0
    for begin in range(0, len(wanted), BLOCK):
        query = select(_D.id, _D.ds).where(_D.id.in_(wanted[begin : begin + BLOCK]))
        for number, ds in conn.execute(query):
            if not ds:
                set_.append({"device": number, "secret": newcomers[number].ds})
            elif ds != newcomers[number].ds:
                kept += 1
    if set_:
        conn.execute(_SET_SECRET, set_)
    return len(set_), kept


def _keep_rest(conn: Connection, newcomers: Mapping[int, Newcomer], now: float) -> None:
    """Cells and versions where none is known; tags beside those there are."""
    cells = [{"device": number, "place": one.cell} for number, one in newcomers.items() if one.cell]
    if cells:
        conn.execute(_SET_CELL, cells)
    numbers = list(newcomers)
    told: set[int] = set()
    tags: dict[int, dict[str, str]] = {}
    for begin in range(0, len(numbers), BLOCK):
        block = numbers[begin : begin + BLOCK]
        told |= set(conn.execute(select(_V.device_id).where(_V.device_id.in_(block), _V.type == MODULE)).scalars())
        for number, name, value in conn.execute(select(_T.device_id, _T.name, _T.value).where(_T.device_id.in_(block))):
            tags.setdefault(number, {})[name] = value
    versions = [(number, MODULE, "", one.version) for number, one in newcomers.items() if one.version]
    new = [row for row in versions if row[0] not in told]
    if new:
        contact.keep_versions(conn, new, now=now)
    changed: dict[int, dict[str, str]] = {}
    for number, one in newcomers.items():
        after = {**tags.get(number, {}), **one.tags}
        if len(after) > MOST_TAGS:
            raise BadField(field="tags", reason=_MANY_TAGS, dk=one.dk, most=MOST_TAGS)
        if after != tags.get(number, {}):
            changed[number] = after
    service.write_tags(conn, changed)


def device_line(device: Mapping[str, Any], secret: str) -> dict[str, Any]:
    """A device as another platform takes it: what ``fleet_list`` reads."""
    module = next((part["version"] for part in device["versions"] if part["type"] == MODULE), "")
    return {"dk": device["dk"], "ds": secret, "version": module, "cell": device["cell"], "tags": dict(device["tags"])}
