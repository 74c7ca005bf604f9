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
from fediverse_node.domain.effects import Effect, NewObject, NewReport, Put, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs, World
from fediverse_node.domain.model import Actor, Interaction, Object, Visibility
from fediverse_node.outbox.approving import Approving
from fediverse_node.outbox.compose import OF_WRITTEN, Quoted, hashtags_of, new_object, said
from fediverse_node.outbox.deciding import UNKNOWN, UNKNOWN_ACTOR
from fediverse_node.outbox.draft import Draft
from fediverse_node.outbox.emoji_desk import find_used
from fediverse_node.outbox.reacting import Reacting
from fediverse_node.outbox.recommending import Recommending
from fediverse_node.outbox.verified_links import VerifiedLinks
from fediverse_node.protocol import plain_text
from fediverse_node.protocol.uris import is_http_uri
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.queries import outbox as queries
from fediverse_node.storage.queries.housekeeping import mark_counted, mark_ended
from fediverse_node.storage.queries.users import add_alias
from fediverse_node.storage.rows import full_object_of
from fediverse_node.storage.unit import Unit
from fediverse_node.storage.writer import Decision, Writer

FindHandle = Callable[[str, str], Awaitable[int | Fail | TemporaryFail]]
ActorDocumentOf = Callable[[int], Awaitable[dict[str, object] | None]]

_MENTIONS_LIMIT = 50


