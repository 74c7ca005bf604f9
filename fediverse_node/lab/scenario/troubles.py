"""The troubles of a mixed world: which node is down, full, or wrong about the time, and what is next to go wrong."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from fediverse_node.lab.faults import ANY, FaultKind
from fediverse_node.lab.scenario.slots import Failure
from fediverse_node.lab.scenario.step import Step
from fediverse_node.lab.scenario.trouble import (
    Crashes,
    CrashesAfterCommit,
    FailsBetween,
    FailsFrom,
    FillsDisk,
    FreesDisk,
    Restarts,
    RightsClock,
    RotatesKey,
    SetsClock,
    Starts,
)

_LASTS_S = (60.0, 300.0, 900.0, 3600.0)
_STATUSES = (401, 403, 404, 410, 429, 500, 502, 503)
# How many of its requests a kind may hit: what an answer like 410 ends for good must not happen all the time.
_CHANCES = (0.2, 0.5, 1.0)


@dataclass
class Troubles:
    """Draws troubles, and remembers what has to be put right in the end."""

    nodes: list[str]
    people: list[str]
    down: list[str] = field(default_factory=list)
    full: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def next(self, source: random.Random) -> list[Step]:
        """One more trouble, or the end of one."""
        kind = source.choices(
            ("network", "crash", "crash after commit", "start", "full", "free", "clock", "key", "restart"),
            (60, 6, 8, 10, 4, 5, 4, 4, 4),
        )[0]
        up = [node for node in self.nodes if node not in self.down]
        match kind:
            case "network":
                return [self._failure(source)]
            case "start" if self.down:
                return [Starts(self._take(self.down, source))]
            case "free" if self.full:
                return [FreesDisk(self._take(self.full, source))]
            case _ if len(up) < 2:
                return []
        return self._trouble_of(kind, source.choice(up), source)

    def _trouble_of(self, kind: str, node: str, source: random.Random) -> list[Step]:
        match kind:
            case "crash":
                self.down.append(node)
                return [Crashes(node)]
            case "crash after commit":
                # It may never come to that; starting it calls the crash off.
                self.down.append(node)
                return [CrashesAfterCommit(node)]
            case "full" if node not in self.full:
                self.full.append(node)
                return [FillsDisk(node)]
            case "clock" if node not in self.wrong:
                self.wrong.append(node)
                return [
                    SetsClock(node, source.choice((5.0, 60.0, 600.0, 1800.0, 3000.0)), source.choice(("fast", "slow")))
                ]
            case "key":
                people = [person for person in self.people if person.endswith(f"@{node}")]
                return [RotatesKey(node, source.choice(people).partition("@")[0])]
            case "restart":
                return [Restarts(node)]
            case _:
                return []

    def end(self) -> list[Step]:
        """Everything is put right."""
        steps: list[Step] = [FreesDisk(node) for node in self.full]
        steps += [RightsClock(node) for node in self.wrong]
        steps += [Starts(node) for node in self.down]
        self.full, self.wrong, self.down = [], [], []
        return steps

    def _failure(self, source: random.Random) -> Step:
        one, other = source.choice(self.nodes), ANY
        if len(self.nodes) > 1 and source.random() < 0.4:
            one, other = source.sample(self.nodes, 2)
        kind = source.choice(list(FaultKind))
        amount = 0.0
        if kind is FaultKind.STATUS:
            amount = float(source.choice(_STATUSES))
        elif kind in (FaultKind.DELAY, FaultKind.REORDER):
            amount = source.choice((1.0, 5.0, 20.0))
        chance = 1.0 if kind is FaultKind.PARTITION else source.choice(_CHANCES)
        between = FailsBetween if kind is FaultKind.PARTITION or source.random() < 0.5 else FailsFrom
        return between(one, other, Failure(kind, amount), chance, "", source.choice(_LASTS_S))

    @staticmethod
    def _take(nodes: list[str], source: random.Random) -> str:
        return nodes.pop(source.randrange(len(nodes)))
