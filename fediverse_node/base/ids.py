"""Time-ordered 64-bit ids: milliseconds since the epoch << 16, plus a sequence.

Mastodon clients compare and even compute with these numbers, so the layout is Mastodon's.
"""

from __future__ import annotations

import threading
from datetime import datetime

from fediverse_node.base.clock import Clock, from_ms, to_ms
from fediverse_node.base.randomness import Randomness

SEQUENCE_BITS = 16
_SEQUENCE_MASK = (1 << SEQUENCE_BITS) - 1


class IdFactory:
    """Makes ids. `next` never repeats or goes backwards within a process, even if the clock does."""

    def __init__(self, clock: Clock, randomness: Randomness) -> None:
        self._clock = clock
        self._randomness = randomness
        self._last = 0
        # Drawn by the event loop and by the database writer's thread alike.
        self._lock = threading.Lock()

    def next(self) -> int:
        """An id for something that happens now."""
        # Several processes may share a database: the low bits start at random in each millisecond.
        candidate = (self._clock.now_ms() << SEQUENCE_BITS) | self._randomness.below(1 << (SEQUENCE_BITS - 1))
        with self._lock:
            self._last = max(candidate, self._last + 1)
            return self._last

    def at(self, moment: datetime) -> int:
        """An id for something that happened at `moment`; never later than now.

        Peers state whole seconds, so the milliseconds are drawn when there are none: two posts of
        one second hardly ever meet, and where they do the unique key refuses the second one and
        the caller draws again.
        """
        ms = to_ms(moment)
        now_ms = self._clock.now_ms()
        if ms >= now_ms:
            return self.next()
        if ms % 1000 == 0:
            ms = min(ms + self._randomness.below(1000), now_ms)
        return (max(ms, 1) << SEQUENCE_BITS) | self._randomness.below(1 << SEQUENCE_BITS)


def id_floor(moment: datetime) -> int:
    """The smallest id of `moment`'s millisecond: a boundary for queries by time."""
    return to_ms(moment) << SEQUENCE_BITS


def moment_of(id_: int) -> datetime:
    """When the thing with this id happened."""
    return from_ms(id_ >> SEQUENCE_BITS)
