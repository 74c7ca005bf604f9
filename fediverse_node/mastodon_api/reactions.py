"""People react to statuses, as in Pleroma and Akkoma; Mastodon has nothing of the kind.  spec: fep-c0e0

PUT, DELETE and GET on /api/v1/pleroma/statuses/:id/reactions[/:emoji]. An emoji is itself, or the name of a custom
emoji: `cat` or `:cat:` of this server, `cat@host` of another one that stands below the status already.
"""

from __future__ import annotations

import orjson
from aiohttp import web

from fediverse_node.domain.effects import Refusal, Refuse
from fediverse_node.domain.reactions import Picture
from fediverse_node.mastodon_api.entities.account import render_account_json
from fediverse_node.mastodon_api.entities.reaction import name_of
from fediverse_node.mastodon_api.errors import ApiError, invalid, not_allowed, not_found
from fediverse_node.mastodon_api.fragments import join, load_entry, render_one
from fediverse_node.mastodon_api.reacting import load_reactions
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.protocol.reactions import is_emoji
from fediverse_node.storage.queries import emojis
from fediverse_node.storage.queries import reactions as queries
from fediverse_node.storage.queries.accounts import load_accounts
from fediverse_node.storage.queries.statuses import NOBODY

routes = Routes()
_LONGEST = 300
_MOST_PEOPLE = 100


@routes.get("/api/v1/pleroma/statuses/{id}/reactions", scope="read:statuses", anonymous=True)
async def show(call: Call) -> web.StreamResponse:
    """Who reacted with what."""
    return await _people(call, None)


@routes.get("/api/v1/pleroma/statuses/{id}/reactions/{emoji}", scope="read:statuses", anonymous=True)
async def show_one(call: Call) -> web.StreamResponse:
    """Who reacted with this emoji."""
    return await _people(call, call.request.match_info["emoji"].strip(":"))


async def _people(call: Call, name: str | None) -> web.StreamResponse:
    context, viewer_id = call.context, call.viewer_id
    entry = await load_entry(context, viewer_id, call.id())
    rows = await context.database.fetch(
        queries.PEOPLE,
        object_id=entry["target_id"] or entry["id"],
        viewer_id=viewer_id or NOBODY,
        now_ms=context.world.clock.now_ms(),
    )
    said = await load_reactions(context, [entry["target_id"] or entry["id"]])
    pictures = {each.name: each.url for listed in said.values() for each in listed}
    people: dict[str, list[int]] = {}
    for row in rows:
        people.setdefault(name_of(row["content"], row["host"]), []).append(row["actor_id"])
    accounts = await load_accounts(context.database, {id_ for ids in people.values() for id_ in ids[:_MOST_PEOPLE]})
    rendered = []
    for each, ids in people.items():
        if name is None or each == name:
            shown = join(render_account_json(accounts[id_], context) for id_ in ids[:_MOST_PEOPLE] if id_ in accounts)
            entity = {"name": each, "count": len(ids), "me": viewer_id in ids, "url": pictures.get(each)}
            rendered.append(orjson.dumps(entity | {"accounts": orjson.Fragment(shown)}))
    return call.json(join(rendered))


@routes.put("/api/v1/pleroma/statuses/{id}/reactions/{emoji}", scope="write:favourites")
async def react(call: Call) -> web.StreamResponse:
    """Say something with one picture; the answer is the status as it looks now."""
    viewer_id = call.viewer.actor_id
    entry = await load_entry(call.context, viewer_id, call.id())
    target_id = entry["target_id"] or entry["id"]
    picture = await _picture(call, target_id)
    if picture is None:
        raise invalid("This is no emoji, and no custom emoji of this server")
    return await _answer(call, await call.context.outbox.react(viewer_id, target_id, picture))


@routes.delete("/api/v1/pleroma/statuses/{id}/reactions/{emoji}", scope="write:favourites")
async def unreact(call: Call) -> web.StreamResponse:
    """Take it back."""
    viewer_id = call.viewer.actor_id
    entry = await load_entry(call.context, viewer_id, call.id())
    content, host = _read(call)
    outcome = await call.context.outbox.unreact(viewer_id, entry["target_id"] or entry["id"], content, host)
    return await _answer(call, outcome)


async def _answer(call: Call, outcome: Refuse | None) -> web.StreamResponse:
    if outcome is not None and outcome.reason is not Refusal.ALREADY_DONE:
        if outcome.reason is Refusal.NOT_PERMITTED:
            raise ApiError(403, f"This is not allowed: {outcome.detail}") if outcome.detail else not_allowed()
        raise not_found()
    return call.json(await render_one(call.context, call.viewer.actor_id, call.id()))


def _read(call: Call) -> tuple[str, str]:
    """(content, host) of the emoji in the path."""
    given = call.request.match_info["emoji"][:_LONGEST]
    if is_emoji(given):
        return given, ""
    name, _, host = given.strip(":").partition("@")
    return f":{name}:", host.lower()


async def _picture(call: Call, target_id: int) -> Picture | None:
    content, host = _read(call)
    if not content.startswith(":"):
        return Picture(content)
    database, names = call.context.database, call.context.world.names
    if host and host != names.host:
        row = await database.fetch_one(queries.PICTURE, object_id=target_id, content=content, host=host)
        return Picture(content, row["url"], host) if row is not None else None
    row = await database.fetch_one(emojis.OURS_BY_SHORTCODE, shortcodes=[content.strip(":")])
    if row is None:
        return None
    return Picture(content, row["url"], uri=names.emoji(content.strip(":")))
