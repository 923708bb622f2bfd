"""The tables of the line records, for SQLite and PostgreSQL, and how older ones become today's.

::

    event       what happened to a try: begun, noted (more is known), ended       inserted only
    remark      what was done about a try afterwards: a label                     inserted only
    try_record  view: one row per try, the last thing known about it
    hook        addresses that want to hear of ended tries
    outbox      one row per hook and ended try, until and after it was delivered  a work queue: updated

Triggers of the database itself refuse UPDATE and DELETE on ``event`` and ``remark``. The number of the schema is
SQLite's ``user_version``; in PostgreSQL the only row of ``line_schema``. An empty database gets today's tables;
``STEPS[n]`` leads an older one from version n to n + 1, all in one transaction with the number.
Layout: docs/spec/line-records.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Connection, Double, Index, Integer, MetaData, Table, Text, text

from moduline.burn.books.rows import REALS, RENAMED, STRUCTURES, TEXTS, WHOLES

LOCK: Final = (
    0x4D4F44554C  # "MODUL": PostgreSQL's advisory lock that all writers take, so that ``seq`` grows by commits
)

metadata = MetaData()
_SEQ: Final = BigInteger().with_variant(Integer, "sqlite")

event = Table(
    "event",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("uid", Text, nullable=False, unique=True),
    Column("try_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("written", Double, nullable=False),
    Column("began", _SEQ),
    Column("host", Text, nullable=False),
    Column("process_mark", Text, nullable=False),
    *(Column(name, Text, nullable=False) for name in TEXTS),
    *(Column(name, Text, nullable=False) for name in RENAMED.values()),
    *(Column(name, Double, nullable=False) for name in REALS),
    *(Column(name, BigInteger, nullable=False) for name in WHOLES),
    *(Column(name, Text, nullable=False) for name in STRUCTURES),
    Column("more", Text, nullable=False),
    sqlite_autoincrement=True,
)
Index("event_try", event.c.try_id, event.c.seq)
Index(
    "event_ended",
    event.c.try_id,
    event.c.seq,
    sqlite_where=event.c.kind == "ended",
    postgresql_where=event.c.kind == "ended",
)
Index("event_started", event.c.started)
Index("event_order", event.c.order_id, event.c.started)
Index("event_imei", event.c.imei)
Index("event_place", event.c.place, event.c.seq)

remark = Table(
    "remark",
    metadata,
    Column("seq", _SEQ, primary_key=True, autoincrement=True),
    Column("try_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("is_ok", Boolean, nullable=False),
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,
)
Index("remark_try", remark.c.try_id, remark.c.seq)

hook = Table(
    "hook",
    metadata,
    Column("id", _SEQ, primary_key=True, autoincrement=True),
    Column("url", Text, nullable=False, unique=True),
    Column("secret", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _SEQ, primary_key=True, autoincrement=True),
    Column("hook_id", _SEQ, nullable=False),
    Column("event_seq", _SEQ, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", Double, nullable=False),
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,
)
Index("outbox_due", outbox.c.state, outbox.c.due)

try_record = Table("try_record", MetaData(), *(Column(one.name, one.type) for one in event.c))
"""The view, as a table to select from; ``began`` is never null there."""

_KEPT: Final = ("event", "remark")
_VIEW: Final = """
CREATE VIEW try_record AS
SELECT {columns} FROM event
WHERE kind = 'ended' AND seq = (SELECT max(e.seq) FROM event AS e WHERE e.try_id = event.try_id AND e.kind = 'ended')
UNION ALL
SELECT {columns} FROM event
WHERE kind <> 'ended' AND seq = (SELECT max(e.seq) FROM event AS e WHERE e.try_id = event.try_id)
AND NOT EXISTS (SELECT 1 FROM event AS e WHERE e.try_id = event.try_id AND e.kind = 'ended')
"""
_SQLITE_RULES: Final = (
    "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {refuse}; END",
    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {refuse}; END",
    # INSERT OR REPLACE deletes without the trigger above.
    """CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}
    WHEN EXISTS (SELECT 1 FROM {table} WHERE seq = NEW.seq) BEGIN {refuse}; END""",
)
_SQLITE_REFUSAL: Final = "SELECT RAISE(ABORT, '{table} is append-only')"
_POSTGRES_REFUSAL: Final = """
CREATE FUNCTION line_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$
"""
_POSTGRES_RULES: Final = (
    """CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION line_append_only()""",
    """CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION line_append_only()""",
)
VERSION: Final = 1
STEPS: Final[Mapping[int, Callable[[Connection], None]]] = {}
"""What leads from a version to the next one; steps are only ever added."""


def version_of(connection: Connection) -> int:
    """The version of the schema that a database has; 0 is none."""
    if connection.dialect.name == "sqlite":
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    # Not to_regclass(): after waiting for the lock it would answer from what this connection knew before.
    there = "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = 'line_schema'"
    if connection.execute(text(there)).first() is None:
        return 0
    return int(connection.execute(text("SELECT version FROM line_schema")).scalar_one())


def migrate(connection: Connection) -> None:
    """Bring a database to today's version; the caller holds the writers' lock and commits."""
    found = version_of(connection)
    if not found:
        _create(connection)
    for number in range(found or VERSION, VERSION):
        STEPS[number](connection)
    _note_version(connection, VERSION)


def _create(connection: Connection) -> None:
    """Today's tables in an empty database."""
    metadata.create_all(connection, checkfirst=False)
    columns = ", ".join("coalesce(began, seq) AS began" if one.name == "began" else one.name for one in event.c)
    connection.exec_driver_sql(_VIEW.format(columns=columns))
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        connection.exec_driver_sql(_POSTGRES_REFUSAL)
        connection.exec_driver_sql("CREATE TABLE line_schema (version integer NOT NULL)")
        connection.exec_driver_sql("INSERT INTO line_schema VALUES (0)")
    for table in _KEPT:
        for rule in _SQLITE_RULES if is_sqlite else _POSTGRES_RULES:
            connection.exec_driver_sql(rule.format(table=table, refuse=_SQLITE_REFUSAL.format(table=table)))


def _note_version(connection: Connection, version: int) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {version}")
    else:
        connection.execute(text("UPDATE line_schema SET version = :version"), {"version": version})
