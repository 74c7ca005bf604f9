"""The one HTTP client of this server: every outbound request goes through it, and every hop is checked.

A URL in a message is a stranger's input. Checked on each hop: scheme, host, port, and the address of the socket itself;
bounded: connect time, total time, redirects, header and body size, connections. It knows nothing of ActivityPub, and
how many requests one host may get at a time is decided by delivery.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from functools import lru_cache
from urllib.parse import urljoin

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey

from fediverse_node.base.errors import NodeError
from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.transport.body import read_body
from fediverse_node.transport.exchange import (
    DEFAULT_TIMEOUT_S,
    DOCUMENT_SIZE_LIMIT,
    Headers,
    HopHeaders,
    Response,
)
from fediverse_node.transport.faults import FetchFault
from fediverse_node.transport.resolver import (
    AddressRefused,
    Endpoint,
    GuardedResolver,
    Resolver,
    SystemResolver,
    guarded_socket_factory,
)
from fediverse_node.transport.urls import Target, parse_target

_log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
REDIRECT_LIMIT = 3
IDLE_HOSTS_LIMIT = 512
_KEEP_ALIVE_S = 30.0
_DNS_CACHE_S = 30
_HEADER_SIZE_LIMIT = 16_384
# A delivery is answered by its status, and so is a refusal: the body is for the log, and nobody waits long for it.
# Epicyon never ends some bodies; snac2 resets the connection after them.
_REMARK_LIMIT = 16_384
_REMARK_TIMEOUT_S = 5.0
_REDIRECTS = {301, 302, 303, 307, 308}
_METHOD_KEEPING_REDIRECTS = {307, 308}


class Client:
    """`Http` over real sockets. Make it anywhere, use it in one event loop, close it at the end."""

    def __init__(
        self,
        *,
        base_url: str,
        version: str,
        development: bool = False,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        connections: int = 512,
        connections_per_host: int = 8,
        own_origin_allowed: bool = False,
        reachable: frozenset[Endpoint] = frozenset(),
    ) -> None:
        """`development` opens http, ports and loopback. `own_origin_allowed` is for `doctor`, which asks itself.

        `reachable` are endpoints that may be connected to although their addresses are not public: those to which
        the lab's resolver leads.
        """
        self._development = development
        self._system_resolver = SystemResolver()  # starts no thread before it is asked
        self._resolver: Resolver = self._system_resolver if resolver is None else resolver
        self._ssl_context = ssl_context
        self._connections = connections
        self._connections_per_host = connections_per_host
        self._reachable = reachable
        self._user_agent = f"fediverse_node/{version} (+{base_url.rstrip('/')}/)"
        own = parse_target(base_url, development=True)
        self._own_origin = "" if own_origin_allowed or isinstance(own, Fail) else own.origin
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def get(
        self,
        url: str,
        *,
        accept: str,
        headers: Headers = (),
        max_bytes: int = DOCUMENT_SIZE_LIMIT,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        hop_headers: HopHeaders | None = None,
    ) -> Response | Fail | TemporaryFail:
        """GET, following at most 3 redirects by hand. `headers` go to `url` alone; `hop_headers` is asked per hop."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        seen: set[str] = set()
        text, previous = url, None
        while True:
            target = self._target(text, previous)
            if isinstance(target, Target) and (target.text in seen or len(seen) > REDIRECT_LIMIT):
                target = Fail(FetchFault.TOO_MANY_REDIRECTS, f"{len(seen)} hops to {target.text[:200]}")
            _note_target("fetch.target", target, text)
            if isinstance(target, Fail):
                return target
            seen.add(target.text)
            sent = {"Accept": accept, "Accept-Encoding": "gzip", **dict(headers if previous is None else ())}
            if hop_headers is not None:
                sent.update(await hop_headers(target.text))
            remaining_s = max(deadline - loop.time(), 0.001)
            answer = await self._ask("GET", target, headers=sent, timeout_s=remaining_s, max_bytes=max_bytes)
            _note_answer("fetch.answer", answer, target)
            location = _location(answer)
            if location is None:
                return answer
            text, previous = location, target

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Headers,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        hop_headers: HopHeaders | None = None,
    ) -> Response | Fail | TemporaryFail:
        """POST. A redirect is a Fail, except one 307 or 308 within the same origin, and only with `hop_headers`."""
        target = self._target(url, None)
        _note_target("post.target", target, url)
        if isinstance(target, Fail):
            return target
        redirected = False
        while True:
            sent = dict(headers)
            if hop_headers is not None:
                sent.update(await hop_headers(target.text))
            answer = await self._ask("POST", target, headers=sent, body=body, timeout_s=timeout_s)
            _note_answer("post.answer", answer, target)
            location = _location(answer)
            if location is None or not isinstance(answer, Response):
                return answer
            following = self._target(location, target)
            may_follow = hop_headers is not None and answer.status in _METHOD_KEEPING_REDIRECTS and not redirected
            if isinstance(following, Target) and not (may_follow and following.origin == target.origin):
                following = Fail(FetchFault.REDIRECT_REFUSED, f"status {answer.status} to {following.text[:200]}")
            _note_target("post.target", following, location)
            if isinstance(following, Fail):
                return following
            target, redirected = following, True

    async def close(self) -> None:
        """End all connections; the client cannot be used after this."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
        self._system_resolver.close()

    def _target(self, text: str, previous: Target | None) -> Target | Fail:
        if previous is not None:
            try:
                text = urljoin(previous.text, text)
            except ValueError as error:
                return Fail(FetchFault.BAD_URL, str(error))
        target = parse_target(text, development=self._development)
        if isinstance(target, Fail):
            event(_log, "transport.refused", reason=target.reason.name, url=text, detail=target.detail)
            return target
        if target.origin == self._own_origin:
            return Fail(FetchFault.OWN_ORIGIN, target.text[:200])
        if previous is not None and previous.scheme != target.scheme:
            return Fail(FetchFault.REDIRECT_REFUSED, f"from {previous.scheme} to {target.scheme}")
        return target

    async def _ask(
        self,
        method: str,
        target: Target,
        *,
        headers: dict[str, str],
        timeout_s: float,
        body: bytes | None = None,
        max_bytes: int = _REMARK_LIMIT,
    ) -> Response | Fail | TemporaryFail:
        attempts = 2 if method == "POST" else 1  # aiohttp repeats a GET by itself
        while True:
            attempts -= 1
            try:
                return await self._exchange(
                    method, target, headers=headers, body=body, timeout_s=timeout_s, max_bytes=max_bytes
                )
            except aiohttp.ServerDisconnectedError as error:
                # snac2 closes a connection after each answer without saying so, and a second delivery may already be
                # on its way. Sending an activity again is safe: it is known by its id.
                if not attempts:
                    return TemporaryFail(FetchFault.RESET, str(error))
            except (aiohttp.ClientError, OSError, ValueError) as error:
                return _outcome_of(error, target)

    async def _exchange(
        self,
        method: str,
        target: Target,
        *,
        headers: dict[str, str],
        body: bytes | None,
        timeout_s: float,
        max_bytes: int,
    ) -> Response | Fail | TemporaryFail:
        async with self._open_session().request(
            method, target.url, headers=headers, data=body, allow_redirects=False, timeout=_timeout(timeout_s)
        ) as answer:
            content: bytes | Fail | TemporaryFail
            if answer.status in _REDIRECTS:
                content = b""
            elif method == "POST" or not 200 <= answer.status < 300:
                content = await _read_remark(answer)
            else:
                content = await read_body(answer, max_bytes=max_bytes)
            if not isinstance(content, bytes):
                answer.close()
                return content
            pairs = tuple((name.lower(), _text(value)) for name, value in answer.headers.items())
            return Response(answer.status, pairs, content, target.text)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            if self._closed:
                raise NodeError("the HTTP client is closed")
            connector = _Connector(
                limit=self._connections,
                limit_per_host=self._connections_per_host,
                keepalive_timeout=_KEEP_ALIVE_S,
                ttl_dns_cache=_DNS_CACHE_S,
                resolver=GuardedResolver(self._resolver, loopback_allowed=self._development, reachable=self._reachable),
                socket_factory=guarded_socket_factory(loopback_allowed=self._development, reachable=self._reachable),
                ssl=self._ssl_context or True,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self._user_agent},
                skip_auto_headers=("Accept-Encoding",),
                trust_env=False,
                auto_decompress=False,
                max_line_size=_HEADER_SIZE_LIMIT,
                max_field_size=_HEADER_SIZE_LIMIT,
            )
        return self._session


class _Connector(aiohttp.TCPConnector):
    """aiohttp bounds the connections in use but not the idle ones: a post to 5,000 servers would keep 5,000 open."""

    def _release(self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        super()._release(key, protocol, should_close=should_close or len(self._conns) >= IDLE_HOSTS_LIMIT)


def _note_target(step: str, target: Target | Fail, asked: str) -> None:
    note(step, target if isinstance(target, Fail) else None, url=asked if isinstance(target, Fail) else target.text)


def _note_answer(step: str, answer: Response | Fail | TemporaryFail, target: Target) -> None:
    """Every status is an answer; whether it is a good one is judged by whoever asked."""
    if isinstance(answer, Response):
        note(step, None, url=target.text, status=answer.status)
    else:
        note(step, answer, url=target.text)


def _text(value: str) -> str:
    """A header value without the half surrogates that stand for bytes which are not UTF-8."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@lru_cache(64)
