"""Many events heard in one transaction: the open upgrades of their devices are read at once and written at once.

::

    Sitting(conn, devices) ── one SELECT ──▶ the open upgrade of each
    hear(device, event)    ── rules ───────▶ ledger          nearly all that devices say: no statement at all
                           ── otherwise ───▶ ledger.write(), service.hear, the device is read anew when it is next heard
    end()                  ── ledger.write()

What comes out, row by row and word by word, is what ``service.hear`` gives for the same events one by one, for every
event is read against the row that the one before it left. Whatever needs more than the open upgrade - versions, a late
answer to an offer that was withdrawn, another look at the device - goes the plain way, after all that waits is written.
When anything raises, nothing of the sitting may be kept: the caller rolls back and tries smaller ones.

Source: ota-semantics 7; decision 0029.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Concatenate, Final, ParamSpec, Protocol

from sqlalchemy import BigInteger, Connection, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from moduline.cloud import tables
from moduline.cloud.devices import contact
from moduline.cloud.hot import Hot, as_json
from moduline.cloud.upgrades import rows, service
from moduline.cloud.upgrades.events import Event, StatusReported, VersionsReported
from moduline.cloud.upgrades.ledger import Ledger
from moduline.cloud.upgrades.offer import LookAgain
from moduline.cloud.upgrades.rows import Downlink, Row

P = ParamSpec("P")
Plain = Callable[Concatenate[Connection, P], tuple[Downlink, ...]]
_U: Final = tables.upgrades.c
_NAMES: Final = tuple(column.name for column in rows.COLUMNS)
_OPEN: Final = {
    "sqlite": Hot(
        select(*rows.COLUMNS).where(
            _U.device_id.in_(select(func.json_each(bindparam("devices")).table_valued("value").c.value)), _U.is_open
        ),
        _NAMES,
    ),
    "postgresql": Hot(
        select(*rows.COLUMNS)
        .where(_U.device_id == any_(bindparam("devices", type_=ARRAY(BigInteger))), _U.is_open)
        .order_by(_U.id)
        .with_for_update(key_share=True),
        _NAMES,
    ),
}


class Ear(Protocol):
    """Whoever hears events of a transaction."""

    conn: Connection

    def is_past(self, device_id: int, connection: int) -> bool:
        """Whether a device has a later connection than that one."""

    def came(self, device_id: int, connection: int) -> None:
        """A device has come on a later connection, in this transaction."""

    def hear(self, device_id: int, event: Event, *, now: float) -> tuple[Downlink, ...]:
        """What ``service.hear`` gives."""

    def plainly(self, device_id: int, verb: Plain[P], *args: P.args, **kwargs: P.kwargs) -> tuple[Downlink, ...]:
        """What a verb gives that may read and change any rows of the device."""


class OneByOne:
    """Every event is read and written by itself.

    Args:
        conn: of the transaction.
    """

    def __init__(self, conn: Connection) -> None:
        self.conn = conn

    def is_past(self, device_id: int, connection: int) -> bool:
        """Whether a device has a later connection than that one."""
        return contact.hold(self.conn, device_id) > connection

    def came(self, device_id: int, connection: int) -> None:
        """Nothing is remembered here."""

    def hear(self, device_id: int, event: Event, *, now: float) -> tuple[Downlink, ...]:
        """What ``service.hear`` gives."""
        return service.hear(self.conn, device_id, event, now=now)

    def plainly(self, device_id: int, verb: Plain[P], *args: P.args, **kwargs: P.kwargs) -> tuple[Downlink, ...]:
        """What a verb gives."""
        del device_id
        return verb(self.conn, *args, **kwargs)


class Sitting:
    """Events of one transaction, heard in their order.

    Args:
        conn: of the transaction.
        devices: which will be heard; others are looked up when they are.
    """

    def __init__(self, conn: Connection, devices: Iterable[int]) -> None:
        self.conn = conn
        self._ledger = Ledger(conn)
        self._open: dict[int, Row | None] = dict.fromkeys(devices)
        name = conn.dialect.name
        wanted: Any = list(self._open)
        for found in _OPEN[name].rows(conn, {"devices": as_json(wanted) if name == "sqlite" else wanted}):
            self._open[found.device_id] = rows.row_of(found)
        # after the locks: who comes again from now on is heard after this transaction
        self._connections = contact.connections_of(conn, self._open)

    def is_past(self, device_id: int, connection: int) -> bool:
        """Whether a device has a later connection than that one."""
        return self._connections.get(device_id, 0) > connection

    def came(self, device_id: int, connection: int) -> None:
        """A device has come on a later connection, in this transaction."""
        self._connections[device_id] = connection

    def hear(self, device_id: int, event: Event, *, now: float) -> tuple[Downlink, ...]:
        """What ``service.hear`` gives."""
        row = self._opened(device_id)
        if isinstance(event, VersionsReported) or (row is None and isinstance(event, StatusReported)):
            return self.plainly(device_id, service.hear, device_id, event, now=now)
        if row is None:
            return ()
        kept, said = service.enter(self._ledger, row, event, now=now)
        self._open[device_id] = kept if kept.state.is_open else None
        if any(isinstance(one.say, LookAgain) for one in said):
            return self.plainly(device_id, service.go_on, said, now=now)
        return tuple(said)

    def plainly(self, device_id: int, verb: Plain[P], *args: P.args, **kwargs: P.kwargs) -> tuple[Downlink, ...]:
        """What a verb of one event gives, after all that waits is written.

        Args:
            device_id: whose rows it may change, and nobody else's.
            verb: ``verb(conn, *args, **kwargs)``.
        """
        self._ledger.write()
        self._open.pop(device_id, None)
        return verb(self.conn, *args, **kwargs)

    def end(self) -> None:
        """Write what waits."""
        self._ledger.write()

    def _opened(self, device_id: int) -> Row | None:
        if device_id not in self._open:
            found = rows.OPEN.first(self.conn, {"device": device_id})
            self._open[device_id] = None if found is None else rows.row_of(found)
        return self._open[device_id]
