"""Who sent a feedback event, and which request a row of the outbox or a job follows from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("jobs", "outbox"):
        op.add_column(table, sa.Column("correlation_id", sa.String(length=64), nullable=True))
    op.add_column(
        "feedback_events", sa.Column("requested_by", sa.String(length=80), nullable=False, server_default="api")
    )
    with op.batch_alter_table("feedback_events") as events:
        events.alter_column("requested_by", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("feedback_events") as events:
        events.drop_column("requested_by")
    for table in ("outbox", "jobs"):
        with op.batch_alter_table(table) as rows:
            rows.drop_column("correlation_id")
