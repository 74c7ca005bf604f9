"""What comes from and goes to other servers, and what is known of them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, LargeBinary, SmallInteger, Table, Text, UniqueConstraint, text

from fediverse_node.storage.tables.columns import (
    count_column,
    flag_column,
    id_column,
    metadata,
    ms_column,
    ref_column,
    text_column,
)

# What other hosts told us about themselves, and how it goes with them. Rows age out.
hosts = Table(
    "hosts",
    metadata,
    Column("host", Text, primary_key=True),
    Column("reads_rfc9421", Boolean, nullable=True),
    Column("reads_ed25519", Boolean, nullable=True),
    text_column("software", nullable=True),
    text_column("software_version", nullable=True),
    count_column("failures"),  # deliveries in a row that did not work
    ms_column("failing_since_ms", nullable=True),
    ms_column("retry_after_ms", nullable=True),
    ms_column("seen_ms", nullable=True),
    text_column("application_uri", nullable=True),  # the server's own actor.  spec: fep-2677
    ms_column("looked_ms", nullable=True),  # when its NodeInfo was asked for last
    Index("ix_hosts_seen_ms", "seen_ms"),
    Index("ix_hosts_software", "software"),
)

payloads = Table(
    "payloads",
    metadata,
    id_column(),
    Column("uri", Text, nullable=False),  # of the activity
    ref_column("actor_id", "actors"),  # who signs
    Column("type", Text, nullable=False),
    ref_column("object_id", "objects", nullable=True),
    Column("body", LargeBinary, nullable=False),
    Index("ix_payloads_uri", "uri"),
    Index("ix_payloads_object_id", "object_id"),
    Index("ix_payloads_actor_id", "actor_id"),
)

# One row an inbox, written in the transaction of its cause; kept afterwards as the receipt.
deliveries = Table(
    "deliveries",
    metadata,
    id_column(),
    ref_column("payload_id", "payloads"),
    Column("inbox", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),  # 0 waiting, 1 delivered, 2 given up, 3 refused by the peer
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    ms_column("due_ms"),
    ms_column("lease_ms", nullable=True),
    ms_column("done_ms", nullable=True),
    text_column("last_error", nullable=True),
    Index(
        "ix_deliveries_waiting",
        "due_ms",
        sqlite_where=text("state = 0"),
        postgresql_where=text("state = 0"),
    ),
    Index(
        "ix_deliveries_host",
        "host",
        sqlite_where=text("state = 0"),
        postgresql_where=text("state = 0"),
    ),
    Index("ix_deliveries_payload_id", "payload_id"),
)

# What arrived and needs the network before it can be decided. `domain` never reads it.
inbox_staging = Table(
    "inbox_staging",
    metadata,
    id_column(),
    Column("method", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("headers", Text, nullable=False),  # JSON [[name, value], ...]
    Column("body", LargeBinary, nullable=False),
    text_column("verified_key_id", nullable=True),  # set: the signature held, only facts are missing
    text_column("host"),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    ms_column("due_ms"),
    text_column("last_error", nullable=True),
    text_column("activity_uri", nullable=True),
    Index("ix_inbox_staging_due_ms", "due_ms"),
    Index("ix_inbox_staging_host", "host"),
    Index("ix_inbox_staging_activity_uri", "activity_uri"),
)

# Documents to fetch later: parents of replies, pinned objects, actors to refresh.
fetches = Table(
    "fetches",
    metadata,
    id_column(),
    Column("uri", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),  # object actor
    text_column("host"),
    Column("depth", SmallInteger, nullable=False, server_default=text("0")),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    ms_column("due_ms"),
    Index("ix_fetches_due_ms", "due_ms"),
)

# Signatures already used, until their time window has passed.
seen_signatures = Table(
    "seen_signatures",
    metadata,
    Column("fingerprint", LargeBinary, primary_key=True),
    ms_column("seen_ms"),
    Index("ix_seen_signatures_seen_ms", "seen_ms"),
    sqlite_with_rowid=False,
)

custom_emojis = Table(
    "custom_emojis",
    metadata,
    id_column(),
    Column("shortcode", Text, nullable=False),
    text_column("host"),  # empty: ours
    Column("url", Text, nullable=False),
    text_column("static_url"),
    text_column("category", nullable=True),
    flag_column("visible_in_picker", default=True),
    text_column("uri", nullable=True),
    UniqueConstraint("shortcode", "host"),
)

settings = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
