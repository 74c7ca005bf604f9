"""`Digest` and `Content-Digest`: made for what we send, checked for what we receive.

spec: rfc3230#4.3.2, rfc9530#2. SHA-256 and SHA-512 count; MD5, sums and unknown algorithms are
ignored. Only headers that the signature covers are looked at: an unsigned digest says nothing.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hashlib import sha256, sha512

import http_sf

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request

_HASHES = {"sha-256": sha256, "sha-512": sha512}
_ONE_MEMBER = re.compile(r"(sha-256|sha-512)=:([A-Za-z0-9+/]+={0,2}):")
_HEADERS = ("content-digest", "digest")
_LONGEST = 2048
_MOST_MEMBERS = 8


def digest_header(body: bytes) -> str:
    """The value of `Digest`. In capitals: GoToSocial and snac2 refuse the lower-case name."""
    return "SHA-256=" + b64encode(sha256(body).digest()).decode("ascii")


def content_digest_header(body: bytes) -> str:
    """The value of `Content-Digest`."""
    return f"sha-256=:{b64encode(sha256(body).digest()).decode('ascii')}:"


def verify_digest(request: Request, covered: frozenset[str]) -> Fail | None:
    """None if the body is covered by a signed digest and every signed digest we know matches.

    Otherwise DIGEST_MISSING, DIGEST_MISMATCH, MALFORMED or AMBIGUOUS.
    """
    matched = False
    for name in _HEADERS:
        if name not in covered:
            continue
        text = request.header(name)
        if text is None:
            return Fail(SignatureFault.DIGEST_MISSING, f"no {name} header")
        if len(text) > _LONGEST:
            return Fail(SignatureFault.TOO_LARGE, f"{name} of {len(text)} characters")
        digests = _parse_content_digest(text) if name == "content-digest" else _parse_digest(text)
        if isinstance(digests, Fail):
            return digests
        for algorithm, value in digests.items():
            if _HASHES[algorithm](request.body).digest() != value:
                return Fail(SignatureFault.DIGEST_MISMATCH, f"{algorithm} in {name}")
            matched = True
    return None if matched else Fail(SignatureFault.DIGEST_MISSING, "no SHA-256 or SHA-512 digest is signed")


def _parse_digest(text: str) -> dict[str, bytes] | Fail:
    digests: dict[str, bytes] = {}
    members = text.split(",")
    if len(members) > _MOST_MEMBERS:
        return Fail(SignatureFault.TOO_LARGE, f"{len(members)} digests")
    for member in members:
        algorithm, _, encoded = member.partition("=")
        # cattle_grid writes "sha-256".
        algorithm = algorithm.strip(" \t").lower()
        if algorithm not in _HASHES:
            continue
        if algorithm in digests:
            return Fail(SignatureFault.AMBIGUOUS, f"two {algorithm} digests")
        try:
            digests[algorithm] = b64decode(encoded.strip(" \t"), validate=True)
        except ValueError:
            return Fail(SignatureFault.MALFORMED, "digest is not base64")
    return digests


def _parse_content_digest(text: str) -> dict[str, bytes] | Fail:
    simple = _ONE_MEMBER.fullmatch(text)
    try:
        if simple is not None:
            return {simple[1]: b64decode(simple[2], validate=True)}
        seen_twice: list[str] = []
        members = http_sf.parse(
            text.encode("ascii"), tltype="dictionary", on_duplicate_key=lambda key, _: seen_twice.append(key)
        )
    except ValueError:
        return Fail(SignatureFault.MALFORMED, "content-digest is not a dictionary of bytes")
    if seen_twice:
        return Fail(SignatureFault.AMBIGUOUS, "content-digest has a name twice")
    digests: dict[str, bytes] = {}
    # A parsed dictionary has (value, parameters) for each member.
    for algorithm, member in members.items() if isinstance(members, dict) else ():
        if algorithm not in _HASHES:
            continue
        value = member[0] if isinstance(member, tuple) else member
        if not isinstance(value, bytes):
            return Fail(SignatureFault.MALFORMED, f"{algorithm} is not a byte sequence")
        digests[algorithm] = value
    return digests
