"""Who somebody is, and what they may speak for: what went wrong elsewhere, attempted here as an attacker would.

Each test names the advisories that it answers. What is asserted is what became of it (nothing stored, changed or
shown) and whom the node asked for it.
"""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web
from sqlalchemy import select

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.domains import DomainRule, Severity
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.storage import tables as t
from tests.fake_peer import AS2, PUBLIC, Person, Signed
from tests.federation.proving import Prover
from tests.security.ground import INBOX, Ground

ALICE = "https://node.example/users/alice"
VICTIM = "good.example"


def stolen(victim: Person) -> Person:
    """The victim by name, with a key of the attacker's own."""
    return Person(victim.uri, victim.name, PrivateKey.generate_rsa())


def signed_with(scene: Ground, person: Person, key_id: str, activity: dict[str, Any]) -> Signed:
    """Signed by the attacker's key under any id of a key."""
    named = type("Named", (Person,), {"key_id": key_id})(person.uri, person.name, person.key)
    return scene.peer().sign(named, INBOX, activity)


def about_alice(**more: object) -> dict[str, Any]:
    """What makes a post concern somebody here."""
    return {"tag": [{"type": "Mention", "href": ALICE, "name": "@alice"}], "cc": [ALICE], **more}


async def json_page(request: web.Request, document: object, content_type: str) -> web.Response:
    return web.Response(body=orjson.dumps(document), headers={"Content-Type": content_type})


async def test_an_activity_is_only_handled_after_its_key_was_bound_to_its_actor(scene: Ground) -> None:
    """CVE-2025-54888 (Fedify)."""
    _, post = await scene.say(await scene.add(), "Hello")
    bob, mallory = scene.person("bob", VICTIM), scene.person("mallory")
    good, evil = scene.peer(VICTIM), scene.peer()
    like = good.activity(bob, "Like", post)
    follow = good.activity(bob, "Follow", ALICE)
    note = good.note(bob, "never said", **about_alice())
    del good.documents[note["id"]]  # nor does bob's server know of it
    for activity in (like, follow, good.create(bob, note), good.activity(bob, "Delete", bob.uri)):
        status = await evil.deliver(mallory, INBOX, {**activity, "id": f"{evil.base_url}/x", "inReplyTo": None})
        # A post that can be seen at its author's server is asked for there; everything else is refused.
        assert status == (202 if activity["type"] in ("Create", "Delete") else 401), activity["type"]
    await scene.settled()
    assert await scene.count(t.likes) == await scene.count(t.follows) == 0
    assert await scene.contents() == {"<p>Hello</p>"}


async def test_a_document_from_elsewhere_takes_nobody_over(scene: Ground) -> None:
    """CVE-2024-23832, GHSA-3fjr-858r-92rw (Mastodon)."""
    _, post = await scene.say(await scene.add(), "Hello")
    good, evil = scene.peer(VICTIM), scene.peer()
    bob = good.person("bob")
    assert await scene.deliver(bob, good.activity(bob, "Like", f"{post}x")) == 202
    forged = stolen(bob)
    document: dict[str, Any] = {**good.documents[bob.uri], "publicKey": {"id": f"{bob.uri}#main-key", "owner": bob.uri}}
    document["publicKey"]["publicKeyPem"] = forged.key.public().pem()
    evil.documents[f"{evil.base_url}/users/bob"] = document
    good.redirects["/go"] = f"{evil.base_url}/users/bob"
    evil.documents[f"{evil.base_url}/key"] = {"@context": AS2, "type": "Key", **document["publicKey"]}
    for key_id in (
        f"{evil.base_url}/users/bob",
        f"{evil.base_url}/users/bob#main-key",
        f"{evil.base_url}/key",
        f"{good.base_url}/go",
        f"{good.base_url}/go#main-key",
        f"{bob.uri}#main-key",
    ):
        like = signed_with(scene, forged, key_id, good.activity(bob, "Like", post))
        assert await evil.send(like) == 401, key_id
    assert await scene.count(t.likes) == 0
    [stored] = await scene.rows(select(t.keys.c.public).where(t.keys.c.uri == bob.key_id))
    assert stored["public"].strip() == bob.key.public().pem().strip()
    assert await scene.deliver(bob, good.activity(bob, "Like", post)) == 202
    assert await scene.count(t.likes) == 1


