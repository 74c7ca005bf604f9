"""Inbox forwarding: what is answered to people here reaches those who read the thread elsewhere, and is believed there.

spec: ap#inbox-forwarding
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from fediverse_node.domain.model import Visibility
from fediverse_node.outbox.draft import Draft
from fediverse_node.storage import tables as t
from fediverse_node.storage.statement import Statement
from tests.fake_peer import PUBLIC, FakePeer, Person, fake_peer
from tests.federation.proving import Prover, holds, sign_linked_data
from tests.inprocess import Running

_PAYLOADS = Statement(
    select(t.payloads.c.body, t.deliveries.c.host)
    .select_from(t.payloads.join(t.deliveries, t.deliveries.c.payload_id == t.payloads.c.id))
    .order_by(t.payloads.c.id)
)


class Scene:
    """Alice here; a follower of hers on one server, ann who answers on another."""

    def __init__(self, home: Running, near: FakePeer, far: FakePeer, alice: int) -> None:
        self.home, self.near, self.far, self.alice = home, near, far, alice
        self.ann = far.person("ann")
        self.inbox = f"{home.base_url}/inbox"
        self.alice_uri = f"{home.base_url}/users/alice"

    async def says(self, visibility: Visibility = Visibility.PUBLIC) -> str:
        """A post of alice's, once it has arrived at her follower's."""
        before = len(self.near.arrived)
        said = await self.home.node.outbox.post(self.alice, Draft("Who has seen my boat?", visibility=visibility))
        await eventually(lambda: _is_longer(self.near, before))
        return f"{self.alice_uri}/statuses/{said}"

    async def takes(self, activity: dict[str, Any]) -> None:
        """Ann's own server brings it."""
        assert await self.far.deliver(self.ann, self.inbox, activity) == 202

    async def passed_on(self) -> list[tuple[dict[str, Any], str]]:
        """What was sent, or is to be sent, in ann's name, and to which host."""
        rows = await self.home.node.core.database.fetch(_PAYLOADS)
        sent = [(orjson.loads(row["body"]), row["host"]) for row in rows]
        return [(document, host) for document, host in sent if document.get("actor") == self.ann.uri]


