"""What waits for the network is finished or given up, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from fediverse_node.base.trace import watched_by
from fediverse_node.inbox.answer import Received, Turned
from fediverse_node.inbox.worker import Worker
from fediverse_node.storage import tables as t
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.unit import Insert
from tests.fake_peer import FakePeer
from tests.inprocess import Running

_WAITING = Statement(select(t.inbox_staging.c.id, t.inbox_staging.c.attempts, t.inbox_staging.c.due_ms))


@pytest.mark.parametrize("broken", ["due", "next_due_ms"])
async def test_a_database_that_is_away_for_a_moment_does_not_end_the_work(broken: str) -> None:
    away, done = {broken}, asyncio.Event()

    def ask(name: str) -> None:
        if name in away:
            away.remove(name)
            raise OSError("the database is away")

    async def due(busy_hosts: list[str]) -> list[Any]:
        ask("due")
        return [] if done.is_set() or away else [{"id": 1, "host": ""}]

    async def next_due_ms() -> int | None:
        ask("next_due_ms")
        return 0

    async def handle(row: Any) -> None:
        done.set()

    worker = Worker(
        "test",
        due=due,
        next_due_ms=next_due_ms,
        handle=handle,
        host=lambda row: "",
        now_ms=lambda: 0,
        longest_sleep_s=30.0,
    )
    worker.start()
    try:
        async with asyncio.timeout(5):
            await done.wait()
    finally:
        await worker.stop()


async def test_a_request_that_cannot_be_finished_is_put_off_and_not_tried_for_ever(home: Running) -> None:
    """A row that a version before has left, say: each failed attempt counts, so that it ends some day."""
    now_ms = home.node.core.world.clock.now_ms()
    body = orjson.dumps({"type": "Like", "actor": "http://127.0.0.1:1/bob", "object": "http://127.0.0.1:1/x"})
    row = {
        "id": home.node.core.world.ids.next(),
        "method": "POST",
        "url": f"{home.base_url}/inbox",
        "headers": "these are no headers",
        "body": body,
        "verified_key_id": None,
        "host": "127.0.0.1:1",
        "due_ms": now_ms,
    }
    await home.node.core.writer.run(lambda: (yield Insert(t.inbox_staging, [row])))
    home.node.staging.requests.wake()
    async with asyncio.timeout(4):
        while not (waiting := await home.node.core.database.fetch(_WAITING))[0]["attempts"]:
            await asyncio.sleep(0.02)
    assert waiting[0]["due_ms"] >= now_ms + 10_000


async def test_a_broken_database_is_answered_with_please_try_again(
    home: Running, peer: FakePeer, tmp_path: Path
) -> None:
    bob = peer.person("bob")
    url = f"{home.base_url}/inbox"
    assert await peer.deliver(bob, url, peer.activity(bob, "Like", f"{home.base_url}/x")) == 202
    path = tmp_path / "data" / "node.db"
    with sqlite3.connect(path) as other:
        other.execute("ALTER TABLE seen_signatures RENAME TO elsewhere")
    signed = peer.sign(bob, url, peer.activity(bob, "Like", f"{home.base_url}/y"))
    told: list[tuple[str, str]] = []
    with watched_by(lambda step, outcome, detail: told.append((step, str(outcome or "")))):
        answer = await home.node.receiver.receive(Received("POST", url, tuple(signed.headers.items()), signed.body))
    assert (answer.status, answer.reason) == (503, Turned.BROKEN)
    assert told[-1][0] == "inbox.answered"
    assert told[-1][1].startswith("something went wrong here")
    with sqlite3.connect(path) as other:
        other.execute("ALTER TABLE elsewhere RENAME TO seen_signatures")
    assert await peer.send(signed) == 202