async def test_an_upload_does_not_pose_as_an_actor_or_a_post(scene: Ground) -> None:
    """GHSA-jhrq-qvrm-qr36 (Mastodon), and the upload half of Akkoma 2024.03."""
    _, post = await scene.say(await scene.add(), "Hello")
    good, evil = scene.peer(VICTIM), scene.peer()
    mallory = evil.person("mallory")
    admin = Person(f"{good.base_url}/media/1.json", "admin", mallory.key)
    document = {**evil.documents[mallory.uri], "id": admin.uri, "inbox": f"{admin.uri}/inbox"}
    document["publicKey"] = {"id": admin.key_id, "owner": admin.uri, "publicKeyPem": mallory.key.public().pem()}
    note: dict[str, Any] = {
        "@context": AS2,
        "id": f"{good.base_url}/media/2.json",
        "type": "Note",
        "content": "Send money",
    }
    note |= {"attributedTo": f"{good.base_url}/users/boss", "to": [PUBLIC]}
    content_type = ""
    good.pages["/media/1.json"] = lambda request: json_page(request, document, content_type)
    good.pages["/media/2.json"] = lambda request: json_page(request, note, content_type)
    good.person("boss")
    plain = ("text/plain", "application/octet-stream", "application/json", "application/ld+json", "text/html")
    for content_type in (*plain, 'application/ld+json; profile="https://other.example/"', "*/*", ""):
        assert await evil.deliver(admin, INBOX, evil.activity(admin, "Like", post)) == 401, content_type
        assert isinstance(await scene.find_object(f"{good.base_url}/media/2.json"), Fail), content_type
    assert await scene.count(t.likes) == 0
    assert await scene.contents() == {"<p>Hello</p>"}


async def test_no_redirect_and_no_refetch_makes_one_domain_speak_for_another(scene: Ground) -> None:
    """Akkoma 2024.03, all three entries: uploads, loose ids, redirects; own documents; changed attribution."""
    await scene.add()
    good, evil = scene.peer(VICTIM), scene.peer()
    bob, mallory = good.person("bob"), evil.person("mallory")
    lie = {"@context": AS2, "id": f"{good.base_url}/n/1", "type": "Note", "attributedTo": bob.uri, "to": [PUBLIC]}
    lie["content"] = "a lie"
    evil.documents[f"{evil.base_url}/n/1"] = lie
    evil.documents[f"{evil.base_url}/n/2"] = {**lie, "id": f"{evil.base_url}/n/2"}
    evil.documents[f"{evil.base_url}/n/3"] = {**lie, "id": f"https://{VICTIM}.evil.example/n/3"}
    good.redirects["/go"] = f"{evil.base_url}/n/1"
    for address in ("/n/1", "/n/2", "/n/3"):
        assert isinstance(await scene.find_object(evil.base_url + address), Fail), address
    assert isinstance(await scene.find_object(f"{good.base_url}/go"), Fail)
    # An object of ours that somebody brings along is not learnt from them, nor asked for: not even from ourselves.
    ours = {**lie, "id": "https://node.example/media/1.json", "attributedTo": ALICE}
    for target in (ours, ours["id"], "https://NODE.example:443/media/1.json", "https://node.example./media/1.json"):
        assert await scene.deliver(mallory, evil.activity(mallory, "Announce", target, to=[PUBLIC])) == 202
    await scene.settled()
    assert "node.example" not in scene.ledger.hosts()
    assert await scene.count(t.objects) == 0
    # What changes at its own place stays whose it was.
    note = evil.note(mallory, "mine", **about_alice())
    assert await scene.deliver(mallory, evil.create(mallory, note)) == 202
    eve = evil.person("eve")
    changed = {**note, "attributedTo": eve.uri, "content": "not mine", "updated": "2031-01-01T00:00:00Z"}
    evil.documents[note["id"]] = {"@context": AS2, **changed}
    assert await scene.deliver(eve, evil.activity(eve, "Update", changed, to=[PUBLIC])) in (202, 401)
    assert await scene.deliver(mallory, evil.activity(mallory, "Update", changed, to=[PUBLIC])) in (202, 401)
    await scene.settled()
    [row] = await scene.rows(
        select(t.objects.c.content, t.actors.c.uri).join(t.actors, t.actors.c.id == t.objects.c.actor_id)
    )
    assert (row["uri"], row["content"]) == (mallory.uri, "mine")


