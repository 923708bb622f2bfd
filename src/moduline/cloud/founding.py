"""The first start of a platform: its main account, whose token goes into a file that only its owner can read."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func, select

from moduline.cloud.accounts import service as accounts
from moduline.errors import StorageFailed

OWNER: Final = "admin"
"""Name of the first account."""
TOKEN_FILE: Final = "admin.token"  # noqa: S105  the name of a file
_LOCK: Final = 0x4D4C_F0DE  # any number that nothing else in the database locks by


def found(conn: Connection, folder: Path, *, now: float) -> None:
    """Make the first account, unless there is one.

    Its token is in the file before the account is kept: it is never lost, at most unused. Of several nodes that begin
    at once on one new database, one makes the account; the others wait for it and find it made.

    Args:
        folder: gets ``TOKEN_FILE``.

    Raises:
        StorageFailed: the file cannot be written; there is no account then.
    """
    if accounts.is_founded(conn) or not _is_first(conn):
        return
    _, text = accounts.found(conn, OWNER, now=now)
    file = folder / TOKEN_FILE
    started = file.with_suffix(".new")
    try:
        with contextlib.suppress(FileNotFoundError):
            started.unlink()
        with os.fdopen(os.open(started, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(text.encode() + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
        started.replace(file)
    except OSError as cause:
        raise StorageFailed(path=str(file), reason=cause.strerror or str(cause)) from cause


def _is_first(conn: Connection) -> bool:
    """Whether there is no account still, once nobody else can be making one; only a server has several writers."""
    if conn.dialect.name != "postgresql":
        return True
    conn.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    return not accounts.is_founded(conn)
