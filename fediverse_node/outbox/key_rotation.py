"""New keys for an actor of ours, without losing anybody who still knows the old ones.  spec: fep-521a

The new keys have ids of their own, because some servers never ask again for an id that they know (GoToSocial), and
others keep an actor's key for a day whatever its id is (Lemmy): while the old keys have not expired, who refuses a
request that is signed with the new one is sent it signed with the old one. The old Ed25519 and ML-DSA keys stay listed
with their end, for what was signed with them and is passed on. An Update tells all followers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

from fediverse_node.domain.activities import update
from fediverse_node.domain.effects import Effect, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs, World
from fediverse_node.outbox.registration import Registration
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.registration import ACTOR_ID, rotate_keys
from fediverse_node.storage.writer import Decision, Writer

# Deliveries are tried for as long; after that nobody waits for anything that was signed with the old keys.
OVERLAP = timedelta(days=7)


class KeyRotation:
    """Replaces the keys of one actor."""

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        world: World,
        registration: Registration,
        actor_document_of: Callable[[int], Awaitable[dict[str, object] | None]],
    ) -> None:
        self._database = database
        self._writer = writer
        self._world = world
        self._registration = registration
        self._actor_document_of = actor_document_of

    async def rotate(self, uri: str, *, overlap: timedelta = OVERLAP) -> tuple[str, ...] | None:
        """The ids of the new keys; None if there is no such actor here.

        Without an `overlap` the old keys end now: for keys that somebody else may have.
        """
        row = await self._database.fetch_one(ACTOR_ID, uri=uri)
        if row is None or not self._world.names.is_ours(uri):
            return None
        actor_id, now_ms = int(row["id"]), self._world.clock.now_ms()
        rows = self._registration.key_rows(
            {"id": actor_id, "uri": uri}, await self._registration.new_keys(), number=now_ms
        )
        until_ms = now_ms + int(overlap.total_seconds() * 1000)
        await self._writer.run(lambda: rotate_keys(actor_id, rows, until_ms))
        document = await self._actor_document_of(actor_id)

        def tell(facts: Facts) -> Iterable[Effect]:
            actor = facts.actors_by_id.get(actor_id)
            if actor is None or document is None:
                return [Refuse(Refusal.UNKNOWN_ACTOR, uri)]
            return update.compose_actor(actor, document, facts)

        await self._writer.decide(Decision(Needs(actor_ids=(actor_id,)), tell))
        return tuple(str(key["uri"]) for key in rows)
