"""Conversations as collections of their posts.  spec: fep-7888, fep-f228"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.protocol.collections import dump_collection, dump_page
from fediverse_node.storage.queries.collections import THREAD, THREAD_COUNT, THREAD_OWNER
from fediverse_node.web import problems, responses
from fediverse_node.web.context import WEB
from fediverse_node.web.local_actors import parse_id

_POSTS_A_PAGE = 100


async def get_context(request: web.Request) -> web.Response:
    """GET /contexts/{id}[?page=true&after=id]: ids of the posts that everybody may read, the oldest first.

    A thread to which nobody here has said anything in the open is not ours to list.
    """
    context = request.app[WEB]
    thread_id = parse_id(request.match_info["id"])
    counted = await context.database.fetch_one(THREAD_COUNT, thread_id=thread_id) if thread_id is not None else None
    if thread_id is None or counted is None or not counted["ours"]:
        return problems.not_found(request)
    uri = context.names.context(thread_id)
    if "page" not in request.query:
        owner = await context.database.fetch_one(THREAD_OWNER, thread_id=thread_id)
        document = dump_collection(
            uri,
            total=counted["total"],
            first=f"{uri}?page=true",
            ordered=False,
            attributed_to=owner["uri"] if owner is not None else None,
        )
        return responses.activity(request, document)
    after = parse_id(request.query.get("after", "")) or 0
    rows = await context.database.fetch(THREAD, thread_id=thread_id, after=after, limit=_POSTS_A_PAGE)
    page = dump_page(
        f"{uri}?page=true&after={after}" if after else f"{uri}?page=true",
        part_of=uri,
        items=[row["uri"] for row in rows],
        next_=f"{uri}?page=true&after={rows[-1]['id']}" if len(rows) == _POSTS_A_PAGE else None,
        ordered=False,
    )
    return responses.activity(request, page)
