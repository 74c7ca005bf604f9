"""Brings what a decision needs from the network into the database: actors, keys, objects.

No network call happens inside a transaction: everything is fetched first, then stored or decided in one unit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain.activities import RULES
from fediverse_node.domain.effect_sentences import Telling
from fediverse_node.domain.effects import ActorKey, Effect, FetchLater, Refusal, Remove
from fediverse_node.domain.facts import Facts, Needs, World
from fediverse_node.domain.verified import Verified
from fediverse_node.inbox.actor_rows import actor_row, key_rows
from fediverse_node.inbox.answer import Turned
from fediverse_node.protocol.activitystreams import Activity
from fediverse_node.protocol.actors import ActorDocument
from fediverse_node.protocol.addressing import PUBLIC_ALIASES
from fediverse_node.protocol.objects import ObjectDocument
from fediverse_node.protocol.uris import host_of
from fediverse_node.protocol.webfinger import Acct
from fediverse_node.signatures.negotiation import implements_ed25519, implements_rfc9421
from fediverse_node.storage.apply.actors import upsert_actor
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.queries.host_marks import store_limited_actor
from fediverse_node.storage.queries.inbox import ACTOR_FETCHED, HAS_READERS, OBJECT_ID
from fediverse_node.storage.writer import Decision, Writer
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.dereference import Dereferencer
from fediverse_node.transport.faults import FetchFault
from fediverse_node.transport.host_memory import Capability, HostMemory
from fediverse_node.transport.key_fetch import FetchedKey, fetch_key
from fediverse_node.transport.webfinger_lookup import Found, HandleLookup

log = logging.getLogger(__name__)

_STALE_MS = 24 * 3600 * 1000


class Gatherer:
    """Fetches and stores. All answers are ids of ours, or why there is none."""

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        world: World,
        dereferencer: Dereferencer,
        handles: HandleLookup,
        hosts: HostMemory,
    ) -> None:
        self._database = database
        self._writer = writer
        self._world = world
        self._dereferencer = dereferencer
        self._handles = handles
        self._hosts = hosts
        self._stored: Callable[[str], None] = lambda uri: None
        self._under_way: dict[tuple[str, str], asyncio.Future[int | Fail | TemporaryFail]] = {}

    def on_stored(self, stored: Callable[[str], None]) -> None:
        """Call this with the URI of each actor whose document was stored, or who is gone."""
        self._stored = stored

    async def store_actor(self, document: ActorDocument, *, handle: Acct | None = None) -> int:
        """The id of a remote actor whose authentic document this is. Of one who is gone nothing is stored again.

        `handle` is what WebFinger has confirmed; without one, what it confirmed before stays.
        """
        known = await self._database.fetch_one(ACTOR_FETCHED, uri=document.id)
        if known is not None and known["deleted_ms"] is not None:
            return int(known["id"])
        self._note_signatures(document)
        row = actor_row(document, self._world, handle=handle or _known_handle(document, known))
        keys = key_rows(document)
        store = store_limited_actor if self._writer.domains.is_limited(row["host"]) else upsert_actor
        actor_id = await self._writer.run(lambda: store(row, keys, self._world.clock.now_ms()))
        self._stored(document.id)
        note("gather.actor_stored", None, actor=document.id)
        if known is not None and _may_have_moved(document, known):
            await self._look_for_move(document.id)
        return actor_id

    async def _look_for_move(self, uri: str) -> None:
        """Followers here go along where the document alone says so.  spec: fep-7628#pull-mode"""
        if await self._database.fetch_one(HAS_READERS, uri=uri) is not None:
            later = FetchLater(f"{uri}#moved", "moved")
            await self._writer.decide(Decision(Needs(acting=uri), lambda facts: [later]))

    def is_blocked(self, host: str) -> bool:
        """Whether this server has nothing to do with a host: it is not asked for anything, and not listened to."""
        return self._writer.domains.is_suspended(host)

    def refusal_to_ask(self, uri: str) -> Fail | None:
        """Why nothing is asked about this URI, if so: it is ours, or its host is blocked."""
        if self._world.names.is_ours(uri):
            return Fail(FetchFault.NOT_FOUND, uri)
        host = host_of(uri)
        return Fail(Refusal.SUSPENDED, host) if host is not None and self.is_blocked(host) else None

    def _note_signatures(self, document: ActorDocument) -> None:
        """An actor may say what its server reads.  spec: fep-844e"""
        host = host_of(document.inbox or document.id)
        if host is not None and any(key.is_post_quantum for key in document.public_keys):
            self._hosts.note_mldsa44(host)
        if host is None or not implements_rfc9421(document.implements) or self._hosts.reads_rfc9421(host) is False:
            return
        reads_ed25519 = implements_ed25519(document.implements)
        self._hosts.note(host, Capability.READS_ED25519 if reads_ed25519 else Capability.READS_RFC9421)

    async def fetch_key(self, key_id: str, *, budget: Budget) -> Fail | TemporaryFail | None:
        """Store the owner of a key with all its keys. None when that worked."""
        fetched = await fetch_key(self._dereferencer, key_id, budget=budget)
        if not isinstance(fetched, FetchedKey):
            return fetched
        known = await self._database.fetch_one(ACTOR_FETCHED, uri=fetched.owner.id)
        if known is not None and known["deleted_ms"] is not None:
            return Fail(Turned.SUSPENDED, fetched.owner.id)
        await self._store_with_handle(fetched.owner, budget)
        return None

    async def actor(
        self, uri: str, *, budget: Budget | None = None, refresh: bool = False, renew: bool = False
    ) -> int | Fail | TemporaryFail:
        """The actor with this URI: known, or fetched. `refresh` asks its host again if a day has passed.

        `renew` asks at once, because its host says that it has changed; then a host that does not answer now is a
        TemporaryFail also for somebody known.
        """
        row = await self._database.fetch_one(ACTOR_FETCHED, uri=uri)
        if row is not None:
            fresh = self._world.clock.now_ms() - (row["fetched_ms"] or 0) < _STALE_MS
            if row["local"] or not (renew or (refresh and not fresh)):
                return int(row["id"])
        refusal = self.refusal_to_ask(uri)
        if refusal is not None:
            return refusal if row is None else int(row["id"])
        return await self._together("actor", uri, lambda: self._actor_anew(uri, row, budget, renew=renew))

    async def afresh(self, uri: str, *, budget: Budget | None = None) -> int | Fail | TemporaryFail:
        """An actor as its server shows it now, and not as it was known before; of ours, as it is."""
        row = await self._database.fetch_one(ACTOR_FETCHED, uri=uri)
        if row is not None and row["local"]:
            return int(row["id"])
        refusal = self.refusal_to_ask(uri)
        if refusal is not None:
            return refusal
        budget = budget or Budget(fetches=6, time_s=15.0)
        document = await self._dereferencer.fetch_actor(uri, budget=budget)
        return await self._store_with_handle(document, budget) if isinstance(document, ActorDocument) else document

    async def _actor_anew(
        self, uri: str, row: Row | None, budget: Budget | None, *, renew: bool
    ) -> int | Fail | TemporaryFail:
        document = await self._dereferencer.fetch_actor(uri, budget=budget or Budget(fetches=6, time_s=15.0))
        if isinstance(document, ActorDocument):
            return await self._store_with_handle(document, budget or Budget(fetches=4, time_s=10.0))
        if row is not None and isinstance(document, Fail) and document.reason is FetchFault.GONE:
            await self._remove_actor(uri, int(row["id"]))
        if row is None or (renew and isinstance(document, TemporaryFail)):
            return document
        return int(row["id"])

    async def _store_with_handle(self, document: ActorDocument, budget: Budget) -> int:
        """An actor that says of itself another handle than its address does has that one if its host agrees.

        spec: fep-2c59
        """
        user, _, claimed_host = (document.webfinger or "").rpartition("@")
        is_plain = user.casefold() == document.preferred_username.casefold()
        if not claimed_host or (is_plain and claimed_host.lower() == host_of(document.id)):
            return await self.store_actor(document)
        found = await self._handles.fetch_acct(document, budget=budget)
        return await self.store_actor(document, handle=_handle_of(found) if isinstance(found, Found) else None)

    async def handle(self, user: str, host: str) -> int | Fail | TemporaryFail:
        """The actor that WebFinger names for `user@host`, with the handle its host confirms."""
        if self.is_blocked(host.lower()):
            return Fail(Refusal.SUSPENDED, host)
        found = await self._handles.fetch_handle(user, host, budget=Budget(fetches=8, time_s=15.0))
        if not isinstance(found, Found):
            return found
        return await self.store_actor(found.actor, handle=_handle_of(found))

    async def object(
        self, uri: str, *, budget: Budget | None = None, depth: int = 0, only_public: bool = False
    ) -> int | Fail | TemporaryFail:
        """The object with this URI: known, or fetched together with its author.

        `only_public`: nobody in particular wants it, and it is kept only if it is for everybody.
        """
        row = await self._database.fetch_one(OBJECT_ID, uri=uri)
        if row is not None:
            return int(row["id"])
        refusal = self.refusal_to_ask(uri)
        if refusal is not None:
            return refusal
        kind = "public object" if only_public else "object"
        return await self._together(kind, uri, lambda: self._object_anew(uri, budget, depth, only_public))

    async def _object_anew(
        self, uri: str, budget: Budget | None, depth: int, only_public: bool
    ) -> int | Fail | TemporaryFail:
        budget = budget or Budget(fetches=8, time_s=20.0)
        document = await self._dereferencer.fetch_object(uri, budget=budget)
        if not isinstance(document, ObjectDocument):
            return document
        if only_public and not PUBLIC_ALIASES.intersection(document.to):
            return Fail(Refusal.NOT_PERMITTED, "it is not for everybody")
        return await self.store_object(document, budget=budget, depth=depth)

    async def _together(
        self, kind: str, uri: str, fetch: Callable[[], Awaitable[int | Fail | TemporaryFail]]
    ) -> int | Fail | TemporaryFail:
        """Whoever needs the same thing at the same moment waits for one answer, and spends nothing for it."""
        pending = self._under_way.get((kind, uri))
        if pending is not None:
            outcome = await asyncio.shield(pending)
            # The other's means are spent, not this one's.
            is_answer = not isinstance(outcome, TemporaryFail) or outcome.reason is not FetchFault.BUDGET_SPENT
            return outcome if is_answer else await fetch()
        future: asyncio.Future[int | Fail | TemporaryFail] = asyncio.get_running_loop().create_future()
        self._under_way[kind, uri] = future
        outcome = TemporaryFail(FetchFault.BUDGET_SPENT, "whoever asked before has stopped")
        try:
            outcome = await fetch()
            return outcome
        finally:
            del self._under_way[kind, uri]
            future.set_result(outcome)

    async def store_object(
        self,
        document: ObjectDocument,
        *,
        budget: Budget,
        depth: int = 0,
        walked: bool = False,
        activity_uri: str | None = None,
    ) -> int | Fail | TemporaryFail:
        """The id of a remote object that was fetched from its origin. `walked`: nothing more is fetched for it.

        `activity_uri`: the Create in which it was found, if it was.
        """
        author = await self.actor(document.attributed_to, budget=budget)
        if not isinstance(author, int):
            return author
        verified = fetched(document, depth=depth, walked=walked, activity_uri=activity_uri)
        rule = RULES["Create"]
        telling = Telling(lambda facts: rule.decide(verified, facts))
        decided = await self._writer.decide(Decision(rule.needs(verified), telling))
        telling.note(decided.effects, fetched=document.id)
        row = await self._database.fetch_one(OBJECT_ID, uri=document.id)
        if row is not None:
            return int(row["id"])
        refusal = decided.refusal
        event(log, "object.refused", uri=document.id, reason=refusal.reason.name if refusal else "")
        return Fail(refusal.reason if refusal else Refusal.UNSUPPORTED, refusal.detail if refusal else "")

    async def _remove_actor(self, uri: str, actor_id: int) -> None:
        def decide(facts: Facts) -> list[Effect]:
            return [Remove(ActorKey(actor_id))]

        telling = Telling(decide)
        decided = await self._writer.decide(Decision(Needs(acting=uri), telling))
        self._stored(uri)
        telling.note(decided.effects, fetched=uri)


