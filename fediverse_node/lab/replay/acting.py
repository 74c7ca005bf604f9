"""How a replay writes into its node from outside: with ids that are given, or without anybody being told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from fediverse_node.app import Node
from fediverse_node.base.ids import IdFactory
from fediverse_node.domain.effects import Deliver, Effect, FetchLater, Notify
from fediverse_node.domain.facts import Facts, World
from fediverse_node.storage.events import Applied
from fediverse_node.storage.writer import Decided, Decision, Writer


class GivenIds(IdFactory):
    """Gives the number that was recorded for what is done next, then goes on as usual."""

    _given: int | None = None

    @contextmanager
    def giving(self, number: int | None) -> Iterator[None]:
        """The next id is this one."""
        self._given = number
        try:
            yield
        finally:
            self._given = None

    def next(self) -> int:
        """An id for something that happens now, or as it was recorded."""
        given, self._given = self._given, None
        return super().next() if given is None else given


def world_of(node: Node) -> tuple[World, GivenIds]:
    """The node's world, with ids that can be given."""
    world = node.core.world
    ids = GivenIds(world.clock, world.randomness)
    return replace(world, ids=ids), ids


def acting_writer(node: Node, world: World) -> Writer:
    """A second writer to the node's database, as another process would be; the node hears what it did."""

    def tell(applied: Applied) -> None:
        if applied.delivers:
            node.sender.wake()
        if applied.fetches:
            node.staging.fetches.wake()

    writer = Writer(node.core.database, world)
    writer.domains = node.core.writer.domains
    writer.listen(tell)
    return writer


class QuietWriter(Writer):
    """A writer for what happened before: it is stored, and nobody is told of it again."""

    async def decide(self, decision: Decision) -> Decided:
        """Decide and carry out, but for what would leave or be shown as new."""
        return await super().decide(replace(decision, decide=_quietly(decision)))


def _quietly(decision: Decision) -> Callable[[Facts], list[Effect]]:
    def decide(facts: Facts) -> list[Effect]:
        return [effect for effect in decision.decide(facts) if not isinstance(effect, Deliver | Notify | FetchLater)]

    return decide
