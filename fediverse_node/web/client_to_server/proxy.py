"""proxyUrl: a document of another server, fetched with the person's own right to it.  spec: ap#actor-objects

Signed with the person's key and not with the server's, so that it shows what was meant for this person, and to nobody
else: the answer is never cached, and nothing of it is stored. Only ActivityPub documents, through the guarded client,
and only such that their own origin speaks for.
"""

from __future__ import annotations

from urllib.parse import parse_qs

import orjson
from aiohttp import web

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.protocol.media_types import ACTIVITY_JSON
from fediverse_node.protocol.uris import is_http_uri, strip_fragment
from fediverse_node.transport.dereference import Document
from fediverse_node.transport.faults import FetchFault
from fediverse_node.web import responses
from fediverse_node.web.client_to_server.answers import Refused
from fediverse_node.web.client_to_server.owner import read_body, require_bearer
from fediverse_node.web.context import WEB

PATH = "/proxy"
_BODY_LIMIT_BYTES = 16 * 1024
_MISSING = frozenset({FetchFault.NOT_FOUND, FetchFault.GONE, FetchFault.FORBIDDEN})


async def post(request: web.Request) -> web.StreamResponse:
    """POST /proxy with `id=…`, urlencoded."""
    bearer = await require_bearer(request, "read", kind="any")
    context = request.app[WEB]
    if request.content_type != "application/x-www-form-urlencoded":
        raise Refused(415, "Send id=… as application/x-www-form-urlencoded")
    body = await read_body(request, _BODY_LIMIT_BYTES)
    try:
        asked = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=10).get("id", [])
    except (UnicodeDecodeError, ValueError):
        raise Refused(400, "The form cannot be read") from None
    if len(asked) != 1 or not is_http_uri(asked[0], allow_plain=context.config.development):
        raise Refused(400, "id must be one https address")
    if context.names.is_ours(asked[0]):
        # What is here is read with the same token where it is.
        return web.Response(status=303, headers={"Location": strip_fragment(asked[0])})
    if context.fetch_as is None:
        raise Refused(404, "Not found")
    found = await context.fetch_as(bearer.actor_id, asked[0])
    if isinstance(found, TemporaryFail):
        raise Refused(503, str(found), {"Retry-After": "30"})
    if isinstance(found, Fail):
        raise Refused(404 if found.reason in _MISSING else 502, str(found))
    return _answer(found)


def _answer(found: Document) -> web.Response:
    return web.Response(
        body=orjson.dumps(found.body),
        headers={
            "Content-Type": f"{ACTIVITY_JSON}; charset=utf-8",
            "Cache-Control": responses.PRIVATE,
            # It is a stranger's document on our address: nothing in it is ever run.
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )
