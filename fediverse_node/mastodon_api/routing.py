"""From a request to a handler and back: authorisation, parameters, limits, errors, headers, once for all methods.

A resource module has `routes = Routes()` and handlers `async def name(call: Call) -> web.StreamResponse`.
spec: mastodon-client-api#scopes, #pagination, #errors
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import orjson
from aiohttp import hdrs, web

from fediverse_node.base.errors import StorageError
from fediverse_node.base.log import event
from fediverse_node.mastodon_api.address_gate import AddressGate
from fediverse_node.mastodon_api.body import read_params
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.errors import (
    ApiError,
    bad_request,
    not_found,
    scope_missing,
    token_invalid,
    user_required,
)
from fediverse_node.mastodon_api.limits import PER_ADDRESS, PER_USER, Limit, Limiter, network_of
from fediverse_node.mastodon_api.params import EMPTY, Params, parse_id
from fediverse_node.mastodon_api.scopes import acceptable
from fediverse_node.mastodon_api.viewer import Viewer, Viewers
from fediverse_node.storage.queries.timelines import Page

log = logging.getLogger(__name__)
T = TypeVar("T", bound=web.StreamResponse)

ANY_SCOPE = ""
"""As a method's scope: a person's token, whatever it may do."""

_PAGING = frozenset(("max_id", "since_id", "min_id"))
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_EXPOSED = "Link, X-RateLimit-Reset, X-RateLimit-Limit, X-RateLimit-Remaining, X-Request-Id, Mastodon-Async-Refresh"
_FIXED_HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": _EXPOSED,
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
}
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, *",
    # Phanpy asks before each distinct URL: 29 times in one session without this.
    "Access-Control-Max-Age": "86400",
}


@dataclass(frozen=True, slots=True)
class Surface:
    """What all calls of one app share."""

    context: Context
    viewers: Viewers
    limiter: Limiter
    gate: AddressGate


SURFACE = web.AppKey("mastodon_api.surface", Surface)


class Call:
    """One request to one method."""

    __slots__ = ("_viewer", "headers", "params", "request", "surface")

    def __init__(self, request: web.Request, surface: Surface, viewer: Viewer | None) -> None:
        self.request = request
        self.surface = surface
        self.params: Params = EMPTY
        self._viewer = viewer
        self.headers: dict[str, str] = {}  # go out with the answer

    @property
    def context(self) -> Context:
        return self.surface.context

    @property
    def viewer(self) -> Viewer:
        """The person who asks; 422 when it is an app alone, 401 when it is nobody."""
        if self._viewer is None:
            raise token_invalid()
        if not self._viewer.is_user:
            raise user_required()
        return self._viewer

    @property
    def viewer_or_none(self) -> Viewer | None:
        """The person who asks, if it is one."""
        return self._viewer if self._viewer is not None and self._viewer.is_user else None

    @property
    def token(self) -> Viewer:
        """Whatever the token stands for, an app included."""
        if self._viewer is None:
            raise token_invalid()
        return self._viewer

    @property
    def viewer_id(self) -> int | None:
        """The actor of the person who asks, if it is one."""
        return self._viewer.actor_id if self._viewer is not None and self._viewer.is_user else None

    @property
    def address(self) -> str:
        """Where the request comes from, as far as a trusted proxy tells."""
        return self.surface.limiter.address_of(self.request)

    def id(self, name: str = "id") -> int:
        """A path parameter that is an id of ours; 404 when it cannot be one."""
        id_ = parse_id(self.request.match_info[name])
        if id_ is None:
            raise not_found()
        return id_

    def limit(self, default: int, maximum: int) -> int:
        """The page size that is asked for, cut to what we give."""
        asked = self.params.number("limit", default)
        if asked < 0:
            raise bad_request("Pagination values for `offset` and `limit` must be positive")
        return min(asked, maximum)

    def asked(self, default: int, maximum: int) -> Page:
        """The page of a list that is asked for."""
        params = self.params
        return Page(
            self.limit(default, maximum),
            max_id=params.id("max_id"),
            since_id=params.id("since_id"),
            min_id=params.id("min_id"),
        )

    def take(self, limit: Limit) -> None:
        """Count this against a limit of its own, for the person or else the address; raises 429."""
        key = self._viewer.user_id if self._viewer is not None and self._viewer.is_user else network_of(self.address)
        self.headers |= self.surface.limiter.take(limit, key, spared=self.surface.limiter.is_spared(self.address))

    def json(self, value: Any, status: int = 200) -> web.Response:
        """An answer. `value` may be JSON bytes already."""
        body = value if isinstance(value, bytes) else orjson.dumps(value)
        return web.Response(body=body, status=status, headers=self.headers)

    def page(
        self, rendered: list[Any] | bytes, *, first_id: int | None, last_id: int | None, full: bool = True
    ) -> web.Response:
        """A page of a list with its Link header.

        `first_id` and `last_id` are the keys of the first and last row of the page (not always ids of what is
        shown); None on an empty page. Not `full`: there is nothing after it.
        """
        links = []
        # toot reads only what stands first, so `next` does.
        if last_id is not None and full:
            links.append(f'<{self._page_url("max_id", last_id)}>; rel="next"')
        if first_id is not None:
            links.append(f'<{self._page_url("min_id", first_id)}>; rel="prev"')
        if links:
            self.headers["Link"] = ", ".join(links)
        return self.json(rendered)

    def page_of(self, rendered: list[Any] | bytes, rows: Sequence[Any], page: Page) -> web.Response:
        """The same for rows whose column `id` is the key."""
        first_id, last_id = (rows[0]["id"], rows[-1]["id"]) if rows else (None, None)
        return self.page(rendered, first_id=first_id, last_id=last_id, full=len(rows) >= page.limit > 0)

    def _page_url(self, name: str, key: int) -> str:
        given = parse_qsl(self.request.rel_url.raw_query_string, keep_blank_values=True)
        kept = [(k, v) for k, v in given if k not in _PAGING and k != "access_token"]
        return f"{self.context.config.base_url}{self.request.rel_url.raw_path}?{urlencode([*kept, (name, key)])}"


Handler = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Method:
    """What a route asks of who calls it."""

    verb: str
    path: str
    handler: Handler
    scopes: frozenset[str] | None  # None: the token does not matter
    anonymous: bool
    app: bool
    reads_body: bool
    any_standing: bool = False


@dataclass(slots=True)
class Routes:
    """The methods of one resource."""

    methods: list[Method] = field(default_factory=list)

    def get(self, path: str, **asks: Any) -> Callable[[Handler], Handler]:
        """A method that reads. For keywords see `add`."""
        return self.add("GET", path, **asks)

    def post(self, path: str, **asks: Any) -> Callable[[Handler], Handler]:
        """A method that makes or does something."""
        return self.add("POST", path, **asks)

    def put(self, path: str, **asks: Any) -> Callable[[Handler], Handler]:
        """A method that changes something."""
        return self.add("PUT", path, **asks)

    def patch(self, path: str, **asks: Any) -> Callable[[Handler], Handler]:
        """A method that changes parts of something."""
        return self.add("PATCH", path, **asks)

    def delete(self, path: str, **asks: Any) -> Callable[[Handler], Handler]:
        """A method that removes something."""
        return self.add("DELETE", path, **asks)

    def add(
        self,
        verb: str,
        path: str,
        *,
        scope: str | tuple[str, ...] | None = None,
        anonymous: bool = False,
        app: bool = False,
        reads_body: bool = True,
        any_standing: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Register a handler.

        `scope`: what the token must hold, of several any one; `ANY_SCOPE`: any person's token. Without a scope the
        method is public. `anonymous`: a token may be absent, but one that is given must be good. `app`: an app's own
        token will do. Without `reads_body` the handler reads the body itself. `any_standing`: also people who may not
        act yet, or not any more.
        """
        scopes = None if scope is None and not anonymous else acceptable(scope or ANY_SCOPE)

        def register(handler: Handler) -> Handler:
            self.methods.append(Method(verb, path, handler, scopes, anonymous, app, reads_body, any_standing))
            return handler

        return register


