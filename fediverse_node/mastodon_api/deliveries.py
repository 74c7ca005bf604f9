"""What became of one's own post at other servers. Not in Mastodon's API: apps that do not know it lose nothing."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.delivery.receipts import Receipt, load_receipts, summarise
from fediverse_node.mastodon_api.entities.moments import render_moment, render_moment_or_none
from fediverse_node.mastodon_api.errors import not_found
from fediverse_node.mastodon_api.params import parse_id
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries.receipts import BY_NAME

routes = Routes()


@routes.get("/api/v1/statuses/{id}/deliveries", scope="read:statuses")
async def deliveries(call: Call) -> web.StreamResponse:
    """`{delivered, refused, open, deliveries: […]}` of a status of one's own; 404 for everybody else."""
    number = parse_id(call.request.match_info["id"])
    row = await call.context.database.fetch_one(BY_NAME, name="", number=number) if number else None
    if row is None or row["actor_id"] != call.viewer.actor_id:
        raise not_found()
    found = await load_receipts(call.context.database, row["id"])
    summary = summarise(found)
    return call.json(
        {
            "delivered": summary.delivered,
            "refused": summary.refused,
            "open": summary.open,
            "deliveries": [_render(receipt) for receipt in found],
        }
    )


def _render(receipt: Receipt) -> dict[str, Any]:
    return {
        "host": receipt.host,
        "type": receipt.type,
        "state": receipt.fate.value,
        "attempts": receipt.attempts,
        "since": render_moment(receipt.since_ms),
        "done_at": render_moment_or_none(receipt.done_ms),
        "next_at": render_moment_or_none(receipt.next_ms),
        "cause": receipt.cause or None,
    }