class Outbox(Approving, Reacting, Recommending):
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
        super().__init__(database=database, writer=writer, world=world)
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
                return [UNKNOWN_ACTOR]
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
            return UNKNOWN_ACTOR
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
            return UNKNOWN_ACTOR

        def compose(actor: Actor, facts: Facts) -> Iterable[Effect]:
            return move.compose(actor, facts.actors_by_id[target_id], facts)

        needs = Needs(
            actors=(row["uri"],),
            actor_ids=(target_id,),
            audience=True,
            followers=True,
            most_followers=move.FOLLOWERS_AT_ONCE + 1,
        )
        refusal = await self._act(actor_id, compose, needs)
        # Those who do not follow read it in the document.
        return refusal or await self.profile_changed(actor_id)

    async def come_back(self, actor_id: int) -> Refuse | None:
        """Here again after a move: the document says so, and all who follow are told of it."""
        refusal = await self._act(actor_id, move.compose_return, Needs())
        return refusal or await self.profile_changed(actor_id)

    # Objects

    async def like(self, actor_id: int, object_id: int) -> Refuse | None:
        """Favour an object."""
        needs = Needs(object_ids=(object_id,), approvals=True, whole=True)
        return await self._about_with(actor_id, object_id, like.compose, needs)

    async def unlike(self, actor_id: int, object_id: int) -> Refuse | None:
        """Take it back."""
        row = await self._database.fetch_one(queries.LIKE_URI, actor=actor_id, object=object_id)
        if row is None:
            return await self._withdraw(actor_id, object_id, Interaction.LIKE)
        return await self._about(
            actor_id, object_id, lambda actor, target, facts: like.compose_undo(actor, target, row["uri"], facts)
        )

    async def announce(self, actor_id: int, object_id: int, visibility: Visibility) -> int | Refuse | None:
        """Pass an object on; the id of the Announce, an old one if it was done before. None: its author is asked."""
        found: list[int] = []

        def compose(actor: Actor, target: Object, facts: Facts) -> Iterable[Effect]:
            existing = facts.announces.get((actor.id, target.id))
            if existing is not None:
                found.append(existing.id)
                return []
            effects = list(announce.compose(actor, target, visibility, facts))
            found[:] = [x.record.id for x in effects if isinstance(x, Put) and isinstance(x.record, NewObject)]
            return effects

        needs = Needs(object_ids=(object_id,), audience=True, approvals=True, whole=True)
        refusal = await self._about_with(actor_id, object_id, compose, needs)
        return refusal or (found[0] if found else None)

    async def unannounce(self, actor_id: int, object_id: int) -> Refuse | None:
        """Take it back."""

        def compose(actor: Actor, target: Object, facts: Facts) -> Iterable[Effect]:
            existing = facts.announces.get((actor.id, target.id))
            if existing is None:
                return [Refuse(Refusal.ALREADY_DONE)]
            return announce.compose_undo(actor, target, existing, facts)

        refusal = await self._about(actor_id, object_id, compose)
        if refusal is not None and refusal.reason is Refusal.ALREADY_DONE:
            return await self._withdraw(actor_id, object_id, Interaction.ANNOUNCE)
        return refusal

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
        ended_ms = record.poll.expires_ms if record.local and record.poll is not None else None
        if record.poll is not None and ended_ms is not None:
            # What was hidden while it ran is shown now.  spec: fep-9967
            record = replace(record, poll=replace(record.poll, closed_ms=record.poll.closed_ms or ended_ms))
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
        await self._decide(Decision(needs, decide, beside=(lambda: mark_ended(object_id, ended_ms),)), record.actor_id)

    async def poll_counted(self, object_id: int) -> None:
        """Tell those elsewhere who have a poll of ours of the votes so far; how it ends is told by `poll_ended`."""
        row = await self._database.fetch_one(queries.OBJECT, id_=object_id)
        record = full_object_of(row) if row is not None else None
        is_open = record is not None and record.poll is not None and not votes.has_ended(record.poll, self._now_ms())
        if record is None or not is_open:
            await self._writer.run(lambda: mark_counted(object_id))
            return
        holders = await self._holders(object_id, record)

        def decide(facts: Facts) -> Iterable[Effect]:
            author = facts.actors_by_id.get(record.actor_id)
            if author is not None and author.local:
                yield update.compose_counts(record, author, facts, recipients=holders)

        needs = Needs(actor_ids=(record.actor_id, *holders), object_ids=(object_id,))
        await self._decide(Decision(needs, decide, beside=(lambda: mark_counted(object_id),)), record.actor_id)

    def _now_ms(self) -> int:
        return self._world.clock.now_ms()

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

    async def show_hashtag(self, actor_id: int, name: str, *, is_shown: bool = True) -> Refuse | None:
        """Followers elsewhere are told that a hashtag (without `#`) is on the profile now, or is not any more."""
        return await self._act(
            actor_id, lambda actor, facts: add.compose_hashtag(actor, name, facts, is_shown=is_shown), Needs()
        )

    async def post(
        self, actor_id: int, draft: Draft, *, beside: Callable[[int], Unit[Any]] | None = None
    ) -> int | Refuse:
        """Say something new; its id. `beside` gets that id and is committed with it, or not at all."""
        people = await self._people_of(draft)
        media = await self._media(actor_id, draft.media_ids)
        parent_uri = await self._uri_of(draft.in_reply_to_id)
        quoted = await self._quoted(draft.quoted_id)
        if (draft.in_reply_to_id is not None and parent_uri is None) or (draft.quoted_id is not None and not quoted):
            return UNKNOWN
        emojis = await self._emojis(draft)
        ids: list[int] = []

        def decide(facts: Facts) -> Iterable[Effect]:
            ids.clear()
            author = facts.actors_by_id.get(actor_id)
            if author is None:
                return [UNKNOWN_ACTOR]
            parent = facts.objects.get(parent_uri) if parent_uri else None
            original = facts.objects.get(quoted.uri) if quoted else None
            if (parent_uri and parent is None) or (quoted and original is None):
                return [UNKNOWN]
            meant = _meant(people, facts)
            record = new_object(
                draft,
                author,
                world=self._world,
                parent=parent,
                people=meant,
                media=media,
                parent_uri=parent_uri,
                quoted=quoted,
            )
            if emojis:
                record = replace(record, parts={**record.parts, "emojis": emojis})
            named = tuple(dict.fromkeys(meant.values()))
            effects = list(create.compose(record, author, parent, named, facts, quoted=original))
            if not any(isinstance(effect, Refuse) for effect in effects):
                ids.append(record.id)
            return effects

        def also() -> Unit[None]:
            if beside is not None and ids:
                yield from beside(ids[0])

        needs = Needs(
            acting=await self._acting(actor_id),
            actor_ids=(actor_id, *people.values()),
            objects=tuple(uri for uri in (parent_uri, quoted.uri if quoted else None) if uri),
            audience=True,
            hashtags=tuple(tag.lower() for tag in hashtags_of(draft)),
            # Who answers what waits for their approval approves of it.
            approvals=parent_uri is not None,
            whole=parent_uri is not None,
            containers=parent_uri is not None,
        )
        decided = await self._decide(Decision(needs, decide, beside=(also,)), actor_id)
        return decided.refusal or ids[0]

    async def edit(self, actor_id: int, object_id: int, draft: Draft) -> Refuse | None:
        """A new version of something said before."""
        row = await self._database.fetch_one(queries.OBJECT, id_=object_id)
        if row is None or row["actor_id"] != actor_id:
            return UNKNOWN
        before = full_object_of(row)
        quoted = await self._quoted_in(object_id)
        emojis = await self._emojis(draft)
        people = await self._people_of(draft)
        media = await self._media(actor_id, draft.media_ids)
        holders = await self._holders(object_id, before)
        now_ms = self._world.clock.now_ms()

        def decide(facts: Facts) -> Iterable[Effect]:
            author = facts.actors_by_id.get(actor_id)
            if author is None or object_id not in facts.objects_by_id:
                return [UNKNOWN]
            meant = _meant(people, facts)
            changed = said(draft, world=self._world, people=meant, media=media, quoted=quoted)
            if draft.written is None:  # what the other kind of client could not have said
                changed["parts"] |= {name: before.parts[name] for name in OF_WRITTEN if name in before.parts}
            poll = draft.poll if draft.poll is not None else before.poll
            policy = draft.policy if draft.policy is not None else before.policy
            if emojis:
                changed["parts"] |= {"emojis": emojis}
            if "groups" in before.parts:
                changed["parts"] |= {"groups": before.parts["groups"]}
            record = replace(before, **changed, poll=poll, policy=policy, updated_ms=now_ms)
            return update.compose(record, author, tuple(dict.fromkeys(meant.values())), facts, recipients=holders)

        needs = Needs(
            acting=await self._acting(actor_id),
            actor_ids=(actor_id, *people.values(), *holders),
            object_ids=(object_id,),
            audience=True,
            announcers=True,
            versions=True,
            hashtags=tuple(tag.lower() for tag in hashtags_of(draft)),
        )
        return (await self._decide(Decision(needs, decide), actor_id)).refusal

    async def delete(self, actor_id: int, object_id: int) -> Refuse | None:
        """Take something back, everywhere it went."""
        row = await self._database.fetch_one(queries.OBJECT, id_=object_id)
        if row is None or row["actor_id"] != actor_id:
            return UNKNOWN
        voters = [x["actor_id"] for x in await self._database.fetch(queries.VOTERS, id_=object_id) if not x["local"]]
        holders = (*await self._holders(object_id, full_object_of(row), is_gone=True), *voters)
        return await self._about(
            actor_id,
            object_id,
            lambda actor, target, facts: delete.compose(target, actor, facts, recipients=holders),
            people=holders,
        )

    # What a draft names

    async def _quoted(self, object_id: int | None) -> Quoted | None:
        """What a new post quotes."""
        if object_id is None:
            return None
        row = await self._database.fetch_one(queries.QUOTED, id_=object_id)
        return Quoted(row["uri"], _page(row["url"]) or row["uri"]) if row is not None else None

    async def _quoted_in(self, object_id: int) -> Quoted | None:
        """What a post quotes already."""
        row = await self._database.fetch_one(queries.QUOTED_IN, id_=object_id)
        return Quoted(row["quoted_uri"], _page(row["url"]) or row["quoted_uri"]) if row is not None else None

    async def _media(self, actor_id: int, ids: Sequence[int]) -> list[Row]:
        if not ids:
            return []
        rows = {row["id"]: row for row in await self._database.fetch(queries.MEDIA, ids=list(ids), actor=actor_id)}
        return [rows[id_] for id_ in ids if id_ in rows]

    async def _emojis(self, draft: Draft) -> list[dict[str, Any]]:
        """The emojis of this server in the text, its warning and its poll.  spec: fep-9098"""
        options = draft.poll.options if draft.poll is not None else ()
        return await find_used(self._database, self._world, draft.text, draft.summary, *options)

    async def _people_of(self, draft: Draft) -> dict[str, int]:
        return dict(draft.written.people) if draft.written is not None else await self._people(draft.text)

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


def _page(url: str | None) -> str | None:
    return url if url is not None and is_http_uri(url, allow_plain=True) else None


def _meant(people: dict[str, int], facts: Facts) -> dict[str, Actor]:
    return {key: facts.actors_by_id[id_] for key, id_ in people.items() if id_ in facts.actors_by_id}
