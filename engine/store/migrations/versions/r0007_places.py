"""Places that people gave to products."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "places",
        sa.Column("item_id", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("lists", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('guaranteed', 'boosted')", name=op.f("ck_places_kind")),
        sa.CheckConstraint("lists >= 0", name=op.f("ck_places_lists")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_places")),
    )


def downgrade() -> None:
    """Give up the table."""
    op.drop_table("places")
