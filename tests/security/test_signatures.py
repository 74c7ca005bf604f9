"""What is signed is what is read: signatures that hold over something else than what would be done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import select

from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import sign_cavage, sign_rfc9421
from fediverse_node.storage import tables as t
from tests.fake_peer import AS2, PUBLIC, Person, Signed
from tests.federation.proving import sign_linked_data
from tests.security.ground import INBOX, Ground
from tests.security.test_identity import ALICE, VICTIM

SECURITY = "https://w3id.org/security/v1"


async def likers(scene: Ground) -> list[str]:
    """The actors whose likes count here."""
    rows = await scene.rows(select(t.actors.c.uri).join(t.likes, t.likes.c.actor_id == t.actors.c.id))
    return sorted(row["uri"] for row in rows)


async def test_a_signature_over_statements_does_not_survive_moving_them(scene: Ground) -> None:
    """CVE-2026-42462, GHSA-9rfg-v8g9-9367 (Fedify); CVE-2026-46349, GHSA-53m7-2wrh-q839 and GHSA-chgx-jx3p-rf73.

    The last three are Mastodon's. The statements stay the same, and plain reading finds another activity at the top.
    """
    _, post = await scene.say(await scene.add(), "Hello")
    good, evil = scene.peer(VICTIM), scene.peer()
    bob, mallory = good.person("bob"), evil.person("mallory")
    like = {"@context": [AS2, SECURITY], "id": f"{bob.uri}/l/1", "type": "Like", "actor": bob.uri, "object": post}
    signed = sign_linked_data(bob, like)
    signature, bare = signed["signature"], {k: v for k, v in like.items() if k != "@context"}
    context = like["@context"]
    delete = {"type": "Delete", "id": f"{bob.uri}/d/1", "actor": bob.uri, "object": bob.uri}
    moved: dict[str, dict[str, Any]] = {
        "@graph": {"@context": context, "@graph": [bare], **delete, "signature": signature},
        "@graph inside": {**signed, "instrument": {"@graph": [bare]}},
        "@included": {"@context": context, **delete, "@included": [bare], "signature": signature},
        "@reverse": {"@context": context, **delete, "@reverse": {"object": bare}, "signature": signature},
        "an alias of @graph": {"@context": [*context, {"g": "@graph"}], **delete, "g": [bare], "signature": signature},
        "a reversed word": {
            "@context": [*context, {"back": {"@reverse": "as:object"}}],
            **delete,
            "back": bare,
            "signature": signature,
        },
        "a scoped alias": {
            "@context": [*context, {"x": {"@id": "as:x", "@context": {"g": "@included"}}}],
            **delete,
            "x": {"g": bare},
            "signature": signature,
        },
    }
    for name, document in moved.items():
        assert await evil.deliver(mallory, INBOX, document) in (400, 401), name
    for changed in ({"type": "Announce"}, {"object": bob.uri}, {"id": f"{bob.uri}/l/2"}, {"to": [PUBLIC]}):
        assert await evil.deliver(mallory, INBOX, {**signed, **changed}) == 401, changed
    await scene.settled()
    assert await likers(scene) == []
    assert await scene.rows(select(t.actors.c.uri).where(t.actors.c.deleted_ms.is_not(None))) == []
    # The document as it was signed is believed, whoever brings it: that the others were not has its reason above.
    assert await evil.deliver(mallory, INBOX, signed) == 202
    await scene.settled()
    assert await likers(scene) == [bob.uri]


async def test_what_was_normalised_for_the_signature_is_what_is_processed(scene: Ground) -> None:
    """GHSA-2vxv-pv3m-3wvj (Misskey)."""
    _, post = await scene.say(await scene.add(), "Hello")
    good, evil = scene.peer(VICTIM), scene.peer()
    bob, mallory = good.person("bob"), evil.person("mallory")
    # Plain code reads bob as the actor, a JSON-LD processor mallory.
    odd = {"actor": f"{evil.base_url}/ns#mask", "boss": {"@id": "as:actor", "@type": "@id"}}
    split = {"type": "Like", "id": f"{mallory.uri}/l/1", "actor": bob.uri, "boss": mallory.uri, "object": post}
    for context in ([AS2, odd], [AS2, SECURITY, odd], [odd, {"as": f"{AS2}#"}]):
        document = {"@context": context, **split}
        assert await evil.deliver(mallory, INBOX, document) in (202, 400, 401)
        if context != [odd, {"as": f"{AS2}#"}]:
            signed = sign_linked_data(mallory, {**document, "id": f"{mallory.uri}/l/2"})
            assert await evil.deliver(evil.person("carrier"), INBOX, signed) in (202, 400, 401)
    await scene.settled()
    assert bob.uri not in await likers(scene)
    assert scene.ledger.hosts() == {"evil.example"}, "nobody was asked for a context, nor for bob"


def _resigned(bob: Person, *, url: str = INBOX, method: str = "POST", body: bytes, scheme: str) -> dict[str, str]:
    headers = (("content-type", "application/activity+json"),)
    sign = sign_cavage if scheme == "cavage" else sign_rfc9421
    request = Request(method, url, headers, body)
    return dict(headers + sign(request, key=bob.key, key_id=bob.key_id, now=datetime.now(UTC)))


async def test_a_signature_counts_for_its_method_its_target_and_its_host_alone(scene: Ground) -> None:
    """Mitra 4.7.0 (method and target), Mitra 5.4.0 (authority), Lemmy be69efd (a signed digest)."""
    _, post = await scene.say(await scene.add(), "Hello")
    bob, peer = scene.person("bob", VICTIM), scene.peer(VICTIM)
    body = orjson.dumps(peer.activity(bob, "Like", post))
    for scheme in ("cavage", "rfc9421"):
        for wrong in (
            {"url": "https://other.example/inbox"},
            {"url": "https://node.example.evil.example/inbox"},
            {"url": "https://node.example:444/inbox"},
            {"url": f"{ALICE}/inbox"},
            {"url": f"{INBOX}?x=1"},
            {"method": "GET"},
            {"method": "PUT"},
        ):
            headers = _resigned(bob, body=body, scheme=scheme, **wrong)
            assert await peer.send(Signed(INBOX, headers, body)) == 401, (scheme, wrong)
        # A relay in front that hands on another Host does not make it another server's.
        good = _resigned(bob, body=body, scheme=scheme)
        for name in ("digest", "content-digest"):
            lacking = {key: value for key, value in good.items() if key != name}
            if lacking != good:
                assert await peer.send(Signed(INBOX, lacking, body)) == 401, (scheme, name)
        empty = _resigned(bob, body=b"", scheme=scheme)
        assert await peer.send(Signed(INBOX, empty, body)) == 401, (scheme, "a digest of nothing")
    assert await likers(scene) == []
    assert await scene.count(t.inbox_staging) == 0


async def test_the_digest_that_counts_is_the_one_that_was_signed(scene: Ground) -> None:
    """Mitra 4.11."""
    _, post = await scene.say(await scene.add(), "Hello")
    bob, peer = scene.person("bob", VICTIM), scene.peer(VICTIM)
    honest = orjson.dumps(peer.activity(bob, "Like", f"{post}x"))
    forged = orjson.dumps(peer.activity(bob, "Like", post))
    for scheme, other in (("cavage", "rfc9421"), ("rfc9421", "cavage")):
        signed = _resigned(bob, body=honest, scheme=scheme)
        of_forged = _resigned(bob, body=forged, scheme=other)
        uncovered = {name: value for name, value in of_forged.items() if name in ("digest", "content-digest")}
        own = next(iter({"digest", "content-digest"} & signed.keys()))
        swapped = _resigned(bob, body=forged, scheme=scheme)[own]
        for headers in (
            {**signed, **uncovered},
            {**signed, own: swapped},
            {**signed, own: f"{signed[own]},{swapped}"},
            {**signed, own: f"{swapped},{signed[own]}"},
        ):
            assert await peer.send(Signed(INBOX, headers, forged)) == 401, (scheme, headers)
    assert await likers(scene) == []
