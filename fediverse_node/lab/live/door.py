"""The port at which people, their browsers and their apps reach a node: plain http, addresses translated.

To the node it looks as if it were asked by its true name over TLS. What people do is recorded, because it is the cause
of what the node sends; what they only read is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from fediverse_node.lab.exchange import Message
from fediverse_node.lab.framing import Framed, Head, read_head, rest_as_answer, take_answer
from fediverse_node.lab.live.ends import HttpEnd, NoWay, Opener, dump_message
from fediverse_node.lab.live.network import LiveNetwork, LiveSite, Unrecorded
from fediverse_node.lab.live.streams import Chunks, Frames, Stream, Untouched
from fediverse_node.lab.live.translate import Translator, cookies_in, cookies_out, is_form, is_text

_READING = ("GET", "HEAD", "OPTIONS")
# Looking for somebody makes the node ask other servers.
_ACTS = ("/api/v1/search", "/api/v2/search", "/api/v1/accounts/search", "/api/v1/accounts/lookup")
# Compressed answers cannot be translated, and neither can compressed frames.
_NOT_PASSED_ON = ("accept-encoding", "sec-websocket-extensions")
# They would forbid the browser to come back over plain http.
_NOT_PASSED_OUT = ("strict-transport-security", "alt-svc")


@dataclass(frozen=True)
class Door:
    """What the ends of one node's port share. `who` finds the person of an access token, "" for nobody known."""

    host: str
    network: LiveNetwork
    unrecorded: Unrecorded
    translator: Callable[[], Translator]
    who: Callable[[str], str]

    @property
    def cookie_prefix(self) -> str:
        """Before the names of this node's cookies."""
        return f"{self.host}."


class DoorEnd(HttpEnd):
    """A connection of a browser or an app."""

    def __init__(self, door: Door) -> None:
        super().__init__(door.network)
        self._door = door
        self._asked_for = "127.0.0.1"
        self._method = "GET"

    def route(self, message: Message) -> LiveSite | NoWay:
        """The node whose door it is, asked under a name of this machine."""
        name = (message.header("host") or "").lower().partition(":")[0]
        if not self._door.translator().is_here(name):
            return NoWay(421, "This port answers as 127.0.0.1 and localhost only, so that no website can reach it.")
        site = self.network.sites[self._door.host]
        if site.serve is None:
            return NoWay(503, f"{self._door.host} is down.")
        self._asked_for, self._method = name, message.start.partition(" ")[0]
        return site

    def opener(self, message: Message) -> Opener:
        """Acts are recorded."""
        method, _, rest = message.start.partition(" ")
        is_act = method not in _READING or rest.partition(" ")[0].partition("?")[0] in _ACTS
        return self.network if is_act else self._door.unrecorded

    def sender_of(self, message: Message, site: LiveSite) -> str:
        """The person, where the app shows a token."""
        return self._door.who((message.header("authorization") or "").removeprefix("Bearer ").strip())

    def going_out(self, framed: Framed, site: LiveSite) -> bytes:
        """As the node would be asked by its true name."""
        message, translator = framed.message, self._door.translator()
        headers: list[tuple[str, str]] = []
        for name, value in message.headers:
            match name.lower():
                case "host":
                    headers.append((name, site.host))
                case "cookie":
                    if own := cookies_in(value, self._door.cookie_prefix):
                        headers.append((name, own))
                case lower if lower not in _NOT_PASSED_ON:
                    headers.append((name, translator.inward_text(value)))
        body = message.body
        if is_form(message.header("content-type") or ""):
            body = translator.inward(body)
        return dump_message(Message(translator.inward_text(message.start), tuple(headers), body))

    def back(self, transport: asyncio.Transport, site: LiveSite) -> asyncio.Protocol:
        """Answers are translated on their way."""
        return _DoorBack(transport, self)

    def translated(self, message: Message) -> bytes:
        """An answer as this browser can use it."""
        body = message.body
        if is_text(message.header("content-type") or ""):
            body = self.outward(body)
        return dump_message(Message(message.start, self.translated_headers(message.headers), body))

    def translated_headers(self, headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """The headers of an answer."""
        kept = []
        for name, value in headers:
            match name.lower():
                case "set-cookie":
                    kept.append((name, cookies_out(value, self._door.cookie_prefix)))
                case lower if lower not in _NOT_PASSED_OUT:
                    kept.append((name, self._door.translator().outward_text(value, asked=self._asked_for)))
        return tuple(kept)

    def outward(self, data: bytes) -> bytes:
        """A text as this browser can use it."""
        return self._door.translator().outward(data, asked=self._asked_for)

    @property
    def method(self) -> str:
        """Of the request that is being answered."""
        return self._method


class _DoorBack(asyncio.Protocol):
    """Takes answers and streams of the node."""

    def __init__(self, transport: asyncio.Transport, end: DoorEnd) -> None:
        self._transport = transport
        self._end = end
        self._answered = bytearray()
        self._stream: Stream | None = None

    def data_received(self, data: bytes) -> None:
        if self._stream is not None:
            self._transport.write(self._stream.feed(data))
            return
        self._answered += data
        while (framed := take_answer(self._answered, self._end.method)) is not None:
            # An answer without a body keeps the length that one would have.
            self._transport.write(self._head_alone(framed) or self._end.translated(framed.message))
        head = read_head(self._answered)
        if head is not None and head.is_stream:
            self._begin_stream(head)

    def eof_received(self) -> bool:
        if self._answered and self._stream is None:
            framed = rest_as_answer(self._answered)
            if framed is not None:
                self._transport.write(self._end.translated(framed.message))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self._transport.close()
        else:
            self._transport.abort()

    def _begin_stream(self, head: Head) -> None:
        if head.start.startswith("HTTP/1.1 101"):
            self._stream = Frames(self._end.outward)
        else:
            self._stream = Chunks(self._end.outward) if head.is_chunked else Untouched()
        message = Message(head.start, self._end.translated_headers(head.headers))
        self._transport.write(dump_message(message, ends_with_length=False))
        rest = bytes(self._answered[head.size :])
        self._answered.clear()
        if rest:
            self._transport.write(self._stream.feed(rest))

    def _head_alone(self, framed: Framed) -> bytes | None:
        message = framed.message
        if self._end.method != "HEAD" and message.start.split(" ")[1] not in ("204", "304"):
            return None
        translated = Message(message.start, self._end.translated_headers(message.headers))
        return dump_message(translated, ends_with_length=False)
