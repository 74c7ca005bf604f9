"""What a node still has to do: how much, and when the next of it is due."""

from __future__ import annotations

from sqlalchemy import case, func, literal, select, union_all

from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import deliveries, errands, fetches, inbox_staging, thread_walks

_busy_ms = func.coalesce(thread_walks.c.lease_ms, 0)
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
        select(literal("errands", literal_execute=True), func.count(), func.min(errands.c.due_ms)),
        # Not those that only look again whether there is anything new, as they do for weeks.
        select(
            literal("walks", literal_execute=True),
            func.count(),
            func.min(case((_busy_ms > thread_walks.c.due_ms, _busy_ms), else_=thread_walks.c.due_ms)),
        ).where(thread_walks.c.due_ms.is_not(None), thread_walks.c.rounds == literal(0, literal_execute=True)),
    )
)
