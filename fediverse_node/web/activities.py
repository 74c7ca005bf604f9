"""Activities at their own ids: what was sent, as far as whoever asks was told.  spec: ap#retrieving-objects"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import orjson
from aiohttp import web

from fediverse_node.protocol.addressing import is_public
from fediverse_node.storage.queries.federation_documents import OBJECT_BY_URI, PAYLOAD
from fediverse_node.storage.queries.seeing import FOLLOWS
from fediverse_node.storage.queries.submissions import BY_URI as SUBMITTED
from fediverse_node.web import problems, responses
from fediverse_node.web.announces import load_announce_document
from fediverse_node.web.context import WEB
from fediverse_node.web.gate import is_met, is_shown, keep_private, viewer_of
from fediverse_node.web.local_actors import load_actor, parse_id

Row = Any
_NOBODY: Set[str] = frozenset()


async def get_activity(request: web.Request) -> web.Response:
    """GET /users/{name}/activities/{kind}/{number}."""
    context = request.app[WEB]
    actor = await load_actor(context, request.match_info["name"])
    number = parse_id(request.match_info["number"])
    if actor is None or number is None or actor["deleted_ms"] is not None or actor["suspended_ms"] is not None:
        return problems.not_found(request)
    if not await is_met(request, actor["id"]):
        return problems.not_found(request)
    uri = context.names.activity(actor["username"], request.match_info["kind"], number)
    if request.match_info["kind"] == "announce":
        # Not what was sent once: a boost that was taken back is not shown any more.
        row = await context.database.fetch_one(OBJECT_BY_URI, uri=uri)
        found = row is not None and row["announce_of_id"] is not None and await is_shown(request, row)
        document = await load_announce_document(request, row) if found else None
        return problems.not_found(request) if document is None else responses.activity(request, document)
    payload = await context.database.fetch_one(PAYLOAD, uri=uri, actor_id=actor["id"])
    document = orjson.loads(payload["body"]) if payload is not None else None
    if (await viewer_of(request)).actor_id == actor["id"]:
        return await _own(request, actor["id"], uri, document)
    if document is None or not await _is_for_viewer(request, actor, document):
        return problems.not_found(request)
    return responses.activity(request, document)


async def _own(request: web.Request, actor_id: int, uri: str, document: dict[str, Any] | None) -> web.Response:
    """What the viewer did: as it was sent, or as their client put it into the outbox."""
    if document is None:
        row = await request.app[WEB].database.fetch_one(SUBMITTED, uri=uri, actor_id=actor_id)
        document = orjson.loads(row["document"]) if row is not None else None
    return problems.not_found(request) if document is None else responses.activity(request, document)


async def _is_for_viewer(request: web.Request, actor: Row, document: Mapping[str, Any]) -> bool:
    if is_for(document, _NOBODY):
        return True
    viewer = await viewer_of(request)
    if viewer.actor_id is None:
        return False
    keep_private(request)
    addresses = {viewer.uri}
    database = request.app[WEB].database
    if await database.fetch_one(FOLLOWS, viewer_id=viewer.actor_id, actor_id=actor["id"]) is not None:
        addresses.add(actor["followers_uri"] or request.app[WEB].names.followers(actor["uri"]))
    return is_for(document, addresses)


def is_for(document: Mapping[str, Any], addresses: Set[str]) -> bool:
    """Whether the activity is for everybody or for one of these addresses, and so is everything embedded in it that
    says whom it is for."""
    if not _names(document, addresses):
        return False
    return all(_may_be_embedded(value, addresses) for value in document.values())


def _may_be_embedded(value: object, addresses: Set[str]) -> bool:
    if isinstance(value, list):
        return all(_may_be_embedded(item, addresses) for item in value)
    if not isinstance(value, Mapping):
        return True
    if ("to" in value or "cc" in value) and not _names(value, addresses):
        return False
    return all(_may_be_embedded(inner, addresses) for inner in value.values())


def _names(document: Mapping[str, Any], addresses: Set[str]) -> bool:
    for key in ("to", "cc"):
        listed = document.get(key) or ()
        for uri in [listed] if isinstance(listed, str) else listed:
            if isinstance(uri, str) and (is_public(uri) or uri in addresses):
                return True
    return False
