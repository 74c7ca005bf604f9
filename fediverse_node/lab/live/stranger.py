"""Outside servers in a live world: a name, an address, and the way from one to the other.

A stranger believes that it is behind a reverse proxy, which is what the lab is to it: TLS has ended before, the Host
header is the stranger's name, and X-Forwarded-* say how it was asked.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from fediverse_node.base.errors import ConfigurationError
from fediverse_node.lab.exchange import Exchange

_REQUEST = re.compile(rb"[A-Z]{2,20} [^ ]+ HTTP/1\.[01]\r\n")
_NAME = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Stranger:
    """An outside server: the name by which the world knows it, and where it listens."""

    name: str
    host: str
    port: int
    is_https: bool = False

    @property
    def address(self) -> str:
        """host:port"""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Where its own people open it."""
        return f"{'https' if self.is_https else 'http'}://{self.address}"


def parse_stranger(text: str) -> Stranger:
    """`mastodon.test=127.0.0.1:3000`, or with http:// or https:// before the address. Raises ConfigurationError."""
    name, equals, address = text.strip().partition("=")
    name = name.strip().lower()
    if not equals or not _NAME.fullmatch(name) or _is_ip(name):
        raise ConfigurationError(
            f"{text!r} does not say who is attached: give NAME=ADDRESS, as in mastodon.test=127.0.0.1:3000"
        )
    address = address.strip() if "://" in address else f"http://{address.strip()}"
    found = _address(address)
    if found is None:
        raise ConfigurationError(
            f"{text!r} does not say where {name} listens: give an address as 127.0.0.1:3000, http://127.0.0.1:3000 or"
            " https://127.0.0.1:8443, without a path"
        )
    return Stranger(name, *found)


def _address(url: str) -> tuple[str, int, bool] | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.scheme not in _DEFAULT_PORTS or parts.path.strip("/") or parts.query or parts.username:
        return None
    return host, port or _DEFAULT_PORTS[parts.scheme], parts.scheme == "https"


class Outlet(asyncio.Protocol):
    """The server's end of a connection whose server is somewhere else: bytes go to its address and come back."""

    def __init__(self, stranger: Stranger) -> None:
        self._stranger = stranger
        self._inner: asyncio.Transport | None = None
        self._outer: asyncio.Transport | None = None
        self._waiting: list[bytes] = []
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._inner = transport  # type: ignore[assignment]  # a stream's
        self._task = asyncio.get_running_loop().create_task(self._open())

    def data_received(self, data: bytes) -> None:
        if _REQUEST.match(data):
            data = self._as_a_proxy_would(data)
        if self._outer is None:
            self._waiting.append(data)
        else:
            self._outer.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._outer is not None:
            self._outer.close()

    async def _open(self) -> None:
        stranger, inner = self._stranger, self._inner
        if inner is None:
            return
        try:
            outer, _ = await asyncio.get_running_loop().create_connection(
                lambda: _Return(inner),
                stranger.host,
                stranger.port,
                ssl=_unchecked() if stranger.is_https else None,
                server_hostname=stranger.name if stranger.is_https else None,
            )
        except OSError as error:
            exchange = inner.get_extra_info("exchange")
            if isinstance(exchange, Exchange):
                exchange.failure = f"nobody answers for {stranger.name} at {stranger.address}: {error}"
            inner.close()
            return
        self._outer = outer
        outer.writelines(self._waiting)
        self._waiting.clear()

    def _as_a_proxy_would(self, request: bytes) -> bytes:
        start, _, rest = request.partition(b"\r\n")
        added = f"X-Forwarded-Proto: https\r\nX-Forwarded-Host: {self._stranger.name}\r\nX-Forwarded-For: 127.0.0.1\r\n"
        return start + b"\r\n" + added.encode() + rest


class _Return(asyncio.Protocol):
    """The stranger's answers, on their way back."""

    def __init__(self, inner: asyncio.Transport) -> None:
        self._inner = inner

    def data_received(self, data: bytes) -> None:
        self._inner.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.close()


def _unchecked() -> ssl.SSLContext:
    # Whoever attached it named its very address; what certificate a server under test has is not looked at.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _is_ip(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
