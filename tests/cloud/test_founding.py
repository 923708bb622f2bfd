"""The first start of a platform, and of several nodes of it at the same moment on one new database."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, func, make_url, select

from cloud_rig import NOW
from moduline.cloud import founding, tables
from moduline.cloud.accounts import service as accounts
from moduline.cloud.db import Database


@pytest.fixture
def database(address):
    database = Database(address)
    database.open()
    yield database
    database.close()


def tokens(folder):
    return [file.read_text().strip() for file in sorted(folder.rglob(founding.TOKEN_FILE))]


def founders(database):
    return database.read(lambda conn: conn.execute(select(func.count()).select_from(tables.accounts)).scalar())


def test_found_when_nobody_is_there_then_an_admin_whose_token_opens_the_platform(database, tmp_path):
    database.write(founding.found, tmp_path, now=NOW)
    (token,) = tokens(tmp_path)
    actor = database.read(accounts.comer_of, token, now=NOW).actor
    assert (actor.name, actor.role) == (founding.OWNER, "admin")


def test_found_when_there_is_an_account_then_nothing_is_made_and_the_token_stays(database, tmp_path):
    database.write(founding.found, tmp_path, now=NOW)
    before = tokens(tmp_path)
    database.write(founding.found, tmp_path, now=NOW)
    assert (tokens(tmp_path), founders(database)) == (before, 1)


@pytest.mark.xdist_group("postgres")
def test_found_when_another_node_makes_the_account_right_after_the_look_then_none_is_made(
    postgres, tmp_path, monkeypatch
):
    database = Database(postgres.url())
    database.open()
    engine = create_engine(make_url(database.url))
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    look = accounts.is_founded
    try:
        with engine.connect() as first, first.begin() as making:
            founding.found(first, tmp_path / "first", now=NOW)

            def look_too_early(conn):
                is_there = look(conn)
                if making.is_active:
                    making.commit()
                return is_there

            monkeypatch.setattr(accounts, "is_founded", look_too_early)
            database.write(founding.found, tmp_path / "second", now=NOW)
        assert founders(database) == 1
        assert [len(tokens(tmp_path / name)) for name in ("first", "second")] == [1, 0]
    finally:
        engine.dispose()
        database.close()
