"""Answers find their place, whenever they come, and private conversations stay in order."""

from __future__ import annotations

import asyncio

import orjson

from fediverse_node.domain import effects as e
from fediverse_node.domain.facts import Needs
from fediverse_node.domain.model import Actor, Visibility
from fediverse_node.storage.queries import housekeeping
from fediverse_node.storage.tables import thread_mutes
from fediverse_node.storage.unit import Insert, Unit
from tests.activities.builders import mentioning
from tests.storage.node_store import NodeStore, decision


async def _place(store: NodeStore, uri: str) -> tuple[int | None, int]:
    row = await store.one("SELECT in_reply_to_id, thread_id FROM objects WHERE uri = :uri", uri=uri)
    return row["in_reply_to_id"], row["thread_id"]


async def test_an_answer_that_comes_before_its_parent_finds_its_place_with_its_whole_branch(store: NodeStore) -> None:
    alice = await store.person("alice")
    bob = await store.person("bob", "far.example")
    root = store.note(bob)
    middle = store.note(bob, inReplyTo=root["id"])
    leaf = store.note(bob, inReplyTo=middle["id"], tag=mentioning(alice))
    twig = store.note(bob, inReplyTo=leaf["id"])
    for note in (leaf, twig, middle, root):
        assert (await store.receive("Create", bob, note, solicited=True)).refusal is None
    ids = {
        uri: (await store.one("SELECT id FROM objects WHERE uri = :uri", uri=uri))["id"]
        for uri in (root["id"], middle["id"], leaf["id"], twig["id"])
    }
    assert await _place(store, middle["id"]) == (ids[root["id"]], ids[root["id"]])
    assert await _place(store, leaf["id"]) == (ids[middle["id"]], ids[root["id"]])
    assert await _place(store, twig["id"]) == (ids[leaf["id"]], ids[root["id"]])
    assert await store.wrong_counters() == []
    assert await store.counters(ids[root["id"]]) == (1, 0, 0)
    wanted = [row["uri"] for row in await store.rows("SELECT uri FROM fetches")]
    assert set(wanted) == {middle["id"], root["id"]}


async def test_parent_and_answer_in_one_batch_find_each_other_in_either_order(store: NodeStore) -> None:
    bob, zoe = await store.person("bob", "far.example"), await store.person("zoe", "third.example")
    for first_is_parent in (True, False):
        parent = store.note(bob)
        answer = store.note(zoe, inReplyTo=parent["id"])
        pair = [decision("Create", bob, parent, solicited=True), decision("Create", zoe, answer, solicited=True)]
        batches = store.writer.batches
        await asyncio.gather(*(store.writer.decide(d) for d in (pair if first_is_parent else reversed(pair))))
        assert store.writer.batches == batches + 1
        parent_id = (await store.one("SELECT id FROM objects WHERE uri = :uri", uri=parent["id"]))["id"]
        assert await _place(store, answer["id"]) == (parent_id, parent_id)
        assert await store.counters(parent_id) == (1, 0, 0)


async def test_a_ring_of_answers_is_cut_open(store: NodeStore) -> None:
    bob = await store.person("bob", "far.example")
    notes = [store.note(bob) for _ in range(3)]
    for number, note in enumerate(notes):
        note["inReplyTo"] = notes[(number + 1) % 3]["id"]
    for note in notes:
        assert (await store.receive("Create", bob, note, solicited=True)).refusal is None
    itself = store.note(bob)
    itself["inReplyTo"] = itself["id"]
    await store.receive("Create", bob, itself, solicited=True)
    rows = await store.database.fetch(housekeeping.LOST_CHILDREN)
    await store.writer.run(lambda: housekeeping.adopt_lost(rows))
    parents = {row["id"]: row["in_reply_to_id"] for row in await store.rows("SELECT id, in_reply_to_id FROM objects")}
    assert len(parents) == 4
    for climber in parents:
        place: int | None = climber
        for _ in range(len(parents)):
            place = parents[place] if place is not None else None
        assert place is None


async def test_parent_and_child_that_missed_each_other_are_brought_together(store: NodeStore) -> None:
    bob = await store.person("bob", "far.example")
    parent = store.note(bob)
    child = await store.say(bob, inReplyTo=parent["id"])
    # As another process that does not see the child yet would store it.
    id_ = store.ids.next()
    await store.apply(e.Put(e.NewObject(id_, parent["id"], "Note", bob.id, False, Visibility.PUBLIC, 1, thread_id=id_)))
    for _ in range(2):
        rows = await store.database.fetch(housekeeping.LOST_CHILDREN, patient=True)
        await store.writer.run(lambda rows=rows: housekeeping.adopt_lost(rows))  # type: ignore[misc]
        assert await store.counters(id_) == (1, 0, 0)
    assert (await store.one("SELECT thread_id FROM objects WHERE id = :id", id=child))["thread_id"] == id_


