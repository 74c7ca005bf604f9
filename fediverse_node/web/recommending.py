"""Collections in which people here recommend others: documents, stamps of consent, and a page to read and share.

spec: fep-7aa9. Who is in a collection and keeps away from whoever asks is left out for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from fediverse_node.domain.documents import tombstone_document
from fediverse_node.domain.recommending import collection_document, stamp_document
from fediverse_node.protocol.collections import dump_collection
from fediverse_node.protocol.contexts import with_context
from fediverse_node.protocol.html import to_plain_text
from fediverse_node.storage.queries import featured_collections as queries
from fediverse_node.storage.queries.statuses import NOBODY
from fediverse_node.web import problems, responses
from fediverse_node.web.context import WEB
from fediverse_node.web.gate import ANYBODY, Viewer, is_met, keep_private, viewer_of
from fediverse_node.web.local_actors import load_actor, parse_id
from fediverse_node.web.people_views import person_of
from fediverse_node.web.rich_text import excerpt
from fediverse_node.web.templating import PAGES

Row = Any
_WORDS = 160


async def get_featured_collections(request: web.Request) -> web.Response:
    """GET /users/{name}/featured_collections: those that are shown on the profile, whole: they are few and small."""
    context = request.app[WEB]
    actor = await load_actor(context, request.match_info["name"])
    if actor is not None and actor["deleted_ms"] is not None:
        return problems.gone_actor(request, tombstone_document(actor["uri"], actor["type"], actor["deleted_ms"]))
    if actor is None or actor["suspended_ms"] is not None or not await is_met(request, actor["id"]):
        return problems.not_found(request)
    rows = await context.database.fetch(queries.LISTED, owner_id=actor["id"])
    members = await _members(request, rows)
    items = [collection_document(queries.collection_of(row, members), context.names, embedded=True) for row in rows]
    uri = context.names.featured_collections(actor["uri"])
    document = dump_collection(uri, total=len(items), items=items, attributed_to=actor["uri"], with_context=False)
    return responses.activity(request, with_context(document))


async def get_featured_collection(request: web.Request) -> web.Response:
    """GET /users/{name}/featured_collections/{id}; who is in it may be found, so may one that is not listed."""
    row = await _published(request)
    if row is None or row["owner_username"].lower() != request.match_info["name"].lower():
        return problems.not_found(request)
    return await _document(request, row)


async def get_feature_authorization(request: web.Request) -> web.Response:
    """GET /users/{name}/feature_authorizations/{id}: `name` agrees to be in a collection, as this item."""
    context, number = request.app[WEB], parse_id(request.match_info["id"])
    if number is None:
        return problems.not_found(request)
    name = request.match_info["name"].lower()
    row = await context.database.fetch_one(queries.STAMP, item_id=number, username=name)
    if row is None or not await is_met(request, row["member_id"]):
        return problems.not_found(request)
    collection_uri = context.names.featured_collection(row["owner_uri"], row["id"])
    return responses.activity(request, stamp_document(row["item_id"], row["member_uri"], collection_uri, context.names))


async def get_collection_page(request: web.Request) -> web.Response:
    """GET /collections/{id}: the people, for people; servers get the document."""
    row = await _published(request)
    if row is None:
        return problems.not_found(request)
    if responses.wants_document(request):
        return await _document(request, row)
    context = request.app[WEB]
    owner = await load_actor(context, row["owner_username"])
    if owner is None:
        return problems.not_found(request)
    base_url = context.config.base_url
    members = [
        {"person": person_of(member, base_url), "words": excerpt(to_plain_text(member["author_summary"]), _WORDS)}
        for member in await _members(request, [row], ANYBODY)
    ]
    html = request.app[PAGES].render(
        "collection.html",
        name=row["name"],
        description=row["description"],
        language=row["language"],
        tag=row["tag"],
        sensitive=bool(row["sensitive"]),
        owner=person_of(owner, base_url, prefix=""),
        members=members,
        url=context.names.collection_page(row["id"]),
        document=context.names.featured_collection(row["owner_uri"], row["id"]),
        may_be_found=bool(row["discoverable"] and row["owner_discoverable"] and row["owner_indexable"]),
    )
    return responses.page(request, html)


async def _published(request: web.Request) -> Row | None:
    """The collection with the number in the path, if its owner meets whoever asks."""
    number = parse_id(request.match_info["id"])
    if number is None:
        return None
    row = await request.app[WEB].database.fetch_one(queries.PUBLISHED, collection_id=number)
    return row if row is not None and await is_met(request, row["actor_id"]) else None


async def _document(request: web.Request, row: Row) -> web.Response:
    collection = queries.collection_of(row, await _members(request, [row]))
    return responses.activity(request, collection_document(collection, request.app[WEB].names))


async def _members(request: web.Request, rows: Sequence[Row], viewer: Viewer | None = None) -> list[Row]:
    """Who is in these collections and does not keep away from whoever asks."""
    viewer = viewer or await viewer_of(request)
    if viewer.actor_id is not None:
        keep_private(request)
    if not rows:
        return []
    return list(
        await request.app[WEB].database.fetch(
            queries.PUBLISHED_ITEMS,
            ids=[row["id"] for row in rows],
            viewer_id=viewer.actor_id or NOBODY,
            viewer_host=viewer.host,
        )
    )
