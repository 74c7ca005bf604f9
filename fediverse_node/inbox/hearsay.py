"""What somebody passes on without its author's proof: not believed, but a reason to ask the author's server.

spec: fep-fe34#authentication, ap#inbox-forwarding. Only of what can be seen there: a new or changed object, and one
that is gone. Whoever brings it chooses whom we ask, so we ask only about what concerns somebody here, once for each
request that was signed, within a budget. Likes, Undos and all else leave no trace at their origin and are refused.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain.activities import RULES
from fediverse_node.domain.effect_sentences import Telling
from fediverse_node.domain.effects import Refusal
from fediverse_node.domain.facts import World
from fediverse_node.domain.model import Visibility, visibility_code
from fediverse_node.domain.reception import participants
from fediverse_node.domain.verified import Verified
from fediverse_node.inbox.answer import Turned
from fediverse_node.inbox.gather import Gatherer, fetched, is_remote
from fediverse_node.inbox.understand import Understood
from fediverse_node.protocol.activitystreams import Activity
from fediverse_node.protocol.addressing import visibility
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.protocol.reading import mapping, uri
from fediverse_node.protocol.uris import same_origin
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.queries.inbox import ACTOR_FETCHED, HAS_READERS, OBJECT_ID, OBJECT_OWNER
from fediverse_node.storage.writer import Decision, Writer
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.dereference import Dereferencer
from fediverse_node.transport.faults import FetchFault

_KINDS = frozenset({"Create", "Update", "Delete"})
_OPEN = visibility_code(Visibility.UNLISTED)


class Hearsay:
    """Finds out at the origin what is true of what was passed on."""

    def __init__(
        self, *, database: Database, writer: Writer, world: World, gatherer: Gatherer, dereferencer: Dereferencer
    ) -> None:
        self._database = database
        self._writer = writer
        self._world = world
        self._gatherer = gatherer
        self._dereferencer = dereferencer

    async def is_worth_asking(self, understood: Understood) -> bool:
        """Whether it is about something that its own server can show, and that concerns somebody here."""
        activity = understood.activity
        object_id = activity.object_id
        is_possible = (
            activity.type in _KINDS
            and object_id is not None
            and len(activity.objects) == 1
            and is_remote(object_id, self._world)
            and same_origin(object_id, activity.actor)
        )
        is_worth = is_possible and object_id is not None and await self._concerns_us(activity, object_id)
        if is_worth:
            note("hearsay.worth_asking", None, type=activity.type, object=object_id)
        return is_worth

    async def _concerns_us(self, activity: Activity, object_id: str) -> bool:
        if object_id == activity.actor:
            known = await self._database.fetch_one(ACTOR_FETCHED, uri=object_id)
            return activity.type != "Create" and known is not None and known["deleted_ms"] is None
        if activity.type != "Create":
            row = await self._database.fetch_one(OBJECT_OWNER, uri=object_id)
            return row is not None and row["actor_uri"] == activity.actor
        if await self._database.fetch_one(HAS_READERS, uri=activity.actor) is not None:
            return True
        parent = uri(mapping(activity.object).get("inReplyTo"))
        if parent is not None and await self._database.fetch_one(OBJECT_ID, uri=parent) is not None:
            return True
        document = parse_object(activity.object) if activity.object is not None else None
        named = participants(document) if isinstance(document, ObjectDocument) else (*activity.to, *activity.cc)
        return any(self._world.names.is_ours(each) for each in named)

    async def settle(
        self, understood: Understood, *, wanted: Collection[Visibility] = ()
    ) -> Fail | TemporaryFail | None:
        """Ask the origin and do what follows from its answer. None when that is done.

        `wanted`: for whom something new may be that we want whether or not it concerns somebody here; other is refused.
        """
        settled = await self._settle(understood.activity, wanted)
        note("hearsay.settled", settled, type=understood.activity.type, object=understood.activity.object_id or "")
        return settled

    async def _settle(self, activity: Activity, wanted: Collection[Visibility]) -> Fail | TemporaryFail | None:
        object_id = activity.object_id
        if object_id is None:
            return Fail(Turned.NOT_UNDERSTOOD)
        refusal = self._gatherer.refusal_to_ask(object_id)
        if refusal is not None:
            return refusal
        budget = Budget(fetches=8, time_s=20.0)
        if object_id == activity.actor:
            # An actor is gone if its server says so with a 410, and changed if it shows something else: both are seen.
            outcome = await self._gatherer.actor(object_id, budget=budget, renew=True)
            return None if isinstance(outcome, int) else outcome
        known = await self._database.fetch_one(OBJECT_OWNER, uri=object_id)
        document = await self._dereferencer.fetch_object(object_id, budget=budget)
        if isinstance(document, ObjectDocument):
            return await self._learn(activity, document, budget, wanted)
        if isinstance(document, Fail) and known is not None and _says_it_is_gone(document, known):
            return await self._forget(activity, known)
        return document

    async def _learn(
        self, activity: Activity, document: ObjectDocument, budget: Budget, wanted: Collection[Visibility]
    ) -> Fail | TemporaryFail | None:
        if document.attributed_to != activity.actor:
            return Fail(FetchFault.AUTHOR_ELSEWHERE, document.attributed_to)
        if activity.type == "Delete":
            return Fail(Turned.IGNORED, "its own server still shows it")
        reach = visibility(document.to, document.cc, None, author_uri=document.attributed_to)
        if wanted and activity.type == "Create" and reach not in wanted:
            named = " or ".join(each.value for each in wanted)
            return Fail(Refusal.NOT_PERMITTED, f"only what is {named} is passed on")
        author = await self._gatherer.actor(document.attributed_to, budget=budget)
        if not isinstance(author, int):
            return author
        verified = fetched(document)
        if activity.type == "Update":
            verified = replace(verified, activity=replace(verified.activity, type="Update"))
        # Nobody here has asked for it: it is kept if it concerns somebody, as if its author had sent it.
        await self._decide(replace(verified, solicited=bool(wanted)))
        return None

    async def _forget(self, activity: Activity, known: Row) -> Fail | None:
        if known["actor_uri"] != activity.actor:
            return Fail(Turned.WRONG_ACTOR, known["actor_uri"])
        gone = replace(activity, type="Delete", object=None)
        await self._decide(Verified(gone, activity.actor, "fetched"))
        return None

    async def _decide(self, verified: Verified) -> None:
        rule = RULES[verified.activity.type]
        telling = Telling(lambda facts: rule.decide(verified, facts))
        decided = await self._writer.decide(Decision(rule.needs(verified), telling))
        telling.note(decided.effects, activity=verified.activity.id or "")


def _says_it_is_gone(answer: Fail, known: Row) -> bool:
    """410 or a Tombstone; 404 only for what everybody could see: of other things it may mean that we may not."""
    if answer.reason is FetchFault.GONE:
        return True
    return answer.reason is FetchFault.NOT_FOUND and known["visibility"] <= _OPEN
