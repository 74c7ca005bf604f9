"""Applications that people use, and what they may do."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from fediverse_node.storage.tables.columns import (
    count_column,
    flag_column,
    id_column,
    metadata,
    ms_column,
    ref_column,
    text_column,
)

apps = Table(
    "apps",
    metadata,
    id_column(),
    Column("client_id", Text, nullable=False, unique=True),
    Column("client_secret", Text, nullable=False),
    Column("name", Text, nullable=False),
    text_column("website", nullable=True),
    Column("redirect_uris", Text, nullable=False),  # one a line
    Column("scopes", Text, nullable=False),
    ms_column("created_ms"),
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("code_hash", Text, primary_key=True),
    ref_column("app_id", "apps"),
    ref_column("user_id", "users"),
    Column("redirect_uri", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    text_column("code_challenge", nullable=True),
    ms_column("expires_ms"),
)

tokens = Table(
    "tokens",
    metadata,
    id_column(),
    Column("token_hash", Text, nullable=False, unique=True),
    ref_column("app_id", "apps", nullable=True),
    ref_column("user_id", "users", nullable=True),  # none: the app itself
    Column("scopes", Text, nullable=False),
    ms_column("created_ms"),
    ms_column("last_used_ms", nullable=True),
    Index("ix_tokens_user_id", "user_id"),
)

push_subscriptions = Table(
    "push_subscriptions",
    metadata,
    id_column(),
    ref_column("token_id", "tokens"),
    Column("endpoint", Text, nullable=False),
    Column("p256dh", Text, nullable=False),
    Column("auth", Text, nullable=False),
    flag_column("standard"),
    Column("alerts", Text, nullable=False, server_default="{}"),
    Column("policy", Text, nullable=False, server_default="all"),
    text_column("locked_token"),  # apps find out by their token whose message it is; see mastodon_api/push_tokens.py
    UniqueConstraint("token_id"),
)

# What is still to be sent. A row goes when the push service has taken it, or nobody wants it any more.
push_messages = Table(
    "push_messages",
    metadata,
    id_column(),
    ref_column("subscription_id", "push_subscriptions"),
    ref_column("notification_id", "notifications"),
    Column("host", Text, nullable=False),  # of the push service
    ms_column("due_ms"),
    count_column("attempts"),
    ms_column("created_ms"),
    UniqueConstraint("subscription_id", "notification_id"),
    Index("ix_push_messages_due_ms", "due_ms"),
    Index("ix_push_messages_notification_id", "notification_id"),
)
