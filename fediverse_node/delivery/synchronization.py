"""Tells other servers with each delivery whom of them we believe to follow: as a digest, so that it costs nothing.

spec: fep-8fcf. A digest is kept for each author and host, in memory: many deliveries of one post need one query. What
is told may be some minutes old where another process wrote; who asks then gets the list as it is now.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from fediverse_node.base.clock import Clock
from fediverse_node.base.errors import StorageError
from fediverse_node.base.log import event
from fediverse_node.domain.names import Names
from fediverse_node.protocol.synchronization import (
    MOST_FOLLOWERS,
    NOBODY,
    Synchronization,
    digests_by_origin,
    dump_synchronization,
)
from fediverse_node.protocol.uris import origin_of
from fediverse_node.storage.engine import Database
from fediverse_node.storage.events import Applied
from fediverse_node.storage.queries import follower_digests as queries
from fediverse_node.storage.writer import Writer

log = logging.getLogger(__name__)

# What goes to followers; of the rest nobody concludes who reads what.
TOLD_WITH = frozenset({"Create", "Announce", "Update"})
_FRESH_MS = 5 * 60_000
# Whoever has so many is not counted anew with each one that comes or goes.
_MANY = 2_000
_MANY_REST_MS = 60_000
_CACHED_HOSTS = 200_000


@dataclass(frozen=True, slots=True)
class _Known:
    """What is said of one author. `digests` by origin; None: there are too many followers to say anything."""

    at_ms: int
    collection_id: str
    url: str
    digests: Mapping[str, bytes] | None
    followers: int = 0


class FollowerDigests:
    """One for each process, asked before each delivery."""

    def __init__(self, *, database: Database, writer: Writer, clock: Clock, names: Names) -> None:
        self._database = database
        self._clock = clock
        self._names = names
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._hosts = 0
        self._loading: dict[int, asyncio.Task[_Known | None]] = {}
        self._outdated: set[int] = set()  # changed while it was being counted
        writer.listen(self._on_commit)

    async def header_for(self, actor_id: int, inbox: str) -> str | None:
        """The value of the header for this author's delivery to this inbox; None where nothing is said."""
        origin = origin_of(inbox)
        try:
            known = self._fresh(actor_id) or await self._load_once(actor_id)
        except StorageError as error:  # what has to be delivered does not wait for what may be said with it
            event(log, "synchronization.not_counted", logging.WARNING, actor_id=actor_id, error=str(error))
            return None
        if known is None or known.digests is None or origin is None:
            return None
        digest = known.digests.get(origin, NOBODY)
        return dump_synchronization(Synchronization(known.collection_id, known.url, digest))

    async def close(self) -> None:
        """Nobody waits for it any more."""
        for task in self._loading.values():
            task.cancel()
        await asyncio.gather(*self._loading.values(), return_exceptions=True)

    def _fresh(self, actor_id: int) -> _Known | None:
        known = self._known.get(actor_id)
        if known is None or not 0 <= self._clock.now_ms() - known.at_ms < _FRESH_MS:
            return None
        self._known.move_to_end(actor_id)
        return known

    def _on_commit(self, applied: Applied) -> None:
        now_ms = self._clock.now_ms()
        for actor_id in applied.followed:
            if actor_id in self._loading:
                self._outdated.add(actor_id)
            known = self._known.get(actor_id)
            if known is not None and (known.followers < _MANY or now_ms - known.at_ms > _MANY_REST_MS):
                self._forget(actor_id)

    async def _load_once(self, actor_id: int) -> _Known | None:
        """Deliveries of one author wait for one answer."""
        task = self._loading.get(actor_id)
        if task is None:
            task = self._loading[actor_id] = asyncio.get_running_loop().create_task(self._load(actor_id))
        return await asyncio.shield(task)

    async def _load(self, actor_id: int) -> _Known | None:
        try:
            known = await self._count(actor_id)
            if known is not None and actor_id not in self._outdated:
                self._keep(actor_id, known)
            return known
        finally:
            self._outdated.discard(actor_id)
            del self._loading[actor_id]

    async def _count(self, actor_id: int) -> _Known | None:
        at_ms = self._clock.now_ms()
        owner = await self._database.fetch_one(queries.OWNER, actor_id=actor_id)
        if owner is None or owner["uri"] == self._names.instance_actor:
            return None
        rows = await self._database.fetch(
            queries.FOLLOWERS_ELSEWHERE, actor_id=actor_id, most=MOST_FOLLOWERS + 1, patient=True
        )
        digests = digests_by_origin(row["uri"] for row in rows) if len(rows) <= MOST_FOLLOWERS else None
        collection_id = owner["followers_uri"] or self._names.followers(owner["uri"])
        url = self._names.followers_synchronization(owner["uri"])
        return _Known(at_ms, collection_id, url, digests, followers=len(rows))

    def _keep(self, actor_id: int, known: _Known) -> None:
        self._forget(actor_id)
        self._known[actor_id] = known
        self._hosts += len(known.digests or ()) + 1
        while self._hosts > _CACHED_HOSTS and len(self._known) > 1:
            self._forget(next(iter(self._known)))

    def _forget(self, actor_id: int) -> None:
        known = self._known.pop(actor_id, None)
        if known is not None:
            self._hosts -= len(known.digests or ()) + 1
