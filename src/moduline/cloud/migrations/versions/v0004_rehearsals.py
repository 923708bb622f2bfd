"""Rehearsals on virtual modules: their kind, damaged proofs, what products ask for, waivers, progress of jobs."""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, ForeignKey, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID: Final = BigInteger().with_variant(Integer, "sqlite")
_JSON: Final = JSON().with_variant(JSONB, "postgresql")
_NO: Final = text("false")


def upgrade() -> None:
    """Add columns and the table of waivers; what was rehearsed so far was rehearsed on flash."""
    op.add_column("jobs", Column("progress", _JSON))
    op.add_column("rehearsals", Column("kind", Text, nullable=False, server_default="flash"))
    op.add_column("rehearsals", Column("is_damaged", Boolean, nullable=False, server_default=_NO))
    op.add_column("products", Column("needs_rehearsal", Boolean, nullable=False, server_default=_NO))
    op.add_column("products", Column("rehearses_uploads", Boolean, nullable=False, server_default=_NO))
    plan = ForeignKey("plans.id", name="fk_plan_waivers_plan_id", ondelete="CASCADE")
    op.create_table(
        "plan_waivers",
        Column("plan_id", _ID, plan, primary_key=True, nullable=False),
        Column("proof", Text, primary_key=True, nullable=False),
        Column("account_id", _ID, nullable=False),
        Column("account", Text, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("reason", Text, nullable=False),
        Column("at", Double, nullable=False),
    )
