"""Whom people show on their profiles, and whom they do not want to be shown to them."""

from __future__ import annotations

from sqlalchemy import Index, Table, UniqueConstraint

from fediverse_node.storage.tables.columns import id_column, metadata, ref_column

# Of those whom one follows: it ends with the follow.
endorsements = Table(
    "endorsements",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    ref_column("target_id", "actors"),
    UniqueConstraint("actor_id", "target_id"),
    Index("ix_endorsements_target_id", "target_id"),
)

# Whom one does not want to be told to follow.
dismissed_suggestions = Table(
    "dismissed_suggestions",
    metadata,
    ref_column("actor_id", "actors", primary_key=True),
    ref_column("target_id", "actors", primary_key=True),
    Index("ix_dismissed_suggestions_target_id", "target_id"),
)
