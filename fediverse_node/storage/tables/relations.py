"""What actors are to each other, and to what was said."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint, text

from fediverse_node.storage.tables.columns import (
    Id,
    flag_column,
    id_column,
    metadata,
    ms_column,
    ref_column,
    text_column,
)

follows = Table(
    "follows",
    metadata,
    id_column(),
    ref_column("follower_id", "actors"),
    ref_column("followed_id", "actors"),
    Column("uri", Text, nullable=False),  # of the Follow activity
    flag_column("accepted"),
    flag_column("follower_local"),
    flag_column("show_announces", default=True),
    flag_column("notify"),
    text_column("languages", nullable=True),  # JSON list, or all
    ms_column("created_ms"),
    UniqueConstraint("follower_id", "followed_id"),
    Index("ix_follows_followed_id", "followed_id", "id"),
    # A post of someone with a hundred thousand remote followers still finds its local readers at once.
    Index(
        "ix_follows_local",
        "followed_id",
        # To the letter what SQLAlchemy writes in a query: SQLite does not see that both mean the same.
        sqlite_where=text("follower_local = 1"),
        postgresql_where=text("follower_local"),
    ),
    Index("ix_follows_uri", "uri"),
)

blocks = Table(
    "blocks",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    ref_column("target_id", "actors"),
    text_column("uri", nullable=True),
    UniqueConstraint("actor_id", "target_id"),
    Index("ix_blocks_target_id", "target_id"),
    Index("ix_blocks_uri", "uri"),
)

mutes = Table(
    "mutes",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    ref_column("target_id", "actors"),
    flag_column("notifications", default=True),
    ms_column("expires_ms", nullable=True),
    UniqueConstraint("actor_id", "target_id"),
    Index("ix_mutes_target_id", "target_id"),
)

thread_mutes = Table(
    "thread_mutes",
    metadata,
    ref_column("actor_id", "actors", primary_key=True),
    Column("thread_id", Id, primary_key=True, autoincrement=False),
    Index("ix_thread_mutes_thread_id", "thread_id"),
)

likes = Table(
    "likes",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    ref_column("object_id", "objects"),
    Column("uri", Text, nullable=True),
    # Nobody said so in these words: it stands for a reaction, so that it counts for those who know likes only.
    flag_column("implied"),
    UniqueConstraint("actor_id", "object_id"),
    Index("ix_likes_object_id", "object_id", "id"),
    Index("ix_likes_uri", "uri"),
)

bookmarks = Table(
    "bookmarks",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    ref_column("object_id", "objects"),
    UniqueConstraint("actor_id", "object_id"),
    Index("ix_bookmarks_object_id", "object_id"),
)

pins = Table(
    "pins",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    ref_column("object_id", "objects"),
    UniqueConstraint("actor_id", "object_id"),
    Index("ix_pins_object_id", "object_id"),
)

reports = Table(
    "reports",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    ref_column("target_id", "actors"),
    text_column("uri", nullable=True),
    text_column("comment"),
    Column("category", Text, nullable=False, server_default="other"),
    Column("object_ids", Text, nullable=False, server_default="[]"),
    Column("rule_ids", Text, nullable=False, server_default="[]"),
    flag_column("forwarded"),
    ms_column("resolved_ms", nullable=True),
    Column("assigned_id", Id, nullable=True),  # the moderator who looks at it
    Column("resolved_by_id", Id, nullable=True),
    ms_column("updated_ms", nullable=True),
    Index("ix_reports_target_id", "target_id"),
)
