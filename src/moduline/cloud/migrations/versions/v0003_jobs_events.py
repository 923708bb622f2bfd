"""Events with an order of their own, webhooks, work in the background, and what rehearsals showed."""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    column,
)
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID: Final = BigInteger().with_variant(Integer, "sqlite")
_JSON: Final = JSON().with_variant(JSONB, "postgresql")


def upgrade() -> None:
    """Make the tables; nothing was ever written to the former outbox."""
    op.drop_table("outbox")
    _events()
    _webhooks()
    _jobs()
    _rehearsals()


def _to(table: str, of: str) -> Column[int]:
    name = f"{table.removesuffix('s')}_id"
    target = ForeignKey(f"{table}.id", name=f"fk_{of}_{name}", ondelete="CASCADE")
    return Column(name, _ID, target, nullable=False)


def _events() -> None:
    op.create_table(
        "outbox",
        Column("id", _ID, primary_key=True, autoincrement=True),
        Column("seq", BigInteger),
        Column("main_id", _ID, nullable=False),
        Column("at", Double, nullable=False),
        Column("kind", Text, nullable=False),
        Column("payload", _JSON, nullable=False),
        UniqueConstraint("seq", name="uq_outbox_seq"),
        Index("ix_outbox_page", "main_id", "seq"),
        Index("ix_outbox_at", "at"),
        sqlite_autoincrement=True,
    )
    is_new = column("seq").is_(None)
    op.create_index("ix_outbox_new", "outbox", ["id"], sqlite_where=is_new, postgresql_where=is_new)


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        Column("id", _ID, primary_key=True, autoincrement=True),
        _to("accounts", "webhooks"),
        Column("name", Text, nullable=False),
        Column("url", Text, nullable=False),
        Column("secret", Text, nullable=False),
        Column("kinds", _JSON, nullable=False),
        Column("is_enabled", Boolean, nullable=False),
        Column("last_seq", BigInteger, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("due", Double, nullable=False),
        Column("failing_since", Double),
        Column("dead_at", Double),
        Column("said", Text, nullable=False),
        Column("owner", Text),
        Column("owned_until", Double),
        Column("created_at", Double, nullable=False),
        UniqueConstraint("account_id", "name", name="uq_webhooks_account_id_name"),
        sqlite_autoincrement=True,
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        Column("id", _ID, primary_key=True, autoincrement=True),
        _to("accounts", "jobs"),
        Column("kind", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("is_live", Boolean, nullable=False),
        Column("is_unwanted", Boolean, nullable=False),
        Column("request", _JSON, nullable=False),
        Column("author", _JSON, nullable=False),
        Column("result", _JSON),
        Column("reason", _JSON),
        Column("tries", Integer, nullable=False),
        Column("owner", Text),
        Column("owned_until", Double),
        Column("created_at", Double, nullable=False),
        Column("begun_at", Double),
        Column("ended_at", Double),
        Index("ix_jobs_account_id_id", "account_id", "id"),
        Index("ix_jobs_key", "key"),
        sqlite_autoincrement=True,
    )
    is_live = column("is_live", Boolean)
    op.create_index("job_live", "jobs", ["key"], unique=True, sqlite_where=is_live, postgresql_where=is_live)


def _rehearsals() -> None:
    op.create_table(
        "rehearsals",
        Column("id", _ID, primary_key=True, autoincrement=True),
        _to("artifacts", "rehearsals"),
        Column("position", Integer, nullable=False),
        Column("sha256", Text, nullable=False),
        Column("is_good", Boolean, nullable=False),
        Column("cuts", Text, nullable=False),
        Column("pairs", Integer, nullable=False),
        Column("trials", Integer, nullable=False),
        Column("failed", Integer, nullable=False),
        Column("tool", Text, nullable=False),
        Column("proof_version", Integer, nullable=False),
        Column("proof_key", Text, nullable=False),
        Column("page_key", Text, nullable=False),
        Column("rehearsed_at", Double, nullable=False),
        sqlite_autoincrement=True,
    )
    for name in ("artifact_id", "proof_key", "page_key"):
        op.create_index(f"ix_rehearsals_{name}", "rehearsals", [name])
