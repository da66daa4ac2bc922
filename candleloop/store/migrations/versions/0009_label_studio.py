"""Projects of Label Studio that have this service as their model, and which annotations stand for theirs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "label_studio_projects",
        sa.Column("project", sa.String(length=40), nullable=False),
        sa.Column("label_set", sa.String(length=48), nullable=False),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["label_set"], ["label_sets.name"], name="label_studio_projects_label_set_to_label_sets"
        ),
        sa.PrimaryKeyConstraint("project", name="label_studio_projects_key"),
    )
    op.create_table(
        "label_studio_marks",
        sa.Column("project", sa.String(length=40), nullable=False),
        sa.Column("annotation", sa.String(length=40), nullable=False),
        sa.Column("mark_id", sa.String(length=32), nullable=False),
        sa.Column("task", sa.String(length=40), nullable=True),
        sa.Column("series_id", sa.String(length=80), nullable=False),
        sa.Column("label", sa.String(length=48), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"], ["label_studio_projects.project"], name="label_studio_marks_project_to_label_studio_projects"
        ),
        sa.ForeignKeyConstraint(["mark_id"], ["annotations.id"], name="label_studio_marks_mark_id_to_annotations"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="label_studio_marks_series_id_to_series"),
        sa.PrimaryKeyConstraint("project", "annotation", "mark_id", name="label_studio_marks_key"),
    )
    op.create_index("label_studio_marks_by_mark", "label_studio_marks", ["mark_id"])


def downgrade() -> None:
    op.drop_table("label_studio_marks")
    op.drop_table("label_studio_projects")
