"""Where a scenario is played: a world, and the names that its steps have given to posts."""

from __future__ import annotations

from dataclasses import dataclass, field

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.names import host_of_name
from fediverse_node.lab.node import LabNode
from fediverse_node.lab.people import Person, Post
from fediverse_node.lab.world import World


class Impossible(NodeError):
    """A step cannot be done in the present state; the message says why."""


class Disappointed(NodeError):
    """What a step expects is not so; the message says what is."""


@dataclass
class Stage:
    """What steps act upon."""

    world: World
    posts: dict[str, Post] = field(default_factory=dict)

    async def node(self, name: str) -> LabNode:
        """A node, running or not."""
        return await self.world.node(name)

    async def running(self, name: str) -> LabNode:
        """A node that is up. Raises Impossible."""
        node = await self.world.node(name)
        if not node.is_running:
            raise Impossible(f"{node.name} is down")
        return node

    async def person(self, address: str) -> Person:
        """Somebody whose node is up. Raises Impossible."""
        await self.running(address.partition("@")[2])
        return await self.world.person(address)

    async def named(self, address: str) -> Person:
        """Somebody who is spoken of: their node need not be up, if they are there. Raises Impossible."""
        name, _, node = address.partition("@")
        full = f"{name}@{host_of_name(node)}"
        known = next((person for person in self.world.everybody() if person.address == full), None)
        return known or await self.person(address)

    async def all_named(self, addresses: tuple[str, ...]) -> list[Person]:
        """Several who are spoken of."""
        return [await self.named(address) for address in addresses]

    def post(self, label: str) -> Post:
        """What was said under that name. Raises Impossible."""
        found = self.posts.get(label)
        if found is None:
            raise Impossible(f"{label} was never posted")
        return found

    def name_post(self, label: str, post: Post) -> None:
        """Let later steps speak of it."""
        if label:
            self.posts[label] = post

    def troubles(self) -> list[str]:
        """What keeps this world from being whole: nodes that are down or have no room, wrong clocks, faults."""
        world = self.world
        found = [f"{node.name} is down" for node in world.nodes.values() if not node.is_running]
        found += [f"the clock of {node.name} is wrong" for node in world.nodes.values() if node.clock.skew_s]
        found += [f"the disk of {node.name} is full" for node in world.nodes.values() if node.is_disk_full]
        if any(rule.until_s > world.time_s for rule in world.faults.rules):
            found.append("the network is not healed")
        return found
