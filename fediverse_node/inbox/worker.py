"""A loop over a table of things to do: some at a time, few for each host, until they are done."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

from fediverse_node.storage.engine import Row

log = logging.getLogger(__name__)

PARALLEL = 16
_PARALLEL_PER_HOST = 3


class Worker:
    """A loop over a table of things to do, some at a time, few for each host."""

    def __init__(
        self,
        name: str,
        *,
        due: Callable[[list[str]], Awaitable[list[Row]]],  # given hosts that have enough to do already
        next_due_ms: Callable[[], Awaitable[int | None]],
        handle: Callable[[Row], Awaitable[None]],
        host: Callable[[Row], str],
        now_ms: Callable[[], int],
        longest_sleep_s: float,
    ) -> None:
        self._name = name
        self._due = due
        self._next_due_ms = next_due_ms
        self._handle = handle
        self._host = host
        self._now_ms = now_ms
        self._longest_sleep_s = longest_sleep_s
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._working: dict[int, asyncio.Task[None]] = {}
        self._per_host: Counter[str] = Counter()

    def start(self) -> None:
        """Begin with what is due."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """What is under way is left for the next start."""
        tasks = [task for task in (self._task, *self._working.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                if not await self._round():
                    await self._sleep()
            except asyncio.CancelledError:
                raise
            except Exception:  # a database that is away for a moment must not end the loop
                log.exception("%s.round_failed", self._name)
                await asyncio.sleep(1.0)

    async def _round(self) -> bool:
        if len(self._working) >= PARALLEL:
            return False
        started = False
        # What waits for a slow host must not fill the view and hide the others.
        busy = [host for host, count in self._per_host.items() if count >= _PARALLEL_PER_HOST]
        for row in await self._due(busy):
            host = self._host(row)
            if row["id"] in self._working or self._per_host[host] >= _PARALLEL_PER_HOST:
                continue
            if len(self._working) >= PARALLEL:
                break
            self._per_host[host] += 1
            self._working[row["id"]] = asyncio.create_task(self._do(row, host))
            started = True
        return started

    async def _do(self, row: Row, host: str) -> None:
        try:
            await self._handle(row)
        except Exception:  # one thing that cannot be done must not keep the others
            log.exception("%s.failed id=%s", self._name, row["id"])
            await asyncio.sleep(5.0)
        finally:
            del self._working[row["id"]]
            self._per_host[host] -= 1
            if not self._per_host[host]:
                del self._per_host[host]
            self._wake.set()

    async def _sleep(self) -> None:
        timeout_s = self._longest_sleep_s
        due_ms = await self._next_due_ms()
        if due_ms is not None and not self._working:
            timeout_s = min(max((due_ms - self._now_ms()) / 1000, 0.05), timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            return
