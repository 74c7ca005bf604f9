"""What other hosts have shown about signatures, remembered over restarts."""

from __future__ import annotations

import asyncio
import contextlib

from fediverse_node.base.clock import Clock
from fediverse_node.base.errors import StorageError
from fediverse_node.protocol.uris import host_of
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries import deliveries as queries
from fediverse_node.storage.writer import Writer
from fediverse_node.transport.host_memory import Capability, RecentHosts


class StoredHosts(RecentHosts):
    """Answers from memory; what is new is written down in the background."""

    def __init__(self, clock: Clock, writer: Writer) -> None:
        super().__init__(clock)
        self._writer = writer
        self._wall_clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self, database: Database) -> None:
        """Read what was known before the start."""
        for row in await database.fetch(queries.KNOWN_CAPABILITIES):
            if row["reads_ed25519"]:
                super().note(row["host"], Capability.READS_ED25519)
            elif row["reads_rfc9421"]:
                super().note(row["host"], Capability.READS_RFC9421)
            else:
                super().note(row["host"], Capability.READS_CAVAGE_ALONE)
        for row in await database.fetch(queries.POST_QUANTUM_INBOXES):
            self.note_mldsa44(host_of(row["inbox"]) or "")

    def note(self, host: str, capability: Capability) -> None:
        """Remember, and write it down if it is news."""
        before = (self.reads_rfc9421(host), self.reads_ed25519(host))
        super().note(host, capability)
        after = (self.reads_rfc9421(host), self.reads_ed25519(host))
        if before == after:
            return
        task = asyncio.get_running_loop().create_task(self._store(host, bool(after[0]), after[1]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _store(self, host: str, reads_rfc9421: bool, reads_ed25519: bool) -> None:
        now_ms = self._wall_clock.now_ms()
        # Nobody waits for this. That it failed is told to the log by the writer; it is found out again.
        with contextlib.suppress(StorageError):
            await self._writer.run(
                lambda: queries.note_capability(
                    host, reads_rfc9421=reads_rfc9421, reads_ed25519=reads_ed25519, now_ms=now_ms
                )
            )

    async def close(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
