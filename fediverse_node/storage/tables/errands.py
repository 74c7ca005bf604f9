"""What takes long is done piece by piece, so that nobody has to wait for it."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, Text, UniqueConstraint

from fediverse_node.storage.tables.columns import Id, id_column, metadata, ms_column, ref_column

errands = Table(
    "errands",
    metadata,
    id_column(),
    # forget: all that a deleted actor said; move: its followers, to the target;
    # words, all_words: what the posts of one actor, or all posts, are found by
    Column("kind", Text, nullable=False),
    ref_column("actor_id", "actors"),
    Column("target_id", Id, ForeignKey("actors.id", ondelete="CASCADE"), nullable=True),
    Column("cursor_id", Id, nullable=True),  # how far one got that goes through rows by their number
    ms_column("created_ms"),
    ms_column("due_ms"),  # when the next piece may be done; while one is being done, when it counts as abandoned
    UniqueConstraint("kind", "actor_id"),
    Index("ix_errands_due_ms", "due_ms"),
    Index("ix_errands_target_id", "target_id"),
)
