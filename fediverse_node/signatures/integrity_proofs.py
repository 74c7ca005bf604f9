"""Proofs inside documents, which hold wherever the document travels: eddsa-jcs-2022 and mldsa44-jcs-2024.

spec: fep-8b32#proofs, vc-di-eddsa#eddsa-jcs-2022, vc-di-quantum-resistant#mldsa44-jcs-2024. Whose key it is, and
whether that actor may speak for the document, is decided elsewhere. Deliberately absent: chains of proofs, DIDs, and
the suites that canonicalise statements instead of JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.claim_record import LONGEST_KEY_ID
from fediverse_node.signatures.jcs import dump_jcs
from fediverse_node.signatures.keys import KeyAlgorithm, PrivateKey, PublicKey
from fediverse_node.signatures.multibase import dump_multibase, dump_multibase_url, parse_multibase
from fediverse_node.signatures.proof_times import parse_time
from fediverse_node.signatures.reasons import SignatureFault

EDDSA = "eddsa-jcs-2022"
MLDSA = "mldsa44-jcs-2024"
CONTEXT_URL = "https://w3id.org/security/data-integrity/v2"
MOST_PROOFS = 4

_KEY_FOR_SUITE: dict[str, KeyAlgorithm] = {EDDSA: "ed25519", MLDSA: "mldsa44"}
_SUITE_FOR_KEY = {algorithm: suite for suite, algorithm in _KEY_FOR_SUITE.items()}
_TYPE = "DataIntegrityProof"
_PURPOSE = "assertionMethod"
# spec: fep-8b32#backward-compatibility: a linked-data signature is made after the proof, over both.
_NOT_COVERED = ("proof", "signature")


@dataclass(frozen=True, slots=True)
class Proof:
    """What a document says about one of its proofs, nothing of it proven. `key_id` is a stranger's text."""

    cryptosuite: str
    key_id: str
    created: datetime
    expires: datetime | None
    signature: bytes = field(repr=False)
    config: Mapping[str, object] = field(repr=False)  # the proof without its value


class ProofKey(NamedTuple):
    """A key of ours, with its id as the actor lists it."""

    id: str
    key: PrivateKey


def parse_proofs(document: Mapping[str, object]) -> tuple[Proof, ...] | Fail:
    """The proofs of a document that can be checked, at most four; or why the first one cannot.

    Fail(NO_SIGNATURE) if it carries none.
    """
    value = document.get("proof")
    listed = value if isinstance(value, list) else [] if value is None else [value]
    proofs: list[Proof] = []
    refusal = Fail(SignatureFault.NO_SIGNATURE, "no proof")
    for number, item in enumerate(listed[:MOST_PROOFS]):
        proof = _parse_proof(item)
        if isinstance(proof, Proof):
            proofs.append(proof)
        elif number == 0:
            refusal = proof
    return tuple(proofs) or refusal


def verify_proof(document: Mapping[str, object], proof: Proof, key: PublicKey) -> dict[str, object] | Fail:
    """The document that `key` has signed, or KEY_MISMATCH, BAD_SIGNATURE, PROOF_CONTEXT, MALFORMED.

    Process only the answer: its context can be shorter than that of the document that came.
    """
    if key.algorithm != _KEY_FOR_SUITE[proof.cryptosuite]:
        return Fail(SignatureFault.KEY_MISMATCH, f"{proof.cryptosuite} with an {key.algorithm} key")
    secured = _secured(document, proof)
    if isinstance(secured, Fail):
        return secured
    hashed = _hash(secured)
    if isinstance(hashed, Fail):
        return hashed
    for config in _configs(secured, proof):
        config_hash = _hash(config)
        if isinstance(config_hash, Fail):
            return config_hash
        if key.is_signed(config_hash + hashed, signature=proof.signature):
            return secured
    return Fail(SignatureFault.BAD_SIGNATURE)


def add_proofs(document: Mapping[str, object], keys: Sequence[ProofKey], created: datetime) -> dict[str, object]:
    """The document with a proof by each of `keys`, which are Ed25519 or ML-DSA-44: one as an object, several as a set.

    Its context becomes an array that names the words of proofs, and each proof repeats it: Mitra wants it equal,
    Mastodon a prefix, Fedify takes the document's. Raises ValueError for what is no JSON, and for RSA keys.
    """
    bare = {name: value for name, value in document.items() if name not in _NOT_COVERED}
    bare["@context"] = _with_proof_words(bare.get("@context"))
    proofs = [_make_proof(bare, key, created) for key in keys]
    return {**bare, "proof": proofs[0] if len(proofs) == 1 else proofs}


