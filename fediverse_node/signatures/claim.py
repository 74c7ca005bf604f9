"""Find the signatures of a request and read what they claim.

spec: rfc9421#4, cavage#3.1, cavage#4.1. Nothing here is proven: see `verify`.
"""

from __future__ import annotations

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.cavage import parse_cavage
from fediverse_node.signatures.claim_record import Claim, Component
from fediverse_node.signatures.message_signatures import MOST_CLAIMS, parse_message_signatures
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request

__all__ = ["Claim", "Component", "parse_claims"]

MOST_CHARACTERS = 16_384
_AUTHORIZATION_SCHEME = "signature "


def parse_claims(request: Request) -> tuple[Claim, ...] | Fail:
    """The claims of a request that can be checked, at most four, those of RFC 9421 first.

    Fail(NO_SIGNATURE) if it carries none, otherwise the reason why the first one is unacceptable.
    """
    fields = request.fields
    signature = fields.get("signature")
    inputs = fields.get("signature-input")
    authorization = fields.get("authorization", "")
    if authorization[: len(_AUTHORIZATION_SCHEME)].lower() != _AUTHORIZATION_SCHEME:
        authorization = ""
    size = len(signature or "") + len(inputs or "") + len(authorization)
    if size > MOST_CHARACTERS:
        return Fail(SignatureFault.TOO_LARGE, f"{size} characters")
    outcomes: list[tuple[Claim, ...] | Claim | Fail] = []
    if inputs is not None:
        # With Signature-Input present, Signature is a dictionary and never the header of the old draft.
        outcomes.append(parse_message_signatures(inputs, signature or ""))
    elif signature is not None:
        outcomes.append(parse_cavage(signature))
    if authorization:
        outcomes.append(parse_cavage(authorization[len(_AUTHORIZATION_SCHEME) :]))
    claims: list[Claim] = []
    refusal: Fail | None = None
    for outcome in outcomes:
        if isinstance(outcome, Fail):
            refusal = refusal or outcome
        elif isinstance(outcome, Claim):
            claims.append(outcome)
        else:
            claims.extend(outcome)
    return tuple(claims[:MOST_CLAIMS]) or refusal or Fail(SignatureFault.NO_SIGNATURE)
