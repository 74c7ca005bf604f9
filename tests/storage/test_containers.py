"""Who is told what is added to conversations that began here, as the database knows it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from fediverse_node.domain import effects as e
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor, Object, Visibility
from fediverse_node.storage.container_facts import load_containers
from fediverse_node.storage.facts import load_facts
from fediverse_node.storage.queries.neighbours import note_said
from fediverse_node.storage.unit import Unit
from tests.activities.builders import ALICE, BOB, NAMES, NOW_MS, an_object
from tests.storage.node_store import NodeStore


async def _root(store: NodeStore, author: Actor, **more: Any) -> e.NewObject:
    """Something that one of ours says."""
    id_ = store.ids.next()
    known: dict[str, Any] = {"visibility": Visibility.PUBLIC, "local": True, "thread_id": id_, **more}
    record = e.NewObject(
        id=id_, uri=NAMES.object(author.username, id_), type="Note", actor_id=author.id, published_ms=NOW_MS, **known
    )
    await store.apply(e.Put(record))
    return record


async def _runs(store: NodeStore, host: str, software: str) -> None:
    said = {"software": software, "software_version": "1", "application_uri": None, "now_ms": 1}
    await store.writer.run(lambda: note_said(host, **said))  # type: ignore[arg-type]


async def _follows(store: NodeStore, follower: Actor, followed: Actor, *, accepted: bool = True) -> None:
    id_ = store.ids.next()
    follow = e.NewFollow(
        id_, f"{follower.uri}/follows/{id_}", follower.id, followed.id, accepted, follower.local, NOW_MS
    )
    await store.apply(e.Put(follow))


async def _facts(store: NodeStore, *uris: str, containers: bool = True) -> Facts:
    def unit() -> Unit[Facts]:
        return (yield from load_facts([Needs(objects=uris, containers=containers)], store.world, store.writer.domains))

    return await store.writer.run(unit)


async def test_followers_and_participants_on_servers_that_listen_are_told(store: NodeStore) -> None:
    alice = await store.person("alice")
    names = ("reader", "asker", "talker", "blocked", "hushed", "plain")
    people = {name: await store.person(name, f"{name}.example") for name in names}
    for name in names[:-1]:
        await _runs(store, f"{name}.example", "hubzilla")
    await _runs(store, "plain.example", "mastodon")
    await _follows(store, people["reader"], alice)
    await _follows(store, people["plain"], alice)
    await _follows(store, people["asker"], alice, accepted=False)
    root = await _root(store, alice)
    for name in ("talker", "blocked", "plain"):
        await store.say(people[name], inReplyTo=root.uri)
    await store.say(people["hushed"], inReplyTo=root.uri, to=[alice.uri], cc=[])
    await store.apply(e.Put(e.NewBlock(store.ids.next(), alice.id, people["blocked"].id, None)))
    found = (await _facts(store, root.uri)).containers
    assert found[root.id].inboxes == ("https://reader.example/inbox", "https://talker.example/inbox")
    assert (found[root.id].owner_id, found[root.id].owner_uri) == (alice.id, alice.uri)
    assert (await _facts(store, root.uri, containers=False)).containers == {}


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"visibility": Visibility.FOLLOWERS}, id="among followers"),
        pytest.param({"in_reply_to_uri": "https://far.example/lost"}, id="an answer to what is not here"),
        pytest.param({"context_uri": "https://far.example/contexts/1"}, id="at home elsewhere"),
    ],
)
async def test_of_other_conversations_nobody_is_told(store: NodeStore, more: dict[str, Any]) -> None:
    alice, reader = await store.person("alice"), await store.person("reader", "reader.example")
    await _runs(store, "reader.example", "streams")
    await _follows(store, reader, alice)
    told, other = await _root(store, alice), await _root(store, alice, **more)
    foreign = await store.say(reader)
    [row] = await store.rows("SELECT uri FROM objects WHERE id = :id", id=foreign)
    assert set((await _facts(store, told.uri, other.uri, row["uri"])).containers) == {told.id}


async def test_a_reply_keeps_the_address_of_its_create_and_is_told(store: NodeStore) -> None:
    alice, ben = await store.person("alice"), await store.person("ben")
    bob = await store.person("bob", "far.example")
    reader = await store.person("reader", "reader.example")
    await _runs(store, "reader.example", "mitra")
    await _follows(store, reader, alice)
    root = await _root(store, alice)
    middle = await _root(store, ben, in_reply_to_uri=root.uri, in_reply_to_id=root.id, thread_id=root.id)
    answer = await store.say(bob, inReplyTo=middle.uri)
    kept = await store.one("SELECT activity_uri FROM objects WHERE id = :id", id=answer)
    assert kept["activity_uri"] == f"{bob.uri}/activities/Create/7"
    [sent] = await store.rows("SELECT body, actor_id FROM payloads WHERE type = 'Add'")
    told = orjson.loads(bytes(sent["body"]))
    assert (sent["actor_id"], told["object"]) == (alice.id, kept["activity_uri"])
    assert told["id"] == f"{NAMES.base_url}/contexts/{root.id}/history/{answer}"
    assert await store.inboxes() == ["https://reader.example/inbox"]
    # Alice was not named, and stands nowhere near it: that she wants nothing of somebody counts all the same.
    await store.apply(e.Put(e.NewBlock(store.ids.next(), alice.id, bob.id, None)))
    await store.say(bob, inReplyTo=middle.uri)
    assert await store.count("payloads", "type = 'Add'") == 1
    private = await store.say(bob, inReplyTo=middle.uri, to=[ben.uri], cc=[])
    assert (await store.one("SELECT activity_uri FROM objects WHERE id = :id", id=private))["activity_uri"] is None


@pytest.mark.parametrize(
    ("needs", "roots", "queries"),
    [
        (Needs(), [an_object(ALICE, 1)], 0),
        (Needs(containers=True), [], 0),
        (Needs(containers=True), [an_object(BOB, 1), an_object(BOB, 2, thread_id=1)], 0),
        (Needs(containers=True), [an_object(ALICE, 1, Visibility.FOLLOWERS)], 0),
        (Needs(containers=True), [an_object(ALICE, 1), an_object(BOB, 2, thread_id=9)], 1),
    ],
    ids=["likes and all else", "no replies", "in threads elsewhere", "among followers", "where nobody listens"],
)
def test_where_nobody_listens_a_whole_batch_costs_one_query_at_most(
    needs: Needs, roots: list[Object], queries: int
) -> None:
    assert _answered_with_nothing(load_containers([needs], {root.id: root for root in roots})) == ({}, queries)


def _answered_with_nothing(unit: Unit[Any]) -> tuple[Any, int]:
    """What comes of a unit whose queries find nothing, and how many those were."""
    asked = 0
    try:
        next(unit)
        while True:
            asked += 1
            unit.send([])
    except StopIteration as done:
        return done.value, asked
