"""Batch prediction: jobs that help another one, the shards that they share, and what each series was last scored by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("jobs", sa.Column("parent_id", sa.String(length=64), nullable=True))
    op.create_index("jobs_by_parent_id", "jobs", ["parent_id"])
    op.create_table(
        "batch_plans",
        sa.Column("job_id", sa.String(length=64), nullable=False),
        sa.Column("model_version", sa.String(length=12), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="batch_plans_job_id_to_jobs"),
        sa.ForeignKeyConstraint(["model_version"], ["models.version"], name="batch_plans_model_version_to_models"),
        sa.PrimaryKeyConstraint("job_id", name="batch_plans_key"),
    )
    op.create_table(
        "batch_shards",
        sa.Column("job_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("bars", sa.BigInteger(), nullable=False),
        sa.Column("pieces", sa.JSON(), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=True),
        sa.Column("attempt", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.JSON(), nullable=True),
        sa.Column("done_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="batch_shards_job_id_to_jobs"),
        sa.PrimaryKeyConstraint("job_id", "number", name="batch_shards_key"),
    )
    op.create_table(
        "scorings",
        sa.Column("series_id", sa.String(length=80), nullable=False),
        sa.Column("label_set", sa.String(length=48), nullable=False),
        sa.Column("model_version", sa.String(length=12), nullable=False),
        sa.Column("series_version", sa.String(length=16), nullable=False),
        sa.Column("job_id", sa.String(length=64), nullable=True),
        sa.Column("scored_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="scorings_series_id_to_series"),
        sa.ForeignKeyConstraint(["label_set"], ["label_sets.name"], name="scorings_label_set_to_label_sets"),
        sa.PrimaryKeyConstraint("series_id", "label_set", name="scorings_key"),
    )


def downgrade() -> None:
    for table in ("scorings", "batch_shards", "batch_plans"):
        op.drop_table(table)
    op.drop_index("jobs_by_parent_id", "jobs")
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_column("parent_id")
