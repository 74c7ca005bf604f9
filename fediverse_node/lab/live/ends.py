"""The end of a real connection: what comes in is cut into requests, and each is sent on through the world.

One request at a time, as clients of the fediverse do it: a second one that comes before the answer to the first would
be taken for a part of the same conversation. Not a judge of HTTP: see `lab.framing`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from fediverse_node.lab.connection import Connection
from fediverse_node.lab.exchange import Message
from fediverse_node.lab.framing import Framed, read_head, take_request
from fediverse_node.lab.live.network import LiveNetwork, LiveSite
from fediverse_node.lab.place import place

_LARGEST_BYTES = 200_000_000
_EXTRA: Mapping[str, object] = {"sslcontext": True}


@dataclass(frozen=True, slots=True)
class NoWay:
    """Why a request goes nowhere, and the status that says so."""

    status: int
    sentence: str


class Opener(Protocol):
    """What opens connections: the network, or `Unrecorded`."""

    def connect(self, protocol: asyncio.Protocol, site: LiveSite, extra: Mapping[str, object]) -> Connection: ...


class Back(asyncio.Protocol):
    """The way back: what a connection of the world answers goes out of the real one."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self.transport.close()
        else:
            self.transport.abort()


class HttpEnd(asyncio.Protocol):
    """A real connection whose client is `sender`. Where a request goes is said by its Host header."""

    def __init__(self, network: LiveNetwork, *, sender: str = "") -> None:
        self.network = network
        self.sender = sender
        self._transport: asyncio.Transport | None = None
        self._asked = bytearray()
        self._connections: dict[tuple[str, Opener], Connection] = {}
        self._current: Connection | None = None
        self._has_continued = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's
        if self._asked:
            self.data_received(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        for connection in self._connections.values():
            connection.client.close()
        self._connections.clear()

    def data_received(self, data: bytes) -> None:
        if self._current is not None and self._current.is_stream:
            self._write(self._current, data)
            return
        self._asked += data
        if self._transport is None:  # the end of a handshake may bring the first bytes along
            return
        try:
            while (framed := take_request(self._asked)) is not None:
                self._has_continued = False
                self._forward(self._transport, framed)
            self._continue(self._transport)
        except (ValueError, IndexError):
            self.refuse(400, "This is no HTTP request.")
        if len(self._asked) > _LARGEST_BYTES:
            self.refuse(413, "This request is larger than what the lab holds in memory.")

    # What kinds of ends do in their own way.

    def route(self, message: Message) -> LiveSite | NoWay:
        """Where it goes, or why it goes nowhere."""
        host = host_of(message)
        return self.network.sites.get(host) or NoWay(421, f"There is no {host[:100]!r} in this world.")

    def opener(self, message: Message) -> Opener:
        """Who carries it."""
        return self.network

    def sender_of(self, message: Message, site: LiveSite) -> str:
        """Whose request it is."""
        return self.sender

    def going_out(self, framed: Framed, site: LiveSite) -> bytes:
        """The bytes that are sent on."""
        return framed.raw

    def back(self, transport: asyncio.Transport, site: LiveSite) -> asyncio.Protocol:
        """What takes the answers of a new connection."""
        return Back(transport)

    # What they have in common.

    def refuse(self, status: int, sentence: str) -> None:
        """Answer with an error of the lab's own, and end the connection."""
        if self._transport is not None:
            self._transport.write(error_answer(status, sentence))
            self._transport.close()
        self._asked.clear()

    def _forward(self, transport: asyncio.Transport, framed: Framed) -> None:
        if "://" in framed.message.start:
            framed = _in_origin_form(framed)
        site = self.route(framed.message)
        if isinstance(site, NoWay):
            self.refuse(site.status, site.sentence)
            return
        token = place.set(self.sender_of(framed.message, site))
        try:
            key = site.host, self.opener(framed.message)
            connection = self._connections.get(key)
            if connection is None or connection.client.is_closing():
                connection = key[1].connect(self.back(transport, site), site, _EXTRA)
                self._connections[key] = connection
            self._current = connection
            connection.client.write(self.going_out(framed, site))
        finally:
            place.reset(token)

    def _write(self, connection: Connection, data: bytes) -> None:
        token = place.set(self.sender)
        try:
            connection.client.write(data)
        finally:
            place.reset(token)

    def _continue(self, transport: asyncio.Transport) -> None:
        """Some clients send a large body only when they are asked to go on.  spec: rfc9110#10.1.1"""
        head = read_head(self._asked)
        if head is not None and not self._has_continued and head.get("expect").lower() == "100-continue":
            self._has_continued = True
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def host_of(message: Message) -> str:
    """The name in the Host header, lower case, without a port."""
    return (message.header("host") or "").strip().lower().partition(":")[0]


def _in_origin_form(framed: Framed) -> Framed:
    """A request to a proxy names its host in the first line, a request to a server only its path.

    spec: rfc9112#3.2.2
    """
    message = framed.message
    method, target, version = message.start.split(" ")
    host, slash, path = target.partition("://")[2].partition("/")
    if not host or not target.startswith(("http://", "https://")):
        return framed
    kept = [pair for pair in message.headers if pair[0].lower() not in ("host", "proxy-connection")]
    origin = Message(f"{method} {slash or '/'}{path} {version}", (("Host", host), *kept), message.body)
    return Framed(dump_message(origin), origin)


def error_answer(status: int, sentence: str) -> bytes:
    """A whole answer with a sentence for whoever looks into it."""
    body = f"{sentence}\n".encode("utf-8", "replace")
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def dump_message(message: Message, *, ends_with_length: bool = True) -> bytes:
    """A message with its body, as bytes; how it was cut into pieces or packed before is forgotten."""
    gone = ("content-length", "transfer-encoding", "content-encoding") if ends_with_length else ()
    lines = [f"{name}: {value}" for name, value in message.headers if name.lower() not in gone]
    if ends_with_length and (message.body or message.header("content-length") or message.header("transfer-encoding")):
        lines.append(f"Content-Length: {len(message.body)}")
    return "\r\n".join([message.start, *lines, "", ""]).encode("utf-8", "surrogateescape") + message.body
