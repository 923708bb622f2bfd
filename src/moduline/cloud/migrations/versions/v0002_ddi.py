"""What clients of the DDI know of their upgrades: action ids, and what they have said of themselves."""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, ForeignKey, Integer, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID: Final = BigInteger().with_variant(Integer, "sqlite")
_JSON: Final = JSON().with_variant(JSONB, "postgresql")


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "ddi_actions",
        Column("id", _ID, primary_key=True, autoincrement=True),
        Column(
            "upgrade_id",
            _ID,
            ForeignKey("upgrades.id", name="fk_ddi_actions_upgrade_id", ondelete="CASCADE"),
            nullable=False,
        ),
        Column("part", Text, nullable=False),
        Column("retrieved_at", Double),
        Column("downloads", Integer, nullable=False),
        Column("lines", Integer, nullable=False),
        Column("closed_at", Double),
        Column("closing", Text, nullable=False),
        Column("is_success", Boolean, nullable=False),
        Column("cancel", Text, nullable=False),
        Column("denied_at", Double),
        UniqueConstraint("upgrade_id", "part", name="uq_ddi_actions_upgrade_id_part"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ddi_actions_upgrade_id", "ddi_actions", ["upgrade_id"])
    op.create_table(
        "ddi_devices",
        Column(
            "device_id",
            _ID,
            ForeignKey("devices.id", name="fk_ddi_devices_device_id", ondelete="CASCADE"),
            primary_key=True,
            nullable=False,
        ),
        Column("config_at", Double),
        Column("auto_confirm", _JSON),
    )
