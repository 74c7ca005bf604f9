"""Actors and keys of every implementation."""

from __future__ import annotations

import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.actors import ActorDocument, KeyDocument, parse_actor, parse_key_document
from fediverse_node.protocol.parts import Picture
from fediverse_node.protocol.reasons import WireReason

BOB = "https://b.example/users/bob"
PEM = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"


def an_actor(**more: object) -> ActorDocument:
    actor = parse_actor({"id": BOB, "type": "Person", **more})
    assert isinstance(actor, ActorDocument)
    return actor


def test_an_actor_with_nothing_but_an_id_is_read() -> None:
    assert an_actor() == ActorDocument(id=BOB, type="Person")


def test_keys_stand_in_two_places() -> None:
    actor = an_actor(
        publicKey={"id": BOB + "#main-key", "owner": BOB, "publicKeyPem": PEM},
        assertionMethod=[
            {"id": BOB + "#ed", "type": "Multikey", "controller": BOB, "publicKeyMultibase": "z6Mk"},
            BOB + "#elsewhere",
        ],
    )
    assert actor.public_keys == (
        KeyDocument(BOB + "#main-key", BOB, PEM, None),
        KeyDocument(BOB + "#ed", BOB, None, "z6Mk"),
    )


@pytest.mark.parametrize(
    "key",
    [None, "https://b.example/k", {}, {"id": 5}, {"id": BOB + "#k"}, {"id": BOB + "#k", "publicKeyPem": 5},
     {"id": BOB + "#k", "publicKeyPem": "x" * 30_000}],
)  # fmt: skip
def test_an_unusable_key_is_left_out(key: object) -> None:
    assert an_actor(publicKey=key).public_keys == ()


def test_a_key_by_itself_must_name_its_owner() -> None:
    doc: dict[str, object] = {"id": BOB + "#k", "type": "Key", "owner": BOB, "publicKeyPem": PEM}
    assert parse_key_document(doc) == KeyDocument(BOB + "#k", BOB, PEM)
    del doc["owner"]
    assert isinstance(parse_key_document(doc), Fail)


def test_a_key_id_may_lead_to_the_actor_document() -> None:
    doc = {"id": BOB, "type": "Person", "publicKey": {"id": BOB + "/main-key", "owner": BOB, "publicKeyPem": PEM}}
    assert parse_key_document(doc) == KeyDocument(BOB + "/main-key", BOB, PEM)


def test_profile_fields_are_read_whatever_schema_they_name() -> None:
    actor = an_actor(
        attachment=[
            {"type": "PropertyValue", "name": " Web ", "value": "<a href='https://b.example'>b</a>"},
            {"type": "schema:PropertyValue", "name": "Mail", "value": "x"},
            {"type": "http://schema.org#PropertyValue", "name": "Tel", "value": "1"},
            {"type": "Note", "name": "FEP-fb2a", "content": "<p>y</p>"},
            {"type": "IdentityProof", "name": "gone"},
            "nonsense",
        ]
    )
    assert [name for name, _ in actor.fields] == ["Web", "Mail", "Tel", "FEP-fb2a"]
    assert actor.fields[3] == ("FEP-fb2a", "<p>y</p>")


@pytest.mark.parametrize(
    ("icon", "expected"),
    [
        ("https://b.example/i.png", Picture("https://b.example/i.png")),
        ({"type": "Image", "url": "https://b.example/i.png", "mediaType": "image/PNG", "name": "A cat"},
         Picture("https://b.example/i.png", "A cat", "image/png")),
        ({"type": "Image", "url": [{"type": "Link", "href": "https://b.example/i.png", "mediaType": "image/png"}]},
         Picture("https://b.example/i.png", "", "image/png")),
        ([{"url": "https://b.example/48.png", "width": 48}, {"url": "https://b.example/600.png", "width": 600},
          {"url": "https://b.example/9000.png", "width": 9000}], Picture("https://b.example/600.png")),
        ({"type": "Image", "url": "javascript:alert(1)"}, None),
        ({"type": "Image", "id": "https://b.example/doc"}, None),
        ([], None),
    ],
)  # fmt: skip
def test_pictures_have_many_forms(icon: object, expected: Picture | None) -> None:
    assert an_actor(icon=icon).icon == expected


def test_addresses_to_follow_are_web_addresses() -> None:
    actor = an_actor(
        url=["javascript:x", {"type": "Link", "href": "https://b.example/@bob", "mediaType": "text/html"}],
        inbox="ftp://x/y",
    )
    assert actor.url == "https://b.example/@bob"
    assert actor.inbox is None


def test_names_may_be_language_maps() -> None:
    actor = an_actor(nameMap={"de": "Hänschen"}, summary={"fr": "<p>salut</p>"})
    assert (actor.name, actor.summary, actor.language) == ("Hänschen", "<p>salut</p>", "fr")


def test_what_a_server_implements_is_read_from_both_places() -> None:
    rfc = "https://datatracker.ietf.org/doc/html/rfc9421"
    assert an_actor(implements=[{"href": rfc, "name": "x"}]).implements == (rfc,)
    assert an_actor(generator={"type": "Application", "implements": rfc}).implements == (rfc,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("acct:bob@b.example", "bob@b.example"), ("@bob@b.example", "bob@b.example"), ("bob", None), (5, None)],
)
def test_the_actors_own_claim_to_a_handle(text: object, expected: str | None) -> None:
    assert an_actor(webfinger=text).webfinger == expected


def test_flags_may_be_words_or_missing() -> None:
    actor = an_actor(discoverable="true", manuallyApprovesFollowers={"@value": True}, memorial=None, indexable="maybe")
    assert (actor.discoverable, actor.manually_approves, actor.memorial, actor.indexable) == (True, True, False, None)


@pytest.mark.parametrize(
    ("doc", "reason"),
    [
        ({"id": BOB, "type": "Tombstone"}, WireReason.GONE),
        ({"id": BOB, "type": ["Person", "Tombstone"]}, WireReason.GONE),
        ({"id": BOB, "type": "Note"}, WireReason.NOT_AN_ACTOR),
        ({"id": BOB}, WireReason.NOT_AN_ACTOR),
        ({"type": "Person"}, WireReason.NO_ID),
        ({"type": "Person", "id": {"id": BOB}}, WireReason.NO_ID),
        (5, WireReason.NOT_AN_OBJECT),
    ],
)
def test_what_is_no_actor_is_refused_by_name(doc: object, reason: WireReason) -> None:
    outcome = parse_actor(doc)
    assert isinstance(outcome, Fail)
    assert outcome.reason is reason


def test_whatever_is_too_long_is_cut_and_never_refused() -> None:
    actor = an_actor(
        name="n" * 10_000,
        summary="s" * 500_000,
        attachment=[{"type": "PropertyValue", "name": "x", "value": "y" * 100_000}] * 1000,
        alsoKnownAs=[f"https://b.example/{n}" for n in range(1000)],
        tag=[{"type": "Emoji", "name": f":e{n}:", "icon": {"url": "https://b.example/e"}} for n in range(1000)],
        publicKey=[{"id": f"{BOB}#{n}", "publicKeyPem": PEM} for n in range(1000)],
    )
    assert (len(actor.name), len(actor.summary), len(actor.fields)) == (500, 50_000, 32)
    assert (len(actor.also_known_as), len(actor.emojis), len(actor.public_keys)) == (64, 100, 16)


def test_what_a_database_refuses_is_taken_out() -> None:
    actor = an_actor(name="a\0b\ud800c")
    assert actor.name == "ab?c"
