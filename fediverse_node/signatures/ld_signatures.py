"""RsaSignature2017: the signature over a document's statements that Mastodon and others put into what may be passed on.

spec: toot#ld-signatures. Only read: what we say carries integrity proofs. Two things are hashed, the canonical
statements of the signature's own properties and those of the document; making statements takes JSON-LD processing,
which is not done here. Two ways in which such signatures were fooled are closed: words that move statements elsewhere
are refused (GHSA-9rfg-v8g9-9367), and only what JSON-LD compaction makes of the document may be processed, never the
document that came (GHSA-2vxv-pv3m-3wvj).
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.claim_record import LONGEST_KEY_ID
from fediverse_node.signatures.keys import PublicKey
from fediverse_node.signatures.proof_times import parse_time
from fediverse_node.signatures.reasons import SignatureFault

_TYPE = "RsaSignature2017"
# The words of https://w3id.org/identity/v1 that stand in signatures; Friendica and Osada sign a nonce.
_OPTIONS_CONTEXT = {
    "creator": {"@id": "http://purl.org/dc/terms/creator", "@type": "@id"},
    "created": {
        "@id": "http://purl.org/dc/terms/created",
        "@type": "http://www.w3.org/2001/XMLSchema#dateTime",
    },
    "nonce": "https://w3id.org/security#nonce",
    "domain": "https://w3id.org/security#domain",
}
_NOT_IN_OPTIONS = frozenset(("type", "id", "signatureValue", "@context"))
_MOVES_STATEMENTS = frozenset(("@graph", "@included", "@reverse"))
_LONGEST_VALUE = 4096


@dataclass(frozen=True, slots=True)
class LdSignature:
    """What a document says about its signature, nothing of it proven. `key_id` is a stranger's text."""

    key_id: str
    created: datetime
    signature: bytes = field(repr=False)
    options: Mapping[str, object] = field(repr=False)  # to be made statements of, and hashed
    document: Mapping[str, object] = field(repr=False)  # likewise: all but the signature


def parse_ld_signature(document: Mapping[str, object]) -> LdSignature | Fail:
    """The signature of a document and what it is over; NO_SIGNATURE, RESTRUCTURED, PROOF_UNSUPPORTED or MALFORMED."""
    value = document.get("signature")
    if value is None:
        return Fail(SignatureFault.NO_SIGNATURE, "no linked-data signature")
    if not isinstance(value, Mapping):
        return Fail(SignatureFault.MALFORMED, "the signature is no object")
    if value.get("type") != _TYPE:
        return Fail(SignatureFault.PROOF_UNSUPPORTED, str(value.get("type"))[:100])
    if _moves_statements(document):
        return Fail(SignatureFault.RESTRUCTURED)
    options = {name: item for name, item in value.items() if name not in _NOT_IN_OPTIONS}
    # Objects in here would be statements about something else than the signature.
    if not all(isinstance(item, str) and not name.startswith("@") for name, item in options.items()):
        return Fail(SignatureFault.MALFORMED, "the signature has parts of its own")
    key_id, created = options.get("creator"), parse_time(options.get("created"))
    if not isinstance(key_id, str) or not 0 < len(key_id) <= LONGEST_KEY_ID or not key_id.isprintable():
        return Fail(SignatureFault.MALFORMED, "no usable creator")
    signature = _parse_base64(value.get("signatureValue"))
    if created is None or signature is None:
        return Fail(SignatureFault.MALFORMED, "created is no time, or signatureValue not base64")
    bare = {name: item for name, item in document.items() if name != "signature"}
    return LdSignature(key_id, created, signature, {"@context": _OPTIONS_CONTEXT, **options}, bare)


def verify_ld_signature(
    claim: LdSignature, key: PublicKey, *, option_statements: bytes, document_statements: bytes
) -> Fail | None:
    """None if `key` has signed these statements, which are the canonical N-Quads of `options` and `document`."""
    if key.algorithm != "rsa":
        return Fail(SignatureFault.KEY_MISMATCH, f"{_TYPE} with an {key.algorithm} key")
    if not document_statements.strip():
        return Fail(SignatureFault.MALFORMED, "the document states nothing")
    hashes = sha256(option_statements).hexdigest() + sha256(document_statements).hexdigest()
    return None if key.is_signed(hashes.encode(), signature=claim.signature) else Fail(SignatureFault.BAD_SIGNATURE)


def _moves_statements(document: Mapping[str, object]) -> bool:
    """Whether one of these words stands anywhere, as a key or, in a context, as the meaning of another word."""
    level: list[object] = [document]
    while level:
        below: list[object] = []
        for item in level:
            if isinstance(item, Mapping):
                if not _MOVES_STATEMENTS.isdisjoint(item):
                    return True
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str) and item in _MOVES_STATEMENTS:
                return True
        level = below
    return False


def _parse_base64(value: object) -> bytes | None:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_VALUE:
        return None
    try:
        # Ruby's encoder breaks lines.
        return b64decode("".join(value.split()), validate=True)
    except ValueError:
        return None
