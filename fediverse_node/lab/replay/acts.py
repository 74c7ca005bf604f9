"""What the people of a recorded node did, done again: known from what left the node without anything that came in.

A post is made of its recorded document, under its recorded number, so that what others said about it later finds it.
Most other acts go through the node's own outbox. What cannot be done again is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from fediverse_node.base.clock import to_ms
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.domain import quotes
from fediverse_node.domain.activities import create, update
from fediverse_node.domain.effects import ChangeActor, Effect, NewObject, Patch, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor
from fediverse_node.domain.publication import publish
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.replay.acting import acting_writer, world_of
from fediverse_node.lab.replay.node import Replayed
from fediverse_node.lab.replay.plan import Plan
from fediverse_node.lab.replay.records import number_in, record_of, visibility_of
from fediverse_node.lab.replay.seed import profile_changes
from fediverse_node.outbox.submit import Outbox
from fediverse_node.protocol.actors import ActorDocument, parse_actor
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.storage.queries.outbox import HOLDERS, OBJECT
from fediverse_node.storage.rows import full_object_of
from fediverse_node.storage.writer import Decision

Document = Mapping[str, Any]
_STAMP = re.compile(r"/quote_authorizations/(\d{10,19})$")


@dataclass(frozen=True, slots=True)
class Act:
    """Something a local person did: the activity, when, and the exchange by which it is known."""

    at_ms: int
    actor: str
    document: Document
    exchange: int

    @property
    def type(self) -> str:
        """Create, Like, Follow, …"""
        return str(self.document.get("type"))

    @property
    def number(self) -> int | None:
        """The number from which its address, or that of its object, was made."""
        return number_in(str(self.document.get("id") or ""))


def acts_of(plan: Plan) -> list[Act]:
    """All acts of a recording in their order."""
    came_in = {exchange.number for exchange in plan.incoming}
    found: dict[str, Act] = {}
    for exchange in plan.outgoing:
        document = exchange.request.document if exchange.method == "POST" else None
        id_ = document.get("id") if document is not None else None
        actor = _id(document.get("actor")) if document is not None else ""
        if document is None or not isinstance(id_, str) or not plan.names.is_ours(actor) or exchange.cause in came_in:
            continue
        number = number_in(id_)
        at_ms = min(number >> 16, exchange.at_ms) if number is not None else exchange.at_ms - 1
        found.setdefault(id_, Act(max(at_ms, plan.began_ms), actor, document, exchange.number))
    for told in _told_elsewhere(plan):
        for act in _of_a_post(told, plan):
            found.setdefault(str(act.document["id"]), act)
    return sorted(found.values(), key=lambda act: (act.at_ms, act.exchange))


def _of_a_post(told: Document, plan: Plan) -> Iterator[Act]:
    """That somebody said it, and that they changed it, where that fell into the recording."""
    uri, author = str(told["id"]), _id(told.get("attributedTo"))
    number = number_in(f"{uri}/activity")
    if number is not None and number >> 16 >= plan.began_ms:
        said = {"id": f"{uri}/activity", "type": "Create", "actor": author, "object": told}
        yield Act(number >> 16, author, said, 0)
    document = parse_object(told)
    if isinstance(document, ObjectDocument) and document.updated is not None:
        updated_ms = to_ms(document.updated)
        # Under the name of the moment: the Update that was delivered, if it was, has come first.
        changed = {"id": f"{uri}#updated/{updated_ms}", "type": "Update", "actor": author, "object": told}
        if updated_ms >= plan.began_ms and not _is_delivered(uri, updated_ms, plan):
            yield Act(updated_ms, author, changed, 0)


def _is_delivered(uri: str, updated_ms: int, plan: Plan) -> bool:
    for exchange in plan.outgoing:
        document = exchange.request.document if exchange.method == "POST" else None
        inner = document.get("object") if document is not None else None
        if document is not None and document.get("type") == "Update" and _id(inner) == uri:
            changed = parse_object(inner)
            if isinstance(changed, ObjectDocument) and changed.updated and to_ms(changed.updated) == updated_ms:
                return True
    return False


def _told_elsewhere(plan: Plan) -> Iterator[Document]:
    """Posts that nobody was sent, and that others spoke about or looked up."""
    for item in plan.known:
        if item.get("local") and isinstance(item.get("object"), Mapping):
            yield item["object"]
    for exchange in plan.incoming:
        document = exchange.answer.document if exchange.answer is not None and exchange.method == "GET" else None
        if document is not None and "attributedTo" in document and plan.names.is_ours(str(document.get("id"))):
            yield document


def stamps_of(plan: Plan) -> dict[str, str]:
    """The posts elsewhere whose quotes were agreed to, by the stamps for that."""
    found: dict[str, str] = {}
    for exchange in plan.outgoing:
        document = exchange.request.document if exchange.method == "POST" else None
        asked = document.get("object") if document is not None else None
        if document is not None and document.get("type") == "Accept" and isinstance(asked, Mapping):
            found[_id(document.get("result"))] = _id(asked.get("instrument"))
    return found


class Acting:
    """Does acts with a node that replays."""

    def __init__(self, replayed: Replayed, stamps: Mapping[str, str]) -> None:
        node = replayed.node
        self._replayed, self._stamps = replayed, stamps
        self._world, self._ids = world_of(node)
        self._writer = acting_writer(node, self._world)
        self._outbox = Outbox(
            database=node.core.database,
            writer=self._writer,
            world=self._world,
            find_handle=node.gatherer.handle,
            actor_document_of=_no_document,
            links=node.links,
        )

    async def do(self, act: Act) -> str | None:
        """Do it. Why it could not be done, if so."""
        actor_id = self._replayed.actor_id(act.actor)
        if actor_id is None:
            return f"{act.actor} is not there"
        outcome = await self._do(act, actor_id)
        if isinstance(outcome, Refuse):
            return f"refused: {Fail(outcome.reason, outcome.detail)}"
        return outcome

    async def _do(self, act: Act, actor_id: int) -> Refuse | str | None:
        inner = act.document.get("object")
        match act.type:
            case "Create":
                return await self._say(act, inner)
            case "Update":
                return await self._change(act, actor_id, inner)
            case "Delete" if (stamp := _STAMP.search(_id(inner))) is not None:
                return await self._revoke(act, actor_id, _id(inner), int(stamp.group(1)))
            case "QuoteRequest":
                return None  # it went out with its post
            case "Like" | "Announce" | "Delete" | "Add" | "Remove":
                return await self._about(act, actor_id, _id(inner))
            case "Follow" | "Block":
                return await self._towards(act, actor_id, _id(inner))
            case "Undo":
                return await self._undo(actor_id, inner)
            case "Accept" | "Reject":
                return await self._answer(act, actor_id, inner)
            case _:
                return f"{act.type} is not repeated"

    async def _towards(self, act: Act, actor_id: int, target: str) -> Refuse | str | None:
        target_id = await self._find_actor(target)
        if target_id is None:
            return f"{target} cannot be found"
        with self._ids.giving(act.number):
            if act.type == "Block":
                return await self._outbox.block(actor_id, target_id)
            return await self._outbox.follow(actor_id, target_id)

    async def _about(self, act: Act, actor_id: int, uri: str) -> Refuse | str | None:
        object_id = await self._find_object(uri)
        if object_id is None:
            return f"{uri} cannot be found"
        with self._ids.giving(act.number):
            match act.type:
                case "Like":
                    return await self._outbox.like(actor_id, object_id)
                case "Delete":
                    return await self._outbox.delete(actor_id, object_id)
                case "Add":
                    return await self._outbox.pin(actor_id, object_id)
                case "Remove":
                    return await self._outbox.unpin(actor_id, object_id)
                case _:
                    author = self._replayed.local_actor(actor_id)
                    reach = visibility_of(act.document, author)
                    made = await self._outbox.announce(actor_id, object_id, reach)
                    return made if isinstance(made, Refuse) else None

    async def _revoke(self, act: Act, actor_id: int, stamp: str, number: int) -> Refuse | str | None:
        # Of a post from elsewhere the number in its stamp is another in each run.
        quoting = self._stamps.get(stamp)
        object_id = self._replayed.object_id(quoting) if quoting is not None else number
        if object_id is None:
            return f"{quoting} is not here"
        with self._ids.giving(act.number):
            return await self._outbox.revoke_quote(actor_id, object_id)

    async def _undo(self, actor_id: int, inner: Any) -> Refuse | str | None:
        if not isinstance(inner, Mapping):
            return "an Undo that only names what it undoes is not repeated"
        target = _id(inner.get("object"))
        actor, object_ = self._replayed.actor_id(target), self._replayed.object_id(target)
        match inner.get("type"):
            case "Follow" if actor is not None:
                return await self._outbox.unfollow(actor_id, actor)
            case "Block" if actor is not None:
                return await self._outbox.unblock(actor_id, actor)
            case "Like" if object_ is not None:
                return await self._outbox.unlike(actor_id, object_)
            case "Announce" if object_ is not None:
                return await self._outbox.unannounce(actor_id, object_)
            case kind:
                return f"the Undo of a {kind} of {target} is not repeated"

    async def _answer(self, act: Act, actor_id: int, inner: Any) -> Refuse | str | None:
        is_of_follow = isinstance(inner, Mapping) and inner.get("type") == "Follow"
        follower = _id(inner.get("actor")) if is_of_follow else ""
        follower_id = self._replayed.actor_id(follower)
        if follower_id is None:
            return f"{act.type} of something by {follower or 'nobody known'} is not repeated"
        if act.type == "Reject":
            return await self._outbox.remove_follower(actor_id, follower_id)
        # Who approves of everybody has said so already.
        if not self._replayed.local_actor(actor_id).locked:
            return None
        return await self._outbox.accept_follower(actor_id, follower_id)

    async def _say(self, act: Act, inner: Any) -> Refuse | str | None:
        document = parse_object(inner, default_author=act.actor)
        if isinstance(document, Fail):
            return f"what is created cannot be read: {document}"
        if document.vote_name is not None:
            return await self._vote(act, document)
        number = number_in(document.id)
        if number is None:
            return f"{document.id} has no number of ours"
        people = await self._people(document)
        for uri in (document.in_reply_to, document.quote):
            if uri:
                await self._find_object(uri)
        names, now_ms = self._world.names, self._replayed.now_ms()

        def decide(facts: Facts) -> Iterable[Effect]:
            author = facts.actor(act.actor)
            if author is None:
                return []
            parent = facts.objects.get(document.in_reply_to or "")
            named = tuple(facts.actors_by_id[id_] for id_ in people if id_ in facts.actors_by_id)
            record = record_of(document, number, author, names=names, parent=parent, people=named, now_ms=now_ms)
            # Whether it may be said was decided then, by what only that node knew.
            said = (*publish(record, author, named, facts), *create.deliver(record, author, parent, named, facts))
            return (*said, *_quoting(record, document, author, facts))

        decided = await self._writer.decide(Decision(_needs(act.actor, document, people), decide))
        return decided.refusal

    async def _vote(self, act: Act, document: ObjectDocument) -> Refuse | str | None:
        poll_uri = document.in_reply_to or ""
        poll_id, actor_id = await self._find_object(poll_uri), self._replayed.actor_id(act.actor)
        rows = self._replayed.database.read(OBJECT, id_=poll_id) if poll_id is not None else []
        poll = full_object_of(rows[0]).poll if rows else None
        if poll is None or poll_id is None or actor_id is None or document.vote_name not in poll.options:
            return f"a vote in {poll_uri} is not repeated: the poll is not here"
        with self._ids.giving(act.number):
            return await self._outbox.vote(actor_id, poll_id, [poll.options.index(document.vote_name)])

    async def _change(self, act: Act, actor_id: int, inner: Any) -> Refuse | str | None:
        profile = parse_actor(inner)
        if isinstance(profile, ActorDocument):
            name = profile.preferred_username
            change = Patch(ChangeActor(actor_id, profile_changes(profile, name)))
            await self._writer.decide(Decision(Needs(actor_ids=(actor_id,)), lambda facts: [change]))
            return await self._replayed.node.outbox.profile_changed(actor_id)
        document = parse_object(inner, default_author=act.actor)
        if isinstance(document, Fail):
            return f"what is changed cannot be read: {document}"
        object_id = self._replayed.object_id(document.id)
        rows = self._replayed.database.read(OBJECT, id_=object_id) if object_id is not None else []
        if object_id is None or not rows:
            return f"{document.id} is not here"
        before, people = full_object_of(rows[0]), await self._people(document)
        holders = [row["id"] for row in self._replayed.database.read(HOLDERS, id_=object_id)]
        recipients = tuple(dict.fromkeys((*before.mention_ids, *holders)))
        names, now_ms = self._world.names, self._replayed.now_ms()

        def decide(facts: Facts) -> Iterable[Effect]:
            author = facts.actor(act.actor)
            if author is None:
                return []
            parent = facts.objects.get(document.in_reply_to or "")
            named = tuple(facts.actors_by_id[id_] for id_ in people if id_ in facts.actors_by_id)
            record = record_of(document, object_id, author, names=names, parent=parent, people=named, now_ms=now_ms)
            return update.compose(record, author, named, facts, recipients=recipients)

        needs = _needs(act.actor, document, (*people, *recipients), object_id)
        with self._ids.giving(act.number):
            return (await self._writer.decide(Decision(needs, decide))).refusal

    async def _people(self, document: ObjectDocument) -> tuple[int, ...]:
        found = [await self._find_actor(mention.href) for mention in document.mentions]
        return tuple(dict.fromkeys(id_ for id_ in found if id_ is not None))

    async def _find_actor(self, uri: str) -> int | None:
        known = self._replayed.actor_id(uri)
        if known is not None or self._world.names.is_ours(uri):
            return known
        return _known(await self._replayed.node.gatherer.actor(uri))

    async def _find_object(self, uri: str) -> int | None:
        known = self._replayed.object_id(uri)
        if known is not None or self._world.names.is_ours(uri):
            return known
        return _known(await self._replayed.node.gatherer.object(uri))


def lookup_of(exchange: Exchange) -> tuple[str, str] | None:
    """What a person looked up: ("handle", "ben@beta.test") or ("document", its address); None for anything else."""
    if exchange.method != "GET":
        return None
    path, _, query = exchange.url.partition("?")
    if path.endswith("/.well-known/webfinger"):
        return "handle", next((value for name, value in parse_qsl(query) if name == "resource"), "")
    accept = exchange.request.header("accept") or ""
    return ("document", exchange.url) if "activity+json" in accept or "ld+json" in accept else None


def _needs(actor: str, document: ObjectDocument, people: Iterable[int], object_id: int | None = None) -> Needs:
    return Needs(
        acting=actor,
        actors=(actor,),
        actor_ids=tuple(people),
        objects=tuple(uri for uri in (document.in_reply_to, document.quote) if uri),
        object_ids=(object_id,) if object_id is not None else (),
        audience=True,
        announcers=object_id is not None,
        versions=object_id is not None,
        hashtags=tuple(tag.lower() for tag in document.hashtags),
    )


def _quoting(record: NewObject, document: ObjectDocument, author: Actor, facts: Facts) -> Iterator[Effect]:
    quoted = facts.objects.get(document.quote or "")
    quote = quotes.compose(record, author, quoted, facts)[0] if quoted is not None else None
    if quote is not None:
        yield from quotes.publish(record, quote, author, facts)


def _known(found: int | Fail | TemporaryFail) -> int | None:
    return found if isinstance(found, int) else None


def _id(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, str) else ""


async def _no_document(actor_id: int) -> dict[str, object] | None:
    # Profiles are told of by the node's own outbox.
    return None
