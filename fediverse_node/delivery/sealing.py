"""What leaves gets a proof by its actor's own key, once for each activity and not for each inbox.

spec: fep-8b32. One proof, eddsa-jcs-2022, for everybody: Mastodon reads no sets of proofs, and Fedify refuses a set in
which it cannot read one. A set with mldsa44-jcs-2024 goes to hosts that list such keys themselves. What is said in
private is left without: it is proven to those it is sent to by their requests, and shall not be proven to others. So is
what holds a whole document of somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from fediverse_node.protocol.addressing import is_public
from fediverse_node.signatures.integrity_proofs import ProofKey, add_proofs
from fediverse_node.transport.signed_request import SigningKeys

# Reports tell of others to their servers, and of nobody else.
_NEVER = frozenset({"Flag"})


def proof_keys(keys: SigningKeys, *, with_mldsa44: bool = False) -> tuple[ProofKey, ...]:
    """The keys with which a document gets proofs; none where the actor is older than such keys."""
    found: list[ProofKey] = []
    if keys.ed25519_key is not None and keys.ed25519_key_id is not None:
        found.append(ProofKey(keys.ed25519_key_id, keys.ed25519_key))
        if with_mldsa44 and keys.mldsa44_key is not None and keys.mldsa44_key_id is not None:
            found.append(ProofKey(keys.mldsa44_key_id, keys.mldsa44_key))
    return tuple(found)


class Sealed(NamedTuple):
    """What is sent. Of what is passed on for somebody else (`is_own` is False) nothing is changed."""

    body: bytes
    is_own: bool


def seal(body: bytes, owner: str, keys: tuple[ProofKey, ...], created: datetime) -> Sealed:
    """The body with proofs by `keys` of `owner`; as it is, where it is somebody else's, has a proof, or is private."""
    document = orjson.loads(body)
    is_own = document.get("actor") == owner
    sealed = seal_document(document, keys, created)
    return Sealed(body if sealed is document else orjson.dumps(sealed), is_own)


def seal_document(document: dict[str, Any], keys: tuple[ProofKey, ...], created: datetime) -> dict[str, Any]:
    """The same for an activity or object that is not bytes yet."""
    if not keys or not _may_be_proven(document, keys[0].id.partition("#")[0]):
        return document
    return add_proofs(document, keys, created)


def _may_be_proven(document: Mapping[str, object], owner: str) -> bool:
    if "proof" in document or document.get("type") in _NEVER:
        return False
    if document.get("attributedTo") == owner and "actor" not in document:
        return any(_is_shared(document.get(name), owner) for name in ("to", "cc"))
    if document.get("actor") != owner:
        return False
    content = document.get("object")
    if isinstance(content, Mapping) and "@context" in content:
        # What somebody else said, as they said it. If their proof took its words from another version of the context,
        # those of ours around it would make the whole no JSON-LD: what is protected may not be defined anew. (Fedify)
        return False
    if document.get("type") not in ("Create", "Update") or not isinstance(content, Mapping) or "actor" in content:
        return True
    return content.get("id") == owner or any(_is_shared(content.get(name), owner) for name in ("to", "cc"))


def _is_shared(addresses: object, owner: str) -> bool:
    """Whether it is for everybody or for all who follow, and not for some people only."""
    listed = addresses if isinstance(addresses, list) else [addresses]
    return any(isinstance(each, str) and (is_public(each) or each == f"{owner}/followers") for each in listed)
