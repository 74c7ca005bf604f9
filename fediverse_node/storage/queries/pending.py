"""What a node still has to do: how much, and when the next of it is due."""

from __future__ import annotations

from sqlalchemy import func, literal, select, union_all

from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import deliveries, fetches, inbox_staging

# Rows of kind, number, next_ms; next_ms is null where there is nothing of a kind.
PENDING = Statement(
    union_all(
        select(
            literal("deliveries", literal_execute=True).label("kind"),
            func.count().label("number"),
            func.min(deliveries.c.due_ms).label("next_ms"),
        ).where(deliveries.c.state == literal(0, literal_execute=True)),
        select(literal("requests", literal_execute=True), func.count(), func.min(inbox_staging.c.due_ms)),
        select(literal("fetches", literal_execute=True), func.count(), func.min(fetches.c.due_ms)),
    )
)
