"""Errands are begun: what is too much for one transaction waits for `fediverse_node.errands`."""

from __future__ import annotations

from collections.abc import Sequence

from fediverse_node.domain.effects import NewErrand
from fediverse_node.storage.events import Applied
from fediverse_node.storage.tables import errands
from fediverse_node.storage.unit import Insert, Unit


def insert_errands(records: Sequence[NewErrand], now_ms: int, applied: Applied) -> Unit[None]:
    """Each once: an errand that is under way already is not begun again."""
    if not records:
        return
    rows = [
        {
            "id": record.id,
            "kind": record.kind,
            "actor_id": record.actor_id,
            "target_id": record.target_id,
            "created_ms": now_ms,
            "due_ms": now_ms,
        }
        for record in records
    ]
    yield Insert(errands, rows)
    applied.errands = True
