"""What an activity needs from the network before it can be decided, and getting it."""

from __future__ import annotations

from dataclasses import replace

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain.facts import World
from fediverse_node.domain.verified import Verified
from fediverse_node.inbox.answer import Turned
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
        uri = await self._lacks(verified)
        note("gather.missing", None if uri is None else TemporaryFail(Turned.STAGED, uri))
        return uri is not None

    async def _lacks(self, verified: Verified) -> str | None:
        """The URI that must be fetched first."""
        activity = verified.activity
        kind, object_id = activity.type, activity.object_id
        if kind in ("Create", "Update"):
            if object_id == activity.actor:
                return None if await self._take_profile(verified) else object_id
            is_lacking = verified.object is None and is_remote(object_id, self._world)
            return object_id if is_lacking and self._could_be_object(verified) else None
        if kind == "Move":
            return activity.target_id if is_remote(activity.target_id, self._world) else None
        if kind not in ("Announce", "Add") or object_id is None or not is_remote(object_id, self._world):
            return None
        if await self._database.fetch_one(OBJECT_ID, uri=object_id) is not None:
            return None
        # Nobody here reads the announcer: no reason to fetch what it passes on.
        is_read = kind == "Add" or await self._database.fetch_one(HAS_READERS, uri=activity.actor) is not None
        return object_id if is_read else None

    async def complete(self, verified: Verified) -> Verified | Fail | TemporaryFail:
        """The activity with all it needs fetched and stored."""
        completed = await self._complete(verified)
        note("gather.completed", None if isinstance(completed, Verified) else completed)
        return completed

    async def _complete(self, verified: Verified) -> Verified | Fail | TemporaryFail:
        activity = verified.activity
        kind, object_id = activity.type, activity.object_id
        budget = Budget(fetches=10, time_s=30.0)
        if kind in ("Create", "Update") and verified.object is None and object_id is not None:
            if object_id == activity.actor:
                # It came without its profile: only its host can say what has changed.
                outcome = await self._gatherer.actor(object_id, budget=budget, renew=True)
                return outcome if not isinstance(outcome, int) else verified
            refusal = self._gatherer.refusal_to_ask(object_id)
            if refusal is not None:
                return refusal
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
            refusal = self._gatherer.refusal_to_ask(activity.target_id)
            if refusal is not None:
                return refusal
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