async def eventually(check: Callable[[], Awaitable[bool]], *, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not await check():
            await asyncio.sleep(0.02)


async def _is_longer(peer: FakePeer, before: int) -> bool:
    return len(peer.arrived) > before


async def _follow(home: Running, peer: FakePeer, person: Person) -> None:
    follow = peer.activity(person, "Follow", f"{home.base_url}/users/alice")
    assert await peer.deliver(person, f"{home.base_url}/inbox", follow) == 202
    await eventually(lambda: _is_accepted(peer))


async def _is_accepted(peer: FakePeer) -> bool:
    return bool(peer.believed("Accept"))


@pytest.fixture
async def scene(home: Running, peer: FakePeer) -> AsyncIterator[Scene]:
    alice = await home.add_person("alice")
    async with fake_peer() as far:
        await _follow(home, peer, peer.person("reader", has_shared_inbox=True))
        peer.takes_from_others = True
        # She follows too, and needs nothing back of what is hers.
        await _follow(home, far, far.person("ann"))
        yield Scene(home, peer, far, alice)


async def test_an_answer_with_a_proof_is_passed_on_to_the_byte_and_not_back(scene: Scene) -> None:
    ann = Prover(scene.far, scene.ann)
    post = await scene.says()
    note = scene.far.note(scene.ann, "<p>I have</p>", inReplyTo=post)
    # Spaces, an order of its own, numbers in several forms: nothing of it is written anew.
    signed = ann.proves({**scene.far.create(scene.ann, note), "https://ann.example/ns#weight": [1.0, 1e-7, 12]})
    body = orjson.dumps(signed, option=orjson.OPT_INDENT_2)
    arrived = len(scene.far.arrived)
    assert await scene.far.deliver(scene.ann, scene.inbox, body) == 202
    await eventually(lambda: _has(scene.near, "Create", note["id"]))
    [found] = [each for each in scene.near.arrived if each.activity["object"] == note]
    # Alice signs the request, and ann what is in it: it is her proof that counts.
    assert (found.signer, found.activity) == (scene.alice_uri, signed)
    assert [host for _, host in await scene.passed_on()] == [scene.near.host]
    rows = await scene.home.node.core.database.fetch(_PAYLOADS)
    assert body in [bytes(row["body"]) for row in rows]
    multibase = scene.far.documents[scene.ann.uri]["assertionMethod"][0]["publicKeyMultibase"]
    assert found.activity["proof"]["verificationMethod"] == f"{scene.ann.uri}#ed25519-key"
    assert multibase.startswith("z6Mk")
    assert not [each for each in scene.far.arrived[arrived:] if each.activity["actor"] == scene.ann.uri]


async def _has(peer: FakePeer, kind: str, object_id: str) -> bool:
    return any(
        each.activity["type"] == kind
        and (each.activity["object"] == object_id or each.activity["object"].get("id") == object_id)
        for each in peer.arrived
    )


async def test_edits_and_deletions_of_the_answer_follow_it(scene: Scene) -> None:
    ann = Prover(scene.far, scene.ann)
    post = await scene.says()
    note = scene.far.note(scene.ann, "<p>I have</p>", inReplyTo=post)
    edited = {**note, "content": "<p>I have not</p>", "updated": "2026-06-01T00:00:00Z"}
    audience = {"to": [PUBLIC]}
    for number, activity in enumerate(
        (
            scene.far.create(scene.ann, note),
            scene.far.activity(scene.ann, "Update", edited, **audience),
            scene.far.activity(scene.ann, "Delete", note["id"], **audience),
        ),
        start=1,
    ):
        await scene.takes(ann.proves(activity))
        await eventually(partial(_is_passed_on, scene, number))
    kinds = [each.activity["type"] for each in scene.near.arrived if each.activity["actor"] == scene.ann.uri]
    assert kinds == ["Create", "Update", "Delete"]


async def _is_passed_on(scene: Scene, number: int) -> bool:
    return len([each for each in scene.near.arrived if each.activity["actor"] == scene.ann.uri]) == number


async def test_an_answer_with_a_linked_data_signature_is_passed_on(scene: Scene) -> None:
    post = await scene.says()
    note = scene.far.note(scene.ann, "<p>I have</p>", inReplyTo=post)
    await scene.takes(sign_linked_data(scene.ann, scene.far.create(scene.ann, note)))
    await eventually(lambda: _has(scene.near, "Create", note["id"]))


async def test_what_would_not_be_believed_or_is_not_for_them_is_passed_on_to_nobody(scene: Scene) -> None:
    ann = Prover(scene.far, scene.ann)
    post, private = await scene.says(), await scene.says(Visibility.FOLLOWERS)
    alone = [scene.alice_uri]

    def create(**more: object) -> dict[str, Any]:
        return scene.far.create(scene.ann, scene.far.note(scene.ann, "<p>I have</p>", **more))

    unsigned = create(inReplyTo=post)
    for activity in (
        unsigned,
        {**create(inReplyTo=post), "proof": {"type": "Nothing"}},
        ann.proves(create(inReplyTo=post, to=alone, cc=[])),
        ann.proves(create(inReplyTo=post, to=[scene.ann.followers], cc=alone)),
        ann.proves(create(to=[PUBLIC], cc=alone)),
        ann.proves(create(inReplyTo=unsigned["object"]["id"], to=[PUBLIC], cc=alone)),
        ann.proves(scene.far.activity(scene.ann, "Like", post)),
        ann.proves(scene.far.activity(scene.ann, "Announce", post, to=[PUBLIC])),
    ):
        await scene.takes(activity)
    assert await scene.passed_on() == []
    # But what is addressed to those who follow alice is for them.  spec: ap#inbox-forwarding
    named = ann.proves(create(inReplyTo=private, to=[f"{scene.alice_uri}/followers"], cc=alone))
    await scene.takes(named)
    assert [(document, host) for document, host in await scene.passed_on()] == [(named, scene.near.host)]


async def test_an_answer_is_passed_on_once_whoever_brings_it(scene: Scene) -> None:
    ann = Prover(scene.far, scene.ann)
    post = await scene.says()
    create = ann.proves(scene.far.create(scene.ann, scene.far.note(scene.ann, "<p>I have</p>", inReplyTo=post)))
    async with fake_peer() as third:
        for _ in range(2):
            assert await third.deliver(third.person("carrier"), scene.inbox, create) == 202
        await scene.takes(create)
    assert len(await scene.passed_on()) == 1


async def test_what_people_here_say_carries_a_proof_and_private_words_none(scene: Scene) -> None:
    """Checked with the specification alone, by the key in alice's own document."""
    for visibility in (Visibility.PUBLIC, Visibility.UNLISTED, Visibility.FOLLOWERS):
        await scene.says(visibility)
    created = [each.activity for each in scene.near.arrived if each.activity["type"] == "Create"]
    async with scene.near.session.get(scene.alice_uri, headers={"Accept": "application/activity+json"}) as answer:
        actor = orjson.loads(await answer.read())
    [key] = actor["assertionMethod"]
    assert [holds(each, key["publicKeyMultibase"]) for each in created] == [True] * 3
    assert {each["proof"]["verificationMethod"] for each in created} == {key["id"]}
    # ML-DSA keys stand where no server of today trips over them, and no proof of theirs is sent unasked.
    assert [each["id"].partition("#")[2] for each in actor["verificationMethod"]] == ["mldsa44-key"]
    reader = f"@reader@{scene.near.host}"
    assert isinstance(
        await scene.home.node.outbox.post(scene.alice, Draft(f"{reader} secret", visibility=Visibility.DIRECT)), int
    )
    await eventually(lambda: _has_text(scene.near, "secret"))
    secret = next(each.activity for each in scene.near.arrived if "secret" in str(each.activity["object"]))
    assert "proof" not in secret
    posted = created[0]["object"]["id"]
    async with scene.near.session.get(posted, headers={"Accept": "application/activity+json"}) as answer:
        served = orjson.loads(await answer.read())
    assert holds(served, key["publicKeyMultibase"])


async def _has_text(peer: FakePeer, text: str) -> bool:
    return any(text in str(each.activity["object"]) for each in peer.arrived)


async def test_who_lists_an_mldsa_key_gets_a_set_of_proofs(scene: Scene) -> None:
    """One for today and one for the day of quantum computers, and each is good by itself."""
    from fediverse_node.signatures.integrity_proofs import parse_proofs, verify_proof  # noqa: PLC0415
    from fediverse_node.signatures.keys import PrivateKey, PublicKey  # noqa: PLC0415

    reader = scene.near.person("reader")
    scene.near.documents[reader.uri]["assertionMethod"] = [
        {
            "id": f"{reader.uri}#mldsa44-key",
            "type": "Multikey",
            "controller": reader.uri,
            "publicKeyMultibase": PrivateKey.generate_mldsa44().public().multibase(),
        }
    ]
    assert isinstance(await scene.home.node.gatherer.actor(reader.uri, renew=True), int)
    await scene.says()
    created = next(each.activity for each in scene.near.arrived if each.activity["type"] == "Create")
    await eventually(lambda: _has_kind(scene.far, "Create"))
    plain = next(each.activity for each in scene.far.arrived if each.activity["type"] == "Create")
    assert plain["proof"]["cryptosuite"] == "eddsa-jcs-2022"
    assert plain["proof"] == created["proof"][0]
    async with scene.near.session.get(scene.alice_uri, headers={"Accept": "application/activity+json"}) as answer:
        actor = orjson.loads(await answer.read())
    listed = {
        each["id"]: each["publicKeyMultibase"]
        for name in ("assertionMethod", "verificationMethod")
        for each in actor[name]
    }
    proofs = parse_proofs(created)
    assert isinstance(proofs, tuple)
    assert [proof.cryptosuite for proof in proofs] == ["eddsa-jcs-2022", "mldsa44-jcs-2024"]
    for proof in proofs:
        key = PublicKey.parse_multibase(listed[proof.key_id])
        assert isinstance(key, PublicKey)
        assert isinstance(verify_proof(created, proof, key), dict)


async def _has_kind(peer: FakePeer, kind: str) -> bool:
    return any(each.activity["type"] == kind for each in peer.arrived)
