"""Judgements and where the judged pairs appeared."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "judgements",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("client_id", sa.String(36), nullable=False),
        sa.Column("anchor_id", sa.Text(), nullable=False),
        sa.Column("neighbour_id", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("implied", sa.Boolean(), nullable=False),
        sa.Column("rater", sa.Text(), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("anchor_count", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('irrelevant', 'relevant', 'unsure', 'withdrawn')", name=op.f("ck_judgements_verdict")
        ),
        sa.CheckConstraint("anchor_count >= 0", name=op.f("ck_judgements_anchor_count")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgements")),
        sa.UniqueConstraint("client_id", name=op.f("uq_judgements_client_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_judgements_anchor_id_neighbour_id_rater_id"),
        "judgements",
        ["anchor_id", "neighbour_id", "rater", "id"],
    )
    op.create_table(
        "appearances",
        sa.Column("judgement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("arm", sa.String(32), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.CheckConstraint("rank >= 1", name=op.f("ck_appearances_rank")),
        sa.PrimaryKeyConstraint("judgement_id", "arm", name=op.f("pk_appearances")),
        sa.ForeignKeyConstraint(
            ["judgement_id"], ["judgements.id"], name=op.f("fk_appearances_judgement_id"), ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    """Give up both tables."""
    op.drop_table("appearances")
    op.drop_table("judgements")
