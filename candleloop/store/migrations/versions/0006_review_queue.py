"""The review queue: window scores of each scoring, what people took from the queue, people's annotations at hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BY_PEOPLE = sa.text("origin <> 'talib' AND deleted_at IS NULL")


def moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("scorings", sa.Column("windows", sa.String(length=240), nullable=True))
    op.create_table(
        "review_items",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("label_set", sa.String(length=48), nullable=False),
        sa.Column("series_id", sa.String(length=80), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.Column("audit", sa.Boolean(), nullable=False),
        sa.Column("strategy", sa.String(length=48), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.Column("model_version", sa.String(length=12), nullable=True),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("leased_at", moment(), nullable=False),
        sa.Column("expires_at", moment(), nullable=False),
        sa.Column("completed_at", moment(), nullable=True),
        sa.Column("skipped", sa.Boolean(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("reviewed_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["label_set"], ["label_sets.name"], name="review_items_label_set_to_label_sets"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="review_items_series_id_to_series"),
        sa.PrimaryKeyConstraint("id", name="review_items_key"),
    )
    op.create_index("review_items_by_place", "review_items", ["label_set", "series_id", "start_time"])
    op.create_index(
        "annotations_by_people",
        "annotations",
        ["label_set", "series_id", "start_time"],
        sqlite_where=BY_PEOPLE,
        postgresql_where=BY_PEOPLE,
    )


def downgrade() -> None:
    op.drop_index("annotations_by_people", "annotations")
    op.drop_table("review_items")
    with op.batch_alter_table("scorings") as scorings:
        scorings.drop_column("windows")
