"""Linked-data signatures: those of others hold, and none of the known ways to fool them works.

The normal form is made here by pyld itself, with a loader of its own: the node's way to it is not used as its judge.
"""

from __future__ import annotations

import copy
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyld import jsonld

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.jsonld_processing import compact_signed, to_statements
from fediverse_node.signatures.keys import PrivateKey, PublicKey
from fediverse_node.signatures.ld_signatures import LdSignature, parse_ld_signature, verify_ld_signature
from fediverse_node.signatures.reasons import SignatureFault

_ROOT = Path(__file__).resolve().parents[3]
_VECTORS = _ROOT.parent / "shared/data/vectors"
_AS2 = "https://www.w3.org/ns/activitystreams"
_NOTE: dict[str, Any] = {
    "@context": [_AS2, "https://w3id.org/security/v1", {"Hashtag": "as:Hashtag", "sensitive": "as:sensitive"}],
    "id": "https://a.example/notes/1/activity",
    "type": "Create",
    "actor": "https://a.example/users/ann",
    "to": ["https://www.w3.org/ns/activitystreams#Public"],
    "object": {
        "id": "https://a.example/notes/1",
        "type": "Note",
        "attributedTo": "https://a.example/users/ann",
        "content": "<p>hello</p>",
        "sensitive": False,
        "tag": [{"type": "Hashtag", "href": "https://a.example/tags/x", "name": "#x"}],
    },
}


@st.composite
def _documents(draw: st.DrawFn) -> dict[str, Any]:
    """Variations on a post: words known, unknown and blank, in the places where they may stand."""
    addresses = st.sampled_from(["https://a.example/x", "acct:a@b.example", "//c.example/y", "d", "as:Public", "_:e"])
    words = st.sampled_from(["name", "summary", "unheardOf", "quoteUrl", "as:zip", "sensitive"])
    extra = draw(st.dictionaries(words, st.text(max_size=5) | st.booleans() | st.integers(-9, 9), max_size=4))
    links = draw(
        st.dictionaries(st.sampled_from(["to", "cc", "url", "inReplyTo", "attachment"]), addresses, max_size=4)
    )
    types = draw(st.lists(st.sampled_from(["Note", "Article", "Hashtag"]), min_size=1, max_size=2, unique=True))
    return {**_NOTE, **links, "object": {**_NOTE["object"], **extra, **links, "type": types}}


def _load(url: str, options: Mapping[str, object]) -> dict[str, Any]:
    """The contexts as they were published: from the collected ones, else from those that come with the project."""
    names = {_AS2: "activitystreams.jsonld", "https://w3id.org/security/v1": "security-v1.jsonld"}
    if _VECTORS.is_dir():
        collected = json.loads((_VECTORS / "contexts/MAP.json").read_text())
        if url in collected:
            document = json.loads((_VECTORS / "contexts" / collected[url]).read_text())
            return {"contextUrl": None, "documentUrl": url, "document": document}
    document = json.loads((_ROOT / "schemas/contexts" / names[url]).read_text())
    return {"contextUrl": None, "documentUrl": url, "document": document}


def _normal_form(document: Mapping[str, Any]) -> bytes:
    options = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": _load}
    return str(jsonld.normalize(dict(document), options)).encode()


def _sign(document: Mapping[str, Any], key: PrivateKey, **more: str) -> dict[str, Any]:
    """As Mastodon does it, written from its documentation."""
    properties = {"creator": "https://a.example/users/ann#main-key", "created": "2026-01-31T12:00:00Z", **more}
    words = {
        "creator": {"@id": "http://purl.org/dc/terms/creator", "@type": "@id"},
        "created": {"@id": "http://purl.org/dc/terms/created", "@type": "http://www.w3.org/2001/XMLSchema#dateTime"},
        "nonce": "https://w3id.org/security#nonce",
    }
    halves = (_normal_form({"@context": words, **properties}), _normal_form(document))
    message = "".join(sha256(half).hexdigest() for half in halves).encode()
    value = b64encode(key.sign(message)).decode()
    return {**document, "signature": {"type": "RsaSignature2017", **properties, "signatureValue": value}}


def _verdict(document: Mapping[str, Any], key: PublicKey) -> SignatureFault | str | None:
    """What the node's own parts say together."""
    claim = parse_ld_signature(document)
    if isinstance(claim, Fail):
        return claim.reason  # type: ignore[return-value]
    statements = [to_statements(part) for part in (claim.options, claim.document)]
    if isinstance(statements[0], Fail) or isinstance(statements[1], Fail):
        return "no normal form"
    fault = verify_ld_signature(claim, key, option_statements=statements[0], document_statements=statements[1])
    return fault.reason if fault else None  # type: ignore[return-value]