def _make_proof(bare: Mapping[str, object], key: ProofKey, created: datetime) -> dict[str, object]:
    suite = _SUITE_FOR_KEY.get(key.key.algorithm)
    if suite is None:
        raise ValueError(f"no cryptosuite for {key.key.algorithm} keys")
    config: dict[str, object] = {
        "@context": bare["@context"],
        "type": _TYPE,
        "cryptosuite": suite,
        "verificationMethod": key.id,
        "proofPurpose": _PURPOSE,
        # Whole seconds: Fedify writes a parsed time anew before it hashes it.
        "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    signature = key.key.sign(_own_hash(config) + _own_hash(bare))
    value = dump_multibase_url(signature) if suite == MLDSA else dump_multibase(signature)
    return {**config, "proofValue": value}


def _parse_proof(value: object) -> Proof | Fail:
    if not isinstance(value, Mapping):
        return Fail(SignatureFault.MALFORMED, "the proof is no object")
    suite, key_id, encoded = (value.get(name) for name in ("cryptosuite", "verificationMethod", "proofValue"))
    if value.get("type") != _TYPE or not isinstance(suite, str) or suite not in _KEY_FOR_SUITE:
        return Fail(SignatureFault.PROOF_UNSUPPORTED, f"{value.get('type')} {suite}"[:100])
    if "previousProof" in value:
        return Fail(SignatureFault.PROOF_UNSUPPORTED, "a chain of proofs")
    if value.get("proofPurpose") != _PURPOSE:
        return Fail(SignatureFault.PROOF_PURPOSE, str(value.get("proofPurpose"))[:100])
    if not isinstance(key_id, str) or len(key_id) > LONGEST_KEY_ID or not key_id.isprintable():
        return Fail(SignatureFault.MALFORMED, "no usable verificationMethod")
    signature = parse_multibase(encoded) if isinstance(encoded, str) else None
    if not signature:
        return Fail(SignatureFault.MALFORMED, "proofValue is not multibase")
    created, expires = parse_time(value.get("created")), parse_time(value.get("expires"))
    if created is None or (expires is None and "expires" in value):
        return Fail(SignatureFault.MALFORMED, "created or expires is no time")
    config = {name: item for name, item in value.items() if name != "proofValue"}
    return Proof(suite, key_id, created, expires, signature, config)


def _secured(document: Mapping[str, object], proof: Proof) -> dict[str, object] | Fail:
    """The document as it was signed.  spec: vc-di-eddsa#verify-proof-eddsa-jcs-2022"""
    secured = {name: value for name, value in document.items() if name not in _NOT_COVERED}
    ours, theirs = secured.get("@context"), proof.config.get("@context")
    if "@context" not in proof.config or ours == theirs:
        return secured
    is_prefix = isinstance(ours, list) and isinstance(theirs, list) and ours[: len(theirs)] == theirs
    if not is_prefix or proof.cryptosuite == MLDSA:
        return Fail(SignatureFault.PROOF_CONTEXT)
    # What stands behind the signed part can have been put there by anybody, and could change what words mean.
    secured["@context"] = theirs
    return secured


def _configs(secured: Mapping[str, object], proof: Proof) -> list[Mapping[str, object]]:
    """What the signer may have hashed beside the document, the likeliest first."""
    if "@context" not in secured or "@context" in proof.config:
        return [proof.config]
    injected = {**proof.config, "@context": secured["@context"]}
    # mldsa44 always hashes the document's context with the proof; of eddsa signers Fedify does, and Mitra does not.
    return [injected] if proof.cryptosuite == MLDSA else [proof.config, injected]


def _with_proof_words(context: object) -> list[object]:
    listed = list(context) if isinstance(context, list) else [] if context is None else [context]
    if CONTEXT_URL in listed:
        return listed
    # Behind the other addresses, before words of one's own: so Mitra writes it, and readers of prefixes expect it.
    place = next((number for number, item in enumerate(listed) if not isinstance(item, str)), len(listed))
    return [*listed[:place], CONTEXT_URL, *listed[place:]]


def _own_hash(value: Mapping[str, object]) -> bytes:
    hashed = _hash(value)
    if isinstance(hashed, Fail):
        raise ValueError(f"this cannot be signed: {hashed}")
    return hashed


def _hash(value: Mapping[str, object]) -> bytes | Fail:
    canonical = dump_jcs(dict(value))
    return canonical if isinstance(canonical, Fail) else sha256(canonical).digest()
