"""Brings a fresh node to the state in which the recording began, as far as the recording tells.

Nobody is told of any of it: it happened long ago. Each thing is stored under the moment at which it happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fediverse_node.base.clock import to_ms
from fediverse_node.base.outcome import Fail
from fediverse_node.domain.activities import RULES
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.effects import ChangeActor, Effect, NewBlock, NewFollow, Patch, Put
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.publication import publish
from fediverse_node.inbox.gather import fetched
from fediverse_node.lab.replay.acting import QuietWriter, world_of
from fediverse_node.lab.replay.node import Replayed
from fediverse_node.lab.replay.plan import Plan
from fediverse_node.lab.replay.records import number_in, record_of
from fediverse_node.protocol.actors import ActorDocument, parse_actor
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.protocol.webfinger import Acct
from fediverse_node.storage.writer import Decision
from fediverse_node.transport.dereference import read_actor

Item = Mapping[str, Any]


class Seeding:
    """One for a replay, before its node starts."""

    def __init__(self, replayed: Replayed, plan: Plan) -> None:
        self._replayed = replayed
        self._plan = plan
        self._core = replayed.node.core
        self._world, self._ids = world_of(replayed.node)
        self._writer = QuietWriter(self._core.database, self._world)
        self.left_out: list[str] = []
        # Those who moved in during the recording, and when.
        self.later: list[tuple[int, Item]] = []

    async def all(self) -> None:
        """Everything the recording tells."""
        plan = self._plan
        self._core.writer.domains = DomainPolicy.suspending(*plan.blocked_hosts)
        locals_ = plan.local_actors()
        for item in locals_:
            since_ms = _since_ms(item)
            if since_ms is not None and since_ms > plan.began_ms:
                self.later.append((since_ms, item))
            else:
                await self.local_actor(item)
        remote = [item for item in plan.known if "actor" in item and not item.get("local")]
        for item in remote:
            await self._remote_actor(item)
        for relation in _relations((*locals_, *remote), "follows"):
            await self._follow(relation)
        for relation in _relations((*locals_, *remote), "blocks"):
            await self._block(relation)
        objects = [item for item in plan.known if isinstance(item.get("object"), Mapping)]
        for item in sorted(objects, key=lambda item: str(item["object"].get("published") or "")):
            await self._object(item)

    async def local_actor(self, item: Item) -> None:
        """Somebody moves in."""
        document = item["actor"]
        uri, names = str(document.get("id")), self._core.world.names
        if uri == names.instance_actor:
            return
        parsed = parse_actor(document)
        profile = parsed if isinstance(parsed, ActorDocument) else None
        name = str(document.get("preferredUsername") or uri.rpartition("/")[2])
        with self._at(_since_ms(item)):
            made = await self._core.registration.create(
                name,
                f"{name}@example.org",
                type_=profile.type if profile is not None and profile.type != "Application" else "Person",
                reserved_allowed=True,
            )
        if isinstance(made, Fail):
            self.left_out.append(f"{uri} could not be made: {made}")
        elif profile is not None:
            changes = profile_changes(profile, name)
            await self._quietly([Patch(ChangeActor(made.actor_id, changes))], Needs(actor_ids=(made.actor_id,)))

    async def _remote_actor(self, item: Item) -> None:
        document = read_actor(item["actor"])
        if isinstance(document, Fail):
            self.left_out.append(f"{item['actor'].get('id')} is no usable actor: {document}")
            return
        fetched_ms = item.get("fetched_ms")
        with self._at(fetched_ms if isinstance(fetched_ms, int) else None):
            host = item.get("host")
            handle = Acct(document.preferred_username, host) if isinstance(host, str) and host else None
            id_ = await self._replayed.node.gatherer.store_actor(document, handle=handle)
        if item.get("suspended"):
            change = ChangeActor(id_, {"suspended_ms": self._replayed.now_ms()})
            await self._quietly([Patch(change)], Needs(actor_ids=(id_,)))

    async def _follow(self, relation: Item) -> None:
        one, other = self._replayed.actor_id(relation["follower"]), self._replayed.actor_id(relation["followed"])
        if one is None or other is None:
            self.left_out.append(f"the follow {relation['uri']}: one of the two is not known")
            return
        names = self._core.world.names
        new = NewFollow(
            id=number_in(relation["uri"]) or self._core.world.ids.next(),
            uri=relation["uri"],
            follower_id=one,
            followed_id=other,
            accepted=bool(relation["accepted"]),
            follower_local=names.is_ours(relation["follower"]),
            created_ms=self._replayed.now_ms(),
        )
        await self._quietly([Put(new)], Needs(actor_ids=(one, other)))

    async def _block(self, relation: Item) -> None:
        one, other = self._replayed.actor_id(relation["actor"]), self._replayed.actor_id(relation["target"])
        if one is None or other is None:
            self.left_out.append(f"the block {relation['uri']}: one of the two is not known")
            return
        new = NewBlock(self._core.world.ids.next(), one, other, relation["uri"])
        await self._quietly([Put(new)], Needs(actor_ids=(one, other)))

    async def _object(self, item: Item) -> None:
        document = parse_object(item["object"])
        if isinstance(document, Fail):
            self.left_out.append(f"{item['object'].get('id')} is no usable post: {document}")
            return
        number = number_in(document.id)
        moment_ms = to_ms(document.published) if document.published is not None else None
        if item.get("local"):
            if number is not None and number >> 16 >= self._plan.began_ms:
                return  # made during the recording: see `acts`
            await self._local_object(document, number, moment_ms)
            return
        verified = fetched(document)
        rule = RULES["Create"]
        with self._at(moment_ms):
            await self._writer.decide(Decision(rule.needs(verified), lambda facts: rule.decide(verified, facts)))

    async def _local_object(self, document: ObjectDocument, number: int | None, moment_ms: int | None) -> None:
        if number is None:
            self.left_out.append(f"{document.id} has no number of ours")
            return
        found = [self._replayed.actor_id(mention.href) for mention in document.mentions]
        people = [id_ for id_ in found if id_ is not None]
        names, now_ms = self._core.world.names, self._replayed.now_ms()

        def decide(facts: Facts) -> Iterable[Effect]:
            author = facts.actor(document.attributed_to)
            if author is None:
                return []
            parent = facts.objects.get(document.in_reply_to or "")
            named = tuple(facts.actors_by_id[id_] for id_ in people if id_ in facts.actors_by_id)
            record = record_of(document, number, author, names=names, parent=parent, people=named, now_ms=now_ms)
            return publish(record, author, named, facts)

        parents = (document.in_reply_to,) if document.in_reply_to else ()
        needs = Needs(acting=document.attributed_to, actor_ids=tuple(people), objects=parents, audience=True)
        with self._at(moment_ms):
            await self._writer.decide(Decision(needs, decide))

    async def _quietly(self, effects: list[Effect], needs: Needs) -> None:
        await self._writer.decide(Decision(needs, lambda facts: effects))

    @contextmanager
    def _at(self, moment_ms: int | None) -> Iterator[None]:
        """What is done inside happens at that moment, if it is past."""
        clock, now_ms = self._replayed.clock, self._replayed.clock.now_ms()
        if moment_ms is not None and moment_ms < now_ms:
            clock.skew_s = (moment_ms - now_ms) / 1000
        try:
            yield
        finally:
            clock.skew_s = 0.0


def profile_changes(profile: ActorDocument, username: str) -> dict[str, Any]:
    """Columns of a local actor whose profile this is."""
    return {
        "name": "" if profile.name == username else profile.name,
        "summary": profile.summary,
        "locked": profile.manually_approves,
        "discoverable": profile.discoverable,
        "indexable": bool(profile.indexable),
        "also_known_as": list(profile.also_known_as),
        "fields": [{"name": name, "value": value, "verified_at": None} for name, value in profile.fields],
    }


def _since_ms(item: Item) -> int | None:
    parsed = parse_actor(item["actor"])
    published = parsed.published if isinstance(parsed, ActorDocument) else None
    return to_ms(published) if published is not None else None


def _relations(items: Iterable[Item], name: str) -> list[Item]:
    found: dict[tuple[str, ...], Item] = {}
    for item in items:
        for relation in item.get(name, ()):
            ends = tuple(str(relation.get(end)) for end in ("follower", "followed", "actor", "target"))
            found.setdefault(ends, relation)
    return list(found.values())
