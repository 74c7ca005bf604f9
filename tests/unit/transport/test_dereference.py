"""Documents, actors, objects, collections and keys of other servers, from a peer that may lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fediverse_node.base.outcome import TemporaryFail
from fediverse_node.protocol.actors import ActorDocument
from fediverse_node.protocol.objects import ObjectDocument
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.transport.budget import Budget, registrable_domain
from fediverse_node.transport.collection_fetch import Collected, fetch_collection
from fediverse_node.transport.dereference import Dereferencer, Document
from fediverse_node.transport.faults import FetchFault
from fediverse_node.transport.key_fetch import FetchedKey, fetch_key
from tests.unit.transport.peer import ACTIVITY, AS2, PEM, PROFILED, RSA, Peer, actor, note, reason

# ---- documents -----------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", [ACTIVITY, PROFILED, ACTIVITY + "; charset=utf-8"])
async def test_a_document_at_its_own_id_is_found_with_one_signed_request(
    dereferencer: Dereferencer, peer: Peer, content_type: str
) -> None:
    uri = peer.uri("/notes/1")
    peer.serve(uri, note(uri), content_type=content_type)
    found = await dereferencer.fetch_document(uri, budget=Budget())
    assert isinstance(found, Document)
    assert (found.id, found.url, found.body["content"]) == (uri, uri, "hello")
    (request,) = peer.server.asked
    assert 'keyId="http://127.0.0.1:8420/actor#main-key"' in request.headers["signature"]
    assert ACTIVITY in request.headers["accept"]


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/html", "text/plain", "application/ld+json", "image/png", ""]
)
async def test_an_upload_does_not_pass_for_a_document(
    dereferencer: Dereferencer, peer: Peer, content_type: str
) -> None:
    uri = peer.uri("/uploads/1")
    peer.serve(uri, note(uri), content_type=content_type)
    assert reason(await dereferencer.fetch_document(uri, budget=Budget())) is FetchFault.NOT_ACTIVITY


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<html>", FetchFault.MALFORMED),
        (b"", FetchFault.MALFORMED),
        (b'{"id": "x"', FetchFault.MALFORMED),
        (b"\xff\xfe{}", FetchFault.MALFORMED),
        (b'{"a":' * 3000 + b"1" + b"}" * 3000, FetchFault.MALFORMED),
        (b'{"a":' * 200 + b"1" + b"}" * 200, WireReason.TOO_DEEP),
        (b"[]", WireReason.NOT_AN_OBJECT),
        (b'"text"', WireReason.NOT_AN_OBJECT),
        (b"{}", WireReason.NO_ID),
        (b'{"id": 5}', WireReason.NO_ID),
        (b'{"id": ["http://peer.test/x"]}', WireReason.NO_ID),
        (b'{"id": "http://peer.test/x", "@graph": []}', WireReason.RESTRUCTURED),
    ],
)
async def test_what_is_no_document_has_a_named_reason(
    dereferencer: Dereferencer, peer: Peer, body: bytes, expected: object
) -> None:
    uri = peer.uri("/x")
    peer.serve(uri, body)
    assert reason(await dereferencer.fetch_document(uri, budget=Budget())) is expected


@pytest.mark.parametrize(
    ("status", "expected", "may_change"),
    [
        (410, FetchFault.GONE, False),
        (404, FetchFault.NOT_FOUND, False),
        (403, FetchFault.FORBIDDEN, False),
        (418, FetchFault.REFUSED_STATUS, False),
        (429, FetchFault.RATE_LIMITED, True),
        (500, FetchFault.SERVER_ERROR, True),
        (503, FetchFault.SERVER_ERROR, True),
    ],
)
async def test_each_status_has_its_outcome(
    dereferencer: Dereferencer, peer: Peer, status: int, expected: FetchFault, may_change: bool
) -> None:
    uri = peer.uri("/x")
    peer.serve(uri, {}, status=status)
    outcome = await dereferencer.fetch_document(uri, budget=Budget())
    assert reason(outcome) is expected
    assert isinstance(outcome, TemporaryFail) is may_change


async def test_a_page_address_leads_to_the_document_by_a_second_request_for_its_id(
    dereferencer: Dereferencer, peer: Peer
) -> None:
    page, uri = peer.uri("/@author/1"), peer.uri("/notes/1")
    peer.serve(page, note(uri, content="what the page says"))
    peer.serve(uri, note(uri, content="what the id says"))
    found = await dereferencer.fetch_document(page, budget=Budget())
    assert isinstance(found, Document)
    assert (found.id, found.body["content"]) == (uri, "what the id says")


async def test_a_document_cannot_speak_for_another_origin(dereferencer: Dereferencer, peer: Peer) -> None:
    victim = peer.uri("/notes/1", host="victim.test")
    evil = peer.uri("/fake", host="evil.test")
    peer.serve(evil, note(victim, content="forged"))
    peer.serve(victim, note(victim, content="true"))
    found = await dereferencer.fetch_document(evil, budget=Budget())
    assert isinstance(found, Document)
    assert found.body["content"] == "true"


async def test_an_id_that_answers_with_yet_another_id_is_refused_without_a_third_request(
    dereferencer: Dereferencer, peer: Peer
) -> None:
    for number in range(5):
        peer.serve(peer.uri(f"/{number}"), note(peer.uri(f"/{number + 1}")))
    assert reason(await dereferencer.fetch_document(peer.uri("/0"), budget=Budget())) is FetchFault.ID_MISMATCH
    assert peer.asked() == ["peer.test/0", "peer.test/1"]


async def test_a_redirect_to_another_origin_does_not_speak_for_the_first(
    dereferencer: Dereferencer, peer: Peer
) -> None:
    victim, evil = peer.uri("/redirect", host="victim.test"), peer.uri("/fake", host="evil.test")
    peer.serve(victim, status=302, location=evil)
    peer.serve(evil, note(victim))
    assert reason(await dereferencer.fetch_document(victim, budget=Budget())) is FetchFault.ID_MISMATCH


async def test_an_id_that_is_redirected_within_its_origin_is_still_the_id(
    dereferencer: Dereferencer, peer: Peer
) -> None:
    uri = peer.uri("/users/a")
    peer.serve(uri, status=301, location="/users/a/")
    peer.serve(peer.uri("/users/a/"), note(uri))
    found = await dereferencer.fetch_document(uri, budget=Budget())
    assert isinstance(found, Document)
    assert (found.id, found.url) == (uri, peer.uri("/users/a/"))


@pytest.mark.parametrize("path", ["/ours", "/redirected"])
async def test_our_own_documents_are_never_fetched(dereferencer: Dereferencer, peer: Peer, path: str) -> None:
    own = "http://127.0.0.1:8420/users/me"
    peer.serve(peer.uri("/ours"), note(own))
    peer.serve(peer.uri("/redirected"), status=302, location=own)
    assert reason(await dereferencer.fetch_document(peer.uri(path), budget=Budget())) is FetchFault.OWN_ORIGIN
    assert reason(await dereferencer.fetch_document(own, budget=Budget())) is FetchFault.OWN_ORIGIN


async def test_a_document_with_renamed_words_is_processed_first(dereferencer: Dereferencer, peer: Peer) -> None:
    uri = peer.uri("/n")
    renamed = {"@context": [AS2, {"says": "as:content", "content": "https://e.example/x"}], "content": "decoy"}
    peer.serve(uri, {**renamed, "id": uri, "type": "Note", "says": "meant"})
    found = await dereferencer.fetch_document(uri, budget=Budget())
    assert isinstance(found, Document)
    assert found.body["content"] == "meant"


@pytest.mark.parametrize("uri", ["", "acct:a@b.test", "did:key:z6Mk", "javascript:alert(1)", "http://\ud800/", "/x"])
async def test_what_is_no_web_address_is_not_fetched(dereferencer: Dereferencer, peer: Peer, uri: str) -> None:
    assert reason(await dereferencer.fetch_document(uri, budget=Budget())) is FetchFault.BAD_URL
    assert peer.asked() == []


# ---- budget --------------------------------------------------------------------------------------


async def test_the_budget_ends_a_chain_of_documents(dereferencer: Dereferencer, peer: Peer) -> None:
    budget = Budget(fetches=3)
    for number in range(4):
        uri = peer.uri(f"/{number}")
        peer.serve(uri, note(uri))
        outcome = await dereferencer.fetch_document(uri, budget=budget)
        assert isinstance(outcome, Document) is (number < 3)
    assert len(peer.asked()) == 3
    assert budget.left == 0


async def test_names_below_one_domain_share_its_part_of_the_budget(dereferencer: Dereferencer, peer: Peer) -> None:
    budget = Budget(per_domain=2)
    outcomes = []
    for number in range(3):
        uri = peer.uri("/n", host=f"bot{number}.evil.test")
        peer.serve(uri, note(uri))
        outcomes.append(await dereferencer.fetch_document(uri, budget=budget))
    assert [isinstance(outcome, Document) for outcome in outcomes] == [True, True, False]
    assert reason(outcomes[2]) is FetchFault.BUDGET_SPENT


async def test_a_budget_ends_with_its_time() -> None:
    budget = Budget(time_s=0)
    assert reason(budget.take("a.test")) is FetchFault.BUDGET_SPENT
    assert budget.remaining_s() == 0


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("social.example.org", "example.org"),
        ("a.b.c.example.org", "example.org"),
        ("example.org", "example.org"),
        ("social.example.co.uk", "example.co.uk"),
        ("localhost", "localhost"),
        ("127.0.0.1:8420", "127.0.0.1:8420"),
        ("[::1]:8420", "[::1]:8420"),
        ("a.evil.test:80", "evil.test"),
    ],
)
def test_the_registrable_domain_of_a_host(host: str, domain: str) -> None:
    assert registrable_domain(host) == domain


# ---- actors and objects --------------------------------------------------------------------------


async def test_an_actor_keeps_only_what_its_own_origin_may_say(dereferencer: Dereferencer, peer: Peer) -> None:
    uri = peer.uri("/users/a")
    elsewhere = peer.uri("/users/victim", host="victim.test")
    peer.serve(
        uri,
        actor(
            uri,
            followers=elsewhere + "/followers",
            following=uri + "/following",
            outbox=elsewhere + "/outbox",
            endpoints={"sharedInbox": elsewhere + "/inbox"},
            publicKey=[
                {"id": uri + "#main-key", "owner": uri, "publicKeyPem": PEM},
                {"id": uri + "#other", "owner": elsewhere, "publicKeyPem": PEM},
                {"id": elsewhere + "#main-key", "owner": uri, "publicKeyPem": PEM},
            ],
        ),
    )
    found = await dereferencer.fetch_actor(uri, budget=Budget())
    assert isinstance(found, ActorDocument)
    assert (found.followers, found.outbox, found.shared_inbox) == (None, None, None)
    assert found.following == uri + "/following"
    assert [key.id for key in found.public_keys] == [uri + "#main-key"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"inbox": None}, FetchFault.NOT_AN_ACTOR),
        ({"inbox": "ftp://peer.test/"}, FetchFault.NOT_AN_ACTOR),
        ({"type": "Note"}, WireReason.NOT_AN_ACTOR),
        ({"type": "Tombstone"}, FetchFault.GONE),
    ],
)
async def test_what_is_no_usable_actor_is_refused(
    dereferencer: Dereferencer, peer: Peer, change: dict[str, object], expected: object
) -> None:
    uri = peer.uri("/users/a")
    peer.serve(uri, {**actor(uri), **change})
    assert reason(await dereferencer.fetch_actor(uri, budget=Budget())) is expected


async def test_a_post_comes_from_its_authors_own_server(dereferencer: Dereferencer, peer: Peer) -> None:
    uri = peer.uri("/notes/1")
    peer.serve(uri, note(uri))
    found = await dereferencer.fetch_object(uri, budget=Budget())
    assert isinstance(found, ObjectDocument)
    assert found.content == "hello"
    peer.serve(uri, note(uri, attributedTo=peer.uri("/users/a", host="victim.test")))
    assert reason(await dereferencer.fetch_object(uri, budget=Budget())) is FetchFault.AUTHOR_ELSEWHERE
    peer.serve(uri, {"@context": AS2, "id": uri, "type": "Tombstone"})
    assert reason(await dereferencer.fetch_object(uri, budget=Budget())) is FetchFault.GONE


# ---- collections ---------------------------------------------------------------------------------


def page(uri: str, items: list[str], **more: Any) -> dict[str, Any]:
    return {"@context": AS2, "id": uri, "type": "OrderedCollectionPage", "orderedItems": items, **more}


def collection(uri: str, **more: Any) -> dict[str, Any]:
    return {"@context": AS2, "id": uri, "type": "OrderedCollection", **more}


async def test_a_collection_is_read_page_by_page_to_its_end(dereferencer: Dereferencer, peer: Peer) -> None:
    root = peer.uri("/c")
    pages = [peer.uri(f"/c?page={number}") for number in range(3)]
    peer.serve(root, collection(root, totalItems=6, first=pages[0]))
    for number, uri in enumerate(pages):
        more = {"next": pages[number + 1]} if number < 2 else {}
        peer.serve(uri, page(uri, [f"https://x.test/{number}a", f"https://x.test/{number}b"], **more))
    found = await fetch_collection(dereferencer, root, budget=Budget())
    assert isinstance(found, Collected)
    assert (len(found.items), found.total, found.is_complete) == (6, 6, True)
    few = await fetch_collection(dereferencer, root, budget=Budget(), max_items=3)
    assert isinstance(few, Collected)
    assert (len(few.items), few.is_complete) == (3, False)
    short = await fetch_collection(dereferencer, root, budget=Budget(), max_pages=2)
    assert isinstance(short, Collected)
    assert (len(short.items), short.is_complete) == (2, False)


async def test_a_collection_that_brings_its_first_page_along_costs_no_second_request(
    dereferencer: Dereferencer, peer: Peer
) -> None:
    root = peer.uri("/c")
    peer.serve(root, collection(root, first={"type": "CollectionPage", "items": ["https://x.test/1"]}))
    found = await fetch_collection(dereferencer, root, budget=Budget())
    assert isinstance(found, Collected)
    assert (found.items, found.is_complete) == (("https://x.test/1",), True)
    assert len(peer.asked()) == 1


@pytest.mark.parametrize("kind", ["loop", "elsewhere", "missing", "endless"])
async def test_a_hostile_collection_ends_and_keeps_what_was_read(
    dereferencer: Dereferencer, peer: Peer, kind: str
) -> None:
    root, first = peer.uri("/c"), peer.uri("/c?n=0")
    following: Callable[[int], str] = {
        "loop": lambda number: first,
        "elsewhere": lambda number: peer.uri("/c", host="victim.test"),
        "missing": lambda number: peer.uri("/nothing"),
        "endless": lambda number: peer.uri(f"/c?n={number + 1}"),
    }[kind]
    peer.serve(root, collection(root, first=first))
    for number in range(30):
        uri = peer.uri(f"/c?n={number}")
        peer.serve(uri, page(uri, [f"https://x.test/{number}"], next=following(number)))
    found = await fetch_collection(dereferencer, root, budget=Budget(fetches=8))
    assert isinstance(found, Collected)
    assert found.is_complete is False
    assert found.items[0] == "https://x.test/0"
    assert len(peer.asked()) == {"loop": 2, "elsewhere": 2, "missing": 3, "endless": 8}[kind]
    assert not any(asked.startswith("victim") for asked in peer.asked())


async def test_what_is_no_collection_is_refused(dereferencer: Dereferencer, peer: Peer) -> None:
    uri = peer.uri("/n")
    peer.serve(uri, note(uri))
    assert reason(await fetch_collection(dereferencer, uri, budget=Budget())) is WireReason.NOT_A_COLLECTION


# ---- keys ----------------------------------------------------------------------------------------


async def test_a_key_with_a_fragment_is_found_in_its_owners_document(dereferencer: Dereferencer, peer: Peer) -> None:
    uri = peer.uri("/users/a")
    peer.serve(uri, actor(uri))
    found = await fetch_key(dereferencer, uri + "#main-key", budget=Budget())
    assert isinstance(found, FetchedKey)
    assert found.key == RSA.public()
    assert found.owner.id == uri
    assert peer.asked() == ["peer.test/users/a"]


async def test_an_ed25519_key_is_found_among_the_assertion_methods(dereferencer: Dereferencer, peer: Peer) -> None:
    uri = peer.uri("/users/a")
    key = PrivateKey.generate_ed25519().public()
    method = {"id": uri + "#ed", "type": "Multikey", "controller": uri, "publicKeyMultibase": key.multibase()}
    context = [AS2, "https://w3id.org/security/v1", "https://w3id.org/security/multikey/v1"]
    peer.serve(uri, {**actor(uri, assertionMethod=[method]), "@context": context})
    found = await fetch_key(dereferencer, uri + "#ed", budget=Budget())
    assert isinstance(found, FetchedKey)
    assert found.key == key


async def test_a_key_with_an_address_of_its_own_leads_to_its_owner(dereferencer: Dereferencer, peer: Peer) -> None:
    uri, key_id = peer.uri("/users/a"), peer.uri("/users/a/main-key")
    key = {"id": key_id, "owner": uri, "publicKeyPem": PEM}
    peer.serve(uri, actor(uri, publicKey=key))
    peer.serve(key_id, {"@context": "https://w3id.org/security/v1", "type": "CryptographicKey", **key})
    found = await fetch_key(dereferencer, key_id, budget=Budget())
    assert isinstance(found, FetchedKey), found
    assert found.owner.id == uri


async def test_a_key_address_that_answers_with_the_owner_is_understood(dereferencer: Dereferencer, peer: Peer) -> None:
    uri, key_id = peer.uri("/users/a"), peer.uri("/users/a/main-key")
    owner = actor(uri, publicKey={"id": key_id, "owner": uri, "publicKeyPem": PEM})
    peer.serve(uri, owner)
    peer.serve(key_id, owner)
    found = await fetch_key(dereferencer, key_id, budget=Budget())
    assert isinstance(found, FetchedKey)
    assert found.owner.id == uri


async def test_a_key_that_its_owner_does_not_list_is_refused(dereferencer: Dereferencer, peer: Peer) -> None:
    victim = peer.uri("/users/victim")
    key_id = peer.uri("/uploads/key")
    peer.serve(victim, actor(victim))
    key = {"id": key_id, "owner": victim, "publicKeyPem": PEM}
    peer.serve(key_id, {"@context": "https://w3id.org/security/v1", "type": "CryptographicKey", **key})
    assert reason(await fetch_key(dereferencer, key_id, budget=Budget())) is FetchFault.KEY_NOT_OWNED


async def test_a_key_cannot_name_an_owner_of_another_server(dereferencer: Dereferencer, peer: Peer) -> None:
    victim = peer.uri("/users/a", host="victim.test")
    key_id = peer.uri("/key", host="evil.test")
    peer.serve(victim, actor(victim))
    key = {"id": key_id, "owner": victim, "publicKeyPem": PEM}
    peer.serve(key_id, {"@context": "https://w3id.org/security/v1", "type": "CryptographicKey", **key})
    assert reason(await fetch_key(dereferencer, key_id, budget=Budget())) is FetchFault.KEY_NOT_OWNED
    assert peer.asked() == ["evil.test/key"]


@pytest.mark.parametrize(
    ("status", "expected"), [(410, FetchFault.GONE), (404, FetchFault.NOT_FOUND), (500, FetchFault.SERVER_ERROR)]
)
async def test_only_410_says_that_the_owner_of_a_key_is_gone(
    dereferencer: Dereferencer, peer: Peer, status: int, expected: FetchFault
) -> None:
    uri = peer.uri("/users/a")
    peer.serve(uri, {}, status=status)
    assert reason(await fetch_key(dereferencer, uri + "#main-key", budget=Budget())) is expected


@pytest.mark.parametrize("pem", ["", "garbage", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
async def test_a_key_that_cannot_be_read_is_an_outcome(dereferencer: Dereferencer, peer: Peer, pem: str) -> None:
    uri = peer.uri("/users/a")
    peer.serve(uri, actor(uri, publicKey={"id": uri + "#main-key", "owner": uri, "publicKeyPem": pem}))
    outcome = await fetch_key(dereferencer, uri + "#main-key", budget=Budget())
    assert reason(outcome) in (FetchFault.KEY_UNUSABLE, FetchFault.KEY_NOT_OWNED)
