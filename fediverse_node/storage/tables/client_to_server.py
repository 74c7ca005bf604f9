"""What people's ActivityPub clients submitted, and previews of the pages that posts link to."""

from __future__ import annotations

from sqlalchemy import Column, Index, SmallInteger, Table, Text, UniqueConstraint, text

from fediverse_node.storage.tables.columns import count_column, id_column, metadata, ms_column, ref_column, text_column

# An activity that a client put into an outbox, under the id that it was given. Forgotten after a while.
submissions = Table(
    "submissions",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    Column("uri", Text, nullable=False),
    text_column("key", nullable=True),  # the client's Idempotency-Key
    Column("document", Text, nullable=False),
    ms_column("created_ms"),
    UniqueConstraint("actor_id", "key"),
    Index("ix_submissions_uri", "uri"),
    Index("ix_submissions_created_ms", "created_ms"),
)

# A page that posts link to: asked once, however many posts there are.
link_previews = Table(
    "link_previews",
    metadata,
    id_column(),
    Column("url", Text, nullable=False, unique=True),
    text_column("host"),
    Column("state", SmallInteger, nullable=False, server_default=text("0")),  # waiting, there, nothing to show
    text_column("card", nullable=True),  # protocol.link_preview.LinkPreview as JSON
    count_column("attempts"),
    ms_column("due_ms", nullable=True),  # when it is to be asked
    ms_column("fetched_ms", nullable=True),
    Index(
        "ix_link_previews_due_ms",
        "due_ms",
        sqlite_where=text("due_ms IS NOT NULL"),
        postgresql_where=text("due_ms IS NOT NULL"),
    ),
    Index("ix_link_previews_fetched_ms", "fetched_ms"),
)

object_previews = Table(
    "object_previews",
    metadata,
    ref_column("object_id", "objects", primary_key=True),
    ref_column("preview_id", "link_previews"),
    Index("ix_object_previews_preview_id", "preview_id"),
)
