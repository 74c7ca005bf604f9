"""Conversations are looked through once at a time, by whichever process; and what is known of them stays with them."""

from __future__ import annotations

import asyncio
from typing import Any

from fediverse_node.domain import effects as e
from fediverse_node.domain.facts import Needs
from fediverse_node.domain.model import Actor, Visibility
from fediverse_node.domain.threads import SHORTEST_REST_MS, SOON_MS, Lack
from fediverse_node.storage.engine import open_database
from fediverse_node.storage.queries import threads as queries
from tests.storage.node_store import NodeStore

_MINUTE_MS = 60_000


async def _walk_row(store: NodeStore, thread_id: int) -> Any:
    return await store.database.fetch_one(queries.WALK, thread_id=thread_id)


async def _ours(store: NodeStore, author: Actor, **more: Any) -> int:
    """Somebody here says something."""
    id_ = store.ids.next()
    record = e.NewObject(
        id_,
        f"{author.uri}/statuses/{id_}",
        "Note",
        author.id,
        True,
        more.pop("visibility", Visibility.PUBLIC),
        store.clock.now_ms(),
        thread_id=more.pop("thread_id", id_),
        **more,
    )
    await store.apply(e.Put(record), needs=Needs(actor_ids=(author.id,)))
    return id_


async def _claimed(store: NodeStore, thread_id: int) -> Any:
    now_ms = store.clock.now_ms()
    return await store.writer.run(lambda: queries.claim_walk(thread_id, now_ms, now_ms + _MINUTE_MS))


def _gap(uri: str, state: Lack = Lack.REFUSED, **more: Any) -> dict[str, Any]:
    row = {"uri": uri, "host": "far.example", "answered": False, "state": state.name, "detail": "", "named_by": "x"}
    return {**row, "attempts": 1, "asked_ms": 1, "next_ms": 2, **more}


def _source(uri: str, kind: str, total: int | None, state: str = "", host: str = "far.example") -> dict[str, Any]:
    row = {"uri": uri, "kind": kind, "host": host, "total": total, "listed": 1, "state": state, "detail": ""}
    return {**row, "attempts": 0, "asked_ms": 1, "next_ms": 2}


async def test_taking_part_in_a_conversation_is_a_reason_to_look_for_the_rest(store: NodeStore) -> None:
    alice, bob = await store.person("alice"), await store.person("bob", "far.example")
    now_ms = store.clock.now_ms()
    quiet = store.note(bob)
    await store.receive("Create", bob, quiet, solicited=True)
    await store.receive("Create", bob, store.note(bob, inReplyTo=quiet["id"]), solicited=True)
    assert await store.count("thread_walks") == 0, "nobody here takes part"
    question = await _ours(store, alice)
    assert await store.count("thread_walks") == 0, "nobody has answered"
    uri = (await store.one("SELECT uri FROM objects WHERE id = :id", id=question))["uri"]
    await store.say(bob, inReplyTo=uri)
    row = await _walk_row(store, question)
    assert (bool(row["ours"]), row["due_ms"], row["walks"]) == (True, now_ms + SOON_MS, 0)
    secret = await _ours(store, alice, visibility=Visibility.FOLLOWERS)
    await store.say(bob, inReplyTo=f"{alice.uri}/statuses/{secret}", to=[alice.uri], cc=[])
    assert await store.count("thread_walks") == 1, "what is private is nobody else's to be asked about"


async def test_news_bring_the_next_look_nearer_but_never_before_the_rest_is_over(store: NodeStore) -> None:
    alice, bob = await store.person("alice"), await store.person("bob", "far.example")
    question = await _ours(store, alice)
    uri = f"{alice.uri}/statuses/{question}"
    answer = await store.say(bob, inReplyTo=uri)
    store.clock.pass_ms(SOON_MS)
    assert await _claimed(store, question) is not None
    walked_ms = store.clock.now_ms()
    far_ms = walked_ms + 50 * SHORTEST_REST_MS
    await store.writer.run(lambda: queries.end_walk(question, walked_ms, next_ms=far_ms, why=""))
    row = await _walk_row(store, question)
    assert (row["rounds"], row["lease_ms"], row["due_ms"]) == (1, None, far_ms)
    below = (await store.one("SELECT uri FROM objects WHERE id = :id", id=answer))["uri"]
    await store.say(bob, inReplyTo=below)
    row = await _walk_row(store, question)
    assert (row["rounds"], row["due_ms"]) == (0, walked_ms + SHORTEST_REST_MS)