def fetched(
    document: ObjectDocument, *, depth: int = 0, walked: bool = False, activity_uri: str | None = None
) -> Verified:
    """What was read at its own origin counts as said by its author."""
    activity = Activity(
        id=activity_uri,
        type="Create",
        actor=document.attributed_to,
        object_id=document.id,
        object=None,
        target_id=None,
        target=None,
        to=document.to,
        cc=document.cc,
        published=document.published,
        objects=(document.id,),
    )
    return Verified(
        activity, document.attributed_to, "fetched", object=document, solicited=True, depth=depth, walked=walked
    )


def _handle_of(found: Found) -> Acct:
    """As the actor spells it, where that is only another spelling."""
    spelt = found.actor.preferred_username
    is_same = spelt.casefold() == found.acct_user.casefold()
    return Acct(spelt if is_same else found.acct_user, found.acct_host)


def _known_handle(document: ActorDocument, known: Row | None) -> Acct | None:
    """What was confirmed before and is not contradicted: an actor that does not claim a handle has not lost it."""
    if known is None or known["local"] or known["host"] == host_of(document.id):
        return None
    claimed = (document.webfinger or "").lower()
    is_other = claimed and claimed != f"{known['username']}@{known['host']}".lower()
    is_renamed = not claimed and known["username"].casefold() != document.preferred_username.casefold()
    return None if is_other or is_renamed else Acct(known["username"], known["host"])


def _may_have_moved(document: ActorDocument, known: Row) -> bool:
    """Whether it says that it has moved, and its followers were not taken there yet."""
    if document.moved_to is None or known["local"]:
        return False
    return known["moved_ms"] is None or known["moved_to_uri"] != document.moved_to


def is_remote(uri: str | None, world: World) -> bool:
    """Whether the URI can be fetched from somebody else."""
    return uri is not None and host_of(uri) is not None and not world.names.is_ours(uri)
