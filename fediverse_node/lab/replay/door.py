"""Brings recorded requests to the node's real web server, as bytes on a connection of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.framing import take_answer
from fediverse_node.lab.replay.plan import target_of
from fediverse_node.lab.transports import MemoryTransport

# Under which the number of the recorded exchange is found on its connection.
REPLAYS = "replayed_exchange"
_DROPPED = frozenset({"content-length", "transfer-encoding", "connection", "expect", "upgrade"})
_LONGEST_S = 300.0
_PADDED_BYTES = 3_000_000


async def knock(serve: Callable[[], asyncio.Protocol], exchange: Exchange) -> None:
    """Send one request and wait for its answer, or for the end of the connection."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    answered = bytearray()

    def on_write(data: bytes) -> None:
        answered.extend(data)
        if not over.done() and take_answer(bytearray(answered), exchange.method) is not None:
            over.set_result(None)

    def on_close() -> None:
        if not over.done():
            over.set_result(None)

    protocol = serve()
    extra = {
        "peername": ("198.51.100.1", 40000),
        "sockname": ("198.51.100.2", 443),
        "sslcontext": exchange.url.startswith("https://") or None,
        REPLAYS: exchange.number,
    }
    transport = MemoryTransport(protocol, extra, on_write=on_write, on_close=on_close)
    protocol.connection_made(transport)
    transport.feed(_bytes(exchange))
    try:
        async with asyncio.timeout(_LONGEST_S):
            await over
    except TimeoutError:
        pass  # what became of it is in the recording of the replay
    finally:
        transport.feed_end()


def _bytes(exchange: Exchange) -> bytes:
    message = exchange.request
    body = message.body
    if not body:
        # What was refused before it was read is not in the recording, only how much it was.
        said = message.header("content-length") or ""
        body = b" " * min(int(said), _PADDED_BYTES) if said.isdigit() else b""
    headers = [f"{name}: {value}" for name, value in message.headers if name.lower() not in _DROPPED]
    if body or exchange.method == "POST":
        headers.append(f"Content-Length: {len(body)}")
    head = [f"{exchange.method} {target_of(message)} HTTP/1.1", *headers, "Connection: close", "", ""]
    return "\r\n".join(head).encode("utf-8", "surrogateescape") + body
