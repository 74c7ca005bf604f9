"""Decides, as another server would, who sent a request: its own windows, covers and sizes, the same mathematics.

spec: cavage#2.5, rfc9421#3.2. Keys are asked of their hosts and kept; one that fails is asked for once more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from fediverse_node.base.outcome import Fail
from fediverse_node.lab.personas.drafts import Document, first_uri, objects
from fediverse_node.lab.personas.habits import Checking
from fediverse_node.signatures.claim import Claim, parse_claims
from fediverse_node.signatures.keys import PublicKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.verify import Policy, Proven, check_claim, verify_claim

_FRAME_BYTES = 38


@dataclass(frozen=True, slots=True)
class Known:
    """A key with its owner."""

    key: PublicKey
    owner: str


@dataclass(frozen=True, slots=True)
class Signer:
    """The request is by this actor."""

    uri: str
    scheme: str


@dataclass(slots=True)
class KeyRing:
    """Keys by their ids. `fetch` gives the document at an address, or None."""

    fetch: Callable[[str], Awaitable[Document | None]]
    known: dict[str, Known] = field(default_factory=dict)

    async def key(self, key_id: str, *, again: bool = False) -> Known | None:
        """The key and its owner, where the owner's own document lists it."""
        if again:
            self.known.pop(key_id, None)
        if key_id in self.known:
            return self.known[key_id]
        document = await self.fetch(key_id.partition("#")[0])
        if document is None:
            return None
        owner = first_uri(document.get("owner"))
        if owner and "publicKeyPem" in document and owner != document.get("id"):
            # A key with an address of its own: only its owner's document binds it.
            document = await self.fetch(owner)
            if document is None:
                return None
        found = _listed(document, key_id)
        if found is not None:
            self.known[key_id] = found
        return found


async def prove(request: Request, habits: Checking, *, host: str, now: datetime, keys: KeyRing) -> Signer | str:
    """Who sent it, or in a sentence why that is not believed."""
    claims = parse_claims(request)
    if isinstance(claims, Fail):
        return claims.reason.sentence
    policy = Policy(frozenset({host}), past=habits.past, future=habits.future)
    why = "the signature is of a kind that is not read here"
    for claim in claims:
        if claim.scheme == "rfc9421" and not habits.reads_rfc9421:
            continue
        refusal = check_claim(request, claim, policy, now=now) or _cover(request, claim, habits)
        if refusal is not None:
            why = refusal if isinstance(refusal, str) else str(refusal)
            continue
        outcome = await _try(request, claim, habits, keys)
        if isinstance(outcome, Signer):
            return outcome
        why = outcome
    return why


async def _try(request: Request, claim: Claim, habits: Checking, keys: KeyRing) -> Signer | str:
    why = "the key could not be found"
    for again in (False, True) if habits.refetches_keys else (False,):
        known = await keys.key(claim.key_id, again=again)
        if known is None:
            continue
        bits = _bits(known.key)
        if bits < habits.rsa_smallest_bits:
            return f"the key has {bits} bits, which is too few"
        outcome = verify_claim(request, claim, known.key)
        if isinstance(outcome, Proven):
            return Signer(known.owner, claim.scheme)
        why = outcome.reason.sentence
    return why


def _cover(request: Request, claim: Claim, habits: Checking) -> str | None:
    if claim.scheme != "cavage" or request.method != "POST":
        return None
    missing = [name for name in habits.must_cover if name not in claim.covered]
    return f"{', '.join(missing)} must be signed" if missing else None


def _listed(document: Document, key_id: str) -> Known | None:
    owner = first_uri(document)
    for item in objects(document.get("publicKey")):
        if isinstance(item, dict) and item.get("id") == key_id and item.get("owner") == owner:
            key = PublicKey.parse_pem(str(item.get("publicKeyPem", "")))
            return Known(key, owner) if isinstance(key, PublicKey) else None
    for item in objects(document.get("assertionMethod")):
        if isinstance(item, dict) and item.get("id") == key_id and item.get("controller") == owner:
            key = PublicKey.parse_multibase(str(item.get("publicKeyMultibase", "")))
            return Known(key, owner) if isinstance(key, PublicKey) else None
    return None


def _bits(key: PublicKey) -> int:
    """The size of an RSA key, near enough: its encoding is the modulus in a frame. Ed25519 counts as RSA of 3072."""
    return 3_072 if key.algorithm == "ed25519" else (len(key.encoded) - _FRAME_BYTES) * 8