async def test_a_handle_belongs_to_whom_both_sides_name(scene: Ground) -> None:
    """Akkoma 2024.04.1 (WebFinger spoofing); CVE-2023-42451 (Mastodon: domain normalisation, CWE-706)."""
    await scene.add()
    good, evil = scene.peer(VICTIM), scene.peer()
    bob, mallory = good.person("bob"), evil.person("bob")

    async def says(request: web.Request) -> web.Response:
        link = {"rel": "self", "type": "application/activity+json", "href": mallory.uri}
        return await json_page(request, {"subject": "acct:bob@good.example", "links": [link]}, "application/jrd+json")

    evil.pages["/.well-known/webfinger"] = says
    evil.documents[mallory.uri]["webfinger"] = "bob@good.example"
    assert isinstance(await scene.find_handle("bob", "evil.example"), Fail)
    found = await scene.find_actor(mallory.uri)
    assert isinstance(found, int)
    spoofed = ["good.example@evil.example", "good.example/@evil.example", "good.example%00.evil.example", "a b"]
    spoofed += ["good.example\t", "good.example#.evil.example", "good.example?x", "good.example\\evil", "[::1", ""]
    for host in spoofed:
        assert isinstance(await scene.find_handle("bob", host), Fail), host
    for host in ("GOOD.example", "good.example.", "good.example:443", "ＧＯＯＤ.example"):
        assert isinstance(await scene.find_handle("bob", host), int), host
    handles = {
        (row["uri"], row["host"])
        for row in await scene.rows(select(t.actors.c.uri, t.actors.c.host))
        if "bob" in row["uri"]
    }
    assert handles == {(mallory.uri, "evil.example"), (bob.uri, "good.example")}
    assert set(scene.names.asked) <= {"good.example", "evil.example"}


async def test_an_actor_that_lists_anothers_key_id_does_not_get_that_key(scene: Ground) -> None:
    """Akkoma 2025.03 (poisoned mapping of keys to users)."""
    _, post = await scene.say(await scene.add(), "Hello")
    good, evil = scene.peer(VICTIM), scene.peer()
    bob, mallory = good.person("bob"), evil.person("mallory")
    own = evil.documents[mallory.uri]["publicKey"]
    poisons = [
        {**own, "id": bob.key_id},
        {**own, "id": bob.key_id, "owner": bob.uri},
        {**own, "owner": bob.uri},
    ]
    evil.documents[mallory.uri]["publicKey"] = [own, *poisons]
    evil.documents[mallory.uri]["assertionMethod"] = [
        {
            "id": bob.key_id,
            "type": "Multikey",
            "controller": bob.uri,
            "publicKeyMultibase": "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQXJPB29vdgYPS",
        }
    ]
    assert await scene.deliver(mallory, evil.activity(mallory, "Like", f"{post}x")) == 202
    forged = signed_with(scene, Person(bob.uri, "bob", mallory.key), bob.key_id, evil.activity(bob, "Like", post))
    assert await evil.send(forged) == 401
    assert await scene.deliver(bob, good.activity(bob, "Like", post)) == 202
    owners = await scene.rows(select(t.keys.c.uri, t.actors.c.uri).join(t.actors, t.actors.c.id == t.keys.c.actor_id))
    assert {(key, owner) for key, owner in owners if "node.example" not in key} == {
        (mallory.key_id, mallory.uri),
        (bob.key_id, bob.uri),
    }


