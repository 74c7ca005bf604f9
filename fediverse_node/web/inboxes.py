"""Inboxes: requests of other servers become `Received` and their `Answer` a response.  spec: ap#inbox

No HTTP library below this line. Does not verify: that needs the whole request and happens in `inbox`.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from fediverse_node.base.outcome import Fail
from fediverse_node.base.trace import note
from fediverse_node.inbox.answer import Received, Turned
from fediverse_node.protocol.media_types import is_json_type
from fediverse_node.web import responses
from fediverse_node.web.context import WEB
from fediverse_node.web.local_actors import load_actor
from fediverse_node.web.remote_address import remote_address

BODY_LIMIT_BYTES = 1024 * 1024
_BODY_TIMEOUT_S = 30
_CHUNK_BYTES = 64 * 1024


async def post_personal(request: web.Request) -> web.Response:
    """POST /users/{name}/inbox."""
    actor = await load_actor(request.app[WEB], request.match_info["name"])
    if actor is None:
        return _refused("inbox.owner", Turned.NO_SUCH_INBOX, "Not found", 404)
    if actor["deleted_ms"] is not None:
        return _refused("inbox.owner", Turned.INBOX_GONE, "Gone", 410)
    note("inbox.owner", None, name=request.match_info["name"])
    return await post(request)


async def post(request: web.Request) -> web.Response:
    """POST /inbox, the shared one, and the server's own at /actor/inbox."""
    # Mastodon and others also send plain application/json; all of it is verified by signature, not by its type.
    if not is_json_type(request.headers.get("Content-Type")):
        problem = "Content-Type must be application/activity+json"
        return _refused("inbox.media_type", Turned.NOT_DECLARED_JSON, problem, 415)
    # The digest would be of the compressed bytes, and they can be small for a huge text.
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return _refused("inbox.media_type", Turned.ENCODED, "Content-Encoding is not supported", 415)
    note("inbox.media_type", None, path=request.raw_path)
    body = await _read(request)
    if isinstance(body, web.Response):
        return body
    note("inbox.body", None, size_bytes=len(body))
    context = request.app[WEB]
    answer = await context.receive(
        Received(
            method=request.method,
            # Not what the socket saw: behind a proxy that is another scheme and port than the peer signed.
            url=context.config.base_url + _target(request),
            headers=tuple((name.lower(), value) for name, value in request.headers.items()),
            body=body,
            remote=remote_address(request, context.config.trusted_proxies),
        )
    )
    if answer.error is None:
        return web.Response(status=answer.status, headers={"Cache-Control": responses.PRIVATE})
    return responses.problem(answer.error, answer.status)


def _target(request: web.Request) -> str:
    """Path and query byte for byte as sent; only proxies send the absolute form."""
    return request.raw_path if request.raw_path.startswith("/") else request.rel_url.raw_path_qs


async def _read(request: web.Request) -> bytes | web.Response:
    """The body, or the refusal of one that is too large or too slow."""
    if (request.content_length or 0) > BODY_LIMIT_BYTES:
        return _too_large()
    chunks: list[bytes] = []
    size_bytes = 0
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
                size_bytes += len(chunk)
                if size_bytes > BODY_LIMIT_BYTES:
                    return _too_large()
                chunks.append(chunk)
    except TimeoutError:
        return _refused("inbox.body", Turned.TOO_SLOW, "The body did not arrive in time", 408)
    except web.RequestPayloadError:
        return _refused("inbox.body", Turned.BROKEN_BODY, "The body cannot be read", 400)
    return b"".join(chunks)


def _too_large() -> web.Response:
    refusal = _refused("inbox.body", Turned.TOO_LARGE, f"The body is larger than {BODY_LIMIT_BYTES} bytes", 413)
    refusal.force_close()  # what is still on its way is not read
    return refusal


def _refused(step: str, reason: Turned, problem: str, status: int) -> web.Response:
    fault = Fail(reason)
    note(step, fault)
    note("inbox.answered", fault, status=status, reason=reason.name, sentence=reason.sentence)
    return responses.problem(problem, status)
