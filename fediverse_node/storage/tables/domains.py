"""Which hosts this server keeps out, keeps quiet or lets in; what people here keep away from; what was cut by it."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, Text, UniqueConstraint

from fediverse_node.storage.tables.columns import (
    Id,
    flag_column,
    id_column,
    metadata,
    ms_column,
    ref_column,
    text_column,
)

# Lists of others that somebody here reads: `entries` is what the last answer said, as JSON of rules.
domain_lists = Table(
    "domain_lists",
    metadata,
    id_column(),
    Column("url", Text, nullable=False, unique=True),
    Column("auto", Text, nullable=False, server_default="none"),  # domain.domain_lists.Auto
    Column("entries", Text, nullable=False, server_default="[]"),
    ms_column("created_ms"),
    ms_column("fetched_ms", nullable=True),
    text_column("last_error", nullable=True),
)

# What is said about a domain and all below it.
domain_blocks = Table(
    "domain_blocks",
    metadata,
    Column("host", Text, primary_key=True),
    Column("severity", Text, nullable=False, server_default="suspend"),  # suspend silence noop
    text_column("public_comment"),
    text_column("private_comment"),
    ms_column("created_ms"),
    flag_column("reject_media"),
    flag_column("reject_reports"),
    flag_column("obfuscate"),
    Column("list_id", Id, nullable=True),  # the list it came from; nothing if somebody here made it
    Column("number", Id, nullable=True),  # what apps call it by; given when one asks first
    Index("ix_domain_blocks_list_id", "list_id"),
)

# Where only listed hosts take part: these, to the letter.
domain_allows = Table(
    "domain_allows",
    metadata,
    Column("host", Text, primary_key=True),
    text_column("comment"),
    ms_column("created_ms"),
    Column("number", Id, nullable=True),  # as in `domain_blocks`
)

# What rules did to the actors of a host. Their flags carry `moment_ms`, and so are known from those of single actors.
host_marks = Table(
    "host_marks",
    metadata,
    Column("host", Text, primary_key=True),
    Column("wanted", Text, nullable=False),  # suspend silence noop
    ms_column("moment_ms"),
    ms_column("changed_ms"),
    # Whether all its actors carry the flag already, and (when suspended) all its follows are cut.
    flag_column("done"),
    # Whether what it said was thrown away; that cannot be taken back.
    flag_column("purged"),
)

# What one person keeps away from.
user_domain_blocks = Table(
    "user_domain_blocks",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    Column("host", Text, nullable=False),
    ms_column("created_ms"),
    UniqueConstraint("actor_id", "host"),
    Index("ix_user_domain_blocks_host", "host"),
)

# Follows that nobody ended who was in them.  spec: mastodon-client-api#RelationshipSeveranceEvent
severances = Table(
    "severances",
    metadata,
    id_column(),
    Column("type", Text, nullable=False),  # domain_block user_domain_block
    Column("host", Text, nullable=False),
    ms_column("created_ms"),
    Index("ix_severances_host", "host"),
)
severed_follows = Table(
    "severed_follows",
    metadata,
    id_column(),
    ref_column("severance_id", "severances"),
    Column("local_id", Id, ForeignKey("actors.id", ondelete="CASCADE"), nullable=False),
    Column("remote_id", Id, ForeignKey("actors.id", ondelete="CASCADE"), nullable=False),
    flag_column("was_follower"),  # the remote one followed; else it was followed
    flag_column("show_announces", default=True),
    flag_column("notify"),
    text_column("languages", nullable=True),
    UniqueConstraint("severance_id", "local_id", "remote_id", "was_follower"),
    Index("ix_severed_follows_local_id", "local_id"),
    Index("ix_severed_follows_remote_id", "remote_id"),
)