def endpoint(method: Method, surface: Surface) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of a method."""
    handle, config = method.handler, surface.context.config

    async def answer(request: web.Request) -> web.StreamResponse:
        call = Call(request, surface, None)
        try:
            call = await _authorise(request, surface, method)
            if method.reads_body:
                call.params = await read_params(request, config)
            response = await handle(call)
        except ApiError as error:
            response = render_error(error, call.headers)
        except web.HTTPException:
            raise
        except StorageError as error:  # the disk is full, the database is away: nothing was done
            event(log, "api.no_storage", logging.WARNING, method=method.verb, path=method.path, error=str(error))
            response = render_error(ApiError(503, "This server cannot store anything at the moment"), call.headers)
        except Exception as error:  # the middleware's place to catch everything: a bug must not show its inside
            event(log, "api.broken", logging.ERROR, method=method.verb, path=method.path, error=repr(error))
            log.exception("api.broken")
            response = render_error(ApiError(500, "Something went wrong on this server"), call.headers)
        return finish(request, response)

    return answer


async def _authorise(request: web.Request, surface: Surface, method: Method) -> Call:
    token = bearer_of(request)
    viewer = None
    if method.scopes is not None and token is not None:
        viewer = await surface.viewers.find(token, surface.limiter.address_of(request))
        if viewer is None:
            raise token_invalid()
    call = Call(request, surface, viewer)
    call.headers = _count(call, viewer)
    if method.scopes is None or (viewer is None and method.anonymous):
        return call
    if viewer is None:
        raise token_invalid()
    if method.scopes and method.scopes.isdisjoint(viewer.scopes):
        raise scope_missing()
    if not viewer.is_user:
        if not method.app and not method.anonymous:
            raise user_required()
        return call
    if not method.any_standing:
        viewer.require_standing()
    return call


def _count(call: Call, viewer: Viewer | None) -> dict[str, str]:
    limiter = call.surface.limiter
    address = limiter.address_of(call.request)
    spared = limiter.is_spared(address)
    if viewer is not None and viewer.user_id is not None:
        return limiter.take(PER_USER, viewer.user_id, spared=spared)
    return limiter.take(PER_ADDRESS, network_of(address), spared=spared)


def bearer_of(request: web.Request) -> str | None:
    """The bearer token; the query is read too, because browsers cannot set headers on event streams."""
    header = request.headers.get(hdrs.AUTHORIZATION)
    if header is not None:
        kind, _, token = header.partition(" ")
        return token.strip() if kind.lower() == "bearer" else None
    return request.rel_url.query.get("access_token") if "access_token=" in request.rel_url.raw_query_string else None


def render_error(error: ApiError, headers: dict[str, str]) -> web.Response:
    """The answer of an error."""
    return web.Response(body=orjson.dumps(error.body()), status=error.status, headers={**headers, **error.headers})


def finish(request: web.Request, response: T) -> T:
    """The headers that every answer of the API has. One that has begun already is left alone."""
    if response.prepared:
        return response
    headers = response.headers
    for name, value in _FIXED_HEADERS.items():
        headers.setdefault(name, value)
    if "Content-Type" not in headers or headers["Content-Type"] == "application/octet-stream":
        headers["Content-Type"] = _FIXED_HEADERS["Content-Type"]
    given = request.headers.get("X-Request-Id")
    headers["X-Request-Id"] = given if given and _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    return response
