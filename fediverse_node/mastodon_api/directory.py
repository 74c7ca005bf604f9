"""The directory: people who want to be found.  spec: mastodon-client-api#directory"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.mastodon_api.entities.account import render_account
from fediverse_node.mastodon_api.errors import bad_request
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries import directory as queries
from fediverse_node.storage.queries.accounts import load_account_list
from fediverse_node.storage.queries.statuses import NOBODY

routes = Routes()
# order -> of everybody, of those who live here
_ORDERS = {"active": (queries.ACTIVE, queries.ACTIVE_HERE), "new": (queries.NEW, queries.NEW_HERE)}
_FURTHEST = 100_000


@routes.get("/api/v1/directory", anonymous=True, app=True)
async def show(call: Call) -> web.Response:
    """People by when they said something last (`active`) or by how new they are here (`new`)."""
    order = call.params.text("order") or "active"
    if order not in _ORDERS:
        raise bad_request("order must be active or new")
    skipped, limit = call.params.number("offset", 0), call.limit(40, 80)
    if skipped < 0:
        raise bad_request("Pagination values for `offset` and `limit` must be positive")
    if skipped > _FURTHEST or limit == 0:
        return call.json([])
    rows = await call.context.database.fetch(
        _ORDERS[order][call.params.flag("local", False)],
        patient=True,
        host=call.context.world.names.host,
        viewer_id=call.viewer_id or NOBODY,
        now_ms=call.context.world.clock.now_ms(),
        most=limit,
        skipped=skipped,
    )
    accounts = await load_account_list(call.context.database, (row["id"] for row in rows))
    return call.json([render_account(account, call.context) for account in accounts])
