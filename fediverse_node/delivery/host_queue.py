"""What waits for one host, and what of it may go now.

Most activities may overtake each other. A Delete, Update or Undo may not overtake what it refers to, and
nothing of the same actor to the same inbox may overtake it; nor an Accept, before which nobody there reads the actor.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

IN_ORDER = frozenset({"Accept", "Reject", "Delete", "Update", "Undo", "Block", "Move", "Remove"})


@dataclass(frozen=True, slots=True)
class Waiting:
    """One delivery that is due."""

    id: int
    payload_id: int
    inbox: str
    host: str
    attempts: int
    actor_id: int
    type: str

    @property
    def lane(self) -> tuple[str, int]:
        """Who speaks to whom: order matters within this."""
        return self.inbox, self.actor_id


class HostQueue:
    """First come, first served, as far as order allows."""

    def __init__(self, parallel: int) -> None:
        self._parallel = parallel
        self._waiting: deque[Waiting] = deque()
        self._running: Counter[tuple[str, int]] = Counter()
        self._alone: set[tuple[str, int]] = set()
        self.active = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing here at all."""
        return not self._waiting and self.active == 0

    def add(self, delivery: Waiting) -> None:
        """Put at the end."""
        self._waiting.append(delivery)

    def take(self) -> Waiting | None:
        """The next that may go now, or None."""
        if self.active >= self._parallel:
            return None
        held: set[tuple[str, int]] = set()
        for position, delivery in enumerate(self._waiting):
            lane = delivery.lane
            if lane in held:
                continue
            if lane in self._alone or (delivery.type in IN_ORDER and self._running[lane]):
                held.add(lane)
                continue
            del self._waiting[position]
            self._start(delivery)
            return delivery
        return None

    def _start(self, delivery: Waiting) -> None:
        self.active += 1
        self._running[delivery.lane] += 1
        if delivery.type in IN_ORDER:
            self._alone.add(delivery.lane)

    def done(self, delivery: Waiting) -> None:
        """A delivery that was taken has its answer."""
        self.active -= 1
        self._running[delivery.lane] -= 1
        if not self._running[delivery.lane]:
            del self._running[delivery.lane]
            self._alone.discard(delivery.lane)

    def withdraw(self, failed: Waiting) -> list[Waiting]:
        """Take out what must not arrive before a delivery that has to be tried again."""
        taken = [
            later
            for later in self._waiting
            if later.lane == failed.lane
            and later.id > failed.id
            and (later.type in IN_ORDER or failed.type in IN_ORDER)
        ]
        for delivery in taken:
            self._waiting.remove(delivery)
        return taken

    def clear(self) -> list[Waiting]:
        """Take out all that has not started."""
        left = list(self._waiting)
        self._waiting.clear()
        return left
