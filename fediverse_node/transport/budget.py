"""How many requests one cause may set off: a count, a deadline, and a share for each registrable domain.

One message can name a parent, which names a parent, each with mentions and a key, on hosts that all belong to one
wildcard domain. Whoever starts the work makes a Budget and passes it on; it is spent, never refilled.
"""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

from fediverse_node.base.outcome import TemporaryFail
from fediverse_node.transport.faults import FetchFault

_SHORT_SECOND_LEVEL = 3
_COUNTRY_CODE = 2


class Budget:
    """Counts down. Make it inside the running loop, whose clock its deadline uses."""

    def __init__(self, *, fetches: int = 30, time_s: float = 60.0, per_domain: int = 20) -> None:
        self._left = fetches
        self._per_domain = per_domain
        self._spent: dict[str, int] = {}
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + time_s

    @property
    def left(self) -> int:
        """Requests that may still be made."""
        return self._left

    def remaining_s(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self._deadline - self._loop.time())

    def take(self, host: str) -> TemporaryFail | None:
        """Spend one request to `host` (`name[:port]`); BUDGET_SPENT where there is none left for it."""
        if self._left <= 0:
            return TemporaryFail(FetchFault.BUDGET_SPENT, "no request left")
        if self._deadline <= self._loop.time():
            return TemporaryFail(FetchFault.BUDGET_SPENT, "no time left")
        domain = registrable_domain(host)
        spent = self._spent.get(domain, 0)
        if spent >= self._per_domain:
            return TemporaryFail(FetchFault.BUDGET_SPENT, f"no request left for {domain}")
        self._spent[domain] = spent + 1
        self._left -= 1
        return None


def registrable_domain(host: str) -> str:
    """About the domain somebody can register: the last two labels, three below suffixes such as co.uk.

    No public suffix list: where this guesses too much together, peers of one suffix share a generous cap. Addresses,
    and hosts with a port (development), stand for themselves.
    """
    name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        labels = name.split(".")
    else:
        return host
    keep = 2
    if len(labels) > 2 and len(labels[-1]) == _COUNTRY_CODE and len(labels[-2]) <= _SHORT_SECOND_LEVEL:
        keep = 3
    return ".".join(labels[-keep:])
