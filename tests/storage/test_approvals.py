"""Quotes and approvals in the database: what is counted, shown and hidden, on either engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fediverse_node.domain.effects import Patch, SettleQuote, SettleRequest
from fediverse_node.domain.model import Approval
from fediverse_node.storage.events import Edited
from fediverse_node.storage.rows import quote_of, request_of
from tests.storage.node_store import NodeStore

ASK = {"interactionPolicy": {"canReply": {"manualApproval": "as:Public"}}}


async def quote_in(store: NodeStore, object_id: int) -> Any:
    return quote_of(await store.one("SELECT * FROM quotes WHERE object_id = :id", id=object_id))


async def shown(store: NodeStore, object_id: int) -> tuple[int, int, int]:
    """Visibility, answers of its parent, and posts of its author."""
    row = await store.one(
        "SELECT o.visibility, p.replies_count, a.statuses_count FROM objects o"
        " JOIN objects p ON p.id = o.in_reply_to_id JOIN actors a ON a.id = o.actor_id WHERE o.id = :id",
        id=object_id,
    )
    return row["visibility"], row["replies_count"], row["statuses_count"]


async def count_of(store: NodeStore, object_id: int) -> int:
    row = await store.one("SELECT quotes_count FROM objects WHERE id = :id", id=object_id)
    return int(row["quotes_count"])


async def test_accepted_quotes_are_counted_while_they_are(store: NodeStore) -> None:
    bob, zoe = await store.person("bob", "far.example"), await store.person("zoe", "third.example")
    post = await store.say(zoe)
    uri = (await store.one("SELECT uri FROM objects WHERE id = :id", id=post))["uri"]
    quoting = await store.say(bob, quote=uri)
    assert (await quote_in(store, quoting)).state is Approval.ACCEPTED
    assert await count_of(store, post) == 1
    quote = await quote_in(store, quoting)
    for state, number in ((Approval.REVOKED, 0), (Approval.ACCEPTED, 1), (Approval.ACCEPTED, 1), (Approval.PENDING, 0)):
        applied = await store.apply(Patch(SettleQuote(replace(quote, state=state))))
        assert await count_of(store, post) == number
        assert Edited(quoting) in applied.events, "open streams hear of it"
    assert await store.wrong_counters() == []


async def test_what_quotes_a_deleted_post_says_that_it_is_gone(store: NodeStore) -> None:
    bob, zoe = await store.person("bob", "far.example"), await store.person("zoe", "third.example")
    post = await store.say(zoe)
    uri = (await store.one("SELECT uri FROM objects WHERE id = :id", id=post))["uri"]
    quoting = await store.say(bob, quote=uri)
    before = await store.one("SELECT version FROM objects WHERE id = :id", id=quoting)
    assert (await store.receive("Delete", zoe, uri)).refusal is None
    quote = await quote_in(store, quoting)
    assert (quote.state, quote.quoted_id) == (Approval.DELETED, None)
    after = await store.one("SELECT version FROM objects WHERE id = :id", id=quoting)
    assert after["version"] > before["version"], "what was rendered of it is not shown any more"
    late = await store.say(bob, quote=uri)
    assert (await quote_in(store, late)).state is Approval.DELETED


async def test_a_quote_waits_for_what_it_quotes(store: NodeStore) -> None:
    bob, zoe = await store.person("bob", "far.example"), await store.person("zoe", "third.example")
    note = store.note(zoe)
    quoting = await store.say(bob, quote=note["id"])
    assert (await quote_in(store, quoting)).state is Approval.PENDING
    assert await store.count("fetches", "kind = 'quoted'") == 1
    # Nobody here follows Zoe: it is taken in because it is waited for.
    assert (await store.receive("Create", zoe, note)).refusal is None
    assert (await quote_in(store, quoting)).state is Approval.ACCEPTED


@pytest.mark.parametrize("parent_first", [True, False])
async def test_an_answer_that_waits_is_for_hardly_anybody_until_it_is_approved(
    store: NodeStore, parent_first: bool
) -> None:
    bob, zoe = await store.person("bob", "far.example"), await store.person("zoe", "third.example")
    carol = await store.person("carol")
    parent = store.note(zoe, **ASK)
    tag = [{"type": "Mention", "href": carol.uri, "name": "@carol"}]
    reply = store.note(bob, inReplyTo=parent["id"], tag=tag)
    for author, note in ((zoe, parent), (bob, reply))[:: 1 if parent_first else -1]:
        assert (await store.receive("Create", author, note, solicited=True)).refusal is None
    row = await store.one("SELECT id FROM objects WHERE uri = :uri", uri=reply["id"])
    assert await shown(store, row["id"]) == (3, 0, 0)
    assert [m["actor_id"] for m in await store.rows("SELECT actor_id FROM mentions")] == [zoe.id]
    request = request_of(await store.one("SELECT * FROM interaction_requests"))
    for state, expected in (
        (Approval.ACCEPTED, (0, 1, 1)),
        (Approval.ACCEPTED, (0, 1, 1)),
        (Approval.REVOKED, (3, 0, 0)),
        (Approval.ACCEPTED, (0, 1, 1)),
    ):
        await store.apply(Patch(SettleRequest(replace(request, state=state))))
        assert await shown(store, row["id"]) == expected
        named = {m["actor_id"] for m in await store.rows("SELECT actor_id FROM mentions")}
        assert (carol.id in named) == (state is Approval.ACCEPTED)
    assert await store.wrong_counters() == []


async def test_what_hangs_on_an_answer_that_waits_comes_with_it(store: NodeStore) -> None:
    bob, zoe = await store.person("bob", "far.example"), await store.person("zoe", "third.example")
    parent = store.note(zoe, **ASK)
    first = store.note(bob, inReplyTo=parent["id"])
    second = store.note(bob, inReplyTo=first["id"])
    third = store.note(zoe, inReplyTo=second["id"])
    for author, note in ((zoe, parent), (bob, first), (bob, second), (zoe, third)):
        assert (await store.receive("Create", author, note, solicited=True)).refusal is None
    assert await store.count("objects", "visibility = 3") == 3
    request = request_of(await store.one("SELECT * FROM interaction_requests WHERE uri = :uri", uri=first["id"]))
    await store.apply(Patch(SettleRequest(replace(request, state=Approval.ACCEPTED))))
    assert await store.count("objects", "visibility = 3") == 0
    assert await store.wrong_counters() == []


async def test_who_is_gone_asks_for_nothing(store: NodeStore) -> None:
    bob = await store.person("bob", "far.example")
    parent = store.note(bob, **ASK)
    assert (await store.receive("Create", bob, parent, solicited=True)).refusal is None
    zoe = await store.person("zoe", "third.example")
    await store.say(zoe, inReplyTo=parent["id"])
    assert await store.count("interaction_requests") == 1
    assert (await store.receive("Delete", zoe, zoe.uri)).refusal is None
    assert await store.count("interaction_requests") == 0


async def test_stamps_are_found_by_their_ids(store: NodeStore) -> None:
    bob, zoe = await store.person("bob", "far.example"), await store.person("zoe", "third.example")
    note = store.note(zoe, interactionPolicy={"canQuote": {"automaticApproval": zoe.uri}})
    assert (await store.receive("Create", zoe, note, solicited=True)).refusal is None
    stamp = f"{zoe.uri}/stamps/1"
    quoting = await store.say(bob, quote=note["id"], quoteAuthorization=stamp)
    await store.apply(Patch(SettleQuote(replace(await quote_in(store, quoting), state=Approval.ACCEPTED))))
    verified = await store.receive("Delete", zoe, stamp)
    assert verified.refusal is None
    assert (await quote_in(store, quoting)).state is Approval.REVOKED
