"""Which row of the unit data belongs to which module: given once, for ever, to one module only.

A small SQLite file per table of units, ``units/NAME.db`` in the home folder. A row of it says "this unit's data went to
this IMEI"; rows are added, never changed, which triggers of the database see to. Giving is one transaction under the
database's own lock, synced before it returns: two processes never give the same row, and neither a killed process nor
a power cut loses one that was given.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from moduline.errors import StorageFailed, Text, UnitDataConflict, UnitDataExhausted
from moduline.port import registry

LOCK_LIMIT_S: Final = 30.0
"""How long another process may be busy giving; it takes milliseconds."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS given (
    unit TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
    imei TEXT NOT NULL UNIQUE,
    given_at REAL NOT NULL,
    record TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS given_stays BEFORE UPDATE ON given BEGIN SELECT RAISE(ABORT, 'given rows stay'); END;
CREATE TRIGGER IF NOT EXISTS given_remains BEFORE DELETE ON given BEGIN SELECT RAISE(ABORT, 'given rows stay'); END;
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One unit as the giver sees it.

    Args:
        unit: its name.
        imei: the module it is reserved for; empty: any.
    """

    unit: str
    imei: str = ""


class Rows:
    """All rows of a table, found by name and by IMEI.

    Args:
        rows: in their order; names and IMEIs occur once.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.all = tuple(rows)
        self.by_unit = {row.unit.casefold(): row for row in self.all}
        self.by_imei = {row.imei: row for row in self.all if row.imei}

    def __len__(self) -> int:
        return len(self.all)


@dataclass(frozen=True, slots=True)
class Given:
    """A row that was given.

    Args:
        unit: name of the unit.
        imei: of the module that has it.
        given_at: Unix time, seconds.
        record: id of the try it was first given to.
    """

    unit: str
    imei: str
    given_at: float
    record: str


class GivenRows:
    """The rows of one table of units that were given.

    Args:
        path: of the database; made with its folder when first needed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._passed: tuple[Rows | None, int] = (None, 0)

    @classmethod
    def of_table(cls, name: str) -> GivenRows:
        """Those of the table of that name, wherever its CSV lies."""
        return cls(registry.home() / "units" / (re.sub(r"[^\w.-]+", "_", name) + ".db"))

    def give(self, rows: Rows, imei: str, record: str) -> str:
        """Name of the unit whose data this module gets: the one it has, else the one reserved for it, else a free one.

        Args:
            rows: the table, in its order.
            imei: of the module.
            record: id of the try.

        Raises:
            UnitDataExhausted: no row is left for it.
            UnitDataConflict: what it has is not in the table, or is reserved for, or given to, another module.
            StorageFailed: it cannot be kept.
        """
        with self._transaction() as database:
            held = database.execute("SELECT unit FROM given WHERE imei = ?", (imei,)).fetchone()
            if held is not None:
                return _own_row(rows, imei, held[0]).unit
            row = rows.by_imei.get(imei) or self._free_row(database, rows, imei)
            holder = _holder(database, row.unit)
            if holder:
                why = Text("the table names it, but IMEI {other} has it", "表中指定该单元，但已分配给 IMEI {other}")
                raise _conflict(row.unit, imei, why, holder)
            values = (row.unit, imei, time.time(), record)
            database.execute("INSERT INTO given (unit, imei, given_at, record) VALUES (?, ?, ?, ?)", values)
            return row.unit

    def _free_row(self, database: sqlite3.Connection, rows: Rows, imei: str) -> Row:
        """The first row that is neither reserved nor given; what was passed over once stays so.

        Raises:
            UnitDataExhausted: there is none.
        """
        known, passed = self._passed
        start = passed if known is rows else 0
        for number, row in enumerate(rows.all[start:], start):
            if not row.imei and not _holder(database, row.unit):
                self._passed = (rows, number)
                return row
        count = database.execute("SELECT count(*) FROM given").fetchone()[0]
        raise UnitDataExhausted(imei=imei, rows=len(rows), given=count)

    def all_given(self) -> tuple[Given, ...]:
        """Every row that was given, in that order.

        Raises:
            StorageFailed: the database cannot be read.
        """
        if not self.path.is_file():
            return ()
        with self._transaction() as database:
            found = database.execute("SELECT unit, imei, given_at, record FROM given ORDER BY rowid").fetchall()
        return tuple(Given(*one) for one in found)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """The database, locked; what was done is synced when it is left without an error.

        Raises:
            StorageFailed: it cannot be opened, locked, read or written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=LOCK_LIMIT_S, isolation_level=None)) as database:
                database.execute("PRAGMA synchronous = EXTRA")
                database.execute("BEGIN IMMEDIATE")
                try:
                    for statement in _statements():
                        database.execute(statement)
                    yield database
                    database.execute("COMMIT")
                except BaseException:
                    if database.in_transaction:
                        database.execute("ROLLBACK")
                    raise
        except (sqlite3.Error, OSError) as wrong:
            raise StorageFailed(path=str(self.path), reason=str(wrong)) from wrong


def _own_row(rows: Rows, imei: str, held: str) -> Row:
    """The row that a module has got before.

    Raises:
        UnitDataConflict: the table does not hold it, or means another one or another module by now.
    """
    mine, reserved = rows.by_unit.get(held.casefold()), rows.by_imei.get(imei)
    if mine is None:
        raise _conflict(held, imei, Text("it has it, but the table does not hold it", "已分配，但表中没有该单元"))
    if reserved is not None and reserved is not mine:
        why = Text("it has it, but the table names {other} for it", "已分配，但表中为其指定 {other}")
        raise _conflict(held, imei, why, reserved.unit)
    if mine.imei not in {"", imei}:
        why = Text("it has it, but the table names IMEI {other}", "已分配，但表中该单元属于 IMEI {other}")
        raise _conflict(held, imei, why, mine.imei)
    return mine


def _holder(database: sqlite3.Connection, unit: str) -> str:
    """IMEI of the module that has a row; empty when none has."""
    found = database.execute("SELECT imei FROM given WHERE unit = ?", (unit,)).fetchone()
    return str(found[0]) if found is not None else ""


def _conflict(unit: str, imei: str, reason: Text, other: str = "") -> UnitDataConflict:
    return UnitDataConflict(unit=unit, imei=imei, reason=reason, other=other)


def _statements() -> Iterator[str]:
    """The schema, statement by statement: a script would end the transaction."""
    text = ""
    for line in _SCHEMA.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            yield text
            text = ""
