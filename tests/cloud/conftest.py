"""A database of the platform to try things on: an SQLite file, or one of a real PostgreSQL server."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import text

import postgres_server
from cloud_rig import Rig
from moduline.cloud import tables


@pytest.fixture(scope="session")
def postgres():
    server = postgres_server.started()
    yield server
    server.remove()


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgres"))]


@pytest.fixture(params=BOTH)
def address(request, tmp_path):
    """Path or URL of a database that nobody has used."""
    if request.param == "sqlite":
        return str(tmp_path / "深 (1)" / "ota.db")
    return request.getfixturevalue("postgres").url()


@pytest.fixture(scope="session")
def postgres_address(postgres):
    return postgres.url()


def emptied(address):
    """The same database without a row, as quickly as can be: a schema of its own per test costs a second."""
    rig = Rig(address)
    names = ", ".join(table.name for table in tables.metadata.sorted_tables)

    def empty(conn):
        conn.execute(text("SET LOCAL session_replication_role = replica"))  # audit refuses TRUNCATE
        conn.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))

    rig.db.write(empty)
    rig.close()
    return address


@pytest.fixture
def quick_folder(tmp_path):
    """A folder in memory, where the system has one: what is tried is not how fast a disk keeps things."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="mdl-ota-", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(params=BOTH)
def rig(request, quick_folder):
    """An opened platform on either database."""
    if request.param == "sqlite":
        address = quick_folder / "ota.db"
    else:
        address = emptied(request.getfixturevalue("postgres_address"))
    rig = Rig(address)
    yield rig
    rig.close()


@pytest.fixture
def file_rig(quick_folder):
    """An opened platform on SQLite, for tests that do not care."""
    rig = Rig(quick_folder / "ota.db")
    yield rig
    rig.close()
