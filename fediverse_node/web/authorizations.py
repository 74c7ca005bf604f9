"""Approval stamps of ours at their ids: others look here whether our people agreed.

spec: fep-044f#quoteauthorization, gts-interaction#approval-objects. A stamp exists while what it is about may be read
by everybody and was not revoked; it names both posts by their ids only.
"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.domain.documents import authorization_document
from fediverse_node.domain.model import Interaction
from fediverse_node.storage.queries.interaction_requests import QUOTE_STAMP, STAMP
from fediverse_node.web import problems, responses
from fediverse_node.web.context import WEB
from fediverse_node.web.local_actors import parse_id


async def get_quote_authorization(request: web.Request) -> web.Response:
    """GET /users/{name}/quote_authorizations/{id}: the post of this number may quote one of `name`."""
    return await _answer(request, Interaction.QUOTE)


async def get_authorization(request: web.Request) -> web.Response:
    """GET /users/{name}/authorizations/{id}: an answer, like or announce of a post of `name`."""
    return await _answer(request, None)


async def _answer(request: web.Request, kind: Interaction | None) -> web.Response:
    number = parse_id(request.match_info["id"])
    if number is None:
        return problems.not_found(request)
    statement = QUOTE_STAMP if kind is Interaction.QUOTE else STAMP
    row = await request.app[WEB].database.fetch_one(statement, id_=number, owner=request.match_info["name"])
    if row is None:
        return problems.not_found(request)
    document = authorization_document(
        kind or Interaction(row["kind"]), row["stamp_uri"], row["owner_uri"], row["uri"], row["target_uri"]
    )
    return responses.activity(request, document)
