"""What a broken invariant says: which, where, when, and by which exchange, so that somebody can go and look."""

from __future__ import annotations

from dataclasses import dataclass

from fediverse_node.base.errors import NodeError


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be. `kind` is the same for the same sort of thing in any world, and tells no names."""

    kind: str
    sentence: str
    exchanges: tuple[int, ...] = ()
    details: tuple[tuple[str, str], ...] = ()


class Broken(NodeError):
    """A promise was broken. The text tells seed, step, exchanges and details; `key` compares two of them."""

    def __init__(
        self, invariant: str, finding: Finding, *, seed: int | str, step: int, exchanges: tuple[str, ...] = ()
    ) -> None:
        self.invariant = invariant
        self.kind = finding.kind
        self.sentence = finding.sentence
        self.seed = seed
        self.step = step
        self.exchanges = finding.exchanges
        self.details = finding.details
        self.described = exchanges
        super().__init__("\n".join(self._lines()))

    @property
    def key(self) -> tuple[str, str]:
        """The same for two worlds in which the same rule is broken in the same way."""
        return self.invariant, self.kind

    def _lines(self) -> list[str]:
        numbers = ", ".join(map(str, self.exchanges))
        by = f", exchange{'s' if len(self.exchanges) > 1 else ''} {numbers}" if numbers else ""
        return [
            f"{self.invariant}: {self.sentence}",
            f"  seed {self.seed}, step {self.step}{by}",
            *(f"  {line}" for line in self.described),
            *(f"  {name}: {value}" for name, value in self.details),
        ]
