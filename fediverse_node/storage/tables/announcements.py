"""What whoever runs the server tells everybody who lives here."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from fediverse_node.storage.tables.columns import flag_column, id_column, metadata, ms_column, ref_column

announcements = Table(
    "announcements",
    metadata,
    id_column(),
    Column("content", Text, nullable=False),  # plain text, with links, mentions, hashtags and :emojis: in it
    ms_column("starts_ms", nullable=True),  # of what is announced
    ms_column("ends_ms", nullable=True),  # of what is announced; nobody is told of it afterwards
    flag_column("all_day"),  # the hours of both mean nothing
    ms_column("published_ms"),  # from when on it is shown
    ms_column("updated_ms"),
)

# Who has read which, and does not want to see it again.
announcement_reads = Table(
    "announcement_reads",
    metadata,
    ref_column("announcement_id", "announcements", primary_key=True),
    ref_column("actor_id", "actors", primary_key=True),
    Index("ix_announcement_reads_actor_id", "actor_id"),
)

announcement_reactions = Table(
    "announcement_reactions",
    metadata,
    id_column(),
    ref_column("announcement_id", "announcements"),
    ref_column("actor_id", "actors"),
    Column("name", Text, nullable=False),  # an emoji, or the name of a custom one of this server
    UniqueConstraint("announcement_id", "actor_id", "name"),
    Index("ix_announcement_reactions_actor_id", "actor_id"),
)
