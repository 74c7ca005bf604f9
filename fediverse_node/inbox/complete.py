"""What an activity needs from the network before it can be decided, and getting it."""

from __future__ import annotations

from dataclasses import replace

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.domain.facts import World
from fediverse_node.domain.verified import Verified
from fediverse_node.inbox.gather import Gatherer, is_remote
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.inbox import ACTOR_FETCHED, HAS_READERS, OBJECT_ID
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.dereference import Dereferencer, read_actor
from fediverse_node.transport.faults import FetchFault


class Completer:
    """Knows for each kind of activity what must be here first."""

    def __init__(self, *, database: Database, world: World, gatherer: Gatherer, dereferencer: Dereferencer) -> None:
        self._database = database
        self._world = world
        self._gatherer = gatherer
        self._dereferencer = dereferencer

    async def missing(self, verified: Verified) -> bool:
        """Whether the network must be asked. What can be done without it (a profile that came along) is done."""
        activity = verified.activity
        kind, object_id = activity.type, activity.object_id
        if kind in ("Create", "Update"):
            if object_id == activity.actor:
                return not await self._take_profile(verified)
            return verified.object is None and is_remote(object_id, self._world) and self._could_be_object(verified)
        if kind == "Announce":
            if not is_remote(object_id, self._world) or object_id is None:
                return False
            if await self._database.fetch_one(OBJECT_ID, uri=object_id) is not None:
                return False
            # Nobody here reads the announcer: no reason to fetch what it passes on.
            return await self._database.fetch_one(HAS_READERS, uri=activity.actor) is not None
        if kind == "Move":
            return is_remote(activity.target_id, self._world)
        if kind == "Add":
            known = object_id is None or await self._database.fetch_one(OBJECT_ID, uri=object_id) is not None
            return not known and is_remote(object_id, self._world)
        return False

    async def complete(self, verified: Verified) -> Verified | Fail | TemporaryFail:
        """The activity with all it needs fetched and stored."""
        activity = verified.activity
        kind, object_id = activity.type, activity.object_id
        budget = Budget(fetches=10, time_s=30.0)
        if kind in ("Create", "Update") and verified.object is None and object_id is not None:
            if object_id == activity.actor:
                outcome = await self._gatherer.actor(object_id, budget=budget, refresh=True)
                return outcome if not isinstance(outcome, int) else verified
            document = await self._dereferencer.fetch_object(object_id, budget=budget)
            if not isinstance(document, ObjectDocument):
                return document
            if document.attributed_to != activity.actor:
                return Fail(FetchFault.AUTHOR_ELSEWHERE, document.attributed_to)
            return replace(verified, object=document)
        if kind in ("Announce", "Add") and object_id is not None:
            outcome = await self._gatherer.object(object_id, budget=budget)
            return outcome if not isinstance(outcome, int) else verified
        if kind == "Move" and activity.target_id is not None:
            fresh = await self._dereferencer.fetch_actor(activity.target_id, budget=budget)
            if isinstance(fresh, Fail | TemporaryFail):
                return fresh
            await self._gatherer.store_actor(fresh)
        return verified

    async def _take_profile(self, verified: Verified) -> bool:
        """Store the profile that an Update carries; its signer speaks for itself."""
        embedded = verified.activity.object
        if embedded is None:
            return False
        document = read_actor(embedded)
        if isinstance(document, Fail):
            return False
        known = await self._database.fetch_one(ACTOR_FETCHED, uri=document.id)
        if known is not None and not known["local"] and document.id == verified.signer:
            await self._gatherer.store_actor(document)
        return True

    def _could_be_object(self, verified: Verified) -> bool:
        """An embedded object of an unknown type would be fetched in vain."""
        embedded = verified.activity.object
        if embedded is None:
            return True
        document = parse_object(embedded)
        return not isinstance(document, Fail)
