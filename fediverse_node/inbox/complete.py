"""What an activity needs from the network before it can be decided, and getting it."""

from __future__ import annotations

from dataclasses import replace

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain.effects import Refusal
from fediverse_node.domain.facts import World
from fediverse_node.domain.verified import Verified
from fediverse_node.inbox.answer import Turned
from fediverse_node.inbox.gather import Gatherer, is_remote
from fediverse_node.inbox.vouching import Vouched, Voucher, claims_to_be_by
from fediverse_node.inbox.wrapped import Wrapped, inner_of
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.protocol.uris import same_origin
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.inbox import ACTOR_FETCHED, HAS_READERS, OBJECT_ID
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.dereference import Dereferencer, read_actor
from fediverse_node.transport.faults import FetchFault

# What brings an object along, or has it fetched.
_CARRYING = frozenset({"Create", "Update", "QuoteRequest", "ReplyRequest"})


class Completer:
    """Knows for each kind of activity what must be here first."""

    def __init__(
        self,
        *,
        database: Database,
        world: World,
        gatherer: Gatherer,
        dereferencer: Dereferencer,
        voucher: Voucher,
        wrapped: Wrapped,
    ) -> None:
        self._voucher = voucher
        self._wrapped = wrapped
        self._database = database
        self._world = world
        self._gatherer = gatherer
        self._dereferencer = dereferencer

    async def from_relay(self, verified: Verified, sender: str) -> Verified:
        """What `sender` has brought, wanted if it is a relay of ours."""
        return await self._wrapped.from_relay(verified, sender)

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
        if kind in ("QuoteRequest", "ReplyRequest"):
            return await self._lacks_instrument(verified)
        if kind == "Move":
            return activity.target_id if is_remote(activity.target_id, self._world) else None
        inner = inner_of(verified)
        if inner is not None:
            return inner.object_id if await self._wrapped.lacks(verified, inner) else None
        if kind not in ("Announce", "Add") or object_id is None or not is_remote(object_id, self._world):
            return None
        # Pixelfed adds stories, Mastodon featured hashtags: what is no post here is not asked for.
        if kind == "Add" and not self._could_be_object(verified):
            return None
        if await self._database.fetch_one(OBJECT_ID, uri=object_id) is not None:
            return None
        # Nobody here reads the announcer: no reason to fetch what it passes on.
        is_read = kind == "Add" or await self._database.fetch_one(HAS_READERS, uri=activity.actor) is not None
        return object_id if is_read or await self._wrapped.is_relay(activity.actor) else None

    async def _lacks_instrument(self, verified: Verified) -> str | None:
        """The post that somebody wants to publish, where it did not come along and is about one of ours."""
        activity = verified.activity
        wanted, about = activity.instrument_id, activity.object_id or ""
        is_asked = verified.object is None and is_remote(wanted, self._world) and self._world.names.is_ours(about)
        if wanted is None or not is_asked or not same_origin(wanted, activity.actor):
            return None
        return wanted if await self._database.fetch_one(OBJECT_ID, uri=wanted) is None else None

    async def complete(self, verified: Verified) -> Verified | Fail | TemporaryFail:
        """The activity with all it needs fetched and stored."""
        completed = await self._complete(verified)
        note("gather.completed", None if isinstance(completed, Verified) else completed)
        return completed

    async def _complete(self, verified: Verified) -> Verified | Fail | TemporaryFail:
        activity = verified.activity
        kind, object_id = activity.type, activity.object_id
        budget = Budget(fetches=10, time_s=30.0)
        if kind in ("QuoteRequest", "ReplyRequest"):
            object_id = activity.instrument_id
        if kind in _CARRYING and verified.object is None and object_id is not None:
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
        inner = inner_of(verified)
        if inner is not None:
            settled = await self._wrapped.settle(verified, inner)
            # What could not be shown has had no effect; what the group says for itself is decided all the same.
            return settled if isinstance(settled, TemporaryFail) else verified
        if kind in ("Announce", "Add") and object_id is not None:
            outcome = await self._brought_along(verified, budget)
            if not isinstance(outcome, int):
                only_public = kind == "Announce" and await self._wrapped.is_relay(activity.actor)
                outcome = await self._gatherer.object(object_id, budget=budget, only_public=only_public)
            return outcome if not isinstance(outcome, int) else verified
        if kind == "Move" and activity.target_id is not None:
            refusal = self._gatherer.refusal_to_ask(activity.target_id)
            if refusal is not None:
                return refusal
            # Where the new actor says it, what the old one's own document says counts just as much.
            pulled = activity.actor == activity.target_id and is_remote(activity.object_id, self._world)
            for uri in (activity.target_id, *((activity.object_id,) if pulled else ())):
                outcome = await self._gatherer.afresh(uri or "", budget=budget)
                if not isinstance(outcome, int):
                    return outcome
        return verified

    async def _brought_along(self, verified: Verified, budget: Budget) -> int | Fail | TemporaryFail:
        """The object inside an Announce, where a proof of its author's is on it: its server need not be asked.

        spec: fep-8b32, fep-fe34#authentication
        """
        embedded = verified.activity.object
        claimed = parse_object(embedded) if embedded is not None else None
        if embedded is None or not isinstance(claimed, ObjectDocument):
            return Fail(Turned.NOT_UNDERSTOOD)
        if not claims_to_be_by(embedded, claimed.attributed_to):
            return Fail(SignatureFault.NO_SIGNATURE)
        refusal = self._gatherer.refusal_to_ask(claimed.id)
        if refusal is not None:
            return refusal
        vouched = await self._voucher.vouch(embedded, actor=claimed.attributed_to, now=self._world.clock.now())
        if not isinstance(vouched, Vouched):
            return vouched
        document = parse_object(vouched.document)
        if not isinstance(document, ObjectDocument) or document.attributed_to != claimed.attributed_to:
            return Fail(Turned.WRONG_ACTOR)
        # Whoever owns the key speaks for its own origin only.
        if document.id != verified.activity.object_id or not same_origin(document.id, document.attributed_to):
            return Fail(Refusal.WRONG_ORIGIN, document.id)
        return await self._gatherer.store_object(document, budget=budget)

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
        """An embedded object of an unknown type would be fetched in vain; one that only lacks its author would not."""
        embedded = verified.activity.object
        if embedded is None:
            return True
        document = parse_object(embedded)
        return not isinstance(document, Fail) or document.reason is WireReason.NO_AUTHOR
