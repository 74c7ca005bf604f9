"""Who holds the token of a request, and whether what it asks for is theirs.  spec: rfc6750, fep-d8c2

`read` covers everything that is read, `write` everything that is done; the client API's narrower scopes count for what
they name.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from fediverse_node.outbox.bearer import Bearer, Bearers, TooOften
from fediverse_node.web.client_to_server.answers import Refused, scope_missing, unauthorised
from fediverse_node.web.context import WEB
from fediverse_node.web.gate import bearer_token
from fediverse_node.web.local_actors import load_actor
from fediverse_node.web.remote_address import remote_address

_BODY_TIMEOUT_S = 30
_CHUNK_BYTES = 64 * 1024


async def require_bearer(request: web.Request, *scopes: str, kind: str) -> Bearer:
    """The person whose token came with the request; raises 401, 403 or 429. Without scopes any token will do.

    `kind` is what is counted: `any`, `said`, `upload`.
    """
    bearers = bearers_of(request)
    token = bearer_token(request)
    if token is None:
        raise unauthorised("A Bearer token is needed", "invalid_request")
    bearer = await bearers.find(token)
    if bearer is None:
        raise unauthorised("The access token is not known, or is no person's")
    if bearer.standing:
        raise Refused(403, bearer.standing)
    if scopes and not bearer.may(*scopes):
        raise scope_missing(f"The token needs the scope {' or '.join(scopes)}")
    counted = bearers.take(bearer, kind, str(remote_address(request, request.app[WEB].config.trusted_proxies)))
    if isinstance(counted, TooOften):
        raise Refused(429, "Too many requests", counted.headers)
    return bearer


async def require_owner(request: web.Request, *scopes: str, kind: str) -> Bearer:
    """The same, where the path names the person."""
    bearer = await require_bearer(request, *scopes, kind=kind)
    actor = await load_actor(request.app[WEB], request.match_info["name"])
    if actor is None or actor["deleted_ms"] is not None:
        raise Refused(404, "There is nobody of this name here")
    if actor["id"] != bearer.actor_id:
        raise Refused(403, "The token is somebody else's")
    return bearer


def bearers_of(request: web.Request) -> Bearers:
    """Who knows tokens."""
    bearers = request.app[WEB].bearers
    if bearers is None:
        raise Refused(404, "Not found")
    return bearers


async def read_body(request: web.Request, limit_bytes: int) -> bytes:
    """The body; raises 408 and 413."""
    if (request.content_length or 0) > limit_bytes:
        raise Refused(413, f"The body is larger than {limit_bytes} bytes", {"Connection": "close"})
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
                body += chunk
                if len(body) > limit_bytes:
                    raise Refused(413, f"The body is larger than {limit_bytes} bytes", {"Connection": "close"})
    except TimeoutError:
        raise Refused(408, "The body did not arrive in time") from None
    except web.RequestPayloadError:
        raise Refused(400, "The body cannot be read") from None
    return bytes(body)
