"""Who asks for a document: the signature of a GET, as far as there is one.

spec: rfc9421#3.2, cavage. The same checks as for what arrives, without a body. Where documents are open to everybody, a
stranger's host is not asked for its key: then only somebody who is known here can prove anything.
"""

from __future__ import annotations

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.inbox.answer import Turned
from fediverse_node.inbox.verify import Signed, SignerKey, Verifier
from fediverse_node.protocol.uris import host_of, strip_fragment
from fediverse_node.signatures.claim import parse_claims
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.inbox import ACTOR_FETCHED, KEY
from fediverse_node.storage.writer import Writer


class FetchSignatures:
    """Finds out who signed a GET."""

    def __init__(self, *, verifier: Verifier, database: Database, writer: Writer) -> None:
        self._verifier = verifier
        self._database = database
        self._writer = writer

    async def signer(self, request: Request, *, may_ask: bool) -> SignerKey | Fail | TemporaryFail:
        """The actor who signed, or why nobody is known to have. Turned.SUSPENDED: somebody we have nothing to do with.

        `may_ask`: whether the host of somebody unknown is asked for the key.
        """
        claims = parse_claims(request)
        if isinstance(claims, Fail):
            return claims
        # Who claims to be of a blocked host need not prove it.
        hosts = {host for host in (host_of(claim.key_id) for claim in claims) if host is not None}
        blocked = next((host for host in sorted(hosts) if self._writer.domains.is_suspended(host)), None)
        if blocked is not None:
            return Fail(Turned.SUSPENDED, blocked)
        if not may_ask and not await self._is_known({claim.key_id for claim in claims}):
            return Fail(SignatureFault.NO_SIGNATURE, "the key is not known here")
        signed = await self._verifier.verify(request)
        if not isinstance(signed, Signed):
            return signed
        return self._verifier.mismatch(signed, signed.signer.actor_uri) or signed.signer

    async def _is_known(self, key_ids: set[str]) -> bool:
        for key_id in sorted(key_ids):
            if await self._database.fetch_one(KEY, uri=key_id) is not None:
                return True
            # Somebody known may have a new key.
            if await self._database.fetch_one(ACTOR_FETCHED, uri=strip_fragment(key_id)) is not None:
                return True
        return False
