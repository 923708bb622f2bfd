"""What many events of one transaction make of rows, kept aside and written in a few statements.

::

    apply(ledger, row, event) ──▶ the row as it is now     in memory, for the next event
                             └──▶ UPDATE, counters, log, events of the outbox: waiting
    write() ──▶ one executemany of each

Nothing that waits can be seen by a query, so whoever asks the database for anything that an event may change calls
``write`` first. What is in the tables afterwards is what the events would have left there one by one: a row that
changed twice is written once, a counter that went up and down is written all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from moduline.cloud.outbox import events as outbox
from moduline.cloud.plans import counters, stored
from moduline.cloud.plans.stored import StoredPlan
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import rows
from moduline.cloud.upgrades.rows import Row
from moduline.cloud.upgrades.upgrade import LogLine, UpgradeState


class Ledger:
    """Changes of one transaction that wait.

    Args:
        conn: of the transaction.
    """

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self._rows: dict[int, Row] = {}
        self._reasons: dict[int, int] = {}
        self._lines: list[dict[str, Any]] = []
        self._line: LogLine | None = None  # the last one, and its columns: many devices have the very same
        self._columns: Mapping[str, Any] = {}
        self._counts: dict[int, dict[tuple[int, int], int]] = {}
        self._told: list[tuple[int, str, Mapping[str, Any], float]] = []
        self._plans: dict[int, StoredPlan] = {}

    def save(self, row: Row, state: UpgradeState, lines: Iterable[LogLine], *, begun_at: float | None) -> Row:
        """Keep what an event made of an upgrade: row, counters, log."""
        status = int(state.status)
        kept = Row(row.id, row.plan_id, row.device_id, status, row.group, begun_at, state)
        if state != row.state or begun_at != row.begun_at:
            self._rows[row.id] = kept
            self._reasons.pop(row.id, None)
        if kept.status != row.status:
            counts = self._counts.setdefault(row.plan_id, {})
            for status, more in ((row.status, -1), (kept.status, 1)):
                counts[row.group, status] = counts.get((row.group, status), 0) + more
        for line in lines:
            if line is not self._line:
                self._line, self._columns = line, rows.columns_of_line(0, line)
            self._lines.append({**self._columns, "upgrade_id": row.id})
        return kept

    def note_reason(self, row: Row, reason: Reason) -> None:
        """Keep why a device waits."""
        self._reasons[row.id] = int(reason)

    def tell(self, main_id: int, kind: str, payload: Mapping[str, Any], *, now: float) -> None:
        """Keep an event of the outbox."""
        self._told.append((main_id, kind, payload, now))

    def plan(self, plan_id: int) -> StoredPlan:
        """A plan that has upgrades; read once, until ``write`` forgets it."""
        found = self._plans.get(plan_id)
        if found is None:
            found = stored.load(self.conn, plan_id)
            assert found is not None
            self._plans[plan_id] = found
        return found

    def write(self) -> None:
        """Write all that waits."""
        conn = self.conn
        # what is closed first: a device has one open upgrade at any moment
        ordered = sorted(self._rows.values(), key=lambda row: row.state.is_open)
        rows.SAVE.many(conn, list(rows.columns_of_all(ordered)))
        rows.REASON.many(conn, [{"upgrade": number, "why": why} for number, why in self._reasons.items()])
        for plan_id, counts in sorted(self._counts.items()):
            counters.add(conn, plan_id, counts, is_whole=True)
        rows.LOG.many(conn, self._lines)
        outbox.note_each(conn, self._told)
        self.forget()

    def forget(self) -> None:
        """Drop all that waits and what was read of plans."""
        self._rows.clear()
        self._reasons.clear()
        self._lines.clear()
        self._counts.clear()
        self._told.clear()
        self._plans.clear()
