"""What a document proves about its author by itself, whoever brought it: integrity proofs and linked-data signatures.

spec: fep-8b32#proof-verification, fep-fe34#authentication, toot#ld-signatures. The answer holds the document that was
signed, and only that may be processed: of a proof the context may be shorter than that of what came, and of a
linked-data signature it is what JSON-LD compaction makes of the statements, whose actor is looked at anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.inbox.answer import Turned
from fediverse_node.inbox.verify import SignerKey, Verifier
from fediverse_node.protocol.jsonld import refusal_to_normalise
from fediverse_node.protocol.uris import same_origin
from fediverse_node.signatures.integrity_proofs import Proof, parse_proofs, verify_proof
from fediverse_node.signatures.ld_signatures import LdSignature, parse_ld_signature, verify_ld_signature
from fediverse_node.signatures.proof_times import check_time
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.transport.jsonld_worker import JsonLdProcessor


@dataclass(frozen=True, slots=True)
class Vouched:
    """This actor said this. `document` is what was signed, without the proof: process nothing else."""

    method: Literal["proof", "ld"]
    document: Mapping[str, object]
    signer: SignerKey
    key_id: str


def key_ids_in(document: Mapping[str, object]) -> tuple[str, ...]:
    """The keys with which a document says that it was signed; nothing of it is proven."""
    proofs, signature = parse_proofs(document), parse_ld_signature(document)
    found = [proof.key_id for proof in proofs] if isinstance(proofs, tuple) else []
    return tuple(found) if isinstance(signature, Fail) else (*found, signature.key_id)


def claims_to_be_by(document: Mapping[str, object], actor: str) -> bool:
    """Whether a document carries a signature that could be this actor's own."""
    return any(same_origin(key_id, actor) for key_id in key_ids_in(document))


class Voucher:
    """Checks what documents carry. Keys come from the verifier, JSON-LD from a process that can be killed."""

    def __init__(self, *, verifier: Verifier, processor: JsonLdProcessor) -> None:
        self._verifier = verifier
        self._processor = processor

    async def vouch(
        self, document: Mapping[str, object], *, actor: str, now: datetime
    ) -> Vouched | Fail | TemporaryFail:
        """The signed document, if `actor` has signed it within the time in which a request would count.

        `document` has passed the context gate. TemporaryFail where only the key's host, or a busy JSON-LD process,
        keeps us from knowing. Proofs are tried first: they cost a thousandth of the other.
        """
        outcome: Fail | TemporaryFail = Fail(SignatureFault.NO_SIGNATURE, "no proof of its own")
        proofs, signature = parse_proofs(document), parse_ld_signature(document)
        for proof in proofs if isinstance(proofs, tuple) else ():
            tried = await self._by_proof(document, proof, actor, now)
            note("vouch.proof", None if isinstance(tried, Vouched) else tried, **_told(proof.key_id, proof.cryptosuite))
            if isinstance(tried, Vouched):
                return tried
            outcome = _better(outcome, tried)
        if isinstance(signature, LdSignature):
            signed = await self._by_ld_signature(signature, actor, now)
            told = _told(signature.key_id, "RsaSignature2017")
            note("vouch.ld", None if isinstance(signed, Vouched) else signed, **told)
            if isinstance(signed, Vouched):
                return signed
            outcome = _better(outcome, signed)
        for unread in (proofs, signature):
            if isinstance(unread, Fail) and unread.reason is not SignatureFault.NO_SIGNATURE:
                note("vouch.unread", unread)
                outcome = _better(outcome, unread)
        return outcome

    async def _by_proof(
        self, document: Mapping[str, object], proof: Proof, actor: str, now: datetime
    ) -> Vouched | Fail | TemporaryFail:
        fault = self._check(proof.key_id, actor) or check_time(proof.created, proof.expires, now)
        if fault is not None:
            return fault

        def prove(signer: SignerKey) -> Vouched | Fail:
            refusal = self._refusal(signer, actor)
            if refusal is not None:
                return refusal
            if not signer.for_proofs:
                return Fail(SignatureFault.KEY_NOT_FOR_PROOFS, proof.key_id)
            secured = verify_proof(document, proof, signer.key)
            return secured if isinstance(secured, Fail) else Vouched("proof", secured, signer, proof.key_id)

        return await self._verifier.prove(proof.key_id, prove, now=now)

    async def _by_ld_signature(
        self, signature: LdSignature, actor: str, now: datetime
    ) -> Vouched | Fail | TemporaryFail:
        fault = (
            self._check(signature.key_id, actor)
            or check_time(signature.created, None, now)
            or refusal_to_normalise(signature.document)
        )
        if fault is not None:
            return fault
        # Nobody gets the costly part done who has no key.
        known = await self._verifier.prove(
            signature.key_id, lambda signer: self._refusal(signer, actor) or signer, now=now
        )
        if not isinstance(known, SignerKey):
            return known
        options = await self._processor.statements(signature.options)
        statements = await self._processor.statements(signature.document) if isinstance(options, bytes) else options
        compacted = (
            await self._processor.compact_signed(signature.document) if isinstance(statements, bytes) else statements
        )
        if not isinstance(options, bytes) or not isinstance(statements, bytes) or not isinstance(compacted, dict):
            return compacted if isinstance(compacted, Fail | TemporaryFail) else Fail(SignatureFault.MALFORMED)

        def prove(signer: SignerKey) -> Vouched | Fail:
            bad = self._refusal(signer, actor) or verify_ld_signature(
                signature, signer.key, option_statements=options, document_statements=statements
            )
            return bad or Vouched("ld", compacted, signer, signature.key_id)

        return await self._verifier.prove(signature.key_id, prove, now=now)

    def _check(self, key_id: str, actor: str) -> Fail | None:
        """What needs neither key nor network.  spec: fep-fe34#ownership"""
        if not same_origin(key_id, actor):
            return Fail(Turned.WRONG_ACTOR, f"{actor[:200]} has no key {key_id[:200]}")
        return self._verifier.refusal_to_ask(key_id)

    def _refusal(self, signer: SignerKey, actor: str) -> Fail | None:
        if signer.actor_uri != actor:
            return Fail(Turned.WRONG_ACTOR, f"{signer.actor_uri} signs")
        if signer.local:
            return Fail(Turned.WRONG_ACTOR, "what people here say is not learnt from others")
        return self._verifier.suspension(signer)


def _better(before: Fail | TemporaryFail, after: Fail | TemporaryFail) -> Fail | TemporaryFail:
    """A key that cannot be had now may prove later what nothing else does."""
    return before if isinstance(before, TemporaryFail) else after


def _told(key_id: str, suite: str) -> dict[str, object]:
    return {"key_id": key_id, "suite": suite}