async def test_whatever_is_not_proven_is_refused(scene: Ground) -> None:
    """CVE-2026-28432 and Misskey 2023.11: no way around a signature that does not hold."""
    _, post = await scene.say(await scene.add(), "Hello")
    bob, peer = scene.person("bob", VICTIM), scene.peer(VICTIM)
    good = peer.sign(bob, INBOX, peer.activity(bob, "Like", post))
    value = good.headers["signature"]
    broken: dict[str, dict[str, str]] = {
        "nothing": {},
        "empty": {"signature": ""},
        "a word": {"signature": "none"},
        "no signature inside": {"signature": value.partition('signature="')[0] + 'signature=""'},
        "no headers covered": {"signature": value.replace('headers="', 'headers="" x="')},
        "an algorithm of no use": {"signature": value.replace("rsa-sha256", "none")},
        "hmac with the public key": {"signature": value.replace("rsa-sha256", "hmac-sha256")},
        "no key": {"signature": value.replace("keyId", "key")},
        "a key that is no address": {"signature": value.replace(bob.key_id, "main-key")},
        "a key in the request": {"signature": value.replace(bob.key_id, "data:application/activity+json,{}")},
        "the actor without its key": {"signature": value.replace("#main-key", "#other")},
        "an unsigned new signature": {"signature-input": 'a=("@method");created=1', "signature": "a=:AA==:"},
        "old and new mixed": {"signature-input": value, "signature": value},
    }
    rest = {name: header for name, header in good.headers.items() if name != "signature"}
    for name, headers in broken.items():
        if name == "an algorithm of no use" and "rsa-sha256" not in value:
            continue
        assert await peer.send(Signed(INBOX, {**rest, **headers}, good.body)) == 401, name
    assert await scene.count(t.likes) == await scene.count(t.inbox_staging) == 0
    assert await peer.send(good) == 202
    assert await scene.count(t.likes) == 1


async def test_nobody_widens_the_audience_of_what_is_known_already(scene: Ground) -> None:
    """CVE-2024-37903 (Mastodon)."""
    _, token = await scene.token("alice")
    good, evil = scene.peer(VICTIM), scene.peer()
    bob, mallory = good.person("bob"), evil.person("mallory")
    secret = good.note(bob, "between us", tag=about_alice()["tag"], to=[ALICE], cc=[])
    del good.documents[secret["id"]]  # its server shows it to nobody else
    assert await scene.deliver(bob, good.create(bob, secret)) == 202
    wide = {**secret, "to": [PUBLIC], "cc": [mallory.uri]}
    for author in (bob.uri, mallory.uri):
        for kind in ("Create", "Update", "Announce"):
            await scene.deliver(mallory, evil.activity(mallory, kind, {**wide, "attributedTo": author}, to=[PUBLIC]))
    await scene.deliver(mallory, evil.activity(mallory, "Announce", secret["id"], to=[PUBLIC]))
    await scene.settled()
    [row] = await scene.rows(select(t.objects).where(t.objects.c.uri == secret["id"]))
    assert row["visibility"] == 3
    assert row["content"] == "between us"
    status, _, _ = await scene.get(f"/api/v1/statuses/{row['id']}")
    assert status == 404
    status, _, _ = await scene.get(f"/api/v1/statuses/{row['id']}", token=token)
    assert status == 200


async def test_a_delete_that_somebody_brings_needs_a_proof_or_the_origins_word(scene: Ground) -> None:
    """Mitra 2.8, 2.24, 5.2: forwarded deletes, and ids on other hosts than their authors."""
    await scene.add()
    good, evil = scene.peer(VICTIM), scene.peer()
    bob, mallory = good.person("bob"), evil.person("mallory")
    note = good.note(bob, "I stay", **about_alice())
    assert await scene.deliver(bob, good.create(bob, note)) == 202
    delete = {"@context": AS2, "type": "Delete", "id": f"{bob.uri}/d/1", "actor": bob.uri, "object": note["id"]}
    with_foreign_proof = Prover(evil, mallory).proves({**delete, "id": f"{bob.uri}/d/2"})
    by_mallory = {**delete, "actor": mallory.uri, "id": f"{mallory.uri}/d"}
    for forged in (
        delete,
        {**delete, "object": {"type": "Tombstone", "id": note["id"]}},
        with_foreign_proof,
        by_mallory,
    ):
        assert await evil.deliver(mallory, INBOX, forged) in (202, 401)
    foreign = {**evil.note(mallory, "not his", **about_alice()), "id": f"{good.base_url}/n/9"}
    assert await scene.deliver(mallory, evil.create(mallory, foreign)) in (202, 401)
    await scene.settled()
    assert await scene.contents() == {"I stay"}
    assert await scene.count(t.tombstones) == 0
    # When it is gone at its own place, whoever brings the news may.
    good.fail_with[note["id"].removeprefix(good.base_url)] = 410
    assert await evil.deliver(mallory, INBOX, {**delete, "id": f"{bob.uri}/d/3"}) == 202
    await scene.settled()
    assert await scene.contents() == set()


