"""What the handlers of the client API work with; `app.py` fills it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from fediverse_node.base.config import Config
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.domain.facts import World
from fediverse_node.outbox.registration import Registration
from fediverse_node.outbox.submit import Outbox
from fediverse_node.storage.engine import Database
from fediverse_node.storage.writer import Writer

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
    # (actor id, version, role) -> the account as JSON: it stands in every status.
    account_json: dict[tuple[int, int, str | None], bytes] = field(default_factory=dict)


CONTEXT = web.AppKey("mastodon_api.context", Context)
