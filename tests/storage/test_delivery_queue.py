"""The queue hands out each delivery once, and a host that fails waits as a whole."""

from __future__ import annotations

import asyncio

import pytest

from fediverse_node.domain import effects as e
from fediverse_node.storage.engine import open_database
from fediverse_node.storage.queries import deliveries as queue
from tests.storage.node_store import NodeStore

MINUTE_MS = 60_000


async def _fill(store: NodeStore, hosts: int = 4, each: int = 5) -> None:
    alice = await store.person("alice")
    for n in range(each):
        people = [await store.person(f"p{n}", f"host{h}.example", shared_inbox=None) for h in range(hosts)]
        uri = f"{alice.uri}/activities/{n}"
        ids = tuple(person.id for person in people)
        await store.apply(e.Deliver(alice.id, "Create", uri, {"id": uri}, to_actor_ids=ids))
        store.clock.pass_ms(10)


async def _claim(store: NodeStore, most: int = 100, busy: tuple[str, ...] = ()) -> list[int]:
    now_ms = store.clock.now_ms()
    rows = await store.writer.run(lambda: queue.claim(now_ms, MINUTE_MS, busy, most))
    return [row["id"] for row in rows]


async def test_what_is_claimed_is_not_handed_out_again_before_its_lease_ends(store: NodeStore) -> None:
    await _fill(store)
    first = await _claim(store, 8)
    second = await _claim(store)
    assert (len(first), len(second), len({*first, *second})) == (8, 12, 20)
    assert first + second == sorted(first + second)  # what waits longest goes first
    assert await _claim(store) == []
    store.clock.pass_ms(MINUTE_MS + 1)
    assert len(await _claim(store)) == 20


async def test_after_a_restart_everything_that_was_under_way_is_due_again(store: NodeStore) -> None:
    await _fill(store)
    claimed = await _claim(store)
    await store.writer.run(queue.release_all)
    assert await _claim(store) == claimed


@pytest.mark.parametrize(
    ("first", "second", "waits"), [("Like", "Undo", True), ("Undo", "Like", True), ("Create", "Create", False)]
)
async def test_what_is_tried_again_later_is_not_overtaken_by_what_takes_it_back(
    store: NodeStore, first: str, second: str, waits: bool
) -> None:
    alice, dora = await store.person("alice"), await store.person("dora")
    bob = await store.person("bob", "far.example", shared_inbox=None)

    async def says(author_id: int, type_: str, number: int) -> None:
        uri = f"https://home.example/activities/{number}"
        await store.apply(e.Deliver(author_id, type_, uri, {"id": uri}, to_actor_ids=(bob.id,)))

    async def claim() -> list[int]:
        now_ms = store.clock.now_ms()
        rows = await store.writer.run(lambda: queue.claim(now_ms, MINUTE_MS, (), 100, {"Undo"}))
        return [row["id"] for row in rows]

    await says(alice.id, first, 1)
    [tried] = await claim()
    later_ms = store.clock.now_ms() + 5 * MINUTE_MS
    row = {"delivery_id": tried, "new_attempts": 1, "new_due_ms": later_ms, "error": "status 404", "new_done_ms": None}
    await store.writer.run(lambda: queue.finish([{**row, "new_state": queue.WAITING}]))
    store.clock.pass_ms(10)
    await says(alice.id, second, 2)
    await says(dora.id, second, 3)
    assert len(await claim()) == (1 if waits else 2)  # what somebody else says waits for nothing
    assert await claim() == []
    store.clock.pass_ms(6 * MINUTE_MS)
    found = await claim()
    assert found[0] == tried
    assert found == sorted(found)


async def test_a_host_with_a_full_queue_is_left_out(store: NodeStore) -> None:
    await _fill(store)
    claimed = await _claim(store, busy=("host0.example", "host1.example"))
    hosts = {row["host"] for row in await store.rows("SELECT host FROM deliveries WHERE lease_ms IS NOT NULL")}
    assert len(claimed) == 10
    assert hosts == {"host2.example", "host3.example"}


async def test_a_host_that_fails_waits_as_a_whole_and_is_due_when_it_is_back(store: NodeStore) -> None:
    await _fill(store)
    later = store.clock.now_ms() + MINUTE_MS
    await store.writer.run(lambda: queue.postpone_host("host0.example", later))
    assert len(await _claim(store)) == 15
    assert (await store.database.fetch(queue.NEXT_DUE, busy_hosts=["host1.example"]))[0][0] < later
    await store.writer.run(lambda: queue.revive_host("host0.example", store.clock.now_ms()))
    assert len(await _claim(store)) == 5


async def test_what_is_finished_stays_as_a_receipt_until_it_is_old(store: NodeStore) -> None:
    await _fill(store, hosts=1, each=2)
    first, second = await _claim(store)
    now_ms = store.clock.now_ms()
    known = {"new_attempts": 1, "new_due_ms": now_ms, "error": None}
    rows = [
        {"delivery_id": first, "new_state": queue.DELIVERED, "new_done_ms": now_ms, **known},
        {"delivery_id": second, "new_state": queue.WAITING, "new_done_ms": None, **known},
    ]
    await store.writer.run(lambda: queue.finish(rows))
    assert await _claim(store) == [second]
    await store.writer.run(lambda: queue.forget_receipts(now_ms))
    assert await store.count("deliveries") == 2
    await store.writer.run(lambda: queue.forget_receipts(now_ms + 1))
    assert await store.count("deliveries") == 1


async def test_two_processes_never_take_the_same_delivery(postgres_node_url: str) -> None:
    stores = [NodeStore(await open_database(postgres_node_url), seed=seed) for seed in (1, 2)]
    await _fill(stores[0], hosts=10, each=10)
    stores[1].clock.ms = stores[0].clock.ms

    async def takes(store: NodeStore) -> list[int]:
        found: list[int] = []
        while claimed := await _claim(store, 7):
            found += claimed
        return found

    mine, theirs = await asyncio.gather(*(takes(store) for store in stores))
    assert sorted(mine + theirs) == sorted({*mine, *theirs})
    left = [id_ for store in stores for id_ in await takes(store)]
    assert len(mine) + len(theirs) + len(left) == 100
    for store in stores:
        await store.close()
