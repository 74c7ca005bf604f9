"""Bodies as people can read them: chunks joined, compression taken off, bytes as text; and JSON of any text.

spec: rfc9112#7.1, rfc9110#8.4.1 (gzip, deflate). Other codings are named and left as they are. What a stranger sent
never costs more than `MOST_UNPACKED_BYTES`.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from fediverse_node.base.clock import from_ms
from fediverse_node.lab.exchange import Exchange, Message

MOST_UNPACKED_BYTES = 4_000_000
_LATEST_MS = 253_402_300_799_000  # the end of the year 9999
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
# gzip or zlib, told apart by their first bytes.
_ANY_ZLIB = 32 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Content:
    """A body unpacked. `note` says what was done to it, or why that was not possible; "" for nothing."""

    body: bytes
    note: str = ""

    @property
    def text(self) -> str | None:
        """The body as text; None if it is not UTF-8."""
        return text_of(self.body)

    @property
    def document(self) -> dict[str, Any] | None:
        """The body as a JSON object, if it is one."""
        return Message("", (), self.body).document


def read_content(message: Message) -> Content:
    """What a message says once its transfer and content codings are taken off. Never fails."""
    body, notes = message.body, []
    if "chunked" in (message.header("transfer-encoding") or "").lower():
        joined = _join_chunks(body)
        if joined is not None:
            body = joined
            notes.append("sent in chunks, joined here")
    coding = (message.header("content-encoding") or "").strip().lower()
    if coding and coding != "identity" and body:
        if coding not in ("gzip", "x-gzip", "deflate"):
            notes.append(f"compressed as {coding[:40]}, shown as sent")
        elif not isinstance(unpacked := _unpack(body), str):
            notes.append(f"{coding} of {len(body)} bytes, unpacked to {len(unpacked)}")
            body = unpacked
        elif text_of(body) is None:
            # Text under such a header is what a recorder has unpacked already.
            notes.append(f"said to be {coding}, but {unpacked}")
    return Content(body, "; ".join(notes))


def _join_chunks(body: bytes) -> bytes | None:
    """The body of chunks; None if these are not chunks from the first byte to the last (it was joined already)."""
    parts: list[bytes] = []
    position = 0
    while (match := _CHUNK_SIZE.match(body, position)) is not None:
        size = int(match[1], 16)
        position = match.end() + size
        if size == 0:
            return b"".join(parts) if body.endswith(b"\r\n", position) else None
        if body[position : position + 2] != b"\r\n":
            return None
        parts.append(body[match.end() : position])
        position += 2
    return None


def _unpack(body: bytes) -> bytes | str:
    """The bytes, or in words why there are none."""
    for window in (_ANY_ZLIB, -zlib.MAX_WBITS):
        reader = zlib.decompressobj(window)
        try:
            found = reader.decompress(body, MOST_UNPACKED_BYTES)
        except zlib.error:
            continue
        if reader.unconsumed_tail:
            return f"it unpacks to more than {MOST_UNPACKED_BYTES} bytes"
        if not reader.eof:
            return "it ends too early"
        return found
    return "it cannot be unpacked"


def text_of(body: bytes) -> str | None:
    """Bytes as text; None if they are not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def moment_of(exchange: Exchange) -> datetime:
    """When the request left, by the world's clock."""
    return from_ms(min(max(exchange.at_ms, 0), _LATEST_MS))


def clean(text: str) -> str:
    """Text without half surrogates, which stand for header bytes that are not UTF-8 and fit in no JSON."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()


def dump_json(value: object) -> bytes:
    """JSON of anything an exchange may hold."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(_cleaned(value))


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return value if isinstance(value, int | float | bool | None) else clean(str(value))


def dump_bytes(body: bytes) -> str:
    """Base64."""
    return base64.b64encode(body).decode("ascii")
