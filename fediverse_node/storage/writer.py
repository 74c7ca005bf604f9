"""The one writer of a process: what waits is committed together.

A commit costs a flush of the disk, whatever is in it. So work is handed over once per turn of the event
loop while the writer is idle, and all that came meanwhile goes together when it is not; nothing ever waits
for company. A decision that raises fails alone at once. When the database refuses a batch, its halves are
tried, and so on, until the one that is to blame fails by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fediverse_node.base.errors import StorageError
from fediverse_node.base.log import event
from fediverse_node.domain import effects as e
from fediverse_node.domain.domains import EVERYBODY, DomainPolicy
from fediverse_node.domain.facts import Facts, Needs, World
from fediverse_node.storage.apply import apply
from fediverse_node.storage.conflicts import Scope, changed_by, reads_of, scope_of
from fediverse_node.storage.engine import Database
from fediverse_node.storage.events import Applied, Event
from fediverse_node.storage.facts import load_facts
from fediverse_node.storage.faults import Outpaced, Unavailable
from fediverse_node.storage.unit import Unit

T = TypeVar("T")
log = logging.getLogger(__name__)

_LARGEST_BATCH = 400
_SMALLEST_ROUND = 8
# A server that restarts is back within seconds; whoever waits longer is told so.
_PATIENCE_S = (0.0, 0.02, 0.1, 0.5, 1.5, 3.0)
_OUTPACED_AGAIN = 5

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


@dataclass(frozen=True, slots=True)
class _Failed:
    """A decision raised: its own fault, found before anything was written."""

    error: Exception


@dataclass(frozen=True, slots=True)
class _Open:
    """A decision that is still to be made."""

    waiting: _Waiting
    work: Decision
    reads: Scope


@dataclass(slots=True)
class _Done:
    """What a transaction did, to be told after its commit."""

    applied: Applied = field(default_factory=Applied)
    results: list[tuple[_Waiting, Any]] = field(default_factory=list)


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
        self.domains: DomainPolicy = EVERYBODY
        self.batches = 0
        self.items = 0

    def listen(self, listener: Callable[[Applied], None]) -> None:
        """Call this after each commit with what happened. It must be quick."""
        self._listeners.append(listener)

    async def run(self, unit: Callable[[], Unit[T]]) -> T:
        """Run a unit; returns after the commit. Raises what the unit or the database raised."""
        result: T = await self._enqueue(unit)
        return result

    async def decide(self, decision: Decision) -> Decided:
        """Decide and carry out; returns after the commit. Raises what the rule or the database raised."""
        decided: Decided = await self._enqueue(decision)
        return decided

    def tell(self, *events: Event) -> None:
        """Say to all who listen what a unit that was run has brought about: units cannot say it themselves."""
        self._tell(Applied(events=list(events)))

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
            await self._settle(batch)
        except BaseException:
            # The loop is being closed: nobody may go on waiting for an answer that does not come.
            for waiting in batch:
                waiting.future.cancel()
            raise
        finally:
            self._busy = False
            if self._waiting and not self._scheduled:
                self._hand_over()

    async def _settle(self, batch: list[_Waiting]) -> None:
        """Commit the batch; where that fails, its halves, so that a bad item fails alone."""
        try:
            done = await self._persist(batch)
        except Exception as error:
            # A database that is broken is broken for all of them.
            if len(batch) == 1 or (isinstance(error, StorageError) and not isinstance(error, Outpaced)):
                event(log, "writer.failed", logging.WARNING, items=len(batch), error=repr(error))
                for waiting in batch:
                    _answer(waiting, _Failed(error))
                return
            event(log, "writer.divided", logging.WARNING, items=len(batch), error=repr(error))
            middle = len(batch) // 2
            await self._settle(batch[:middle])
            await self._settle(batch[middle:])
            return
        self.batches += 1
        self.items += len(batch)
        for waiting, result in done.results:
            _answer(waiting, result)
        self._tell(done.applied)

    async def _persist(self, batch: Sequence[_Waiting]) -> _Done:
        """One transaction; again after a moment where that may help. Raises what the last attempt raised."""
        outpaced, attempts = 0, 0
        while True:
            try:
                [done] = await self._database.transact([lambda: self._whole(batch)])
                return done  # type: ignore[no-any-return]
            except Outpaced:
                outpaced += 1
                if outpaced >= _OUTPACED_AGAIN:
                    raise
            except Unavailable as error:
                if attempts >= len(_PATIENCE_S):
                    raise
                event(log, "writer.again", logging.WARNING, items=len(batch), error=repr(error))
                # Two processes that got in each other's way must not do so in step.
                await asyncio.sleep(_PATIENCE_S[attempts] * (0.5 + self._world.randomness.fraction()))
                attempts += 1

    def _tell(self, applied: Applied) -> None:
        for listener in self._listeners:
            try:
                listener(applied)
            except Exception:  # it is committed: nobody else may suffer for it
                log.exception("writer.listener_failed")

    def _whole(self, batch: Sequence[_Waiting]) -> Unit[_Done]:
        done = _Done()
        for waiting in batch:
            if not isinstance(waiting.work, Decision):
                done.results.append((waiting, (yield from waiting.work())))
        open_ = [
            _Open(waiting, waiting.work, reads_of(waiting.work.needs))
            for waiting in batch
            if isinstance(waiting.work, Decision)
        ]
        most = _LARGEST_BATCH
        while open_:
            chosen, rest = _choose(open_, most)
            later = yield from self._round(chosen, done)
            # What had to wait has its facts loaded again. Rounds that get little done are kept small, so that
            # a crowd around one object costs as much as the same crowd coming one by one, and not its square.
            most = max(_SMALLEST_ROUND, 2 * (len(chosen) - len(later)))
            open_ = later + rest
        return done

    def _round(self, chosen: Sequence[_Open], done: _Done) -> Unit[list[_Open]]:
        """Decide what does not depend on something else in the round; returns what has to wait for another."""
        facts = yield from load_facts([item.work.needs for item in chosen], self._world, self.domains)
        changed: Scope = set()
        later: list[_Open] = []
        effects: list[e.Effect] = []
        for item in chosen:
            if not changed.isdisjoint(item.reads):
                changed |= scope_of(item.work.needs)
                later.append(item)
                continue
            try:
                decided = Decided(list(item.work.decide(facts)))
            except Exception as error:
                log.exception("writer.decision_failed")
                done.results.append((item.waiting, _Failed(error)))
                continue
            changed |= changed_by(decided.effects, facts)
            # A rule that refuses half way through has refused the whole; only what answers it still leaves.
            refused = decided.refusal is not None
            effects += [x for x in decided.effects if not refused or isinstance(x, e.Deliver | e.FetchLater)]
            for unit in item.work.beside:
                yield from unit()
            done.results.append((item.waiting, decided))
        yield from apply(effects, facts, done.applied)
        return later


def _choose(open_: list[_Open], most: int) -> tuple[list[_Open], list[_Open]]:
    """Whom to decide now, and who comes later: what one actor does is decided one after the other."""
    chosen: list[_Open] = []
    rest: list[_Open] = []
    held: Scope = set()
    acting: set[str] = set()
    for position, item in enumerate(open_):
        if len(chosen) >= most or len(rest) >= 4 * most:
            rest += open_[position:]
            break
        who = item.work.needs.acting
        if who in acting or not held.isdisjoint(item.reads):
            held |= scope_of(item.work.needs)
            rest.append(item)
            continue
        if who:
            acting.add(who)
        chosen.append(item)
    return chosen, rest


def _answer(waiting: _Waiting, result: Any) -> None:
    if waiting.future.done():  # whoever waited has gone away
        return
    if isinstance(result, _Failed):
        waiting.future.set_exception(result.error)
    else:
        waiting.future.set_result(result)
