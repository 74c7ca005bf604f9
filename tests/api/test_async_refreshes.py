"""An app that reads a thread is told that more may come, how much is here, and whether it has come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fediverse_node.domain.model import Visibility
from fediverse_node.inbox.walking.readers import Readers
from fediverse_node.mastodon_api.async_refreshes import HEADER
from fediverse_node.storage.queries import threads as queries
from tests.api.talking_node import Answer, Person, TalkingNode, talking_node

_MINUTE_MS = 60_000


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[TalkingNode]:
    """The client API, where what readers want is written down; nobody walks but the test."""
    async with talking_node(tmp_path, RATE_LIMITS="false") as talking:
        context = talking.context
        readers = Readers(context.writer, context.world.clock, lambda: None)
        # Made frozen for the handlers, by whoever builds a node; here that is us.
        object.__setattr__(context, "readers", readers)
        yield talking
        await readers.close()


async def _written(node: TalkingNode) -> None:
    assert node.context.readers is not None
    await node.context.readers.close()


async def _read(node: TalkingNode, who: Person | None, id_: int) -> Answer:
    answer = await node.request("GET", f"/api/v1/statuses/{id_}/context", token=who.token if who else "")
    assert answer.status == 200, answer
    return answer


async def _poll(who: Person, id_: str) -> Any:
    return (await who.get(f"/api/v1_alpha/async_refreshes/{id_}"))["async_refresh"]


def _id_in(answer: Answer) -> str:
    return answer.headers[HEADER].partition('id="')[2].partition('"')[0]


async def test_a_refresh_runs_until_the_thread_was_looked_through(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.stranger("bob")
    root = await node.hear(bob)
    first = await _read(node, alice, root)
    assert first.headers[HEADER] == f'id="{root}-1", retry=3, result_count=0'
    assert first.body["completeness"]["checked_at"] is None
    await _written(node)
    id_ = _id_in(first)
    assert await _poll(alice, id_) == {"id": id_, "status": "running", "result_count": 0}
    now_ms = node.context.world.clock.now_ms()
    await node.run(lambda: queries.claim_walk(root, now_ms + 1, now_ms + _MINUTE_MS))
    await node.run(lambda: queries.note_found(root, queries.Found(posts=2)))
    assert await _poll(alice, id_) == {"id": id_, "status": "running", "result_count": 2}
    again = await _read(node, alice, root)
    assert (_id_in(again), again.headers[HEADER][-1], again.body["completeness"]["running"]) == (id_, "2", True)
    await node.run(lambda: queries.end_walk(root, now_ms, next_ms=None, why=""))
    assert await _poll(alice, id_) == {"id": id_, "status": "finished", "result_count": 2}
    last = await _read(node, alice, root)
    assert HEADER not in last.headers, "it was looked through just now"
    assert last.body["completeness"]["checked_at"] is not None


async def test_nobody_is_asked_where_nobody_could_know_more(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.stranger("bob")
    ours = int((await alice.say("only among us"))["id"])
    await alice.say("yes", in_reply_to_id=str(ours))
    private = await node.hear(bob, visibility=Visibility.DIRECT, mentions=[alice])
    for id_ in (ours, private):
        answer = await _read(node, alice, id_)
        assert HEADER not in answer.headers
        assert answer.body["completeness"]["whole"]
    assert (await _read(node, alice, ours)).body["completeness"]["held"] == 1


async def test_what_one_person_may_read_is_not_told_of_to_others(node: TalkingNode) -> None:
    alice, carol, bob = await node.person("alice"), await node.person("carol"), await node.stranger("bob")
    root = await node.hear(bob)
    await node.hear(bob, visibility=Visibility.DIRECT, mentions=[alice], in_reply_to_id=root)
    for who in (alice, carol, None):
        assert (await _read(node, who, root)).body["completeness"]["held"] == 0
    private = await node.hear(bob, visibility=Visibility.DIRECT, mentions=[alice])
    await carol.get(f"/api/v1_alpha/async_refreshes/{private}-1", expect=404)
    assert (await _poll(alice, f"{private}-1"))["status"] == "finished"


@pytest.mark.parametrize("id_", ["0", "1", "-1", "1-", "x-1", "99999999999999999999-1", "5-1", "5-1-1", "²-1"])
async def test_an_id_that_is_none_is_not_found(node: TalkingNode, id_: str) -> None:
    alice = await node.person("alice")
    await alice.get(f"/api/v1_alpha/async_refreshes/{id_}", expect=404)


async def test_strangers_cannot_make_us_ask_without_end(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.stranger("bob")
    roots = [await node.hear(bob) for _ in range(20)]
    asked = [HEADER in (await _read(node, None, root)).headers for root in roots]
    assert asked.count(True) <= 12 + 12, "two minutes at most"
    assert asked[0]
    assert HEADER in (await _read(node, alice, roots[-1])).headers, "people here are not strangers"
