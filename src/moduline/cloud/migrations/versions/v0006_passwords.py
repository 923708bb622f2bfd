"""Passwords of accounts, and sessions of browsers as tokens of a kind of their own."""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import BigInteger, Column, Double, ForeignKey, Integer, Text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID: Final = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Nobody has a password yet; every token that is there is one of the API."""
    account = ForeignKey("accounts.id", name="fk_passwords_account_id", ondelete="CASCADE")
    op.create_table(
        "passwords",
        Column("account_id", _ID, account, primary_key=True, nullable=False),
        Column("hash", Text, nullable=False),
        Column("changed_at", Double, nullable=False),
    )
    op.add_column("tokens", Column("kind", Text, nullable=False, server_default="token"))
    op.add_column("tokens", Column("seen_at", Double))
    op.add_column("tokens", Column("origin_id", _ID))
