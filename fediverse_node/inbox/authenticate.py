"""Whose activity a request brings, and how that is known: by its signature, by a proof inside, or not yet.

spec: ap#inbox-forwarding, fep-8b32, fep-fe34#authentication. Whoever signs the request is its author, or somebody who
passes it on. Then the author's own proof or linked-data signature counts; without one, what can be seen at the
author's own server is hearsay worth asking about, and everything else is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal

from fediverse_node.base.clock import Clock
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain.verified import Verified
from fediverse_node.inbox.answer import Turned
from fediverse_node.inbox.hearsay import Hearsay
from fediverse_node.inbox.understand import Understood, understand_document
from fediverse_node.inbox.verify import Signed, Verifier
from fediverse_node.inbox.vouching import Voucher, claims_to_be_by, key_ids_in
from fediverse_node.protocol.uris import host_of
from fediverse_node.signatures.claim import parse_claims
from fediverse_node.signatures.claim_record import Claim
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.verify import replay_key
from fediverse_node.transport.dereference import Compactor

Method = Literal["cavage", "rfc9421", "proof", "ld"]


@dataclass(frozen=True, slots=True)
class Authentic:
    """The activity is its actor's, which signed it (`method`). `understood` is what was signed.

    `fingerprint` is the same whenever it comes again; `also` are those that others could bring it under.
    """

    understood: Understood
    method: Method
    claim: Claim
    sender: str
    fingerprint: bytes
    also: tuple[bytes, ...] = ()

    @property
    def is_direct(self) -> bool:
        """Whether its actor sent it, and nobody in between."""
        return self.method in ("cavage", "rfc9421")

    def verified(self, body: bytes) -> Verified:
        """What rules take. `body` is what came: it can be passed on where a proof of its own goes with it."""
        activity = self.understood.activity
        may_be_passed_on = self.also or not self.is_direct
        return Verified(
            activity,
            activity.actor,
            self.method,
            object=self.understood.object,
            received=body if may_be_passed_on else None,
        )


@dataclass(frozen=True, slots=True)
class Heard:
    """Somebody who signed the request (`sender`) says that somebody else has done this: to be asked about there."""

    understood: Understood
    claim: Claim
    sender: str
    fingerprint: bytes


class Authenticator:
    """One for receiving and for what was put aside: the same questions, asked at another time."""

    def __init__(
        self, *, verifier: Verifier, voucher: Voucher, hearsay: Hearsay, compactor: Compactor, clock: Clock
    ) -> None:
        self._verifier = verifier
        self._voucher = voucher
        self._hearsay = hearsay
        self._compactor = compactor
        self._clock = clock

    async def authenticate(
        self, request: Request, understood: Understood, *, now: datetime | None = None
    ) -> Authentic | Heard | Fail | TemporaryFail:
        """`now` is the moment the request came, if that is not now."""
        actor = understood.activity.actor
        signed = await self._verifier.verify(request, speaker=actor, now=now)
        if isinstance(signed, Fail) and signed.reason is Turned.WRONG_ACTOR:
            # No key of the actor's: somebody passes it on, or forges it. Nobody is asked for a key in vain.
            if not await self._is_hopeful(understood):
                return signed
            signed = await self._verifier.verify(request, now=now)
        if not isinstance(signed, Signed):
            return signed
        fault = self._verifier.mismatch(signed, actor)
        if fault is None:
            return _direct(understood, signed)
        if fault.reason is not Turned.WRONG_ACTOR or not await self._is_hopeful(understood):
            return fault
        refusal = self._verifier.suspension(signed.signer) or self._verifier.refusal_to_ask(actor)
        note("vouch.forwarder", refusal, forwarder=signed.signer.actor_uri, actor=actor)
        if refusal is not None:
            return refusal
        return await self._passed_on(understood, signed, now or self._clock.now())

    async def _is_hopeful(self, understood: Understood) -> bool:
        """Whether anything but a signed request could show that the actor did this."""
        return claims_to_be_by(understood.document, understood.activity.actor) or await self._hearsay.is_worth_asking(
            understood
        )

    async def _passed_on(
        self, understood: Understood, signed: Signed, now: datetime
    ) -> Authentic | Heard | Fail | TemporaryFail:
        actor, sender = understood.activity.actor, signed.signer.actor_uri
        vouched = await self._voucher.vouch(understood.document, actor=actor, now=now)
        if isinstance(vouched, TemporaryFail):
            return vouched
        if isinstance(vouched, Fail):
            if await self._hearsay.is_worth_asking(understood):
                return Heard(understood, signed.claim, sender, replay_key(signed.claim))
            return Fail(Turned.WRONG_ACTOR, f"{sender} signs, and what is inside: {vouched}"[:500])
        secured = await understand_document(vouched.document, self._compactor)
        if not isinstance(secured, Understood):
            return secured
        # Of what was signed, not of what came: JSON-LD may have read another actor than plain reading did.
        changed = None if secured.activity.actor == actor else Fail(Turned.WRONG_ACTOR, secured.activity.actor)
        note("vouch.actor", changed, actor=secured.activity.actor)
        if changed is not None:
            return changed
        return Authentic(secured, vouched.method, signed.claim, sender, name_of(secured))

    def is_kept_for(self, request: Request, understood: Understood) -> str:
        """The host whose share of what may wait this takes: of whoever signs, not of whom they name."""
        actor, claims = understood.activity.actor, parse_claims(request)
        hosts = [host_of(claim.key_id) for claim in claims] if isinstance(claims, tuple) else []
        own = host_of(actor)
        return own if own is not None and own in hosts else next((host for host in hosts if host), own or "")


def _direct(understood: Understood, signed: Signed) -> Authentic:
    # What carries a proof can come again from anybody: it is then known by its name.
    also = (name_of(understood),) if key_ids_in(understood.document) else ()
    fingerprint = replay_key(signed.claim)
    return Authentic(understood, signed.claim.scheme, signed.claim, signed.signer.actor_uri, fingerprint, also=also)


def name_of(understood: Understood) -> bytes:
    """32 bytes for an activity and whose it is: its id says nothing about another's of the same id."""
    activity = understood.activity
    named = activity.id or f"{activity.type} {activity.object_id}"
    return sha256(f"activity\n{activity.actor}\n{named}".encode()).digest()
