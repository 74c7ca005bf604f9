"""Which task belongs to which node, so that a crash can end all of one node's and none of another's."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context
from typing import Any, TypeVar

from fediverse_node.lab.place import place

T = TypeVar("T")


class TaskBook:
    """A task factory that keeps the book. Tasks are ended in the order in which they began."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._tasks: dict[str, dict[asyncio.Task[Any], None]] = {}
        loop.set_task_factory(self._make)

    def kill(self, host: str) -> int:
        """Cancel all tasks of a node; how many there were."""
        found = list(self._tasks.get(host, ()))
        for task in found:
            task.cancel()
        return len(found)

    def _make(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Generator[Any, None, T] | Coroutine[Any, Any, T],
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        task: asyncio.Task[T] = asyncio.Task(work, loop=loop, context=context)
        host = place.get() if context is None else context.get(place, "")
        found = self._tasks.setdefault(host, {})
        found[task] = None
        task.add_done_callback(lambda done: found.__delitem__(done))
        return task
