"""What the handlers of this room work with; `app.py` fills it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from fediverse_node.base.config import Config
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.delivery.signing_keys import KeyRing
from fediverse_node.domain.facts import World
from fediverse_node.domain.names import Names
from fediverse_node.inbox.answer import Answer, Received
from fediverse_node.inbox.verify import SignerKey
from fediverse_node.inbox.walking.readers import Readers
from fediverse_node.outbox.bearer import Bearers
from fediverse_node.outbox.client_activities.desk import ClientDesk
from fediverse_node.signatures.reasons import SignatureFault
from fediverse_node.signatures.request import Request
from fediverse_node.storage.engine import Database
from fediverse_node.storage.writer import Writer
from fediverse_node.transport.dereference import Document

# The id of our actor whose person is signed in on the browser that sent a request, if anybody is.
SignedIn = Callable[[web.Request], Awaitable[int | None]]
# The id of an actor of ours, and a URI.
FetchAs = Callable[[int, str], Awaitable[Document | Fail | TemporaryFail]]


class SignerOf(Protocol):
    """What `inbox.fetch_signature.FetchSignatures.signer` gives to this room."""

    async def __call__(self, request: Request, *, may_ask: bool) -> SignerKey | Fail | TemporaryFail:
        """The actor who signed, or why nobody is known to have."""
        ...


async def _nobody(request: Request, *, may_ask: bool) -> SignerKey | Fail | TemporaryFail:
    return Fail(SignatureFault.NO_SIGNATURE)


async def _no_browser(request: web.Request) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class WebContext:
    """Ports and services of one node.

    `receive` is where requests to inboxes go; `signer_of` says who signed a request for a document;
    `readers` hears which threads are read; `keys` are those of our actors, with which documents get proofs.
    `bearers` knows the tokens of people's clients, `desk` does what these put into an outbox, and `fetch_as` gets a
    document of another server with the right of an actor of ours. `signed_in` says who sits before a browser.
    """

    config: Config
    world: World
    database: Database
    writer: Writer
    receive: Callable[[Received], Awaitable[Answer]]
    signer_of: SignerOf = _nobody
    readers: Readers | None = None
    keys: KeyRing | None = None
    bearers: Bearers | None = None
    desk: ClientDesk | None = None
    fetch_as: FetchAs | None = None
    signed_in: SignedIn = _no_browser

    @property
    def names(self) -> Names:
        """How our own URIs are built."""
        return self.world.names


WEB = web.AppKey("web.context", WebContext)
