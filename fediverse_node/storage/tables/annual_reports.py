"""What somebody did in a year."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, UniqueConstraint

from fediverse_node.storage.tables.columns import id_column, metadata, ms_column, ref_column, text_column

annual_reports = Table(
    "annual_reports",
    metadata,
    id_column(),
    ref_column("actor_id", "actors"),
    Column("year", Integer, nullable=False),
    text_column("data", nullable=True),  # JSON; nothing while it is being made
    ms_column("asked_ms"),
    ms_column("read_ms", nullable=True),
    UniqueConstraint("actor_id", "year"),
)
