"""The network of a replay: whatever address the node's real client calls, the recording answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.framing import take_request
from fediverse_node.lab.replay.answers import Reply
from fediverse_node.lab.transports import MemoryTransport

# An address of the public internet, as far as the guard of the client can tell.
_ANYWHERE = "5.0.0.1"
_DROPPED = frozenset({"content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive", "trailer"})
_AFTER_S = 1e-6


class Wires:
    """A `Connector` of the virtual loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, reply: Callable[[Exchange], Reply]) -> None:
        self._loop = loop
        self._reply = reply

    async def resolve(self, host: str, port: int) -> list[str]:
        """Every name leads here."""
        return [_ANYWHERE]

    async def open(self, address: tuple[str, int]) -> None:
        """Every call is answered."""

    def connect(
        self, protocol: asyncio.Protocol, address: tuple[str, int], extra: Mapping[str, Any]
    ) -> MemoryTransport:
        """A connection for one request."""
        return _Wire(self._loop, self._reply, protocol, extra).transport


class _Wire:
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reply: Callable[[Exchange], Reply],
        protocol: asyncio.Protocol,
        extra: Mapping[str, Any],
    ) -> None:
        self._loop = loop
        self._reply = reply
        self._scheme = "https" if extra.get("sslcontext") is not None else "http"
        self._asked = bytearray()
        self.transport = MemoryTransport(protocol, extra, on_write=self._written, on_close=lambda: None)
        protocol.connection_made(self.transport)

    def _written(self, data: bytes) -> None:
        self._asked += data
        framed = take_request(self._asked)
        if framed is None:
            return
        message = framed.message
        target = message.start.split(" ")[1]
        url = f"{self._scheme}://{message.header('host')}{target}"
        reply = self._reply(Exchange(0, 0, "", "", url, message))
        if reply.message is None:
            self._loop.call_later(reply.delay_s, self.transport.lose, ConnectionResetError("as in the recording"))
        else:
            self._loop.call_later(reply.delay_s, self.transport.feed, _bytes(reply.message))
            self._loop.call_later(reply.delay_s + _AFTER_S, self.transport.feed_end)


def _bytes(message: Message) -> bytes:
    headers = [f"{name}: {value}" for name, value in message.headers if name.lower() not in _DROPPED]
    head = [message.start, *headers, f"Content-Length: {len(message.body)}", "Connection: close", "", ""]
    return "\r\n".join(head).encode("utf-8", "surrogateescape") + message.body
