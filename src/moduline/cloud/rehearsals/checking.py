"""Whether the proofs are still in the store as they were: a proof that is gone or changed counts no more.

A file of the store is named by its SHA-256, so a look at its bytes is enough. They are read outside any transaction,
now and then (``schedule``), and whenever somebody asks for one.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

from sqlalchemy import Connection, select

from moduline.cloud import tables
from moduline.cloud.blob import PIECE, BlobStore
from moduline.cloud.db import Database
from moduline.cloud.rehearsals import service
from moduline.errors import NoSuchObject, StorageFailed, Text

DAMAGED: Final = Text("the proof is not what it was; rehearse again", "演练证明已损坏，请重新演练")
_R: Final = tables.rehearsals.c


async def check_proofs(db: Database, store: BlobStore) -> int:
    """Look at every proof; how many artifacts count otherwise now.

    Args:
        db: of the platform.
        store: of the files.

    Raises:
        StoreUnreachable, StoreUnusable: the store cannot be asked, so nothing was judged.
    """
    keys = await db.read_soon(_keys)
    damaged = await asyncio.to_thread(lambda: [key for key in keys if not is_whole(store, key)])
    return await db.write_soon(service.judge_anew, keys, damaged)


async def read_proof(db: Database, store: BlobStore, key: str) -> bytes:
    """A file of a proof, as it was made.

    Raises:
        NoSuchObject: there is none.
        StorageFailed: it is not as it was; it counts no more.
    """

    def read() -> bytes:
        with store.open(key) as file:
            return file.read()

    data = await asyncio.to_thread(read)
    if hashlib.sha256(data).hexdigest() != key:
        await db.write_soon(service.judge_anew, [key], [key])
        raise StorageFailed(path=key, reason=DAMAGED)
    return data


def is_whole(store: BlobStore, key: str) -> bool:
    """Whether a file is in the store as it was."""
    digest = hashlib.sha256()
    try:
        with store.open(key) as file:
            while piece := file.read(PIECE):
                digest.update(piece)
    except (NoSuchObject, StorageFailed):
        return False
    return digest.hexdigest() == key


def _keys(conn: Connection) -> list[str]:
    return sorted({key for row in conn.execute(select(_R.proof_key, _R.page_key)) for key in row})