async def test_of_two_processes_one_walks(store: NodeStore, node_url: str) -> None:
    store.clock.pass_ms(1)
    now_ms = store.clock.now_ms()
    await store.writer.run(lambda: queries.want_walk(7, now_ms))
    if store.database.dialect == "sqlite":
        assert (await _claimed(store, 7), await _claimed(store, 7))[1] is None
    else:
        other = NodeStore(await open_database(node_url), seed=2)
        try:
            claims = await asyncio.gather(*(_claimed(each, 7) for each in (store, other)))
        finally:
            await other.close()
        assert [claim is None for claim in sorted(claims, key=lambda claim: claim is None)] == [False, True]
    await store.writer.run(lambda: queries.want_walk(7, now_ms))
    assert await _claimed(store, 7) is None, "wanting it again gives it to nobody else"
    # The process died: whoever comes after its time takes over.
    store.clock.pass_ms(2 * _MINUTE_MS)
    assert (await _claimed(store, 7))["walks"] == 2


async def test_what_is_known_of_a_branch_moves_into_the_thread_with_it(store: NodeStore) -> None:
    bob = await store.person("bob", "far.example")
    root, branch = store.note(bob), store.note(bob)
    branch["inReplyTo"] = root["id"]
    assert (await store.receive("Create", bob, branch, solicited=True)).refusal is None
    branch_id = (await store.one("SELECT id FROM objects WHERE uri = :uri", uri=branch["id"]))["id"]
    now_ms = store.clock.now_ms()
    await store.writer.run(lambda: queries.want_walk(branch_id, now_ms))
    assert await _claimed(store, branch_id) is not None
    found = queries.Found([_source("https://far.example/r", "replies", 9)], [_gap("https://far.example/x")])
    await store.writer.run(lambda: queries.note_found(branch_id, found))
    assert (await store.receive("Create", bob, root, solicited=True)).refusal is None
    root_id = (await store.one("SELECT id FROM objects WHERE uri = :uri", uri=root["id"]))["id"]
    assert await _walk_row(store, branch_id) is None
    assert (await _walk_row(store, root_id))["lease_ms"] is not None, "whoever walks the branch walks the thread"
    assert await _claimed(store, root_id) is None
    # The walk goes on under the name it knows, and ends so.
    more = queries.Found(gaps=[_gap("https://far.example/y", Lack.GONE)], posts=2)
    assert await store.writer.run(lambda: queries.note_found(branch_id, more)) == root_id
    await store.writer.run(lambda: queries.end_walk(branch_id, now_ms, next_ms=None, why="BUDGET"))
    held, _ = await queries.load_held(store.database, root_id)
    known, walk = await queries.load_completeness(store.database, root_id, held, now_ms)
    assert walk is not None
    assert (walk["found"], walk["ended"], known.held, dict(known.lacking)) == (
        2,
        "BUDGET",
        1,
        {Lack.REFUSED: 1, Lack.GONE: 1},
    )


