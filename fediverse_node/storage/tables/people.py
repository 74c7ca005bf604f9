"""Actors of all servers, and the people who sign in here."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, text

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

actors = Table(
    "actors",
    metadata,
    id_column(),
    Column("uri", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),  # Person Organization Service Group Application
    flag_column("local"),
    Column("username", Text, nullable=False),
    Column("host", Text, nullable=False),  # canonical host[:port] of its handle, ours for local actors
    text_column("name"),
    text_column("summary"),  # sanitised HTML
    Column("fields", Text, nullable=False, server_default="[]"),  # [{name, value, verified_at}]
    Column("emojis", Text, nullable=False, server_default="[]"),
    text_column("url", nullable=True),
    text_column("inbox"),
    text_column("shared_inbox", nullable=True),
    text_column("outbox", nullable=True),
    text_column("followers_uri", nullable=True),
    text_column("following_uri", nullable=True),
    text_column("featured_uri", nullable=True),
    text_column("featured_tags_uri", nullable=True),
    text_column("icon_url", nullable=True),  # remote: their URL; local: path under the media folder
    text_column("icon_description"),
    text_column("image_url", nullable=True),
    text_column("image_description"),
    flag_column("locked"),
    Column("discoverable", Boolean, nullable=True),
    flag_column("indexable"),
    Column("hide_collections", Boolean, nullable=True),
    flag_column("memorial"),
    text_column("moved_to_uri", nullable=True),
    Column("also_known_as", Text, nullable=False, server_default="[]"),
    Column("implements", Text, nullable=False, server_default="[]"),
    count_column("followers_count"),
    count_column("following_count"),
    count_column("statuses_count"),
    ms_column("last_status_ms", nullable=True),
    ms_column("created_ms"),  # when the actor says it began
    ms_column("fetched_ms", nullable=True),  # remote: when its document was read last
    # What its own server says of how many there are, and when its collections were looked through last.
    Column("claimed_followers", Integer, nullable=True),
    Column("claimed_following", Integer, nullable=True),
    Column("claimed_posts", Integer, nullable=True),
    ms_column("looked_ms", nullable=True),
    ms_column("moved_ms", nullable=True),  # when its followers here were taken along last; of ours: when it moved
    ms_column("suspended_ms", nullable=True),
    ms_column("silenced_ms", nullable=True),
    ms_column("sensitized_ms", nullable=True),  # all that it shows is covered first
    ms_column("deleted_ms", nullable=True),
    count_column("version"),  # grows with each change, so that cached renderings know they are old
    Index("ix_actors_username_host", text("lower(username)"), "host"),
    Index("ix_actors_host", "host"),
    # To the letter what SQLAlchemy writes in a query: SQLite does not see that both mean the same.
    Index(
        "ix_actors_directory",
        "last_status_ms",
        "id",
        sqlite_where=text("discoverable = 1"),
        postgresql_where=text("discoverable"),
    ),
)

# ML-DSA-44 keys in multibase begin so. A range, because an index may not ask LIKE.
IS_POST_QUANTUM = "public >= 'ukC' AND public < 'ukD'"

keys = Table(
    "keys",
    metadata,
    Column("uri", Text, primary_key=True),
    ref_column("actor_id", "actors"),
    Column("public", Text, nullable=False),  # PEM or multibase
    text_column("private_pem", nullable=True),  # local actors only
    # Listed as `assertionMethod`: signs documents. Others sign requests only.
    flag_column("for_proofs"),
    # No signature with it counts from then on. Of ours: it was replaced, and is listed until then.
    ms_column("expires_ms", nullable=True),
    ms_column("fetched_ms"),
    Index("ix_keys_actor_id", "actor_id"),
    Index(
        "ix_keys_expires_ms",
        "expires_ms",
        sqlite_where=text("expires_ms IS NOT NULL"),
        postgresql_where=text("expires_ms IS NOT NULL"),
    ),
    Index(
        "ix_keys_post_quantum",
        "actor_id",
        sqlite_where=text(IS_POST_QUANTUM),
        postgresql_where=text(IS_POST_QUANTUM),
    ),
)

users = Table(
    "users",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    Column("email", Text, nullable=False),
    text_column("password_hash", nullable=True),
    Column("role", Text, nullable=False, server_default="user"),  # owner admin moderator user
    ms_column("confirmed_ms", nullable=True),
    ms_column("approved_ms", nullable=True),
    ms_column("disabled_ms", nullable=True),
    text_column("locale"),
    text_column("invite_request"),
    # {default_visibility, default_sensitive, default_language, expand_media, expand_spoilers, quote_policy,
    #  note_source, fields_source}
    Column("settings", Text, nullable=False, server_default="{}"),
    ms_column("created_ms"),
    ms_column("last_seen_ms", nullable=True),
    Column("app_id", Id, nullable=True),  # by which they signed up
    Column("invited_by_id", Id, nullable=True),  # the actor who did
    Index("uq_users_email", text("lower(email)"), unique=True),
    Index("ix_users_actor_id", "actor_id"),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("token_hash", Text, primary_key=True),
    ref_column("user_id", "users"),
    ms_column("expires_ms"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    ref_column("user_id", "users"),
    ms_column("created_ms"),
    ms_column("expires_ms"),
    text_column("user_agent"),
)

account_notes = Table(
    "account_notes",
    metadata,
    ref_column("actor_id", "actors", primary_key=True),
    ref_column("target_id", "actors", primary_key=True),
    text_column("note"),
)
