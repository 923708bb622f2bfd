"""How the tables come to be and change: one file per change in ``versions``, run by Alembic, shipped with the package.

``upgrade`` is run at every start, in one transaction that other nodes wait for; a database that is up to date is only
looked at. A change is never edited after a release; ``tests/cloud/test_migrations.py`` holds that all of them together
give exactly ``tables.metadata``, on both databases.
"""

from __future__ import annotations

import functools
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

_LOCK: Final = 0x4F5441
"""PostgreSQL's advisory lock for changes of the tables: "OTA"."""


def upgrade(connection: Connection) -> None:
    """Bring the tables to today's form; the caller begins and commits."""
    if current(connection) == head():
        return
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def current(connection: Connection) -> str | None:
    """The last change that a database has seen; None: no tables."""
    return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The last change there is."""
    return known()[0]


@functools.cache
def known() -> tuple[str, ...]:
    """Every change there is, newest first; looked up once, for they come with the program."""
    return tuple(one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "moduline.cloud:migrations")
    config.set_main_option("path_separator", "os")
    return config
