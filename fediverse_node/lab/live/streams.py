"""Streams on people's ports, translated as they come: server-sent events in chunks, and frames of WebSockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Translate = Callable[[bytes], bytes]

_FINAL_TEXT = 0x81
_MASKED = 0x80


class Stream(Protocol):
    """Takes bytes as they come, gives those that are whole."""

    def feed(self, data: bytes) -> bytes: ...


class Chunks:
    """A chunked body; the node writes an event as one chunk.  spec: rfc9112#7.1"""

    def __init__(self, translate: Translate) -> None:
        self._translate = translate
        self._buffer = bytearray()

    def feed(self, data: bytes) -> bytes:
        """The translated chunks that have come whole."""
        self._buffer += data
        out = bytearray()
        while (line := self._buffer.find(b"\r\n")) >= 0:
            size = int(bytes(self._buffer[:line]).partition(b";")[0], 16)
            end = line + 2 + size
            if len(self._buffer) < end + 2:
                break
            chunk = self._translate(bytes(self._buffer[line + 2 : end]))
            del self._buffer[: end + 2]
            out += b"%x\r\n" % len(chunk) + chunk + b"\r\n"
        return bytes(out)


class Frames:
    """The frames of a WebSocket's server, which never masks. Texts in one frame are translated.  spec: rfc6455#5.2"""

    def __init__(self, translate: Translate) -> None:
        self._translate = translate
        self._buffer = bytearray()

    def feed(self, data: bytes) -> bytes:
        """The translated frames that have come whole."""
        self._buffer += data
        out = bytearray()
        while (frame := self._take()) is not None:
            out += frame
        return bytes(out)

    def _take(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, length = buffer[0], buffer[1] & ~_MASKED
        extended = {126: 2, 127: 8}.get(length, 0)
        start = 2 + extended
        if len(buffer) < start:
            return None
        if extended:
            length = int.from_bytes(buffer[2:start], "big")
        end = start + length
        if len(buffer) < end:
            return None
        head, payload = bytes(buffer[:start]), bytes(buffer[start:end])
        del buffer[:end]
        if first != _FINAL_TEXT:
            return head + payload
        translated = self._translate(payload)
        return _head(len(translated)) + translated


class Untouched:
    """A stream of something else."""

    def feed(self, data: bytes) -> bytes:
        """The same."""
        return data


def _head(length: int) -> bytes:
    first = bytes([_FINAL_TEXT])
    if length < 126:
        return first + bytes([length])
    if length < 65_536:
        return first + bytes([126]) + length.to_bytes(2, "big")
    return first + bytes([127]) + length.to_bytes(8, "big")
