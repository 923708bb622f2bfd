"""Statements of the busiest verbs, run on the driver's own cursor.

A small SELECT costs the database five microseconds and SQLAlchemy's execution seventy; a status report is two of them.
The text still comes from SQLAlchemy Core, compiled once per database, so there is one statement for both. Values must
be plain: numbers, texts, None, and JSON as text (``as_json``); rows come back as named tuples, JSON and truth values as
the driver has them (``from_json``).
"""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, exc
from sqlalchemy.sql.expression import ClauseElement


class Hot:
    """One statement with bound parameters.

    Args:
        statement: SELECT, INSERT or UPDATE of Core; every value is a ``bindparam``.
        names: of the columns it gives; none when it gives no rows.
    """

    def __init__(self, statement: ClauseElement, names: Sequence[str] = ()) -> None:
        self._statement = statement
        self._row: Any = namedtuple("Row", names) if names else None  # noqa: PYI024  names are known at run time
        self._compiled: dict[str, tuple[str, tuple[str, ...] | None]] = {}

    def run(self, conn: Connection, values: Mapping[str, Any]) -> Any:
        """The driver's cursor after the statement; its errors are those of SQLAlchemy."""
        sql, order = self._compiled.get(conn.dialect.name) or self._compile(conn)
        cursor = conn.connection.cursor()
        bound = values if order is None else [values[name] for name in order]
        try:
            cursor.execute(sql, bound)
        except conn.dialect.loaded_dbapi.Error as cause:
            raise _in_words_of_sqlalchemy(conn, sql, cause) from cause
        return cursor

    def many(self, conn: Connection, values: Sequence[Mapping[str, Any]]) -> None:
        """The statement once for each of the values, in their order."""
        if not values:
            return
        sql, order = self._compiled.get(conn.dialect.name) or self._compile(conn)
        bound = values if order is None else [[one[name] for name in order] for one in values]
        cursor = conn.connection.cursor()
        try:
            cursor.executemany(sql, bound)
        except conn.dialect.loaded_dbapi.Error as cause:
            raise _in_words_of_sqlalchemy(conn, sql, cause) from cause
        finally:
            cursor.close()

    def rows(self, conn: Connection, values: Mapping[str, Any]) -> list[Any]:
        """All rows it gives."""
        return [self._row(*found) for found in self.run(conn, values).fetchall()]

    def first(self, conn: Connection, values: Mapping[str, Any]) -> Any:
        """The first row it gives; None: there is none."""
        found = self.run(conn, values).fetchone()
        return None if found is None else self._row(*found)

    def _compile(self, conn: Connection) -> tuple[str, tuple[str, ...] | None]:
        made: Any = self._statement.compile(dialect=conn.dialect)
        order = tuple(made.positiontup) if made.positional else None
        self._compiled[conn.dialect.name] = (str(made), order)
        return self._compiled[conn.dialect.name]


def as_json(value: Any) -> str:
    """A value for a JSON column."""
    return _ENCODE(value)


def from_json(found: Any) -> Any:
    """A value of a JSON column, which one driver gives as text and the other as it is."""
    return json.loads(found) if isinstance(found, str) else found


_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _in_words_of_sqlalchemy(conn: Connection, sql: str, cause: Exception) -> Exception:
    dialect = conn.dialect
    is_gone = dialect.is_disconnect(cause, conn.connection.dbapi_connection, None)  # type: ignore[arg-type]
    return exc.DBAPIError.instance(
        sql, None, cause, dialect.loaded_dbapi.Error, connection_invalidated=is_gone, dialect=dialect
    )
