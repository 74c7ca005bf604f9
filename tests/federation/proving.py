"""People of fake peers who sign what they say: written from the specifications, with nothing of the node's own.

Integrity proofs with `rfc8785` and `cryptography`, linked-data signatures with pyld.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pyld import jsonld

from tests.fake_peer import AS2, FakePeer, Person

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_CONTEXTS = Path(__file__).resolve().parents[2] / "schemas/contexts"
_NAMES = {AS2: "activitystreams.jsonld", "https://w3id.org/security/v1": "security-v1.jsonld"}
Document = dict[str, Any]


def base58(data: bytes) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def from_base58(text: str, size: int) -> bytes:
    number = 0
    for character in text:
        number = number * 58 + _ALPHABET.index(character)
    return number.to_bytes(size, "big")


class Prover:
    """Somebody on a peer with an Ed25519 key that their actor lists for proofs."""

    def __init__(self, peer: FakePeer, person: Person, *, listed: str = "assertionMethod", **more: str) -> None:
        self.person = person
        self.key = Ed25519PrivateKey.generate()
        self.key_id = f"{person.uri}#ed25519-key"
        multibase = "z" + base58(b"\xed\x01" + self.key.public_key().public_bytes_raw())
        entry = {"id": self.key_id, "type": "Multikey", "controller": person.uri, "publicKeyMultibase": multibase}
        document = peer.documents[person.uri]
        if listed == "publicKey":
            document["publicKey"] = [document["publicKey"], {**entry, "owner": person.uri}]
        else:
            document[listed] = [{**entry, **more}]

    def proves(self, document: Document, *, age: timedelta = timedelta(), **changed: Any) -> Document:
        """The document with a proof that is as old as said; `changed` are other properties of the proof."""
        bare = {"@context": AS2, **document}
        created = (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%SZ")
        proof = {
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-jcs-2022",
            "verificationMethod": self.key_id,
            "proofPurpose": "assertionMethod",
            "created": created,
            **changed,
        }
        message = sha256(rfc8785.dumps(proof)).digest() + sha256(rfc8785.dumps(bare)).digest()
        return {**bare, "proof": {**proof, "proofValue": "z" + base58(self.key.sign(message))}}


def holds(document: Document, multibase: str) -> bool:
    """Whether the one proof of a document was made with this Ed25519 Multikey, by the specification alone."""
    proof = dict(document["proof"])
    signature = from_base58(proof.pop("proofValue")[1:], 64)
    bare = {name: value for name, value in document.items() if name not in ("proof", "signature")}
    if proof.get("@context") != bare["@context"]:
        return False
    key = Ed25519PublicKey.from_public_bytes(from_base58(multibase[1:], 34)[2:])
    try:
        key.verify(signature, sha256(rfc8785.dumps(proof)).digest() + sha256(rfc8785.dumps(bare)).digest())
    except InvalidSignature:
        return False
    return True


def sign_linked_data(person: Person, document: Document) -> Document:
    """The document with an RsaSignature2017 of now."""
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = {
        "creator": {"@id": "http://purl.org/dc/terms/creator", "@type": "@id"},
        "created": {"@id": "http://purl.org/dc/terms/created", "@type": "http://www.w3.org/2001/XMLSchema#dateTime"},
    }
    properties = {"creator": person.key_id, "created": created}
    halves = (_normal_form({"@context": words, **properties}), _normal_form(document))
    message = "".join(sha256(half).hexdigest() for half in halves).encode()
    value = b64encode(person.key.sign(message)).decode()
    return {**document, "signature": {"type": "RsaSignature2017", **properties, "signatureValue": value}}


def _normal_form(document: Mapping[str, Any]) -> bytes:
    options = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": _load}
    return str(jsonld.normalize(dict(document), options)).encode()


def _load(url: str, options: Mapping[str, object]) -> dict[str, Any]:
    return {"contextUrl": None, "documentUrl": url, "document": json.loads((_CONTEXTS / _NAMES[url]).read_text())}
