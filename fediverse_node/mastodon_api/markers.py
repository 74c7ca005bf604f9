"""How far somebody has read, the same on all their devices.  spec: mastodon-client-api#markers"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.mastodon_api.entities.moments import render_moment
from fediverse_node.mastodon_api.errors import invalid
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries import markers as queries

routes = Routes()

_TIMELINES = ("home", "notifications")
_LONGEST_ID = 100


@routes.get("/api/v1/markers", scope="read:statuses")
async def show(call: Call) -> web.Response:
    """The positions of the timelines asked for, as far as there are any."""
    asked = [name for name in call.params.list("timeline") if name in _TIMELINES]
    rows = await call.context.database.fetch(queries.MARKERS, actor_id=call.viewer.actor_id, timelines=asked)
    return call.json(_render(rows))


@routes.post("/api/v1/markers", scope="write:statuses")
async def put(call: Call) -> web.Response:
    """Set positions: `home[last_read_id]=…`."""
    given = {name: call.params.mapping(name).text("last_read_id") for name in _TIMELINES}
    positions = {name: text.strip() for name, text in given.items() if text and text.strip()}
    if any(len(text) > _LONGEST_ID for text in positions.values()):
        raise invalid("Last read is too long")
    if not positions:
        return call.json({})
    me, now_ms = call.viewer.actor_id, call.context.world.clock.now_ms()
    return call.json(_render(await call.context.writer.run(lambda: queries.put_markers(me, positions, now_ms))))


def _render(rows: list[Any]) -> dict[str, Any]:
    return {
        row["timeline"]: {
            "last_read_id": row["last_read_id"],
            "version": row["version"],
            "updated_at": render_moment(row["updated_ms"]),
        }
        for row in rows
    }
