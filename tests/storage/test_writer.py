"""The writer commits what waits together, and nobody suffers for anybody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from sqlalchemy import select, text

from fediverse_node.base.errors import StorageError
from fediverse_node.domain import effects as e
from fediverse_node.domain.activities import block
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor
from fediverse_node.storage.events import Applied
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import settings
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit
from fediverse_node.storage.writer import Decided, Decision
from tests.activities.builders import mentioning
from tests.storage.node_store import NodeStore, decision

_SETTINGS = Statement(select(settings.c.key))


def _note_down(key: str, fault: Exception | None = None) -> Callable[[], Unit[str]]:
    def unit() -> Unit[str]:
        yield Insert(settings, [{"key": key, "value": "x"}])
        if fault is not None:
            raise fault
        return key

    return unit


async def _noted(store: NodeStore) -> list[str]:
    return sorted(row["key"] for row in await store.database.fetch(_SETTINGS))


async def _senders(store: NodeStore, number: int) -> list[Actor]:
    people = []
    for n in range(number):
        uri = f"https://host{n % 7}.example/users/sender{n}"
        people.append(
            Actor(store.ids.next(), uri, "Person", False, f"sender{n}", f"host{n % 7}.example", f"{uri}/inbox")
        )
    await store.add(*people)
    return people


def _like(actor: Actor, uri: str) -> Decision:
    return decision("Like", actor, uri, id=f"{actor.uri}/likes/{uri.rpartition('/')[2]}")


async def test_what_comes_at_the_same_time_is_committed_together_and_answered_in_order(store: NodeStore) -> None:
    answers = await asyncio.gather(*(store.writer.run(_note_down(f"key{n:03}")) for n in range(300)))
    assert answers == [f"key{n:03}" for n in range(300)]
    assert await _noted(store) == answers
    assert store.writer.items == 300
    assert store.writer.batches == 1


async def test_what_comes_while_a_batch_is_written_goes_with_the_next_one(store: NodeStore) -> None:
    async def one_after_another(name: int) -> None:
        for n in range(10):
            await store.writer.run(_note_down(f"{name}-{n}"))

    await asyncio.gather(*(one_after_another(name) for name in range(30)))
    assert store.writer.items == 300
    assert store.writer.batches < 60


async def test_a_unit_that_fails_takes_nobody_with_it_and_leaves_nothing_behind(store: NodeStore) -> None:
    faults = {3: ValueError("three"), 17: KeyError("seventeen")}
    outcomes = await asyncio.gather(
        *(store.writer.run(_note_down(f"{n:02}", faults.get(n))) for n in range(40)), return_exceptions=True
    )
    assert {n: str(x) for n, x in enumerate(outcomes) if isinstance(x, Exception)} == {
        n: str(fault) for n, fault in faults.items()
    }
    assert await _noted(store) == [f"{n:02}" for n in range(40) if n not in faults]
    # Halving finds the bad ones: far fewer transactions than one for each item.
    assert store.writer.batches < 20


async def test_a_value_that_the_database_refuses_fails_alone(store: NodeStore) -> None:
    def refused() -> Unit[None]:
        yield Run(Statement(settings.insert()), [{"key": None, "value": "x"}])

    bad, *good = await asyncio.gather(
        store.writer.run(refused), *(store.writer.run(_note_down(f"{n}")) for n in range(5)), return_exceptions=True
    )
    assert isinstance(bad, Exception)
    assert good == ["0", "1", "2", "3", "4"]
    assert await _noted(store) == good


async def test_a_rule_that_raises_fails_alone_and_costs_no_second_transaction(store: NodeStore) -> None:
    alice = await store.person("alice")
    bob = await store.person("bob", "far.example")
    note = store.note(bob, tag=mentioning(alice))

    def broken(facts: Facts) -> Iterable[e.Effect]:
        yield e.Put(e.NewTombstone("https://far.example/never", bob.uri))
        raise RuntimeError("a mistake in a rule")

    batches = store.writer.batches
    said, failed = await asyncio.gather(
        store.writer.decide(decision("Create", bob, note)),
        store.writer.decide(Decision(Needs(), broken, beside=(_note_down("beside"),))),
        return_exceptions=True,
    )
    assert isinstance(said, Decided)
    assert said.refusal is None
    assert str(failed) == "a mistake in a rule"
    assert store.writer.batches == batches + 1
    assert await store.count("tombstones") == 0
    assert await _noted(store) == []


async def test_what_goes_beside_a_decision_is_done_also_when_the_rule_refuses(store: NodeStore) -> None:
    def refuse(facts: Facts) -> Iterable[e.Effect]:
        yield e.Put(e.NewTombstone("https://far.example/half", "https://far.example/a"))
        yield e.FetchLater("https://far.example/answer", "object")
        yield e.Refuse(e.Refusal.NOT_PERMITTED)

    decided = await store.writer.decide(Decision(Needs(), refuse, beside=(_note_down("beside"),)))
    assert decided.refusal == e.Refuse(e.Refusal.NOT_PERMITTED)
    assert await _noted(store) == ["beside"]
    assert await store.count("tombstones") == 0
    assert await store.count("fetches") == 1


async def _together(store: NodeStore, *decisions: Decision) -> list[str]:
    batches = store.writer.batches
    decided = await asyncio.gather(*(store.writer.decide(item) for item in decisions))
    assert store.writer.batches == batches + 1
    return [found.refusal.reason.name if found.refusal else "done" for found in decided]


async def test_create_and_delete_of_one_object_in_one_batch_are_done_in_their_order(store: NodeStore) -> None:
    alice = await store.person("alice")
    bob = await store.person("bob", "far.example")
    note = store.note(bob, tag=mentioning(alice))
    done = await _together(
        store,
        decision("Create", bob, note),
        decision("Delete", bob, note["id"]),
        decision("Create", bob, note),
    )
    assert done == ["done", "done", "DELETED"]
    assert await store.count("objects") == 0
    assert await store.told(alice) == []
    assert await store.wrong_counters() == []


async def test_like_and_undo_by_one_actor_in_one_batch_are_done_in_their_order(store: NodeStore) -> None:
    bob, zoe = await store.person("bob", "far.example"), await store.person("zoe", "third.example")
    note = store.note(bob)
    await store.receive("Create", bob, note, solicited=True)
    like = {"id": f"{zoe.uri}/likes/1", "type": "Like", "actor": zoe.uri, "object": note["id"]}
    first = decision("Like", zoe, note["id"], id=like["id"])
    done = await _together(store, first, decision("Undo", zoe, like), first, decision("Undo", zoe, like), first)
    assert done == ["done"] * 5
    assert await store.count("likes") == 1
    assert await store.wrong_counters() == []


async def test_a_follow_right_after_a_block_is_refused_and_one_right_before_ends(store: NodeStore) -> None:
    alice = await store.person("alice")
    bob = await store.person("bob", "far.example")

    def blocking(facts: Facts) -> Iterable[e.Effect]:
        return block.compose(facts.actors_by_id[alice.id], facts.actors_by_id[bob.id], facts)

    blocked = Decision(Needs(acting=alice.uri, actor_ids=(alice.id, bob.id)), blocking)
    follow = decision("Follow", bob, alice.uri, id=f"{bob.uri}/follows/1")
    assert await _together(store, follow, blocked, follow) == ["done", "done", "done"]
    assert await store.count("follows") == 0
    assert await store.count("blocks") == 1
    sent = [row["type"] for row in await store.rows("SELECT type FROM payloads ORDER BY id")]
    assert sent == ["Accept", "Reject", "Block", "Reject"]
    assert await store.wrong_counters() == []


async def test_a_like_of_what_is_deleted_in_the_same_batch_fails_nobody(store: NodeStore) -> None:
    bob, zoe = await store.person("bob", "far.example"), await store.person("zoe", "third.example")
    note = store.note(bob)
    await store.receive("Create", bob, note, solicited=True)
    id_ = (await store.one("SELECT id FROM objects"))["id"]

    def like_by_number(facts: Facts) -> Iterable[e.Effect]:
        if id_ not in facts.objects_by_id:
            return [e.Refuse(e.Refusal.UNKNOWN_OBJECT)]
        return [e.Put(e.NewLike(store.ids.next(), zoe.id, id_, None)), e.Notify(bob.id, "like", zoe.id, id_)]

    done = await _together(
        store,
        decision("Delete", bob, note["id"]),
        Decision(Needs(acting=zoe.uri, object_ids=(id_,)), like_by_number),
    )
    assert done == ["done", "UNKNOWN_OBJECT"]


async def test_five_hundred_likes_at_once_count_five_hundred_in_few_rounds(store: NodeStore) -> None:
    alice = await store.person("alice")
    bob = await store.person("bob", "far.example")
    note = store.note(bob, tag=mentioning(alice))
    await store.receive("Create", bob, note)
    senders = await _senders(store, 500)
    batches = store.writer.batches
    decided = await asyncio.gather(
        *(store.writer.decide(_like(sender, note["id"])) for sender in senders for _ in range(2))
    )
    assert sum(found.refusal is None for found in decided) == 500
    assert store.writer.batches - batches <= 6
    id_ = (await store.one("SELECT id FROM objects"))["id"]
    assert await store.counters(id_) == (0, 500, 0)
    assert await store.wrong_counters() == []


async def test_one_actor_who_floods_is_served_in_order(store: NodeStore) -> None:
    alice = await store.person("alice")
    bob = await store.person("bob", "far.example")
    notes = [store.note(bob, tag=mentioning(alice)) for _ in range(120)]
    decided = await asyncio.gather(*(store.writer.decide(decision("Create", bob, note)) for note in notes))
    assert all(found.refusal is None for found in decided)
    assert (await store.social(bob))[2] == 120
    told = [about for _, _, about in await store.told(alice)]
    uris = {row["id"]: row["uri"] for row in await store.rows("SELECT id, uri FROM objects")}
    assert [uris[about] for about in told if about is not None] == [note["id"] for note in notes]


async def test_whoever_gave_up_waiting_harms_nobody(store: NodeStore) -> None:
    tasks = [asyncio.create_task(store.writer.run(_note_down(f"{n}"))) for n in range(6)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(x, asyncio.CancelledError) for x in outcomes] == [True, False] * 3
    await store.writer.drain()
    assert await _noted(store) == [str(n) for n in range(6)]
    assert await store.writer.run(_note_down("after")) == "after"


async def test_listeners_hear_of_it_after_the_commit_and_before_whoever_waits(store: NodeStore) -> None:
    alice = await store.person("alice")
    bob = await store.person("bob", "far.example")
    heard: list[str] = []

    def listen(applied: Applied) -> None:
        if applied.events:
            heard.append("listener")

    store.writer.listen(listen)

    def broken(facts: Facts) -> Iterable[e.Effect]:
        raise RuntimeError("nothing of this is heard")

    with pytest.raises(RuntimeError):
        await store.writer.decide(Decision(Needs(), broken))
    assert heard == []
    decided = await store.receive("Create", bob, store.note(bob, tag=mentioning(alice)))
    heard.append("answer")
    assert decided.refusal is None
    assert heard == ["listener", "answer"]


async def test_a_listener_that_raises_does_not_make_the_batch_run_again(store: NodeStore) -> None:
    def raising(applied: Applied) -> None:
        raise RuntimeError("a mistake in a listener")

    store.writer.listen(raising)
    later: list[Applied] = []
    store.writer.listen(later.append)
    assert await store.writer.run(_note_down("once")) == "once"
    assert len(later) == 1
    assert store.writer.batches == 1


async def test_what_a_unit_read_is_what_the_unit_before_it_wrote(store: NodeStore) -> None:
    seen: list[list[Any]] = []

    def reading() -> Unit[None]:
        rows = yield Fetch(_SETTINGS, {})
        seen.append([row["key"] for row in rows])

    await asyncio.gather(store.writer.run(_note_down("first")), store.writer.run(reading))
    assert seen[-1] == ["first"]


async def test_closing_waits_for_what_was_handed_in(node_url: str) -> None:
    store = await NodeStore.open(node_url)
    task = asyncio.create_task(store.writer.run(_note_down("last")))
    await asyncio.sleep(0)
    await store.close()
    assert await task == "last"
    again = await NodeStore.open(node_url)
    assert await _noted(again) == ["last"]
    await again.close()


async def test_a_broken_file_is_reported_as_the_databases_fault(sqlite_store: NodeStore) -> None:
    def unit() -> Unit[None]:
        yield Run(Statement(settings.insert()), [{"key": "a", "value": "x" * 5_000_000}])

    await sqlite_store.writer.run(_note_down("first"))
    await sqlite_store.writer.run(_limit_pages)
    with pytest.raises(StorageError, match="full"):
        await sqlite_store.writer.run(unit)
    assert await _noted(sqlite_store) == ["first"]


def _limit_pages() -> Unit[None]:
    yield Fetch(Statement(text("PRAGMA max_page_count = 1")), {})
