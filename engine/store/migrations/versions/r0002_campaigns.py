"""Campaigns, the order of their products, the cards drawn, and which card a judgement was given on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the three tables and the column."""
    _create_campaigns()
    _create_campaign_anchors()
    _create_cards()
    op.add_column("judgements", sa.Column("card_id", sa.String(36), nullable=True))


def downgrade() -> None:
    """Give up the column and the three tables."""
    op.drop_column("judgements", "card_id")
    op.drop_table("cards")
    op.drop_table("campaign_anchors")
    op.drop_table("campaigns")


def _create_campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("other_release_id", sa.Text(), nullable=True),
        sa.Column("arms", sa.JSON(), nullable=False),
        sa.Column("strata", sa.JSON(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("second_share", sa.Float(), nullable=False),
        sa.Column("repeat_share", sa.Float(), nullable=False),
        sa.Column("sampling", sa.Text(), nullable=False),
        sa.Column("guidelines", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('everyday', 'planned', 'chosen')", name=op.f("ck_campaigns_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
    )
    op.create_index(op.f("ix_campaigns_kind_release_id"), "campaigns", ["kind", "release_id"])


def _create_campaign_anchors() -> None:
    op.create_table(
        "campaign_anchors",
        sa.Column("campaign_id", sa.String(36), nullable=False),
        sa.Column("anchor_id", sa.Text(), nullable=False),
        sa.Column("anchor_count", sa.Integer(), nullable=False),
        sa.Column("stratum", sa.Integer(), nullable=False),
        sa.Column("stratum_size", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("twice", sa.Boolean(), nullable=False),
        sa.Column("taken_until", sa.Float(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("first_card", sa.String(36), nullable=True),
        sa.Column("first_rater", sa.Text(), nullable=True),
        sa.Column("second_card", sa.String(36), nullable=True),
        sa.Column("second_until", sa.Float(), nullable=False),
        sa.Column("second_done", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "anchor_id", name=op.f("pk_campaign_anchors")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_anchors_campaign_id"), ondelete="CASCADE"
        ),
    )
    op.create_index(
        op.f("ix_campaign_anchors_campaign_id_done_position_stratum"),
        "campaign_anchors",
        ["campaign_id", "done", "position", "stratum"],
    )


def _create_cards() -> None:
    op.create_table(
        "cards",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("campaign_id", sa.String(36), nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("anchor_id", sa.Text(), nullable=False),
        sa.Column("anchor_count", sa.Integer(), nullable=False),
        sa.Column("stratum", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("of", sa.String(36), nullable=True),
        sa.Column("rater", sa.Text(), nullable=False),
        sa.Column("pairs", sa.JSON(), nullable=False),
        sa.Column("lists", sa.JSON(), nullable=False),
        sa.Column("pair_probability", sa.Float(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.Float(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.CheckConstraint("kind IN ('first', 'second', 'repeat')", name=op.f("ck_cards_kind")),
        sa.CheckConstraint("state IN ('leased', 'judged', 'skipped')", name=op.f("ck_cards_state")),
        sa.CheckConstraint("pair_probability > 0 AND pair_probability <= 1", name=op.f("ck_cards_pair_probability")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cards")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_cards_campaign_id"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f("ix_cards_campaign_id_rater_state"), "cards", ["campaign_id", "rater", "state"])
