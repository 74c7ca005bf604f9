"""Run by Alembic with the connection that storage/migrate.py made."""

from __future__ import annotations

from alembic import context

from fediverse_node.storage.migrate import alembic_connection
from fediverse_node.storage.tables import metadata

context.configure(connection=alembic_connection(context), target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
