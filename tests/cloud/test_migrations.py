"""All changes of the tables together give exactly the tables of ``tables.py``, on both databases."""

from __future__ import annotations

import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from cloud_rig import Rig
from moduline.cloud import migrations, tables
from moduline.cloud.db import Database
from moduline.errors import StorageFailed


def shape(conn):
    """What a database says of its tables: columns, keys, constraints and indexes with their conditions."""
    look = inspect(conn)
    found = {}
    for table in sorted(set(look.get_table_names()) - {"alembic_version"}):
        found[table] = {
            "columns": [(one["name"], str(one["type"]), one["nullable"]) for one in look.get_columns(table)],
            "key": look.get_pk_constraint(table)["constrained_columns"],
            "foreign": sorted(
                (one["name"], one["referred_table"], str(one["options"])) for one in look.get_foreign_keys(table)
            ),
            "unique": sorted((one["name"], one["column_names"]) for one in look.get_unique_constraints(table)),
            "indexes": sorted(
                (one["name"], tuple(one["column_names"]), one["unique"], conditions(one))
                for one in look.get_indexes(table)
            ),
            "checks": sorted(one["name"] for one in look.get_check_constraints(table)),
        }
    return found


def conditions(index):
    return sorted((name, str(value)) for name, value in index.get("dialect_options", {}).items())


def test_tables_when_all_changes_have_run_then_exactly_those_of_the_metadata(address):
    database = Database(address)
    database.open()

    def compare(conn):
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        return compare_metadata(context, tables.metadata), shape(conn)

    differences, migrated = database.read(compare)
    database.close()
    assert differences == []
    assert set(migrated) == set(tables.metadata.tables)

    def make_anew(conn):
        for name in reversed(tables.metadata.sorted_tables):
            conn.execute(text(f"DROP TABLE {name.name}"))
        tables.metadata.create_all(conn, checkfirst=False)
        return shape(conn)

    database.open()
    made = database.write(make_anew)
    database.close()
    assert migrated == made


@pytest.fixture
def rig(address):
    rig = Rig(address)
    yield rig
    rig.close()


def test_open_when_the_tables_are_there_then_they_stay(rig):
    product = rig.product()
    rig.db.close()
    rig.db.open()
    assert rig.db.read(migrations.current) == migrations.head() == migrations.known()[0]
    assert rig.act(lambda conn, **_: conn.execute(text("SELECT name FROM products")).scalar_one()) == product.name


def test_open_when_a_newer_platform_wrote_the_tables_then_storage_failed_and_nothing_is_touched(rig, address):
    rig.db.write(lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    rig.db.close()
    with pytest.raises(StorageFailed, match="newer"):
        Database(address).open()


def test_file_when_looked_at_by_another_program_then_whole(file_rig, quick_folder):
    file_rig.product()
    with sqlite3.connect(quick_folder / "ota.db") as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert other.execute("PRAGMA foreign_key_check").fetchall() == []
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


@pytest.mark.xdist_group("postgres")
def test_missing_changes_when_a_server_has_all_then_none_and_nothing_is_opened(postgres_address):
    Rig(postgres_address).close()
    assert Database(postgres_address).missing_changes() == (migrations.head(), ())


def test_missing_changes_when_a_file_is_of_a_newer_version_then_refused(tmp_path):
    database = Database(tmp_path / "ota.db")
    database.open()
    database.close()
    with sqlite3.connect(tmp_path / "ota.db") as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageFailed, match="newer"):
        Database(tmp_path / "ota.db").missing_changes()
