"""Why a request was sent, when its bytes come out of a real socket: the sending node notes it, the wire looks it up.

Sender and wire share the process, so a note keyed by what the request is (address and signature) is enough; nothing is
added to the bytes. Of two equal requests without signature at the same time either may be taken for the other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.lab.place import cause
from fediverse_node.transport.exchange import (
    DEFAULT_TIMEOUT_S,
    DOCUMENT_SIZE_LIMIT,
    Headers,
    HopHeaders,
    Http,
    Response,
)

_REMEMBERED = 10_000
Key = tuple[str, str, str, str]


class Causes:
    """The exchange in whose course each request was sent, for the newest ten thousand requests."""

    def __init__(self) -> None:
        self._causes: OrderedDict[Key, int] = OrderedDict()

    def remember(self, sender: str, method: str, url: str, headers: Headers) -> None:
        """Note the cause of a request that is about to be sent; there may be none."""
        number = cause.get()
        if number:
            self._causes[sender, method, url, _signature(headers)] = number
            if len(self._causes) > _REMEMBERED:
                self._causes.popitem(last=False)

    def find(self, sender: str, method: str, url: str, headers: Iterable[tuple[str, str]]) -> int | None:
        """The cause of a request that has come out."""
        return self._causes.get((sender, method, url, _signature(headers)))


class NotedHttp:
    """The `Http` of a node, which notes the cause of every request it sends."""

    def __init__(self, inner: Http, *, sender: str, causes: Causes) -> None:
        self._inner = inner
        self._sender = sender
        self._causes = causes

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
        """As `Http.get`."""
        return await self._inner.get(
            url,
            accept=accept,
            headers=headers,
            max_bytes=max_bytes,
            timeout_s=timeout_s,
            hop_headers=self._noting("GET", hop_headers),
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
        """As `Http.post`."""
        if hop_headers is not None:  # a POST that has them may be redirected
            hop_headers = self._noting("POST", hop_headers)
        else:
            self._causes.remember(self._sender, "POST", url, headers)
        return await self._inner.post(url, body, headers=headers, timeout_s=timeout_s, hop_headers=hop_headers)

    async def close(self) -> None:
        """As `Http.close`."""
        await self._inner.close()

    def _noting(self, method: str, inner: HopHeaders | None) -> HopHeaders:
        async def hop_headers(url: str) -> Headers:
            headers = await inner(url) if inner is not None else ()
            self._causes.remember(self._sender, method, url, headers)
            return headers

        return hop_headers


def _signature(headers: Iterable[tuple[str, str]]) -> str:
    return next((value for name, value in headers if name.lower() == "signature"), "")
