"""The outbox: a local actor wants something, and the domain decides.  spec: ap#client-to-server-interactions

Every method returns after the commit: what was done is visible to the next request. A `Refuse` says why
nothing was done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain import votes
from fediverse_node.domain.activities import (
    accept,
    add,
    announce,
    block,
    create,
    delete,
    flag,
    follow,
    like,
    move,
    reject,
    undo,
    update,
)
from fediverse_node.domain.activities import remove as unpinning
from fediverse_node.domain.effect_sentences import Telling
from fediverse_node.domain.effects import Effect, NewObject, NewReport, Put, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs, World
from fediverse_node.domain.model import Actor, Object, Visibility
from fediverse_node.outbox.compose import new_object, said
from fediverse_node.outbox.draft import Draft
from fediverse_node.outbox.verified_links import VerifiedLinks
from fediverse_node.protocol import plain_text
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.queries import outbox as queries
from fediverse_node.storage.queries.housekeeping import mark_ended
from fediverse_node.storage.queries.users import add_alias
from fediverse_node.storage.rows import actor_of, full_object_of
from fediverse_node.storage.unit import Unit
from fediverse_node.storage.writer import Decided, Decision, Writer

FindHandle = Callable[[str, str], Awaitable[int | Fail | TemporaryFail]]
ActorDocumentOf = Callable[[int], Awaitable[dict[str, object] | None]]

_MENTIONS_LIMIT = 50
_UNKNOWN = Refuse(Refusal.UNKNOWN_OBJECT)
_UNKNOWN_ACTOR = Refuse(Refusal.UNKNOWN_ACTOR)


class Outbox:
    """Everything that people here can do to others."""

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        world: World,
        find_handle: FindHandle,
        actor_document_of: ActorDocumentOf,
        links: VerifiedLinks,
    ) -> None:
        self._database = database
        self._writer = writer
        self._world = world
        self._find_handle = find_handle
        self._actor_document_of = actor_document_of
        self._links = links

    # People

    async def follow(
        self,
        actor_id: int,
        target_id: int,
        *,
        show_announces: bool = True,
        notify: bool = False,
        languages: tuple[str, ...] = (),
    ) -> Refuse | None:
        """Follow somebody, ask to, or change the options of a follow."""
        return await self._between(
            actor_id,
            target_id,
            lambda a, b, facts: follow.compose(
                a, b, facts, show_announces=show_announces, notify=notify, languages=languages
            ),
        )

    async def unfollow(self, actor_id: int, target_id: int) -> Refuse | None:
        """End a follow or withdraw a request."""
        return await self._between(actor_id, target_id, undo.compose_unfollow)

    async def remove_follower(self, actor_id: int, follower_id: int) -> Refuse | None:
        """Somebody shall not follow any more."""
        return await self._between(actor_id, follower_id, reject.compose)

    async def accept_follower(self, actor_id: int, follower_id: int) -> Refuse | None:
        """Grant a request."""
        return await self._between(actor_id, follower_id, accept.compose)

    async def reject_follower(self, actor_id: int, follower_id: int) -> Refuse | None:
        """Refuse a request."""
        return await self._between(actor_id, follower_id, reject.compose)

    async def block(self, actor_id: int, target_id: int) -> Refuse | None:
        """Nothing of each other any more."""
        return await self._between(actor_id, target_id, block.compose)

    async def unblock(self, actor_id: int, target_id: int) -> Refuse | None:
        """End a block."""
        row = await self._database.fetch_one(queries.BLOCK_URI, actor=actor_id, target=target_id)
        uri = row["uri"] if row else None
        return await self._between(actor_id, target_id, lambda a, b, facts: undo.compose_unblock(a, b, uri, facts))

    async def report(
        self,
        actor_id: int,
        target_id: int,
        *,
        comment: str = "",
        object_ids: Sequence[int] = (),
        category: str = "other",
        rule_ids: tuple[str, ...] = (),
        forward: bool = False,
    ) -> int | Refuse:
        """Tell the moderators here, and on request those of the other server; the report's id."""
        instance = await self._database.fetch_one(queries.INSTANCE_ACTOR, uri=self._world.names.instance_actor)

        def decide(facts: Facts) -> Iterable[Effect]:
            reporter, target = facts.actors_by_id.get(actor_id), facts.actors_by_id.get(target_id)
            if reporter is None or target is None:
                return [_UNKNOWN_ACTOR]
            about = [facts.objects_by_id[i] for i in object_ids if i in facts.objects_by_id]
            return flag.compose(
                reporter,
                target,
                about,
                facts,
                instance_actor_id=instance["id"] if instance else reporter.id,
                comment=comment,
                category=category,
                rule_ids=rule_ids,
                forward=forward,
            )

        needs = Needs(actor_ids=(actor_id, target_id), object_ids=tuple(object_ids), staff=True)
        decided = await self._decide(Decision(needs, decide), actor_id)
        if decided.refusal is not None:
            return decided.refusal
        records = (x.record for x in decided.effects if isinstance(x, Put))
        return next(record.id for record in records if isinstance(record, NewReport))

    async def profile_changed(self, actor_id: int) -> Refuse | None:
        """Followers elsewhere are told of the new profile, which is stored already; its links are checked."""
        self._links.check_soon(actor_id)
        document = await self._actor_document_of(actor_id)
        if document is None:
            return _UNKNOWN_ACTOR
        return await self._act(actor_id, lambda actor, facts: update.compose_actor(actor, document, facts), Needs())

    async def add_alias(self, actor_id: int, uri: str) -> Refuse | None:
        """Say that this actor is known by another URI too: from there its followers may be brought along."""
        await self._writer.run(lambda: add_alias(actor_id, uri))
        return await self.profile_changed(actor_id)

    async def move(self, actor_id: int, target_id: int) -> Refuse | None:
        """Go on as somebody else, who names this actor as an alias, and take the followers along.

        The target's document must have been fetched just now, if it is elsewhere.
        """
        row = await self._database.fetch_one(queries.ACTOR, id_=target_id)
        if row is None:
            return _UNKNOWN_ACTOR

        def compose(actor: Actor, facts: Facts) -> Iterable[Effect]:
            return move.compose(actor, facts.actors_by_id[target_id], facts)

        needs = Needs(actors=(row["uri"],), actor_ids=(target_id,), audience=True, followers=True)
        refusal = await self._act(actor_id, compose, needs)
        # Those who do not follow read it in the document.
        return refusal or await self.profile_changed(actor_id)

    # Objects

    async def like(self, actor_id: int, object_id: int) -> Refuse | None:
        """Favour an object."""
        return await self._about(actor_id, object_id, like.compose)

    async def unlike(self, actor_id: int, object_id: int) -> Refuse | None:
        """Take it back."""
        row = await self._database.fetch_one(queries.LIKE_URI, actor=actor_id, object=object_id)
        if row is None:
            return Refuse(Refusal.ALREADY_DONE)
        return await self._about(
            actor_id, object_id, lambda actor, target, facts: like.compose_undo(actor, target, row["uri"], facts)
        )

    async def announce(self, actor_id: int, object_id: int, visibility: Visibility) -> int | Refuse:
        """Pass an object on; the id of the Announce, an old one if it was done before."""
        found: list[int] = []

        def compose(actor: Actor, target: Object, facts: Facts) -> Iterable[Effect]:
            existing = facts.announces.get((actor.id, target.id))
            if existing is not None:
                found.append(existing.id)
                return []
            effects = list(announce.compose(actor, target, visibility, facts))
            found[:] = [x.record.id for x in effects if isinstance(x, Put) and isinstance(x.record, NewObject)]
            return effects

        refusal = await self._about(actor_id, object_id, compose, audience=True)
        return refusal or found[0]

    async def unannounce(self, actor_id: int, object_id: int) -> Refuse | None:
        """Take it back."""

        def compose(actor: Actor, target: Object, facts: Facts) -> Iterable[Effect]:
            existing = facts.announces.get((actor.id, target.id))
            if existing is None:
                return [Refuse(Refusal.ALREADY_DONE)]
            return announce.compose_undo(actor, target, existing, facts)

        return await self._about(actor_id, object_id, compose)

    async def vote(self, actor_id: int, object_id: int, choices: Sequence[int]) -> Refuse | None:
        """Choose in a poll."""
        return await self._about(
            actor_id, object_id, lambda actor, target, facts: votes.compose(actor, target, choices, facts)
        )

    async def poll_ended(self, object_id: int) -> None:
        """Tell everybody here who took part, once; and those elsewhere, if it is ours, how it came out."""
        row = await self._database.fetch_one(queries.OBJECT, id_=object_id)
        if row is None:
            return
        record = full_object_of(row)
        voters = await self._database.fetch(queries.VOTERS, id_=object_id)
        ours = [voter["actor_id"] for voter in voters if voter["local"]]
        holders = await self._holders(object_id, record)
        if record.visibility in (Visibility.PUBLIC, Visibility.UNLISTED):
            holders = (*holders, *(voter["actor_id"] for voter in voters if not voter["local"]))

        def decide(facts: Facts) -> Iterable[Effect]:
            author = facts.actors_by_id.get(record.actor_id)
            if author is None:
                return
            yield from votes.end(object_id, author, ours, facts)
            if author.local:
                counted = replace(record, updated_ms=facts.now_ms())
                yield update.compose_counts(counted, author, facts, recipients=holders)

        needs = Needs(actor_ids=(record.actor_id, *ours, *holders), object_ids=(object_id,))
        await self._decide(Decision(needs, decide, beside=(lambda: mark_ended(object_id),)), record.actor_id)

    async def pin(self, actor_id: int, object_id: int) -> Refuse | None:
        """Show an own object at the top of the profile."""
        row = await self._database.fetch_one(queries.PINS_COUNT, actor=actor_id)
        count = int(row[0]) if row else 0
        return await self._about(
            actor_id, object_id, lambda actor, target, facts: add.compose(actor, target, count, facts)
        )

    async def unpin(self, actor_id: int, object_id: int) -> Refuse | None:
        """Not at the top any more."""
        return await self._about(actor_id, object_id, unpinning.compose)

    async def post(
        self, actor_id: int, draft: Draft, *, beside: Callable[[int], Unit[Any]] | None = None
    ) -> int | Refuse:
        """Say something new; its id. `beside` gets that id and is committed with it, or not at all."""
        people = await self._people(draft.text)
        media = await self._media(actor_id, draft.media_ids)
        parent_uri = await self._uri_of(draft.in_reply_to_id)
        if draft.in_reply_to_id is not None and parent_uri is None:
            return _UNKNOWN
        ids: list[int] = []

        def decide(facts: Facts) -> Iterable[Effect]:
            ids.clear()
            author = facts.actors_by_id.get(actor_id)
            if author is None:
                return [_UNKNOWN_ACTOR]
            parent = facts.objects.get(parent_uri) if parent_uri else None
            if parent_uri and parent is None:
                return [_UNKNOWN]
            meant = _meant(people, facts)
            record = new_object(
                draft, author, world=self._world, parent=parent, people=meant, media=media, parent_uri=parent_uri
            )
            effects = list(create.compose(record, author, parent, tuple(dict.fromkeys(meant.values())), facts))
            if not any(isinstance(effect, Refuse) for effect in effects):
                ids.append(record.id)
            return effects

        def also() -> Unit[None]:
            if beside is not None and ids:
                yield from beside(ids[0])

        needs = Needs(
            acting=await self._acting(actor_id),
            actor_ids=(actor_id, *people.values()),
            objects=(parent_uri,) if parent_uri else (),
            audience=True,
            hashtags=tuple(tag.lower() for tag in plain_text.extract_hashtags(draft.text)),
        )
        decided = await self._decide(Decision(needs, decide, beside=(also,)), actor_id)
        return decided.refusal or ids[0]

    async def edit(self, actor_id: int, object_id: int, draft: Draft) -> Refuse | None:
        """A new version of something said before."""
        row = await self._database.fetch_one(queries.OBJECT, id_=object_id)
        if row is None or row["actor_id"] != actor_id:
            return _UNKNOWN
        before = full_object_of(row)
        people = await self._people(draft.text)
        media = await self._media(actor_id, draft.media_ids)
        holders = await self._holders(object_id, before)
        now_ms = self._world.clock.now_ms()

        def decide(facts: Facts) -> Iterable[Effect]:
            author = facts.actors_by_id.get(actor_id)
            if author is None or object_id not in facts.objects_by_id:
                return [_UNKNOWN]
            meant = _meant(people, facts)
            changed = said(draft, world=self._world, people=meant, media=media)
            poll = draft.poll if draft.poll is not None else before.poll
            record = replace(before, **changed, poll=poll, updated_ms=now_ms)
            return update.compose(record, author, tuple(dict.fromkeys(meant.values())), facts, recipients=holders)

        needs = Needs(
            acting=await self._acting(actor_id),
            actor_ids=(actor_id, *people.values(), *holders),
            object_ids=(object_id,),
            audience=True,
            announcers=True,
            versions=True,
            hashtags=tuple(tag.lower() for tag in plain_text.extract_hashtags(draft.text)),
        )
        return (await self._decide(Decision(needs, decide), actor_id)).refusal

    async def delete(self, actor_id: int, object_id: int) -> Refuse | None:
        """Take something back, everywhere it went."""
        row = await self._database.fetch_one(queries.OBJECT, id_=object_id)
        if row is None or row["actor_id"] != actor_id:
            return _UNKNOWN
        voters = [x["actor_id"] for x in await self._database.fetch(queries.VOTERS, id_=object_id) if not x["local"]]
        holders = (*await self._holders(object_id, full_object_of(row), is_gone=True), *voters)
        return await self._about(
            actor_id,
            object_id,
            lambda actor, target, facts: delete.compose(target, actor, facts, recipients=holders),
            people=holders,
        )

    # How a decision is made

    async def _between(
        self, actor_id: int, other_id: int, compose: Callable[[Actor, Actor, Facts], Iterable[Effect]]
    ) -> Refuse | None:
        def act(actor: Actor, facts: Facts) -> Iterable[Effect]:
            other = facts.actors_by_id.get(other_id)
            return [_UNKNOWN_ACTOR] if other is None else compose(actor, other, facts)

        return await self._act(actor_id, act, Needs(actor_ids=(other_id,)))

    async def _about(
        self,
        actor_id: int,
        object_id: int,
        compose: Callable[[Actor, Object, Facts], Iterable[Effect]],
        *,
        audience: bool = False,
        people: Sequence[int] = (),
    ) -> Refuse | None:
        def act(actor: Actor, facts: Facts) -> Iterable[Effect]:
            target = facts.objects_by_id.get(object_id)
            return [_UNKNOWN] if target is None else compose(actor, target, facts)

        needs = Needs(object_ids=(object_id,), actor_ids=tuple(people), audience=audience)
        return await self._act(actor_id, act, needs)

    async def _act(
        self, actor_id: int, compose: Callable[[Actor, Facts], Iterable[Effect]], needs: Needs
    ) -> Refuse | None:
        acting = await self._acting(actor_id)
        if not acting:
            return _UNKNOWN_ACTOR

        def decide(facts: Facts) -> Iterable[Effect]:
            actor = facts.actors_by_id.get(actor_id)
            return [_UNKNOWN_ACTOR] if actor is None else compose(actor, facts)

        wanted = replace(needs, acting=acting, actor_ids=(*needs.actor_ids, actor_id))
        return (await self._decide(Decision(wanted, decide), actor_id)).refusal

    async def _decide(self, decision: Decision, actor_id: int) -> Decided:
        """Decide and commit, and tell whoever watches what came of it."""
        telling = Telling(decision.decide)
        decided = await self._writer.decide(replace(decision, decide=telling))
        telling.note(decided.effects, actor_id=actor_id)
        if decided.refusal is None:
            note("storage.committed")
        return decided

    async def _acting(self, actor_id: int) -> str:
        row = await self._database.fetch_one(queries.ACTOR, id_=actor_id)
        return "" if row is None or not row["local"] else actor_of(row).uri

    async def _uri_of(self, object_id: int | None) -> str | None:
        if object_id is None:
            return None
        row = await self._database.fetch_one(queries.OBJECT_URI, id_=object_id)
        return str(row["uri"]) if row else None

    async def _holders(self, object_id: int, record: NewObject, *, is_gone: bool = False) -> tuple[int, ...]:
        is_open = record.visibility in (Visibility.PUBLIC, Visibility.UNLISTED)
        rows: list[Row] = []
        # New private words are not for those who answered or liked the old ones: they may have left since, and
        # whoever has the address can answer. That there are none any more may be told to all.
        if is_gone or is_open:
            rows += await self._database.fetch(queries.HOLDERS, id_=object_id)
            rows += await self._database.fetch(queries.LIKERS, id_=object_id)
        # Whoever was answered got the answer, also if it does not name them: see `create.deliver`.
        answered = (record.in_reply_to_actor_id,) if is_open and record.in_reply_to_actor_id is not None else ()
        return tuple(dict.fromkeys((*record.mention_ids, *answered, *(row["id"] for row in rows))))

    async def _media(self, actor_id: int, ids: Sequence[int]) -> list[Row]:
        if not ids:
            return []
        rows = {row["id"]: row for row in await self._database.fetch(queries.MEDIA, ids=list(ids), actor=actor_id)}
        return [rows[id_] for id_ in ids if id_ in rows]

    async def _people(self, text: str) -> dict[str, int]:
        """Whom a text means: handle -> actor id; asked of their hosts side by side where they are not known."""
        wanted = plain_text.find_mentions(text)[:_MENTIONS_LIMIT]
        found = await asyncio.gather(*(self._person(user, host) for user, host in wanted))
        return {
            plain_text.handle_key(user, host): actor_id
            for (user, host), actor_id in zip(wanted, found, strict=True)
            if actor_id is not None
        }

    async def _person(self, user: str, host: str | None) -> int | None:
        ours = self._world.names.host
        where = (host or ours).lower()
        row = await self._database.fetch_one(queries.ACTOR_BY_HANDLE, username=user.lower(), host=where)
        if row is not None:
            return int(row["id"]) if row["deleted_ms"] is None else None
        if where == ours:
            return None
        outcome = await self._find_handle(user, where)
        return outcome if isinstance(outcome, int) else None


def _meant(people: dict[str, int], facts: Facts) -> dict[str, Actor]:
    return {key: facts.actors_by_id[id_] for key, id_ in people.items() if id_ in facts.actors_by_id}
