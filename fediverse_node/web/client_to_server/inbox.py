"""GET of an inbox by its owner: what arrived, newest first, told again from what is stored.  spec: ap#inbox

The activities that others sent are not kept as they came, so a Create has no id here unless its object is ours; what
else it says is what this server understood. Paged by ids that follow time (`before`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from fediverse_node.domain import wire
from fediverse_node.domain.documents import create_activity
from fediverse_node.domain.model import Visibility, visibility_code
from fediverse_node.protocol.collections import dump_collection, dump_page
from fediverse_node.protocol.contexts import with_context
from fediverse_node.storage.queries import arrived
from fediverse_node.storage.queries.federation_documents import OBJECTS_BY_IDS, author_of, post_of
from fediverse_node.storage.queries.outbox import ACTOR
from fediverse_node.storage.queries.timelines import HOME, Page
from fediverse_node.web import responses
from fediverse_node.web.announces import announce_document
from fediverse_node.web.client_to_server.owner import require_owner
from fediverse_node.web.collections import NEWEST, before
from fediverse_node.web.context import WEB, WebContext

Row = Any
Item = dict[str, Any]
_PAGE = 20
_DIRECT = visibility_code(Visibility.DIRECT)
_OURS_ONLY = ("replies", "likes", "shares", "interactionPolicy", "context", "conversation")


async def get(request: web.Request) -> web.Response:
    """GET /users/{name}/inbox[?page=true&before=id]."""
    bearer = await require_owner(request, "read", kind="any")
    context = request.app[WEB]
    uri = context.names.inbox(context.names.actor(request.match_info["name"]))
    if "page" not in request.query:
        # How much there ever was is not counted: pages end where nothing more is kept.
        return private(request, dump_collection(uri, total=None, first=f"{uri}?page=true"))
    start = before(request)
    items, last = await _load(context, bearer.actor_id, start)
    page = dump_page(
        f"{uri}?page=true" if start == NEWEST else f"{uri}?page=true&before={start}",
        part_of=uri,
        items=items,
        next_=f"{uri}?page=true&before={last}" if last is not None else None,
        with_context=False,
    )
    return private(request, with_context(page))


def private(request: web.Request, document: Item) -> web.Response:
    """A document for one person."""
    response = responses.activity(request, document)
    response.headers["Cache-Control"] = responses.PRIVATE
    return response


async def _load(context: WebContext, actor_id: int, start: int) -> tuple[list[Item], int | None]:
    """Activities, newest first, and where the next page begins, if there is one."""
    now_ms = context.world.clock.now_ms()
    entries = await HOME.load(context.database, Page(_PAGE, max_id=start), viewer_id=actor_id, now_ms=now_ms)
    told = await context.database.fetch(arrived.TOLD, before=start, limit=_PAGE, viewer_id=actor_id, now_ms=now_ms)
    # Both lists are whole down to the youngest end of one of them; what is older comes with the next page.
    both = sorted(
        [(int(row["id"]), "said", row) for row in entries] + [(int(row["id"]), "told", row) for row in told],
        key=lambda each: -each[0],
    )[:_PAGE]
    wanted = {int(row["id"]) for _, kind, row in both if kind == "said"}
    wanted |= {int(row["target_id"]) for _, kind, row in both if kind == "said" and row["target_id"] is not None}
    wanted |= {int(row["object_id"]) for _, kind, row in both if kind == "told" and row["object_id"] is not None}
    rows = await context.database.fetch(OBJECTS_BY_IDS, ids=sorted(wanted)) if wanted else []
    posts = {int(row["id"]): row for row in rows}
    me = await context.database.fetch_one(ACTOR, id_=actor_id)
    my_uri = str(me["uri"]) if me is not None else ""
    items: list[Item] = []
    for number, kind, row in both:
        if kind == "said":
            item = _said(context, posts.get(number), posts, actor_id, my_uri)
        else:
            item = await _told(context, row, posts, actor_id, my_uri)
        if item is not None:
            items.append(item)
    return items, both[-1][0] if len(both) == _PAGE else None


def _said(context: WebContext, row: Row | None, posts: Mapping[int, Row], actor_id: int, my_uri: str) -> Item | None:
    if row is None or row["actor_id"] == actor_id:
        return None
    if row["announce_of_id"] is not None:
        target = posts.get(int(row["announce_of_id"]))
        return _bare(announce_document(row, target)) if target is not None else None
    return create_of(context, row, my_uri)


def create_of(context: WebContext, row: Row, my_uri: str) -> Item:
    """The Create of a post, of whoever wrote it."""
    document = _bare(create_activity(post_of(row), author_of(row), context.names))
    if row["author_local"]:
        return document
    # What is only published of ours would be a false address on another's object.
    thing = {name: value for name, value in document["object"].items() if name not in _OURS_ONLY}
    if row["context_uri"] is not None:
        thing["context"] = row["context_uri"]
    if row["visibility"] == _DIRECT and my_uri not in (*document["to"], *document["cc"]):
        # Whom a post only addresses, without a mention, is not kept with it; that it came here says that it was.
        document["to"] = thing["to"] = [*document["to"], my_uri]
    return {name: value for name, value in document.items() if name != "id"} | {"object": thing}


async def _told(context: WebContext, row: Row, posts: Mapping[int, Row], actor_id: int, my_uri: str) -> Item | None:
    post = posts.get(int(row["object_id"])) if row["object_id"] is not None else None
    from_id, from_uri = int(row["from_actor_id"]), str(row["from_uri"])
    match row["type"]:
        case "follow" | "follow_request":
            found = await context.database.fetch_one(arrived.FOLLOW_URI, actor_id=from_id, viewer_id=actor_id)
            return _act("Follow", found, from_uri, my_uri) if found is not None else None
        case "like":
            if post is None:
                return None
            found = await context.database.fetch_one(arrived.LIKE_URI, actor_id=from_id, object_id=post["id"])
            return _act("Like", found, from_uri, post["uri"], to=(my_uri,)) if found is not None else None
        case "announce":
            if post is None:
                return None
            found = await context.database.fetch_one(arrived.ANNOUNCE, actor_id=from_id, object_id=post["id"])
            if found is None:
                return None
            return _act("Announce", found, from_uri, post["uri"]) | {"published": wire.stamp(found["published_ms"])}
    return create_of(context, post, my_uri) if post is not None else None


def _act(kind: str, row: Row, actor_uri: str, object_uri: str, *, to: Sequence[str] = ()) -> Item:
    item: Item = {"id": row["uri"]} if row["uri"] else {}
    return item | {"type": kind, "actor": actor_uri, "object": object_uri, "to": list(to), "cc": []}


def _bare(document: Item) -> Item:
    return {name: value for name, value in document.items() if name != "@context"}
