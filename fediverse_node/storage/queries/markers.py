"""How far somebody has read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, bindparam, select

from fediverse_node.storage.statement import Statement, one_of, upsert
from fediverse_node.storage.tables import markers
from fediverse_node.storage.unit import Fetch, Run, Unit

Row = Any

MARKERS = Statement(
    select(markers).where(
        markers.c.actor_id == bindparam("actor_id", type_=BigInteger()), one_of(markers.c.timeline, "timelines")
    )
)
_PUT = upsert(markers, ("actor_id", "timeline", "last_read_id", "version", "updated_ms"), ("actor_id", "timeline"))


def put_markers(actor_id: int, positions: Mapping[str, str], now_ms: int) -> Unit[list[Row]]:
    """Set positions by timeline; answers their rows. Each change counts the version up."""
    values = {"actor_id": actor_id, "timelines": list(positions)}
    versions = {row["timeline"]: row["version"] for row in (yield Fetch(MARKERS, values))}
    rows = [
        {
            "actor_id": actor_id,
            "timeline": timeline,
            "last_read_id": last_read_id,
            "version": versions.get(timeline, -1) + 1,
            "updated_ms": now_ms,
        }
        for timeline, last_read_id in positions.items()
    ]
    yield Run(_PUT, rows)
    return list((yield Fetch(MARKERS, values)))
