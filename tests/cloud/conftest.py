"""A database of the platform to try things on: an SQLite file, or one of a real PostgreSQL server."""

from __future__ import annotations

import pytest

import postgres_server
from cloud_rig import Rig


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


@pytest.fixture
def rig(address):
    """An opened platform on either database."""
    rig = Rig(address)
    yield rig
    rig.close()


@pytest.fixture
def file_rig(tmp_path):
    """An opened platform on SQLite, for tests that do not care."""
    rig = Rig(tmp_path / "ota.db")
    yield rig
    rig.close()
