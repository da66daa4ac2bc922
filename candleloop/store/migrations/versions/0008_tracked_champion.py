"""Which version MLflow calls the champion of a label set, so that it can be told when it was away at a promotion."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("champions", sa.Column("tracked_version", sa.String(length=12), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("champions") as champions:
        champions.drop_column("tracked_version")
