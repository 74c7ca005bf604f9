"""Proofs inside documents, each check with its verdict: FEP-8b32 integrity proofs and linked-data signatures.

spec: fep-8b32#proofs, toot#ld-signatures. The mathematics is that of the signatures room. A proof says who made a
document wherever it is found, so there is no host to compare, and whether its time still counts depends on when and
from whom it came: that is told, and no failure. An end that it states itself is one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.cli.inspecting.actors import read_key
from fediverse_node.cli.inspecting.signed import FindKey, Verdict, brief, judge_owner
from fediverse_node.protocol.reading import uri
from fediverse_node.signatures.integrity_proofs import Proof, parse_proofs, verify_proof
from fediverse_node.signatures.keys import PublicKey
from fediverse_node.signatures.ld_signatures import parse_ld_signature, verify_ld_signature
from fediverse_node.signatures.proof_times import check_time
from fediverse_node.signatures.reasons import SignatureFault

Statements = Callable[[Mapping[str, object]], Awaitable[bytes | Fail | TemporaryFail]]


async def judge_proofs(
    document: object, *, sent_at: datetime | None, now: datetime, find_key: FindKey, statements: Statements
) -> tuple[Verdict, ...]:
    """The verdicts on the proofs of a document and of the object inside it; none where there are none."""
    if not isinstance(document, Mapping):
        return ()
    verdicts = await _judge(document, "", sent_at or now, sent_at is not None, find_key, statements)
    inner = document.get("object")
    if isinstance(inner, Mapping):
        said = "the object inside: "
        verdicts += await _judge(inner, said, sent_at or now, sent_at is not None, find_key, statements)
    return tuple(verdicts)


async def _judge(
    document: Mapping[str, object],
    of: str,
    moment: datetime,
    is_dated: bool,
    find_key: FindKey,
    statements: Statements,
) -> list[Verdict]:
    verdicts: list[Verdict] = []
    speaker = uri(document.get("actor")) or uri(document.get("attributedTo")) or uri(document.get("id"))
    if document.get("proof"):
        proofs = parse_proofs(document)
        if isinstance(proofs, Fail):
            verdicts.append(Verdict("proof.claims", False, f"{of}{proofs}"))
        for proof in proofs if isinstance(proofs, tuple) else ():
            said = f"{of}a proof of the kind {proof.cryptosuite} by the key {brief(proof.key_id)}"
            verdicts.append(Verdict("proof.claims", True, said, {"key_id": proof.key_id, "suite": proof.cryptosuite}))
            verdicts.append(_time(proof.created, proof.expires, moment, is_dated))
            verdicts += await _proven(proof.key_id, speaker, find_key, partial(_check, document, proof))
    if document.get("signature"):
        verdicts += await _judge_signature(document, of, speaker, moment, is_dated, find_key, statements)
    return verdicts


async def _judge_signature(
    document: Mapping[str, object],
    of: str,
    speaker: str | None,
    moment: datetime,
    is_dated: bool,
    find_key: FindKey,
    statements: Statements,
) -> list[Verdict]:
    claim = parse_ld_signature(document)
    if isinstance(claim, Fail):
        return [Verdict("proof.claims", False, f"{of}{claim}")]
    said = f"{of}a linked-data signature by the key {brief(claim.key_id)}"
    told = [Verdict("proof.claims", True, said, {"key_id": claim.key_id, "suite": "RsaSignature2017"})]
    told.append(_time(claim.created, None, moment, is_dated))
    options, whole = await statements(claim.options), await statements(claim.document)
    for outcome in (options, whole):
        if not isinstance(outcome, bytes):
            return [*told, Verdict("proof.good", None, f"what was signed cannot be made: {outcome}")]
    if not isinstance(options, bytes) or not isinstance(whole, bytes):
        return told
    prove = partial(verify_ld_signature, claim, option_statements=options, document_statements=whole)
    return [*told, *await _proven(claim.key_id, speaker, find_key, prove)]


def _check(document: Mapping[str, object], proof: Proof, key: PublicKey) -> Fail | None:
    secured = verify_proof(document, proof, key)
    return secured if isinstance(secured, Fail) else None


async def _proven(
    key_id: str, speaker: str | None, find_key: FindKey, check: Callable[[PublicKey], Fail | None]
) -> list[Verdict]:
    found = await find_key(key_id)
    if isinstance(found, Fail | TemporaryFail):
        advice = "Whether the proof is good is not known: give the owner's actor document with --keys FILE."
        return [Verdict("proof.key", None, f"the key {brief(key_id)} is not known: {found}. {advice}")]
    key = read_key(found)
    if isinstance(key, Fail):
        return [Verdict("proof.key", False, f"the key {brief(key_id)} cannot be used: {key}")]
    told = [
        Verdict(
            "proof.key", True, f"the key is {brief(found.owner)}'s, of kind {key.algorithm}", {"owner": found.owner}
        )
    ]
    fault = check(key)
    if fault is not None:
        return [*told, Verdict("proof.good", False, str(fault))]
    told.append(Verdict("proof.good", True, "the key made it over this document"))
    return [*told, *judge_owner(key_id, found.owner, speaker)]


def _time(created: datetime, expires: datetime | None, moment: datetime, is_dated: bool) -> Verdict:
    """An end it states itself is a failure; being old is one only where it is known when it came."""
    fault = check_time(created, expires, moment)
    said = f"it was made at {created:%Y-%m-%d %H:%M:%S} UTC"
    if fault is None:
        return Verdict("proof.time", True, said)
    if fault.reason is SignatureFault.EXPIRED or is_dated:
        return Verdict("proof.time", False, f"{said}. {fault}")
    return Verdict("proof.time", True, f"{said}: passed on by somebody else today, it would not count any more")
