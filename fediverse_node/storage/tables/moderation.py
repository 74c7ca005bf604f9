"""What moderators do and did: acts, warnings, who may not sign up or come in, what may be put forward."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from fediverse_node.storage.tables.columns import (
    Id,
    count_column,
    flag_column,
    id_column,
    metadata,
    ms_column,
    ref_column,
    text_column,
)

# Every act, kept for good. No references: what it was about may be gone, and the act stays.
admin_actions = Table(
    "admin_actions",
    metadata,
    id_column(),
    Column("actor_id", Id, nullable=False),  # who
    Column("act", Text, nullable=False),  # what: suspend, resolve, create …
    Column("kind", Text, nullable=False),  # to what kind of thing: account, report, domain_block …
    Column("target", Text, nullable=False),  # its id, or the host
    text_column("label"),  # as a person reads it: a handle, a host, an address
    Column("details", Text, nullable=False, server_default="{}"),
    ms_column("created_ms"),
    Index("ix_admin_actions_target", "kind", "target"),
    Index("ix_admin_actions_actor_id", "actor_id"),
)

# What somebody was told by the moderators.  spec: mastodon-client-api#AccountWarning
account_warnings = Table(
    "account_warnings",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),  # whom
    Column("by_id", Id, ForeignKey("actors.id", ondelete="SET NULL"), nullable=True),
    Column("action", Text, nullable=False),  # none disable sensitive silence suspend
    text_column("text"),
    Column("report_id", Id, ForeignKey("reports.id", ondelete="SET NULL"), nullable=True),
    Column("object_ids", Text, nullable=False, server_default="[]"),
    ms_column("created_ms"),
    Index("ix_account_warnings_actor_id", "actor_id"),
    Index("ix_account_warnings_report_id", "report_id"),
)

# Nobody signs up with an address there, or below it.
email_domain_blocks = Table(
    "email_domain_blocks",
    metadata,
    id_column(),
    Column("domain", Text, nullable=False, unique=True),
    flag_column("allow_with_approval"),
    ms_column("created_ms"),
)

# Who tried all the same, by day: forgotten after a week.
email_domain_tries = Table(
    "email_domain_tries",
    metadata,
    ref_column("block_id", "email_domain_blocks", primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # days since the epoch
    Column("address", Text, primary_key=True),  # hex as in `user_addresses`
    count_column("uses"),
)

# Single mailboxes that may not sign up again, as SHA-256 of the address without its tricks (domain/mailboxes.py).
canonical_email_blocks = Table(
    "canonical_email_blocks",
    metadata,
    id_column(),
    Column("hash", Text, nullable=False, unique=True),
    # The suspended account whose address it is: it goes when the suspension is taken back.
    ref_column("actor_id", "actors", nullable=True),
    ms_column("created_ms"),
    Index("ix_canonical_email_blocks_actor_id", "actor_id"),
)

ip_blocks = Table(
    "ip_blocks",
    metadata,
    id_column(),
    Column("network", Text, nullable=False, unique=True),  # 192.0.2.0/24, 2001:db8::/32
    Column("severity", Text, nullable=False),  # sign_up_requires_approval sign_up_block no_access
    text_column("comment"),
    ms_column("created_ms"),
    ms_column("expires_ms", nullable=True),
)

# From where people came in: forgotten after a year.
user_addresses = Table(
    "user_addresses",
    metadata,
    ref_column("user_id", "users", primary_key=True),
    # 32 hex digits of the IPv6 address (IPv4 as ::ffff:a.b.c.d), so that a network is a range.
    Column("address", Text, primary_key=True),
    ms_column("used_ms"),
    Index("ix_user_addresses_address", "address"),
    Index("ix_user_addresses_used_ms", "used_ms"),
)

# On which days somebody was here: what the figures of the dashboard are made of.
user_days = Table(
    "user_days",
    metadata,
    ref_column("user_id", "users", primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # days since the epoch
    Index("ix_user_days_day", "day"),
)

# What moderators decided about a hashtag; what is missing was never decided.
tag_reviews = Table(
    "tag_reviews",
    metadata,
    ref_column("tag_id", "tags", primary_key=True),
    Column("trendable", Boolean, nullable=True),
    Column("usable", Boolean, nullable=True),
    Column("listable", Boolean, nullable=True),
    text_column("display_name", nullable=True),
    Column("reviewed_ms", BigInteger, nullable=True),
)

# Whether a post, or a page that posts link to, may be put forward.
trend_reviews = Table(
    "trend_reviews",
    metadata,
    id_column(),
    Column("kind", Text, nullable=False),  # status link publisher
    Column("target", Text, nullable=False),  # id of the object or preview; host of a publisher
    flag_column("allowed"),
    ms_column("reviewed_ms"),
    UniqueConstraint("kind", "target"),
)
