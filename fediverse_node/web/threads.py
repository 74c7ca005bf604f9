"""Conversations as collections of their posts.  spec: fep-7888, fep-f228#collection-of-posts

What is not published: `contextHistory`, because activities of others are not kept, and whoever reads a collection of
activities reads nothing else (FEP-f228); so half of one would hide posts that `context` shows.
"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.protocol.collections import dump_collection, dump_page
from fediverse_node.storage.queries.collections import THREAD, THREAD_COUNT, THREAD_OWNER
from fediverse_node.storage.queries.threads import PRESENT_OF_OPEN
from fediverse_node.web import problems, responses
from fediverse_node.web.context import WEB
from fediverse_node.web.gate import are_not_shunned
from fediverse_node.web.local_actors import parse_id, path_of

_POSTS_A_PAGE = 100


async def get_context(request: web.Request) -> web.StreamResponse:
    """GET /contexts/{id}[?page=true&after=id]: ids of the posts that everybody may read, the oldest first.

    A thread to which nobody here has said anything in the open is not ours to list. One that has become part of
    another leads to that one.
    """
    context = request.app[WEB]
    thread_id = parse_id(request.match_info["id"])
    counted = await context.database.fetch_one(THREAD_COUNT, thread_id=thread_id) if thread_id is not None else None
    if thread_id is None or counted is None or not counted["ours"]:
        return await _elsewhere(request, thread_id)
    uri = context.names.context(thread_id)
    if "page" not in request.query:
        owner = await context.database.fetch_one(THREAD_OWNER, thread_id=thread_id)
        document = dump_collection(
            uri,
            total=counted["total"],
            first=f"{uri}?page=true",
            attributed_to=owner["uri"] if owner is not None else None,
        )
        return responses.activity(request, document)
    after = parse_id(request.query.get("after", "")) or 0
    rows = await context.database.fetch(THREAD, thread_id=thread_id, after=after, limit=_POSTS_A_PAGE)
    page = dump_page(
        f"{uri}?page=true&after={after}" if after else f"{uri}?page=true",
        part_of=uri,
        items=[row["uri"] for row in await are_not_shunned(request, rows)],
        next_=f"{uri}?page=true&after={rows[-1]['id']}" if len(rows) == _POSTS_A_PAGE else None,
    )
    return responses.activity(request, page)


async def _elsewhere(request: web.Request, thread_id: int | None) -> web.StreamResponse:
    """A branch that began here and turned out to belong to a thread that is older."""
    context = request.app[WEB]
    present = await context.database.fetch_one(PRESENT_OF_OPEN, thread_id=thread_id) if thread_id is not None else None
    if present is None or present["thread_id"] == thread_id:
        return problems.not_found(request)
    counted = await context.database.fetch_one(THREAD_COUNT, thread_id=present["thread_id"])
    if counted is None or not counted["ours"]:
        return problems.not_found(request)
    return responses.see_other_page(path_of(context.names, context.names.context(present["thread_id"])))
