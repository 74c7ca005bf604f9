"""How often strangers may make us ask a domain for keys: each request names one, and most forged ones name none.

Keys that prove what they were asked for cost nothing. The others, and those that are being asked for, count for a
minute: so whoever floods us with forged requests in the name of a server does not flood that server through us.
"""

from __future__ import annotations

from collections import Counter

from fediverse_node.base.clock import Clock
from fediverse_node.base.outcome import Fail
from fediverse_node.inbox.answer import Turned
from fediverse_node.transport.budget import registrable_domain

MOST_A_MINUTE = 120
_MINUTE_MS = 60_000


class KeyAsking:
    """Counts for one process."""

    def __init__(self, clock: Clock, *, most: int = MOST_A_MINUTE) -> None:
        self._clock = clock
        self._most = most
        self._minute = 0
        self._spent: Counter[str] = Counter()

    def take(self, host: str) -> Fail | None:
        """Ask for one key of this host; TOO_MANY_KEYS where its domain was asked in vain too often."""
        minute = self._clock.now_ms() // _MINUTE_MS
        if minute != self._minute:
            self._minute = minute
            self._spent.clear()
        domain = registrable_domain(host)
        if self._spent[domain] >= self._most:
            return Fail(Turned.TOO_MANY_KEYS, domain)
        self._spent[domain] += 1
        return None

    def give_back(self, host: str) -> None:
        """The key was good for what it was asked for."""
        domain = registrable_domain(host)
        if self._spent[domain]:
            self._spent[domain] -= 1
