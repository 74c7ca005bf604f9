"""Does what takes long piece by piece: a deleted actor's thousands of posts, the followers of somebody who moved, words
that posts are found by.

Each piece is a transaction of its own, so what arrives meanwhile waits for one piece at most; between two of them the
writer rests for as long as the piece took. Errands are rows: a restart goes on where the last piece ended.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from fediverse_node.domain.activities import move
from fediverse_node.domain.effects import ActorKey, NewErrand, Put, Remove
from fediverse_node.domain.facts import Needs, World
from fediverse_node.storage.apply.words import OF_ALL, OF_ONE, put_more_words
from fediverse_node.storage.engine import Database
from fediverse_node.storage.events import Applied
from fediverse_node.storage.queries import errands as queries
from fediverse_node.storage.writer import Decision, Writer

log = logging.getLogger(__name__)

# A piece takes a fraction of a second; whoever holds one for so long has died.
_LEASE_MS = 60_000
_SHORTEST_REST_S = 0.005


class Errands:
    """A loop that sleeps while there is nothing long to do."""

    def __init__(self, database: Database, writer: Writer, world: World, *, longest_sleep_s: float) -> None:
        """`longest_sleep_s`: another process may have begun one without a word."""
        self._database = database
        self._writer = writer
        self._world = world
        self._longest_sleep_s = longest_sleep_s
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Go on with what the process before left."""
        self._writer.listen(self._on_commit)
        self._task = asyncio.create_task(self._run(), name="errands")

    async def stop(self) -> None:
        """End; a piece that is being done is taken up again by whoever comes next."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _on_commit(self, applied: Applied) -> None:
        if applied.errands:
            self._wake.set()

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            began_s = clock()
            try:
                self._wake.clear()
                if await self._piece():
                    await asyncio.sleep(max(clock() - began_s, _SHORTEST_REST_S))
                else:
                    await self._sleep()
            except asyncio.CancelledError:
                raise
            except Exception:  # a database that is away for a moment must not end the loop
                log.exception("errands.failed")
                await asyncio.sleep(1.0)

    async def _piece(self) -> bool:
        """Whether there was one to do."""
        now_ms = self._world.clock.now_ms()
        next_ = await self._database.fetch_one(queries.NEXT_DUE)
        if next_ is None or next_["due_ms"] > now_ms:
            return False
        errand = await self._writer.run(lambda: queries.claim(now_ms, _LEASE_MS))
        if errand is None:
            return False
        await self._do(errand)
        return True

    async def _do(self, errand: Any) -> None:
        if errand["kind"] == "forget":
            # Storage ends this errand itself, when nothing is left.
            gone = Remove(ActorKey(errand["actor_id"]))
            await self._writer.decide(Decision(Needs(acting=errand["actor_uri"]), lambda facts: [gone]))
            is_done = False
        elif errand["kind"] in (OF_ONE, OF_ALL):
            # This one, too.
            await self._writer.run(lambda: put_more_words(errand["id"]))
            is_done = False
        else:
            actor_uri, target_uri = errand["actor_uri"], errand["target_uri"] or ""
            decided = await self._writer.decide(
                Decision(
                    move.needs_of_piece(actor_uri, target_uri),
                    lambda facts: move.take_more_along(actor_uri, target_uri, facts),
                )
            )
            is_done = not any(isinstance(x, Put) and isinstance(x.record, NewErrand) for x in decided.effects)
        if is_done:
            await self._writer.run(lambda: queries.end(errand["id"]))
        else:
            now_ms = self._world.clock.now_ms()
            await self._writer.run(lambda: queries.go_on(errand["id"], now_ms))

    async def _sleep(self) -> None:
        timeout_s = self._longest_sleep_s
        row = await self._database.fetch_one(queries.NEXT_DUE)
        if row is not None:
            timeout_s = min(max((row["due_ms"] - self._world.clock.now_ms()) / 1000, 0.05), timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            return
