"""What has to happen at some time or other, without anybody asking: polls end, scheduled posts go out, traces age."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from fediverse_node.domain.facts import World
from fediverse_node.mastodon_api.announcing import tell_announcements
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.scheduled import publish_due
from fediverse_node.outbox.domain_desk import DomainDesk
from fediverse_node.outbox.picture_files import remove_files
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries import housekeeping as queries
from fediverse_node.storage.queries.address_rules import forget_presence
from fediverse_node.storage.queries.deliveries import forget_hosts, forget_receipts
from fediverse_node.storage.queries.inbox import forget_signatures
from fediverse_node.storage.queries.link_previews import forget_previews
from fediverse_node.storage.queries.mailing import forget_unconfirmed
from fediverse_node.storage.queries.media import remove_abandoned
from fediverse_node.storage.queries.submissions import forget_submissions
from fediverse_node.storage.queries.threads import forget_walks
from fediverse_node.storage.writer import Writer

log = logging.getLogger(__name__)

# Further back a client asks the authors' own timelines.
_HOME_ENTRIES = 2_000
# What is hidden of a blocked host goes on in the next round: polls and scheduled posts shall not wait for it.
_MARKING_PIECES = 50
_HOURLY_MS = 3_600_000
# The window of signatures is 12 hours back and one ahead; a day is safely more.
_SIGNATURES_MS = 24 * _HOURLY_MS
_UPLOADS_MS = 24 * _HOURLY_MS
_UNCONFIRMED_MS = 7 * 24 * _HOURLY_MS
_RECEIPTS_MS = 30 * 24 * _HOURLY_MS
_HOSTS_MS = 90 * 24 * _HOURLY_MS


class Housekeeping:
    """A loop that wakes now and then."""

    def __init__(
        self, database: Database, writer: Writer, world: World, context: Context, desk: DomainDesk, *, every_s: float
    ) -> None:
        self._database = database
        self._desk = desk
        self._writer = writer
        self._world = world
        self._context = context
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None
        self._last_hourly_ms = 0
        self._orphans: list[str] = []
        self._each_hour: list[Callable[[], None]] = []

    def each_hour(self, begin: Callable[[], None]) -> None:
        """Call this every hour; it must be quick, and do in the background what is not."""
        self._each_hour.append(begin)

    def start(self) -> None:
        """Begin."""
        self._writer.listen(lambda applied: self._orphans.extend(applied.orphaned_files))
        self._task = asyncio.create_task(self._run(), name="housekeeping")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            pause_s = self._every_s
            try:
                await self.round()
                pause_s = await self._pause_s()
            except asyncio.CancelledError:
                raise
            except Exception:  # tomorrow is another day; what is due shall not fill the log until then
                log.exception("housekeeping.failed")
            await asyncio.sleep(pause_s)

    async def _pause_s(self) -> float:
        """Not longer than usual, and only until the next thing that is known to come."""
        row = await self._database.fetch_one(queries.NEXT_DUE)
        if row is None or row["due_ms"] is None:
            return self._every_s
        until_due_s: float = (row["due_ms"] - self._world.clock.now_ms()) / 1000
        return min(max(until_due_s, 1.0), self._every_s)

    async def round(self, *, hourly: bool = False) -> None:
        """Do what is due now; with `hourly` also what is due every hour only."""
        now_ms = self._world.clock.now_ms()
        await publish_due(self._context)
        await tell_announcements(self._context)
        await self._desk.refresh()
        await self._desk.work(_MARKING_PIECES)
        for row in await self._database.fetch(queries.ENDED_POLLS, now_ms=now_ms):
            await self._context.outbox.poll_ended(row["object_id"])
        for row in await self._database.fetch(queries.COUNTED_POLLS, now_ms=now_ms):
            await self._context.outbox.poll_counted(row["object_id"])
        if self._orphans:
            paths, self._orphans = self._orphans, []
            await remove_files(self._context.config.media_dir, *paths)
        if hourly or now_ms - self._last_hourly_ms >= _HOURLY_MS:
            self._last_hourly_ms = now_ms
            self._orphans += await self._writer.run(lambda: remove_abandoned(now_ms - _UPLOADS_MS))
            await self._writer.run(lambda: forget_signatures(now_ms - _SIGNATURES_MS))
            await self._writer.run(lambda: forget_receipts(now_ms - _RECEIPTS_MS))
            await self._writer.run(lambda: forget_hosts(now_ms - _HOSTS_MS))
            await self._writer.run(lambda: queries.forget_expired(now_ms))
            await self._writer.run(lambda: forget_presence(now_ms))
            await self._writer.run(lambda: forget_unconfirmed(now_ms - _UNCONFIRMED_MS, now_ms))
            await self._writer.run(lambda: forget_walks(now_ms))
            await self._writer.run(lambda: forget_submissions(now_ms))
            await self._writer.run(lambda: forget_previews(now_ms))
            for begin in self._each_hour:
                begin()
            await self._desk.refresh_lists()
            await self._desk.purge_old()
            await self._trim()

    async def _trim(self) -> None:
        """Home timelines keep their newest entries; replies that two processes kept apart find their parents."""
        crowded = await self._database.fetch(queries.CROWDED_HOMES, keep=_HOME_ENTRIES, patient=True)
        readers = [row["actor_id"] for row in crowded]
        if readers:
            await self._writer.run(lambda: queries.trim_home(readers, keep=_HOME_ENTRIES))
        lost = await self._database.fetch(queries.LOST_CHILDREN, patient=True)
        if lost:
            await self._writer.run(lambda: queries.adopt_lost(lost))
