"""What the handlers of the client API work with; `app.py` fills it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from fediverse_node.base.config import Config
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.domain.facts import World
from fediverse_node.inbox.looking.looks import Looks
from fediverse_node.inbox.walking.readers import Readers
from fediverse_node.outbox.domain_desk import DomainDesk
from fediverse_node.outbox.registration import Registration
from fediverse_node.outbox.submit import Outbox
from fediverse_node.storage.engine import Database
from fediverse_node.storage.writer import Writer
from fediverse_node.transport.exchange import Response


def _nothing() -> None:
    """Nobody listens."""


Found = int | Fail | TemporaryFail


@dataclass(frozen=True, slots=True)
class Context:
    """Ports and services of one node."""

    config: Config
    world: World
    database: Database
    writer: Writer
    outbox: Outbox
    registration: Registration
    # From the network into the database; they answer our id.
    find_handle: Callable[[str, str], Awaitable[Found]]  # (user, host) -> actor id
    find_actor: Callable[[str], Awaitable[Found]]  # actor URI -> actor id
    find_object: Callable[[str], Awaitable[Found]]  # object URI -> object id
    # What is at the address by which an app is known; without this such apps are not.
    fetch_client: Callable[[str], Awaitable[Response | Fail | TemporaryFail]] | None = None
    # Whoever reads a thread may cause it to be looked through; without this nobody looks.
    readers: Readers | None = None
    # Whoever opens a profile or post of others may cause it to be looked at again; without this nobody looks.
    looks: Looks | None = None
    # Where it is decided with which hosts this server has to do; without this nobody decides by the API.
    desk: DomainDesk | None = None
    # A letter waits to be sent; without this it waits until somebody looks.
    wake_post: Callable[[], None] = _nothing
    # (actor id, version, role) -> the account as JSON: it stands in every status.
    account_json: dict[tuple[int, int, str | None], bytes] = field(default_factory=dict)
    # thread -> what shape it had, how many replies for everybody it holds, and whether any of it is from elsewhere
    thread_counts: dict[int, tuple[tuple[int, int, int], tuple[int, bool]]] = field(default_factory=dict)


CONTEXT = web.AppKey("mastodon_api.context", Context)
