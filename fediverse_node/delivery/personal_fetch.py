"""A document of another server, asked for by one of our actors in person: signed with that actor's own key.

For what was meant for this person alone. Nothing of it is kept.  spec: fep-fe34, ap#actor-objects (proxyUrl)
"""

from __future__ import annotations

from dataclasses import dataclass

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.delivery.signing_keys import KeyRing
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.dereference import Compactor, Dereferencer, Document
from fediverse_node.transport.exchange import DEFAULT_TIMEOUT_S, Response
from fediverse_node.transport.faults import FetchFault
from fediverse_node.transport.signed_request import Signer, SigningKeys

_FETCHES, _TIME_S = 3, 20.0


@dataclass(frozen=True, slots=True)
class _SignedBy:
    signer: Signer
    keys: SigningKeys

    async def get(self, url: str, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> Response | Fail | TemporaryFail:
        return await self.signer.get(url, timeout_s=timeout_s, keys=self.keys)


class PersonalFetch:
    """Call it with the id of an actor of ours and a URI."""

    def __init__(self, *, keys: KeyRing, signer: Signer, compactor: Compactor) -> None:
        self._keys = keys
        self._signer = signer
        self._compactor = compactor

    async def __call__(self, actor_id: int, uri: str) -> Document | Fail | TemporaryFail:
        """The authentic document called `uri`, as it is shown to this actor."""
        keys = await self._keys.keys_of(actor_id)
        if keys is None:
            return Fail(FetchFault.KEY_UNUSABLE, "the actor has no key to sign with")
        dereferencer = Dereferencer(_SignedBy(self._signer, keys), compactor=self._compactor)
        return await dereferencer.fetch_document(uri, budget=Budget(fetches=_FETCHES, time_s=_TIME_S))