def _timeout(total_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total_s, sock_connect=CONNECT_TIMEOUT_S)


async def _read_remark(answer: aiohttp.ClientResponse) -> bytes:
    """What a peer says about a delivery or a refusal, if it says so soon and briefly. The status stands without it."""
    if answer.content.at_eof():
        return b""
    try:
        async with asyncio.timeout(_REMARK_TIMEOUT_S):
            content = await read_body(answer, max_bytes=_REMARK_LIMIT)
    except (aiohttp.ClientError, OSError):
        content = b""
    if not isinstance(content, bytes):
        content = b""
    if not answer.content.at_eof():
        answer.close()
    return content


def _location(answer: Response | Fail | TemporaryFail) -> str | None:
    if isinstance(answer, Response) and answer.status in _REDIRECTS:
        return answer.header("location")
    return None


def _outcome_of(error: Exception, target: Target) -> Fail | TemporaryFail:
    """The named way out for what the network did. Never contains more than the start of what a peer sent."""
    detail = f"{target.host}: {str(error)[:200]}"
    refused = _refused_address(error)
    if refused is not None:
        event(_log, "transport.refused", reason=FetchFault.ADDRESS_REFUSED.name, url=target.text, detail=refused)
        return Fail(FetchFault.ADDRESS_REFUSED, str(refused))
    match error:
        case aiohttp.ClientConnectorDNSError():
            return TemporaryFail(FetchFault.DNS, detail)
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return TemporaryFail(FetchFault.TLS, detail)
        case TimeoutError():
            return TemporaryFail(FetchFault.TIMEOUT, target.host)
        case aiohttp.ClientConnectorError():
            return TemporaryFail(FetchFault.REFUSED_CONNECTION, detail)
        case aiohttp.ClientResponseError():
            return Fail(FetchFault.MALFORMED, detail)
        case aiohttp.ClientError() | OSError():
            return TemporaryFail(FetchFault.RESET, detail)
        case _:
            return Fail(FetchFault.BAD_URL, detail)


def _refused_address(error: BaseException | None) -> AddressRefused | None:
    """aiohttp wraps what the resolver or the socket factory raised, once or twice."""
    for _ in range(5):
        if error is None or isinstance(error, AddressRefused):
            return error
        error = error.__cause__ or getattr(error, "os_error", None)
    return None
