"""Removing files that nothing names: looked for outside any transaction, removed one by one inside.

::

    the store's list ─▶ older than the grace time ─▶ a read: which of them does nothing name?
                     ─▶ for each: does the store answer? ─▶ a transaction of its own that looks again, and removes

A store may be a bucket far away, so the writer waits for one small request at a time and never for a list, and only of
a store that has answered the moment before. On a
database server the removal excludes ``artifacts.service.create`` on every node (``alone``); in a file there is one
writer anyway. So an artifact is never made of a file that is being removed: it is refused, and its file sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from sqlalchemy import Connection

from moduline.cloud.artifacts import service
from moduline.cloud.blob import BlobStore
from moduline.cloud.db import Database
from moduline.errors import NoSuchObject


async def collect_files(db: Database, store: BlobStore, *, now: float, grace_s: float) -> tuple[str, ...]:
    """Remove files that no artifact and no proof names and that are older than the grace time; their keys.

    Args:
        db: of the platform.
        store: of the files.
        now: UTC seconds.
        grace_s: age below which a file stays, for somebody may be about to name it.

    Raises:
        StorageFailed, StoreUnreachable, StoreUnusable: the store cannot be looked into, or does not remove.
    """
    before = now - grace_s

    def old() -> list[str]:
        return [one.key for one in store.stored() if one.written_at < before]

    unused = await db.read_soon(_unused, await asyncio.to_thread(old))
    gone = []
    for key in unused:
        with contextlib.suppress(NoSuchObject):
            await asyncio.to_thread(store.size, key)
        if await db.write_soon(_remove, store, key, before):
            gone.append(key)
    await asyncio.to_thread(store.sweep, before)
    return tuple(gone)


def _unused(conn: Connection, keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(key for key in keys if not service.file_in_use(conn, key))


def _remove(conn: Connection, store: BlobStore, key: str, before: float) -> bool:
    """Remove a file, unless somebody has named or put it meanwhile; whether it is gone."""
    service.alone(conn, is_collector=True)
    return not service.file_in_use(conn, key) and store.remove(key, before)
