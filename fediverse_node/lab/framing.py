"""Where one HTTP/1.1 message ends and the next begins, for those who only look on.

spec: rfc9112#6. Not a judge: what is no HTTP is handed on as it is, and the two that talk find out by themselves.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from fediverse_node.lab.exchange import Message

_HEAD_END = b"\r\n\r\n"
_HEAD_LIMIT = 262_144
_NO_BODY = ("HEAD", "CONNECT")
_UNPACKED_LIMIT = 50_000_000


@dataclass(frozen=True, slots=True)
class Framed:
    """A whole message: as it was on the wire, and as it is read (chunks joined, compression undone)."""

    raw: bytes
    message: Message


@dataclass(frozen=True, slots=True)
class Head:
    """The first lines of a message, and how its body ends."""

    start: str
    headers: tuple[tuple[str, str], ...]
    size: int  # of the head itself, in bytes

    def get(self, name: str) -> str:
        """The first header called `name` (lower case), "" where there is none."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def is_chunked(self) -> bool:
        return "chunked" in self.get("transfer-encoding").lower()

    @property
    def is_stream(self) -> bool:
        """Whether what follows is a stream of something else: it is handed on as it comes."""
        return self.start.startswith("HTTP/1.1 101") or self.get("content-type").startswith("text/event-stream")


def read_head(data: bytes | bytearray) -> Head | None:
    """The head, once it is there whole. Raises ValueError for what cannot become one."""
    end = data.find(_HEAD_END)
    if end < 0:
        if len(data) > _HEAD_LIMIT:
            raise ValueError("no end of the head")
        return None
    start, *lines = bytes(data[:end]).decode("utf-8", "surrogateescape").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Head(start, tuple((name, value.strip()) for name, _, value in pairs), end + len(_HEAD_END))


def take_request(data: bytearray) -> Framed | None:
    """Cut a whole request off the front of `data`, or leave it as it is. Raises ValueError."""
    head = read_head(data)
    return None if head is None else _take(data, head, head.get("content-length") or "0")


def take_answer(data: bytearray, method: str) -> Framed | None:
    """Cut a whole answer to a `method` off the front, or leave it: also one that ends with the connection."""
    head = read_head(data)
    if head is None:
        return None
    status = head.start.split(" ")[1] if " " in head.start else ""
    if status.startswith("1") and status != "101":
        return _take(data, head, "0")
    if method in _NO_BODY or status in ("204", "304"):
        return _take(data, head, "0", is_chunked=False)
    length = head.get("content-length")
    return _take(data, head, length) if length or head.is_chunked else None


def rest_as_answer(data: bytearray) -> Framed | None:
    """What came before the connection ended, as far as it is an answer at all."""
    head = read_head(data)
    if head is None:
        return None
    body = bytes(data[head.size :])
    if head.is_chunked:
        body = _chunks(data, head.size)[0]
    return Framed(bytes(data), _message(head, body))


def _take(data: bytearray, head: Head, length: str, *, is_chunked: bool | None = None) -> Framed | None:
    if head.is_chunked if is_chunked is None else is_chunked:
        body, end = _chunks(data, head.size)
        if end < 0:
            return None
    else:
        end = head.size + int(length)
        if len(data) < end:
            return None
        body = bytes(data[head.size : end])
    raw = bytes(data[:end])
    del data[:end]
    return Framed(raw, _message(head, body))


def _chunks(data: bytearray, position: int) -> tuple[bytes, int]:
    """The joined chunks, and where they end: -1 while they do not.  spec: rfc9112#7.1"""
    parts: list[bytes] = []
    while True:
        line = data.find(b"\r\n", position)
        if line < 0:
            return b"".join(parts), -1
        size = int(bytes(data[position:line]).partition(b";")[0], 16)
        position = line + 2
        if size == 0:
            end = data.find(b"\r\n", position)
            if end == position:
                return b"".join(parts), end + 2
            trailers = data.find(_HEAD_END, position)
            return b"".join(parts), trailers + len(_HEAD_END) if trailers >= 0 else -1
        if len(data) < position + size + 2:
            return b"".join(parts), -1
        parts.append(bytes(data[position : position + size]))
        position += size + 2


def _message(head: Head, body: bytes) -> Message:
    encoding = head.get("content-encoding").lower()
    if encoding in ("gzip", "deflate"):
        try:
            unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
            body = unpacker.decompress(body, _UNPACKED_LIMIT)
        except zlib.error:  # shown as it is
            return Message(head.start, head.headers, body)
    return Message(head.start, head.headers, body)
