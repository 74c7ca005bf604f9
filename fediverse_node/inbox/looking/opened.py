"""What people open makes us look once more at where it comes from: beside their answer, few at a time, and seldom.

Whoever is not signed in could make us ask others by opening much: for all of them together there is so much a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from fediverse_node.base.clock import Clock
from fediverse_node.base.errors import StorageError
from fediverse_node.base.log import event

log = logging.getLogger(__name__)

_PARALLEL = 4
_WAITING = 100
_STRANGERS_A_MINUTE = 12
_MINUTE_MS = 60_000
_REMEMBERED = 10_000


class Opened:
    """Looks at things by their number, each at most every `rest_ms` in this process whatever becomes of it."""

    def __init__(self, look: Callable[[int], Awaitable[object]], clock: Clock, *, rest_ms: int, name: str) -> None:
        self._look = look
        self._clock = clock
        self._rest_ms = rest_ms
        self._name = name
        self._looked: OrderedDict[int, int] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._few = asyncio.Semaphore(_PARALLEL)
        self._minute = 0
        self._strangers = 0

    def soon(self, id_: int, *, is_stranger: bool) -> bool:
        """Look at it in the background; whether that will be done."""
        now_ms = self._clock.now_ms()
        is_rested = now_ms - self._looked.get(id_, -self._rest_ms) >= self._rest_ms
        if not is_rested or len(self._tasks) >= _WAITING or (is_stranger and not self._may_stranger(now_ms)):
            return False
        self._looked[id_] = now_ms
        self._looked.move_to_end(id_)
        if len(self._looked) > _REMEMBERED:
            self._looked.popitem(last=False)
        task = asyncio.get_running_loop().create_task(self._look_quietly(id_))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """What is under way is looked at another time."""
        for task in self._tasks:
            task.cancel()
        await self.settled()

    def _may_stranger(self, now_ms: int) -> bool:
        if now_ms // _MINUTE_MS != self._minute:
            self._minute, self._strangers = now_ms // _MINUTE_MS, 0
        self._strangers += 1
        return self._strangers <= _STRANGERS_A_MINUTE

    async def _look_quietly(self, id_: int) -> None:
        async with self._few:
            try:
                await self._look(id_)
            except StorageError as error:
                event(log, "opened.not_looked", logging.WARNING, what=self._name, id=id_, error=str(error))
            except Exception:  # in the background nobody else would hear of it
                log.exception("opened.failed what=%s id=%s", self._name, id_)
