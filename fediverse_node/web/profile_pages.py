"""The page of a profile: /@name, with its tabs; servers get the actor at the same address."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiohttp import web

from fediverse_node.domain.documents import tombstone_document
from fediverse_node.protocol.html import to_plain_text
from fediverse_node.storage.queries.collections import PINNED
from fediverse_node.storage.queries.public_pages import PROFILE_MEDIA, PROFILE_POSTS, PROFILE_WITH_REPLIES
from fediverse_node.web import problems, responses
from fediverse_node.web.actors import actor_response
from fediverse_node.web.collections import NEWEST, before, load_targets
from fediverse_node.web.context import WEB, WebContext
from fediverse_node.web.gate import ANYBODY, shown
from fediverse_node.web.link_cards import with_all
from fediverse_node.web.local_actors import load_actor
from fediverse_node.web.people_views import profile_view
from fediverse_node.web.post_views import PostView, post_view, shared_view
from fediverse_node.web.rich_text import excerpt
from fediverse_node.web.templating import PAGES

Row = Any
POSTS_A_PAGE = 20
_PINNED_LIMIT = 5
_DESCRIPTION_CHARACTERS = 200
_SHOWS = {"": PROFILE_POSTS, "replies": PROFILE_WITH_REPLIES, "media": PROFILE_MEDIA}


async def get_profile(request: web.Request) -> web.Response:
    """GET /@{name}[?show=replies|media][&before=id]."""
    context = request.app[WEB]
    name = request.match_info["name"].removesuffix(f"@{context.config.host}")
    row = await load_actor(context, name)
    if row is None:
        return problems.not_found(request)
    if responses.wants_document(request):
        return await actor_response(request, row)
    if row["deleted_ms"] is not None:
        return problems.gone_actor(request, tombstone_document(row["uri"], row["type"], row["deleted_ms"]))
    if row["suspended_ms"] is not None:
        return problems.suspended(request)
    if request.match_info["name"] != row["username"]:
        return responses.see_other_page(f"/@{row['username']}", permanent=True)
    return responses.page(request, await _render(request, row))


async def get_profile_document(request: web.Request) -> web.Response:
    """GET /@{name}.json: the actor for whoever cannot set an Accept header."""
    row = await load_actor(request.app[WEB], request.match_info["name"])
    return problems.not_found(request) if row is None else await actor_response(request, row)


async def _render(request: web.Request, row: Row) -> str:
    context = request.app[WEB]
    show = request.query.get("show", "")
    show = show if show in _SHOWS else ""
    start = before(request)
    rows = await context.database.fetch(_SHOWS[show], actor_id=row["id"], before=start, limit=POSTS_A_PAGE)
    is_first = start == NEWEST and not show
    pinned = await load_pinned(context, row["id"]) if is_first else []
    profile = profile_view(row, context.config.base_url)
    path = f"/@{row['username']}"
    return request.app[PAGES].render(
        "profile.html",
        profile=profile,
        description=excerpt(to_plain_text(row["summary"]), _DESCRIPTION_CHARACTERS),
        url=context.names.profile_page(row["username"]),
        document=row["uri"],
        image=context.config.base_url + profile.person.avatar if profile.person.avatar else None,
        show=show,
        is_first=is_first,
        pinned=pinned,
        posts=await load_views(context, rows),
        older=older_link(path, rows, show=show),
    )


async def load_views(context: WebContext, rows: list[Row]) -> list[PostView]:
    """The posts of a page; boosts show what they pass on, if it may be shown."""
    names, now_ms = context.names, context.world.clock.now_ms()
    rows = shown(rows, ANYBODY)
    targets = await load_targets(context, rows)
    views: list[PostView] = []
    for row in rows:
        if row["announce_of_id"] is None:
            views.append(post_view(row, names, now_ms))
        elif row["announce_of_id"] in targets:
            views.append(shared_view(row, targets[row["announce_of_id"]], names, now_ms))
    return await with_all(context, views)


async def load_pinned(context: WebContext, actor_id: int) -> list[PostView]:
    """What the actor shows on top; under anchors of its own, because it may come again below."""
    rows = await context.database.fetch(PINNED, actor_id=actor_id, limit=_PINNED_LIMIT)
    views = await load_views(context, rows)
    return [replace(view, pinned=True, anchor=f"pinned-{view.id}") for view in views]


def older_link(path: str, rows: list[Row], *, show: str = "") -> str | None:
    """The address of the next page; None where this one was not full."""
    if len(rows) < POSTS_A_PAGE:
        return None
    return f"{path}?{f'show={show}&' if show else ''}before={rows[-1]['id']}"
