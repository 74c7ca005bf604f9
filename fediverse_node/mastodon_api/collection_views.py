"""Collections as one viewer sees them: without those whom they keep away from.  spec: mastodon-client-api#Collection"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.collection import render_collection
from fediverse_node.storage.queries import featured_collections as queries
from fediverse_node.storage.queries.statuses import NOBODY

Row = Mapping[str, Any]
_TYPES = frozenset(("added_to_collection", "collection_update"))


async def load_items(context: Context, viewer_id: int | None, rows: Sequence[Row]) -> dict[int, list[Row]]:
    """Items by the id of their collection. Whose collections they all are sees all of them."""
    found: dict[int, list[Row]] = {row["id"]: [] for row in rows}
    if not found:
        return found
    is_own = viewer_id is None or all(row["actor_id"] == viewer_id for row in rows)
    items = await context.database.fetch(
        queries.ITEMS,
        ids=list(found),
        viewer_id=NOBODY if is_own else viewer_id,
        now_ms=context.world.clock.now_ms(),
    )
    for item in items:
        found[item["collection_id"]].append(item)
    return found


async def render_collections(context: Context, viewer_id: int | None, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Collection entities of rows with their owners."""
    items = await load_items(context, viewer_id, rows)
    return [render_collection(row, items[row["id"]], context.world.names) for row in rows]


async def load_told(context: Context, viewer_id: int, rows: Iterable[Row]) -> dict[int, dict[str, Any]]:
    """`{"collection": ...}` by the id of the notification, of those that are about one."""
    ids = [row["id"] for row in rows if row["type"] in _TYPES]
    if not ids:
        return {}
    told = await context.database.fetch(queries.TOLD, ids=ids)
    rendered = await render_collections(context, viewer_id, told)
    return {row["notification_id"]: {"collection": entity} for row, entity in zip(told, rendered, strict=True)}
