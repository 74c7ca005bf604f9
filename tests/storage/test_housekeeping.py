"""What ages goes, and nothing else."""

from __future__ import annotations

from fediverse_node.domain import effects as e
from fediverse_node.storage.queries import housekeeping
from tests.storage.node_store import NodeStore

DAY_MS = 86_400_000


async def test_home_timelines_keep_their_newest_entries(store: NodeStore) -> None:
    alice, carol = await store.person("alice"), await store.person("carol")
    bob = await store.person("bob", "far.example")
    ids = [await store.say(bob) for _ in range(8)]
    ids.sort()
    await store.apply(*(e.Place(id_, (alice.id,)) for id_ in ids), e.Place(ids[0], (carol.id,)))
    rows = await store.database.fetch(housekeeping.CROWDED_HOMES, keep=5, patient=True)
    crowded = [row["actor_id"] for row in rows]
    assert crowded == [alice.id]
    for _ in range(2):
        await store.writer.run(lambda: housekeeping.trim_home([*crowded, carol.id], keep=5))
        assert await store.home(alice) == ids[3:]
    assert await store.home(carol) == [ids[0]]
    assert await store.count("objects") == 8


async def test_the_memory_of_what_never_came_fades_and_that_of_what_was_here_stays(store: NodeStore) -> None:
    await store.apply(
        e.Put(e.NewTombstone("https://far.example/never", "https://far.example/a")),
        e.Put(e.NewTombstone("https://far.example/here", "https://far.example/a", "Note")),
    )
    await store.writer.run(lambda: housekeeping.forget_expired(store.clock.now_ms() + DAY_MS // 2))
    assert await store.count("tombstones") == 2
    await store.writer.run(lambda: housekeeping.forget_expired(store.clock.now_ms() + 2 * DAY_MS))
    assert [row["uri"] for row in await store.rows("SELECT uri FROM tombstones")] == ["https://far.example/here"]
