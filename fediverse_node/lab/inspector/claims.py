"""What the signatures of a request say, the exact bytes they are over, and whether they hold.

The base and the checks are those of the signatures room, which the nodes themselves use. Keys are taken from the
recording: from answers of the host that a key's id names. Where there is none, the mathematics is not repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from fediverse_node.base.outcome import Fail
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.inspector.content import clean, dump_bytes, moment_of, read_content
from fediverse_node.signatures.cavage import cavage_bases
from fediverse_node.signatures.claim import Claim, parse_claims
from fediverse_node.signatures.keys import PublicKey
from fediverse_node.signatures.message_signatures import message_bases
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request, split_url
from fediverse_node.signatures.verify import Policy, Proven, check_claim, verify_claim

_SCHEMES = {"cavage": "draft-cavage-http-signatures-12", "rfc9421": "RFC 9421"}
_MOST_KEYS_OF_AN_ID = 8


class KeyRing:
    """The public keys that hosts showed in a recording, by key id, with the exchange in which they did."""

    def __init__(self, exchanges: Iterable[Exchange] = ()) -> None:
        self._keys: dict[str, list[tuple[int, PublicKey]]] = {}
        for exchange in exchanges:
            self.add(exchange)

    def add(self, exchange: Exchange) -> None:
        """Keep the keys of an answer. A host speaks for its own keys only; adding again changes nothing."""
        if exchange.answer is None:
            return
        content = read_content(exchange.answer)
        # Looked for as bytes first: most answers hold no key, and parsing them all takes its time.
        if b"publicKey" not in content.body:
            return
        for key_id, key in _keys_in(content.document or {}):
            if split_url(key_id)[:2] != split_url(exchange.url)[:2]:
                continue
            known = self._keys.setdefault(key_id, [])
            if all(key != other for _, other in known) and len(known) < _MOST_KEYS_OF_AN_ID:
                known.append((exchange.number, key))

    def find(self, key_id: str) -> list[tuple[int, PublicKey]]:
        """The keys that this id had, the latest first."""
        return self._keys.get(key_id, [])[::-1]


def render_claims(exchange: Exchange, keys: KeyRing) -> dict[str, Any]:
    """`{"claims": [...]}`, or `{"refusal": sentence}` where nothing can be read; `{}` for an unsigned request."""
    request = signed_request(exchange)
    claims = parse_claims(request)
    if isinstance(claims, Fail):
        return {} if claims.reason is SignatureFault.NO_SIGNATURE else {"refusal": clean(str(claims))}
    return {"claims": [_render_claim(exchange, request, claim, keys) for claim in claims]}


def signed_request(exchange: Exchange) -> Request:
    """The request as signatures see it."""
    message = exchange.request
    headers = tuple((name.lower(), value) for name, value in message.headers)
    return Request(exchange.method, exchange.url, headers, message.body)


def _render_claim(exchange: Exchange, request: Request, claim: Claim, keys: KeyRing) -> dict[str, Any]:
    policy = Policy(hosts=frozenset({request.target.authority, exchange.receiver}))
    refused = check_claim(request, claim, policy, now=moment_of(exchange))
    base, proof = _prove(request, claim, keys)
    plain: dict[str, Any] = {
        "scheme": _SCHEMES[claim.scheme],
        "label": claim.label,
        "key_id": claim.key_id,
        "algorithm": claim.algorithm or "not named: the key decides",
        "covered": [component.identifier for component in claim.components],
        "signature": dump_bytes(claim.signature),
        "check": clean(str(refused)) if refused is not None else "",
        **proof,
    }
    for name, moment in (("created", claim.created), ("expires", claim.expires)):
        if moment is not None:
            plain[name] = moment.isoformat().replace("+00:00", "Z")
    for name, text in (("nonce", claim.nonce), ("tag", claim.tag)):
        if text is not None:
            plain[name] = clean(text)
    if isinstance(base, Fail):
        plain["no_base"] = clean(str(base))
    else:
        plain["base"] = base.decode("utf-8", "replace")
        plain["base_sha256"] = sha256(base).hexdigest()
    return plain


def _prove(request: Request, claim: Claim, keys: KeyRing) -> tuple[bytes | Fail, dict[str, Any]]:
    """The base that was signed, as far as the recording shows it, otherwise the likeliest; and what is proven."""
    likeliest = next(_bases(request, claim))
    found = keys.find(claim.key_id)
    if not found:
        return likeliest, {"proof": "The recording holds no copy of this key, so the signature was not checked here."}
    outcome: Proven | Fail = Fail(SignatureFault.BAD_SIGNATURE)
    for number, key in found:
        outcome = verify_claim(request, claim, key)
        if isinstance(outcome, Proven):
            signed = next(base for base in _bases(request, claim) if _is_signed(key, base, claim))
            return signed, {"holds": True, "key_from": number, "proof": "The key made this signature over this base."}
    proof = f"{outcome.reason.sentence} The key did not make it over this base." if isinstance(outcome, Fail) else ""
    return likeliest, {"holds": False, "key_from": found[0][0], "proof": proof}


def _bases(request: Request, claim: Claim) -> Iterator[bytes | Fail]:
    return cavage_bases(request, claim) if claim.scheme == "cavage" else message_bases(request, claim)


def _is_signed(key: PublicKey, base: bytes | Fail, claim: Claim) -> bool:
    return isinstance(base, bytes) and key.is_signed(base, signature=claim.signature)


def _keys_in(document: Mapping[str, Any]) -> Iterator[tuple[str, PublicKey]]:
    """The keys of an actor's or a key's own document."""
    for entry in [document, *_entries(document.get("publicKey")), *_entries(document.get("assertionMethod"))]:
        key_id, pem, multibase = entry.get("id"), entry.get("publicKeyPem"), entry.get("publicKeyMultibase")
        if not isinstance(key_id, str):
            continue
        key: PublicKey | Fail | None = None
        if isinstance(pem, str):
            key = PublicKey.parse_pem(pem)
        elif isinstance(multibase, str):
            key = PublicKey.parse_multibase(multibase)
        if isinstance(key, PublicKey):
            yield key_id, key


def _entries(value: object) -> list[Mapping[str, Any]]:
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in entries[:_MOST_KEYS_OF_AN_ID] if isinstance(entry, Mapping)]
