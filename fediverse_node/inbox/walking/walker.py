"""Walks threads that are due: one walk a thread at a time, whichever process does it, also after a crash.

A row of `thread_walks` that is due is claimed until a moment; a process that dies leaves it to whoever comes after that
moment. Threads in which somebody here takes part come up again by themselves, ever less often; others when they are
read.
"""

from __future__ import annotations

import asyncio
import logging

from fediverse_node.base.log import event
from fediverse_node.base.outcome import TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain.threads import ASLEEP_AFTER_MS, Ended, rest_ms
from fediverse_node.inbox.answer import Turned
from fediverse_node.inbox.told import told_as
from fediverse_node.inbox.walking.limits import LIMITS, Limits
from fediverse_node.inbox.walking.walk import Ports, Walk
from fediverse_node.inbox.worker import Worker
from fediverse_node.storage.apply.threads import join
from fediverse_node.storage.engine import Row
from fediverse_node.storage.events import Applied
from fediverse_node.storage.queries import threads as queries
from fediverse_node.storage.unit import Unit

log = logging.getLogger(__name__)

_AT_ONCE = 8
# Longer than a walk may take, so that nobody takes it over who need not.
_LEASE_BEYOND_S = 60.0
_CONTINUE_MS = 2 * 60_000
_BROKEN_REST_MS = 3_600_000


class Walker:
    """The loop over threads that are due."""

    def __init__(self, ports: Ports, *, longest_sleep_s: float, limits: Limits = LIMITS) -> None:
        self._ports = ports
        self._limits = limits
        self._worker = Worker(
            "walking",
            due=self._due,
            next_due_ms=self._next_due_ms,
            handle=self._walk,
            # A worker does few things for one host: here, for each of a few lanes.
            host=lambda row: str(row["id"] % 3),
            now_ms=ports.world.clock.now_ms,
            longest_sleep_s=longest_sleep_s,
        )

    def start(self) -> None:
        """Take up what is due."""
        self._worker.start()
        self._ports.writer.listen(self._on_commit)

    async def stop(self) -> None:
        """A walk under way is left for whoever comes after its time."""
        await self._worker.stop()

    def wake(self) -> None:
        """Something may be due."""
        self._worker.wake()

    def _on_commit(self, applied: Applied) -> None:
        if applied.walks:
            self.wake()

    async def _due(self, busy: list[str]) -> list[Row]:
        return await self._ports.database.fetch(
            queries.DUE_WALKS, now_ms=self._ports.world.clock.now_ms(), most=_AT_ONCE
        )

    async def _next_due_ms(self) -> int | None:
        row = await self._ports.database.fetch_one(queries.NEXT_WALK)
        return int(row[0]) if row is not None and row[0] is not None else None

    async def _walk(self, row: Row) -> None:
        clock, writer = self._ports.world.clock, self._ports.writer
        now_ms = clock.now_ms()
        until_ms = now_ms + int((self._limits.time_s + _LEASE_BEYOND_S) * 1000)
        claimed = await writer.run(lambda: _claim(row["id"], now_ms, until_ms))
        if claimed is None:
            return
        thread_id = int(claimed["thread_id"])
        note("walk.begun", None, thread=thread_id, number=claimed["walks"])
        walk = Walk(self._ports, thread_id, self._limits)
        with told_as("walk.", thread=thread_id):
            ended: Ended | None
            try:
                # Beside its budget, which ends it in good order: nothing may hold a thread longer than its lease.
                async with asyncio.timeout(self._limits.time_s + _LEASE_BEYOND_S / 2):
                    await walk.run()
                ended = walk.ended
            except Exception:  # else it would be tried again and again
                log.exception("walking.failed thread=%s", thread_id)
                ended = Ended.BROKEN
        now_ms = clock.now_ms()
        next_ms = self._next_ms(claimed, walk, ended, now_ms)
        why = ended.name if ended is not None else ""
        await writer.run(lambda: queries.end_walk(walk.thread_id, now_ms, next_ms=next_ms, why=why))
        event(log, "walking.ended", logging.DEBUG, thread=walk.thread_id, found=walk.found, why=why)
        told = TemporaryFail(Turned.BROKEN) if ended is Ended.BROKEN else TemporaryFail(ended) if ended else None
        note("walk.ended", told, thread=walk.thread_id, found=walk.found, next_ms=next_ms)

    def _next_ms(self, claimed: Row, walk: Walk, ended: Ended | None, now_ms: int) -> int | None:
        rounds = 0 if walk.found else int(claimed["rounds"]) + 1
        if ended is Ended.BUDGET and rounds < self._limits.continuations:
            return now_ms + _CONTINUE_MS * (rounds + 1)
        if not claimed["ours"] or not (walk.picture.has_others or ended is Ended.BROKEN):
            return None
        if ended is Ended.BROKEN:
            return now_ms + _BROKEN_REST_MS
        age_ms = now_ms - walk.picture.newest_ms
        return now_ms + rest_ms(age_ms) if age_ms < ASLEEP_AFTER_MS else None


def _claim(thread_id: int, now_ms: int, until_ms: int) -> Unit[Row | None]:
    """Take it, under the name that the thread has by now."""
    present = yield from queries.present(thread_id)
    if present != thread_id:
        yield from join([thread_id], present)
    claimed = yield from queries.claim_walk(present, now_ms, until_ms)
    return claimed
