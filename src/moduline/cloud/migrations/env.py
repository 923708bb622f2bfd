"""Alembic's entry: runs the changes on the connection that ``migrations.upgrade`` hands in, inside its transaction."""

from __future__ import annotations

from alembic import context

from moduline.cloud.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
