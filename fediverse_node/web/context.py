"""What the handlers of this room work with; `app.py` fills it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from fediverse_node.base.config import Config
from fediverse_node.domain.facts import World
from fediverse_node.domain.names import Names
from fediverse_node.inbox.answer import Answer, Received
from fediverse_node.storage.engine import Database
from fediverse_node.storage.writer import Writer


@dataclass(frozen=True, slots=True)
class WebContext:
    """Ports and services of one node. `receive` is where requests to inboxes go."""

    config: Config
    world: World
    database: Database
    writer: Writer
    receive: Callable[[Received], Awaitable[Answer]]

    @property
    def names(self) -> Names:
        """How our own URIs are built."""
        return self.world.names


WEB = web.AppKey("web.context", WebContext)
