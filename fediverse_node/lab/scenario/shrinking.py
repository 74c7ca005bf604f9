"""Makes a scenario that breaks something as small as it can be and still break it in the same way.

What comes after the breakage goes first, then whole nodes, then steps by halves and quarters (delta debugging), then
people, then posts, then what steps say beyond the least; and all of it again, until nothing more can go. Candidates
come in a fixed order, so the same scenario shrinks to the same, unless the time ends before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any

from fediverse_node.lab.scenario.language import Scenario, without_dangling
from fediverse_node.lab.scenario.passing import Waits
from fediverse_node.lab.scenario.step import Step

Breaks = Callable[[Scenario], bool]
_LEAST_WAITS_S = (1.0, 60.0, 3600.0, 86_400.0)


@dataclass
class Shrinker:
    """Tries smaller scenarios. `breaks` plays one and says whether it breaks in the same way."""

    breaks: Breaks
    best: Scenario
    until_s: float = float("inf")
    runs: int = 0
    _tried: dict[str, bool] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether the time is used up."""
        return time.monotonic() > self.until_s

    def shrink(self, *, broken_step: int = 0, left_out: Sequence[int] = ()) -> Scenario:
        """The smallest that was found. Steps (from 1): the one at which it broke, those that could not be done."""
        kept = self.best.steps[: broken_step or None]
        self._try_steps([step for number, step in enumerate(kept, start=1) if number not in left_out])
        self._try_steps(self.best.steps[: broken_step or None])
        before = ""
        while before != self.best.text and not self.is_over:
            before = self.best.text
            self._drop_groups(_nodes_of)
            self._drop_steps(least=max(len(self.best.steps) // 16, 1))
            self._drop_groups(_people_of)
            self._drop_groups(_posts_of)
            self._drop_steps(least=1)
            self._simplify()
            self._drop_nodes()
        return self.best

    def _try(self, candidate: Scenario) -> bool:
        """Keep it if it still breaks."""
        text = candidate.text
        if self.is_over or text == self.best.text:
            return False
        if text not in self._tried:
            self.runs += 1
            self._tried[text] = self.breaks(candidate)
        if self._tried[text]:
            self.best = candidate
        return self._tried[text]

    def _try_steps(self, steps: Sequence[Step]) -> bool:
        kept = without_dangling(steps)
        return kept != self.best.steps and self._try(replace(self.best, steps=kept))

    def _drop_groups(self, groups_of: Callable[[Step], tuple[str, ...]]) -> None:
        """All steps that have to do with one node, one person, one post."""
        found = dict.fromkeys(group for step in self.best.steps for group in groups_of(step))
        for group in found:
            kept = [step for step in self.best.steps if group not in groups_of(step)]
            if len(kept) < len(self.best.steps):
                self._try_steps(kept)

    def _drop_steps(self, *, least: int) -> None:
        """Halves, quarters, eighths, … down to pieces of `least` steps, from the end."""
        size = max(len(self.best.steps) // 2, 1)
        while not self.is_over:
            end = len(self.best.steps)
            while end > 0 and not self.is_over:
                begin = max(end - size, 0)
                self._try_steps([*self.best.steps[:begin], *self.best.steps[end:]])
                # Steps that hung on those are gone as well: what is left before stays where it was.
                end = min(begin, len(self.best.steps))
            if size <= least:
                return
            size = max(size // 2, least)

    def _simplify(self) -> None:
        """What a step says beyond the least."""
        for position in range(len(self.best.steps)):
            for simpler in _simpler(self.best.steps[position]):
                steps = self.best.steps
                if self._try_steps([*steps[:position], simpler, *steps[position + 1 :]]):
                    break

    def _drop_nodes(self) -> None:
        """Nodes that nobody speaks of, and the list of nodes itself."""
        self._try(replace(self.best, nodes=()))
        for name in self.best.nodes:
            self._try(replace(self.best, nodes=tuple(other for other in self.best.nodes if other != name)))


def _simpler(step: Step) -> Iterator[Step]:
    """The step with one thing less, the most telling first."""
    if isinstance(step, Waits):
        yield from (Waits(least_s) for least_s in _LEAST_WAITS_S if least_s < step.for_s)
        return
    for leaf in fields(step):  # type: ignore[arg-type]  # all steps are dataclasses
        if leaf.name == "label":
            continue
        value: Any = getattr(step, leaf.name)
        if leaf.default is not MISSING and value != leaf.default:
            yield replace(step, **{leaf.name: leaf.default})  # type: ignore[type-var]
        if isinstance(value, tuple) and len(value) > 1:
            yield from (
                replace(step, **{leaf.name: value[:at] + value[at + 1 :]})  # type: ignore[type-var]
                for at in range(len(value))
            )


def _people_of(step: Step) -> tuple[str, ...]:
    """Everybody whom a step names."""
    named = [getattr(step, name, "") for name in ("who", "whom")]
    return tuple(person for person in (*named, *getattr(step, "people", ())) if person)


def _nodes_of(step: Step) -> tuple[str, ...]:
    """Every node that a step has to do with."""
    named = [getattr(step, name, "") for name in ("node", "one", "other")]
    return tuple(filter(None, (*named, *(person.partition("@")[2] for person in _people_of(step)))))


def _posts_of(step: Step) -> tuple[str, ...]:
    """The posts that a step makes or is about."""
    return tuple(filter(None, (step.names, step.needs)))
