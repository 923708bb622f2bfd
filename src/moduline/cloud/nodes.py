"""Nodes of a platform: who lives, in which slot it counts, and what becomes of the devices of one that died.

::

    enter ── lease "node.NAME", owner: this life of the process       the others see that it lives
          └─ lease "slot.N", owner: NAME                              counters are kept by slot, see plans.counters
    stay  ── both again, every third of their time                    None: a younger process has the name
    leave ── both end

    lost ── nodes that devices say they are connected to and whose lease has run out
    bury ── their devices, block by block: offline, open upgrades hear it
    connected ── devices that are said to be here, for the roll call of a gateway

A node that comes back under its own name takes the lease up at once and forgets the connections of its former life
before it opens a port. It and whoever buries it meet at the row of the lease: a node that lives is never buried, and
one that is being buried waits for it. Counting twice in one slot would be slow, not wrong.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from moduline.clock import Clock
from moduline.cloud import leases, tables
from moduline.cloud.db import Database
from moduline.cloud.devices import contact
from moduline.cloud.upgrades import service as upgrades
from moduline.cloud.upgrades.events import Disconnected
from moduline.cloud.upgrades.rows import Downlink
from moduline.errors import BadOption, ModulineError, Text
from moduline.events import Notice, Reporter

NODE: Final = "node."
SLOT: Final = "slot."
BLOCK: Final = 200
"""Devices that one transaction buries."""
_TAKEN: Final = Text("another process has begun under this name", "已有其他进程以此名称启动")
_L: Final = tables.leases.c
_D: Final = tables.devices.c
_U: Final = tables.upgrades.c


class Life:
    """The life of one node among several.

    Args:
        db: of the platform.
        name: of the node.
        lease_s: how long the others wait before they believe that it died.
        clock: of this node.
        report: hears of ``node.unsaid``: the others may believe that this node died.
    """

    def __init__(self, db: Database, name: str, lease_s: float, clock: Clock, report: Reporter) -> None:
        self._db = db
        self._name = name
        self._lease_s = lease_s
        self._clock = clock
        self._report = report
        self._life = secrets.token_hex(8)

    def begin(self) -> None:
        """Live, and count in a slot of its own."""
        args = (self._name, self._life, self._lease_s)
        self._db.count_in(self._db.write(enter, *args, now=self._clock.now_s()))

    async def run(self) -> None:
        """Say so again and again.

        Raises:
            BadOption: another process has the name of this node.
        """
        args = (self._name, self._life, self._lease_s)
        while True:
            await asyncio.sleep(self._lease_s / leases.RENEWALS)
            try:
                slot = await self._db.write_soon(stay, *args, now=self._clock.now_s())
            except ModulineError as failure:  # the database is away; it is tried again, and the devices stay
                self._report(Notice("node.unsaid", self._name, {"error": failure.message(), "code": failure.code}))
                continue
            if slot is None:
                raise BadOption(name="--node", reason=_TAKEN)
            if slot != self._db.slot:
                await asyncio.to_thread(self._db.count_in, slot)

    async def end(self) -> None:
        """The others need not wait for it."""
        await self._db.write_soon(leave, self._name, self._life)


def enter(conn: Connection, name: str, life: str, seconds: float, *, now: float) -> int:
    """A node begins to live, whatever is known of an earlier life; the slot that it counts in.

    Args:
        conn: of the transaction.
        name: of the node.
        life: of this process; another one each time.
        seconds: how long it lives without `stay`.
        now: of this node.
    """
    values = {"owner": life, "until": leases.clock(conn, now) + seconds}
    if not conn.execute(update(tables.leases).where(_L.name == NODE + name).values(**values)).rowcount:
        conn.execute(insert(tables.leases), {"name": NODE + name} | values)
    return _slot(conn, name, seconds, now)


def stay(conn: Connection, name: str, life: str, seconds: float, *, now: float) -> int | None:
    """Go on living; the slot, or None: a process that began later has this name."""
    mine = (_L.name == NODE + name) & (_L.owner == life)
    until = leases.clock(conn, now) + seconds
    if conn.execute(update(tables.leases).where(mine).values(until=until)).rowcount:
        return _slot(conn, name, seconds, now)
    if conn.execute(select(_L.owner).where(_L.name == NODE + name)).scalar() is not None:
        return None
    return enter(conn, name, life, seconds, now=now)  # it was taken for dead and buried


def leave(conn: Connection, name: str, life: str) -> None:
    """A node ends; its devices have gone."""
    conn.execute(delete(tables.leases).where(_L.name == NODE + name, _L.owner == life))
    conn.execute(update(tables.leases).where(_L.name.like(f"{SLOT}%"), _L.owner == name).values(until=0.0))


def lost(conn: Connection, *, now: float) -> tuple[str, ...]:
    """Nodes that devices are said to be connected to and that do not live."""
    at = leases.clock(conn, now)
    living = set(conn.execute(select(_L.name).where(_L.name.like(f"{NODE}%"), _L.until > at)).scalars())
    return tuple(one for one in _named(conn) if one != contact.POLLING and NODE + one not in living)


def bury(conn: Connection, name: str, *, now: float, limit: int = BLOCK) -> tuple[tuple[Downlink, ...], bool]:
    """Some devices of a node that died are offline: what is said, and whether there may be more of them."""
    row = _L.name == NODE + name
    dead = update(tables.leases).where(row, _L.until <= leases.clock(conn, now)).values(owner="")
    if not conn.execute(dead).rowcount:  # else it waits until this is kept, should it come back
        if conn.execute(select(_L.until).where(row)).scalar() is not None:
            return (), False
        conn.execute(insert(tables.leases), {"name": NODE + name, "owner": "", "until": 0.0})
    gone = list(conn.execute(select(_D.id).where(_D.node == name).order_by(_D.id).limit(limit)).scalars())
    said = _heard(conn, name, gone, now)
    conn.execute(update(tables.devices).where(_D.id.in_(gone), _D.node == name).values(node=None, last_seen=now))
    if len(gone) < limit:
        conn.execute(delete(tables.leases).where(row))
    return said, len(gone) == limit


def connected(conn: Connection, name: str) -> dict[int, int]:
    """Devices that are said to be connected to a node: number -> number of the connection."""
    found = conn.execute(select(_D.id, _D.connection).where(_D.node == name))
    return {row[0]: row[1] for row in found}


def _heard(conn: Connection, name: str, gone: list[int], now: float) -> tuple[Downlink, ...]:
    query = select(_U.device_id).join_from(tables.upgrades, tables.devices)
    opened = conn.execute(query.where(_U.is_open, _U.device_id.in_(gone), _D.node == name)).scalars()
    said: list[Downlink] = []
    for device_id in list(opened):
        said += upgrades.hear(conn, device_id, Disconnected(), now=now)
    return tuple(said)


def _slot(conn: Connection, name: str, seconds: float, now: float) -> int:
    """The slot that a node has, or the smallest free one."""
    mine = select(_L.name).where(_L.name.like(f"{SLOT}%"), _L.owner == name).order_by(_L.until.desc())
    had = conn.execute(mine).scalar()
    number = 0 if had is None else int(had.removeprefix(SLOT))
    while not leases.take(conn, f"{SLOT}{number}", name, seconds, now=now):
        number += 1
    return number


def _named(conn: Connection) -> list[str]:
    """Every node that a device names; one look into the index for each."""
    found: list[str] = []
    last = ""
    while (name := conn.execute(select(func.min(_D.node)).where(_D.node > last)).scalar()) is not None:
        found.append(name)
        last = name
    return found
