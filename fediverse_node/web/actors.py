"""Actors as other servers read them.  spec: ap#retrieving-objects, ap#actor-objects, fep-d556

Those to whom an actor is not shown get a stub: whoever verifies our signatures needs our keys first.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from fediverse_node.domain.documents import actor_document, instance_actor_document, tombstone_document
from fediverse_node.web import problems, responses
from fediverse_node.web.context import WEB, WebContext
from fediverse_node.web.gate import is_met
from fediverse_node.web.local_actors import load_actor, load_instance_actor, load_keys, path_of, profile_of

Row = Any
_STUB = (
    "@context",
    "id",
    "type",
    "preferredUsername",
    "inbox",
    "endpoints",
    "publicKey",
    "assertionMethod",
    "verificationMethod",
    "suspended",
)


async def get_actor(request: web.Request) -> web.Response:
    """GET /users/{name}: the document, or for people the way to the profile page."""
    context = request.app[WEB]
    row = await load_actor(context, request.match_info["name"])
    if row is None:
        return problems.not_found(request)
    if responses.wants_document(request) or row["deleted_ms"] is not None:
        return await actor_response(request, row)
    return responses.see_other_page(path_of(context.names, context.names.profile_page(row["username"])))


async def actor_response(request: web.Request, row: Row) -> web.Response:
    """The document of a local actor, or 410."""
    context = request.app[WEB]
    if row["deleted_ms"] is not None:
        return problems.gone_actor(request, tombstone_document(row["uri"], row["type"], row["deleted_ms"]))
    keys = await load_keys(context, row)
    if keys is None:
        return problems.not_found(request)
    document = actor_document(profile_of(row, *keys), context.names)
    # Whom it blocks must still be able to verify that it says so.
    return responses.activity(request, document if await is_met(request, row["id"]) else _stub_of(document))


async def get_stub(request: web.Request) -> web.Response:
    """What is at an actor's address for those who have not signed: where to write to it, and its keys."""
    context = request.app[WEB]
    row = await load_actor(context, request.match_info["name"].removesuffix(f"@{context.config.host}"))
    if row is None or row["deleted_ms"] is not None:
        return problems.not_found(request) if row is None else await actor_response(request, row)
    keys = await load_keys(context, row)
    if keys is None:
        return problems.not_found(request)
    return responses.activity(request, _stub_of(actor_document(profile_of(row, *keys), context.names)))


def _stub_of(document: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in _STUB if name in document}


async def get_instance_actor(request: web.Request) -> web.Response:
    """GET /actor: open to everybody, because other servers fetch it to verify our fetches of theirs."""
    document = await _instance_document(request.app[WEB])
    if document is None:
        return problems.not_found(request)
    return responses.activity(request, document)


async def _instance_document(context: WebContext) -> dict[str, Any] | None:
    row = await load_instance_actor(context)
    keys = await load_keys(context, row) if row is not None else None
    return instance_actor_document(context.names, *keys) if keys is not None else None
