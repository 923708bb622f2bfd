"""Where records of tries are kept: one database for everything that is burnt on a line.

``records/line.db`` (SQLite) in the home folder, or what ``MODULINE_RECORDS`` says: the path of another file, or the URL
of a PostgreSQL database that several stations share. The database library is loaded when a store is first used.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from moduline.burn.books.filters import KeptRecord, RecordFilter, Remark
from moduline.burn.record import BurnRecord, try_before
from moduline.port import registry

if TYPE_CHECKING:
    from moduline.burn.books.store import RecordStore

__all__ = ["KeptRecord", "LineBook", "RecordFilter", "Remark", "all_records", "book", "open_store", "store_address"]

VARIABLE = "MODULINE_RECORDS"
_stores: dict[str, RecordStore] = {}
_lock = threading.Lock()


def store_address() -> str:
    """Path or URL of the database that is meant when nobody names one."""
    return os.environ.get(VARIABLE) or str(registry.home() / "records" / "line.db")


def open_store(address: str | Path = "") -> RecordStore:
    """The store at a path or URL, one object per address and process; "" is :func:`store_address`.

    Raises:
        BadOption: a URL that cannot be meant.
    """
    from moduline.burn.books.database import Database
    from moduline.burn.books.store import RecordStore

    name = str(address) or store_address()
    with _lock:
        if name not in _stores:
            _stores[name] = RecordStore(Database(name))
        return _stores[name]


class LineBook:
    """The records of one production order, or of what was burnt without one.

    Args:
        order: the production order; "" is none.
        opened: gives the store, when it is first needed.
    """

    def __init__(self, order: str = "", opened: Callable[[], RecordStore] = open_store) -> None:
        self.order = order
        self._opened = opened

    def write(self, record: BurnRecord) -> None:
        """Keep the record's present state, as of this order; durable when it returns.

        Raises:
            StorageFailed: it cannot be kept; nothing of it is there then.
        """
        self._opened().write(record if record.order == self.order else replace(record, order=self.order))

    def read(self) -> list[BurnRecord]:
        """Every try in the order of its start; interrupted ones as ABORTED.

        Raises:
            StorageFailed: they cannot be read.
        """
        return [kept.record for kept in self._opened().select(RecordFilter(order=self.order))]

    def last_failed(self, place: str) -> BurnRecord | None:
        """The try at a place that the next one there goes on from, see :func:`~moduline.burn.record.try_before`.

        Raises:
            StorageFailed: it cannot be read.
        """
        last = self._opened().select(RecordFilter(order=self.order, place=place, limit=1, is_newest_first=True))
        return try_before([kept.record for kept in last], place, time.time())


def book(order: str = "") -> LineBook:
    """The book of a production order; without one, the book of single burns."""
    return LineBook(order)


def all_records() -> list[BurnRecord]:
    """Every record of every order, in the order of the starts."""
    return [kept.record for kept in open_store().select()]
