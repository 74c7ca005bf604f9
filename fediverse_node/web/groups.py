"""Who has a say in a group of ours.  spec: fep-1b12#group-moderation"""

from __future__ import annotations

from aiohttp import web

from fediverse_node.protocol.collections import dump_collection
from fediverse_node.storage.queries.groups import MODERATORS
from fediverse_node.web import problems, responses
from fediverse_node.web.context import WEB
from fediverse_node.web.gate import is_met
from fediverse_node.web.local_actors import load_actor


async def get_moderators(request: web.Request) -> web.Response:
    """GET /users/{name}/moderators: of a group, also if there are none."""
    context = request.app[WEB]
    actor = await load_actor(context, request.match_info["name"])
    is_here = actor is not None and actor["deleted_ms"] is None and actor["suspended_ms"] is None
    if actor is None or not is_here or actor["type"] != "Group" or not await is_met(request, actor["id"]):
        return problems.not_found(request)
    rows = await context.database.fetch(MODERATORS, group_id=actor["id"])
    uri = context.names.moderators(actor["uri"])
    return responses.activity(request, dump_collection(uri, total=len(rows), items=[row["uri"] for row in rows]))
