"""The private keys of our actors, loaded when they are needed."""

from __future__ import annotations

from collections import OrderedDict

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.deliveries import PRIVATE_KEYS
from fediverse_node.transport.signed_request import SigningKeys

_CACHED = 1_000


class KeyRing:
    """Signing keys by actor id."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cached: OrderedDict[int, SigningKeys] = OrderedDict()

    async def keys_of(self, actor_id: int) -> SigningKeys | None:
        """The keys, or None where the actor has none (any more)."""
        found = self._cached.get(actor_id)
        if found is not None:
            return found
        rsa: tuple[str, PrivateKey] | None = None
        ed25519: tuple[str, PrivateKey] | None = None
        for row in await self._database.fetch(PRIVATE_KEYS, actor=actor_id):
            key = PrivateKey.parse_pem(row["private_pem"])
            if isinstance(key, Fail):
                continue
            if key.algorithm == "rsa":
                rsa = (row["uri"], key)
            else:
                ed25519 = (row["uri"], key)
        if rsa is None:
            return None
        found = SigningKeys(
            key_id=rsa[0],
            key=rsa[1],
            ed25519_key_id=ed25519[0] if ed25519 else None,
            ed25519_key=ed25519[1] if ed25519 else None,
        )
        self._cached[actor_id] = found
        if len(self._cached) > _CACHED:
            self._cached.popitem(last=False)
        return found
