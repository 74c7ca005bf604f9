"""Reading an answer's body: never more than the limit, counted after decompression.

We offer gzip alone and inflate it here, because the limit has to hold inside one network chunk too: 64 kB of gzip can
become 64 MB. Time limits are the client's.
"""

from __future__ import annotations

import zlib

from aiohttp import ClientResponse

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.transport.faults import FetchFault

_GZIP_OR_ZLIB_HEADER = 32 + zlib.MAX_WBITS
_ENCODINGS = {"gzip", "x-gzip", "deflate"}


async def read_body(response: ClientResponse, *, max_bytes: int) -> bytes | Fail | TemporaryFail:
    """The whole decompressed body, or TOO_LARGE, MALFORMED, RESET. aiohttp's own errors pass through."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding and encoding != "identity" and encoding not in _ENCODINGS:
        return Fail(FetchFault.MALFORMED, f"content-encoding {encoding[:40]}")
    if (response.content_length or 0) > max_bytes:
        return Fail(FetchFault.TOO_LARGE, f"{response.content_length} bytes, limit {max_bytes}")
    if encoding in _ENCODINGS:
        return await _read_compressed(response, max_bytes)
    parts: list[bytes] = []
    size_bytes = 0
    async for chunk in response.content.iter_any():
        size_bytes += len(chunk)
        if size_bytes > max_bytes:
            return Fail(FetchFault.TOO_LARGE, f"limit {max_bytes} bytes")
        parts.append(chunk)
    return b"".join(parts)


async def _read_compressed(response: ClientResponse, max_bytes: int) -> bytes | Fail | TemporaryFail:
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB_HEADER)
    parts: list[bytes] = []
    size_bytes = wire_bytes = 0
    async for chunk in response.content.iter_any():
        wire_bytes += len(chunk)
        try:
            # One byte of room past the limit tells "exactly full" from "more to come".
            part = inflater.decompress(chunk, max_bytes - size_bytes + 1)
        except zlib.error as error:
            return Fail(FetchFault.MALFORMED, f"gzip: {error}")
        size_bytes += len(part)
        # What follows the end of the stream inflates to nothing: it is counted as it came.
        if size_bytes > max_bytes or wire_bytes > max_bytes:
            return Fail(FetchFault.TOO_LARGE, f"limit {max_bytes} bytes after decompression")
        parts.append(part)
    if wire_bytes and not inflater.eof:
        return TemporaryFail(FetchFault.RESET, "gzip stream ends early")
    return b"".join(parts)
