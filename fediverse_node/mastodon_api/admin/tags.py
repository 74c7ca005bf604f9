"""Hashtags under moderation: whether they may be used, listed and put forward, and how they are spelled.

Nothing is put forward on this server at the moment (mastodon_api/trends.py); what is decided is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from fediverse_node.domain.roles import Permission
from fediverse_node.mastodon_api.admin.permissions import moderation_of, needs
from fediverse_node.mastodon_api.errors import invalid, not_found
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.mastodon_api.tags import normalise, render_tags
from fediverse_node.storage.queries import admin_trends as queries
from fediverse_node.storage.queries.moderation import note_act
from fediverse_node.storage.unit import Unit

routes = Routes()

_DEFAULT, _MAXIMUM = 100, 200
_FLAGS = ("trendable", "usable", "listable")
_UNDECIDED: Mapping[str, Any] = dict.fromkeys(queries.REVIEW_COLUMNS)


@routes.get("/api/v1/admin/tags", scope="admin:read")
@needs(Permission.MANAGE_TAXONOMIES)
async def show_all(call: Call) -> web.Response:
    """All that were ever used, the newest first."""
    page = call.asked(_DEFAULT, _MAXIMUM)
    rows = await queries.ALL_TAGS.load(call.context.database, page)
    return call.page_of(await render_admin_tags(call, rows), rows, page)


@routes.get("/api/v1/admin/tags/{id}", scope="admin:read")
@needs(Permission.MANAGE_TAXONOMIES)
async def show(call: Call) -> web.Response:
    """One of them."""
    return await _answer(call, await require_tag(call))


@routes.put("/api/v1/admin/tags/{id}", scope="admin:write")
@routes.patch("/api/v1/admin/tags/{id}", scope="admin:write")
@needs(Permission.MANAGE_TAXONOMIES)
async def update(call: Call) -> web.Response:
    """Decide what is given; the rest stays. From then on it counts as reviewed."""
    row, params = await require_tag(call), call.params
    changes: dict[str, Any] = {name: flag for name in _FLAGS if (flag := params.flag(name)) is not None}
    display_name = params.text("display_name")
    if display_name is not None:
        shown = display_name.strip().lstrip("#")
        if normalise(shown) != row["name"]:
            raise invalid("Display name cannot be another word")
        changes["display_name"] = shown
    return await decide(call, row, "update", changes)


async def decide(call: Call, row: Any, act: str, changes: Mapping[str, Any]) -> web.Response:
    """Store a decision about a hashtag, with its line in the book."""
    context, now_ms = call.context, call.context.world.clock.now_ms()
    known = await _reviews(call, [row["id"]])
    values = {**known.get(row["id"], _UNDECIDED), **changes, "reviewed_ms": now_ms}
    line = moderation_of(context).act_row(
        call.viewer.actor_id, act, "tag", row["id"], label=f"#{row['name']}", **changes
    )

    def unit() -> Unit[None]:
        yield from queries.review_tag(row["id"], values)
        yield from note_act(line)

    await context.writer.run(unit)
    return await _answer(call, row)


async def require_tag(call: Call) -> Any:
    """The row of the id in the path, or 404."""
    row = await call.context.database.fetch_one(queries.TAG, id=call.id())
    if row is None:
        raise not_found()
    return row


async def render_admin_tags(call: Call, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Admin::Tag entities.  spec: mastodon-client-api#Admin::Tag"""
    known = {row["name"]: row for row in rows}
    rendered = await render_tags(call.context, call.viewer.actor_id, list(known), known)
    reviews = await _reviews(call, [row["id"] for row in rows])
    return [tag | _decided(reviews.get(int(tag["id"]), _UNDECIDED), tag["name"]) for tag in rendered]


def _decided(review: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {
        "name": review["display_name"] or name,
        "trendable": bool(review["trendable"]),
        "usable": review["usable"] is None or bool(review["usable"]),
        "listable": review["listable"] is None or bool(review["listable"]),
        "requires_review": review["reviewed_ms"] is None,
    }


async def _reviews(call: Call, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    if not ids:
        return {}
    rows = await call.context.database.fetch(queries.TAG_REVIEWS, ids=list(ids))
    return {row["tag_id"]: {name: row[name] for name in queries.REVIEW_COLUMNS} for row in rows}


async def _answer(call: Call, row: Any) -> web.Response:
    return call.json((await render_admin_tags(call, [row]))[0])
