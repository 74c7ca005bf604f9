"""Quotes of a status: who quotes it, taking one back, and who may.  spec: mastodon-client-api#statuses"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.domain.effects import Refusal
from fediverse_node.domain.model import visibility_of
from fediverse_node.mastodon_api.errors import ApiError, not_allowed, not_found
from fediverse_node.mastodon_api.fragments import join, load_entry, render_one, render_statuses
from fediverse_node.mastodon_api.params import parse_id
from fediverse_node.mastodon_api.policies import changed_policy
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.scheduled import page_of
from fediverse_node.storage.queries import quotes as queries
from fediverse_node.storage.queries.statuses import FOR_EDITING
from fediverse_node.storage.rows import policy_of

routes = Routes()


@routes.get("/api/v1/statuses/{id}/quotes", scope="read:statuses")
async def list_quotes(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/statuses/:id/quotes"""
    context, viewer_id = call.context, call.viewer.actor_id
    entry = await load_entry(context, viewer_id, call.id())
    page = page_of(call, 20, 40)
    rows = await queries.LIST.load(
        context.database,
        page,
        object_id=entry["target_id"] or entry["id"],
        viewer_id=viewer_id,
        now_ms=context.world.clock.now_ms(),
    )
    rendered = join(await render_statuses(context, viewer_id, rows))
    first, last = (rows[0]["cursor"], rows[-1]["cursor"]) if rows else (None, None)
    return call.page(rendered, first_id=first, last_id=last, full=len(rows) >= page.limit)


@routes.post("/api/v1/statuses/{id}/quotes/{quoting_id}/revoke", scope="write:statuses")
async def revoke(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/statuses/:id/quotes/:quoting_status_id/revoke; answers that quote"""
    context, viewer_id, id_ = call.context, call.viewer.actor_id, call.id()
    await load_entry(context, viewer_id, id_)
    quoting_id = parse_id(call.request.match_info["quoting_id"])
    quote = await context.database.fetch_one(queries.ONE, object_id=quoting_id) if quoting_id is not None else None
    if quote is None or quoting_id is None or quote["quoted_id"] != id_:
        raise not_found()
    if quote["quoted_actor_id"] != viewer_id:
        raise not_allowed()
    outcome = await context.outbox.revoke_quote(viewer_id, quoting_id)
    if outcome is not None and outcome.reason is not Refusal.ALREADY_DONE:
        raise not_allowed()
    return call.json(await render_one(context, viewer_id, quoting_id))


@routes.put("/api/v1/statuses/{id}/interaction_policy", scope="write:statuses")
async def set_policy(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#PUT/api/v1/statuses/:id/interaction_policy; what was agreed to before stays"""
    context, viewer_id, id_ = call.context, call.viewer.actor_id, call.id()
    row = await context.database.fetch_one(FOR_EDITING, object_id=id_)
    if row is None or row["actor_id"] != viewer_id or not row["local"] or row["announce_of_id"] is not None:
        raise not_found()
    before = policy_of(row["policy"])
    policy = changed_policy(call.params, before, visibility_of(row["visibility"]))
    if policy is not None and policy != before:
        outcome = await context.outbox.set_policy(viewer_id, id_, policy)
        if outcome is not None:
            raise ApiError(422, outcome.reason.sentence)
    return call.json(await render_one(context, viewer_id, id_))
