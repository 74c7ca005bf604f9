"""Activities at their own ids: what was sent, as far as it was said to everybody.  spec: ap#retrieving-objects"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from fediverse_node.protocol.addressing import is_public
from fediverse_node.storage.queries.federation_documents import OBJECT_BY_URI, PAYLOAD
from fediverse_node.web import problems, responses
from fediverse_node.web.announces import load_announce_document
from fediverse_node.web.context import WEB
from fediverse_node.web.gate import ANYBODY, may_show
from fediverse_node.web.local_actors import load_actor, parse_id


async def get_activity(request: web.Request) -> web.Response:
    """GET /users/{name}/activities/{kind}/{number}."""
    context = request.app[WEB]
    actor = await load_actor(context, request.match_info["name"])
    number = parse_id(request.match_info["number"])
    if actor is None or number is None or actor["deleted_ms"] is not None or actor["suspended_ms"] is not None:
        return problems.not_found(request)
    uri = context.names.activity(actor["username"], request.match_info["kind"], number)
    if request.match_info["kind"] == "announce":
        # Not what was sent once: a boost that was taken back is not shown any more.
        row = await context.database.fetch_one(OBJECT_BY_URI, uri=uri)
        found = row is not None and row["announce_of_id"] is not None and may_show(row, ANYBODY)
        document = await load_announce_document(context, row) if found else None
    else:
        payload = await context.database.fetch_one(PAYLOAD, uri=uri, actor_id=actor["id"])
        document = orjson.loads(payload["body"]) if payload is not None else None
    if document is None or not is_for_everybody(document):
        return problems.not_found(request)
    return responses.activity(request, document)


def is_for_everybody(document: Mapping[str, Any]) -> bool:
    """Whether the activity is addressed to everybody, and so is everything embedded in it that says whom it is for."""
    if not _names_everybody(document):
        return False
    return all(_may_be_embedded(value) for value in document.values())


def _may_be_embedded(value: object) -> bool:
    if isinstance(value, list):
        return all(_may_be_embedded(item) for item in value)
    if not isinstance(value, Mapping):
        return True
    if ("to" in value or "cc" in value) and not _names_everybody(value):
        return False
    return all(_may_be_embedded(inner) for inner in value.values())


def _names_everybody(document: Mapping[str, Any]) -> bool:
    for key in ("to", "cc"):
        listed = document.get(key) or ()
        if any(isinstance(uri, str) and is_public(uri) for uri in ([listed] if isinstance(listed, str) else listed)):
            return True
    return False
