"""Who sent this: claims, digest, time, host, key, and that the key's owner is the actor.

spec: rfc9421#3.2, cavage, fep-fe34. Default is refusal: nothing goes on whose signature is not known to be good.
`prove` is for everything that a key can prove; what documents say about themselves is in `vouching.py`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from fediverse_node.base.clock import Clock, to_ms
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.inbox.answer import Turned
from fediverse_node.inbox.gather import Gatherer
from fediverse_node.inbox.key_asking import KeyAsking
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
# Moderators, here or in another process, decide about owners meanwhile.
_FRESH_MS = 30_000
_REFETCH_PAUSE_MS = 5 * 60 * 1000
_OF_AN_OLD_KEY = frozenset(
    {SignatureFault.BAD_SIGNATURE, SignatureFault.KEY_MISMATCH, SignatureFault.KEY_NOT_FOR_PROOFS}
)
R = TypeVar("R")


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
    for_proofs: bool = False
    expires_ms: int | None = None
    loaded_ms: int = 0  # when it was read from the database


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
        self._asking = KeyAsking(clock)

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
            tried = self._check(request, claim, speaker, now) or await self._verify_with_key(
                request, claim, shared, now=now
            )
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
        return fault or self.refusal_to_ask(claim.key_id)

    def refusal_to_ask(self, uri: str) -> Fail | None:
        """Why nobody is asked for a key of this id, nor believed who speaks from there: its host is blocked here."""
        host = host_of(uri) or ""
        fault = Fail(Turned.SUSPENDED, host) if self._gatherer.is_blocked(host) else None
        note("policy.host", fault, host=host)
        return fault

    def mismatch(self, signed: Signed, speaker: str) -> Fail | None:
        """Why a good signature is not enough: it is somebody else's, or its actor does not count here any more."""
        signer = signed.signer
        fault = None if signer.actor_uri == speaker else Fail(Turned.WRONG_ACTOR, f"{signer.actor_uri} signs")
        note("signature.owner", fault, owner=signer.actor_uri, actor=speaker)
        return fault or self.suspension(signer)

    def suspension(self, signer: SignerKey) -> Fail | None:
        """SUSPENDED, if whoever owns the key does not count here any more."""
        # The host in a handle can be another than that of the id.
        is_out = signer.suspended or self._gatherer.is_blocked(signer.host)
        fault = Fail(Turned.SUSPENDED, signer.actor_uri) if is_out else None
        note("policy.actor", fault, actor=signer.actor_uri)
        return fault

    def forget_owner(self, actor_uri: str) -> None:
        """Drop an actor's keys from memory: its document was stored anew and may list others."""
        for key_id in self._key_ids.pop(actor_uri, ()):
            self._keys.pop(key_id, None)

    async def _verify_with_key(
        self, request: Request, claim: Claim, budget: Budget | None, *, now: datetime
    ) -> Signed | Fail | TemporaryFail:
        return await self.prove(claim.key_id, lambda signer: _prove(request, claim, signer), now=now, budget=budget)

    async def prove(
        self, key_id: str, prove: Callable[[SignerKey], R | Fail], *, now: datetime, budget: Budget | None = None
    ) -> R | Fail | TemporaryFail:
        """What `prove` says of the key called `key_id`, known or fetched; of a newer one, if it may have been changed.

        The caller has made sure that the key's host may be asked (`refusal_to_ask`).
        """

        def prove_now(signer: SignerKey) -> R | Fail:
            if signer.expires_ms is not None and signer.expires_ms <= to_ms(now):
                return Fail(SignatureFault.EXPIRED, f"the key {key_id[:200]}")
            return prove(signer)

        signer = await self._known(key_id)
        if signer is None:
            return await self._prove_with_unseen(key_id, prove_now, budget)
        note("signature.key", None, key_id=key_id, found="known", owner=signer.actor_uri)
        proven = prove_now(signer)
        if not isinstance(proven, Fail) or signer.local or proven.reason not in _OF_AN_OLD_KEY:
            return proven
        renewed = await self._key_again(key_id, signer, budget)
        if not isinstance(renewed, SignerKey):
            note("signature.key_again", renewed, key_id=key_id)
            return proven if isinstance(renewed, Fail) else renewed
        note("signature.key_again", None, key_id=key_id, changed=renewed.key != signer.key)
        again = prove_now(renewed)
        if not isinstance(again, Fail):
            self._asking.give_back(host_of(key_id) or "")
        return again

    async def _prove_with_unseen(
        self, key_id: str, prove: Callable[[SignerKey], R | Fail], budget: Budget | None
    ) -> R | Fail | TemporaryFail:
        """Nobody can make us ask a host for as many keys as they can think of names."""
        host = host_of(key_id) or ""
        found = "shared" if key_id in self._pending else "fetched"
        refusal = self._asking.take(host) if found == "fetched" else None
        fetched = refusal or await self._fetch(key_id, budget)
        if not isinstance(fetched, SignerKey):
            note("signature.key", fetched, key_id=key_id, found=found)
            return fetched
        note("signature.key", None, key_id=key_id, found=found, owner=fetched.actor_uri)
        proven = prove(fetched)
        if found == "fetched" and not isinstance(proven, Fail):
            self._asking.give_back(host)
        return proven

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
        refusal = self._asking.take(host_of(key_id) or "")
        if refusal is not None:
            return refusal
        self._asked_again[key_id] = _AskedAgain(now_ms)
        if len(self._asked_again) > _CACHED_KEYS:
            self._asked_again.popitem(last=False)
        renewed = await self._fetch(key_id, budget)
        if isinstance(renewed, TemporaryFail):
            self._asked_again[key_id] = _AskedAgain(now_ms, renewed)
        return renewed

    async def _known(self, key_id: str) -> SignerKey | None:
        cached, now_ms = self._keys.get(key_id), self._clock.now_ms()
        if cached is not None and now_ms - cached.loaded_ms < _FRESH_MS:
            self._keys.move_to_end(key_id)
            return cached
        row = await self._database.fetch_one(KEY, uri=key_id)
        if row is None:
            self._keys.pop(key_id, None)
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
            for_proofs=bool(row["for_proofs"]),
            expires_ms=row["expires_ms"],
            loaded_ms=now_ms,
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
