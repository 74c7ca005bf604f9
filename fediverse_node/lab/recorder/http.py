"""The way out of a recorded node: `Http` that notes each request as it was sent, hop by hop, and what came back.

It changes nothing: the client behind it does the asking. Bodies of redirects are not read by that client, so they are
not in the recording either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from http import HTTPStatus
from typing import Protocol

import orjson

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note, watched_by
from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.protocol.uris import host_of
from fediverse_node.signatures.request import split_url
from fediverse_node.transport.exchange import (
    DEFAULT_TIMEOUT_S,
    DOCUMENT_SIZE_LIMIT,
    Headers,
    HopHeaders,
    Http,
    Response,
)

# A step that only tells whose request this is; it is not kept.
ASKS = "recorder.asks"
# What the client adds to a GET by itself.
_ENCODING = ("Accept-Encoding", "gzip")


class OutgoingNotes(Protocol):
    """What the recorder gives to this module."""

    async def leaves(self, url: str, message: Message, activity_id: str) -> Exchange: ...

    def step(
        self, exchange: Exchange, name: str, outcome: Fail | TemporaryFail | None, detail: dict[str, object]
    ) -> None: ...

    def answered(self, exchange: Exchange) -> None: ...


class RecordedHttp:
    """`Http` around another one."""

    def __init__(self, inner: Http, notes: OutgoingNotes) -> None:
        self._inner = inner
        self._notes = notes

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
        """See `Http.get`."""
        hops = _Hops(self._notes, "GET", b"", first=(("Accept", accept), _ENCODING, *headers))
        hops.later = (("Accept", accept), _ENCODING)
        with hops.watched():
            answer = await self._inner.get(
                url,
                accept=accept,
                headers=headers,
                max_bytes=max_bytes,
                timeout_s=timeout_s,
                hop_headers=hops.noting(hop_headers),
            )
            hops.end(answer)
        return answer

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Headers,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        hop_headers: HopHeaders | None = None,
    ) -> Response | Fail | TemporaryFail:
        """See `Http.post`."""
        hops = _Hops(self._notes, "POST", body, first=tuple(headers))
        hops.later = tuple(headers)
        with hops.watched():
            if hop_headers is None:
                # To give some would allow a redirect.
                await hops.begin(url, ())
            noting = None if hop_headers is None else hops.noting(hop_headers)
            answer = await self._inner.post(url, body, headers=headers, timeout_s=timeout_s, hop_headers=noting)
            hops.end(answer)
        return answer

    async def close(self) -> None:
        """End all connections."""
        await self._inner.close()


class _Hops:
    """One call of `Http`, which may become several requests."""

    def __init__(self, notes: OutgoingNotes, method: str, body: bytes, *, first: Headers) -> None:
        self.later: Headers = ()
        self._notes = notes
        self._method = method
        self._body = body
        self._first = first
        self._current: Exchange | None = None
        self._status = 0
        self._count = 0

    def noting(self, inner: HopHeaders | None) -> HopHeaders:
        async def ask(url: str) -> Headers:
            found = await inner(url) if inner is not None else ()
            await self.begin(url, found)
            return found

        return ask

    async def begin(self, url: str, added: Headers) -> None:
        if self._current is not None:
            # Only redirects lead to another hop.
            self._finish(_answer(self._status or HTTPStatus.FOUND, (("location", url),), b""))
        self._count += 1
        named = {name.lower(): (name, value) for name, value in (self._first if self._count == 1 else self.later)}
        named.update({name.lower(): (name, value) for name, value in added})
        target = split_url(url)
        named.setdefault("host", ("host", target.authority))
        message = Message(f"{self._method} {target.in_request_line} HTTP/1.1", tuple(named.values()), self._body)
        self._current = await self._notes.leaves(url, message, _activity_id(self._body))
        note(ASKS, None, number=self._current.number)

    def end(self, answer: Response | Fail | TemporaryFail) -> None:
        if self._current is None:
            return  # nothing left this machine
        if isinstance(answer, Response):
            self._finish(_answer(answer.status, answer.headers, answer.body))
        else:
            self._current.failure = str(answer)
            self._finish(None)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Hear the steps of the client, and pass them on."""

        def hear(name: str, outcome: Fail | TemporaryFail | None, detail: dict[str, object]) -> None:
            if name.endswith(".answer"):
                status = detail.get("status")
                self._status = status if isinstance(status, int) else 0
            if self._current is not None and not name.endswith(ASKS):
                self._notes.step(self._current, name, outcome, detail)
            outside(name, outcome, detail)

        outside = _outside()
        try:
            with watched_by(hear):
                yield
        except BaseException as error:
            if self._current is not None:
                self._current.failure = f"given up: {type(error).__name__}"
                self._finish(None)
            raise

    def _finish(self, answer: Message | None) -> None:
        exchange, self._current = self._current, None
        if exchange is not None:
            exchange.answer = answer
            self._notes.answered(exchange)


def _outside() -> Callable[[str, Fail | TemporaryFail | None, dict[str, object]], None]:
    """Whoever watches now, also when somebody else watches inside."""
    context = copy_context()

    def tell(name: str, outcome: Fail | TemporaryFail | None, detail: dict[str, object]) -> None:
        context.run(note, name, outcome, **detail)

    return tell


def _answer(status: int, headers: Headers, body: bytes) -> Message:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return Message(f"HTTP/1.1 {int(status)} {phrase}".rstrip(), tuple(headers), body)


def _activity_id(body: bytes) -> str:
    if not body:
        return ""
    try:
        document = orjson.loads(body)
    except ValueError:
        return ""
    found = document.get("id") if isinstance(document, dict) else None
    return found if isinstance(found, str) else ""


def receiver_of(url: str) -> str:
    """The host that is asked."""
    return host_of(url) or split_url(url).authority
