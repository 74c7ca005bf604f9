"""RFC 9421, HTTP Message Signatures: `Signature-Input` and `Signature`, and the signature base.

spec: rfc9421#2, rfc9421#4. Requests only. Deliberately refused: the component parameters `sf`, `key`,
`bs`, `req` and `tr`, which were not seen in the fediverse and let a header be signed in part;
algorithms other than rsa-v1_5-sha256 and ed25519.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import parse_qsl, quote

import http_sf

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.claim_record import (
    LONGEST_KEY_ID,
    MOST_COMPONENTS,
    Claim,
    Component,
    moment_of_seconds,
)
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request

KEY_FOR_ALGORITHM = {"rsa-v1_5-sha256": "rsa", "ed25519": "ed25519"}
MOST_CLAIMS = 4
# The names our own key documents may be asked for with (see `message_bases`).
OWN_KEY_FRAGMENTS = ("main-key", "ed25519-key")

DERIVED = frozenset(
    ("@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query", "@query-param")
)
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_ONE_SIGNATURE = re.compile(r"([a-z*][a-z0-9_.*-]*+)=:([A-Za-z0-9+/]++={0,2}):")
_UNSAFE_IN_BASE = re.compile(r"[^\t\n\x20-\x7e]")
_MOST_QUERY_FIELDS = 64

Members = dict[str, tuple[object, dict[str, object]]]


def parse_message_signatures(inputs: str, signatures: str) -> tuple[Claim, ...] | Fail:
    """The acceptable claims of one request, at most four; the first refusal if none is acceptable."""
    described = _parse_members(inputs)
    if isinstance(described, Fail):
        return described
    values = _parse_signature_values(signatures)
    if isinstance(values, Fail):
        return values
    claims: list[Claim] = []
    refusal = Fail(SignatureFault.NO_SIGNATURE, "Signature-Input is empty")
    for label, (items, parameters) in described.items():
        claim = _parse_claim(label, items, parameters, values.get(label))
        if isinstance(claim, Claim):
            claims.append(claim)
            if len(claims) == MOST_CLAIMS:
                break
        elif refusal.reason is SignatureFault.NO_SIGNATURE:
            refusal = claim
    return tuple(claims) or refusal


def message_bases(
    request: Request, claim: Claim, *, key_fragments: tuple[str, ...] = OWN_KEY_FRAGMENTS
) -> Iterator[bytes | Fail]:
    """The signature bases the signer may have signed, the likeliest first; at most one Fail."""
    uri = request.target.uri
    base = _base(request, claim, uri)
    yield base
    # Fedify, fetching a key, signs the key's id with its fragment, which is not sent.
    if request.method in ("GET", "HEAD") and "@target-uri" in claim.covered and not isinstance(base, Fail):
        for fragment in key_fragments:
            yield _base(request, claim, f"{uri}#{fragment}")


def _base(request: Request, claim: Claim, uri: str) -> bytes | Fail:
    """spec: rfc9421#2.5"""
    fields = request.fields
    lines: list[str] = []
    for component in claim.components:
        name = component.name
        value = fields.get(name) if name[0] != "@" else _derive(request, component, uri)
        if value is None:
            return Fail(SignatureFault.MISSING_COMPONENT, f"{name[:64]} is not in the request, or not exactly once")
        lines.append(f"{component.identifier}: {value}")
    lines.append(f'"@signature-params": {claim.params_line}')
    text = "\n".join(lines)
    # A line break inside a value could pass for another line.
    if text.count("\n") != len(lines) - 1 or _UNSAFE_IN_BASE.search(text):
        return Fail(SignatureFault.MALFORMED, "a signed component is not plain ASCII")
    return text.encode("ascii")


def _derive(request: Request, component: Component, uri: str) -> str | None:
    """The value of a derived component. spec: rfc9421#2.2"""
    target = request.target
    match component.name:
        case "@method":
            return request.method
        case "@target-uri":
            return uri
        case "@authority":
            return target.authority
        case "@scheme":
            return target.scheme
        case "@request-target":
            return target.in_request_line
        case "@path":
            return target.path
        case "@query":
            return target.query or "?"
        case "@query-param":
            return _query_value(target.query, component.query_name or "")
        case _:
            return None


def _query_value(query: str, name: str) -> str | None:
    """The one value of a query parameter, encoded again. spec: rfc9421#2.2.8"""
    try:
        pairs = parse_qsl(query[1:], keep_blank_values=True, max_num_fields=_MOST_QUERY_FIELDS)
    except ValueError:
        return None
    values = [value for key, value in pairs if _form_quote(key) == name]
    return _form_quote(values[0]) if len(values) == 1 else None


def _form_quote(text: str) -> str:
    return quote(text, safe="*-._", errors="replace").replace("~", "%7E")


