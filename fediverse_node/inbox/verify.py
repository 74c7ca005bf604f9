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
from fediverse_node.inbox.gather import Gatherer
from fediverse_node.protocol.uris import host_of
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
        self._refetched: OrderedDict[str, int] = OrderedDict()
        self._pending: dict[str, asyncio.Future[SignerKey | Fail | TemporaryFail]] = {}

    async def verify(self, request: Request, *, now: datetime | None = None) -> Signed | Fail | TemporaryFail:
        """The sender, or why not. TemporaryFail when only the key's host keeps us from knowing.

        `now` is the moment the request came, if that is not now.
        """
        claims = parse_claims(request)
        if isinstance(claims, Fail):
            return claims
        now = now or self._clock.now()
        outcome: Signed | Fail | TemporaryFail = Fail(SignatureFault.NO_SIGNATURE)
        for claim in claims:
            fault = check_claim(request, claim, self._policy, now=now)
            outcome = fault if fault is not None else await self._verify_with_key(request, claim)
            if isinstance(outcome, Signed):
                return outcome
        return outcome

    def forget_owner(self, actor_uri: str) -> None:
        """Drop an actor's keys from memory: its document was stored anew and may list others."""
        for key_id in self._key_ids.pop(actor_uri, ()):
            self._keys.pop(key_id, None)

    async def _verify_with_key(self, request: Request, claim: Claim) -> Signed | Fail | TemporaryFail:
        signer = await self._known(claim.key_id)
        if signer is None:
            fetched = await self._fetch(claim.key_id)
            if not isinstance(fetched, SignerKey):
                return fetched
            proven = verify_claim(request, claim, fetched.key)
            return proven if isinstance(proven, Fail) else Signed(fetched, claim)
        proven = verify_claim(request, claim, signer.key)
        if not isinstance(proven, Fail):
            return Signed(signer, claim)
        if proven.reason not in (SignatureFault.BAD_SIGNATURE, SignatureFault.KEY_MISMATCH):
            return proven
        # The key may have been changed: it is asked for once more, but nobody can make us ask all the time.
        if signer.local or not self._may_refetch(claim.key_id):
            return proven
        renewed = await self._fetch(claim.key_id)
        if not isinstance(renewed, SignerKey):
            return proven if isinstance(renewed, Fail) else renewed
        again = verify_claim(request, claim, renewed.key)
        return again if isinstance(again, Fail) else Signed(renewed, claim)

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

    def _may_refetch(self, key_id: str) -> bool:
        now_ms = self._clock.now_ms()
        last = self._refetched.get(key_id, 0)
        if now_ms - last < _REFETCH_PAUSE_MS:
            return False
        self._refetched[key_id] = now_ms
        if len(self._refetched) > _CACHED_KEYS:
            self._refetched.popitem(last=False)
        return True

    async def _fetch(self, key_id: str) -> SignerKey | Fail | TemporaryFail:
        """Get the key from its host; requests that need the same one wait for one answer."""
        pending = self._pending.get(key_id)
        if pending is not None:
            return await asyncio.shield(pending)
        future: asyncio.Future[SignerKey | Fail | TemporaryFail] = asyncio.get_running_loop().create_future()
        self._pending[key_id] = future
        try:
            outcome = await self._fetch_once(key_id)
            future.set_result(outcome)
            return outcome
        except BaseException:
            future.set_result(TemporaryFail(SignatureFault.KEY_MISMATCH, "interrupted"))
            raise
        finally:
            del self._pending[key_id]

    async def _fetch_once(self, key_id: str) -> SignerKey | Fail | TemporaryFail:
        if host_of(key_id) is None:
            return Fail(SignatureFault.MALFORMED, "the key id is no address")
        stored = await self._gatherer.fetch_key(key_id, budget=Budget(fetches=5, time_s=8.0))
        if stored is not None:
            return stored
        signer = await self._known(key_id)
        return signer or Fail(SignatureFault.KEY_MISMATCH, "its owner does not list this key")
