"""What is put aside says which activity it is, so that its Undo can wait for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # What waits already has no name; its Undo is decided without it, as before.
    op.add_column("inbox_staging", sa.Column("activity_uri", sa.Text(), nullable=True))
    op.create_index("ix_inbox_staging_activity_uri", "inbox_staging", ["activity_uri"], unique=False)
