"""How clients of the DDI are treated, per product: polling, the version attribute, whose word counts."""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID: Final = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Make the table; no row is the usual treatment."""
    product = ForeignKey("products.id", name="fk_ddi_products_product_id", ondelete="CASCADE")
    op.create_table(
        "ddi_products",
        Column("product_id", _ID, product, primary_key=True, nullable=False),
        Column("poll_s", Integer, nullable=False),
        Column("busy_poll_s", Integer, nullable=False),
        Column("version_attribute", Text, nullable=False),
        Column("trust", Text, nullable=False),
    )
