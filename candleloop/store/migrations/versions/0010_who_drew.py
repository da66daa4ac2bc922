"""Who drew an annotation, or changed it last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("annotations", sa.Column("requested_by", sa.String(length=80), nullable=True))


def downgrade() -> None:
    op.drop_column("annotations", "requested_by")
