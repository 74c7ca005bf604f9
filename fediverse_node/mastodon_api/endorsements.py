"""Whom people show on their profiles: some of those they follow.  spec: mastodon-client-api#endorsements"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.mastodon_api.accounts import answer_people, require_account
from fediverse_node.mastodon_api.entities.account import render_account
from fediverse_node.mastodon_api.errors import invalid
from fediverse_node.mastodon_api.relationships import answer_relationship
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.storage.queries import endorsements as queries
from fediverse_node.storage.queries.accounts import load_account_list
from fediverse_node.storage.queries.relationships import IS_BLOCKED_BY
from fediverse_node.storage.queries.statuses import NOBODY
from fediverse_node.storage.queries.timelines import Page

routes = Routes()
# What `limit=0` asks for, which means all.
_ALL = 1000


@routes.get("/api/v1/endorsements", scope="read:accounts")
async def show_own(call: Call) -> web.Response:
    """Whom the viewer shows. One's own list is whole: what is missing there could not be undone."""
    values = {"actor_id": call.viewer.actor_id, "viewer_id": NOBODY, "now_ms": call.context.world.clock.now_ms()}
    if call.params.text("limit") == "0":
        rows = await queries.ENDORSED.load(call.context.database, Page(_ALL), **values)
        accounts = await load_account_list(call.context.database, (row["actor_id"] for row in rows))
        return call.json([render_account(account, call.context) for account in accounts])
    return await answer_people(call, queries.ENDORSED, **values)


@routes.get("/api/v1/accounts/{id}/endorsements", scope="read:accounts", anonymous=True)
async def show_of_account(call: Call) -> web.Response:
    """Whom the account shows."""
    account = await require_account(call.context, call.id())
    viewer_id = call.viewer_id
    if account["suspended_ms"] is not None:
        return call.json([])
    if viewer_id is not None and await call.context.database.fetch_one(
        IS_BLOCKED_BY, actor_id=viewer_id, target_id=account["id"]
    ):
        return call.json([])
    return await answer_people(
        call,
        queries.ENDORSED,
        actor_id=account["id"],
        viewer_id=NOBODY if viewer_id is None or viewer_id == account["id"] else viewer_id,
        now_ms=call.context.world.clock.now_ms(),
    )


@routes.post("/api/v1/accounts/{id}/endorse", scope="write:accounts")
@routes.post("/api/v1/accounts/{id}/pin", scope="write:accounts")
async def endorse(call: Call) -> web.Response:
    """Show somebody."""
    account = await require_account(call.context, call.id())
    row = {"id": call.context.world.ids.next(), "actor_id": call.viewer.actor_id, "target_id": account["id"]}
    if not await call.context.writer.run(lambda: queries.endorse(row)):
        raise invalid("You must be already following the person you want to endorse")
    return await answer_relationship(call, account["id"])


@routes.post("/api/v1/accounts/{id}/unendorse", scope="write:accounts")
@routes.post("/api/v1/accounts/{id}/unpin", scope="write:accounts")
async def unendorse(call: Call) -> web.Response:
    """Do not show them any more."""
    account = await require_account(call.context, call.id())
    target_id, me = account["id"], call.viewer.actor_id
    await call.context.writer.run(lambda: queries.unendorse(me, target_id))
    return await answer_relationship(call, target_id)
