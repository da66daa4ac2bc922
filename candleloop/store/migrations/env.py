"""What Alembic runs: the migrations, over the connection and in the transaction that the caller opened."""

from __future__ import annotations

from alembic import context

from candleloop.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
