"""Whom people recommend to others, in collections; and whom they let in."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint

from fediverse_node.storage.tables.columns import (
    count_column,
    flag_column,
    id_column,
    metadata,
    ms_column,
    ref_column,
    text_column,
)

# A handful of people under a name: a starter pack.
featured_collections = Table(
    "featured_collections",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    Column("name", Text, nullable=False),
    text_column("description"),  # plain text
    text_column("language", nullable=True),
    text_column("tag", nullable=True),  # a hashtag as it was written, without `#`
    flag_column("sensitive"),
    flag_column("discoverable", default=True),
    ms_column("created_ms"),
    ms_column("updated_ms"),
    Index("ix_featured_collections_actor_id", "actor_id"),
)

featured_items = Table(
    "featured_items",
    metadata,
    id_column(),
    ref_column("collection_id", "featured_collections"),
    ref_column("actor_id", "actors"),
    ms_column("created_ms"),
    UniqueConstraint("collection_id", "actor_id"),
    Index("ix_featured_items_actor_id", "actor_id"),
)

# About which collection a notification is.
featured_notices = Table(
    "featured_notices",
    metadata,
    ref_column("notification_id", "notifications", primary_key=True),
    ref_column("collection_id", "featured_collections"),
    Index("ix_featured_notices_collection_id", "collection_id"),
)

invites = Table(
    "invites",
    metadata,
    id_column(),
    Column("code", Text, nullable=False),
    ref_column("actor_id", "actors"),  # who invites
    Column("most_uses", Integer, nullable=True),
    count_column("uses"),
    ms_column("expires_ms", nullable=True),
    ms_column("created_ms"),
    UniqueConstraint("code"),
    Index("ix_invites_actor_id", "actor_id"),
)
