"""One end of a connection that never leaves the process: an asyncio transport whose other side is a function."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class MemoryTransport(asyncio.Transport):
    """What is written goes to `on_write`; `feed`, `feed_end` and `lose` are the other side's doing."""

    def __init__(
        self,
        protocol: asyncio.Protocol,
        extra: Mapping[str, Any],
        *,
        on_write: Callable[[bytes], None],
        on_close: Callable[[], None],
    ) -> None:
        super().__init__(dict(extra))
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._on_write = on_write
        self._on_close = on_close
        self._closing = False
        self._paused = False
        self._waiting: list[bytes] = []
        self._ends = False

    @property
    def _sendfile_compatible(self) -> Any:
        """asyncio looks here before it copies a file to a socket. Told that it cannot, aiohttp writes it by itself."""
        raise NotImplementedError  # asyncio's word for it

    def set_extra(self, name: str, value: object) -> None:
        """Something for `get_extra_info` to find."""
        self._extra[name] = value  # type: ignore[attr-defined]  # asyncio.BaseTransport keeps it there

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        if not isinstance(protocol, asyncio.Protocol):
            raise TypeError("a stream needs a stream's protocol")
        self._protocol = protocol

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return not self._paused

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        while self._waiting and not self._paused:
            self._protocol.data_received(self._waiting.pop(0))
        if self._ends and not self._waiting:
            self.feed_end()

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closing and data:
            self._on_write(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        self._close(None)

    def abort(self) -> None:
        self._close(None)

    def feed(self, data: bytes) -> None:
        """Bytes arrive from the other side."""
        if self._closing:
            return
        if self._paused:
            self._waiting.append(data)
        else:
            self._protocol.data_received(data)

    def feed_end(self) -> None:
        """The other side has closed."""
        if self._closing:
            return
        if self._waiting:
            self._ends = True
            return
        if not self._protocol.eof_received():
            self._close(None)

    def lose(self, error: Exception | None) -> None:
        """The connection breaks."""
        self._close(error)

    def _close(self, error: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._on_close()
        self._loop.call_soon(self._protocol.connection_lost, error)
