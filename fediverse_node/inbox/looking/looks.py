"""Everything that makes this server look at others by itself: what people open here, and what headers say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fediverse_node.domain.facts import World
from fediverse_node.inbox.gather import Gatherer
from fediverse_node.inbox.looking.featured import Featured
from fediverse_node.inbox.looking.neighbours import Neighbours
from fediverse_node.inbox.looking.second_look import SecondLook
from fediverse_node.inbox.looking.synchronization import FollowersCheck
from fediverse_node.storage.engine import Database
from fediverse_node.storage.writer import Writer
from fediverse_node.transport.dereference import Dereferencer
from fediverse_node.transport.exchange import Http


@dataclass(frozen=True, slots=True)
class Looks:
    """One for each process."""

    featured: Featured
    second: SecondLook
    followers: FollowersCheck
    neighbours: Neighbours

    def profile_opened(self, actor: Mapping[str, Any], *, is_stranger: bool) -> None:
        """Somebody opens a profile; see `Featured.opened`."""
        self.featured.opened(actor, is_stranger=is_stranger)

    def post_opened(self, object_id: int, *, is_stranger: bool) -> None:
        """Somebody reads a post by itself."""
        self.second.opened(object_id, is_stranger=is_stranger)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        await self.featured.profiles.settled()
        await self.second.posts.settled()
        await self.followers.settled()
        await self.neighbours.settled()

    async def close(self) -> None:
        """Stop what is under way."""
        await self.featured.profiles.close()
        await self.second.posts.close()
        await self.followers.close()
        await self.neighbours.close()


def looks_at_others(
    *,
    database: Database,
    writer: Writer,
    world: World,
    gatherer: Gatherer,
    dereferencer: Dereferencer,
    http: Http,
    development: bool,
) -> Looks:
    """All of it, wired."""
    return Looks(
        Featured(database=database, writer=writer, world=world, gatherer=gatherer, dereferencer=dereferencer),
        SecondLook(database=database, writer=writer, world=world, gatherer=gatherer, dereferencer=dereferencer),
        FollowersCheck(database=database, writer=writer, world=world, gatherer=gatherer, dereferencer=dereferencer),
        Neighbours(
            database=database, writer=writer, clock=world.clock, http=http, scheme="http" if development else "https"
        ),
    )
