"""What a database says, in our words: full, busy, read-only, unreachable, or the database's own sentence.

SQLite is judged by its result code (https://www.sqlite.org/rescode.html), PostgreSQL by the SQLSTATE
(https://www.postgresql.org/docs/current/errcodes-appendix.html); no sentence is compared.
"""

from __future__ import annotations

import errno
import sqlite3
from typing import Final

from sqlalchemy import exc

from moduline.errors import (
    BadField,
    DatabaseBusy,
    DatabaseFull,
    DatabaseReadOnly,
    DatabaseUnreachable,
    ModulineError,
    StorageFailed,
    Text,
)

_CROSSED: Final = Text("changes of others crossed this one", "与其他更改冲突")
_UNFIT: Final = Text("holds what no database takes", "包含数据库无法保存的内容")
UNFIT: Final = (UnicodeEncodeError, OverflowError, exc.DataError)
"""What drivers raise for lone surrogates, NUL in PostgreSQL, and numbers beyond 64 bits."""
_CROSSED_STATES: Final = ("40P01", "40001")
_LOST_STATES: Final = ("57P01", "57P02", "57P03", "08")
_REFUSED_STATES: Final = ("28", "3D", "53300")


def in_our_words(cause: Exception, database: str) -> Exception:
    """The error that stands for ``cause``; what is not of a database or of the disk stays as it is."""
    if isinstance(cause, ModulineError):
        return cause
    if isinstance(cause, OSError):
        return _of_the_disk(cause, database)
    if isinstance(cause, UNFIT):
        return BadField(field=Text("a value", "字段值"), reason=_UNFIT)
    if not isinstance(cause, exc.SQLAlchemyError):
        return cause
    if isinstance(cause, exc.TimeoutError):
        reason = Text("all connections are in use", "所有连接均被占用")
        return DatabaseBusy(database=database, reason=reason)
    if has_crossed(cause):
        return DatabaseBusy(database=database, reason=_CROSSED)
    if isinstance(cause, exc.DBAPIError):
        code = getattr(cause.orig, "sqlite_errorcode", None)
        if code is not None:
            return _of_sqlite(code, cause, database)
        return _of_server(cause, database)
    return StorageFailed(path=database, reason=_sentence(cause))


def is_lost(cause: Exception) -> bool:
    """Whether the connection is gone, so that another one may fare better."""
    return isinstance(cause, exc.DBAPIError) and (
        cause.connection_invalidated or _state(cause).startswith(_LOST_STATES)
    )


def has_crossed(cause: Exception) -> bool:
    """Whether a change failed only because of changes of others at the same moment, so that another try may succeed."""
    if isinstance(cause, exc.IntegrityError):  # a trigger that refuses refuses for ever
        return getattr(cause.orig, "sqlite_errorcode", 0) != sqlite3.SQLITE_CONSTRAINT_TRIGGER
    return isinstance(cause, exc.DBAPIError) and _state(cause).startswith(_CROSSED_STATES)


def _of_the_disk(cause: OSError, database: str) -> ModulineError:
    if cause.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DatabaseFull(database=database)
    reason = cause.strerror or str(cause)
    if cause.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return DatabaseReadOnly(database=database, reason=reason)
    return StorageFailed(path=database, reason=reason)


def _of_sqlite(code: int, cause: exc.DBAPIError, database: str) -> ModulineError:
    kind = code & 0xFF
    if kind == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_WRITE:
        return DatabaseFull(database=database)
    if kind in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        reason = Text("another program holds it", "被其他程序占用")
        return DatabaseBusy(database=database, reason=reason)
    if kind in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN}:
        return DatabaseReadOnly(database=database, reason=_sentence(cause))
    return StorageFailed(path=database, reason=_sentence(cause))


def _of_server(cause: exc.DBAPIError, database: str) -> ModulineError:
    state = _state(cause)
    if state == "53100":
        return DatabaseFull(database=database)
    if state == "25006" or state.startswith("42501"):
        return DatabaseReadOnly(database=database, reason=_sentence(cause))
    if state in {"55P03", "57014"}:
        reason = Text("another program holds it", "被其他程序占用")
        return DatabaseBusy(database=database, reason=reason)
    is_network = isinstance(cause, exc.OperationalError) and not state
    if is_network or is_lost(cause) or state.startswith(_REFUSED_STATES):
        return DatabaseUnreachable(database=database, reason=_sentence(cause))
    return StorageFailed(path=database, reason=_sentence(cause))


def _state(cause: exc.DBAPIError) -> str:
    return str(getattr(cause.orig, "sqlstate", None) or "")


def _sentence(cause: exc.SQLAlchemyError) -> str:
    """What the database says, without the statement and its values."""
    said = str(cause.orig) if isinstance(cause, exc.DBAPIError) else str(cause)
    lines = said.strip().splitlines()
    return lines[0] if lines else type(cause).__name__
