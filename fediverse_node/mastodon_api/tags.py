"""Hashtags: looked at, followed, and those that one follows.  spec: mastodon-client-api#tags"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from fediverse_node.base.ids import SEQUENCE_BITS
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.tag import DAY_MS, HISTORY_DAYS, render_tag
from fediverse_node.mastodon_api.errors import not_found
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.scheduled import page_of
from fediverse_node.protocol.plain_text import extract_hashtags
from fediverse_node.storage.queries import featured_tags as featured
from fediverse_node.storage.queries import tags as queries

routes = Routes()
_DAY_IDS = DAY_MS << SEQUENCE_BITS
_DEFAULT, _MAXIMUM = 100, 200


def normalise(name: str) -> str:
    """A hashtag as it is stored: without `#`, in lower case."""
    return name.strip().lstrip("#＃").lower()


def name_of(call: Call) -> str:
    """The hashtag in the path; 404 where no text could ever hold it."""
    name = normalise(call.request.match_info["name"])
    if extract_hashtags(f"#{name}") != (name,):
        raise not_found()
    return name


async def render_tags(
    context: Context, viewer_id: int | None, names: Sequence[str], known: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Tag entities. `known`: rows by name, of those that were ever used."""
    now_ms = context.world.clock.now_ms()
    ids = [row["id"] for row in known.values()]
    history = await _load_history(context, ids, now_ms) if ids else {}
    followed: set[int] = set()
    shown: set[int] = set()
    if viewer_id is not None and ids:
        rows = await context.database.fetch(queries.FOLLOWED_AMONG, actor=viewer_id, ids=ids)
        followed = {row["tag_id"] for row in rows}
        rows = await context.database.fetch(featured.FEATURED_AMONG, actor_id=viewer_id, ids=ids)
        shown = {row["tag_id"] for row in rows}
    rendered = []
    for name in names:
        row = known.get(name)
        rendered.append(
            render_tag(
                row,
                name,
                context.world.names,
                history=history.get(row["id"], ()) if row is not None else (),
                now_ms=now_ms,
                following=None if viewer_id is None else row is not None and row["id"] in followed,
                featuring=row is not None and row["id"] in shown,
            )
        )
    return rendered


async def _load_history(context: Context, ids: Sequence[int], now_ms: int) -> dict[int, list[tuple[int, int]]]:
    today = now_ms // DAY_MS
    first = today - HISTORY_DAYS + 1
    rows = await context.database.fetch(
        queries.USE, patient=True, ids=list(ids), day_ids=_DAY_IDS, since_id=first * _DAY_IDS
    )
    history = {id_: [(0, 0)] * HISTORY_DAYS for id_ in ids}
    for row in rows:
        age = today - row["day"]
        if 0 <= age < HISTORY_DAYS:
            history[row["tag_id"]][age] = (row["uses"], row["accounts"])
    return history


async def answer_tag(call: Call, name: str) -> web.StreamResponse:
    """One hashtag as the viewer sees it."""
    rows = await call.context.database.fetch(queries.BY_NAMES, names=[name])
    rendered = await render_tags(call.context, call.viewer_id, [name], {row["name"]: row for row in rows})
    return call.json(rendered[0])


@routes.get("/api/v1/tags/{name}", scope="read", anonymous=True)
async def show(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/tags/:name"""
    return await answer_tag(call, name_of(call))


@routes.post("/api/v1/tags/{name}/follow", scope="write:follows")
async def follow(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/tags/:name/follow"""
    name, ids, actor_id = name_of(call), call.context.world.ids, call.viewer.actor_id
    new_id, new_tag_id = ids.next(), ids.next()
    await call.context.writer.run(lambda: queries.follow_tag(actor_id, name, new_id, new_tag_id))
    return await answer_tag(call, name)


@routes.post("/api/v1/tags/{name}/unfollow", scope="write:follows")
async def unfollow(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#POST/api/v1/tags/:name/unfollow"""
    name, actor_id = name_of(call), call.viewer.actor_id
    await call.context.writer.run(lambda: queries.unfollow_tag(actor_id, name))
    return await answer_tag(call, name)


@routes.get("/api/v1/followed_tags", scope="read:follows")
async def followed(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/followed_tags"""
    page, viewer_id = page_of(call, _DEFAULT, _MAXIMUM), call.viewer.actor_id
    rows = await queries.FOLLOWED.load(call.context.database, page, actor=viewer_id)
    known = {row["name"]: row for row in rows}
    rendered = await render_tags(call.context, viewer_id, list(known), known)
    first, last = (rows[0]["cursor"], rows[-1]["cursor"]) if rows else (None, None)
    return call.page(rendered, first_id=first, last_id=last, full=len(rows) >= page.limit)
