"""Holds a world to all invariants: after every step, and when it is quiet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from fediverse_node.lab.invariants.accepted import Accepted
from fediverse_node.lab.invariants.agreement import Agreement
from fediverse_node.lab.invariants.broken import Broken, Finding
from fediverse_node.lab.invariants.convergence import Convergence
from fediverse_node.lab.invariants.counts import Counts
from fediverse_node.lab.invariants.deletions import Deletions
from fediverse_node.lab.invariants.leaks import Leaks
from fediverse_node.lab.invariants.once import Once
from fediverse_node.lab.invariants.scene import Now, Scene
from fediverse_node.lab.invariants.traffic import described
from fediverse_node.lab.invariants.unbroken import Unbroken
from fediverse_node.lab.world import World

INVARIANTS = (Leaks, Unbroken, Counts, Once, Deletions, Accepted, Convergence, Agreement)
_DESCRIBED = 6


class Invariant(Protocol):
    """Something that must always hold. Both methods give what does not."""

    name: str

    def after_step(self, now: Now) -> Iterator[Finding]:
        """Looked at after each step, also while things are under way."""
        ...

    def at_quiet(self, now: Now) -> Iterator[Finding]:
        """Looked at besides, when nothing is left to do."""
        ...


class Checker:
    """Made for a world before anybody says anything in it. Raises the first `Broken`, or collects all in `broken`."""

    def __init__(self, world: World, *, collect: bool = False) -> None:
        self.broken: list[Broken] = []
        self._world = world
        self._collect = collect
        self._scene = Scene(world)
        self._invariants: list[Invariant] = [make(self._scene) for make in INVARIANTS]

    def after_step(self, step: int | None = None) -> None:
        """Look at what is new. `step` is the number of the step just done, else what the ledger has as such."""
        now = self._scene.look()
        for invariant in self._invariants:
            self._take(invariant, invariant.after_step(now), step)

    def at_quiet(self, step: int | None = None) -> None:
        """Look at everything, when `world.quiet()` has come back."""
        now = self._scene.look()
        for invariant in self._invariants:
            self._take(invariant, invariant.after_step(now), step)
        for invariant in self._invariants:
            self._take(invariant, invariant.at_quiet(now), step)

    def _take(self, invariant: Invariant, findings: Iterator[Finding], step: int | None) -> None:
        for finding in findings:
            numbers = finding.exchanges[-_DESCRIBED:]
            exchanges = [self._world.recording.find(number) for number in numbers]
            broken = Broken(
                invariant.name,
                finding,
                seed=self._scene.seed,
                step=step if step is not None else self._scene.ledger.step or len(self._scene.ledger.acts),
                exchanges=tuple(described(exchange) for exchange in exchanges if exchange is not None),
            )
            self.broken.append(broken)
            if not self._collect:
                raise broken
