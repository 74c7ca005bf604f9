"""Relays of this server: subscribed to, left, listed.  spec: fep-ae0c

The Follow and the Undo are signed by the server's own actor and sent like everything else, by a server that runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fediverse_node.domain.effects import Deliver
from fediverse_node.domain.facts import Needs, World
from fediverse_node.domain.model import Relay
from fediverse_node.domain.relays import LITEPUB, cancellation, style_of, subscription
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.queries import groups as queries
from fediverse_node.storage.queries.registration import ACTOR_ID
from fediverse_node.storage.writer import Decision, Writer


class RelayDesk:
    """Whoever runs the server works here."""

    def __init__(self, *, database: Database, writer: Writer, world: World) -> None:
        self._database = database
        self._writer = writer
        self._world = world

    async def add(self, url: str, *, inbox: str | None = None) -> Relay:
        """Ask a relay to be subscribed. `inbox` is that of its actor, where `url` is the actor's."""
        style, names = style_of(url), self._world.names
        number = self._world.ids.next()
        relay = Relay(
            url=url,
            style=style,
            inbox=inbox or url,
            follow_uri=f"{names.instance_actor}/follows/{number}",
            actor_uri=url if style == LITEPUB else None,
        )
        row = {
            "url": relay.url,
            "style": relay.style,
            "inbox": relay.inbox,
            "actor_uri": relay.actor_uri,
            "follow_uri": relay.follow_uri,
            "state": "asked",
            "created_ms": self._world.clock.now_ms(),
        }
        await self._writer.run(lambda: queries.put_relay(row))
        await self._send("Follow", relay.follow_uri, subscription(relay, names.instance_actor), relay.inbox)
        return relay

    async def remove(self, url: str) -> bool:
        """Whether there was one. What it brought stays."""
        row = await self._database.fetch_one(queries.RELAY, url=url)
        if row is None:
            return False
        relay = Relay(row["url"], row["style"], row["inbox"], row["follow_uri"], row["actor_uri"], row["state"])
        undo = cancellation(relay, self._world.names.instance_actor)
        await self._writer.run(lambda: queries.forget_relay(url))
        await self._send("Undo", str(undo["id"]), undo, relay.inbox)
        return True

    async def listed(self) -> list[Row]:
        """All of them, with how they have answered."""
        return await self._database.fetch(queries.RELAYS)

    async def _send(self, kind: str, uri: str, document: Mapping[str, Any], inbox: str) -> None:
        row = await self._database.fetch_one(ACTOR_ID, uri=self._world.names.instance_actor)
        if row is None:
            raise LookupError(self._world.names.instance_actor)
        letter = Deliver(int(row["id"]), kind, uri, document, inboxes=(inbox,))
        await self._writer.decide(Decision(Needs(acting=self._world.names.instance_actor), lambda facts: [letter]))
