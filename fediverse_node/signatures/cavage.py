"""draft-cavage-http-signatures-12: the `Signature` header and the string that is signed.

spec: cavage#2. And what the fediverse made of it: `hs2019` with an RSA key is PKCS #1 v1.5 with
SHA-256, not PSS with SHA-512. Deliberately absent: HMAC, ECDSA, and RSA with other hashes.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.claim_record import (
    LONGEST_KEY_ID,
    MOST_COMPONENTS,
    Claim,
    Component,
    has_control_characters,
    moment_of_seconds,
)
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request

# Absent and hs2019: the key decides. spec: cavage#2.1.3
KEY_FOR_ALGORITHM = {"rsa-sha256": "rsa", "ed25519": "ed25519", "hs2019": None}

DERIVED = frozenset(("(request-target)", "(created)", "(expires)"))
# Possessive quantifiers: each character is looked at once, whatever a stranger sends.
_PARAMETER = re.compile(
    r'[ \t]*+([A-Za-z0-9_-]++)[ \t]*+=[ \t]*+(?:"((?:[^"\\]++|\\.)*+)"|([^\s",]++))[ \t]*+(?:,(?=.)|\Z)', re.DOTALL
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SECONDS = re.compile(r"[0-9]{1,11}(?:\.[0-9]{1,9})?")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+|\((?:request-target|created|expires)\)")
_UNSAFE_IN_BASE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def parse_cavage(text: str) -> Claim | Fail:
    """Read the parameters of a cavage signature: `keyId="...",headers="...",signature="..."`."""
    parameters = _parse_parameters(text)
    if isinstance(parameters, Fail):
        return parameters
    key_id = parameters.get("keyid", "")
    encoded = parameters.get("signature", "")
    if not key_id or not encoded:
        return Fail(SignatureFault.MALFORMED, "no signature" if key_id else "no keyId")
    if len(key_id) > LONGEST_KEY_ID or has_control_characters(key_id):
        return Fail(SignatureFault.MALFORMED, "keyId is too long or has control characters")
    algorithm = parameters.get("algorithm")
    if algorithm is not None:
        algorithm = algorithm.lower()
        if algorithm not in KEY_FOR_ALGORITHM:
            return Fail(SignatureFault.UNKNOWN_ALGORITHM, algorithm[:40])
    try:
        signature = b64decode(encoded, validate=True)
    except ValueError:
        return Fail(SignatureFault.MALFORMED, "signature is not base64")
    created = _moment(parameters, "created")
    expires = _moment(parameters, "expires")
    if isinstance(created, Fail):
        return created
    if isinstance(expires, Fail):
        return expires
    # The default of draft 12 is "(created)", of earlier ones "date".
    headers = parameters.get("headers", "date" if created is None else "(created)")
    components = _parse_components(headers) if len(headers) <= _CACHED_LENGTH else _read_components(headers)
    if isinstance(components, Fail):
        return components
    listed, covered = components
    if ("(created)" in covered and created is None) or ("(expires)" in covered and expires is None):
        return Fail(SignatureFault.MALFORMED, "created or expires is covered and absent")
    return Claim(
        scheme="cavage", key_id=key_id, covered=covered, algorithm=algorithm, created=created, expires=expires,
        nonce=None, tag=None, signature=signature, components=listed,
        created_text=parameters.get("created", ""), expires_text=parameters.get("expires", ""),
    )  # fmt: skip


def cavage_bases(request: Request, claim: Claim) -> Iterator[bytes | Fail]:
    """The strings the signer may have signed, the likeliest first; at most one Fail, then nothing.

    All have the same method, host, digest and date. They differ in how peers write the target.
    """
    path, query = request.target.path, request.target.query
    targets = [path + query]
    if query:
        # GoToSocial sends both kinds; it and Mastodon accept both kinds.
        targets.append(path)
    if path == "/":
        # Takahe signs an empty path for an actor id without one.
        targets.append(query)
    method = request.method.lower()
    without = [frozenset[str]()]
    if "date" in claim.covered and claim.algorithm != "hs2019" and not claim.covered.isdisjoint(_TIMES):
        # spec: cavage#c.3 lists created and expires for rsa-sha256 and signs neither. The date, which
        # is signed, then stands for the time.
        without.append(_TIMES)
    for left_out in without:
        for target in targets:
            base = _base(request, claim, target=f"{method} {target}", left_out=left_out)
            yield base
            if isinstance(base, Fail):
                return


_CACHED_LENGTH = 256
_TIMES = frozenset(("(created)", "(expires)"))


def _base(request: Request, claim: Claim, *, target: str, left_out: frozenset[str]) -> bytes | Fail:
    """spec: cavage#2.3"""
    fields = request.fields
    lines: list[str] = []
    for name, identifier, _ in claim.components:
        value = fields.get(name)
        if value is None or name in DERIVED:
            if name in left_out:
                continue
            if name == "(request-target)":
                value = target
            elif name == "(created)":
                value = claim.created_text
            elif name == "(expires)":
                value = claim.expires_text
            else:
                return Fail(SignatureFault.MISSING_COMPONENT, f"{name[:64]} is not in the request")
        lines.append(f"{identifier}: {value}")
    text = "\n".join(lines)
    # A line break inside a value could pass for another line.
    if text.count("\n") != len(lines) - 1 or _UNSAFE_IN_BASE.search(text):
        return Fail(SignatureFault.MALFORMED, "control characters in a signed header")
    try:
        # Header bytes that are not UTF-8 arrive as surrogates, and go back to what they were.
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return Fail(SignatureFault.MALFORMED, "a signed header is not text")


def _parse_parameters(text: str) -> dict[str, str] | Fail:
    parameters: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PARAMETER.match(text, position)
        if match is None:
            return Fail(SignatureFault.MALFORMED, "not a list of name=value")
        name, quoted, bare = match.groups()
        name = name.lower()
        if name in parameters:
            return Fail(SignatureFault.AMBIGUOUS, f"two {name[:40]} parameters")
        if quoted is None:
            parameters[name] = bare
        else:
            parameters[name] = _ESCAPED.sub(r"\1", quoted) if "\\" in quoted else quoted
        position = match.end()
    return parameters


def _moment(parameters: dict[str, str], name: str) -> datetime | Fail | None:
    """Quoted or bare (Fedify and oeee.cafe quote it), a fraction allowed."""
    text = parameters.get(name)
    if text is None:
        return None
    if not _SECONDS.fullmatch(text):
        return Fail(SignatureFault.MALFORMED, f"{name} is not a number of seconds")
    return moment_of_seconds(float(text))


def _read_components(headers: str) -> tuple[tuple[Component, ...], frozenset[str]] | Fail:
    names = headers.lower().split()
    if not names:
        return Fail(SignatureFault.MALFORMED, "headers is empty")
    if len(names) > MOST_COMPONENTS:
        return Fail(SignatureFault.TOO_LARGE, f"{len(names)} covered headers")
    for name in names:
        if not _NAME.fullmatch(name):
            return Fail(SignatureFault.UNSUPPORTED_COMPONENT, name[:64])
    covered = frozenset(names)
    if len(covered) != len(names):
        return Fail(SignatureFault.AMBIGUOUS, "a header is covered twice")
    return tuple(Component(name, name) for name in names), covered


# Peers send the same few lists again and again.
_parse_components = lru_cache(maxsize=256)(_read_components)
