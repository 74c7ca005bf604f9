"""From which networks nobody comes in, or signs up: the rules of moderators, remembered for half a minute.

spec: mastodon-client-api#admin-ip_blocks. Asked with each request, so nothing is read where nothing has to be.
"""

from __future__ import annotations

import asyncio

from fediverse_node.base.errors import StorageError
from fediverse_node.domain.addresses import AddressRule, Severity, parse_network, range_of, severity_for
from fediverse_node.mastodon_api.context import Context
from fediverse_node.storage.queries.address_rules import NETWORKS_IN_FORCE

_TTL_MS = 30_000


class AddressGate:
    """One for each process."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._rules: tuple[AddressRule, ...] = ()
        self._fresh_until_ms = -1
        self._loading = asyncio.Lock()

    def forget(self) -> None:
        """The rules have changed."""
        self._fresh_until_ms = -1

    async def severity(self, address: str) -> Severity | None:
        """What holds for an address; None if nothing does."""
        now_ms = self._context.world.clock.now_ms()
        if now_ms >= self._fresh_until_ms:
            await self._load(now_ms)
        return severity_for(address, self._rules, now_ms) if self._rules else None

    async def is_shut(self, address: str) -> bool:
        """Whether nobody comes in from there at all."""
        return await self.severity(address) is Severity.NO_ACCESS

    async def _load(self, now_ms: int) -> None:
        async with self._loading:
            if now_ms < self._fresh_until_ms:  # somebody else has just done it
                return
            # Also when it fails: a database that is away must not be asked by every request.
            self._fresh_until_ms = now_ms + _TTL_MS
            try:
                rows = await self._context.database.fetch(NETWORKS_IN_FORCE, now_ms=now_ms)
            except StorageError:  # the rules that are known hold on
                return
            parsed = ((parse_network(row["network"]), row) for row in rows)
            self._rules = tuple(
                AddressRule(*range_of(network), Severity(row["severity"]), row["expires_ms"])
                for network, row in parsed
                if network is not None
            )
