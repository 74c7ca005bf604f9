"""Proofs inside documents: those of others verify, ours verify elsewhere, and nothing can be changed or added."""

from __future__ import annotations

import copy
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.integrity_proofs import (
    CONTEXT_URL,
    ProofKey,
    add_proofs,
    parse_proofs,
    verify_proof,
)
from fediverse_node.signatures.keys import PrivateKey, PublicKey
from fediverse_node.signatures.multibase import dump_multibase, dump_multibase_url, parse_multibase
from fediverse_node.signatures.proof_times import check_time, parse_time
from fediverse_node.signatures.reasons import SignatureFault

_VECTORS = Path(__file__).resolve().parents[4] / "shared/data/vectors"
_needs_vectors = pytest.mark.skipif(not _VECTORS.is_dir(), reason="the collected vectors are not beside this checkout")
_AS2 = "https://www.w3.org/ns/activitystreams"
_KEY_ID = "https://a.example/users/ann#ed25519-key"
_NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
_KEY = PrivateKey.from_ed25519_seed(b"\x07" * 32)
_LIKE: dict[str, Any] = {
    "@context": [_AS2, {"score": "https://a.example/ns#score"}],
    "id": "https://a.example/likes/1",
    "type": "Like",
    "actor": "https://a.example/users/ann",
    "object": "https://b.example/notes/2",
    "score": 4.5,
}


def _signed(**changed: Any) -> dict[str, Any]:
    return add_proofs({**_LIKE, **changed}, [ProofKey(_KEY_ID, _KEY)], _NOW)


def _independent_message(document: dict[str, Any], proof: dict[str, Any]) -> bytes:
    """Written from the specification alone, with nothing of ours.  spec: vc-di-eddsa#hashing-eddsa-jcs-2022"""
    config = {name: value for name, value in proof.items() if name != "proofValue"}
    bare = {name: value for name, value in document.items() if name not in ("proof", "signature")}
    return sha256(rfc8785.dumps(config)).digest() + sha256(rfc8785.dumps(bare)).digest()


def _base58(text: str) -> bytes:
    number = 0
    for character in text:
        number = number * 58 + "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".index(character)
    return number.to_bytes(64, "big")


def test_what_we_sign_verifies_for_somebody_who_has_only_the_specification() -> None:
    document = _signed()
    proof = document["proof"]
    assert proof["@context"] == document["@context"] == [_AS2, CONTEXT_URL, _LIKE["@context"][1]]
    assert proof["created"] == "2026-01-31T12:00:00Z"
    public = Ed25519PublicKey.from_public_bytes(_public_bytes(_KEY.public()))
    public.verify(_base58(proof["proofValue"][1:]), _independent_message(document, proof))
    assert {name: value for name, value in document.items() if name not in ("proof", "@context")} == {
        name: value for name, value in _LIKE.items() if name != "@context"
    }


def test_what_is_signed_by_somebody_who_has_only_the_specification_verifies_here() -> None:
    theirs = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": _KEY_ID,
        "proofPurpose": "assertionMethod",
        "created": "2026-01-31T11:59:59.123456789Z",
    }
    value = dump_multibase(theirs.sign(_independent_message(_LIKE, proof)))
    document = {**_LIKE, "proof": {**proof, "proofValue": value}, "signature": {"type": "RsaSignature2017"}}
    proofs = parse_proofs(document)
    assert isinstance(proofs, tuple)
    key = PublicKey.parse_multibase(dump_multibase(b"\xed\x01" + theirs.public_key().public_bytes_raw()))
    assert isinstance(key, PublicKey)
    # spec: fep-8b32#backward-compatibility: the linked-data signature is not covered
    assert verify_proof(document, proofs[0], key) == _LIKE


@pytest.mark.parametrize("injects", [False, True], ids=["as Mitra signs", "as Fedify signs"])
def test_both_ways_to_hash_a_proof_without_a_context_are_read(injects: bool) -> None:
    theirs = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
    proof = {key: value for key, value in _signed()["proof"].items() if key not in ("@context", "proofValue")}
    hashed = {**proof, "@context": _LIKE["@context"]} if injects else proof
    value = dump_multibase(theirs.sign(_independent_message(_LIKE, hashed)))
    document = {**_LIKE, "proof": {**proof, "proofValue": value}}
    proofs = parse_proofs(document)
    assert isinstance(proofs, tuple)
    key = PublicKey.parse_multibase(dump_multibase(b"\xed\x01" + theirs.public_key().public_bytes_raw()))
    assert isinstance(key, PublicKey)
    assert verify_proof(document, proofs[0], key) == _LIKE


