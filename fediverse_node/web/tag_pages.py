"""Hashtags: /tags/{name}, what people here said about it in public; servers get a collection."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from fediverse_node.protocol.collections import dump_collection, dump_page
from fediverse_node.storage.queries.public_pages import TAG_COUNT, TAG_POSTS
from fediverse_node.web import problems, responses
from fediverse_node.web.collections import NEWEST, before
from fediverse_node.web.context import WEB
from fediverse_node.web.gate import ANYBODY, are_not_shunned, shown
from fediverse_node.web.profile_pages import POSTS_A_PAGE, load_views, older_link
from fediverse_node.web.templating import PAGES

_NAME_LIMIT = 200


async def get_tag(request: web.Request) -> web.Response:
    """GET /tags/{name}[?before=id]."""
    context = request.app[WEB]
    shown_name = request.match_info["name"]
    name = shown_name.lower()
    if len(name) > _NAME_LIMIT or not name.isprintable():
        return problems.not_found(request)
    # Counts every post of the hashtag: not inside the event loop.
    counted = await context.database.fetch(TAG_COUNT, patient=True, name=name)
    total = counted[0]["total"] if counted else 0
    uri, start = context.names.hashtag_page(name), before(request)
    is_document = responses.wants_document(request)
    if is_document and "page" not in request.query:
        return responses.activity(request, dump_collection(uri, total=total, first=f"{uri}?page=true"))
    rows = await context.database.fetch(TAG_POSTS, name=name, before=start, limit=POSTS_A_PAGE)
    if is_document:
        page = dump_page(
            f"{uri}?page=true" if start == NEWEST else f"{uri}?page=true&before={start}",
            part_of=uri,
            items=[row["uri"] for row in await are_not_shunned(request, shown(rows, ANYBODY))],
            next_=f"{uri}?page=true&before={rows[-1]['id']}" if len(rows) == POSTS_A_PAGE else None,
        )
        return responses.activity(request, page)
    html = request.app[PAGES].render(
        "tag.html",
        name=shown_name,
        url=uri,
        total=total,
        is_first=start == NEWEST,
        posts=await load_views(context, rows),
        older=older_link(f"/tags/{quote(name, safe='')}", rows),
    )
    return responses.page(request, html)
