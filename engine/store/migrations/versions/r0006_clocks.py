"""What tells new from old without a clock: a stamp of drafts and of changes, and a number for each decision on a card."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the column; decisions so far are numbered by their times."""
    op.create_table(
        "stamps",
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("stamp", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_stamps")),
    )
    op.add_column("cards", sa.Column("decision_number", sa.Integer(), nullable=True))
    op.execute(
        sa.text(
            "UPDATE cards SET decision_number = numbered.number FROM (SELECT id, ROW_NUMBER() OVER "
            "(PARTITION BY campaign_id, rater ORDER BY decided_at, id) AS number FROM cards WHERE decided_at IS NOT NULL) "
            "AS numbered WHERE numbered.id = cards.id"
        )
    )


def downgrade() -> None:
    """Give up the column and the table."""
    op.drop_column("cards", "decision_number")
    op.drop_table("stamps")
