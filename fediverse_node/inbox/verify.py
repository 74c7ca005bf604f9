"""Who sent this: claims, digest, time, host, key, and that the key's owner is the actor.

spec: rfc9421#3.2, cavage, fep-fe34. One of the two places that may say `Verified`.
Default is refusal: nothing goes on whose signature is not known to be good.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from fediverse_node.base.clock import Clock
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.inbox.answer import Turned
from fediverse_node.inbox.gather import Gatherer
from fediverse_node.inbox.signature_steps import note_bases, note_checks, note_claims
from fediverse_node.protocol.uris import host_of, same_origin
from fediverse_node.signatures.claim import parse_claims
from fediverse_node.signatures.claim_record import Claim
from fediverse_node.signatures.keys import PublicKey
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.verify import Policy, check_claim, verify_claim
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.inbox import KEY
from fediverse_node.transport.budget import Budget

_CACHED_KEYS = 20_000
_REFETCH_PAUSE_MS = 5 * 60 * 1000
_OF_AN_OLD_KEY = frozenset({SignatureFault.BAD_SIGNATURE, SignatureFault.KEY_MISMATCH})


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A key with its owner as stored."""

    key: PublicKey
    actor_id: int
    actor_uri: str
    host: str
    local: bool
    suspended: bool
    fetched_ms: int


@dataclass(frozen=True, slots=True)
class Signed:
    """The signature is good: this actor sent this."""

    signer: SignerKey
    claim: Claim


@dataclass(frozen=True, slots=True)
class _AskedAgain:
    """When a known key was fetched anew, and why that did not work, if it may work later."""

    at_ms: int
    fault: TemporaryFail | None = None


