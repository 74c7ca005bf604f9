"""What the other servers of a recording answered, given again to the same questions in the same order.

What was never asked in the recording is answered 404, and told as an additional request by the comparison. What was
asked once and is asked twice gets the same answer twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.replay.normal import activity_id, request_key
from fediverse_node.transport.exchange import (
    DEFAULT_TIMEOUT_S,
    DOCUMENT_SIZE_LIMIT,
    Headers,
    HopHeaders,
    Http,
    Response,
)
from fediverse_node.transport.faults import FetchFault

_LONGEST_S = 120.0
_TEMPORARY = frozenset(
    {FetchFault.DNS, FetchFault.TLS, FetchFault.TIMEOUT, FetchFault.REFUSED_CONNECTION, FetchFault.RESET}
)
_UNKNOWN = Message("HTTP/1.1 404 Not Found", (("Content-Type", "text/plain"),), b"not in the recording\n")
_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """What comes back after `delay_s`; None: the connection breaks."""

    message: Message | None
    delay_s: float


class Book:
    """The answers of a recording."""

    def __init__(self, outgoing: Iterable[Exchange]) -> None:
        self._waiting: dict[_Key, list[Exchange]] = {}
        self._last: dict[tuple[_Key, str], Exchange] = {}
        for exchange in outgoing:
            self._waiting.setdefault(request_key(exchange), []).append(exchange)
        self._asked: dict[_Key, int] = {}

    def times_asked(self, exchange: Exchange) -> int:
        """How often the replay has asked this so far."""
        return self._asked.get(request_key(exchange), 0)

    def next_of(self, exchange: Exchange) -> Exchange | None:
        """The recorded exchange that answers this request next; it stays in the book."""
        key, id_ = request_key(exchange), activity_id(exchange)
        waiting = self._waiting.get(key, [])
        exact = next((item for item in waiting if activity_id(item) == id_), None)
        # Asked again and again, it is answered as it was last; else it goes by another number this time.
        return exact or self._last.get((key, id_)) or (waiting[0] if waiting else None)

    def take(self, exchange: Exchange) -> Exchange | None:
        """As `next_of`, and it is used up."""
        key = request_key(exchange)
        self._asked[key] = self._asked.get(key, 0) + 1
        found = self.next_of(exchange)
        if found is not None:
            self._last[key, activity_id(exchange)] = found
            waiting = self._waiting.get(key, [])
            if found in waiting:
                waiting.remove(found)
        return found

    def reply(self, exchange: Exchange) -> Reply:
        """The answer to a request that has arrived."""
        recorded = self.take(exchange)
        if recorded is None:
            return Reply(_UNKNOWN, 0.01)
        return Reply(recorded.answer, min(recorded.took_ms / 1000, _LONGEST_S))


class RecordedFaults:
    """`Http` that ends as it ended in the recording, where no answer came: nobody can break a wire in just that way."""

    def __init__(self, inner: Http, book: Book) -> None:
        self._inner = inner
        self._book = book

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
        fault = await self._fault("GET", url, b"", hop_headers, timeout_s)
        if fault is not None:
            return fault
        return await self._inner.get(
            url, accept=accept, headers=headers, max_bytes=max_bytes, timeout_s=timeout_s, hop_headers=hop_headers
        )

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
        fault = await self._fault("POST", url, body, hop_headers, timeout_s)
        if fault is not None:
            return fault
        return await self._inner.post(url, body, headers=headers, timeout_s=timeout_s, hop_headers=hop_headers)

    async def close(self) -> None:
        """End all connections."""
        await self._inner.close()

    async def _fault(
        self, method: str, url: str, body: bytes, hop_headers: HopHeaders | None, timeout_s: float
    ) -> Fail | TemporaryFail | None:
        asked = Exchange(0, 0, "", "", url, Message(f"{method} / HTTP/1.1", (), body))
        recorded = self._book.next_of(asked)
        if recorded is None or recorded.answer is not None:
            return None
        self._book.take(asked)
        if hop_headers is not None:
            await hop_headers(url)
        await asyncio.sleep(min(recorded.took_ms / 1000, timeout_s))
        return _outcome(recorded.failure)


def _outcome(failure: str) -> Fail | TemporaryFail:
    for fault in FetchFault:
        if failure.startswith(fault.sentence):
            detail = failure.removeprefix(fault.sentence).strip().removeprefix("(").removesuffix(")")
            return (TemporaryFail if fault in _TEMPORARY else Fail)(fault, detail)
    # In the words of the lab's network: lost, refused, broken off.
    is_lost = "lost" in failure or "did not wait" in failure
    return TemporaryFail(FetchFault.TIMEOUT if is_lost else FetchFault.RESET, failure)
