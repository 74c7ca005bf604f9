"""The steps of checking a signature, told one by one.

`signatures.verify.check_claim` says the first fault of four checks. Which of them it was follows from the fault, and
those before it were passed. Nothing is decided here.
"""

from __future__ import annotations

from fediverse_node.base.outcome import Fail
from fediverse_node.base.trace import is_watched, note
from fediverse_node.signatures.cavage import cavage_bases
from fediverse_node.signatures.claim import Claim
from fediverse_node.signatures.http_date import parse_http_date
from fediverse_node.signatures.message_signatures import message_bases
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request

_COVER, _TIME, _HOST, _DIGEST = "signature.cover", "signature.time", "signature.host", "signature.digest"
# In the order in which they are made.
CHECKS = (_COVER, _TIME, _HOST, _DIGEST)

_CHECK_OF = {
    SignatureFault.MISSING_COMPONENT: _COVER,
    SignatureFault.TOO_OLD: _TIME,
    SignatureFault.IN_THE_FUTURE: _TIME,
    SignatureFault.EXPIRED: _TIME,
    SignatureFault.WRONG_HOST: _HOST,
}


def note_claims(claims: tuple[Claim, ...] | Fail) -> None:
    """What the signature headers say, before anything of it is proven."""
    if not is_watched():
        return
    if isinstance(claims, Fail):
        note("signature.claims", claims)
        return
    note(
        "signature.claims",
        None,
        claims=[
            {
                "scheme": claim.scheme,
                "label": claim.label,
                "key_id": claim.key_id,
                "algorithm": claim.algorithm or "",
                "covered": " ".join(component.identifier for component in claim.components),
                "created": claim.created.isoformat() if claim.created else "",
                "expires": claim.expires.isoformat() if claim.expires else "",
            }
            for claim in claims
        ],
    )


def note_checks(request: Request, claim: Claim, fault: Fail | None) -> None:
    """The checks that need no key, up to the one that failed."""
    if not is_watched():
        return
    failed = None if fault is None else _failed_check(request, claim, fault)
    for step in CHECKS:
        if step == failed:
            note(step, fault, **_of(claim))
            return
        note(step, None, **_of(claim))


def note_bases(request: Request, claim: Claim) -> None:
    """The text that must have been signed: the likeliest, and the other forms that are tried after it."""
    if not is_watched():
        return
    made = list((cavage_bases if claim.scheme == "cavage" else message_bases)(request, claim))
    fault = next((base for base in made if isinstance(base, Fail)), None)
    texts = [base.decode("utf-8", "replace") for base in made if isinstance(base, bytes)]
    note("signature.base", fault, base=texts[0] if texts else "", others=texts[1:], **_of(claim))


def _of(claim: Claim) -> dict[str, object]:
    return {"scheme": claim.scheme, "label": claim.label}


def _failed_check(request: Request, claim: Claim, fault: Fail) -> str:
    """A time that is not signed is a fault of the cover, as its reason says."""
    if fault.reason is SignatureFault.MALFORMED and "date" in claim.covered:
        # Of the four, the time is looked at before the digest, and a Date that is no date ends it.
        return _TIME if parse_http_date(request.fields.get("date", "")) is None else _DIGEST
    return _CHECK_OF.get(fault.reason, _DIGEST) if isinstance(fault.reason, SignatureFault) else _DIGEST
