"""Hosts that take part where only listed ones do (`allow_list`).  spec: mastodon-client-api#admin-domain_allows

With the setting off the list is kept, and changes nothing.
"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.domain.roles import Permission
from fediverse_node.mastodon_api.admin.domain_blocks import (
    PIECES_AT_ONCE,
    by_host,
    desk_of,
    load_numbered,
    note,
    require_domain,
    require_numbered,
)
from fediverse_node.mastodon_api.admin.permissions import needs
from fediverse_node.mastodon_api.entities.admin_rules import render_domain_allow
from fediverse_node.mastodon_api.errors import not_found
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries.admin_domains import ALLOWS

routes = Routes()

_READ, _WRITE = "admin:read:domain_allows", "admin:write:domain_allows"


@routes.get("/api/v1/admin/domain_allows", scope=_READ)
@needs(Permission.MANAGE_FEDERATION)
async def show_all(call: Call) -> web.Response:
    """All of them, the newest first."""
    rows, limit = await load_numbered(call, ALLOWS)
    return call.page(
        [render_domain_allow(row) for row in rows],
        first_id=rows[0]["number"] if rows else None,
        last_id=rows[-1]["number"] if rows else None,
        full=len(rows) >= limit > 0,
    )


@routes.get("/api/v1/admin/domain_allows/{id}", scope=_READ)
@needs(Permission.MANAGE_FEDERATION)
async def show(call: Call) -> web.Response:
    """One of them."""
    return call.json(render_domain_allow(await require_numbered(call, ALLOWS)))


@routes.post("/api/v1/admin/domain_allows", scope=_WRITE)
@needs(Permission.MANAGE_FEDERATION)
async def create(call: Call) -> web.Response:
    """Let a host in; one that is let in already is answered as it is, as in Mastodon."""
    host, desk = require_domain(call), desk_of(call)
    if await by_host(call, ALLOWS, host) is None:
        await desk.allow(host)
        await desk.work(PIECES_AT_ONCE)
        await note(call, "create", "domain_allow", host)
    row = await by_host(call, ALLOWS, host)
    if row is None:  # somebody took it back at the same moment
        raise not_found()
    return call.json(render_domain_allow(row))


@routes.delete("/api/v1/admin/domain_allows/{id}", scope=_WRITE)
@needs(Permission.MANAGE_FEDERATION)
async def delete(call: Call) -> web.Response:
    """The host is not let in any more."""
    row, desk = await require_numbered(call, ALLOWS), desk_of(call)
    await desk.disallow(row["host"])
    await desk.work(PIECES_AT_ONCE)
    await note(call, "delete", "domain_allow", row["host"])
    return call.json({})
