"""Politeness to hosts, across all walks of this process: few requests at a time, a pause between, and rest when asked.

Delivery and the inbox have limits of their own; a walk is nothing urgent, so it keeps further back than they do.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.transport.budget import registrable_domain
from fediverse_node.transport.faults import FetchFault

_AT_ONCE = 2
_PAUSE_S = 0.2
_REST_WHEN_ASKED_S = 900.0
_REST_WHEN_SILENT_S = 300.0
_SILENT_IN_A_ROW = 3
_MOST_REMEMBERED = 2_000
_SILENCE = frozenset(
    {
        FetchFault.DNS,
        FetchFault.REFUSED_CONNECTION,
        FetchFault.TLS,
        FetchFault.TIMEOUT,
        FetchFault.RESET,
        FetchFault.SERVER_ERROR,
    }
)


@dataclass(slots=True)
class _Host:
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    free_s: float = 0.0
    rests_until_s: float = 0.0
    silent: int = 0
    users: int = 0


class Manners:
    """What this process remembers of hosts, by the domain that somebody can register."""

    def __init__(self) -> None:
        self._hosts: OrderedDict[str, _Host] = OrderedDict()

    def rests(self, host: str) -> bool:
        """Whether the host wants, or needs, to be left alone for now."""
        known = self._hosts.get(registrable_domain(host))
        return known is not None and known.rests_until_s > asyncio.get_running_loop().time()

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait for a turn to ask this host."""
        loop = asyncio.get_running_loop()
        known = self._of(host)
        known.users += 1
        try:
            async with known.turn:
                pause_s = known.free_s - loop.time()
                known.free_s = max(known.free_s, loop.time()) + _PAUSE_S
                if pause_s > 0:
                    await asyncio.sleep(pause_s)
                yield
        finally:
            known.users -= 1

    def heard(self, host: str, outcome: object) -> None:
        """What came of asking it."""
        known, now_s = self._of(host), asyncio.get_running_loop().time()
        reason = outcome.reason if isinstance(outcome, Fail | TemporaryFail) else None
        if reason is FetchFault.RATE_LIMITED:
            known.rests_until_s = now_s + _REST_WHEN_ASKED_S
        known.silent = known.silent + 1 if reason in _SILENCE else 0
        if known.silent >= _SILENT_IN_A_ROW:
            known.rests_until_s = max(known.rests_until_s, now_s + _REST_WHEN_SILENT_S)

    def _of(self, host: str) -> _Host:
        domain = registrable_domain(host)
        known = self._hosts.get(domain)
        if known is None:
            known = self._hosts[domain] = _Host()
            while len(self._hosts) > _MOST_REMEMBERED and not next(iter(self._hosts.values())).users:
                self._hosts.popitem(last=False)
        self._hosts.move_to_end(domain)
        return known
