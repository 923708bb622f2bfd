"""Leases: a name, an owner, an end. Who holds one does what the name says, until the end, and may take it again.

On a database server its clock counts, for nodes may disagree; in a file there is one node.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, exists, func, insert, select, update

from moduline.cloud import tables

RENEWALS: Final = 3
"""How often a lease is taken again within its time."""
_L: Final = tables.leases.c


def clock(conn: Connection, now: float) -> float:
    """The time that leases are measured by, UTC seconds.

    Args:
        conn: of the transaction.
        now: of this node; used where the database has no clock of its own.
    """
    if conn.dialect.name != "postgresql":
        return now
    return float(conn.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())


def take(conn: Connection, name: str, owner: str, seconds: float, *, now: float) -> bool:
    """Take or keep a lease; False: another owner has it."""
    now = clock(conn, now)
    free = (_L.name == name) & ((_L.owner == owner) | (_L.until <= now))
    values = {"owner": owner, "until": now + seconds}
    if conn.execute(update(tables.leases).where(free).values(**values)).rowcount:
        return True
    if conn.execute(select(exists().where(_L.name == name))).scalar_one():
        return False
    conn.execute(insert(tables.leases), {"name": name} | values)
    return True


def give_back(conn: Connection, name: str, owner: str) -> None:
    """End a lease, if it is the owner's."""
    conn.execute(update(tables.leases).where(_L.name == name, _L.owner == owner).values(until=0.0))
