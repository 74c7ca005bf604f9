"""The linked-data signature that some servers put into what they send: its shape, made with the right key.

It is not made over the RDF form of the document, which only `protocol` could compute, but over its JSON: whoever checks
it must find it bad. Nobody who knows the sender by the HTTP signature has to look at it, and that is what is tried.
"""

from __future__ import annotations

from base64 import b64encode

import orjson

from fediverse_node.lab.personas.drafts import Document
from fediverse_node.signatures.keys import PrivateKey


def attach_signature(document: Document, *, key: PrivateKey, key_id: str, created: str) -> Document:
    """The document with a `signature` of type RsaSignature2017."""
    value = b64encode(key.sign(orjson.dumps(document))).decode("ascii")
    signature = {"type": "RsaSignature2017", "creator": key_id, "created": created, "signatureValue": value}
    return {**document, "signature": signature}
