"""The one writer of a process: what waits is committed together.

A commit costs a flush of the disk, whatever is in it. So work is handed over once per turn of the event
loop while the writer is idle, and all that came meanwhile goes together when it is not; nothing ever waits
for company. When a batch fails, each of its items is tried alone, so a bad one fails by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fediverse_node.base.log import event
from fediverse_node.domain import effects as e
from fediverse_node.domain.facts import Facts, Needs, World
from fediverse_node.storage.apply import apply
from fediverse_node.storage.engine import Database
from fediverse_node.storage.events import Applied
from fediverse_node.storage.facts import load_facts
from fediverse_node.storage.unit import Unit

T = TypeVar("T")
log = logging.getLogger(__name__)

_LARGEST_BATCH = 400

Decide = Callable[[Facts], Iterable[e.Effect]]


@dataclass(frozen=True, slots=True)
class Decision:
    """Something to decide with facts: what it needs, the rule, and units to run in the same transaction."""

    needs: Needs
    decide: Decide
    beside: tuple[Callable[[], Unit[Any]], ...] = ()


@dataclass(slots=True)
class Decided:
    """What came of a decision."""

    effects: list[e.Effect] = field(default_factory=list)

    @property
    def refusal(self) -> e.Refuse | None:
        """Why nothing happened, if so."""
        return next((effect for effect in self.effects if isinstance(effect, e.Refuse)), None)


@dataclass(slots=True)
class _Waiting:
    work: Decision | Callable[[], Unit[Any]]
    future: asyncio.Future[Any]


class Writer:
    """Takes units and decisions, commits them in batches, tells listeners what was committed."""

    def __init__(self, database: Database, world: World) -> None:
        self._database = database
        self._world = world
        self._waiting: list[_Waiting] = []
        self._busy = False
        self._scheduled = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners: list[Callable[[Applied], None]] = []
        self.blocked_hosts: frozenset[str] = frozenset()
        self.batches = 0
        self.items = 0

    def listen(self, listener: Callable[[Applied], None]) -> None:
        """Call this after each commit with what happened. It must be quick and must not raise."""
        self._listeners.append(listener)

    async def run(self, unit: Callable[[], Unit[T]]) -> T:
        """Run a unit; returns after the commit. Raises what the unit or the database raised."""
        result: T = await self._enqueue(unit)
        return result

    async def decide(self, decision: Decision) -> Decided:
        """Decide and carry out; returns after the commit."""
        decided: Decided = await self._enqueue(decision)
        return decided

    async def drain(self) -> None:
        """Wait until nothing is left to commit."""
        while self._tasks or self._waiting:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.sleep(0)

    def _enqueue(self, work: Any) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(_Waiting(work, future))
        if not self._busy and not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._hand_over)
        return future

    def _hand_over(self) -> None:
        self._scheduled = False
        if self._busy or not self._waiting:
            return
        self._busy = True
        batch, self._waiting = self._waiting[:_LARGEST_BATCH], self._waiting[_LARGEST_BATCH:]
        task = asyncio.get_running_loop().create_task(self._commit(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _commit(self, batch: list[_Waiting]) -> None:
        try:
            try:
                await self._transact(batch)
            except Exception as error:  # whatever it was, it must not take the whole batch with it
                if len(batch) == 1:
                    _fail(batch[0], error)
                else:
                    event(log, "writer.replay", logging.WARNING, items=len(batch), error=repr(error))
                    await self._replay(batch)
        finally:
            self._busy = False
            if self._waiting and not self._scheduled:
                self._hand_over()

    async def _replay(self, batch: list[_Waiting]) -> None:
        for waiting in batch:
            try:
                await self._transact([waiting])
            except Exception as error:
                _fail(waiting, error)

    async def _transact(self, batch: Sequence[_Waiting]) -> None:
        applied = Applied()
        results: list[tuple[_Waiting, Any]] = []

        def whole() -> Unit[None]:
            applied.__init__()  # type: ignore[misc]  # a unit may be run again from its start
            results.clear()
            yield from self._batch(batch, applied, results)

        await self._database.transact([whole])
        self.batches += 1
        self.items += len(batch)
        for waiting, result in results:
            if not waiting.future.cancelled():
                waiting.future.set_result(result)
        for listener in self._listeners:
            listener(applied)

    def _batch(self, batch: Sequence[_Waiting], applied: Applied, results: list[tuple[_Waiting, Any]]) -> Unit[None]:
        for waiting in batch:
            if not isinstance(waiting.work, Decision):
                results.append((waiting, (yield from waiting.work())))
        open_ = [(waiting, waiting.work) for waiting in batch if isinstance(waiting.work, Decision)]
        while open_:
            open_ = yield from self._round(open_, applied, results)

    def _round(
        self,
        open_: list[tuple[_Waiting, Decision]],
        applied: Applied,
        results: list[tuple[_Waiting, Any]],
    ) -> Unit[list[tuple[_Waiting, Decision]]]:
        """Decide what does not depend on something else in the batch; returns what has to wait a round."""
        facts = yield from load_facts([work.needs for _, work in open_], self._world, self.blocked_hosts)
        touched: set[str] = set()
        later: list[tuple[_Waiting, Decision]] = []
        effects: list[e.Effect] = []
        for waiting, work in open_:
            reads = _reads(work.needs)
            if not touched.isdisjoint(reads):
                touched |= reads
                later.append((waiting, work))
                continue
            decided = Decided(list(work.decide(facts)))
            refused = decided.refusal is not None
            touched |= _writes(decided.effects, facts)
            if work.needs.acting:
                touched.add(work.needs.acting)
            # A rule that refuses half way through has refused the whole; only what answers it still leaves.
            effects += [x for x in decided.effects if not refused or isinstance(x, e.Deliver | e.FetchLater)]
            for unit in work.beside:
                yield from unit()
            results.append((waiting, decided))
        yield from apply(effects, facts, applied)
        return later


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.future.cancelled():
        waiting.future.set_exception(error)


def _reads(needs: Needs) -> set[str]:
    return {uri for uri in (needs.acting, *needs.actors, *needs.objects, *needs.activities) if uri}


def _writes(effects: Iterable[e.Effect], facts: Facts) -> set[str]:
    """URIs of what these effects change, as far as another decision could depend on it."""
    found: set[str] = set()
    for effect in effects:
        if isinstance(effect, e.Put):
            record = effect.record
            if isinstance(record, e.NewObject | e.NewTombstone):
                found.add(record.uri)
            elif isinstance(record, e.NewBlock):
                found |= _actor_uris((record.actor_id, record.target_id), facts)
            elif isinstance(record, e.NewVotes):
                found |= _object_uris((record.object_id,), facts)
        elif isinstance(effect, e.Patch):
            change = effect.change
            if isinstance(change, e.EditObject):
                found |= _object_uris((change.id,), facts)
            elif isinstance(change, e.ChangeActor):
                found |= _actor_uris((change.id,), facts)
        elif isinstance(effect, e.Remove):
            key = effect.key
            if isinstance(key, e.ObjectKey):
                found |= _object_uris((key.id,), facts)
            elif isinstance(key, e.ActorKey):
                found |= _actor_uris((key.id,), facts)
    return found


def _actor_uris(ids: Iterable[int], facts: Facts) -> set[str]:
    return {facts.actors_by_id[id_].uri for id_ in ids if id_ in facts.actors_by_id}


def _object_uris(ids: Iterable[int], facts: Facts) -> set[str]:
    return {facts.objects_by_id[id_].uri for id_ in ids if id_ in facts.objects_by_id}
