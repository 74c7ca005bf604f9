"""The thread of a status over the client API."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fediverse_node.domain.model import Visibility
from fediverse_node.mastodon_api.entities.context import arrange
from tests.api.talking_node import TalkingNode, talking_node


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


def _row(id_: int, parent_id: int | None, *, visible: bool = True) -> dict[str, Any]:
    return {"id": id_, "in_reply_to_id": parent_id, "visible": visible}


#        1
#      2   5
#     3 6   7
#     4
THREAD = [_row(1, None), _row(2, 1), _row(3, 2), _row(4, 3), _row(5, 1), _row(6, 2), _row(7, 5)]


@pytest.mark.parametrize(
    ("object_id", "ancestors", "descendants"),
    [
        (1, [], [2, 3, 4, 6, 5, 7]),
        (2, [1], [3, 4, 6]),
        (4, [1, 2, 3], []),
        (7, [1, 5], []),
        (99, [], []),
    ],
)
def test_a_thread_is_read_depth_first(object_id: int, ancestors: list[int], descendants: list[int]) -> None:
    above, below = arrange(THREAD, object_id, most_ancestors=10, most_descendants=10, depth=10)
    assert ([row["id"] for row in above], [row["id"] for row in below]) == (ancestors, descendants)


def test_what_hangs_on_something_hidden_is_still_found() -> None:
    rows = [row | {"visible": row["id"] != 2} for row in THREAD]
    above, _ = arrange(rows, 4, most_ancestors=10, most_descendants=10, depth=10)
    _, below = arrange(rows, 1, most_ancestors=10, most_descendants=10, depth=10)
    assert [row["id"] for row in above] == [1, 3]
    assert [row["id"] for row in below] == [3, 4, 6, 5, 7]


def test_limits_keep_the_nearest_ancestors_and_the_first_descendants() -> None:
    above, _ = arrange(THREAD, 4, most_ancestors=2, most_descendants=10, depth=10)
    _, below = arrange(THREAD, 1, most_ancestors=2, most_descendants=3, depth=10)
    _, shallow = arrange(THREAD, 1, most_ancestors=2, most_descendants=10, depth=1)
    assert [row["id"] for row in above] == [2, 3]
    assert [row["id"] for row in below] == [2, 3, 4]
    assert [row["id"] for row in shallow] == [2, 5]


def test_a_ring_of_answers_ends() -> None:
    ring = [_row(1, 3), _row(2, 1), _row(3, 2)]
    above, below = arrange(ring, 1, most_ancestors=10, most_descendants=10, depth=10)
    assert ([row["id"] for row in above], [row["id"] for row in below]) == ([2, 3], [2, 3])


async def test_a_thread_shows_each_viewer_what_is_meant_for_them(node: TalkingNode) -> None:
    alice, bob, carol = [await node.person(name) for name in ("alice", "bob", "carol")]
    root = await node.publish(alice, "question")
    public = await node.publish(bob, "answer", in_reply_to_id=root)
    private = await node.publish(bob, "@alice just you", in_reply_to_id=root, visibility=Visibility.DIRECT)
    below = await node.publish(alice, "thanks", in_reply_to_id=private)
    for person, expected in ((alice, [public, private, below]), (carol, [public, below])):
        found = await person.get(f"/api/v1/statuses/{root}/context")
        assert [status["id"] for status in found["descendants"]] == [str(id_) for id_ in expected]
        assert found["ancestors"] == []
    found = await carol.get(f"/api/v1/statuses/{below}/context")
    assert [status["id"] for status in found["ancestors"]] == [str(root)]
    await carol.get(f"/api/v1/statuses/{private}/context", expect=404)
    await node.context.outbox.block(carol.actor_id, bob.actor_id)
    found = await carol.get(f"/api/v1/statuses/{root}/context")
    assert [status["id"] for status in found["descendants"]] == [str(below)]


async def test_strangers_get_a_part_of_a_long_thread_and_people_all_of_it_quickly(node: TalkingNode) -> None:
    alice, far = await node.person("alice"), await node.stranger("far")
    root = await node.publish(alice, "question")
    thread = [root]
    for n in range(300):
        thread.append(await node.hear(far, f"<p>{n}</p>", in_reply_to_id=thread[n // 2]))
    whole = await alice.get(f"/api/v1/statuses/{root}/context")
    assert len(whole["descendants"]) == 300
    part = await node.request("GET", f"/api/v1/statuses/{root}/context")
    assert len(part.body["descendants"]) == 60
    started = time.perf_counter()
    await alice.get(f"/api/v1/statuses/{root}/context")
    assert time.perf_counter() - started < 1.0  # measured: 10 ms
