"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def surrogate() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("queue", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("label_set", sa.String(length=48), nullable=True),
        sa.Column("requested_by", sa.String(length=80), nullable=False),
        sa.Column("idempotency_key", sa.String(length=120), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("unit", sa.String(length=24), nullable=False),
        sa.Column("stage", sa.String(length=120), nullable=True),
        sa.Column("scheduled_for", moment(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("enqueued_at", moment(), nullable=True),
        sa.Column("started_at", moment(), nullable=True),
        sa.Column("heartbeat_at", moment(), nullable=True),
        sa.Column("ended_at", moment(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="jobs_key"),
        sa.UniqueConstraint("idempotency_key", name="jobs_unique_idempotency_key"),
    )
    op.create_index("jobs_by_status", "jobs", ["status", "kind"])
    op.create_index("jobs_by_creation", "jobs", ["created_at", "id"])

    op.create_table(
        "label_sets",
        sa.Column("name", sa.String(length=48), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="label_sets_key"),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("symbol", sa.String(length=80), nullable=False),
        sa.Column("timeframe_seconds", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("session", sa.String(length=16), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("bars", sa.BigInteger(), nullable=False),
        sa.Column("first_time", sa.BigInteger(), nullable=False),
        sa.Column("last_time", sa.BigInteger(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="series_key"),
    )
    op.create_table(
        "annotations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("series_id", sa.String(length=80), nullable=False),
        sa.Column("label_set", sa.String(length=48), nullable=False),
        sa.Column("label", sa.String(length=48), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("declared_source", sa.String(length=80), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=True),
        sa.Column("job_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.Column("deleted_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(["label_set"], ["label_sets.name"], name="annotations_label_set_to_label_sets"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="annotations_series_id_to_series"),
        sa.PrimaryKeyConstraint("id", name="annotations_key"),
    )
    op.create_index("annotations_by_place", "annotations", ["series_id", "label_set", "start_time"])

    op.create_table(
        "coverage_ranges",
        sa.Column("id", surrogate(), nullable=False),
        sa.Column("series_id", sa.String(length=80), nullable=False),
        sa.Column("label_set", sa.String(length=48), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(["label_set"], ["label_sets.name"], name="coverage_ranges_label_set_to_label_sets"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="coverage_ranges_series_id_to_series"),
        sa.PrimaryKeyConstraint("id", name="coverage_ranges_key"),
    )
    op.create_index("coverage_ranges_by_place", "coverage_ranges", ["series_id", "label_set", "start_time"])

    op.create_table(
        "feedback_events",
        sa.Column("sequence", surrogate(), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("label_set", sa.String(length=48), nullable=False),
        sa.Column("verb", sa.String(length=16), nullable=False),
        sa.Column("series_id", sa.String(length=80), nullable=False),
        sa.Column("target_id", sa.String(length=64), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("effects", sa.JSON(), nullable=False),
        sa.Column("undone_by", sa.String(length=64), nullable=True),
        sa.Column("received_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(["label_set"], ["label_sets.name"], name="feedback_events_label_set_to_label_sets"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="feedback_events_series_id_to_series"),
        sa.PrimaryKeyConstraint("sequence", name="feedback_events_key"),
        sa.UniqueConstraint("event_id", name="feedback_events_unique_event_id"),
    )
    op.create_index("feedback_events_by_target", "feedback_events", ["series_id", "label_set", "target_id"])

    op.create_table(
        "models",
        sa.Column("version", sa.String(length=12), nullable=False),
        sa.Column("label_set", sa.String(length=48), nullable=False),
        sa.Column("family", sa.String(length=24), nullable=False),
        sa.Column("registry_version", sa.String(length=24), nullable=True),
        sa.Column("run_id", sa.String(length=48), nullable=True),
        sa.Column("snapshot", sa.String(length=16), nullable=False),
        sa.Column("bundle_sha256", sa.String(length=64), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("gate", sa.JSON(), nullable=False),
        sa.Column("trained_at", moment(), nullable=False),
        sa.Column("job_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["label_set"], ["label_sets.name"], name="models_label_set_to_label_sets"),
        sa.PrimaryKeyConstraint("version", name="models_key"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", surrogate(), nullable=False),
        sa.Column("topic", sa.String(length=16), nullable=False),
        sa.Column("label_set", sa.String(length=48), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("job_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["label_set"], ["label_sets.name"], name="outbox_label_set_to_label_sets"),
        sa.PrimaryKeyConstraint("id", name="outbox_key"),
    )
    op.create_index(
        "outbox_waiting",
        "outbox",
        ["label_set"],
        sqlite_where=sa.text("job_id IS NULL"),
        postgresql_where=sa.text("job_id IS NULL"),
    )

    op.create_table(
        "predictions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("series_id", sa.String(length=80), nullable=False),
        sa.Column("label_set", sa.String(length=48), nullable=False),
        sa.Column("label", sa.String(length=48), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("probabilities", sa.JSON(), nullable=False),
        sa.Column("uncertainty", sa.Float(), nullable=False),
        sa.Column("model_version", sa.String(length=12), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("out_of_fold", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(["label_set"], ["label_sets.name"], name="predictions_label_set_to_label_sets"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="predictions_series_id_to_series"),
        sa.PrimaryKeyConstraint("id", name="predictions_key"),
    )
    op.create_index("predictions_by_place", "predictions", ["series_id", "label_set", "model_version", "start_time"])

    op.create_table(
        "rejections",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("series_id", sa.String(length=80), nullable=False),
        sa.Column("label_set", sa.String(length=48), nullable=False),
        sa.Column("label", sa.String(length=48), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("deleted_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(["label_set"], ["label_sets.name"], name="rejections_label_set_to_label_sets"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="rejections_series_id_to_series"),
        sa.PrimaryKeyConstraint("id", name="rejections_key"),
    )
    op.create_index("rejections_by_place", "rejections", ["series_id", "label_set", "start_time"])

    op.create_table(
        "reviewed_ranges",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("series_id", sa.String(length=80), nullable=False),
        sa.Column("label_set", sa.String(length=48), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("deleted_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(["label_set"], ["label_sets.name"], name="reviewed_ranges_label_set_to_label_sets"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="reviewed_ranges_series_id_to_series"),
        sa.PrimaryKeyConstraint("id", name="reviewed_ranges_key"),
    )
    op.create_index("reviewed_ranges_by_place", "reviewed_ranges", ["series_id", "label_set", "start_time"])

    op.create_table(
        "series_versions",
        sa.Column("series_id", sa.String(length=80), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("bars", sa.BigInteger(), nullable=False),
        sa.Column("first_time", sa.BigInteger(), nullable=False),
        sa.Column("last_time", sa.BigInteger(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="series_versions_series_id_to_series"),
        sa.PrimaryKeyConstraint("series_id", "version", name="series_versions_key"),
    )
    op.create_table(
        "test_bars",
        sa.Column("series_id", sa.String(length=80), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="test_bars_series_id_to_series"),
        sa.PrimaryKeyConstraint("series_id", name="test_bars_key"),
    )
    op.create_table(
        "champions",
        sa.Column("label_set", sa.String(length=48), nullable=False),
        sa.Column("version", sa.String(length=12), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(["label_set"], ["label_sets.name"], name="champions_label_set_to_label_sets"),
        sa.ForeignKeyConstraint(["version"], ["models.version"], name="champions_version_to_models"),
        sa.PrimaryKeyConstraint("label_set", name="champions_key"),
    )
    op.create_table(
        "promotions",
        sa.Column("id", surrogate(), nullable=False),
        sa.Column("label_set", sa.String(length=48), nullable=False),
        sa.Column("version", sa.String(length=12), nullable=False),
        sa.Column("previous", sa.String(length=12), nullable=True),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", moment(), nullable=False),
        sa.ForeignKeyConstraint(["label_set"], ["label_sets.name"], name="promotions_label_set_to_label_sets"),
        sa.ForeignKeyConstraint(["version"], ["models.version"], name="promotions_version_to_models"),
        sa.PrimaryKeyConstraint("id", name="promotions_key"),
    )


def downgrade() -> None:
    for table in (
        "promotions",
        "champions",
        "test_bars",
        "series_versions",
        "reviewed_ranges",
        "rejections",
        "predictions",
        "outbox",
        "models",
        "feedback_events",
        "coverage_ranges",
        "annotations",
        "series",
        "label_sets",
        "jobs",
    ):
        op.drop_table(table)
