"""What people say about a post with one picture.  spec: fep-c0e0"""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from fediverse_node.storage.tables.columns import id_column, metadata, ref_column, text_column

# `content` is an emoji, `:name:` of a custom one of `host`, or the word `dislike`, which is counted and not shown.
reactions = Table(
    "reactions",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    ref_column("object_id", "objects"),
    Column("content", Text, nullable=False),
    text_column("host"),
    text_column("url", nullable=True),
    text_column("uri", nullable=True),
    UniqueConstraint("actor_id", "object_id", "content", "host"),
    Index("ix_reactions_object_id", "object_id", "id"),
    Index("ix_reactions_uri", "uri"),
)
