"""Whom the inbox asks about a message, and whom it does not: every such request is chosen by a stranger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select, update

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.effects import Refusal
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.storage import tables as t
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.unit import Run
from tests.fake_peer import FakePeer, Person, fake_peer
from tests.inprocess import Running, running_node

_STAGED = Statement(select(func.count()).select_from(t.inbox_staging))
_ATTEMPTS = Statement(select(t.inbox_staging.c.attempts))
_MAKE_DUE = Statement(update(t.inbox_staging).values(due_ms=0))
_NAMES = Statement(select(t.actors.c.uri, t.actors.c.name))


async def _staged(home: Running) -> int:
    return int((await home.node.core.database.fetch(_STAGED))[0][0])


async def _name(home: Running, uri: str) -> str:
    rows = await home.node.core.database.fetch(_NAMES)
    return next((str(row["name"]) for row in rows if row["uri"] == uri), "")


async def _eventually(check: Callable[[], Awaitable[Any]], *, within_s: float = 15.0) -> None:
    async with asyncio.timeout(within_s):
        while not await check():
            await asyncio.sleep(0.02)


async def _wake(home: Running) -> None:
    """What waits is due now."""
    await home.node.core.writer.run(lambda: (yield Run(_MAKE_DUE, [{}])))
    home.node.staging.requests.wake()


def _block(home: Running, peer: FakePeer) -> None:
    home.node.core.writer.domains = DomainPolicy.suspending(peer.host)


async def test_a_key_on_another_server_than_the_actor_is_not_asked_for(home: Running, peer: FakePeer) -> None:
    """Else anybody could fill what waits for a host with requests in its name, and nothing of its own got in."""
    async with fake_peer() as hostile:
        mallory = hostile.person("mallory")
        hostile.fail_with["/users/mallory"] = 503
        forged = peer.activity(peer.person("bob"), "Like", f"{home.base_url}/users/alice/statuses/1")
        statuses = [await hostile.deliver(mallory, f"{home.base_url}/inbox", forged) for _ in range(3)]
        assert statuses == [401, 401, 401]
        assert hostile.fetched == []
    assert await _staged(home) == 0


async def test_nothing_is_asked_of_a_blocked_host(home: Running, peer: FakePeer) -> None:
    _block(home, peer)
    bob = peer.person("bob")
    like = peer.activity(bob, "Like", f"{home.base_url}/users/alice/statuses/1")
    assert await peer.deliver(bob, f"{home.base_url}/inbox", like) == 403
    assert peer.fetched == []
    assert await _name(home, bob.uri) == ""


async def test_a_blocked_host_is_refused_before_its_strange_documents_are_processed(
    home: Running, peer: FakePeer
) -> None:
    _block(home, peer)
    strange = {"@context": {"kind": "@type", "who": "https://www.w3.org/ns/activitystreams#actor"}, "kind": "Like"}
    assert await peer.deliver(peer.person("bob"), f"{home.base_url}/inbox", strange) == 403
    assert peer.fetched == []


@pytest.mark.parametrize("what", ["actor", "object", "handle"])
async def test_people_here_cannot_make_us_ask_a_blocked_host_either(home: Running, peer: FakePeer, what: str) -> None:
    _block(home, peer)
    bob = peer.person("bob")
    gatherer = home.node.gatherer
    ask: dict[str, Callable[[], Awaitable[object]]] = {
        "actor": lambda: gatherer.actor(bob.uri),
        "object": lambda: gatherer.object(peer.note(bob, "<p>hi</p>")["id"]),
        "handle": lambda: gatherer.handle("bob", peer.host),
    }
    outcome = await ask[what]()
    assert isinstance(outcome, Fail)
    assert outcome.reason is Refusal.SUSPENDED
    assert peer.fetched == []


async def test_somebody_known_of_a_blocked_host_is_still_known(home: Running, peer: FakePeer) -> None:
    bob = peer.person("bob")
    known = await home.node.gatherer.actor(bob.uri)
    _block(home, peer)
    assert await home.node.gatherer.actor(bob.uri, refresh=True) == known
    assert await home.node.gatherer.actor(bob.uri, renew=True) == known
    assert peer.fetched == ["/users/bob"]


async def test_what_waits_is_not_finished_once_its_host_is_blocked(home: Running, peer: FakePeer) -> None:
    bob = peer.person("bob")
    peer.fail_with["/users/bob"] = 503
    like = peer.activity(bob, "Like", f"{home.base_url}/users/alice/statuses/1")
    assert await peer.deliver(bob, f"{home.base_url}/inbox", like) == 202

    async def tried() -> bool:
        rows = await home.node.core.database.fetch(_ATTEMPTS)
        return bool(rows[0]["attempts"])

    await _eventually(tried)
    _block(home, peer)
    fetched = len(peer.fetched)
    peer.fail_with.clear()
    await _wake(home)

    async def forgotten() -> bool:
        return await _staged(home) == 0

    await _eventually(forgotten)
    assert peer.fetched[fetched:] == []


async def _known_bob(home: Running, peer: FakePeer) -> str:
    bob = peer.person("bob")
    like = peer.activity(bob, "Like", f"{home.base_url}/users/alice/statuses/1")
    assert await peer.deliver(bob, f"{home.base_url}/inbox", like) == 202
    assert await _name(home, bob.uri) == "Bob"
    peer.documents[bob.uri]["name"] = "Robert"
    return bob.uri


async def test_an_update_that_only_names_the_actor_brings_its_new_profile(home: Running, peer: FakePeer) -> None:
    """Also a minute after it was fetched: its host has just said that it changed."""
    uri = await _known_bob(home, peer)
    bob = peer.person("bob")
    assert await peer.deliver(bob, f"{home.base_url}/inbox", peer.activity(bob, "Update", uri)) == 202

    async def renamed() -> bool:
        return await _name(home, uri) == "Robert"

    await _eventually(renamed)


async def test_an_update_that_only_names_the_actor_waits_for_a_host_that_does_not_answer(
    home: Running, peer: FakePeer
) -> None:
    uri = await _known_bob(home, peer)
    bob = peer.person("bob")
    peer.fail_with["/users/bob"] = 503
    asked = len(peer.fetched)
    assert await peer.deliver(bob, f"{home.base_url}/inbox", peer.activity(bob, "Update", uri)) == 202

    async def asked_once() -> bool:
        return len(peer.fetched) > asked

    await _eventually(asked_once)
    await asyncio.sleep(0.2)
    assert await _staged(home) == 1
    peer.fail_with.clear()
    await _wake(home)

    async def renamed() -> bool:
        return await _name(home, uri) == "Robert"

    await _eventually(renamed)


async def _rotated(home: Running, peer: FakePeer) -> Person:
    """Bob, known here, with a new key that only his host knows yet."""
    uri = await _known_bob(home, peer)
    renewed = Person(uri, "bob", PrivateKey.generate_rsa())
    peer.documents[uri]["publicKey"]["publicKeyPem"] = renewed.key.public().pem()
    return renewed


async def test_a_new_key_whose_host_does_not_answer_now_is_waited_for(home: Running, peer: FakePeer) -> None:
    renewed = await _rotated(home, peer)
    peer.fail_with["/users/bob"] = 503
    like = peer.activity(renewed, "Like", f"{home.base_url}/users/alice/statuses/2")
    assert await peer.deliver(renewed, f"{home.base_url}/inbox", like) == 202

    async def tried() -> bool:
        rows = await home.node.core.database.fetch(_ATTEMPTS)
        return not rows or bool(rows[0]["attempts"])

    await _eventually(tried)
    assert await _staged(home) == 1, "it was accepted, so it is not dropped before the key could be had"
    asked = len(peer.fetched)
    for _ in range(3):
        assert await peer.deliver(renewed, f"{home.base_url}/inbox", {**like, "id": f"{like['id']}-again"}) == 202
    assert len(peer.fetched) == asked, "and its host is not asked all the time"


async def test_requests_that_come_together_share_the_new_key(home: Running, peer: FakePeer) -> None:
    renewed = await _rotated(home, peer)
    likes = [
        peer.sign(renewed, f"{home.base_url}/inbox", peer.activity(renewed, "Like", f"{home.base_url}/{number}"))
        for number in range(8)
    ]
    asked = len(peer.fetched)
    assert await asyncio.gather(*(peer.send(like) for like in likes)) == [202] * 8
    assert peer.fetched[asked:] == ["/users/bob"]


async def test_many_signatures_do_not_set_off_many_fetches(home: Running, peer: FakePeer) -> None:
    """Four in one request, each with a key of its own that leads on and on."""
    bob = peer.person("bob")
    url, like = f"{home.base_url}/inbox", peer.activity(bob, "Like", f"{home.base_url}/users/alice/statuses/1")
    good = peer.sign(bob, url, like, "rfc9421")
    inputs, values = [], []
    for number in range(4):
        key = Person(f"{peer.base_url}/k/{number}", "k", bob.key)
        signed = peer.sign(key, url, like, "rfc9421")
        # A key that says that somebody else owns it, who says the same.
        for path, owner in ((f"k/{number}", f"k/{number}/o"), (f"k/{number}/o", f"k/{number}/p")):
            peer.documents[f"{peer.base_url}/{path}"] = {
                "@context": "https://w3id.org/security/v1",
                "id": f"{peer.base_url}/{path}#main-key",
                "type": "Key",
                "owner": f"{peer.base_url}/{owner}",
                "publicKeyPem": bob.key.public().pem(),
            }
        inputs.append(f"s{number}={signed.headers['signature-input'].partition('=')[2]}")
        values.append(f"s{number}={signed.headers['signature'].partition('=')[2]}")
    headers = good.headers | {"signature-input": ", ".join(inputs), "signature": ", ".join(values)}
    assert await peer.send(replace(good, headers=headers)) in (202, 401)
    paths = {path for path in peer.fetched if path.startswith("/k/")}
    assert paths, "they are asked for"
    assert len(peer.fetched) <= 5


@pytest.mark.parametrize("forgotten", [False, True], ids=["with its key in memory", "after a restart"])
async def test_of_somebody_who_is_gone_nothing_comes_back(tmp_path: Path, peer: FakePeer, *, forgotten: bool) -> None:
    async with running_node(tmp_path) as home:
        port = int(home.base_url.rpartition(":")[2])
        uri, bob = await _known_bob(home, peer), peer.person("bob")
        gone = peer.activity(bob, "Delete", uri)
        assert await peer.deliver(bob, f"{home.base_url}/inbox", gone) == 202
        assert await _name(home, uri) == ""
        profile = {k: v for k, v in peer.documents[uri].items() if k != "@context"}
        update = peer.activity(bob, "Update", profile)
        if not forgotten:
            assert await peer.deliver(bob, f"{home.base_url}/inbox", update) in (202, 403)
            assert await _name(home, uri) == ""
    if forgotten:
        async with running_node(tmp_path, port=port) as home:
            assert await peer.deliver(bob, f"{home.base_url}/inbox", update) == 403
            assert await _name(home, uri) == ""


async def test_of_two_signatures_the_one_that_can_be_proven_later_counts(home: Running, peer: FakePeer) -> None:
    bob = peer.person("bob")
    peer.fail_with["/users/bob"] = 503
    url, like = f"{home.base_url}/inbox", peer.activity(bob, "Like", f"{home.base_url}/users/alice/statuses/1")
    good = peer.sign(bob, url, like, "rfc9421")
    # The other one is over a Date that this request does not have.
    other = peer.sign(bob, url, like, "cavage").headers["signature"]
    good.headers["authorization"] = f"Signature {other}"
    assert await peer.send(good) == 202
    assert await _staged(home) == 1
    assert orjson.loads(good.body) == like
