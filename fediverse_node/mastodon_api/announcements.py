"""Announcements of whoever runs the server: read, dismissed, answered with a picture.

spec: mastodon-client-api#announcements
They are made with `fediverse-node announcement`; announcing.py tells open streams of them.
"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.mastodon_api.announcing import load_announcement_reactions, load_spoken, tell_announcements
from fediverse_node.mastodon_api.entities.announcement import render_announcement
from fediverse_node.mastodon_api.errors import invalid, not_found
from fediverse_node.mastodon_api.routing import ANY_SCOPE, Call, Routes
from fediverse_node.protocol.reactions import is_emoji
from fediverse_node.storage.queries import announcements as queries
from fediverse_node.storage.queries import emojis

routes = Routes()

# As in Mastodon: more different ones below one announcement nobody could take in.
MOST_REACTIONS = 8


@routes.get("/api/v1/announcements", scope=ANY_SCOPE)
async def show(call: Call) -> web.Response:
    """What is announced now and the viewer has not dismissed; `with_dismissed`: that too."""
    context, me = call.context, call.viewer.actor_id
    rows = await context.database.fetch(queries.SHOWN_TO, now_ms=context.world.clock.now_ms(), actor_id=me)
    if not call.params.flag("with_dismissed", False):
        rows = [row for row in rows if not row["is_read"]]
    ids = [row["id"] for row in rows]
    reactions = await load_announcement_reactions(context, ids)
    own: dict[int, set[str]] = {}
    if reactions:
        for row in await context.database.fetch(queries.REACTIONS_BY, ids=ids, actor_id=me):
            own.setdefault(row["announcement_id"], set()).add(row["name"])
    return call.json(
        [
            render_announcement(
                row,
                await load_spoken(context, row["content"]),
                reactions.get(row["id"], []),
                is_read=bool(row["is_read"]),
                own=own.get(row["id"], set()),
            )
            for row in rows
        ]
    )


@routes.post("/api/v1/announcements/{id}/dismiss", scope="write:accounts")
async def dismiss(call: Call) -> web.Response:
    """The viewer has read it."""
    id_, me, now_ms = call.id(), call.viewer.actor_id, call.context.world.clock.now_ms()
    if not await call.context.writer.run(lambda: queries.dismiss(id_, me, now_ms)):
        raise not_found()
    return call.json({})


@routes.put("/api/v1/announcements/{id}/reactions/{name}", scope="write:favourites")
async def react(call: Call) -> web.Response:
    """Answer with an emoji, or a custom one of this server by its name."""
    context, name = call.context, _name_of(call)
    if not is_emoji(name) and not await context.database.fetch(emojis.OURS_BY_SHORTCODE, shortcodes=[name]):
        raise invalid("Name is not a recognized emoji")
    now_ms = context.world.clock.now_ms()
    row = {
        "id": context.world.ids.next(),
        "announcement_id": call.id(),
        "actor_id": call.viewer.actor_id,
        "name": name,
    }
    await tell_announcements(context)  # else what comes next could not be told from what was there
    is_taken = await context.writer.run(lambda: queries.react(row, most=MOST_REACTIONS, now_ms=now_ms))
    if is_taken is None:
        raise not_found()
    if not is_taken:
        raise invalid("Limit of different reactions reached")
    await tell_announcements(context)
    return call.json({})


@routes.delete("/api/v1/announcements/{id}/reactions/{name}", scope="write:favourites")
async def unreact(call: Call) -> web.Response:
    """Take an answer back."""
    context, name, id_, me = call.context, _name_of(call), call.id(), call.viewer.actor_id
    await tell_announcements(context)
    if not await context.writer.run(lambda: queries.unreact(id_, me, name)):
        raise not_found()
    await tell_announcements(context)
    return call.json({})


def _name_of(call: Call) -> str:
    """The emoji as it is stored. Some apps write custom ones with colons."""
    name = call.request.match_info["name"]
    if "\x00" in name or (not name.isprintable() and not is_emoji(name)):
        raise invalid("Name is not a recognized emoji")
    return name if is_emoji(name) else name.strip(":")