@pytest.mark.parametrize("more", [{}, {"nonce": "fe42f1"}], ids=["Mastodon", "Friendica, with a nonce"])
def test_a_signature_over_pylds_own_normal_form_holds(rsa_key: PrivateKey, more: dict[str, str]) -> None:
    signed = _sign(_NOTE, rsa_key, **more)
    assert _verdict(signed, rsa_key.public()) is None
    claim = parse_ld_signature(signed)
    assert isinstance(claim, LdSignature)
    assert to_statements(claim.document) == _normal_form(_NOTE)


def _put(value: object, *path: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        place = document
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value

    return change


_ELSEWHERE = {"id": "https://a.example/notes/1", "type": "Note", "content": "<p>forged</p>"}
_FORGERIES: list[tuple[str, Callable[[dict[str, Any]], None], SignatureFault]] = [
    ("another text", _put("<p>bye</p>", "object", "content"), SignatureFault.BAD_SIGNATURE),
    ("another actor", _put("https://a.example/users/eve", "actor"), SignatureFault.BAD_SIGNATURE),
    ("a word more that means something", _put("!", "object", "summary"), SignatureFault.BAD_SIGNATURE),
    ("another time", _put("2026-01-31T12:00:01Z", "signature", "created"), SignatureFault.BAD_SIGNATURE),
    ("@graph", _put([_ELSEWHERE], "@graph"), SignatureFault.RESTRUCTURED),
    ("@included", _put([_ELSEWHERE], "@included"), SignatureFault.RESTRUCTURED),
    ("@included, deep inside", _put([_ELSEWHERE], "object", "tag", "@included"), SignatureFault.RESTRUCTURED),
    ("@reverse", _put({"object": _ELSEWHERE}, "object", "@reverse"), SignatureFault.RESTRUCTURED),
    ("@reverse in the context", _put([_AS2, {"x": {"@reverse": "as:y"}}], "@context"), SignatureFault.RESTRUCTURED),
    ("another name for @graph", _put([_AS2, {"also": "@graph"}], "@context"), SignatureFault.RESTRUCTURED),
    ("another name for @included", _put([_AS2, {"z": {"@id": "@included"}}], "@context"), SignatureFault.RESTRUCTURED),
    ("a container of graphs", _put([_AS2, {"z": {"@id": "as:x", "@container": "@graph"}}], "@context"),
     SignatureFault.RESTRUCTURED),
    ("a signature with parts", _put({"id": "urn:x"}, "signature", "creator"), SignatureFault.MALFORMED),
    ("a keyword in the signature", _put("urn:x", "signature", "@id"), SignatureFault.MALFORMED),
    ("no time", _put("then", "signature", "created"), SignatureFault.MALFORMED),
    ("no base64", _put("%%%", "signature", "signatureValue"), SignatureFault.MALFORMED),
    ("another kind", _put("Ed25519Signature2018", "signature", "type"), SignatureFault.PROOF_UNSUPPORTED),
    ("a text", _put("signed, Ann", "signature"), SignatureFault.MALFORMED),
    ("none", lambda document: document.pop("signature"), SignatureFault.NO_SIGNATURE),
]  # fmt: skip


@pytest.mark.parametrize(("change", "fault"), [case[1:] for case in _FORGERIES], ids=[case[0] for case in _FORGERIES])
def test_a_document_that_was_changed_or_restructured_is_refused(
    rsa_key: PrivateKey, change: Callable[[dict[str, Any]], None], fault: SignatureFault
) -> None:
    document = copy.deepcopy(_sign(_NOTE, rsa_key))
    if isinstance(document["object"]["tag"], list):
        document["object"]["tag"] = document["object"]["tag"][0]  # the same statements
    assert _verdict(document, rsa_key.public()) is None
    change(document)
    assert _verdict(document, rsa_key.public()) is fault


_UNSIGNED: list[tuple[str, dict[str, Any]]] = [
    ("a word without a meaning", {"unheardOf": "x"}),
    ("a quote, where the context does not know quotes", {"quoteUrl": "https://evil.example/q"}),
    ("an answer to a relative address", {"inReplyTo": "//evil.example:8/x"}),
    ("a relative page", {"url": "page"}),
    ("a list of some", {"cc": ["nowhere", "../else"]}),
]


@pytest.mark.parametrize("added", [case[1] for case in _UNSIGNED], ids=[case[0] for case in _UNSIGNED])
def test_what_the_signature_does_not_cover_is_not_in_what_may_be_processed(
    rsa_key: PrivateKey, added: dict[str, Any]
) -> None:
    """What makes no statement can be put in by anybody who passes the document on, so it has to be taken out."""
    document = _sign(_NOTE, rsa_key)
    forged = {**document, **added, "object": {**document["object"], **added}}
    assert _verdict(forged, rsa_key.public()) is None
    claims = [parse_ld_signature(each) for each in (forged, document)]
    assert isinstance(claims[0], LdSignature)
    assert isinstance(claims[1], LdSignature)
    assert compact_signed(claims[0].document) == compact_signed(claims[1].document)


def test_the_name_of_a_type_without_a_meaning_is_not_signed(rsa_key: PrivateKey) -> None:
    signed = _sign({**_NOTE, "object": {**_NOTE["object"], "type": ["Note", "Weird"]}}, rsa_key)
    forged = {**signed, "object": {**signed["object"], "type": ["Note", "Strange"]}}
    assert _verdict(forged, rsa_key.public()) is None
    claim = parse_ld_signature(forged)
    assert isinstance(claim, LdSignature)
    compacted = compact_signed(claim.document)
    assert isinstance(compacted, dict)
    assert compacted["object"]["type"] == "Note"  # type: ignore[index]


@given(_documents())
@settings(max_examples=40, deadline=None)
def test_what_may_be_processed_states_what_was_signed(document: dict[str, Any]) -> None:
    statements = to_statements(document)
    compacted = compact_signed(document)
    assert isinstance(statements, bytes)
    assert isinstance(compacted, dict)
    assert to_statements(compacted) == statements


def test_the_actor_that_json_shows_need_not_be_the_one_that_signed(rsa_key: PrivateKey) -> None:
    """The same statements under other names: plain reading sees another actor than was signed."""
    signed = _sign(_NOTE, rsa_key)
    disguised = {name: value for name, value in signed.items() if name != "actor"}
    disguised["@context"] = [
        *_NOTE["@context"],
        {"actor": "https://a.example/ns#not", "performer": {"@id": "as:actor", "@type": "@id"}},
    ]
    disguised["performer"] = _NOTE["actor"]
    assert _verdict(disguised, rsa_key.public()) is None
    with_bait = {
        **disguised,
        "@context": [*disguised["@context"], {"actor": None}],
        "actor": "https://evil.example/eve",
    }
    assert _verdict(with_bait, rsa_key.public()) is None
    claim = parse_ld_signature(with_bait)
    assert isinstance(claim, LdSignature)
    compacted = compact_signed(claim.document)
    assert isinstance(compacted, dict)
    assert compacted["actor"] == _NOTE["actor"]


def test_a_document_that_states_nothing_is_signed_by_nobody(rsa_key: PrivateKey) -> None:
    document = _sign({"@context": [_AS2], "unheardOf": "x"}, rsa_key)
    assert _verdict(document, rsa_key.public()) is SignatureFault.MALFORMED


def test_only_rsa_keys_make_such_signatures(rsa_key: PrivateKey, ed25519_key: PrivateKey) -> None:
    assert _verdict(_sign(_NOTE, ed25519_key), ed25519_key.public()) is SignatureFault.KEY_MISMATCH
    assert _verdict(_sign(_NOTE, rsa_key), ed25519_key.public()) is SignatureFault.KEY_MISMATCH


_anything = st.recursive(
    st.none() | st.integers() | st.text(max_size=20) | st.just("RsaSignature2017"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
_names = st.sampled_from(["type", "creator", "created", "signatureValue", "nonce"])


@given(st.dictionaries(_names, _anything) | _anything)
def test_nothing_that_stands_in_a_signature_breaks_the_reader(signature: object) -> None:
    assert isinstance(parse_ld_signature({**_NOTE, "signature": signature}), LdSignature | Fail)


@pytest.mark.skipif(not _VECTORS.is_dir(), reason="the collected vectors are not beside this checkout")
def test_real_documents_of_seven_servers_verify_and_a_bad_one_does_not() -> None:
    vectors = json.loads((_VECTORS / "rsasignature2017/vectors.json").read_text())
    verdicts = {}
    for vector in vectors:
        if "publicKeyPem" in vector:
            key = PublicKey.parse_pem(vector["publicKeyPem"])
            assert isinstance(key, PublicKey)
            verdicts[vector["name"]] = _verdict(vector["document"], key)
            changed = {**vector["document"], "type": "Delete"}
            assert _verdict(changed, key) is SignatureFault.BAD_SIGNATURE, vector["name"]
    assert len(verdicts) == 10
    assert set(verdicts.values()) == {None}, verdicts
    bad = next(vector for vector in vectors if "publicKeyPem" not in vector)
    good = next(vector for vector in vectors if vector["name"].startswith("payloads/mastodon/mastodon-create"))
    key = PublicKey.parse_pem(good["publicKeyPem"])
    assert isinstance(key, PublicKey)
    assert _verdict(bad["document"], key) is SignatureFault.BAD_SIGNATURE
