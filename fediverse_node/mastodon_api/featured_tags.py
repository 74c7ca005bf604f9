"""Hashtags on a profile.  spec: mastodon-client-api#featured_tags"""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from fediverse_node.mastodon_api.accounts import note_opened, require_account
from fediverse_node.mastodon_api.entities.moments import render_day
from fediverse_node.mastodon_api.errors import invalid, not_found
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.tags import answer_tag, name_of
from fediverse_node.protocol.plain_text import extract_hashtags
from fediverse_node.storage.queries import featured_tags as queries

routes = Routes()

MOST_FEATURED_TAGS = 10
_ONLY_DIGITS = re.compile(r"[\d_·]+")


@routes.get("/api/v1/accounts/{id}/featured_tags", anonymous=True)
async def show_of_account(call: Call) -> web.Response:
    """The hashtags that an account shows. Those of others are read when somebody opens their profile."""
    account = await require_account(call.context, call.id())
    note_opened(call, account)
    if account["suspended_ms"] is not None:
        return call.json([])
    return call.json(await _load(call, account["id"]))


@routes.get("/api/v1/featured_tags", scope="read:accounts")
async def show_own(call: Call) -> web.Response:
    """The viewer's."""
    return call.json(await _load(call, call.viewer.actor_id))


@routes.post("/api/v1/featured_tags", scope="write:accounts")
async def feature(call: Call) -> web.Response:
    """Show one more."""
    name = (call.params.text("name") or "").strip().removeprefix("#")
    await _show(call, name)
    shown = await _load(call, call.viewer.actor_id)
    return call.json(next(tag for tag in shown if tag["name"] == name.lower()))


async def _show(call: Call, name: str) -> None:
    if extract_hashtags(f"#{name}") != (name,) or _ONLY_DIGITS.fullmatch(name):
        raise invalid("Tag is invalid")
    world, me = call.context.world, call.viewer.actor_id
    item_id, tag_id = world.ids.next(), world.ids.next()
    fits = await call.context.writer.run(
        lambda: queries.feature_tag(item_id, tag_id, me, name=name.lower(), most=MOST_FEATURED_TAGS)
    )
    if not fits:
        raise invalid("You have already featured the maximum number of hashtags")
    await call.context.outbox.show_hashtag(me, name)


@routes.delete("/api/v1/featured_tags/{id}", scope="write:accounts")
async def unfeature(call: Call) -> web.Response:
    """Show one less."""
    me, item_id = call.viewer.actor_id, call.id()
    rows = await call.context.database.fetch(queries.FEATURED, actor_id=me)
    shown = next((row for row in rows if row["id"] == item_id), None)
    if shown is None:
        raise not_found()
    await _hide(call, item_id, shown["name"])
    return call.json({})


async def _hide(call: Call, item_id: int, name: str) -> None:
    me = call.viewer.actor_id
    await call.context.writer.run(lambda: queries.unfeature_tag(item_id, me))
    await call.context.outbox.show_hashtag(me, name, is_shown=False)


@routes.post("/api/v1/tags/{name}/feature", scope="write:accounts")
async def feature_by_name(call: Call) -> web.StreamResponse:
    """The same by the hashtag's name; once more changes nothing."""
    name = name_of(call)
    if await _find(call, name) is None:
        await _show(call, name)
    return await answer_tag(call, name)


@routes.post("/api/v1/tags/{name}/unfeature", scope="write:accounts")
async def unfeature_by_name(call: Call) -> web.StreamResponse:
    """Show it no more, if it is shown."""
    name = name_of(call)
    shown = await _find(call, name)
    if shown is not None:
        await _hide(call, shown["id"], name)
    return await answer_tag(call, name)


async def _find(call: Call, name: str) -> Any:
    """The row of a hashtag that the viewer shows."""
    rows = await call.context.database.fetch(queries.FEATURED, actor_id=call.viewer.actor_id)
    return next((row for row in rows if row["name"] == name), None)


@routes.get("/api/v1/featured_tags/suggestions", scope="read:accounts")
async def suggest(call: Call) -> web.Response:
    """What the viewer writes about most."""
    rows = await call.context.database.fetch(
        queries.USED_MOST, patient=True, actor_id=call.viewer.actor_id, most=MOST_FEATURED_TAGS
    )
    names = call.context.world.names
    return call.json(
        [
            {"id": str(row["id"]), "name": row["name"], "url": names.hashtag_page(row["name"]), "history": []}
            for row in rows
        ]
    )


async def _load(call: Call, actor_id: int) -> list[dict[str, Any]]:
    rows = await call.context.database.fetch(queries.FEATURED, actor_id=actor_id)
    names = call.context.world.names
    return [
        {
            "id": str(row["id"]),
            "name": row["name"],
            "url": names.hashtag_page(row["name"]),
            "statuses_count": str(row["statuses_count"]),
            "last_status_at": None if row["last_status_ms"] is None else render_day(row["last_status_ms"]),
        }
        for row in rows
    ]
