"""Collections of an actor: outbox, followers, following, pinned objects, featured hashtags.

spec: ap#outbox, ap#followers, ap#following, toot#featured, toot#featuredTags. Pages go on with `before`, an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from fediverse_node.domain.documents import create_activity, object_document, tombstone_document
from fediverse_node.protocol.collections import dump_collection, dump_page
from fediverse_node.protocol.contexts import with_context
from fediverse_node.storage.queries import seeing
from fediverse_node.storage.queries.collections import FEATURED_TAGS, FOLLOWERS, FOLLOWING, OUTBOX, PINNED
from fediverse_node.storage.queries.federation_documents import OBJECTS_BY_IDS, author_of, post_of
from fediverse_node.storage.statement import Statement
from fediverse_node.web import problems, responses
from fediverse_node.web.announces import announce_document
from fediverse_node.web.context import WEB, WebContext
from fediverse_node.web.gate import ANYBODY, are_shown, is_met, keep_private, shown, viewer_of
from fediverse_node.web.local_actors import load_actor, parse_id

Row = Any
NEWEST = 2**63 - 1
_OUTBOX_PAGE = 20
_PEOPLE_PAGE = 100
_PINNED_LIMIT = 40


async def get_outbox(request: web.Request) -> web.Response:
    """GET /users/{name}/outbox[?page=true&before=id]: Creates and Announces that everybody may read."""
    actor = await _actor(request)
    if isinstance(actor, web.Response):
        return actor
    context = request.app[WEB]
    uri = context.names.outbox(actor["uri"])
    if "page" not in request.query:
        document = dump_collection(uri, total=actor["statuses_count"], first=f"{uri}?page=true")
        return responses.activity(request, document)
    # Its owner finds also what was said to single people.
    is_own = (await viewer_of(request)).actor_id == actor["id"]
    for_viewer = seeing.OWN_OUTBOX if is_own else seeing.OUTBOX
    rows = await _listed(request, OUTBOX, for_viewer, actor["id"], limit=_OUTBOX_PAGE)
    items = await _outbox_items(request, rows)
    return responses.activity(request, _page(request, uri, items, rows, _OUTBOX_PAGE))


async def get_instance_outbox(request: web.Request) -> web.Response:
    """GET /actor/outbox: the server itself says nothing to everybody."""
    names = request.app[WEB].names
    return responses.activity(request, dump_collection(names.outbox(names.instance_actor), total=0, items=()))


async def get_followers(request: web.Request) -> web.Response:
    """GET /users/{name}/followers[?page=true&before=id]."""
    return await _people(request, FOLLOWERS, "followers")


async def get_following(request: web.Request) -> web.Response:
    """GET /users/{name}/following[?page=true&before=id]."""
    return await _people(request, FOLLOWING, "following")


async def get_featured(request: web.Request) -> web.Response:
    """GET /users/{name}/collections/featured: the pinned objects, whole."""
    actor = await _actor(request)
    if isinstance(actor, web.Response):
        return actor
    context = request.app[WEB]
    rows = await _listed(request, PINNED, seeing.PINNED, actor["id"], limit=_PINNED_LIMIT)
    items = [object_document(post_of(row), author_of(row), context.names, embedded=True) for row in rows]
    uri = context.names.featured(actor["uri"])
    return responses.activity(
        request, with_context(dump_collection(uri, total=len(items), items=items, with_context=False))
    )


async def get_featured_tags(request: web.Request) -> web.Response:
    """GET /users/{name}/collections/tags: the hashtags on the profile."""
    actor = await _actor(request)
    if isinstance(actor, web.Response):
        return actor
    context = request.app[WEB]
    items = [
        {"type": "Hashtag", "href": context.names.hashtag_page(row["name"]), "name": f"#{row['name']}"}
        for row in await context.database.fetch(FEATURED_TAGS, actor_id=actor["id"])
    ]
    uri = context.names.featured_tags(actor["uri"])
    document = dump_collection(uri, total=len(items), items=items, ordered=False, with_context=False)
    return responses.activity(request, with_context(document))


def before(request: web.Request) -> int:
    """The id below which a page begins; without a usable one, the newest."""
    return parse_id(request.query.get("before", "")) or NEWEST


async def _actor(request: web.Request) -> Row | web.Response:
    actor = await load_actor(request.app[WEB], request.match_info["name"])
    if actor is not None and actor["deleted_ms"] is not None:
        return problems.gone_actor(request, tombstone_document(actor["uri"], actor["type"], actor["deleted_ms"]))
    if actor is None or actor["suspended_ms"] is not None or not await is_met(request, actor["id"]):
        return problems.not_found(request)
    return actor


async def _listed(
    request: web.Request, for_all: Statement, for_viewer: Statement, actor_id: int, *, limit: int
) -> list[Row]:
    """What of an actor's objects whoever sent the request may see."""
    database, viewer = request.app[WEB].database, await viewer_of(request)
    start = before(request)
    if viewer.actor_id is None:
        return shown(await database.fetch(for_all, actor_id=actor_id, before=start, limit=limit), viewer)
    keep_private(request)
    return list(
        await database.fetch(
            for_viewer,
            actor_id=actor_id,
            before=start,
            limit=limit,
            viewer_id=viewer.actor_id,
            viewer_host=viewer.host,
        )
    )