def test_a_context_that_was_added_behind_the_signed_one_is_not_part_of_what_was_signed() -> None:
    """It could turn the words of the document into others, and the signature would still hold."""
    document = _signed()
    evil = {"content": "https://evil.example/#nothing", "likedBy": "as:object"}
    forged = {**document, "@context": [*document["@context"], evil]}
    proofs = parse_proofs(forged)
    assert isinstance(proofs, tuple)
    secured = verify_proof(forged, proofs[0], _KEY.public())
    assert isinstance(secured, dict)
    assert secured["@context"] == document["@context"]


def _without(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        place = document
        for name in path[:-1]:
            place = place[name]
        del place[path[-1]]

    return change


def _with(value: object, *path: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        place = document
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value

    return change


_BROKEN: list[tuple[str, Callable[[dict[str, Any]], None], SignatureFault]] = [
    ("another object", _with("https://b.example/notes/3", "object"), SignatureFault.BAD_SIGNATURE),
    ("another actor", _with("https://a.example/users/eve", "actor"), SignatureFault.BAD_SIGNATURE),
    ("a word more", _with("!", "summary"), SignatureFault.BAD_SIGNATURE),
    ("a number of another value", _with(4.25, "score"), SignatureFault.BAD_SIGNATURE),
    ("another time", _with("2026-01-31T12:00:01Z", "proof", "created"), SignatureFault.BAD_SIGNATURE),
    ("a time to come", _with("2030-01-31T12:00:01Z", "proof", "expires"), SignatureFault.BAD_SIGNATURE),
    ("the context before it", _with([_AS2], "@context"), SignatureFault.PROOF_CONTEXT),
    ("no context", _without("@context"), SignatureFault.PROOF_CONTEXT),
    ("no proof", _without("proof"), SignatureFault.NO_SIGNATURE),
    ("a proof that is a text", _with("proof", "proof"), SignatureFault.MALFORMED),
    ("a proof of another type", _with("RsaSignature2018", "proof", "type"), SignatureFault.PROOF_UNSUPPORTED),
    ("an unknown suite", _with("eddsa-rdfc-2022", "proof", "cryptosuite"), SignatureFault.PROOF_UNSUPPORTED),
    ("a suite that is a list", _with(["eddsa-jcs-2022"], "proof", "cryptosuite"), SignatureFault.PROOF_UNSUPPORTED),
    ("for signing in", _with("authentication", "proof", "proofPurpose"), SignatureFault.PROOF_PURPOSE),
    ("without a purpose", _without("proof", "proofPurpose"), SignatureFault.PROOF_PURPOSE),
    ("without a time", _without("proof", "created"), SignatureFault.MALFORMED),
    ("an end that is no time", _with("tomorrow", "proof", "expires"), SignatureFault.MALFORMED),
    ("without a key", _without("proof", "verificationMethod"), SignatureFault.MALFORMED),
    ("a key that is an object", _with({"id": _KEY_ID}, "proof", "verificationMethod"), SignatureFault.MALFORMED),
    ("a value in another alphabet", _with("mAAAA", "proof", "proofValue"), SignatureFault.MALFORMED),
    ("a value without end", _with("z" + "1" * 9000, "proof", "proofValue"), SignatureFault.MALFORMED),
    ("a link of a chain", _with("urn:x", "proof", "previousProof"), SignatureFault.PROOF_UNSUPPORTED),
    ("the suite of another key", _with("mldsa44-jcs-2024", "proof", "cryptosuite"), SignatureFault.KEY_MISMATCH),
]


@pytest.mark.parametrize(("change", "fault"), [case[1:] for case in _BROKEN], ids=[case[0] for case in _BROKEN])
def test_a_document_that_was_changed_proves_nothing(
    change: Callable[[dict[str, Any]], None], fault: SignatureFault
) -> None:
    document = copy.deepcopy(_signed())
    change(document)
    proofs = parse_proofs(document)
    outcome = proofs if isinstance(proofs, Fail) else verify_proof(document, proofs[0], _KEY.public())
    assert isinstance(outcome, Fail)
    assert outcome.reason is fault


_anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20) | st.just("DataIntegrityProof"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(_signed()["proof"])), _anything), st.sampled_from([_LIKE, {}]))
def test_nothing_that_stands_in_a_proof_breaks_the_reader(changes: dict[str, Any], document: dict[str, Any]) -> None:
    signed = {**document, "proof": {**_signed()["proof"], **changes}}
    proofs = parse_proofs(signed)
    if isinstance(proofs, tuple):
        verify_proof(signed, proofs[0], _KEY.public())
    for whole in ([changes], changes, {"proof": changes}):
        assert isinstance(parse_proofs({"proof": whole}), tuple | Fail)


