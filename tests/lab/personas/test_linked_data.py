"""Linked-data signatures as personas make them are those that real servers make."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fediverse_node.lab.personas.linked_data import attach_signature, creator_of, is_signed_by
from fediverse_node.signatures.keys import PrivateKey, PublicKey

NOTE = {
    "@context": "https://www.w3.org/ns/activitystreams",
    "id": "https://beta.test/1",
    "type": "Note",
    "content": "hello",
}


def test_what_was_signed_holds_until_it_is_changed(some_keys: list[PrivateKey]) -> None:
    key, other = some_keys[0], some_keys[1]
    signed = attach_signature(NOTE, key=key, key_id="https://beta.test/ann#main-key", created="2026-05-01T12:00:00Z")
    assert creator_of(signed) == "https://beta.test/ann#main-key"
    assert is_signed_by(signed, key.public())
    assert not is_signed_by(signed, other.public())
    assert not is_signed_by({**signed, "content": "goodbye"}, key.public())
    assert not is_signed_by({**signed, "signature": {**signed["signature"], "signatureValue": "?"}}, key.public())
    assert not is_signed_by(NOTE, key.public())


def test_a_context_that_is_not_known_cannot_be_signed_with(some_keys: list[PrivateKey]) -> None:
    strange = {**NOTE, "@context": "https://unknown.test/context"}
    with pytest.raises(ValueError, match="cannot be signed"):
        attach_signature(strange, key=some_keys[0], key_id="https://beta.test/k", created="2026-05-01T12:00:00Z")


def test_what_fedify_signed_is_found_good(shared: Path) -> None:
    folder = shared / "data" / "wire" / "fedify"
    keys = {}
    for name in ("fred", "hugo"):
        actor = json.loads(json.loads((folder / f"doc-Person-_users_{name}.json").read_text())["response"]["body"])
        keys[actor["publicKey"]["id"]] = PublicKey.parse_pem(actor["publicKey"]["publicKeyPem"])
    checked = 0
    for path in sorted(folder.glob("0*-Create-*.json")):
        document = json.loads(json.loads(path.read_text())["body"])
        key = keys[creator_of(document)]
        assert isinstance(key, PublicKey)
        assert is_signed_by(document, key), path.name
        checked += 1
    assert checked > 3
