"""One connection of the simulated network: requests go one way, answers the other, one at a time.

The network decides what becomes of each; this file carries it out on the bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextvars import Context
from http import HTTPStatus
from typing import Any, Protocol

from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.faults import Draw, FaultKind
from fediverse_node.lab.framing import Framed, read_head, rest_as_answer, take_answer, take_request
from fediverse_node.lab.place import place
from fediverse_node.lab.recording import Recording
from fediverse_node.lab.transports import MemoryTransport

_AFTER_S = 1e-6
_TRICKLE_S = 1.0
_FLOOD_S = 0.01
_FLOOD = b"10000\r\n" + b" " * 65536 + b"\r\n"
_HUGE_BYTES = 10_000_000_000


class Site(Protocol):
    """The host a connection leads to."""

    host: str
    serve: Callable[[], asyncio.Protocol] | None
    context: Context | None


class Way(Protocol):
    """What a connection asks of the network."""

    loop: asyncio.AbstractEventLoop
    recording: Recording
    under_way: set[int]

    def begin(self, receiver: str, framed: Framed) -> tuple[Exchange, list[Draw]]: ...

    def now_ms(self) -> int: ...

    def way_s(self, one: str, other: str) -> float: ...

    def is_parted(self, one: str, other: str) -> bool: ...

    def remember(self, connection: Connection) -> None: ...

    def forget(self, connection: Connection) -> None: ...


class _Nobody(asyncio.Protocol):
    """The client of a request that the network has made twice."""


class Connection:
    """Both ends of a connection, and what is between them."""

    def __init__(self, network: Way, site: Site, protocol: asyncio.Protocol, extra: Mapping[str, Any]) -> None:
        self._network = network
        self._site = site
        self._opened_by = place.get()
        self._extra = extra
        self.client = MemoryTransport(protocol, extra, on_write=self._client_wrote, on_close=self._client_closed)
        self._server: MemoryTransport | None = None
        self._asked = bytearray()
        self._answered = bytearray()
        self._exchange: Exchange | None = None
        self._draws: list[Draw] = []
        self._is_stream = False
        self._is_twin = False
        self._is_broken = False
        self._has_arrived = False
        self._last_s = 0.0
        protocol.connection_made(self.client)

    @property
    def is_stream(self) -> bool:
        """Whether both sides speak something else than requests and answers by now."""
        return self._is_stream

    def break_off(self, host: str) -> None:
        """The process at one of the ends has died: the other end is told."""
        if host == self._site.host:
            self._is_broken = True
            self._break(f"{host} has crashed")
            self._server = None
        elif host == self._opened_by:
            self.client.abort()
            self._close_server()

    # What the client does.

    def _client_wrote(self, data: bytes) -> None:
        if self._is_stream:
            self._later(self._network.way_s("", ""), self._feed_server, data)
            return
        self._asked += data
        try:
            framed = take_request(self._asked)
        except ValueError as error:
            self._break(f"this is no HTTP request: {error}")
            return
        if framed is not None:
            self._exchange, self._draws = self._network.begin(self._site.host, framed)
            self._has_arrived = False
            self._send(framed)

    def _client_closed(self) -> None:
        exchange = self._exchange
        if exchange is not None and exchange.answer is None and not exchange.failure:
            # It may still arrive, and do what it says.
            exchange.failure = "the sender did not wait any longer"
            exchange.took_ms = self._network.now_ms() - exchange.at_ms
            self._network.recording.tell(exchange)
        if exchange is None or exchange.number not in self._network.under_way:
            self._network.forget(self)
        if exchange is None or self._is_stream:
            self._close_server()

    def _send(self, framed: Framed) -> None:
        """The request is on its way."""
        network, exchange = self._network, self._exchange
        assert exchange is not None  # noqa: S101 - it was begun for this very request
        network.under_way.add(exchange.number)
        way_s = network.way_s(exchange.sender, exchange.receiver) + sum(draw.delay_s for draw in self._draws)
        raw = framed.raw
        for draw in self._draws:
            match draw.rule.kind:
                case FaultKind.DROP:
                    self._lost(exchange)
                    return
                case FaultKind.RESET:
                    network.loop.call_later(way_s, self._break, "the connection was reset")
                    return
                case FaultKind.STATUS:
                    network.loop.call_later(way_s, self._answer_instead, exchange, int(draw.rule.amount))
                    return
                case FaultKind.WRONG_DIGEST if framed.message.body:
                    raw = _with_one_byte_changed(raw)
                case FaultKind.DUPLICATE:
                    self._send_twin(framed, exchange, way_s * (1 + draw.fraction) + draw.fraction)
                case _:
                    pass
        network.loop.call_later(way_s, self._arrive, exchange, raw)

    def _send_twin(self, framed: Framed, exchange: Exchange, way_s: float) -> None:
        twin = Connection(self._network, self._site, _Nobody(), self._extra)
        copy = Exchange(
            number=self._network.recording.next_number,
            at_ms=exchange.at_ms,
            sender=exchange.sender,
            receiver=exchange.receiver,
            url=exchange.url,
            request=exchange.request,
            fault="a copy made on the way",
            cause=exchange.number,
        )
        self._network.recording.begin(copy)
        twin.client.close()
        twin._is_twin = True
        twin._exchange = copy
        self._network.under_way.add(copy.number)
        self._network.remember(twin)
        self._network.loop.call_later(way_s, twin._arrive, copy, framed.raw)

    # What arrives.

    def _arrive(self, exchange: Exchange, raw: bytes) -> None:
        if self._is_broken:
            return  # the host has crashed since, and knows nothing of a connection that it had
        if self._network.is_parted(exchange.sender, exchange.receiver):
            exchange.fault = exchange.fault or FaultKind.PARTITION.value
            self._lost(exchange)
        elif self._site.serve is None:
            self._break(f"{self._site.host} is down")
        else:
            self._has_arrived = True
            self._open_server().set_extra("exchange", exchange)
            self._feed_server(raw)

    def _open_server(self) -> MemoryTransport:
        # The server does not keep an idle connection for as long as a request may be late.
        if self._server is None or self._server.is_closing():
            context, serve = self._site.context, self._site.serve
            if context is None or serve is None:
                raise ConnectionError(f"{self._site.host} is down")
            extra = {"peername": ("5.255.255.255", 40000), "sockname": ("5.0.0.1", 443), "sslcontext": True}
            protocol = context.run(serve)
            self._server = MemoryTransport(protocol, extra, on_write=self._server_wrote, on_close=self._server_closed)
            context.run(protocol.connection_made, self._server)
        return self._server

    def _feed_server(self, data: bytes) -> None:
        if self._server is not None and self._site.context is not None:
            self._site.context.run(self._server.feed, data)

    def _server_wrote(self, data: bytes) -> None:
        exchange = self._exchange
        if self._is_stream:
            self._later(self._network.way_s("", ""), self.client.feed, data)
            return
        if exchange is None:
            return
        self._answered += data
        try:
            framed = take_answer(self._answered, exchange.method)
            head = read_head(self._answered) if framed is None else None
        except (ValueError, IndexError) as error:
            self._break(f"this is no HTTP answer: {error}")
            return
        if framed is not None:
            self._answer(exchange, framed)
        elif head is not None and head.is_stream:
            self._is_stream = True
            exchange.answer = Message(head.start, head.headers)
            self._finish(exchange)
            self._later(self._network.way_s("", ""), self.client.feed, bytes(self._answered))

    def _server_closed(self) -> None:
        exchange = self._exchange if self._has_arrived else None
        if exchange is not None and self._answered and not self._is_stream:
            framed = rest_as_answer(self._answered)
            self._answered.clear()
            if framed is not None:
                self._answer(exchange, framed)
        elif exchange is not None and exchange.answer is None:
            exchange.failure = exchange.failure or "the connection was closed without an answer"
            self._finish(exchange)
        self._later(self._network.way_s("", ""), self.client.feed_end)

    def _answer(self, exchange: Exchange, framed: Framed) -> None:
        """The answer is on its way."""
        if framed.message.start.startswith("HTTP/1.1 1") and not framed.message.start.startswith("HTTP/1.1 101"):
            self._later(self._network.way_s(exchange.receiver, exchange.sender), self.client.feed, framed.raw)
            return
        exchange.answer = framed.message
        self._exchange = None
        way_s = self._network.way_s(exchange.receiver, exchange.sender)
        self._later(way_s, self._came_back, exchange, framed, self._draws)
        if self.client.is_closing():
            self._close_server()

    def _came_back(self, exchange: Exchange, framed: Framed, draws: Iterable[Draw]) -> None:
        if self._network.is_parted(exchange.receiver, exchange.sender):
            exchange.failure = "the answer was lost: nothing passes between the two"
            self._finish(exchange)
            return
        if self.client.is_closing() and not self._is_twin:
            # It crashed meanwhile, or the other did: then the connection broke before the answer was through it.
            exchange.failure = exchange.failure or "the answer was lost: nobody waited for it any more"
            self._finish(exchange)
            return
        kinds = {draw.rule.kind for draw in draws}
        if FaultKind.LOSE_ANSWER in kinds:
            exchange.failure = "the answer was lost"
            self._finish(exchange)
            return
        self._finish(exchange)
        if FaultKind.TRUNCATE in kinds:
            self.client.feed(framed.raw[: len(framed.raw) - max(len(framed.message.body) // 2, 1)])
            self.client.feed_end()
        elif FaultKind.SLOW in kinds:
            self._trickle(framed.raw, 0)
        elif FaultKind.ENDLESS in kinds:
            self.client.feed(_head_with(framed, "Transfer-Encoding: chunked"))
            self._flood()
        elif FaultKind.HUGE in kinds:
            self.client.feed(_head_with(framed, f"Content-Length: {_HUGE_BYTES}"))
            self._flood(_FLOOD[7:-2])
        else:
            self.client.feed(framed.raw)

    def _trickle(self, raw: bytes, position: int) -> None:
        if position < len(raw) and not self.client.is_closing():
            self.client.feed(raw[position : position + 1])
            self._network.loop.call_later(_TRICKLE_S, self._trickle, raw, position + 1)

    def _flood(self, piece: bytes = _FLOOD) -> None:
        if not self.client.is_closing():
            self.client.feed(piece)
            self._network.loop.call_later(_FLOOD_S, self._flood, piece)

    def _answer_instead(self, exchange: Exchange, status: int) -> None:
        body = b"an error made by the lab\n"
        again = "Retry-After: 120\r\n" if status in (429, 503) else ""
        raw = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(body)}\r\n{again}\r\n"
        ).encode() + body
        framed = take_answer(bytearray(raw), exchange.method)
        if framed is not None:
            self._answer(exchange, framed)

    # How it ends.

    def _lost(self, exchange: Exchange) -> None:
        """The network has swallowed it; the sender waits for as long as it likes."""
        exchange.failure = exchange.failure or "the request was lost on the way"
        self._finish(exchange)

    def _break(self, why: str) -> None:
        exchange = self._exchange
        if exchange is not None and exchange.answer is None:
            exchange.failure = exchange.failure or why
            self._finish(exchange)
        self._exchange = None
        self.client.lose(ConnectionResetError(why))

    def _finish(self, exchange: Exchange) -> None:
        self._network.under_way.discard(exchange.number)
        if self.client.is_closing():
            self._network.forget(self)
        exchange.took_ms = self._network.now_ms() - exchange.at_ms
        self._network.recording.tell(exchange)

    def _close_server(self) -> None:
        if self._server is not None:
            self._server.close()

    def _later(self, delay_s: float, call: Callable[..., object], *args: object) -> None:
        """After the delay, and never before what was sent earlier."""
        self._last_s = max(self._network.loop.time() + delay_s, self._last_s + _AFTER_S)
        self._network.loop.call_at(self._last_s, call, *args)


def _with_one_byte_changed(raw: bytes) -> bytes:
    """The last letter of the body becomes another one: still JSON where it was, and not what was signed."""
    position = next((at for at in range(len(raw) - 1, 0, -1) if chr(raw[at]).isalpha() and raw[at] < 128), len(raw) - 1)
    return raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]


def _head_with(framed: Framed, line: str) -> bytes:
    """The head of an answer with another way of ending."""
    ending = ("content-length", "transfer-encoding")
    kept = [f"{name}: {value}" for name, value in framed.message.headers if name.lower() not in ending]
    return "\r\n".join([framed.message.start, *kept, line, "", ""]).encode("utf-8", "surrogateescape")
