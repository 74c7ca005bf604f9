"""Foreign JSON-LD in a process that is killed when a document costs too much."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator

import pytest

from fediverse_node.base.errors import NodeError
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.transport.faults import FetchFault
from fediverse_node.transport.jsonld_worker import JsonLdWorker

AS2 = "https://www.w3.org/ns/activitystreams"
RENAMED = {
    "@context": [AS2, {"says": "as:content", "who": {"@id": "as:attributedTo", "@type": "@id"}}],
    "id": "https://a.example/1",
    "type": "Note",
    "says": "hello",
    "who": "https://a.example/users/a",
}


def clique(nodes: int) -> dict[str, object]:
    """Anonymous nodes that all point to each other: their canonical names cost factorial time."""
    names = [f"_:b{n}" for n in range(nodes)]
    return {
        "@context": [AS2, {"knows": {"@id": "https://e.example/knows", "@type": "@id"}}],
        "@graph": [{"@id": name, "knows": [other for other in names if other != name]} for name in names],
    }


@pytest.fixture
async def worker() -> AsyncIterator[JsonLdWorker]:
    made = JsonLdWorker()
    yield made
    await made.close()


async def test_a_document_with_words_of_its_own_is_read_in_ours(worker: JsonLdWorker) -> None:
    compacted = await worker.compact(RENAMED)
    assert isinstance(compacted, dict)
    assert compacted["content"] == "hello"
    assert compacted["attributedTo"] == "https://a.example/users/a"


async def test_canonical_statements_of_a_document(worker: JsonLdWorker) -> None:
    statements = await worker.statements(RENAMED)
    assert isinstance(statements, bytes)
    assert b'<https://a.example/1> <https://www.w3.org/ns/activitystreams#content> "hello" .' in statements


async def test_a_context_that_is_not_bundled_is_refused_and_never_fetched(worker: JsonLdWorker) -> None:
    outcome = await worker.compact({"@context": "https://evil.example/context", "id": "https://a.example/1"})
    assert isinstance(outcome, Fail)
    assert outcome.reason is WireReason.UNKNOWN_CONTEXT


async def test_a_document_made_to_cost_seconds_is_killed_in_time_and_the_next_one_is_served(
    worker: JsonLdWorker,
) -> None:
    hostile = clique(7)
    assert len(json.dumps(hostile)) < 1000
    await worker.compact(RENAMED)  # the start of the process is not part of the measure
    first_process = worker.process_id
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    started = time.monotonic()
    outcome = await worker.statements(hostile)
    took_s = time.monotonic() - started
    ticking.cancel()
    assert isinstance(outcome, Fail)
    assert outcome.reason is FetchFault.JSONLD_TOO_COSTLY
    assert took_s < 4
    assert ticks > 50, "the server goes on while a document is processed"
    assert isinstance(await worker.compact(RENAMED), dict)
    assert worker.process_id not in (None, first_process)


async def test_the_process_ends_itself_when_its_cpu_time_is_spent() -> None:
    worker = JsonLdWorker(cpu_s=0.3, wall_s=60)
    started = time.monotonic()
    outcome = await worker.statements(clique(7))
    await worker.close()
    assert isinstance(outcome, Fail)
    assert outcome.reason is FetchFault.JSONLD_TOO_COSTLY
    assert time.monotonic() - started < 20


async def test_a_process_that_was_killed_from_outside_is_replaced(worker: JsonLdWorker) -> None:
    await worker.compact(RENAMED)
    assert worker.process_id is not None
    os.kill(worker.process_id, 9)
    outcome = await worker.compact(RENAMED)
    assert isinstance(outcome, dict | TemporaryFail), "the document is not to blame"
    assert isinstance(await worker.compact(RENAMED), dict)


async def test_a_cancelled_request_does_not_give_its_answer_to_the_next_one(worker: JsonLdWorker) -> None:
    await worker.compact(RENAMED)
    slow = asyncio.create_task(worker.statements(clique(6)))
    await asyncio.sleep(0.02)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    compacted = await worker.compact(RENAMED)
    assert isinstance(compacted, dict)
    assert compacted["content"] == "hello"


async def test_a_line_that_is_too_long_is_refused_for_now() -> None:
    worker = JsonLdWorker(line=2)
    outcomes = await asyncio.gather(*(worker.compact(RENAMED) for _ in range(4)))
    await worker.close()
    assert [isinstance(outcome, dict) for outcome in outcomes] == [True, True, False, False]
    assert all(isinstance(outcome, TemporaryFail) for outcome in outcomes[2:])


async def test_an_idle_process_is_ended_and_started_again_when_needed() -> None:
    worker = JsonLdWorker(idle_s=0.05)
    await worker.compact(RENAMED)
    process_id = worker.process_id
    for _ in range(100):
        if worker.process_id is None:
            break
        await asyncio.sleep(0.02)
    assert worker.process_id is None
    assert isinstance(await worker.compact(RENAMED), dict)
    assert worker.process_id != process_id
    await worker.close()


async def test_the_process_sees_nothing_of_our_environment(
    worker: JsonLdWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEDIVERSE_NODE_DATABASE_URL", "postgresql://secret")
    await worker.compact(RENAMED)
    with open(f"/proc/{worker.process_id}/environ", "rb") as environment:
        assert b"secret" not in environment.read()


async def test_a_closed_worker_says_so(worker: JsonLdWorker) -> None:
    await worker.close()
    with pytest.raises(NodeError):
        await worker.compact(RENAMED)
