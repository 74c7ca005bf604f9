"""Who takes something back is believed, also when what is taken back still waits for the network."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Text, bindparam, select, update

from fediverse_node.outbox.draft import Draft
from fediverse_node.storage import tables as t
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.unit import Run
from tests.fake_peer import FakePeer, Person
from tests.inprocess import Running

_WAITING = Statement(select(t.inbox_staging.c.id, t.inbox_staging.c.attempts).order_by(t.inbox_staging.c.id))
_MAKE_DUE = Statement(update(t.inbox_staging).values(due_ms=0))
_ACTOR_ID = Statement(select(t.actors.c.id).where(t.actors.c.uri == bindparam("uri", type_=Text())))
_LEFT = {
    "Follow": Statement(select(t.follows.c.id)),
    "Like": Statement(select(t.likes.c.actor_id)),
    "Block": Statement(select(t.blocks.c.id)),
}


async def _waiting(home: Running) -> list[Any]:
    return list(await home.node.core.database.fetch(_WAITING))


async def _tried(home: Running) -> list[Any]:
    """What waits, once the first of it was tried again in vain."""
    async with asyncio.timeout(5):
        while not (waiting := await _waiting(home))[0]["attempts"]:
            await asyncio.sleep(0.02)
    return waiting


async def _finish_all(home: Running) -> None:
    async with asyncio.timeout(15):
        while await _waiting(home):
            await home.node.core.writer.run(lambda: (yield Run(_MAKE_DUE, [{}])))
            home.node.staging.requests.wake()
            await asyncio.sleep(0.05)


async def _of_ours(home: Running, kind: str) -> str:
    alice = f"{home.base_url}/users/alice"
    if kind != "Like":
        return alice
    actor = await home.node.core.database.fetch_one(_ACTOR_ID, uri=alice)
    assert actor is not None
    said = await home.node.outbox.post(actor["id"], Draft("hello"))
    assert isinstance(said, int)
    return f"{alice}/statuses/{said}"


async def _say(home: Running, peer: FakePeer, bob: Person, activity: dict[str, Any]) -> None:
    assert await peer.deliver(bob, f"{home.base_url}/inbox", activity) == 202


@pytest.mark.parametrize("is_embedded", [True, False], ids=["embedded", "named"])
@pytest.mark.parametrize("kind", list(_LEFT))
async def test_what_was_taken_back_while_it_waited_has_no_effect(
    home: Running, peer: FakePeer, kind: str, is_embedded: bool
) -> None:
    bob = peer.person("bob")
    said = peer.activity(bob, kind, await _of_ours(home, kind))
    peer.fail_with["/users/bob"] = 503
    await _say(home, peer, bob, said)
    await _tried(home)
    peer.fail_with.clear()
    await _say(home, peer, bob, peer.activity(bob, "Undo", said if is_embedded else said["id"]))
    await _finish_all(home)
    assert await home.node.core.database.fetch(_LEFT[kind]) == []


async def test_a_follow_and_its_end_that_wait_together_are_decided_in_their_order(
    home: Running, peer: FakePeer
) -> None:
    bob = peer.person("bob")
    follow = peer.activity(bob, "Follow", f"{home.base_url}/users/alice")
    peer.fail_with["/users/bob"] = 503
    await _say(home, peer, bob, follow)
    await _say(home, peer, bob, peer.activity(bob, "Undo", follow))
    assert len(await _waiting(home)) == 2
    await home.node.core.writer.run(lambda: (yield Run(_MAKE_DUE, [{}])))
    home.node.staging.requests.wake()
    assert (await _tried(home))[1]["attempts"] == 0, "waiting for its turn is no attempt"
    peer.fail_with.clear()
    await _finish_all(home)
    assert await home.node.core.database.fetch(_LEFT["Follow"]) == []


async def test_a_follow_that_is_said_again_after_its_end_holds(home: Running, peer: FakePeer) -> None:
    bob = peer.person("bob")
    alice = f"{home.base_url}/users/alice"
    first, again = peer.activity(bob, "Follow", alice), peer.activity(bob, "Follow", alice)
    peer.fail_with["/users/bob"] = 503
    await _say(home, peer, bob, first)
    await _tried(home)
    await _say(home, peer, bob, peer.activity(bob, "Undo", first))
    peer.fail_with.clear()
    await _finish_all(home)
    await _say(home, peer, bob, again)
    assert len(await home.node.core.database.fetch(_LEFT["Follow"])) == 1
