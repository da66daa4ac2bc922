"""What was counted on each series, so that a list of series shows it without reading candles."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "series_counts",
        sa.Column("series_id", sa.String(length=80), nullable=False),
        sa.Column("label_set", sa.String(length=48), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reviewed_bars", sa.BigInteger(), nullable=False),
        sa.Column("disagreements", sa.JSON(), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="series_counts_series_id_to_series"),
        sa.ForeignKeyConstraint(["label_set"], ["label_sets.name"], name="series_counts_label_set_to_label_sets"),
        sa.PrimaryKeyConstraint("series_id", "label_set", name="series_counts_key"),
    )


def downgrade() -> None:
    op.drop_table("series_counts")
