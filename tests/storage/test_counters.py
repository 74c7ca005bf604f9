"""Whatever people do in whatever order, every counter is what it counts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from fediverse_node.domain import effects as e
from fediverse_node.domain.activities import announce, block, delete, follow, like, undo
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor, Poll, Visibility
from fediverse_node.storage.writer import Decision
from tests.activities.builders import NOW_MS, mentioning
from tests.storage.node_store import NodeStore, decision

STEPS = 400


@dataclass
class Play:
    """Random acts of people here and elsewhere, through the real rules."""

    store: NodeStore
    drawn: random.Random
    ours: list[Actor]
    theirs: list[Actor]
    uris: list[str] = field(default_factory=list)
    polls: list[str] = field(default_factory=list)

    def next(self) -> Decision:
        acts = (
            *(self.says,) * 5,
            *(self.likes,) * 4,
            *(self.unlikes,) * 2,
            *(self.announces,) * 3,
            self.unannounces,
            *(self.follows,) * 4,
            *(self.unfollows,) * 2,
            self.blocks,
            self.unblocks,
            *(self.deletes,) * 2,
            *(self.votes,) * 3,
            *(self.ours_act,) * 6,
        )
        return self.drawn.choice(acts)()

    def somebody(self) -> Actor:
        return self.drawn.choice(self.theirs)

    def something(self) -> str:
        return self.drawn.choice(self.uris or ["https://far.example/nothing"])

    def says(self) -> Decision:
        author = self.somebody()
        reach = self.drawn.choice(("public", "unlisted", "followers", "direct"))
        alice = self.drawn.choice(self.ours)
        public, followers = "https://www.w3.org/ns/activitystreams#Public", author.followers_uri
        audiences: dict[str, dict[str, Any]] = {
            "public": {"to": [public], "cc": [followers]},
            "unlisted": {"to": [followers], "cc": [public]},
            "followers": {"to": [followers], "cc": []},
            "direct": {"to": [alice.uri], "cc": []},
        }
        answers = {"inReplyTo": self.something()} if self.drawn.random() < 0.6 else {}
        if self.drawn.random() < 0.2:  # an answer to what comes later, or never
            answers = {"inReplyTo": f"{self.somebody().uri}/statuses/{self.drawn.randrange(200)}"}
        note = self.store.note(author, **audiences[reach], **answers, tag=mentioning(alice))
        self.uris.append(note["id"])
        return decision("Create", author, note, solicited=True)

    def likes(self) -> Decision:
        actor, uri = self.somebody(), self.something()
        return decision("Like", actor, uri, id=_likes(actor, uri))

    def unlikes(self) -> Decision:
        actor, uri = self.somebody(), self.something()
        inner = {"id": _likes(actor, uri), "type": "Like", "actor": actor.uri, "object": uri}
        return decision("Undo", actor, inner)

    def announces(self) -> Decision:
        actor, uri = self.somebody(), self.something()
        to = self.drawn.choice((["https://www.w3.org/ns/activitystreams#Public"], [self.ours[0].uri]))
        return decision("Announce", actor, uri, id=_announces(actor, uri), to=to)

    def unannounces(self) -> Decision:
        actor, uri = self.somebody(), self.something()
        inner = {"id": _announces(actor, uri), "type": "Announce", "actor": actor.uri, "object": uri}
        return decision("Undo", actor, inner)

    def follows(self) -> Decision:
        actor, target = self.somebody(), self.drawn.choice(self.ours)
        return decision("Follow", actor, target.uri, id=f"{actor.uri}/follows/{target.username}")

    def unfollows(self) -> Decision:
        actor, target = self.somebody(), self.drawn.choice(self.ours)
        uri = f"{actor.uri}/follows/{target.username}"
        return decision("Undo", actor, {"id": uri, "type": "Follow", "actor": actor.uri, "object": target.uri})

    def blocks(self) -> Decision:
        actor, target = self.somebody(), self.drawn.choice(self.ours)
        return decision("Block", actor, target.uri, id=f"{actor.uri}/blocks/{target.username}")

    def unblocks(self) -> Decision:
        actor, target = self.somebody(), self.drawn.choice(self.ours)
        uri = f"{actor.uri}/blocks/{target.username}"
        return decision("Undo", actor, {"id": uri, "type": "Block", "actor": actor.uri, "object": target.uri})

    def deletes(self) -> Decision:
        uri = self.something()
        owner = next((a for a in self.theirs if uri.startswith(a.uri + "/")), self.somebody())
        return decision("Delete", owner, uri)

    def votes(self) -> Decision:
        actor, name = self.somebody(), self.drawn.choice(("tea", "coffee"))
        note = self.store.note(actor, inReplyTo=self.drawn.choice(self.polls), name=name, content="")
        return decision("Create", actor, note)

    def ours_act(self) -> Decision:
        actor = self.drawn.choice(self.ours)
        other = self.drawn.choice([*self.ours, *self.theirs])
        uri = self.something()
        kind = self.drawn.choice(("like", "unlike", "announce", "follow", "unfollow", "block", "unblock", "delete"))

        def decide(facts: Facts) -> Iterable[e.Effect]:
            me, whom, what = facts.actors_by_id[actor.id], facts.actors_by_id[other.id], facts.objects.get(uri)
            if kind in ("like", "unlike", "announce", "delete") and what is None:
                return [e.Refuse(e.Refusal.UNKNOWN_OBJECT)]
            if what is not None and kind == "like":
                return like.compose(me, what, facts)
            if what is not None and kind == "unlike":
                return like.compose_undo(me, what, None, facts)
            if what is not None and kind == "announce":
                return announce.compose(me, what, Visibility.PUBLIC, facts)
            if what is not None and kind == "delete":
                return delete.compose(what, me, facts)
            if kind == "follow":
                return follow.compose(me, whom, facts)
            if kind == "unfollow":
                return undo.compose_unfollow(me, whom, facts)
            return block.compose(me, whom, facts) if kind == "block" else undo.compose_unblock(me, whom, None, facts)

        needs = Needs(acting=actor.uri, actor_ids=(actor.id, other.id), objects=(uri,), audience=True)
        return Decision(needs, decide)


def _likes(actor: Actor, uri: str) -> str:
    return f"{actor.uri}/likes/{uri.partition('://')[2]}"


def _announces(actor: Actor, uri: str) -> str:
    return f"{actor.uri}/announces/{uri.partition('://')[2]}"


async def _a_play(store: NodeStore, seed: int) -> Play:
    drawn = random.Random(seed)
    ours = [await store.person(f"ours{n}", locked=n == 2) for n in range(3)]
    theirs = [await store.person(f"theirs{n}", f"host{n % 3}.example") for n in range(6)]
    play = Play(store, drawn, ours, theirs)
    for author in ours:
        for kind in ("Note", "Question"):
            id_ = store.ids.next()
            uri = f"{author.uri}/statuses/{id_}"
            poll = Poll(("tea", "coffee"), (0, 0), expires_ms=NOW_MS + 10**8) if kind == "Question" else None
            record = e.NewObject(id_, uri, kind, author.id, True, Visibility.PUBLIC, NOW_MS, poll=poll, thread_id=id_)
            await store.apply(e.Put(record))
            play.uris.append(uri)
            if poll is not None:
                play.polls.append(uri)
    return play


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_counters_are_right_after_anything_people_do_at_once(store: NodeStore, seed: int) -> None:
    play = await _a_play(store, seed)
    refused = 0
    for _ in range(STEPS // 40):
        batch = [play.next() for _ in range(40)]
        decided = await asyncio.gather(*(store.writer.decide(item) for item in batch))
        refused += sum(found.refusal is not None for found in decided)
        store.clock.pass_ms(1000)
        assert await store.wrong_counters() == []
    assert 0 < refused < STEPS * 0.8
    # Nobody's home timeline holds what is not there, and nobody waits for a parent that is there.
    lost = await store.rows(
        "SELECT child.uri FROM objects child JOIN objects parent ON parent.uri = child.in_reply_to_uri "
        "WHERE child.in_reply_to_id IS NULL"
    )
    assert lost == []
    astray = await store.rows(
        "SELECT child.uri FROM objects child JOIN objects parent ON parent.id = child.in_reply_to_id "
        "WHERE child.thread_id <> parent.thread_id"
    )
    assert astray == []


@pytest.mark.parametrize("seed", [4, 5])
async def test_counters_are_right_after_people_go(store: NodeStore, seed: int) -> None:
    play = await _a_play(store, seed)
    await asyncio.gather(*(store.writer.decide(play.next()) for _ in range(200)))
    for gone in (play.theirs[0], play.ours[0], play.theirs[1]):
        if gone.local:
            await store.apply(e.Remove(e.ActorKey(gone.id)))
        else:
            await store.receive("Delete", gone, gone.uri)
        assert await store.wrong_counters() == []
        for table, columns in (("objects", ("actor_id",)), ("follows", ("follower_id", "followed_id"))):
            for column in columns:
                assert await store.count(table, f"{column} = :id", id=gone.id) == 0


async def test_recounting_finds_a_counter_that_is_wrong(store: NodeStore) -> None:
    play = await _a_play(store, 6)
    await store.apply(e.Patch(e.ChangeActor(play.ours[0].id, {"followers_count": 7})))
    await store.apply(e.Patch(e.EditObject(await _number(store, play.polls[0]), {"likes_count": 3})))
    wrong = {(row[1], row[2], row[3]) for row in await store.wrong_counters()}
    assert wrong == {("actors.followers_count", 7, 0), ("objects.likes_count", 3, 0)}


async def _number(store: NodeStore, uri: str) -> int:
    return int((await store.one("SELECT id FROM objects WHERE uri = :uri", uri=uri))["id"])
