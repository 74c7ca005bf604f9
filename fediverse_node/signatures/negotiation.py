"""What a peer tells us about the signatures it reads.

spec: rfc9421#5.1 (`Accept-Signature`), fep-844e (`implements`). Pure predicates: what is remembered
per host, and the double knock, belong to whoever sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import http_sf

from fediverse_node.signatures.message_signatures import KEY_FOR_ALGORITHM
from fediverse_node.signatures.request import Request

RFC9421_HREF = "https://datatracker.ietf.org/doc/html/rfc9421"
RFC9421_ED25519_HREF = "https://datatracker.ietf.org/doc/html/rfc9421#name-eddsa-using-curve-edwards25"
# Other addresses of the same document, which peers may name as well.
_SAME_DOCUMENT = frozenset(
    (RFC9421_HREF, "https://www.rfc-editor.org/rfc/rfc9421", "https://www.rfc-editor.org/info/rfc9421")
)
_LONGEST = 4096
_MOST_IMPLEMENTED = 256


def offers_rfc9421(accept_signature: str | None) -> bool:
    """Whether an `Accept-Signature` header (its joined value, or None) asks for a signature we can make.

    Only the algorithm decides. Which components it wants is not looked at: we sign what Mastodon asks
    for, and a peer that wants more answers 401 again.
    """
    return any(algorithm is None or algorithm in KEY_FOR_ALGORITHM for algorithm in _asked_for(accept_signature))


def offered_algorithms(accept_signature: str | None) -> frozenset[str]:
    """The algorithms that an `Accept-Signature` header names, as far as we can make them."""
    return frozenset(
        algorithm
        for algorithm in _asked_for(accept_signature)
        if algorithm is not None and algorithm in KEY_FOR_ALGORITHM
    )


def asked_nonce(accept_signature: str | None) -> str | None:
    """The nonce that an `Accept-Signature` challenge wants to see in the signature; None without one."""
    for _, parameters in _members(accept_signature):
        nonce = parameters.get("nonce")
        if isinstance(nonce, str) and nonce.isprintable() and '"' not in nonce and "\\" not in nonce:
            return nonce
    return None


def implements_rfc9421(implements: object) -> bool:
    """Whether an actor's or application's `implements` (JSON, any shape) lists RFC 9421."""
    return any(href in _SAME_DOCUMENT or href == RFC9421_ED25519_HREF for href in _hrefs(implements))


def implements_ed25519(implements: object) -> bool:
    """Whether `implements` lists RFC 9421 with Ed25519."""
    return any(href == RFC9421_ED25519_HREF for href in _hrefs(implements))


def is_signed_with_rfc9421(request: Request) -> bool:
    """Whether a request carries an RFC 9421 signature; it has to be proven before it says anything."""
    return request.header("signature-input") is not None


def _asked_for(accept_signature: str | None) -> Iterable[str | None]:
    for components, parameters in _members(accept_signature):
        if isinstance(components, list):
            algorithm = parameters.get("alg")
            yield algorithm if isinstance(algorithm, str) else None


def _members(text: str | None) -> list[tuple[object, Mapping[str, object]]]:
    if text is None or len(text) > _LONGEST:
        return []
    try:
        members = http_sf.parse(text.encode("ascii"), tltype="dictionary")
    except ValueError:
        return []
    return [member for member in members.values() if isinstance(member, tuple)] if isinstance(members, dict) else []


def _hrefs(implements: object) -> Iterable[str]:
    # One-element arrays collapse to the element in JSON-LD.
    entries = implements if isinstance(implements, list) else [implements]
    for entry in entries[:_MOST_IMPLEMENTED]:
        href = entry.get("href", entry.get("id")) if isinstance(entry, dict) else entry
        if isinstance(href, str):
            yield href
