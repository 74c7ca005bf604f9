"""How the ActivityPub client API says no: problem details with a cause.  spec: rfc9457, fep-c180, rfc6750#section-3"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import web

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.outbox.client_activities.faults import ClientFault
from fediverse_node.web import problems, responses

PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Accept",
    "Access-Control-Max-Age": "86400",
}
_ALWAYS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, WWW-Authenticate, Retry-After, X-RateLimit-Remaining",
    "Cache-Control": responses.PRIVATE,
    "X-Content-Type-Options": "nosniff",
}
_STATUSES: Mapping[ClientFault, int] = {
    ClientFault.MALFORMED: 400,
    ClientFault.SCOPE_MISSING: 403,
    ClientFault.WRONG_ACTOR: 403,
    ClientFault.NOT_ALLOWED: 403,
    ClientFault.NOT_FOUND: 404,
    ClientFault.ALREADY_DONE: 409,
    ClientFault.CANNOT_SAY: 422,
}
_TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Cannot be done",
    429: "Too many requests",
    502: "The other server gave no usable answer",
    503: "Not at the moment",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refused(Exception):
    """Ends a handler with a problem. `why` is a sentence."""

    def __init__(self, status: int, why: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        self.headers = headers or {}


def unauthorised(why: str, code: str = "invalid_token") -> Refused:
    """401, with what RFC 6750 wants said."""
    return Refused(401, why, {"WWW-Authenticate": f'Bearer realm="Fediverse", error="{code}"'})


def scope_missing(why: str) -> Refused:
    """403: the person did not allow it."""
    challenge = {"WWW-Authenticate": 'Bearer realm="Fediverse", error="insufficient_scope"'}
    return Refused(403, why, challenge)


def of_outcome(outcome: Fail | TemporaryFail) -> Refused:
    """What the desk could not do, as an answer."""
    if isinstance(outcome, TemporaryFail):
        return Refused(503, f"Another server had to be asked: {outcome}", {"Retry-After": "30"})
    status = _STATUSES.get(outcome.reason, 422) if isinstance(outcome.reason, ClientFault) else 422
    if outcome.reason is ClientFault.SCOPE_MISSING:
        return scope_missing(str(outcome))
    return Refused(status, str(outcome))


def answering(handler: Handler) -> Handler:
    """A handler whose refusals become answers; faults inside become 500 as everywhere."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Refused as refused:
            response = problem(refused)
        if not response.prepared:
            for name, value in _ALWAYS.items():
                response.headers.setdefault(name, value)
        return response

    return problems.guarded(answer)


def problem(refused: Refused) -> web.Response:
    """The problem document. `error` says the same for clients of the other API."""
    body = {
        "type": "about:blank",
        "title": _TITLES.get(refused.status, "Refused"),
        "status": refused.status,
        "detail": refused.why,
        "error": refused.why,
    }
    return web.Response(
        body=orjson.dumps(body),
        status=refused.status,
        content_type="application/problem+json",
        headers={**_ALWAYS, **refused.headers},
    )


async def preflight(request: web.Request) -> web.Response:
    """What browsers ask before a client of another origin may ask."""
    return web.Response(status=204, headers=PREFLIGHT)
