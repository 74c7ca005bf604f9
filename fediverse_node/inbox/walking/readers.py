"""For those who read a thread: whether it is being looked through, or is to be now because they read it.

They never wait for it. What is to be written down is written beside their answer, and if that fails they do not notice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from fediverse_node.base.clock import Clock
from fediverse_node.base.errors import StorageError
from fediverse_node.base.log import event
from fediverse_node.domain.threads import rest_ms
from fediverse_node.storage.engine import Row
from fediverse_node.storage.queries import threads as queries
from fediverse_node.storage.writer import Writer

log = logging.getLogger(__name__)

# Whoever is not signed in could make us ask others by reading much: so many threads a minute for all of them together.
_STRANGERS_A_MINUTE = 12
_MINUTE_MS = 60_000
_REMEMBERED = 2_000


class Readers:
    """Asks for walks on behalf of readers. `wake` tells the walker."""

    def __init__(self, writer: Writer, clock: Clock, wake: Callable[[], None]) -> None:
        self._writer = writer
        self._clock = clock
        self._wake = wake
        self._wanted: dict[int, int] = {}  # thread -> when it was asked for here
        self._tasks: set[asyncio.Task[None]] = set()
        self._minute = 0
        self._strangers = 0

    def look(self, thread_id: int, walk: Row | None, *, newest_ms: int, is_stranger: bool) -> int | None:
        """The number of the walk that is under way or wanted now; None if the thread has been looked at lately.

        `walk` is its row of `thread_walks`. `newest_ms`: when the last thing was said in it, as far as is known here.
        """
        now_ms = self._clock.now_ms()
        begun = int(walk["walks"]) if walk is not None else 0
        if walk is not None and (walk["lease_ms"] or 0) > now_ms:
            return begun
        if walk is not None and walk["due_ms"] is not None and walk["due_ms"] <= now_ms:
            return begun + 1
        walked_ms = walk["walked_ms"] if walk is not None else None
        if walked_ms is not None and now_ms - walked_ms < rest_ms(now_ms - newest_ms):
            return None
        if self._wanted.get(thread_id, 0) > now_ms - _MINUTE_MS:
            return begun + 1
        if is_stranger and not self._may_stranger(now_ms):
            return None
        self._want(thread_id, now_ms)
        return begun + 1

    async def close(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _may_stranger(self, now_ms: int) -> bool:
        if now_ms // _MINUTE_MS != self._minute:
            self._minute, self._strangers = now_ms // _MINUTE_MS, 0
        self._strangers += 1
        return self._strangers <= _STRANGERS_A_MINUTE

    def _want(self, thread_id: int, now_ms: int) -> None:
        if len(self._wanted) >= _REMEMBERED:
            self._wanted.clear()
        self._wanted[thread_id] = now_ms
        task = asyncio.get_running_loop().create_task(self._write(thread_id, now_ms))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, thread_id: int, now_ms: int) -> None:
        try:
            await self._writer.run(lambda: queries.want_walk(thread_id, now_ms))
        except StorageError as error:  # a disk that is full shall not keep anybody from reading
            event(log, "walking.not_wanted", logging.WARNING, thread=thread_id, error=str(error))
            return
        self._wake()