async def test_a_quote_is_approved_only_by_a_stamp_of_whom_it_quotes(scene: Ground) -> None:
    """GHSA-q4g8-82c5-9h33, CVE-2026-33869, Mastodon 4.4.8; GHSA-rwcw-vq68-g34p (attribution)."""
    await scene.add()
    good, evil = scene.peer(VICTIM), scene.peer()
    yolanda, mallory = good.person("yolanda"), evil.person("mallory")
    policy = {"interactionPolicy": {"canQuote": {"automaticApproval": [yolanda.uri]}}}
    quoted = good.note(yolanda, "mine", **policy)
    forged = f"{evil.base_url}/stamps/1"
    borrowed = f"{good.base_url}/stamps/other"
    stamp = {
        "@context": [
            AS2,
            {
                "gts": "https://gotosocial.org/ns#",
                "QuoteAuthorization": "https://w3id.org/fep/044f#QuoteAuthorization",
                "interactingObject": {"@id": "gts:interactingObject", "@type": "@id"},
                "interactionTarget": {"@id": "gts:interactionTarget", "@type": "@id"},
            },
        ],
        "type": "QuoteAuthorization",
        "attributedTo": yolanda.uri,
        "interactionTarget": quoted["id"],
    }
    good.documents[borrowed] = {**stamp, "id": borrowed, "interactingObject": f"{evil.base_url}/another"}
    for uri in (forged, borrowed):
        note = evil.note(mallory, "look at this fool", **about_alice(quote=quoted["id"], quoteAuthorization=uri))
        evil.documents[forged] = {**stamp, "id": forged, "interactingObject": note["id"]}
        assert await scene.deliver(mallory, evil.create(mallory, note)) == 202
    await scene.settled()
    states = [
        row["state"] for row in await scene.rows(select(t.quotes.c.state).where(t.quotes.c.quoted_uri == quoted["id"]))
    ]
    assert len(states) == 2
    assert 1 not in states, "1 is accepted"
    assert forged not in scene.ledger.asked, "a stamp of another origin is not even asked for"


async def test_who_is_suspended_is_not_heard_through_others_either(scene: Ground) -> None:
    """GHSA-5h2f-wg8j-xqwp (Mastodon 4.5.5) and the lax relevancy check of 4.6.4."""
    await scene.add()
    good, evil = scene.peer(VICTIM), scene.peer()
    mallory, bob = evil.person("mallory"), good.person("bob")
    prover = Prover(evil, mallory)
    assert isinstance(await scene.find_actor(mallory.uri), int)
    assert isinstance(await scene.find_actor(bob.uri), int)
    assert await scene.node.desk.put(DomainRule("evil.example", Severity.SUSPEND)) is None
    scene.ledger.clear()
    scene.hits.clear()
    note = evil.note(mallory, "banned words", **about_alice())
    create = evil.create(mallory, note)
    assert await scene.deliver(mallory, create) == 403
    for carried in (create, prover.proves(create)):
        assert await good.deliver(bob, INBOX, carried) in (202, 401, 403)
    for target in (note, note["id"], create["id"]):
        await good.deliver(bob, INBOX, good.activity(bob, "Announce", target, to=[PUBLIC], cc=[ALICE]))
    await good.deliver(bob, INBOX, good.activity(bob, "Like", note["id"]))
    quoting = good.note(bob, "see", **about_alice(quote=note["id"], inReplyTo=note["id"]))
    assert await scene.deliver(bob, good.create(bob, quoting)) == 202
    await scene.settled()
    assert "banned words" not in await scene.contents()
    assert scene.arrived_at("evil.example") == [], "a host that is out is asked for nothing"
    assert await scene.count(t.likes) == 0
