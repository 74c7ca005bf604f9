"""Other keys for the actors of other servers, where the recorded signatures do not fit the recorded bytes any more.

That is so in a scrubbed recording, and for whoever's request was edited in the file. Their documents then show a key
of ours, and what they had signed well is signed anew, in the same form and at the same moment. What was refused for
its signature is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from fediverse_node.base.clock import from_ms
from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.keys import LabKeys
from fediverse_node.lab.replay.plan import Plan
from fediverse_node.protocol.uris import host_of
from fediverse_node.signatures.claim import parse_claims
from fediverse_node.signatures.claim_record import Claim
from fediverse_node.signatures.digest import content_digest_header, digest_header
from fediverse_node.signatures.integrity_proofs import EDDSA, ProofKey, add_proofs, parse_proofs
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import sign_cavage, sign_rfc9421

_MADE_ANEW = frozenset({"signature", "signature-input", "digest", "content-digest", "content-length"})
_DEPTH = 30


def resigned(plan: Plan) -> Plan:
    """The plan with keys of ours wherever that is needed; the same plan where it is not."""
    hosts = _hosts_to_sign_for(plan)
    if not hosts:
        return plan
    keys = _Substitutes(hosts)
    known = tuple(keys.rewritten(item) for item in plan.known)
    outgoing = tuple(_answering(exchange, keys) for exchange in plan.outgoing)
    # Which key somebody had when they signed: the one that was shown last before the answer.
    shown = [
        (exchange.at_ms, exchange.answer.document)
        for exchange in plan.outgoing
        if exchange.answer is not None and exchange.answer.document is not None
    ]
    incoming = []
    for exchange in plan.incoming:
        until_ms = exchange.at_ms + exchange.took_ms
        seen = [document for at_ms, document in shown if at_ms <= until_ms]
        incoming.append(_signed_anew(exchange, keys, [*plan.known, *seen]))
    return replace(plan, known=known, outgoing=outgoing, incoming=tuple(incoming))


def _hosts_to_sign_for(plan: Plan) -> frozenset[str]:
    found = set()
    for exchange in plan.incoming:
        claim = claim_of(exchange)
        host = host_of(claim.key_id) if claim is not None else None
        if host and was_good(exchange) and (plan.scrubbed or _is_edited(exchange)):
            found.add(host)
    return frozenset(found)


def claim_of(exchange: Exchange) -> Claim | None:
    """The first signature of a request."""
    claims = parse_claims(_request(exchange))
    return claims[0] if isinstance(claims, tuple) else None


def was_good(exchange: Exchange) -> bool:
    """Whether the recorded node found the signature good; without steps, whether it took the request."""
    verdicts = [step for step in exchange.steps if step.name.rpartition("signature.")[2] == "good"]
    if verdicts:
        return any(step.passed for step in verdicts)
    return not exchange.steps and 200 <= exchange.status < 300


def _is_edited(exchange: Exchange) -> bool:
    message = exchange.request
    digest, content_digest = message.header("digest"), message.header("content-digest")
    is_plain = digest is not None and digest.lower().startswith("sha-256=") and "," not in digest
    if is_plain and digest is not None and digest.partition("=")[2] != digest_header(message.body).partition("=")[2]:
        return True
    is_one = content_digest is not None and content_digest.startswith("sha-256=:") and "," not in content_digest
    return is_one and content_digest != content_digest_header(message.body)


class _Substitutes:
    """A private key for each key of the recording; the same public text always has the same."""

    def __init__(self, hosts: frozenset[str]) -> None:
        self.hosts = hosts
        self._source = LabKeys("replay")
        self._made: dict[tuple[str, str], PrivateKey] = {}

    def key(self, key_id: str, public: str, *, ed25519: bool) -> PrivateKey:
        found = self._made.get((key_id, public))
        if found is None:
            found = self._source.new_ed25519() if ed25519 else self._source.new_rsa()
            self._made[key_id, public] = found
        return found

    def rewritten(self, value: Any, depth: int = 0) -> Any:
        """The document with the public halves of our keys."""
        if depth > _DEPTH:
            return value
        if isinstance(value, list):
            return [self.rewritten(item, depth + 1) for item in value]
        if not isinstance(value, Mapping):
            return value
        found = {name: self.rewritten(item, depth + 1) for name, item in value.items()}
        key_id = value.get("id")
        if isinstance(key_id, str) and host_of(key_id) in self.hosts:
            pem, multibase = value.get("publicKeyPem"), value.get("publicKeyMultibase")
            if isinstance(pem, str):
                found["publicKeyPem"] = self.key(key_id, pem, ed25519=False).public().pem()
            if isinstance(multibase, str):
                found["publicKeyMultibase"] = self.key(key_id, multibase, ed25519=True).public().multibase()
        return found


def _answering(exchange: Exchange, keys: _Substitutes) -> Exchange:
    answer = exchange.answer
    document = answer.document if answer is not None else None
    if answer is None or document is None:
        return exchange
    rewritten = keys.rewritten(document)
    if rewritten == document:
        return exchange
    return replace(exchange, answer=replace(answer, body=orjson.dumps(rewritten)))


def _signed_anew(exchange: Exchange, keys: _Substitutes, shown: Sequence[Any]) -> Exchange:
    message = exchange.request
    document = message.document
    rewritten = _proven_anew(keys.rewritten(document), keys, shown) if document is not None else None
    if rewritten != document:
        message = replace(message, body=orjson.dumps(rewritten))
        exchange = replace(exchange, request=message)
    claim = claim_of(exchange)
    if claim is None or host_of(claim.key_id) not in keys.hosts or not was_good(exchange):
        return exchange
    public, is_ed25519 = _shown_key(claim.key_id, shown, is_ed25519=claim.algorithm == "ed25519")
    key = keys.key(claim.key_id, public, ed25519=is_ed25519)
    kept = tuple((name.lower(), value) for name, value in message.headers if name.lower() not in _MADE_ANEW)
    request = Request(exchange.method, exchange.url, kept, message.body)
    now = claim.created or from_ms(exchange.at_ms)
    sign = sign_cavage if claim.scheme == "cavage" else sign_rfc9421
    added = sign(request, key=key, key_id=claim.key_id, now=now)
    return replace(exchange, request=Message(message.start, (*kept, *added), message.body))


def _proven_anew(document: Any, keys: _Substitutes, shown: Sequence[Any], depth: int = 0) -> Any:
    """The document, and what is in it, with proofs that hold, made with keys of ours; from the inside outwards."""
    if depth > _DEPTH:
        return document
    if isinstance(document, list):
        return [_proven_anew(item, keys, shown, depth + 1) for item in document]
    if not isinstance(document, Mapping):
        return document
    found = {name: _proven_anew(item, keys, shown, depth + 1) for name, item in document.items()}
    proofs = parse_proofs(found)
    for proof in proofs if isinstance(proofs, tuple) else ():
        if proof.cryptosuite == EDDSA and host_of(proof.key_id) in keys.hosts:
            public, _ = _shown_key(proof.key_id, shown, is_ed25519=True)
            return add_proofs(
                found, [ProofKey(proof.key_id, keys.key(proof.key_id, public, ed25519=True))], proof.created
            )
    return found


def _shown_key(key_id: str, shown: Iterable[Any], *, is_ed25519: bool) -> tuple[str, bool]:
    """The public text of a key as it was shown last, and whether it is an Ed25519 key."""
    public = ""
    for document in shown:
        for found in _keys_in(document, key_id, 0):
            public, is_ed25519 = found
    return public, is_ed25519


def _keys_in(value: Any, key_id: str, depth: int) -> Iterable[tuple[str, bool]]:
    if depth > _DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _keys_in(item, key_id, depth + 1)
    elif isinstance(value, Mapping):
        if value.get("id") == key_id:
            if isinstance(value.get("publicKeyPem"), str):
                yield value["publicKeyPem"], False
            elif isinstance(value.get("publicKeyMultibase"), str):
                yield value["publicKeyMultibase"], True
        for item in value.values():
            yield from _keys_in(item, key_id, depth + 1)


def _request(exchange: Exchange) -> Request:
    headers = tuple((name.lower(), value) for name, value in exchange.request.headers)
    return Request(exchange.method, exchange.url, headers, exchange.request.body)
