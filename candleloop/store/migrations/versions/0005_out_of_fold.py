"""How many fold models made the stored predictions of a series on bars that its model learned from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("scorings", sa.Column("folds", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("scorings") as scorings:
        scorings.drop_column("folds")