async def _people(request: web.Request, statement: Statement, kind: str) -> web.Response:
    actor = await _actor(request)
    if isinstance(actor, web.Response):
        return actor
    context = request.app[WEB]
    names = context.names
    uri = names.followers(actor["uri"]) if kind == "followers" else names.following(actor["uri"])
    is_hidden = actor["hide_collections"] and (await viewer_of(request)).actor_id != actor["id"]
    if "page" not in request.query or is_hidden:
        # Who hides the people shows how many they are; Mastodon's clients rely on the number.
        first = None if is_hidden else f"{uri}?page=true"
        return responses.activity(request, dump_collection(uri, total=actor[f"{kind}_count"], first=first))
    rows = await context.database.fetch(statement, actor_id=actor["id"], before=before(request), limit=_PEOPLE_PAGE)
    return responses.activity(request, _page(request, uri, [row["uri"] for row in rows], rows, _PEOPLE_PAGE))


async def _outbox_items(request: web.Request, rows: Sequence[Row]) -> list[dict[str, Any]]:
    context = request.app[WEB]
    found = await _targets(context, rows)
    targets = {row["id"]: row for row in await are_shown(request, found)} if found else {}
    items: list[dict[str, Any]] = []
    for row in rows:
        if row["announce_of_id"] is None:
            items.append(create_activity(post_of(row), author_of(row), context.names))
        elif row["announce_of_id"] in targets:
            items.append(announce_document(row, targets[row["announce_of_id"]]))
    return [{key: value for key, value in item.items() if key != "@context"} for item in items]


async def load_targets(context: WebContext, rows: Sequence[Row]) -> dict[int, Row]:
    """What the boosts among the rows pass on, as far as it may be shown to everybody."""
    return {row["id"]: row for row in shown(await _targets(context, rows), ANYBODY)}


async def _targets(context: WebContext, rows: Sequence[Row]) -> list[Row]:
    ids = [row["announce_of_id"] for row in rows if row["announce_of_id"] is not None]
    return list(await context.database.fetch(OBJECTS_BY_IDS, ids=ids)) if ids else []


def _page(request: web.Request, uri: str, items: Sequence[object], rows: Sequence[Row], full: int) -> dict[str, Any]:
    start = before(request)
    page = dump_page(
        f"{uri}?page=true" if start == NEWEST else f"{uri}?page=true&before={start}",
        part_of=uri,
        items=items,
        next_=f"{uri}?page=true&before={rows[-1]['id']}" if len(rows) == full else None,
        with_context=False,
    )
    return with_context(page)
