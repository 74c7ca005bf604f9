"""The private keys of our actors, loaded when they are needed.

Another process may replace them (`user rotate-keys`), so they are looked up anew after a while. Keys that were replaced
stay usable until they expire.  spec: fep-521a
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from fediverse_node.base.clock import Clock, SystemClock
from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.keys import KeyAlgorithm, PrivateKey
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.deliveries import PRIVATE_KEYS
from fediverse_node.transport.signed_request import SigningKeys

_CACHED = 1_000
_FRESH_MS = 30_000

Named = dict[KeyAlgorithm, tuple[str, PrivateKey]]


class KeyRing:
    """Signing keys by actor id."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._cached: OrderedDict[int, tuple[int, SigningKeys]] = OrderedDict()

    async def keys_of(self, actor_id: int, *, anew: bool = False) -> SigningKeys | None:
        """The keys, or None where the actor has none (any more). `anew`: somebody does not take those in memory."""
        now_ms = self._clock.now_ms()
        cached = self._cached.get(actor_id)
        if cached is not None and not anew and 0 <= now_ms - cached[0] < _FRESH_MS:
            return cached[1]
        rows = await self._database.fetch(PRIVATE_KEYS, actor=actor_id)
        # Those that were replaced have an end; what has passed it signs nothing any more.
        current = _named((row["uri"], row["private_pem"]) for row in rows if row["expires_ms"] is None)
        replaced = _named(
            (row["uri"], row["private_pem"])
            for row in rows
            if row["expires_ms"] is not None and row["expires_ms"] > now_ms
        )
        found = _signing_keys(current, _signing_keys(replaced, None))
        if found is None:
            self._cached.pop(actor_id, None)
            return None
        self._cached[actor_id] = (now_ms, found)
        if len(self._cached) > _CACHED:
            self._cached.popitem(last=False)
        return found


def _named(rows: Iterable[tuple[str, str]]) -> Named:
    """The last of each kind: rows come in the order in which the keys were made."""
    named: Named = {}
    for uri, pem in rows:
        key = PrivateKey.parse_pem(pem)
        if not isinstance(key, Fail):
            named[key.algorithm] = (uri, key)
    return named


def _signing_keys(named: Named, previous: SigningKeys | None) -> SigningKeys | None:
    rsa, ed25519, mldsa44 = named.get("rsa"), named.get("ed25519"), named.get("mldsa44")
    if rsa is None:
        return None
    return SigningKeys(
        key_id=rsa[0],
        key=rsa[1],
        ed25519_key_id=ed25519[0] if ed25519 else None,
        ed25519_key=ed25519[1] if ed25519 else None,
        mldsa44_key_id=mldsa44[0] if mldsa44 else None,
        mldsa44_key=mldsa44[1] if mldsa44 else None,
        previous=previous,
    )
