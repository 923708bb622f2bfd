"""A database of the platform to try things on: an SQLite file, or one of a real PostgreSQL server."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from shutil import copyfile

import pytest
from sqlalchemy import text

import postgres_server
import s3_server
from cloud_rig import Rig
from moduline.cloud import tables
from moduline.cloud.blob import FolderStore
from moduline.cloud.blob_near import NearStore
from moduline.cloud.db import Database
from moduline.cloud.stores import open_store


@pytest.fixture(scope="session")
def postgres():
    server = postgres_server.started()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def s3_running():
    server = s3_server.started()
    yield server
    server.remove()


@pytest.fixture
def s3(s3_running, monkeypatch, tmp_path):
    """A server that speaks S3; its keys stand in the environment, and no file of this user's is read."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    return s3_running


S3 = pytest.mark.xdist_group("s3")
STORES = ["folder", pytest.param("s3", marks=S3), pytest.param("near", marks=S3)]


@pytest.fixture(params=STORES)
def store(request, tmp_path):
    """A file store of each kind, empty."""
    data = tmp_path / "data"
    if request.param == "folder":
        return open_store("", data)
    far = request.getfixturevalue("s3").store(data)
    return far if request.param == "s3" else NearStore(far, FolderStore(data / "near"), 64 << 20)


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
