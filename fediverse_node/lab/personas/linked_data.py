"""The linked-data signature that some servers put into what they send, so that others can pass it on: RsaSignature2017.

spec: toot#ld-signatures. Made and checked over the canonical statements of the document and of the signature's own
properties, hashed apart. Contexts that are not bundled cannot be signed with.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import sha256

from fediverse_node.base.outcome import Fail
from fediverse_node.lab.personas.drafts import Document
from fediverse_node.protocol.jsonld_processing import to_statements
from fediverse_node.signatures.keys import PrivateKey, PublicKey

_CONTEXT = "https://w3id.org/identity/v1"
_NOT_SIGNED = ("type", "id", "signatureValue")


def attach_signature(document: Document, *, key: PrivateKey, key_id: str, created: str) -> Document:
    """The document with a `signature`. Raises ValueError where its context is not known."""
    properties: Document = {"creator": key_id, "created": created}
    message = _message(document, properties)
    if isinstance(message, Fail):
        raise ValueError(f"this cannot be signed as linked data: {message}")
    value = b64encode(key.sign(message)).decode("ascii")
    return {**document, "signature": {"type": "RsaSignature2017", **properties, "signatureValue": value}}


def creator_of(document: Document) -> str:
    """The id of the key that a document claims to be signed with; "" if it claims nothing."""
    signature = document.get("signature")
    found = signature.get("creator") if isinstance(signature, dict) else None
    return found if isinstance(found, str) else ""


def is_signed_by(document: Document, key: PublicKey) -> bool:
    """Whether the owner of this key signed the document."""
    signature = document.get("signature")
    if not isinstance(signature, dict) or signature.get("type") != "RsaSignature2017":
        return False
    properties = {name: value for name, value in signature.items() if name not in _NOT_SIGNED}
    message = _message({name: value for name, value in document.items() if name != "signature"}, properties)
    try:
        value = b64decode(str(signature.get("signatureValue", "")), validate=True)
    except ValueError:
        return False
    return not isinstance(message, Fail) and key.is_signed(message, signature=value)


def _message(document: Document, properties: Document) -> bytes | Fail:
    hashes = []
    for part in ({**properties, "@context": _CONTEXT}, document):
        statements = to_statements(part)
        if isinstance(statements, Fail):
            return statements
        hashes.append(sha256(statements).hexdigest())
    return "".join(hashes).encode()
