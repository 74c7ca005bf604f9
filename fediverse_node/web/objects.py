"""Objects of ours, their Creates, and the collections that hang on them.

spec: ap#retrieving-objects, as2#dfn-replies, ap#likes, ap#shares, fep-7458. What is not for the viewer answers like
what does not exist, so that nobody learns of it.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.domain.documents import create_activity, object_document, tombstone_document
from fediverse_node.protocol.collections import dump_collection, dump_page
from fediverse_node.storage.queries.collections import REPLIES, REPLIES_COUNT
from fediverse_node.storage.queries.federation_documents import TOMBSTONE, author_of, post_of
from fediverse_node.web import problems, responses
from fediverse_node.web.announces import load_announce_document
from fediverse_node.web.context import WEB, WebContext
from fediverse_node.web.gate import are_not_shunned, is_shown
from fediverse_node.web.local_actors import load_object, parse_id, path_of
from fediverse_node.web.proofs import proven_response

Row = Any
_FIRST_REPLIES = 10
_REPLIES_A_PAGE = 100


async def get_object(request: web.Request) -> web.Response:
    """GET /users/{name}/statuses/{id}: the document, or for people the way to the page."""
    row = await shown_object(request)
    if row is None:
        return await missing_object(request)
    if responses.wants_document(request):
        return await object_response(request, row)
    names = request.app[WEB].names
    return responses.see_other_page(path_of(names, names.object_page(row["author_username"], row["id"])))


async def object_response(request: web.Request, row: Row) -> web.Response:
    """The document of an object of ours that may be shown; of a boost, the Announce."""
    context = request.app[WEB]
    if row["announce_of_id"] is not None:
        document = await load_announce_document(request, row)
        return problems.not_found(request) if document is None else responses.activity(request, document)
    replies = await context.database.fetch(REPLIES, object_id=row["id"], after=0, limit=_FIRST_REPLIES)
    return await proven_response(
        request,
        row,
        object_document(
            post_of(row),
            author_of(row),
            context.names,
            replies_first=[reply["uri"] for reply in await are_not_shunned(request, replies)],
            replies_next=_next_page(context.names.replies(row["uri"]), replies, _FIRST_REPLIES),
            likes_count=row["likes_count"],
            shares_count=row["announces_count"],
        ),
    )


async def get_create(request: web.Request) -> web.Response:
    """GET …/activity: the Create."""
    row = await shown_object(request)
    if row is None or row["announce_of_id"] is not None:
        return await missing_object(request)
    return await proven_response(request, row, create_activity(post_of(row), author_of(row), request.app[WEB].names))


async def get_replies(request: web.Request) -> web.Response:
    """GET …/replies[?page=true&after=id]: answers that everybody may read, wherever they were written."""
    row = await shown_object(request)
    if row is None:
        return await missing_object(request)
    context = request.app[WEB]
    uri = context.names.replies(row["uri"])
    if "page" not in request.query:
        counted = await context.database.fetch_one(REPLIES_COUNT, object_id=row["id"])
        total = counted["total"] if counted is not None else 0
        return responses.activity(request, dump_collection(uri, total=total, first=f"{uri}?page=true", ordered=False))
    after = parse_id(request.query.get("after", "")) or 0
    replies = await context.database.fetch(REPLIES, object_id=row["id"], after=after, limit=_REPLIES_A_PAGE)
    page = dump_page(
        f"{uri}?page=true&after={after}" if after else f"{uri}?page=true",
        part_of=uri,
        items=[reply["uri"] for reply in await are_not_shunned(request, replies)],
        next_=_next_page(uri, replies, _REPLIES_A_PAGE),
        ordered=False,
    )
    return responses.activity(request, page)


async def get_likes(request: web.Request) -> web.Response:
    """GET …/likes: how many, not who."""
    return await _get_count(request, "likes_count")


async def get_shares(request: web.Request) -> web.Response:
    """GET …/shares: how many, not who."""
    return await _get_count(request, "announces_count")


async def shown_object(request: web.Request) -> Row | None:
    """The object at this path, if it exists and may be shown."""
    row = await load_object(request.app[WEB], request.match_info["name"], request.match_info["id"])
    return row if row is not None and await is_shown(request, row) else None


async def missing_object(request: web.Request) -> web.Response:
    """410 for what is known to be deleted, else 404."""
    object_id = parse_id(request.match_info["id"])
    tombstone = object_id and await _load_tombstone(request.app[WEB], request.match_info["name"], object_id)
    return problems.gone(request, tombstone) if tombstone else problems.not_found(request)


async def _load_tombstone(context: WebContext, name: str, object_id: int) -> dict[str, Any] | None:
    row = await context.database.fetch_one(TOMBSTONE, uri=context.names.object(name, object_id))
    return tombstone_document(row["uri"], row["former_type"], row["deleted_ms"]) if row is not None else None


async def _get_count(request: web.Request, column: str) -> web.Response:
    row = await shown_object(request)
    if row is None or row["announce_of_id"] is not None:
        return await missing_object(request)
    names = request.app[WEB].names
    uri = names.likes(row["uri"]) if column == "likes_count" else names.shares(row["uri"])
    return responses.activity(request, dump_collection(uri, total=row[column], ordered=False))


def _next_page(uri: str, rows: list[Row], full: int) -> str | None:
    return f"{uri}?page=true&after={rows[-1]['id']}" if len(rows) == full else None
