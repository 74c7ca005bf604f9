"""What acting on a client's activity needs, and the look-ups that its kinds share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fediverse_node.base.config import Config
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.domain.facts import World
from fediverse_node.outbox.client_activities.faults import cannot, missing
from fediverse_node.outbox.submit import Outbox
from fediverse_node.protocol.uris import host_of, is_http_uri
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.outbox import ACTOR, ACTOR_BY_HANDLE, OBJECT
from fediverse_node.storage.queries.seeing import VISIBLE
from fediverse_node.storage.writer import Writer
from fediverse_node.transport.dereference import Compactor

Found = int | Fail | TemporaryFail


@dataclass(frozen=True, slots=True)
class Acted:
    """What was done to what: the parts of the activity that the client is told about.

    `uri` where the activity's id follows from what was made; else it is read off what was decided.
    """

    object: str | Mapping[str, Any] | tuple[str, ...]
    uri: str | None = None
    target: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ports:
    """Services of one node. `find_*` know a thing, or fetch it from its server."""

    config: Config
    world: World
    database: Database
    writer: Writer
    outbox: Outbox
    compactor: Compactor
    find_actor: Callable[[str], Awaitable[Found]]
    find_object: Callable[[str], Awaitable[Found]]
    find_handle: Callable[[str, str], Awaitable[Found]]
    actor_document_of: Callable[[int], Awaitable[dict[str, object] | None]]

    async def actor(self, uri: str | None) -> Found:
        """The id of the actor with this URI."""
        if uri is None or not is_http_uri(uri, allow_plain=self.config.development):
            return missing(f"no actor is called {str(uri)[:200]}")
        found = await self.find_actor(uri)
        return missing(f"{uri[:200]}: {found}") if isinstance(found, Fail) else found

    async def actors(self, uris: Iterable[str]) -> dict[str, int] | Fail | TemporaryFail:
        """The ids of all these actors, looked up side by side; the first that is none ends it."""
        wanted = list(dict.fromkeys(uris))
        found = await asyncio.gather(*(self.actor(uri) for uri in wanted))
        ids: dict[str, int] = {}
        for uri, outcome in zip(wanted, found, strict=True):
            if isinstance(outcome, Fail):
                return cannot(f"nobody can be addressed or mentioned as {uri[:200]}: {outcome.detail}")
            if isinstance(outcome, TemporaryFail):
                return outcome
            ids[uri] = outcome
        return ids

    async def person(self, user: str, host: str | None) -> int | None:
        """The actor that a handle in a text means, if there is one."""
        where = (host or self.world.names.host).lower()
        row = await self.database.fetch_one(ACTOR_BY_HANDLE, username=user.lower(), host=where)
        if row is not None:
            return int(row["id"]) if row["deleted_ms"] is None else None
        if where == self.world.names.host:
            return None
        found = await self.find_handle(user, where)
        return found if isinstance(found, int) else None

    async def visible(self, actor_id: int, uri: str | None) -> Found:
        """The id of a post that this person may see; of a boost, what it passes on. What is not theirs is not there."""
        if uri is None or host_of(uri) is None:
            return missing(f"nothing is called {str(uri)[:200]}")
        found = await self.find_object(uri)
        if isinstance(found, Fail):
            return missing(f"{uri[:200]}: {found}")
        if isinstance(found, TemporaryFail):
            return found
        row = await self.database.fetch_one(OBJECT, id_=found)
        ids = {found} if row is None or row["announce_of_id"] is None else {found, int(row["announce_of_id"])}
        seen = await self.database.fetch(
            VISIBLE, ids=sorted(ids), viewer_id=actor_id, viewer_host=self.world.names.host
        )
        if len(seen) < len(ids):
            return missing(f"nothing is called {uri[:200]}")
        return next(iter(ids - {found}), found)

    async def actor_uri(self, actor_id: int) -> str:
        """The URI of an actor that is known to exist."""
        row = await self.database.fetch_one(ACTOR, id_=actor_id)
        return str(row["uri"]) if row is not None else ""
