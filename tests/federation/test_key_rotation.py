"""New keys for somebody here: nobody who knows the old ones is lost, whatever they do with keys.  spec: fep-521a"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update

from fediverse_node.app import load_actor_document
from fediverse_node.outbox.draft import Draft
from fediverse_node.outbox.key_rotation import KeyRotation
from fediverse_node.signatures.keys import PublicKey
from fediverse_node.storage import tables as t
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.unit import Run
from tests.fake_peer import FakePeer
from tests.federation.fedify import eventually
from tests.federation.proving import holds
from tests.federation.test_two_nodes import arrives, follow, say
from tests.inprocess import Running
from tests.running_node import NodeFailedError, running_node

_KEYS = Statement(select(t.keys.c.uri, t.keys.c.expires_ms).order_by(t.keys.c.uri))
_END_ALL = Statement(update(t.keys).where(t.keys.c.expires_ms.is_not(None)).values(expires_ms=1))


def _rotation(home: Running) -> KeyRotation:
    core = home.node.core
    return KeyRotation(
        database=core.database,
        writer=core.writer,
        world=core.world,
        registration=core.registration,
        actor_document_of=lambda actor_id: load_actor_document(core, actor_id),
    )


def _forget_keys(home: Running) -> None:
    """What half a minute does."""
    home.node.sender._keys._cached.clear()


async def _document(peer: FakePeer, uri: str) -> dict[str, Any]:
    async with peer.session.get(uri, headers={"Accept": "application/activity+json"}) as answer:
        document: dict[str, Any] = orjson.loads(await answer.read())
        return document


async def _soon(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await check():
            await asyncio.sleep(0.02)


async def _followed(home: Running, peer: FakePeer) -> tuple[int, str]:
    """Alice, with a follower whose server knows her key."""
    alice = await home.add_person("alice")
    reader = peer.person("reader")
    uri = f"{home.base_url}/users/alice"
    assert await peer.deliver(reader, f"{home.base_url}/inbox", peer.activity(reader, "Follow", uri)) == 202
    await _soon(lambda: _believed(peer, "Accept", 1))
    return alice, uri


async def _believed(peer: FakePeer, kind: str, number: int) -> bool:
    return len(peer.believed(kind)) == number


async def test_new_keys_have_new_names_and_the_old_ones_are_listed_until_they_end(
    home: Running, peer: FakePeer
) -> None:
    alice, uri = await _followed(home, peer)
    assert isinstance(await home.node.outbox.post(alice, Draft("Before")), int)
    await _soon(lambda: _believed(peer, "Create", 1))
    before = await _document(peer, uri)
    made = await _rotation(home).rotate(uri, overlap=timedelta(days=7))
    assert made is not None
    _forget_keys(home)
    after = await _document(peer, uri)
    assert set(made) == {
        after["publicKey"]["id"],
        next(each["id"] for each in after["assertionMethod"] if "expires" not in each),
        next(each["id"] for each in after["verificationMethod"] if "expires" not in each),
    }
    assert set(made).isdisjoint({before["publicKey"]["id"], before["assertionMethod"][0]["id"]})
    # What was signed before is believed a while longer, wherever it has been passed on to.
    old = next(each for each in after["assertionMethod"] if "expires" in each)
    assert {name: old[name] for name in old if name != "expires"} == before["assertionMethod"][0]
    assert holds(peer.believed("Create")[0], old["publicKeyMultibase"])
    await _soon(lambda: _believed(peer, "Update", 1))
    told = peer.believed("Update")[0]
    assert told["object"]["publicKey"] == after["publicKey"]
    new = next(each for each in after["assertionMethod"] if "expires" not in each)
    assert holds(told, new["publicKeyMultibase"])
    assert isinstance(PublicKey.parse_multibase(after["verificationMethod"][0]["publicKeyMultibase"]), PublicKey)


async def test_keys_that_somebody_else_may_have_end_at_once(home: Running, peer: FakePeer) -> None:
    _, uri = await _followed(home, peer)
    made = await _rotation(home).rotate(uri, overlap=timedelta())
    assert made is not None
    document = await _document(peer, uri)
    listed = [each["id"] for name in ("assertionMethod", "verificationMethod") for each in document[name]]
    assert sorted([document["publicKey"]["id"], *listed]) == sorted(made)
    await home.node.housekeeping.round(hourly=True)
    rows = await home.node.core.database.fetch(_KEYS)
    assert not [row["uri"] for row in rows if row["expires_ms"] is not None]


async def test_a_server_that_keeps_the_old_key_is_reached_while_it_counts(home: Running, peer: FakePeer) -> None:
    """As Lemmy does, for a day: it never asks for another."""
    alice, uri = await _followed(home, peer)
    known = dict(peer._keys)

    async def only_known(key_id: str) -> PublicKey | None:
        return known.get(key_id)

    peer._key = only_known  # type: ignore[method-assign]
    assert await _rotation(home).rotate(uri) is not None
    _forget_keys(home)
    assert isinstance(await home.node.outbox.post(alice, Draft("After")), int)
    await _soon(lambda: _believed(peer, "Create", 1))
    *refused, taken = [each.signer for each in peer.arrived if each.activity["type"] == "Create"]
    assert (set(refused), taken) == ({None}, uri)
    # Once the old key has ended, it is used no more.
    await home.node.core.writer.run(lambda: (yield Run(_END_ALL, [{}])))
    _forget_keys(home)
    arrived = len(peer.arrived)
    assert isinstance(await home.node.outbox.post(alice, Draft("Later")), int)
    await _soon(lambda: _is_longer(peer, arrived))
    await asyncio.sleep(0.2)
    assert {each.signer for each in peer.arrived if "Later" in str(each.activity["object"])} == {None}


async def _is_longer(peer: FakePeer, before: int) -> bool:
    return len(peer.arrived) > before


async def test_nobody_elsewhere_gets_new_keys_here(home: Running, peer: FakePeer) -> None:
    bob = peer.person("bob")
    assert isinstance(await home.node.gatherer.actor(bob.uri), int)
    assert await _rotation(home).rotate(bob.uri) is None
    assert await _rotation(home).rotate(f"{home.base_url}/users/nobody") is None


async def test_two_nodes_go_on_talking_after_new_keys() -> None:
    """By the command line, beside the running server, as an administrator does it."""
    with running_node("alice") as here, running_node("ben", host_name="localhost") as there:
        async with here.api("alice") as alice, there.api("ben") as ben:
            await follow(ben, here.handle("alice"))
            printed = here.run("user", "rotate-keys", "alice").splitlines()
            names = [line.rpartition("-")[0].partition("#")[2] for line in printed[:3]]
            assert names == ["main-key", "ed25519-key", "mldsa44-key"]
            # The server has the old keys in memory still.
            await arrives(ben, (await say(alice, "Right after"))["uri"])
        here.stop()
        here.start()
        async with here.api("alice") as alice, there.api("ben") as ben:
            after = await say(alice, "With the new keys alone")
            await ben.post(f"/api/v1/statuses/{(await arrives(ben, after['uri']))['id']}/favourite")

            async def counted() -> bool:
                return bool((await alice.get(f"/api/v1/statuses/{after['id']}"))["favourites_count"])

            await eventually(counted, "ben's like")
        with pytest.raises(NodeFailedError, match="there is no user 'nobody'"):
            here.run("user", "rotate-keys", "nobody")
