"""Knows which software the servers run with which people here have to do. Each is asked once a week, one at a time."""

from __future__ import annotations

import asyncio
import logging

from fediverse_node.base.clock import Clock
from fediverse_node.base.errors import StorageError
from fediverse_node.base.log import event
from fediverse_node.base.outcome import TemporaryFail
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries import neighbours as queries
from fediverse_node.storage.writer import Writer
from fediverse_node.transport.exchange import Http
from fediverse_node.transport.nodeinfo_fetch import ServerSaid, fetch_nodeinfo

log = logging.getLogger(__name__)

_DAY_MS = 86_400_000
_WEEK_MS = 7 * _DAY_MS
_AT_ONCE = 30


class Neighbours:
    """One for each process; somebody has to call `soon` now and then."""

    def __init__(self, *, database: Database, writer: Writer, clock: Clock, http: Http, scheme: str) -> None:
        """`scheme` is how servers are asked: `http` in development only."""
        self._database = database
        self._writer = writer
        self._clock = clock
        self._http = http
        self._scheme = scheme
        self._task: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """Ask some of those whose turn it is, in the background, if that is not being done already."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._quietly(), name="neighbours")

    async def settled(self) -> None:
        """Wait until nobody is being asked."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def close(self) -> None:
        """Stop; who was not asked is asked the next time."""
        if self._task is not None:
            self._task.cancel()
        await self.settled()

    async def _quietly(self) -> None:
        try:
            await self._ask_some()
        except StorageError as error:
            event(log, "neighbours.not_asked", logging.WARNING, error=str(error))
        except Exception:  # in the background nobody else would hear of it
            log.exception("neighbours.failed")

    async def _ask_some(self) -> None:
        before_ms = self._clock.now_ms() - _WEEK_MS
        for row in await self._database.fetch(queries.UNASKED, before_ms=before_ms, most=_AT_ONCE, patient=True):
            await self._ask(row["host"])

    async def _ask(self, host: str) -> None:
        said = await fetch_nodeinfo(self._http, f"{self._scheme}://{host}")
        now_ms = self._clock.now_ms()
        if isinstance(said, ServerSaid):
            info = said.info
            await self._writer.run(
                lambda: queries.note_said(
                    host,
                    software=info.software_name,
                    software_version=info.software_version,
                    application_uri=said.application_uri,
                    now_ms=now_ms,
                )
            )
            return
        # Who does not answer today may tomorrow; who has nothing to say has not next week either, mostly.
        looked_ms = now_ms - _WEEK_MS + _DAY_MS if isinstance(said, TemporaryFail) else now_ms
        await self._writer.run(lambda: queries.note_silent(host, looked_ms))
