"""An event loop with a time of its own: when nothing is ready, it is at once the moment of the next timer.

Threads and sockets have no place in it, because nobody knows when they answer: work for threads is done at once, and
connections lead into a simulated network. So one seed gives one order of events, and a month passes in seconds.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, Protocol, TypeVar

from fediverse_node.base.errors import NodeError

T = TypeVar("T")
_Address = tuple[str, int]


class Stalled(NodeError):
    """Nothing is left that could ever happen, and somebody still waits: in a real world, this would hang."""


class Connector(Protocol):
    """Where connections lead."""

    async def open(self, address: _Address) -> None:
        """Come back when the other side has answered the call; raises OSError when it does not."""
        ...

    def connect(self, protocol: asyncio.Protocol, address: _Address, extra: Mapping[str, Any]) -> asyncio.Transport:
        """A connection to an address that has answered."""
        ...


class _Instant(selectors.SelectSelector):
    """Never waits: where a real one would, the loop's time moves on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stalled("nothing is left to happen in this world, and something still waits for it")
        if timeout > 0:
            self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop of a simulated world. `time()` begins at 0 and knows nothing of the machine's clock."""

    def __init__(self) -> None:
        self._instant = _Instant()
        super().__init__(self._instant)
        self._called: dict[socket.socket, _Address] = {}
        self._connector: Connector | None = None

    def connect_by(self, connector: Connector) -> None:
        """From now on, connections lead there."""
        self._connector = connector

    def time(self) -> float:
        """Seconds since the world began."""
        return self._instant.now

    def until_next_s(self) -> float:
        """Seconds until the next timer; 0 where there is none."""
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # no other way to ask
        return max(timers[0].when() - self.time(), 0.0) if timers else 0.0

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Do the work here and now."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except StopIteration as error:  # a future refuses it
            future.set_exception(RuntimeError(f"{func!r} raised StopIteration: {error}"))
        except Exception as error:  # for whoever awaits it
            future.set_exception(error)
        return future

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Call the address; the socket itself never leaves this process."""
        if self._connector is None:
            raise OSError("this world has no network")
        await self._connector.open(address[:2])
        self._called[sock] = address[:2]

    async def create_connection(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        host: str | None = None,
        port: int | None = None,
        *,
        sock: socket.socket | None = None,
        ssl: Any = None,
        **options: Any,
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """A connection to the address that `sock` has called."""
        if sock is None or sock not in self._called or self._connector is None:
            raise OSError(f"there is no way to {host}:{port} in a simulated world")
        address = self._called.pop(sock)
        sock.close()
        protocol = protocol_factory()
        extra = {"peername": address, "sslcontext": ssl or None}
        return self._connector.connect(protocol, address, extra), protocol
