"""A database of the platform to try things on: an SQLite file, or one of a real PostgreSQL server."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from shutil import copyfile

import pytest
from sqlalchemy import text

import postgres_server
from cloud_rig import Rig
from moduline.cloud import tables
from moduline.cloud.db import Database


@pytest.fixture(scope="session")
def postgres():
    server = postgres_server.started()
    yield server
    server.remove()


HERE = Path(__file__).parent
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


FROM_ONE = """SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false) FROM pg_sequences
WHERE schemaname = current_schema() AND last_value IS NOT NULL"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of a test with many cases PostgreSQL sees the first every time, the others in the sweep."""
    seen = set()
    for item in items:
        params = getattr(item, "callspec", None) and item.callspec.params
        if params and item.path.is_relative_to(HERE) and "postgresql" in (params.get("rig"), params.get("address")):
            name = item.nodeid.partition("[")[0]
            if name in seen:
                item.add_marker(pytest.mark.sweep)
            seen.add(name)


def emptied(address):
    """The same database without a row, as quickly as can be: a schema of its own per test costs a second."""
    rig = Rig(address)
    deletes = " ".join(f"DELETE FROM {table.name};" for table in tables.metadata.sorted_tables)

    def empty(conn):
        conn.execute(text("SET LOCAL session_replication_role = replica"))  # audit refuses, others come in any order
        conn.execute(text(f"DO $$ BEGIN {deletes} END $$"))  # a tenth of what TRUNCATE of tables with a few rows costs
        conn.execute(text(FROM_ONE))

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


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory):
    """A database file whose tables are made, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "ota.db"
    database = Database(path)
    database.open()
    database.close()
    return path


@pytest.fixture(params=BOTH)
def rig(request, quick_folder):
    """An opened platform on either database."""
    if request.param == "sqlite":
        address = copyfile(request.getfixturevalue("empty_file"), quick_folder / "ota.db")
    else:
        address = emptied(request.getfixturevalue("postgres_address"))
    rig = Rig(address)
    yield rig
    rig.close()


@pytest.fixture
def file_rig(quick_folder, empty_file):
    """An opened platform on SQLite, for tests that do not care."""
    rig = Rig(copyfile(empty_file, quick_folder / "ota.db"))
    yield rig
    rig.close()
