"""Who sent this: each check of an HTTP signature with its verdict, in the order in which the inbox makes them.

The checks are those of the inbox, with two differences that are said in the verdicts: the request counts as made for
the host it names, and the time is compared with the moment it was sent where that is known.  spec: rfc9421#3.2, cavage
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import watched_by
from fediverse_node.cli.inspecting.actors import read_key
from fediverse_node.inbox.signature_steps import note_checks
from fediverse_node.protocol.actors import KeyDocument
from fediverse_node.protocol.uris import same_origin
from fediverse_node.signatures.claim import Claim, parse_claims
from fediverse_node.signatures.http_date import parse_http_date
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.verify import Policy, check_claim, verify_claim

FindKey = Callable[[str], Awaitable[KeyDocument | Fail | TemporaryFail]]

_BRIEF = 200
_SCHEMES = {"cavage": "draft-cavage-http-signatures", "rfc9421": "RFC 9421"}
_PASSED = {
    "signature.cover": "method, target, host and a time are signed",
    "signature.host": "it was signed for {host}",
    "signature.digest": "the body is the one that was signed",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check. `passed` is None where it could not be made; `step` is its name in docs/reference/steps.md."""

    step: str
    passed: bool | None
    sentence: str
    detail: dict[str, str] = field(default_factory=dict)


async def judge_request(
    request: Request, *, sent_at: datetime | None, now: datetime, speaker: str | None, find_key: FindKey
) -> tuple[Verdict, ...]:
    """The verdicts on all signatures of a request; none for a GET that is not signed.

    `speaker` is the actor in whose name its body speaks, where there is one.
    """
    claims = parse_claims(request)
    if isinstance(claims, Fail):
        if claims.reason is SignatureFault.NO_SIGNATURE and request.method in ("GET", "HEAD"):
            return ()
        return (Verdict("signature.claims", False, str(claims)),)
    moment, note = _moment(request, claims, sent_at, now)
    verdicts: list[Verdict] = []
    for claim in claims:
        verdicts += _claimed(claim)
        checks = _checks(request, claim, moment, note)
        verdicts += checks
        if all(check.passed for check in checks):
            verdicts += await _proven(request, claim, speaker, find_key)
    return tuple(verdicts)


def _moment(
    request: Request, claims: tuple[Claim, ...], sent_at: datetime | None, now: datetime
) -> tuple[datetime, str]:
    """With which moment the signed times are compared, and which one that is in words."""
    if sent_at is not None:
        return sent_at, f"at {sent_at:%Y-%m-%d %H:%M:%S} UTC, when it was captured"
    stated = parse_http_date(request.header("date") or "") or next((c.created for c in claims if c.created), None)
    if stated is not None:
        return (
            stated,
            f"at the time it states itself, {stated:%Y-%m-%d %H:%M:%S} UTC: whether that is true is not known",
        )
    return now, "now"


def _claimed(claim: Claim) -> tuple[Verdict, ...]:
    covered = " ".join(component.identifier for component in claim.components)
    detail = {
        "key_id": claim.key_id,
        "algorithm": claim.algorithm or "",
        "covered": covered,
        "label": claim.label or "",
    }
    said = f"a signature of {_SCHEMES[claim.scheme]} by the key {brief(claim.key_id)}"
    return (Verdict("signature.claims", True, said, {key: value for key, value in detail.items() if value}),)


def _checks(request: Request, claim: Claim, moment: datetime, note: str) -> list[Verdict]:
    """The checks that need no key, up to the first that fails, as the inbox tells them."""
    told: list[Verdict] = []

    def hear(step: str, outcome: Fail | TemporaryFail | None, _: dict[str, object]) -> None:
        passed = "the time is within the window " + note if step == "signature.time" else _PASSED.get(step, step)
        sentence = str(outcome) if outcome is not None else passed.format(host=request.target.authority)
        if step == "signature.time" and outcome is not None:
            sentence = f"{sentence} Compared with the time {note}."
        told.append(Verdict(step, outcome is None, sentence))

    with watched_by(hear):
        fault = check_claim(request, claim, Policy(frozenset({request.target.authority})), now=moment)
        note_checks(request, claim, fault)
    if not request.body and told and told[-1].step == "signature.digest" and told[-1].passed:
        told.pop()
    return told


async def _proven(request: Request, claim: Claim, speaker: str | None, find_key: FindKey) -> list[Verdict]:
    found = await find_key(claim.key_id)
    if isinstance(found, Fail | TemporaryFail):
        advice = "Whether the signature is good is not known: give the owner's actor document with --keys FILE."
        return [Verdict("signature.key", None, f"the key {brief(claim.key_id)} is not known: {found}. {advice}")]
    key = read_key(found)
    if isinstance(key, Fail):
        return [Verdict("signature.key", False, f"the key {brief(claim.key_id)} cannot be used: {key}")]
    told = [
        Verdict(
            "signature.key", True, f"the key is {brief(found.owner)}'s, of kind {key.algorithm}", {"owner": found.owner}
        )
    ]
    proven = verify_claim(request, claim, key)
    if isinstance(proven, Fail):
        return [*told, Verdict("signature.good", False, str(proven))]
    told.append(Verdict("signature.good", True, "the key made this signature over this request"))
    return [*told, *judge_owner(claim.key_id, found.owner, speaker)]


def brief(address: str) -> str:
    """An address in a sentence: of a key that is its own id, the beginning."""
    return address if len(address) <= _BRIEF else f"{address[:_BRIEF]}…"


def judge_owner(key_id: str, owner: str, speaker: str | None) -> list[Verdict]:
    """Whether the owner of the key is the one in whose name the document speaks."""
    if key_id != owner and not same_origin(key_id, owner) and not key_id.startswith("did:key:"):
        return [
            Verdict(
                "signature.owner", False, f"the key {brief(key_id)} is of another server than its owner {brief(owner)}"
            )
        ]
    if speaker is None:
        return [Verdict("signature.owner", True, f"{owner} asks")]
    if owner != speaker:
        return [Verdict("signature.owner", False, f"it speaks for {brief(speaker)}, but {brief(owner)} has signed")]
    return [Verdict("signature.owner", True, f"{owner} signed, and it speaks for {owner}")]
