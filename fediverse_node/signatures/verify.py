"""Decide whether a claimed signature holds.

`check_claim` needs no key and comes first, so that nobody makes us fetch keys for hopeless requests;
`verify_claim` is the mathematics. Whose key it is, and whether that actor may speak for the activity,
is decided elsewhere. spec: rfc9421#3.2, cavage#2.5
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures import cavage, message_signatures
from fediverse_node.signatures.claim_record import Claim
from fediverse_node.signatures.digest import verify_digest
from fediverse_node.signatures.http_date import parse_http_date
from fediverse_node.signatures.keys import PublicKey
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request, plain_host

_METHODS_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))
_HTTP_KEYS = frozenset(("rsa", "ed25519"))
_NEVER_IN_A_HOST = frozenset("/?#@\\, \t")


@dataclass(frozen=True, slots=True)
class Policy:
    """What this server asks of a signature.

    `hosts` are our own names, host[:port]: a signature made for another server is refused, so nobody
    can pass on to us what somebody signed for a third party. `past` allows for peers' delivery
    queues, `future` for their clocks.
    """

    hosts: frozenset[str]
    past: timedelta = timedelta(hours=12)
    future: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hosts", frozenset(host.lower() for host in self.hosts))


@dataclass(frozen=True, slots=True)
class Proven:
    """The owner of the key named `key_id` signed this request. Made by `verify_claim` only."""

    claim: Claim
    key_id: str


def check_claim(request: Request, claim: Claim, policy: Policy, *, now: datetime) -> Fail | None:
    """Everything that needs no key: minimum cover, time, host, digest. None if nothing is wrong.

    A request with a body, and any POST, PUT or PATCH, needs a covered digest that matches; all need
    method, target, host and a time within the window.
    """
    return (
        _check_cover(request, claim)
        or _check_time(request, claim, policy, now)
        or _check_host(request, claim, policy)
        or _check_digest(request, claim)
    )


def verify_claim(
    request: Request,
    claim: Claim,
    key: PublicKey,
    *,
    key_fragments: tuple[str, ...] = message_signatures.OWN_KEY_FRAGMENTS,
) -> Proven | Fail:
    """Whether `key` made this signature over this request. Only after `check_claim` said None.

    Fails with KEY_MISMATCH, BAD_SIGNATURE (the key may be outdated: fetch it once more), or what is
    wrong with the signed components.
    """
    if claim.scheme == "cavage":
        wanted = cavage.KEY_FOR_ALGORITHM.get(claim.algorithm or "hs2019")
        bases = cavage.cavage_bases(request, claim)
    else:
        wanted = message_signatures.KEY_FOR_ALGORITHM.get(claim.algorithm or "")
        bases = message_signatures.message_bases(request, claim, key_fragments=key_fragments)
    if key.algorithm not in _HTTP_KEYS or (wanted is not None and wanted != key.algorithm):
        return Fail(SignatureFault.KEY_MISMATCH, f"{claim.algorithm} with an {key.algorithm} key")
    for base in bases:
        if isinstance(base, Fail):
            return base
        if key.is_signed(base, signature=claim.signature):
            return Proven(claim, claim.key_id)
    return Fail(SignatureFault.BAD_SIGNATURE)


def replay_key(claim: Claim) -> bytes:
    """32 bytes that are the same whenever this signature comes again.

    Of the signature alone: cavage does not sign the key id, so the same signature could come under
    several. Only for requests that change something: two equal GETs within a second are signed alike.
    """
    return sha256(claim.signature).digest()


def _check_cover(request: Request, claim: Claim) -> Fail | None:
    covered = claim.covered
    if claim.scheme == "cavage":
        has_target = has_method = "(request-target)" in covered
        has_host = "host" in covered
        derived = cavage.DERIVED
    else:
        has_uri = "@target-uri" in covered
        has_method = "@method" in covered
        has_path = "@path" in covered and ("@query" in covered or not request.target.query)
        has_target = has_uri or has_path or "@request-target" in covered
        has_host = has_uri or "@authority" in covered or "host" in covered
        derived = message_signatures.DERIVED
    if not (has_method and has_target and has_host):
        missing = [
            name for name, found in (("method", has_method), ("target", has_target), ("host", has_host)) if not found
        ]
        return Fail(SignatureFault.MISSING_COMPONENT, f"{', '.join(missing)} not signed")
    absent = covered - derived - request.fields.keys()
    if absent:
        return Fail(SignatureFault.MISSING_COMPONENT, f"{min(absent)[:64]} is not in the request")
    return None


def _check_time(request: Request, claim: Claim, policy: Policy, now: datetime) -> Fail | None:
    moments: list[datetime] = []
    # In RFC 9421 the parameters are always signed, in cavage only if they are listed.
    if claim.created is not None and (claim.scheme == "rfc9421" or "(created)" in claim.covered):
        moments.append(claim.created)
    if "date" in claim.covered:
        date = parse_http_date(request.fields.get("date", ""))
        if date is None:
            return Fail(SignatureFault.MALFORMED, "the Date header is not a date")
        moments.append(date)
    if not moments:
        return Fail(SignatureFault.MISSING_COMPONENT, "neither date nor created is signed")
    for moment in moments:
        age = now - moment
        if age > policy.past:
            return Fail(SignatureFault.TOO_OLD, f"by {age - policy.past}")
        if age < -policy.future:
            return Fail(SignatureFault.IN_THE_FUTURE, f"by {-age - policy.future}")
    if claim.expires is not None and claim.expires <= now:
        return Fail(SignatureFault.EXPIRED, f"{now - claim.expires} ago")
    return None


def _check_host(request: Request, claim: Claim, policy: Policy) -> Fail | None:
    scheme, authority = request.target.scheme, request.target.authority
    header = request.fields.get("host")
    # The URL was put together from this header: signed or not, it must not smuggle in a path.
    if header is not None and not _NEVER_IN_A_HOST.isdisjoint(header):
        return Fail(SignatureFault.WRONG_HOST, header[:100])
    if "host" in claim.covered and (header is None or plain_host(header, scheme) not in policy.hosts):
        return Fail(SignatureFault.WRONG_HOST, (header or "")[:100])
    if claim.scheme == "rfc9421" and authority not in policy.hosts:
        return Fail(SignatureFault.WRONG_HOST, authority[:100])
    return None


def _check_digest(request: Request, claim: Claim) -> Fail | None:
    needed = request.body or request.method in _METHODS_WITH_BODY
    if needed or not claim.covered.isdisjoint(("digest", "content-digest")):
        return verify_digest(request, claim.covered)
    return None
