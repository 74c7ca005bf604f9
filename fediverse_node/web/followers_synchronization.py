"""Those of an actor's followers who live on the server that asks, for nobody else.  spec: fep-8fcf

Who asks is known by the signature alone; the server's own actor may ask for all of its people. It is never kept by
caches, and looks the same for an actor that hides its followers: a server knows its own people anyway.
"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.protocol.collections import dump_collection
from fediverse_node.protocol.synchronization import MOST_FOLLOWERS
from fediverse_node.protocol.uris import origin_of
from fediverse_node.storage.queries.follower_digests import FOLLOWERS_THERE
from fediverse_node.web import gate, problems, responses
from fediverse_node.web.context import WEB
from fediverse_node.web.local_actors import load_actor


async def get_followers_synchronization(request: web.Request) -> web.Response:
    """GET /users/{name}/followers_synchronization."""
    context = request.app[WEB]
    viewer = await gate.signer_of(request)
    origin = origin_of(viewer.uri)
    if viewer.is_refused:
        return problems.not_found(request)
    if viewer.actor_id is None or origin is None:
        return _private(gate.unsigned(viewer))
    actor = await load_actor(context, request.match_info["name"])
    if actor is None or actor["deleted_ms"] is not None or actor["suspended_ms"] is not None:
        return problems.not_found(request)
    if not await gate.is_met(request, actor["id"]):
        return problems.not_found(request)
    rows = await context.database.fetch(
        FOLLOWERS_THERE, actor_id=actor["id"], beginning=f"{origin}/", most=MOST_FOLLOWERS + 1, patient=True
    )
    if len(rows) > MOST_FOLLOWERS:
        return _private(responses.problem("There are too many of them for one document", 404))
    items = [row["uri"] for row in rows]
    uri = context.names.followers_synchronization(actor["uri"])
    return _private(responses.activity(request, dump_collection(uri, total=len(items), items=items)))


def _private(response: web.Response) -> web.Response:
    response.headers["Cache-Control"] = responses.PRIVATE
    return response