class Verifier:
    """Checks signatures, with the keys of recent senders in memory."""

    def __init__(self, *, database: Database, gatherer: Gatherer, clock: Clock, host: str) -> None:
        self._database = database
        self._gatherer = gatherer
        self._clock = clock
        self._policy = Policy(hosts=frozenset({host}))
        self._keys: OrderedDict[str, SignerKey] = OrderedDict()
        self._key_ids: dict[str, set[str]] = {}  # owner -> the ids of its keys in memory
        gatherer.on_stored(self.forget_owner)
        self._asked_again: OrderedDict[str, _AskedAgain] = OrderedDict()
        self._pending: dict[str, asyncio.Future[SignerKey | Fail | TemporaryFail]] = {}

    async def verify(
        self, request: Request, *, speaker: str | None = None, now: datetime | None = None
    ) -> Signed | Fail | TemporaryFail:
        """The sender, or why not. TemporaryFail when only the key's host keeps us from knowing.

        `speaker` is the actor in whose name the request speaks, where that is known: a key of another origin cannot
        be its own, and nobody is asked for it. `now` is the moment the request came, if that is not now.
        """
        claims = parse_claims(request)
        note_claims(claims)
        if isinstance(claims, Fail):
            return claims
        now = now or self._clock.now()
        # One request sets off no more fetches for having several signatures.
        shared = _budget() if len(claims) > 1 else None
        outcome: Fail | TemporaryFail = Fail(SignatureFault.NO_SIGNATURE)
        for claim in claims:
            tried = self._check(request, claim, speaker, now) or await self._verify_with_key(request, claim, shared)
            if isinstance(tried, Signed):
                return tried
            # A key that cannot be had now may prove later what another signature does not.
            if not isinstance(outcome, TemporaryFail):
                outcome = tried
        return outcome

    def _check(self, request: Request, claim: Claim, speaker: str | None, now: datetime) -> Fail | None:
        """All that needs neither key nor network."""
        fault = check_claim(request, claim, self._policy, now=now)
        note_checks(request, claim, fault)
        if fault is not None:
            return fault
        host = host_of(claim.key_id)
        if host is None:
            fault = Fail(SignatureFault.MALFORMED, "the key id is no address")
        elif speaker is not None and not same_origin(claim.key_id, speaker):
            fault = Fail(Turned.WRONG_ACTOR, f"{speaker[:200]} has no key {claim.key_id[:200]}")
        note("signature.key_id", fault, key_id=claim.key_id)
        if fault is not None or host is None:
            return fault
        if self._gatherer.is_blocked(host):
            fault = Fail(Turned.SUSPENDED, host)
        note("policy.host", fault, host=host)
        return fault

    def mismatch(self, signed: Signed, speaker: str) -> Fail | None:
        """Why a good signature is not enough: it is somebody else's, or its actor does not count here any more."""
        signer = signed.signer
        fault = None if signer.actor_uri == speaker else Fail(Turned.WRONG_ACTOR, f"{signer.actor_uri} signs")
        note("signature.owner", fault, owner=signer.actor_uri, actor=speaker)
        if fault is not None:
            return fault
        # The host in a handle can be another than that of the id.
        if signer.suspended or self._gatherer.is_blocked(signer.host):
            fault = Fail(Turned.SUSPENDED, signer.actor_uri)
        note("policy.actor", fault, actor=signer.actor_uri)
        return fault

    def forget_owner(self, actor_uri: str) -> None:
        """Drop an actor's keys from memory: its document was stored anew and may list others."""
        for key_id in self._key_ids.pop(actor_uri, ()):
            self._keys.pop(key_id, None)

    async def _verify_with_key(
        self, request: Request, claim: Claim, budget: Budget | None
    ) -> Signed | Fail | TemporaryFail:
        signer = await self._known(claim.key_id)
        if signer is None:
            found = "shared" if claim.key_id in self._pending else "fetched"
            fetched = await self._fetch(claim.key_id, budget)
            if not isinstance(fetched, SignerKey):
                note("signature.key", fetched, key_id=claim.key_id, found=found)
                return fetched
            note("signature.key", None, key_id=claim.key_id, found=found, owner=fetched.actor_uri)
            return _prove(request, claim, fetched)
        note("signature.key", None, key_id=claim.key_id, found="known", owner=signer.actor_uri)
        proven = _prove(request, claim, signer)
        if isinstance(proven, Signed) or signer.local or proven.reason not in _OF_AN_OLD_KEY:
            return proven
        renewed = await self._key_again(claim.key_id, signer, budget)
        if not isinstance(renewed, SignerKey):
            note("signature.key_again", renewed, key_id=claim.key_id)
            return proven if isinstance(renewed, Fail) else renewed
        note("signature.key_again", None, key_id=claim.key_id, changed=renewed.key != signer.key)
        return _prove(request, claim, renewed)

    async def _key_again(
        self, key_id: str, before: SignerKey, budget: Budget | None
    ) -> SignerKey | Fail | TemporaryFail:
        """The key may have been changed: it is asked for once more, but nobody can make us ask all the time."""
        current = self._keys.get(key_id)
        if current is not None and current.key != before.key:
            return current  # somebody else has asked meanwhile
        now_ms = self._clock.now_ms()
        asked = self._asked_again.get(key_id)
        if key_id not in self._pending and asked is not None and now_ms - asked.at_ms < _REFETCH_PAUSE_MS:
            # If its host did not answer then, it is still not known whether the key has changed.
            return asked.fault or Fail(Turned.KEY_ASKED_ALREADY)
        self._asked_again[key_id] = _AskedAgain(now_ms)
        if len(self._asked_again) > _CACHED_KEYS:
            self._asked_again.popitem(last=False)
        renewed = await self._fetch(key_id, budget)
        if isinstance(renewed, TemporaryFail):
            self._asked_again[key_id] = _AskedAgain(now_ms, renewed)
        return renewed

    async def _known(self, key_id: str) -> SignerKey | None:
        cached = self._keys.get(key_id)
        if cached is not None:
            self._keys.move_to_end(key_id)
            return cached
        row = await self._database.fetch_one(KEY, uri=key_id)
        if row is None:
            return None
        text = row["public"]
        key = PublicKey.parse_pem(text) if text.startswith("-----") else PublicKey.parse_multibase(text)
        if isinstance(key, Fail):
            return None
        signer = SignerKey(
            key=key,
            actor_id=row["actor_id"],
            actor_uri=row["actor_uri"],
            host=row["host"],
            local=bool(row["local"]),
            suspended=row["suspended_ms"] is not None or row["deleted_ms"] is not None,
            fetched_ms=row["fetched_ms"] or 0,
        )
        self._remember(key_id, signer)
        return signer

    def _remember(self, key_id: str, signer: SignerKey) -> None:
        self._keys[key_id] = signer
        self._key_ids.setdefault(signer.actor_uri, set()).add(key_id)
        if len(self._keys) > _CACHED_KEYS:
            oldest_id, oldest = self._keys.popitem(last=False)
            others = self._key_ids.get(oldest.actor_uri, set())
            others.discard(oldest_id)
            if not others:
                self._key_ids.pop(oldest.actor_uri, None)

    async def _fetch(self, key_id: str, budget: Budget | None) -> SignerKey | Fail | TemporaryFail:
        """Get the key from its host; requests that need the same one wait for one answer."""
        pending = self._pending.get(key_id)
        if pending is not None:
            return await asyncio.shield(pending)
        future: asyncio.Future[SignerKey | Fail | TemporaryFail] = asyncio.get_running_loop().create_future()
        self._pending[key_id] = future
        try:
            outcome = await self._fetch_once(key_id, budget or _budget())
            future.set_result(outcome)
            return outcome
        except BaseException:
            future.set_result(TemporaryFail(Turned.KEY_UNREACHABLE, "interrupted"))
            raise
        finally:
            del self._pending[key_id]

    async def _fetch_once(self, key_id: str, budget: Budget) -> SignerKey | Fail | TemporaryFail:
        stored = await self._gatherer.fetch_key(key_id, budget=budget)
        if stored is not None:
            return stored
        signer = await self._known(key_id)
        return signer or Fail(SignatureFault.KEY_MISMATCH, "its owner does not list this key")


def _budget() -> Budget:
    return Budget(fetches=5, time_s=8.0)


def _prove(request: Request, claim: Claim, signer: SignerKey) -> Signed | Fail:
    note_bases(request, claim)
    proven = verify_claim(request, claim, signer.key)
    if isinstance(proven, Fail):
        note("signature.good", proven, scheme=claim.scheme, label=claim.label)
        return proven
    note("signature.good", None, scheme=claim.scheme, label=claim.label)
    return Signed(signer, claim)
