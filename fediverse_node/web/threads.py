"""Conversations as collections: of their posts, and of what was added to them.

spec: fep-7888, fep-f228, fep-171b#container-collection. `context` lists addresses of posts. `contextHistory`, for what
one of ours began in the open, lists the `Add`s of its owner: each of a `Create`, or of a post that came here without
one, because whoever reads this collection reads no other (FEP-f228). So there is everything in it that `context` shows,
but for what its owner has blocked. Changes, deletions and likes are not logged: what is here now is listed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from fediverse_node.domain import containers
from fediverse_node.domain.model import Container
from fediverse_node.domain.names import Names
from fediverse_node.protocol.collections import dump_collection, dump_page
from fediverse_node.protocol.contexts import with_context
from fediverse_node.storage.queries.collections import THREAD, THREAD_COUNT, THREAD_OWNER
from fediverse_node.storage.queries.containers import ADDITION, ADDITIONS, ADDITIONS_COUNT, CONTAINER, container_of
from fediverse_node.storage.queries.threads import PRESENT_OF_OPEN
from fediverse_node.web import problems, responses
from fediverse_node.web.context import WEB
from fediverse_node.web.gate import are_not_shunned, is_met
from fediverse_node.web.local_actors import parse_id, path_of

Row = Any
_ITEMS_A_PAGE = 100


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
    if "page" in request.query:
        after = _after(request)
        rows = await context.database.fetch(THREAD, thread_id=thread_id, after=after, limit=_ITEMS_A_PAGE)
        return await _page(request, uri, after, rows, lambda row: row["uri"])
    owner = await context.database.fetch_one(THREAD_OWNER, thread_id=thread_id)
    logged = await context.database.fetch_one(CONTAINER, thread_id=thread_id)
    return _collection(
        request,
        uri,
        counted["total"],
        owner["uri"] if owner is not None else None,
        {"history": context.names.history(thread_id)} if logged is not None else {},
    )


async def get_history(request: web.Request) -> web.StreamResponse:
    """GET /contexts/{id}/history[?page=true&after=id]: what was added to a conversation of ours, the oldest first."""
    context = request.app[WEB]
    container = await _container(request)
    if container is None:
        return await _elsewhere(request, parse_id(request.match_info["id"]), Names.history)
    uri = context.names.history(container.thread_id)
    what: dict[str, Any] = {"thread_id": container.thread_id, "owner_id": container.owner_id}
    if "page" in request.query:
        after = _after(request)
        rows = await context.database.fetch(ADDITIONS, **what, after=after, limit=_ITEMS_A_PAGE)
        return await _page(request, uri, after, rows, lambda row: _embedded(_addition(container, row, context.names)))
    counted = await context.database.fetch_one(ADDITIONS_COUNT, **what)
    total = counted["total"] if counted is not None else 0
    return _collection(request, uri, total, container.owner_uri, {"collectionOf": "Activity"})


async def get_addition(request: web.Request) -> web.StreamResponse:
    """GET /contexts/{id}/history/{object_id}: one Add of it."""
    context = request.app[WEB]
    container, object_id = await _container(request), parse_id(request.match_info["object_id"])
    if container is None or object_id is None:
        return problems.not_found(request)
    found = await context.database.fetch(
        ADDITION, thread_id=container.thread_id, owner_id=container.owner_id, object_id=object_id
    )
    rows = await are_not_shunned(request, found)
    if not rows:
        return problems.not_found(request)
    return responses.activity(request, _addition(container, rows[0], context.names))


async def _container(request: web.Request) -> Container | None:
    """The conversation at this path, if one of ours began it who has nothing against whoever asks."""
    thread_id = parse_id(request.match_info["id"])
    row = await request.app[WEB].database.fetch_one(CONTAINER, thread_id=thread_id) if thread_id is not None else None
    return container_of(row) if row is not None and await is_met(request, row["owner_id"]) else None


def _addition(container: Container, row: Row, names: Names) -> dict[str, Any]:
    added = names.create(row["uri"]) if row["local"] else row["activity_uri"] or row["uri"]
    return containers.addition(container, row["id"], added, row["published_ms"], names)


def _embedded(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "@context"}


def _collection(
    request: web.Request, uri: str, total: int, owner_uri: str | None, more: Mapping[str, object]
) -> web.Response:
    first = f"{uri}?page=true"
    document = dump_collection(uri, total=total, first=first, attributed_to=owner_uri, with_context=False)
    return responses.activity(request, with_context({**document, **more}))


def _after(request: web.Request) -> int:
    return parse_id(request.query.get("after", "")) or 0


async def _page(
    request: web.Request, uri: str, after: int, rows: Sequence[Row], item: Callable[[Row], object]
) -> web.Response:
    page = dump_page(
        f"{uri}?page=true&after={after}" if after else f"{uri}?page=true",
        part_of=uri,
        items=[item(row) for row in await are_not_shunned(request, rows)],
        next_=f"{uri}?page=true&after={rows[-1]['id']}" if len(rows) == _ITEMS_A_PAGE else None,
    )
    return responses.activity(request, page)


async def _elsewhere(
    request: web.Request, thread_id: int | None, address: Callable[[Names, int], str] = Names.context
) -> web.StreamResponse:
    """A branch that began here and turned out to belong to a thread that is older."""
    context = request.app[WEB]
    present = await context.database.fetch_one(PRESENT_OF_OPEN, thread_id=thread_id) if thread_id is not None else None
    if present is None or present["thread_id"] == thread_id:
        return problems.not_found(request)
    counted = await context.database.fetch_one(THREAD_COUNT, thread_id=present["thread_id"])
    if counted is None or not counted["ours"]:
        return problems.not_found(request)
    return responses.see_other_page(path_of(context.names, address(context.names, present["thread_id"])))
