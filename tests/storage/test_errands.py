"""What takes long is done piece by piece: everybody else goes on meanwhile, and nothing is left over in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fediverse_node.domain import effects as e
from fediverse_node.domain.activities import move
from fediverse_node.domain.model import Actor
from fediverse_node.errands import Errands
from fediverse_node.storage.apply import actors as apply_actors
from fediverse_node.storage.engine import open_database
from tests.storage.node_store import NodeStore

_MANY = 250


@asynccontextmanager
async def _errands(store: NodeStore) -> AsyncIterator[Errands]:
    errands = Errands(store.database, store.writer, store.world, longest_sleep_s=5.0)
    errands.start()
    try:
        yield errands
    finally:
        await errands.stop()


async def _done(store: NodeStore) -> None:
    async with asyncio.timeout(40):
        while await store.count("errands"):
            await asyncio.sleep(0.02)


async def _says_much(store: NodeStore, author: Actor, number: int = _MANY) -> None:
    notes = [store.note(author) for _ in range(number)]
    await asyncio.gather(*(store.receive("Create", author, note, solicited=True) for note in notes))


async def _befriend(store: NodeStore, follower: Actor, followed: Actor) -> None:
    decided = await store.receive("Follow", follower, followed.uri)
    assert decided.refusal is None


async def test_somebody_who_said_much_is_gone_at_once_and_forgotten_piece_by_piece(node_url: str) -> None:
    store = NodeStore(await open_database(node_url))
    alice, bob = await store.person("alice"), await store.person("bob", "far.example")
    await _befriend(store, bob, alice)
    await _says_much(store, bob)
    assert (await store.receive("Delete", bob, bob.uri)).refusal is None
    assert await store.count("actors", "deleted_ms IS NOT NULL") == 1
    left = await store.count("objects")
    assert 0 < left < _MANY
    async with _errands(store):
        await _done(store)
    assert await store.count("objects") == 0
    assert await store.count("tombstones") == _MANY
    assert await store.count("follows") == 0
    assert await store.social(alice) == (0, 0, 0)
    assert await store.wrong_counters() == []
    await store.close()


async def test_the_likes_of_somebody_who_liked_much_are_taken_back(node_url: str) -> None:
    store = NodeStore(await open_database(node_url))
    bob, carl = await store.person("bob", "far.example"), await store.person("carl", "far.example")
    await _says_much(store, bob, 505)
    uris = [row["uri"] for row in await store.rows("SELECT uri FROM objects ORDER BY id")]
    await asyncio.gather(*(store.receive("Like", carl, uri) for uri in uris))
    assert await store.count("likes") == 505
    await store.receive("Delete", carl, carl.uri)
    assert 0 < await store.count("likes") < 505
    async with _errands(store):
        await _done(store)
    assert await store.count("likes") == 0
    assert await store.count("objects", "likes_count <> 0") == 0
    await store.close()


async def test_a_process_that_dies_between_two_pieces_leaves_the_rest_to_the_next(node_url: str) -> None:
    store = NodeStore(await open_database(node_url))
    bob = await store.person("bob", "far.example")
    await _says_much(store, bob)
    await store.receive("Delete", bob, bob.uri)
    before = await store.count("objects")
    async with _errands(store), asyncio.timeout(20):
        while await store.count("objects") == before:
            await asyncio.sleep(0.001)
    # Claimed and never finished: it is taken up again when it counts as abandoned.
    await store.writer.run(_claimed(store))
    store.clock.pass_ms(61_000)
    async with _errands(store):
        await _done(store)
    assert await store.count("objects") == 0
    await store.close()


def _claimed(store: NodeStore) -> Any:
    from fediverse_node.storage.queries import errands as queries  # noqa: PLC0415

    return lambda: queries.claim(store.clock.now_ms(), 60_000)


async def test_a_crowd_that_leaves_at_once_does_not_make_one_long_transaction(node_url: str) -> None:
    store = NodeStore(await open_database(node_url))
    crowd = [await store.person(f"p{n}", "far.example") for n in range(40)]
    for person in crowd:
        await store.say(person)
    await asyncio.gather(*(store.receive("Delete", person, person.uri) for person in crowd))
    assert await store.count("actors", "deleted_ms IS NOT NULL") == 40
    assert await store.count("objects") >= 40 - apply_actors.ACTORS_AT_ONCE * store.writer.batches
    async with _errands(store):
        await _done(store)
    assert await store.count("objects") == 0
    assert await store.wrong_counters() == []
    await store.close()


async def _moved(store: NodeStore, followers: int) -> tuple[Actor, Actor]:
    new, old = await store.person("bob", "new.example"), await store.person("bob", "far.example")
    await store.apply(e.Patch(e.ChangeActor(new.id, {"also_known_as": [old.uri]})))
    for number in range(followers):
        reader = await store.person(f"reader{number}")
        uri = f"{reader.uri}#follows/{number}"
        await store.apply(
            e.Put(e.NewFollow(store.ids.next(), uri, reader.id, old.id, True, follower_local=True, created_ms=0))
        )
    return old, new


@pytest.mark.parametrize("followers", [7, move.FOLLOWERS_AT_ONCE, 2 * move.FOLLOWERS_AT_ONCE + 3])
async def test_all_followers_go_along_however_many_there_are(node_url: str, followers: int) -> None:
    store = NodeStore(await open_database(node_url))
    old, new = await _moved(store, followers)
    decided = await store.receive("Move", old, old.uri, target=new.uri)
    assert decided.refusal is None, decided.refusal
    async with _errands(store):
        await _done(store)
    assert await store.count("follows", "followed_id = :old", old=old.id) == 0
    assert await store.count("follows", "followed_id = :new", new=new.id) == followers
    asked = await store.rows("SELECT type, count(*) AS n FROM payloads GROUP BY type ORDER BY type")
    assert {row["type"]: row["n"] for row in asked} == {"Follow": followers, "Undo": followers}
    await store.close()


async def test_everybody_else_is_answered_between_two_pieces(node_url: str) -> None:
    store = NodeStore(await open_database(node_url))
    bob, carl = await store.person("bob", "far.example"), await store.person("carl", "other.example")
    await _says_much(store, bob, 3 * _MANY)
    await store.receive("Delete", bob, bob.uri)
    seen: list[int] = []
    async with _errands(store):
        while await store.count("errands"):
            await store.say(carl)
            seen.append(await store.count("objects", "actor_id = :bob", bob=bob.id))
    assert len(set(seen)) >= 3, "what carl said was taken in while bob's posts went"
    await store.close()
