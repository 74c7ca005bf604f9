"""What people here see: timelines, notifications, lists, filters."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, text

from fediverse_node.storage.tables.columns import Id, flag_column, id_column, metadata, ms_column, ref_column

_HAPPENS_ONCE = (
    "type <> 'report' AND type <> 'update' AND type <> 'moderation_warning' "
    "AND type <> 'added_to_collection' AND type <> 'collection_update'"
)

home_entries = Table(
    "home_entries",
    metadata,
    ref_column("actor_id", "actors", primary_key=True),
    ref_column("object_id", "objects", primary_key=True),
    Index("ix_home_entries_object_id", "object_id"),
    sqlite_with_rowid=False,
)

notifications = Table(
    "notifications",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),  # whom it tells
    Column("type", Text, nullable=False),
    ref_column("from_actor_id", "actors"),
    ref_column("object_id", "objects", nullable=True),
    Index("ix_notifications_actor_id_id", "actor_id", "id"),
    Index("ix_notifications_object_id", "object_id"),
    Index("ix_notifications_from_actor_id", "from_actor_id"),
    Index(
        "uq_notifications_once",
        "actor_id",
        "type",
        "from_actor_id",
        text("coalesce(object_id, 0)"),
        unique=True,
        # Whoever reports, edits, is warned or is recommended again is heard, or told, again.
        sqlite_where=text(_HAPPENS_ONCE),
        postgresql_where=text(_HAPPENS_ONCE),
    ),
)

# Private conversations as Mastodon clients list them: one row a person and thread.
conversations = Table(
    "conversations",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    Column("thread_id", Id, nullable=False),
    Column("participants", Text, nullable=False, server_default="[]"),  # actor ids
    Column("last_object_id", Id, ForeignKey("objects.id", ondelete="SET NULL"), nullable=True),
    flag_column("unread"),
    UniqueConstraint("actor_id", "thread_id"),
    Index("ix_conversations_actor_last", "actor_id", "last_object_id"),
    Index("ix_conversations_last_object_id", "last_object_id"),
    Index("ix_conversations_thread_id", "thread_id"),
)

lists = Table(
    "lists",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    Column("title", Text, nullable=False),
    Column("replies_policy", Text, nullable=False, server_default="list"),
    flag_column("exclusive"),
    Index("ix_lists_actor_id", "actor_id"),
)

list_members = Table(
    "list_members",
    metadata,
    id_column(),
    ref_column("list_id", "lists"),
    ref_column("actor_id", "actors"),
    UniqueConstraint("list_id", "actor_id"),
    Index("ix_list_members_actor_id", "actor_id"),
)

filters = Table(
    "filters",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    Column("title", Text, nullable=False),
    Column("context", Text, nullable=False),  # JSON list
    Column("action", Text, nullable=False, server_default="warn"),
    ms_column("expires_ms", nullable=True),
    Index("ix_filters_actor_id", "actor_id"),
)

filter_keywords = Table(
    "filter_keywords",
    metadata,
    id_column(),
    ref_column("filter_id", "filters"),
    Column("keyword", Text, nullable=False),
    flag_column("whole_word", default=True),
    Index("ix_filter_keywords_filter_id", "filter_id"),
)

filter_objects = Table(
    "filter_objects",
    metadata,
    id_column(),
    ref_column("filter_id", "filters"),
    ref_column("object_id", "objects"),
    UniqueConstraint("filter_id", "object_id"),
    Index("ix_filter_objects_object_id", "object_id"),
)

followed_tags = Table(
    "followed_tags",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    ref_column("tag_id", "tags"),
    UniqueConstraint("actor_id", "tag_id"),
    Index("ix_followed_tags_tag_id", "tag_id"),
)

featured_tags = Table(
    "featured_tags",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    ref_column("tag_id", "tags"),
    UniqueConstraint("actor_id", "tag_id"),
)

markers = Table(
    "markers",
    metadata,
    ref_column("actor_id", "actors", primary_key=True),
    Column("timeline", Text, primary_key=True),
    Column("last_read_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    ms_column("updated_ms"),
)