async def test_two_threads_that_turn_out_to_be_one_keep_what_is_known_of_both(store: NodeStore) -> None:
    bob = await store.person("bob", "far.example")
    root, middle = store.note(bob), store.note(bob)
    middle["inReplyTo"] = root["id"]
    leaf = await store.say(bob, inReplyTo=middle["id"])
    root_id = await _heard(store, bob, root)
    for thread_id, due_ms, uri in ((leaf, 50, "https://far.example/a"), (root_id, 90, "https://far.example/b")):
        await store.writer.run(lambda i=thread_id, d=due_ms: queries.want_walk(i, d))  # type: ignore[misc]
        found = queries.Found(gaps=[_gap(uri), _gap("https://far.example/both")])
        await store.writer.run(lambda i=thread_id, f=found: queries.note_found(i, f))  # type: ignore[misc]
    await _heard(store, bob, middle)
    assert [row["thread_id"] for row in await store.rows("SELECT thread_id FROM thread_walks")] == [root_id]
    assert (await _walk_row(store, root_id))["due_ms"] == 50
    gaps = await store.rows("SELECT uri FROM thread_gaps WHERE thread_id = :id ORDER BY uri", id=root_id)
    assert [row["uri"][-4:] for row in gaps] == ["le/a", "le/b", "both"]
    assert await store.count("thread_gaps") == 3


async def test_numbers_say_what_is_held_known_and_claimed_and_what_came_by_another_way_is_no_gap(
    store: NodeStore,
) -> None:
    bob = await store.person("bob", "far.example")
    root_id = await store.say(bob)
    uri = (await store.one("SELECT uri FROM objects WHERE id = :id", id=root_id))["uri"]
    came = store.note(bob, inReplyTo=uri)
    secret = store.note(bob, inReplyTo=uri, to=[bob.followers_uri], cc=[])
    for note in (came, secret):
        await store.receive("Create", bob, note, solicited=True)
    gaps = [
        _gap(came["id"], Lack.UNREACHABLE),
        _gap("https://far.example/1"),
        _gap("https://other.example/1", host="other.example"),
        _gap("https://far.example/2", Lack.FOREIGN),
        _gap("https://far.example/3", Lack.DETACHED),
        _gap("https://far.example/0", Lack.GONE, answered=True),
    ]
    sources = [
        _source("https://far.example/r1", "replies", 3),
        _source("https://far.example/r2", "replies", 4),
        _source("https://far.example/c", "context", 30),
        _source("https://third.example/r", "replies", None, Lack.UNREACHABLE.name, "third.example"),
        _source("https://far.example/r3", "replies", 2**31 - 1, Lack.MISSING.name),
    ]
    await store.writer.run(lambda: queries.want_walk(root_id, 1))
    await store.writer.run(lambda: queries.note_found(root_id, queries.Found(sources[:4], gaps)))
    held, has_outside = await queries.load_held(store.database, root_id)
    known, _ = await queries.load_completeness(store.database, root_id, held, 1)
    assert (known.held, known.known, known.claimed, known.beginning, has_outside) == (1, 3, 29, Lack.GONE, True)
    assert (known.refusing_hosts, known.silent_hosts) == (("far.example", "other.example"), ("third.example",))
    # Nobody makes us show a number without end.
    await store.writer.run(lambda: queries.note_found(root_id, queries.Found([sources[4]])))
    known, _ = await queries.load_completeness(store.database, root_id, held, 1)
    assert known.claimed == 1_000_000


async def test_what_nobody_reads_any_more_is_forgotten(store: NodeStore) -> None:
    season_ms = 91 * 86_400_000
    for thread_id, age_ms in ((5, season_ms), (6, 0)):
        await _walked(store, thread_id, store.clock.now_ms() - age_ms)
    now_ms = store.clock.now_ms()
    await store.writer.run(lambda: queries.forget_walks(now_ms))
    assert [row["thread_id"] for row in await store.rows("SELECT thread_id FROM thread_gaps")] == [6]


async def _heard(store: NodeStore, author: Actor, note: dict[str, Any]) -> int:
    decided = await store.receive("Create", author, note, solicited=True)
    assert decided.refusal is None, decided.refusal
    return int((await store.one("SELECT id FROM objects WHERE uri = :uri", uri=note["id"]))["id"])


async def _walked(store: NodeStore, thread_id: int, ended_ms: int) -> None:
    found = queries.Found(gaps=[_gap("https://far.example/1")])
    await store.writer.run(lambda: queries.want_walk(thread_id, 1))
    await store.writer.run(lambda: queries.note_found(thread_id, found))
    await store.writer.run(lambda: queries.end_walk(thread_id, ended_ms, next_ms=None, why=""))
