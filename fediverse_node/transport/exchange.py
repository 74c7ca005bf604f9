"""The port between this room and the network: what is asked of `Http`, and what comes back.

The real network is `client.Client`; a simulated one only has to keep this Protocol. It does not know signatures or
documents.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from fediverse_node.base.outcome import Fail, TemporaryFail

Headers = Sequence[tuple[str, str]]
# Called with the exact URL of each hop; gives the headers that are valid for that hop.
HopHeaders = Callable[[str], Awaitable[Headers]]

DOCUMENT_SIZE_LIMIT = 1_000_000
DEFAULT_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that arrived. `headers` keeps order and repetition, names in lower case; `body` is decompressed.

    `url` is the address that answered, after redirects and without fragment.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    url: str

    @property
    def content_type(self) -> str:
        """The Content-Type as sent, with its parameters; "" where there is none."""
        return self.header("content-type") or ""

    def header(self, name: str) -> str | None:
        """The first header called `name` (lower case)."""
        return next((value for key, value in self.headers if key == name), None)

    def retry_after_s(self, now: datetime) -> float | None:
        """Seconds the peer asks us to wait, never negative; None where it does not say.  spec: rfc9110#10.2.3"""
        value = (self.header("retry-after") or "").strip()
        if value.isascii() and value.isdigit():
            return float(value[:9])
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - now).total_seconds())


class Http(Protocol):
    """Requests to other servers. Every answer, of any status, is a Response; faults of the way there are outcomes."""

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
        """GET, following at most 3 redirects. `headers` go to `url` alone; `hop_headers` is asked for each hop."""
        ...

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Headers,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        hop_headers: HopHeaders | None = None,
    ) -> Response | Fail | TemporaryFail:
        """POST. A redirect is a Fail, except one 307 or 308 within the same origin, and only with `hop_headers`."""
        ...

    async def close(self) -> None:
        """End all connections."""
        ...
