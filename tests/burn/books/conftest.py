"""Stores to try: an SQLite file and a database of a real PostgreSQL server."""

from __future__ import annotations

import pytest

import postgres_server
from moduline.burn.books.database import Database
from moduline.burn.books.store import RecordStore


@pytest.fixture(scope="session")
def postgres():
    server = postgres_server.started()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgres"))])
def address(request, tmp_path):
    """Path or URL of a database that nobody has used."""
    if request.param == "sqlite":
        return str(tmp_path / "deep" / "测试 目录 (1)" / "line.db")
    return request.getfixturevalue("postgres").url()


@pytest.fixture
def opened(address):
    """Opens the database once more, as another process would."""
    return lambda: RecordStore(Database(address))
