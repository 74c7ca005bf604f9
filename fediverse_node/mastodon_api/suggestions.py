"""Whom one may want to follow.  spec: mastodon-client-api#suggestions

Never by popularity, and nobody is put forward by the server. Who talks with the viewer is named `most_interactions`,
for want of a better word among Mastodon's; with whom those talk whom the viewer follows, `friends_of_friends`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from fediverse_node.base.ids import SEQUENCE_BITS
from fediverse_node.mastodon_api.accounts import require_account
from fediverse_node.mastodon_api.entities.account import render_account
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries import suggestions as queries
from fediverse_node.storage.queries.accounts import load_account_list

routes = Routes()
_COMPANY, _COMPANY_OF_FOLLOWED = "most_interactions", "friends_of_friends"
# What people said to each other longer ago than this does not count.
_RECENT_MS = 60 * 86_400_000
# When Mastodon gave this method up, as seconds.  spec: rfc9745
_DEPRECATED = "@1621123200"


@routes.get("/api/v2/suggestions", scope="read:accounts")
async def show(call: Call) -> web.Response:
    """People with where they come from."""
    return call.json(
        [
            {"source": "past_interactions", "sources": sources, "account": render_account(account, call.context)}
            for account, sources in await _load(call)
        ]
    )


@routes.get("/api/v1/suggestions", scope="read:accounts")
async def show_accounts(call: Call) -> web.Response:
    """People."""
    call.headers["Deprecation"] = _DEPRECATED
    return call.json([render_account(account, call.context) for account, _ in await _load(call)])


@routes.delete("/api/v1/suggestions/{id}", scope=("read", "write:accounts"))
async def dismiss(call: Call) -> web.Response:
    """Never this one again. The documentation asks for `read`, Mastodon for `write:accounts`."""
    account = await require_account(call.context, call.id())
    me, target_id = call.viewer.actor_id, account["id"]
    await call.context.writer.run(lambda: queries.dismiss(me, target_id))
    return call.json({})


async def _load(call: Call) -> list[tuple[Mapping[str, Any], list[str]]]:
    """(account, sources), the nearest first."""
    limit, now_ms = call.limit(40, 80), call.context.world.clock.now_ms()
    if limit == 0:
        return []
    values = {"viewer_id": call.viewer.actor_id, "now_ms": now_ms, "most": limit}
    since_id = max(now_ms - _RECENT_MS, 0) << SEQUENCE_BITS
    database = call.context.database
    found: dict[int, list[str]] = {}
    for row in await database.fetch(queries.COMPANY, patient=True, **values):
        found.setdefault(row["id"], []).append(_COMPANY)
    for row in await database.fetch(queries.COMPANY_OF_FOLLOWED, patient=True, since_id=since_id, **values):
        found.setdefault(row["id"], []).append(_COMPANY_OF_FOLLOWED)
    accounts = await load_account_list(database, list(found)[:limit])
    return [(account, found[account["id"]]) for account in accounts]