def test_a_set_of_proofs_holds_one_for_each_reader_and_each_verifies() -> None:
    post_quantum = PrivateKey.generate_mldsa44()
    keys = [ProofKey(_KEY_ID, _KEY), ProofKey("https://a.example/users/ann#mldsa44-key", post_quantum)]
    document = add_proofs(_LIKE, keys, _NOW)
    proofs = parse_proofs(document)
    assert isinstance(proofs, tuple)
    assert [proof.cryptosuite for proof in proofs] == ["eddsa-jcs-2022", "mldsa44-jcs-2024"]
    for proof, key in zip(proofs, keys, strict=True):
        assert isinstance(verify_proof(document, proof, key.key.public()), dict)
    changed = {**document, "object": "https://b.example/notes/3"}
    for proof, key in zip(proofs, keys, strict=True):
        assert isinstance(verify_proof(changed, proof, key.key.public()), Fail)


def test_one_unreadable_proof_does_not_take_the_others_away() -> None:
    document = _signed()
    document["proof"] = [{"type": "SomethingNew"}, document["proof"], *[{"type": "Flood"}] * 50]
    proofs = parse_proofs(document)
    assert isinstance(proofs, tuple)
    assert len(proofs) == 1
    assert isinstance(verify_proof(document, proofs[0], _KEY.public()), dict)


def test_an_rsa_key_makes_no_proof() -> None:
    with pytest.raises(ValueError, match="no cryptosuite"):
        add_proofs(_LIKE, [ProofKey(_KEY_ID, PrivateKey.generate_rsa(1024))], _NOW)


@pytest.mark.parametrize(
    ("created", "expires", "fault"),
    [
        (_NOW, None, None),
        (_NOW - timedelta(hours=11), _NOW + timedelta(seconds=1), None),
        (_NOW - timedelta(hours=13), None, SignatureFault.TOO_OLD),
        (_NOW + timedelta(hours=2), None, SignatureFault.IN_THE_FUTURE),
        (_NOW, _NOW, SignatureFault.EXPIRED),
    ],
)
def test_a_proof_counts_for_a_time(created: datetime, expires: datetime | None, fault: SignatureFault | None) -> None:
    outcome = check_time(created, expires, _NOW)
    assert (outcome.reason if outcome else None) is fault


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00Z", _NOW),
        ("2026-01-31T13:00:00+01:00", _NOW),
        ("2026-01-31T12:00:00", _NOW),
        ("2026-01-31T12:00:00.000000000Z", _NOW),
        ("yesterday at noon", None),
        ("9999-12-31T23:59:59-14:00", None),
        (12, None),
        ("2" * 100, None),
    ],
)
def test_times_are_read_as_they_are_written(text: object, moment: datetime | None) -> None:
    assert parse_time(text) == moment


@_needs_vectors
def test_the_collected_vectors_verify() -> None:
    vectors = orjson.loads((_VECTORS / "eddsa-jcs-2022/vectors.json").read_bytes())
    vectors.append(orjson.loads((_VECTORS / "mldsa44-jcs-2024/vc.json").read_bytes()))
    assert len(vectors) == 8
    for vector in vectors:
        document, key = vector["document"], PublicKey.parse_multibase(vector["publicKeyMultibase"])
        assert isinstance(key, PublicKey)
        assert key.multibase() == vector["publicKeyMultibase"]
        proofs = parse_proofs(document)
        assert isinstance(proofs, tuple), vector.get("name")
        assert isinstance(verify_proof(document, proofs[0], key), dict), vector.get("name")
        broken = {**document, "type": "Note"}
        assert isinstance(verify_proof(broken, proofs[0], key), Fail), vector.get("name")


@_needs_vectors
def test_an_expired_vector_has_a_good_signature_and_does_not_count() -> None:
    vectors = orjson.loads((_VECTORS / "eddsa-jcs-2022/vectors.json").read_bytes())
    expired = [v for v in vectors if str(v.get("expires", "")).startswith("2023")]
    assert expired
    for vector in expired:
        proofs = parse_proofs(vector["document"])
        assert isinstance(proofs, tuple)
        outcome = check_time(proofs[0].created, proofs[0].expires, proofs[0].created + timedelta(seconds=5))
        assert outcome is not None
        assert outcome.reason is SignatureFault.EXPIRED


def test_base64url_multibase_is_read_and_written() -> None:
    data = b"\x90\x24" + bytes(range(256))
    text = dump_multibase_url(data)
    assert text == "u" + urlsafe_b64encode(data).decode().rstrip("=")
    assert parse_multibase(text) == data
    assert [parse_multibase(bad) for bad in ("uA", "u@@@@", "uAA==", "u" + "A" * 9000)] == [None] * 4


def _public_bytes(key: PublicKey) -> bytes:
    data = parse_multibase(key.multibase())
    assert data is not None
    return data[2:]