async def test_what_is_remembered_about_a_branch_moves_into_the_thread(store: NodeStore) -> None:
    alice, carol = await store.person("alice"), await store.person("carol")
    bob = await store.person("bob", "far.example")
    root = store.note(bob, to=[alice.uri], cc=[], tag=mentioning(alice))
    answer = store.note(bob, to=[alice.uri, carol.uri], cc=[], inReplyTo=root["id"], tag=mentioning(alice, carol))
    answer_id = await _heard(store, bob, answer)
    await _mute(store, alice, answer_id)
    await _mute(store, carol, answer_id)
    assert len(await store.rows("SELECT * FROM conversations WHERE thread_id = :id", id=answer_id)) == 2
    root_id = await _heard(store, bob, root)
    rows = await store.rows("SELECT actor_id, thread_id, last_object_id FROM conversations ORDER BY actor_id")
    assert [(row["actor_id"], row["thread_id"]) for row in rows] == [(alice.id, root_id), (carol.id, root_id)]
    assert rows[1]["last_object_id"] == answer_id
    muted = await store.rows("SELECT actor_id, thread_id FROM thread_mutes ORDER BY actor_id")
    assert [(row["actor_id"], row["thread_id"]) for row in muted] == [(alice.id, root_id), (carol.id, root_id)]


async def test_two_conversations_that_turn_out_to_be_one_become_one(store: NodeStore) -> None:
    alice = await store.person("alice")
    bob = await store.person("bob", "far.example")
    missing = store.note(bob, to=[alice.uri], cc=[], tag=mentioning(alice))
    root = store.note(bob, to=[alice.uri], cc=[], tag=mentioning(alice))
    missing["inReplyTo"] = root["id"]
    answer = store.note(bob, to=[alice.uri], cc=[], inReplyTo=missing["id"], tag=mentioning(alice))
    root_id = await _heard(store, bob, root)
    store.clock.pass_ms(2_000)
    answer["published"] = "2026-11-21T11:30:00Z"
    answer_id = await _heard(store, bob, answer)
    assert await store.count("conversations") == 2
    await _heard(store, bob, missing)
    row = await store.one("SELECT thread_id, last_object_id FROM conversations")
    assert (row["thread_id"], row["last_object_id"]) == (root_id, answer_id)


async def test_a_private_word_moves_its_conversation_up_and_a_late_older_one_does_not(store: NodeStore) -> None:
    alice, carol = await store.person("alice"), await store.person("carol")
    people = Needs(actor_ids=(alice.id, carol.id))
    first, second, third = (store.ids.next() for _ in range(3))
    await store.apply(e.Put(_private(second, alice, carol, second)), needs=people)
    await store.apply(e.Put(_private(first, carol, alice, second)), needs=people)
    rows = await store.rows("SELECT actor_id, last_object_id, unread, participants FROM conversations")
    found = {row["actor_id"]: (row["last_object_id"], bool(row["unread"])) for row in rows}
    assert found == {alice.id: (second, False), carol.id: (second, True)}
    assert {row["actor_id"]: orjson.loads(row["participants"]) for row in rows} == {
        alice.id: [carol.id],
        carol.id: [alice.id],
    }
    await store.apply(e.Put(_private(third, carol, alice, second)), needs=people)
    row = await store.one("SELECT last_object_id, unread FROM conversations WHERE actor_id = :id", id=alice.id)
    assert (row["last_object_id"], bool(row["unread"])) == (third, True)


async def test_a_conversation_whose_last_word_is_deleted_steps_back_and_ends_with_its_last(store: NodeStore) -> None:
    alice, carol = await store.person("alice"), await store.person("carol")
    people = Needs(actor_ids=(alice.id, carol.id))
    first, second = store.ids.next(), store.ids.next()
    for id_ in (first, second):
        await store.apply(e.Put(_private(id_, alice, carol, first)), needs=people)
    await store.apply(e.Remove(e.ObjectKey(second)))
    assert [r["last_object_id"] for r in await store.rows("SELECT last_object_id FROM conversations")] == [first] * 2
    await store.apply(e.Remove(e.ObjectKey(first)))
    assert await store.count("conversations") == 0


async def test_a_thread_that_is_loaded_backwards_over_many_steps_becomes_one(store: NodeStore) -> None:
    bob = await store.person("bob", "far.example")
    notes = [store.note(bob)]
    for _ in range(30):
        notes.append(store.note(bob, inReplyTo=notes[-1]["id"]))
    for note in reversed(notes):
        assert (await store.receive("Create", bob, note, solicited=True)).refusal is None
    root = (await store.one("SELECT id FROM objects WHERE uri = :uri", uri=notes[0]["id"]))["id"]
    assert await store.count("objects", "thread_id = :root", root=root) == 31
    assert await store.wrong_counters() == []


def _private(id_: int, author: Actor, to: Actor, thread_id: int) -> e.NewObject:
    return e.NewObject(
        id=id_,
        uri=f"{author.uri}/statuses/{id_}",
        type="Note",
        actor_id=author.id,
        local=True,
        visibility=Visibility.DIRECT,
        published_ms=id_ >> 16,
        mention_ids=(to.id,),
        thread_id=thread_id,
    )


async def _heard(store: NodeStore, author: Actor, note: dict[str, object]) -> int:
    decided = await store.receive("Create", author, note, solicited=True)
    assert decided.refusal is None, decided.refusal
    return int((await store.one("SELECT id FROM objects WHERE uri = :uri", uri=note["id"]))["id"])


async def _mute(store: NodeStore, actor: Actor, thread_id: int) -> None:
    def unit() -> Unit[None]:
        yield Insert(thread_mutes, [{"actor_id": actor.id, "thread_id": thread_id}])

    await store.writer.run(unit)