def _parse_members(text: str) -> Members | Fail:
    """A dictionary of structured fields; each member as (value, parameters). spec: rfc9651#3.2"""
    seen_twice: list[str] = []
    try:
        members = http_sf.parse(
            text.encode("ascii"), tltype="dictionary", on_duplicate_key=lambda key, _: seen_twice.append(key)
        )
    except ValueError as error:
        return Fail(SignatureFault.MALFORMED, str(error)[:100])
    if seen_twice:
        return Fail(SignatureFault.AMBIGUOUS, f"{seen_twice[0][:40]} occurs twice")
    if not isinstance(members, dict):
        return Fail(SignatureFault.MALFORMED, "not a dictionary")
    # http_sf gives pairs for all members it parses; its types allow more than that.
    return {key: member for key, member in members.items() if isinstance(member, tuple)}  # type: ignore[misc]


def _parse_signature_values(text: str) -> dict[str, object] | Fail:
    simple = _ONE_SIGNATURE.fullmatch(text)
    if simple is None:
        members = _parse_members(text)
        return members if isinstance(members, Fail) else {label: value for label, (value, _) in members.items()}
    try:
        return {simple[1]: b64decode(simple[2], validate=True)}
    except ValueError:
        return Fail(SignatureFault.MALFORMED, "signature is not base64")


def _parse_claim(label: str, items: object, parameters: dict[str, object], signature: object) -> Claim | Fail:
    if not isinstance(items, list):
        return Fail(SignatureFault.MALFORMED, f"{label[:40]} does not list components")
    if not isinstance(signature, bytes) or not signature:
        return Fail(SignatureFault.MALFORMED, f"no signature for {label[:40]}")
    components = _parse_components(items)
    if isinstance(components, Fail):
        return components
    texts: dict[str, str | None] = {}
    for name in ("keyid", "alg", "nonce", "tag"):
        text = parameters.get(name)
        if text is not None and not isinstance(text, str):
            return Fail(SignatureFault.MALFORMED, f"{name} is not a string")
        texts[name] = text
    key_id = texts["keyid"]
    if not key_id or len(key_id) > LONGEST_KEY_ID:
        return Fail(SignatureFault.MALFORMED, "keyid is too long" if key_id else "no keyid")
    algorithm = texts["alg"]
    if algorithm is not None and algorithm not in KEY_FOR_ALGORITHM:
        return Fail(SignatureFault.UNKNOWN_ALGORITHM, algorithm[:40])
    created = _moment(parameters, "created")
    expires = _moment(parameters, "expires")
    if isinstance(created, Fail):
        return created
    if isinstance(expires, Fail):
        return expires
    return Claim(
        scheme="rfc9421", key_id=key_id, covered=frozenset([component.name for component in components]),
        algorithm=algorithm, created=created, expires=expires, nonce=texts["nonce"], tag=texts["tag"],
        signature=signature, components=components, label=label,
        params_line=f"({' '.join([component.identifier for component in components])}){_dump_parameters(parameters)}",
    )  # fmt: skip


def _parse_components(items: list[tuple[object, dict[str, object]]]) -> tuple[Component, ...] | Fail:
    if len(items) > MOST_COMPONENTS:
        return Fail(SignatureFault.TOO_LARGE, f"{len(items)} covered components")
    components: list[Component] = []
    for name, parameters in items:
        if not isinstance(name, str) or not (name in DERIVED or _FIELD_NAME.fullmatch(name)):
            return Fail(SignatureFault.UNSUPPORTED_COMPONENT, str(name)[:64])
        query_name = parameters.get("name") if name == "@query-param" else None
        if parameters.keys() - ({"name"} if name == "@query-param" else set()):
            return Fail(SignatureFault.UNSUPPORTED_COMPONENT, f"{name[:64]} with {', '.join(parameters)[:64]}")
        if name != "@query-param":
            components.append(Component(name, f'"{name}"'))
        elif isinstance(query_name, str):
            components.append(Component(name, f'"{name}"{_dump_parameters(parameters)}', query_name))
        else:
            return Fail(SignatureFault.MALFORMED, "@query-param without a name")
    if len(set(components)) != len(components):
        return Fail(SignatureFault.AMBIGUOUS, "a component is covered twice")
    return tuple(components)


def _dump_parameters(parameters: dict[str, object]) -> str:
    """Parameters in their one canonical form. spec: rfc9651#4.1.1.2"""
    parts: list[str] = []
    for name, value in parameters.items():
        if value is True:
            parts.append(f";{name}")
        elif type(value) is int:
            parts.append(f";{name}={value}")
        elif type(value) is str and '"' not in value and "\\" not in value:
            parts.append(f';{name}="{value}"')
        else:
            parts.append(f";{name}={http_sf.ser(value)}")  # type: ignore[arg-type]
    return "".join(parts)


def _moment(parameters: dict[str, object], name: str) -> datetime | Fail | None:
    seconds = parameters.get(name)
    if seconds is None:
        return None
    # A bare parameter is True, which is an int too.
    if type(seconds) is not int:
        return Fail(SignatureFault.MALFORMED, f"{name} is not a number of seconds")
    return moment_of_seconds(seconds)
