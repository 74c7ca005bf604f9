"""Asks other servers for what is inspected: documents by their addresses, and keys that are nowhere at hand.

Every request goes through the one guarded client: public addresses only, unless the configuration is in development
mode. Where a server shows a document only to servers it knows, it is asked once more with this node's own signature,
if the node's data are here.  spec: ap#retrieving-objects, fep-d556
"""

from __future__ import annotations

from urllib.parse import urlsplit

import orjson

from fediverse_node import __version__
from fediverse_node.base.clock import SystemClock
from fediverse_node.base.config import Config
from fediverse_node.base.errors import NodeError
from fediverse_node.base.outcome import Fail, Reason, TemporaryFail
from fediverse_node.cli.inspecting.given import Given
from fediverse_node.cli.inspecting.keys import KeyFault, KeysAtHand
from fediverse_node.core import Core, open_core
from fediverse_node.delivery.signing_keys import KeyRing
from fediverse_node.protocol.actors import KeyDocument, parse_key_document
from fediverse_node.protocol.media_types import ACCEPT_ACTIVITY, JRD_JSON, JSON
from fediverse_node.protocol.uris import strip_fragment
from fediverse_node.storage.migrate import HEAD, current_version
from fediverse_node.storage.queries.registration import ACTOR_ID
from fediverse_node.transport.client import Client
from fediverse_node.transport.exchange import Response
from fediverse_node.transport.faults import FetchFault, status_fault
from fediverse_node.transport.host_memory import RecentHosts
from fediverse_node.transport.signed_request import Signer, SigningKeys, SigningThreads

TIMEOUT_S = 20.0
_SHOWN_TO_FRIENDS = (401, 403)


class AskFault(Reason):
    """Why there is nothing to inspect at an address, and what to do."""

    NOT_SHOWN = (
        "the server shows this only to servers it knows: run this where the data of your node are, so that the request"
        " can be signed"
    )
    NOT_SHOWN_TO_US = (
        "the server refuses this also to our signed request: it may block this node, or the address is private"
    )
    A_PAGE = "there is a page for people at this address, and no document: give the address of the post or actor itself"
    NOT_JSON = "the answer is not JSON"


class Asker:
    """One for a run of the command; close it at the end."""

    def __init__(self, config: Config, *, offline: bool) -> None:
        self._config = config
        self._offline = offline
        self._client = Client(
            base_url=config.base_url, version=__version__, development=config.development, own_origin_allowed=True
        )
        self._threads = SigningThreads(1)
        self._core: Core | None = None
        self._fetched = KeysAtHand()

    async def close(self) -> None:
        """End all connections."""
        await self._client.close()
        self._threads.close()
        if self._core is not None:
            await self._core.close()

    async def document(self, url: str) -> Given | Fail | TemporaryFail:
        """What answers at an address; a document of any sort."""
        response = await self._get(url)
        if not isinstance(response, Response):
            return response
        if response.content_type.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml"):
            return Fail(AskFault.A_PAGE, response.url)
        try:
            return Given(url, response.body, orjson.loads(response.body), url=response.url)
        except orjson.JSONDecodeError as error:
            return Fail(AskFault.NOT_JSON, f"{response.content_type}: {str(error)[:100]}")

    async def key(self, key_id: str) -> KeyDocument | Fail | TemporaryFail:
        """A key from its host; it counts only if its owner's own document lists it."""
        if self._offline:
            return Fail(KeyFault.OFFLINE)
        if (known := self._fetched.find(key_id)) is not None:
            return known
        found = await self.document(strip_fragment(key_id))
        if not isinstance(found, Given):
            return found
        self._fetched.add((found,))
        if (known := self._fetched.find(key_id)) is not None:
            return known
        key = parse_key_document(found.document)
        if isinstance(key, Fail):
            return key
        owner = await self.document(strip_fragment(key.owner))
        if not isinstance(owner, Given):
            return owner
        self._fetched.add((owner,))
        return self._fetched.find(key_id) or Fail(KeyFault.NOT_LISTED, key.owner)

    async def _get(self, url: str) -> Response | Fail | TemporaryFail:
        accept = _accept(url)
        response = await self._client.get(url, accept=accept, timeout_s=TIMEOUT_S)
        if not isinstance(response, Response):
            return response
        if response.status not in _SHOWN_TO_FRIENDS:
            return status_fault(response.status) or response
        signer = await self._signer()
        if signer is None:
            return Fail(AskFault.NOT_SHOWN, f"status {response.status}")
        response = await signer.get(url, accept=accept, timeout_s=TIMEOUT_S)
        if isinstance(response, Response) and response.status in _SHOWN_TO_FRIENDS:
            return Fail(AskFault.NOT_SHOWN_TO_US, f"status {response.status}")
        return response if not isinstance(response, Response) else status_fault(response.status) or response

    async def _signer(self) -> Signer | None:
        keys = await self._instance_keys()
        if keys is None:
            return None
        clock = SystemClock()
        return Signer(self._client, fetch_keys=keys, memory=RecentHosts(clock), clock=clock, threads=self._threads)

    async def _instance_keys(self) -> SigningKeys | None:
        """The keys of the server's own actor, where its database is here and ready."""
        try:
            if self._core is None:
                if not self._config.data_dir.is_dir() or await current_version(self._config.database_url) != HEAD:
                    return None
                self._core = await open_core(self._config)
            row = await self._core.database.fetch_one(ACTOR_ID, uri=self._core.world.names.instance_actor)
            return await KeyRing(self._core.database).keys_of(row["id"]) if row is not None else None
        except NodeError:
            return None


def _accept(url: str) -> str:
    path = urlsplit(url).path
    if "/.well-known/webfinger" in path:
        return f"{JRD_JSON}, {JSON}"
    return JSON if "nodeinfo" in path else ACCEPT_ACTIVITY


def advice_on(fault: Fail | TemporaryFail) -> str:
    """What to do about a fault of the way there; "" where its sentence says it."""
    if fault.reason is FetchFault.ADDRESS_REFUSED:
        return "Set DEVELOPMENT to inspect servers on this machine."
    if isinstance(fault, TemporaryFail):
        return "It may work later: try again."
    if fault.reason in (FetchFault.NOT_FOUND, FetchFault.GONE):
        return "Check the address: it has to be the id of the document, or the page of a post or profile."
    return ""
