"""Private conversations: listed, marked as read, put away.  spec: mastodon-client-api#conversations"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web

from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.account import render_account_json
from fediverse_node.mastodon_api.entities.conversation import render_conversation
from fediverse_node.mastodon_api.errors import not_found
from fediverse_node.mastodon_api.fragments import join, render_by_id
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.scheduled import page_of
from fediverse_node.storage.queries import conversations as queries
from fediverse_node.storage.queries.accounts import load_accounts

routes = Routes()


async def render_conversations(context: Context, viewer_id: int, rows: Sequence[Any]) -> list[bytes]:
    """Conversation entities; of notes to oneself the only account is one's own."""
    participants = [orjson.loads(row["participants"]) or [viewer_id] for row in rows]
    accounts = await load_accounts(context.database, {id_ for ids in participants for id_ in ids})
    statuses = await render_by_id(context, viewer_id, [row["last_object_id"] for row in rows if row["last_object_id"]])
    rendered = []
    for row, ids in zip(rows, participants, strict=True):
        people = [render_account_json(accounts[id_], context) for id_ in ids if id_ in accounts]
        rendered.append(render_conversation(row, people, statuses.get(row["last_object_id"])))
    return rendered


@routes.get("/api/v1/conversations", scope="read:statuses")
async def list_conversations(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/conversations; paged by the last status"""
    page, viewer_id = page_of(call, 20, 40), call.viewer.actor_id
    rows = await queries.LIST.load(
        call.context.database, page, viewer_id=viewer_id, now_ms=call.context.world.clock.now_ms()
    )
    rendered = join(await render_conversations(call.context, viewer_id, rows))
    first, last = (rows[0]["cursor"], rows[-1]["cursor"]) if rows else (None, None)
    return call.page(rendered, first_id=first, last_id=last, full=len(rows) >= page.limit)


@routes.post("/api/v1/conversations/{id}/read", scope="write:conversations")
async def read(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/conversations/:id/read"""
    return await _mark(call, unread=False)


@routes.post("/api/v1/conversations/{id}/unread", scope="write:conversations")
async def unread(call: Call) -> web.StreamResponse:
    """The opposite."""
    return await _mark(call, unread=True)


async def _mark(call: Call, *, unread: bool) -> web.StreamResponse:
    id_, viewer_id = call.id(), call.viewer.actor_id
    if not await call.context.writer.run(lambda: queries.mark(viewer_id, id_, unread=unread)):
        raise not_found()
    row = await call.context.database.fetch_one(queries.ONE, actor=viewer_id, id_=id_)
    if row is None:
        raise not_found()
    return call.json((await render_conversations(call.context, viewer_id, [row]))[0])


@routes.delete("/api/v1/conversations/{id}", scope="write:conversations")
async def forget(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#DELETE/api/v1/conversations/:id"""
    id_, viewer_id = call.id(), call.viewer.actor_id
    if not await call.context.writer.run(lambda: queries.forget(viewer_id, id_)):
        raise not_found()
    return call.json({})
