"""Who quotes whom, and what has to be approved of by the author of a post."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, SmallInteger, Table, Text, UniqueConstraint, text

from fediverse_node.storage.tables.columns import (
    Id,
    id_column,
    metadata,
    ms_column,
    ref_column,
    text_column,
)

# One row a post that quotes. What it quotes may not be here yet, or no longer.
quotes = Table(
    "quotes",
    metadata,
    ref_column("object_id", "objects", primary_key=True),
    ref_column("actor_id", "actors"),
    Column("quoted_uri", Text, nullable=False),
    Column("quoted_id", Id, ForeignKey("objects.id", ondelete="SET NULL"), nullable=True),
    Column("quoted_actor_id", Id, ForeignKey("actors.id", ondelete="SET NULL"), nullable=True),
    # rows.APPROVAL_CODES: 0 pending, 1 accepted, 2 rejected, 3 revoked, 4 deleted
    Column("state", SmallInteger, nullable=False),
    text_column("stamp_uri", nullable=True),  # claimed while the quote is pending, else verified
    text_column("request_uri", nullable=True),
    ms_column("checked_ms", nullable=True),
    Index("ix_quotes_quoted_id", "quoted_id", "object_id"),
    Index("ix_quotes_actor_id", "actor_id"),
    Index("ix_quotes_quoted_actor_id", "quoted_actor_id"),
    Index("ix_quotes_request_uri", "request_uri"),
    Index("ix_quotes_stamp_uri", "stamp_uri"),
    # Those that wait for what they quote.
    Index(
        "ix_quotes_waiting",
        "quoted_uri",
        sqlite_where=text("quoted_id IS NULL"),
        postgresql_where=text("quoted_id IS NULL"),
    ),
)

interaction_requests = Table(
    "interaction_requests",
    metadata,
    id_column(),
    Column("kind", Text, nullable=False),  # like reply announce
    ref_column("actor_id", "actors"),
    ref_column("target_id", "objects"),
    ref_column("target_actor_id", "actors"),
    ref_column("object_id", "objects", nullable=True),  # the reply
    Column("uri", Text, nullable=False),  # of the interaction
    Column("state", SmallInteger, nullable=False),  # as above
    text_column("request_uri", nullable=True),
    text_column("stamp_uri", nullable=True),
    Column("visibility", SmallInteger, nullable=True),  # domain.model.visibility_code, once it is accepted
    ms_column("created_ms"),
    ms_column("decided_ms", nullable=True),
    UniqueConstraint("uri"),
    Index("ix_interaction_requests_target_actor_id_id", "target_actor_id", "id"),
    Index("ix_interaction_requests_target_id", "target_id"),
    Index("ix_interaction_requests_actor_id_target_id", "actor_id", "target_id"),
    Index("ix_interaction_requests_object_id", "object_id"),
    Index("ix_interaction_requests_request_uri", "request_uri"),
    Index("ix_interaction_requests_stamp_uri", "stamp_uri"),
)
