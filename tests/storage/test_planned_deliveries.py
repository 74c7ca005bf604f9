"""What leaves is planned once for each inbox, and only for whom it may go to."""

from __future__ import annotations

import orjson

from fediverse_node.domain import effects as e
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.facts import Needs
from fediverse_node.domain.model import Actor
from tests.activities.builders import NOW_MS
from tests.storage.node_store import NodeStore


def _follow(store: NodeStore, follower: Actor, followed: Actor) -> e.Put:
    uri = f"{follower.uri}/follows/{followed.id}"
    return e.Put(e.NewFollow(store.ids.next(), uri, follower.id, followed.id, True, follower.local, NOW_MS))


def _deliver(store: NodeStore, signer: Actor, **more: object) -> e.Deliver:
    uri = f"{signer.uri}/activities/{store.ids.next()}"
    return e.Deliver(signer.id, "Create", uri, {"id": uri}, **more)  # type: ignore[arg-type]


async def test_everybody_behind_one_shared_inbox_gets_one_copy(store: NodeStore) -> None:
    alice = await store.person("alice")
    far = [await store.person(f"far{n}", "far.example") for n in range(3)]
    alone = await store.person("alone", "single.example", shared_inbox=None)
    empty = await store.person("empty", "empty.example", shared_inbox="")
    await store.apply(*(_follow(store, reader, alice) for reader in (*far, alone, empty)))
    applied = await store.apply(_deliver(store, alice, followers_of=alice.id, to_actor_ids=(far[0].id, alone.id)))
    assert applied.delivers
    assert await store.inboxes() == [
        "https://empty.example/users/empty/inbox",
        "https://far.example/inbox",
        alone.inbox,
    ]
    payload = await store.one("SELECT id, body, actor_id FROM payloads")
    assert payload["actor_id"] == alice.id
    assert orjson.loads(payload["body"])["id"].startswith(alice.uri)
    assert await store.count("deliveries", "payload_id = :id", id=payload["id"]) == 3


async def test_nothing_leaves_for_ours_nor_for_who_is_suspended_gone_or_blocked(store: NodeStore) -> None:
    alice, carol = await store.person("alice"), await store.person("carol")
    people = [
        await store.person("suspended", "a.example", suspended=True),
        await store.person("gone", "b.example", deleted=True),
        await store.person("blocked", "evil.example"),
        await store.person("liar", "c.example", inbox="https://home.example/inbox", shared_inbox=None),
        await store.person("silent", "d.example", inbox="", shared_inbox=None),
        await store.person("odd", "e.example", inbox="not a uri", shared_inbox=None),
        carol,
    ]
    store.writer.domains = DomainPolicy.suspending("evil.example")
    await store.apply(*(_follow(store, reader, alice) for reader in people))
    ids = tuple(person.id for person in people)
    for needs in (Needs(), Needs(actor_ids=ids)):  # looked up, and known from the facts
        applied = await store.apply(_deliver(store, alice, followers_of=alice.id, to_actor_ids=ids), needs=needs)
        assert await store.inboxes() == []
        assert not applied.delivers


async def test_what_is_forwarded_does_not_go_back_where_it_came_from(store: NodeStore) -> None:
    alice = await store.person("alice")
    bob, zoe = await store.person("bob", "far.example"), await store.person("zoe", "third.example")
    await store.apply(_deliver(store, alice, to_actor_ids=(bob.id, zoe.id), except_host="far.example"))
    assert await store.inboxes() == ["https://third.example/inbox"]


async def test_whoever_is_forgotten_by_the_same_decision_still_hears_of_it(store: NodeStore) -> None:
    alice = await store.person("alice")
    bob = await store.person("bob", "far.example")
    await store.apply(_follow(store, bob, alice))
    await store.apply(_deliver(store, alice, followers_of=alice.id), e.Remove(e.ActorKey(alice.id)))
    assert await store.inboxes() == ["https://far.example/inbox"]
    assert await store.count("follows") == 0


async def test_what_is_not_sent_yet_goes_with_the_object_it_is_about(store: NodeStore) -> None:
    alice = await store.person("alice")
    bob = await store.person("bob", "far.example")
    id_ = await store.say(bob)
    await store.apply(_deliver(store, alice, to_actor_ids=(bob.id,), object_id=id_))
    await store.apply(e.Remove(e.ObjectKey(id_)))
    assert await store.count("payloads") == 0
    assert await store.inboxes() == []


async def test_the_same_thing_is_fetched_once(store: NodeStore) -> None:
    wanted = e.FetchLater("https://far.example/notes/1", "object", 1)
    first = await store.apply(wanted, wanted)
    assert first.fetches
    await store.apply(wanted, e.FetchLater("https://far.example/notes/2", "object"))
    rows = await store.rows("SELECT uri, depth, due_ms FROM fetches ORDER BY uri")
    assert [(row["uri"][-1], row["depth"]) for row in rows] == [("1", 1), ("2", 0)]
