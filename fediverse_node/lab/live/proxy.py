"""The proxy by which programs outside of the world reach it: an HTTP proxy on loopback, for this world's names only.

A program that honours `https_proxy` needs no DNS and no certificate of its own: it asks for a tunnel to beta.test:443,
and behind it the lab speaks TLS as beta.test. There is one proxy for each stranger, so that the record knows who
asked, and one for people whose apps insist on https.  spec: rfc9110#9.3.6
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from fediverse_node.lab.framing import Head, read_head
from fediverse_node.lab.live.ends import HttpEnd, error_answer
from fediverse_node.lab.live.network import LiveNetwork

_PORTS = {"443": True, "80": False}


class ProxyEnd(asyncio.Protocol):
    """One connection to the proxy, until it is known what it is for."""

    def __init__(self, network: LiveNetwork, *, new_end: Callable[[], HttpEnd], context: ssl.SSLContext) -> None:
        """`new_end` makes what takes over once the tunnel stands."""
        self._network = network
        self._new_end = new_end
        self._context = context
        self._asked = bytearray()
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or self._task is not None:
            return
        self._asked += data
        try:
            head = read_head(self._asked)
        except ValueError:
            self._refuse(transport, 400, "This is no HTTP request.")
            return
        if head is None:
            return
        if head.start.startswith("CONNECT "):
            self._tunnel(transport, head)
        else:
            end = self._new_end()  # it reads the absolute form
            transport.set_protocol(end)
            end.connection_made(transport)
            end.data_received(bytes(self._asked))

    def _tunnel(self, transport: asyncio.Transport, head: Head) -> None:
        name, _, port = head.start.split(" ")[1].lower().rpartition(":")
        if not self._network.is_known(name) or port not in _PORTS:
            self._refuse(transport, 403, self._only_here(f"{name}:{port}"))
            return
        if self._asked[head.size :]:
            self._refuse(transport, 400, "A tunnel begins when it has been answered.")
            return
        # What comes next is for whoever takes over, not for this protocol.
        transport.pause_reading()
        transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self._task = asyncio.get_running_loop().create_task(self._hand_over(transport, is_tls=_PORTS[port]))

    async def _hand_over(self, transport: asyncio.Transport, *, is_tls: bool) -> None:
        end = self._new_end()
        if not is_tls:
            transport.set_protocol(end)
            end.connection_made(transport)
            transport.resume_reading()
            return
        try:
            inner = await asyncio.get_running_loop().start_tls(transport, end, self._context, server_side=True)
        except (OSError, ssl.SSLError):  # the client does not trust the lab's authority, and has been told so
            transport.abort()
            return
        if inner is not None:
            end.connection_made(inner)

    def _refuse(self, transport: asyncio.Transport, status: int, sentence: str) -> None:
        transport.write(error_answer(status, sentence))
        transport.close()

    def _only_here(self, wanted: str) -> str:
        names = ", ".join(self._network.sites)
        return f"This proxy leads to the servers of this world only ({names}), ports 443 and 80; not to {wanted[:200]}."
