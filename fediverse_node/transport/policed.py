"""An `Http` that asks before each hop whether this server has anything to do with the host.

A redirect leads a request to a host that nobody has decided about: so the question stands here, under everything that
goes out, and not only where a request begins. Which hosts are meant, is decided elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.transport.exchange import (
    DEFAULT_TIMEOUT_S,
    DOCUMENT_SIZE_LIMIT,
    Headers,
    HopHeaders,
    Http,
    Response,
)
from fediverse_node.transport.faults import FetchFault

log = logging.getLogger(__name__)

Refuses = Callable[[str], bool]  # URL -> whether nothing is asked there


class _HopRefused(Exception):
    """A redirect leads to a refused host. Whoever is asked for headers cannot answer anything else; it ends here."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


class PolicedHttp:
    """`Http` around another one."""

    def __init__(self, inner: Http, refuses: Refuses) -> None:
        self._inner = inner
        self._refuses = refuses

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
        """As `Http.get`, or HOST_BLOCKED."""
        if self._refuses(url):
            return _refused(url)
        try:
            return await self._inner.get(
                url,
                accept=accept,
                headers=headers,
                max_bytes=max_bytes,
                timeout_s=timeout_s,
                hop_headers=self._asking(hop_headers),
            )
        except _HopRefused as refused:
            return _refused(refused.url)

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Headers,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        hop_headers: HopHeaders | None = None,
    ) -> Response | Fail | TemporaryFail:
        """As `Http.post`, or HOST_BLOCKED. A POST is redirected within its own host at most."""
        if self._refuses(url):
            return _refused(url)
        return await self._inner.post(url, body, headers=headers, timeout_s=timeout_s, hop_headers=hop_headers)

    async def close(self) -> None:
        """As `Http.close`."""
        await self._inner.close()

    def _asking(self, inner: HopHeaders | None) -> HopHeaders:
        async def hop_headers(url: str) -> Headers:
            if self._refuses(url):
                raise _HopRefused(url)
            return await inner(url) if inner is not None else ()

        return hop_headers


def _refused(url: str) -> Fail:
    fault = Fail(FetchFault.HOST_BLOCKED, url[:200])
    note("policy.outbound", fault, url=url[:200])
    event(log, "transport.refused", reason=FetchFault.HOST_BLOCKED.name, url=url[:200], detail="")
    return fault
