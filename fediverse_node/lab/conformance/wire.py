"""The checker's own way to the server: one request at a time, no redirect followed, every byte kept for the report.

The node's client follows redirects, joins headers and refuses to send what is malformed; here all of that is what is
examined. The guard is the same: addresses are checked when the socket is made, and only origins that were permitted
are asked at all. Sizes and times are bounded.
"""

from __future__ import annotations

import asyncio
import io
import socket
import ssl
from collections.abc import Iterable
from ipaddress import ip_address

import aiohttp
from aiohttp import AddrInfoType

from fediverse_node import __version__
from fediverse_node.base.clock import Clock
from fediverse_node.lab.exchange import Exchange, Headers, Message
from fediverse_node.protocol.uris import host_of, origin_of
from fediverse_node.transport.addresses import is_allowed_address, is_loopback
from fediverse_node.transport.exchange import Response
from fediverse_node.transport.resolver import AddressRefused, GuardedResolver, Resolver, SystemResolver
from fediverse_node.transport.urls import Target, parse_target

USER_AGENT = f"fediverse-node-check/{__version__}"
TIMEOUT_S = 20.0
BODY_LIMIT = 2_000_000
_CONNECT_TIMEOUT_S = 6.0
_LONGEST_PATIENCE_S = 30.0
_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class Wire:
    """Sends to permitted origins and gives an Exchange for whatever happens. Use it in one loop and close it."""

    def __init__(
        self,
        clock: Clock,
        *,
        loopback: bool,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        pause_s: float = 0.0,
    ) -> None:
        """`loopback`: the server is on this machine, and then no other machine is asked. `pause_s` before each."""
        self._clock = clock
        self._loopback = loopback
        self._own_resolver = SystemResolver()
        self._resolver = resolver or self._own_resolver
        self._ssl_context = ssl_context
        self._pause_s = pause_s
        self._session: aiohttp.ClientSession | None = None
        self._sent = 0
        self.permitted: set[str] = set()

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        timeout_s: float = TIMEOUT_S,
        max_bytes: int = BODY_LIMIT,
    ) -> Exchange:
        """Send one request. Where there is no answer, `failure` of the exchange says why."""
        sent = [("User-Agent", USER_AGENT), *headers]
        if any(name.lower() == "user-agent" for name, _ in sent[1:]):
            sent = sent[1:]
        target = parse_target(url, development=self._loopback)
        refusal = "" if isinstance(target, Target) else str(target)
        if isinstance(target, Target) and target.origin not in self.permitted:
            refusal = f"not asked: {target.origin} is not the server that is examined"
        exchange = self._exchange(method, url, sent, body or b"")
        if refusal or not isinstance(target, Target):
            exchange.failure = refusal
            return exchange
        for attempt in (1, 2):
            await asyncio.sleep(self._pause_s)
            await self._send(exchange, target, sent=sent, body=body, timeout_s=timeout_s, max_bytes=max_bytes)
            wait_s = self._wanted_pause_s(exchange)
            if attempt == 2 or wait_s is None:
                break
            await asyncio.sleep(wait_s)
        return exchange

    async def close(self) -> None:
        """End all connections."""
        if self._session is not None:
            await self._session.close()
        self._own_resolver.close()

    def _exchange(self, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes) -> Exchange:
        self._sent += 1
        rest = "/" + url.partition("://")[2].partition("/")[2]
        message = Message(f"{method} {rest} HTTP/1.1", tuple(headers), body)
        host = host_of(url) or url.partition("://")[2].partition("/")[0]
        return Exchange(self._sent, self._clock.now_ms(), "the checker", host, url, message)

    async def _send(
        self,
        exchange: Exchange,
        target: Target,
        *,
        sent: list[tuple[str, str]],
        body: bytes | None,
        timeout_s: float,
        max_bytes: int,
    ) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        exchange.answer, exchange.failure = None, ""
        try:
            async with self._open().request(
                exchange.method,
                target.url,
                headers=sent,
                data=io.BytesIO(body) if body else body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_TIMEOUT_S),
            ) as answer:
                exchange.request = Message(
                    f"{exchange.method} {target.url.raw_path_qs} HTTP/1.1",
                    tuple(answer.request_info.headers.items()),
                    exchange.request.body,
                )
                content = b"" if exchange.method == "HEAD" else await _read(answer, max_bytes)
                line = f"HTTP/1.1 {answer.status} {answer.reason or ''}".rstrip()
                exchange.answer = Message(line, _decoded(answer.headers.items()), content)
        except AddressRefused as error:
            exchange.failure = f"not asked: {target.host} leads to {error}, which is not where the server was found"
        except TimeoutError:
            exchange.failure = f"no answer within {timeout_s:.0f} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            exchange.failure = _plain(error)
        exchange.took_ms = (loop.time() - started) * 1000

    def _wanted_pause_s(self, exchange: Exchange) -> float | None:
        """Seconds that a server asks us to wait with 429, if it is asked kindly enough."""
        if exchange.status != 429 or exchange.answer is None:
            return None
        headers = tuple((name.lower(), value) for name, value in exchange.answer.headers)
        wanted = Response(429, headers, b"", exchange.url).retry_after_s(self._clock.now())
        wait_s = 2.0 if wanted is None else wanted
        return wait_s if wait_s <= _LONGEST_PATIENCE_S else None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                force_close=True,  # snac2 closes connections without saying so; a check must not meet that by chance
                resolver=GuardedResolver(self._resolver, loopback_allowed=self._loopback),
                socket_factory=self._socket,
                ssl=self._ssl_context or True,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=_AUTOMATIC,
                trust_env=False,
                auto_decompress=False,
                max_line_size=32_768,
                max_field_size=32_768,
            )
        return self._session

    def _socket(self, address_info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, where = address_info
        address = str(where[0])
        if self._loopback:
            # Permission was given because it is this machine: a name that changes its mind leads nowhere.
            allowed = is_loopback(ip_address(address))
        else:
            allowed = is_allowed_address(address, loopback_allowed=False)
        if not allowed:
            raise AddressRefused(address)
        return socket.socket(family, kind, protocol)


async def _read(answer: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    content = bytearray()
    async for chunk in answer.content.iter_any():
        content += chunk
        if len(content) > max_bytes:
            break
    return bytes(content[: max_bytes + 1])


def _decoded(pairs: Iterable[tuple[str, str]]) -> Headers:
    return tuple((name, value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")) for name, value in pairs)


def _plain(error: Exception) -> str:
    for cause in (error, error.__cause__, getattr(error, "os_error", None)):
        if isinstance(cause, AddressRefused):
            return f"not asked: {cause} is not where the server was found"
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return f"the encrypted connection could not be set up: {str(error)[:200]}"
        case aiohttp.ClientConnectorDNSError():
            return "the host name could not be resolved"
        case aiohttp.ClientConnectorError():
            return "no connection could be opened"
        case aiohttp.ServerDisconnectedError() | ConnectionError():
            return "the server closed the connection without an answer"
        case _:
            return f"the answer is not HTTP: {str(error)[:200]}"


def is_permitted(wire: Wire, url: str) -> bool:
    """Whether this address is on a server that may be examined."""
    return origin_of(url) in wire.permitted
