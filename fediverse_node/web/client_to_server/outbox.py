"""POST to an outbox.  spec: ap#client-to-server-interactions"""

from __future__ import annotations

import orjson
from aiohttp import web

from fediverse_node.outbox.client_activities.desk import Done
from fediverse_node.protocol.media_types import ACTIVITY_JSON, is_json_type
from fediverse_node.web.client_to_server.answers import Refused, of_outcome
from fediverse_node.web.client_to_server.owner import read_body, require_owner
from fediverse_node.web.context import WEB

# The longest article there may be, written twice (content and source), with room for its markup.
_BODY_LIMIT_BYTES = 1024 * 1024
_LONGEST_KEY = 200


async def post(request: web.Request) -> web.Response:
    """POST /users/{name}/outbox: 201 with Location, the id of the activity, and the activity itself.

    `Idempotency-Key`: a request with a key that was used before is answered as the first was, and does nothing.
    """
    if not is_json_type(request.headers.get("Content-Type")):
        raise Refused(415, "Content-Type must be application/activity+json")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused(415, "Content-Encoding is not supported")
    bearer = await require_owner(request, kind="said")
    desk = request.app[WEB].desk
    if desk is None:
        raise Refused(405, "Nothing can be posted here")
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _LONGEST_KEY or not key.isprintable():
        raise Refused(400, f"An Idempotency-Key has at most {_LONGEST_KEY} characters")
    body = await read_body(request, _BODY_LIMIT_BYTES)
    outcome = await desk.submit(bearer, body, key=key or None)
    if not isinstance(outcome, Done):
        raise of_outcome(outcome)
    return web.Response(
        body=orjson.dumps(outcome.document),
        status=201,
        headers={"Location": outcome.uri, "Content-Type": f"{ACTIVITY_JSON}; charset=utf-8"},
    )
