"""A key id to the key and its owner, where the owner's own document lists exactly that key id.

A key id is a stranger's input like any URL, and a document at it may name anybody as owner: only what stands in the
owner's document binds a key to an actor.  spec: fep-fe34, fep-521a#multikey. It caches and verifies nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.protocol.actors import ActorDocument, KeyDocument, parse_key_document
from fediverse_node.protocol.reading import types
from fediverse_node.protocol.uris import same_origin
from fediverse_node.signatures.keys import PublicKey
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.dereference import Dereferencer, Document, read_actor
from fediverse_node.transport.faults import FetchFault


@dataclass(frozen=True, slots=True)
class FetchedKey:
    """A key and its owner's document as fetched just now."""

    key_id: str
    key: PublicKey
    owner: ActorDocument


async def fetch_key(dereferencer: Dereferencer, key_id: str, *, budget: Budget) -> FetchedKey | Fail | TemporaryFail:
    """The key called `key_id`. GONE where the origin answers 410: only then the owner no longer exists.

    The id may have a fragment (most peers), or be an address of its own that gives the key (Fedify) or the owner with
    the key (GoToSocial's `/main-key`).
    """
    fetched = await _fetch_key(dereferencer, key_id, budget)
    if isinstance(fetched, FetchedKey):
        note("fetch.key", None, key_id=key_id, owner=fetched.owner.id)
    else:
        note("fetch.key", fetched, key_id=key_id)
    return fetched


async def _fetch_key(dereferencer: Dereferencer, key_id: str, budget: Budget) -> FetchedKey | Fail | TemporaryFail:
    document = await dereferencer.fetch_document(key_id, budget=budget)
    if not isinstance(document, Document):
        return document
    owner: ActorDocument | Fail | TemporaryFail = read_actor(document.body)
    if isinstance(owner, Fail):
        if owner.reason is FetchFault.GONE:
            return owner
        owner = await _fetch_owner(dereferencer, document, key_id=key_id, budget=budget)
    if not isinstance(owner, ActorDocument):
        return owner
    listed = next((key for key in owner.public_keys if key.id == key_id), None)
    if listed is None:
        return Fail(FetchFault.KEY_NOT_OWNED, f"{owner.id[:200]} does not list {key_id[:200]}")
    key = read_key(listed)
    return FetchedKey(key_id, key, owner) if isinstance(key, PublicKey) else key


async def _fetch_owner(
    dereferencer: Dereferencer, document: Document, *, key_id: str, budget: Budget
) -> ActorDocument | Fail | TemporaryFail:
    key = parse_key_document(document.body)
    if isinstance(key, Fail):
        return Fail(
            FetchFault.KEY_UNUSABLE, f"{key.reason.name} at {document.url[:200]}: {'/'.join(types(document.body))[:50]}"
        )
    if key.id != key_id or not same_origin(key.owner, key_id):
        return Fail(FetchFault.KEY_NOT_OWNED, f"{key.id[:200]} of {key.owner[:200]}")
    return await dereferencer.fetch_actor(key.owner, budget=budget)


def read_key(document: KeyDocument) -> PublicKey | Fail:
    """The key itself; KEY_UNUSABLE where it cannot be read or is too weak."""
    if document.pem is not None:
        key = PublicKey.parse_pem(document.pem)
    else:
        key = PublicKey.parse_multibase(document.multibase or "")
    return Fail(FetchFault.KEY_UNUSABLE, str(key)) if isinstance(key, Fail) else key
