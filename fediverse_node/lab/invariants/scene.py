"""What all invariants look at: the world, its traffic, whom things had to reach, and what the nodes hold."""

from __future__ import annotations

from functools import cached_property

from fediverse_node.base.clock import to_ms
from fediverse_node.lab.clock import BEGINNING
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.invariants.reach import Reach
from fediverse_node.lab.invariants.traffic import Traffic
from fediverse_node.lab.invariants.views import View, load_view
from fediverse_node.lab.ledger import Ledger
from fediverse_node.lab.logs import Line
from fediverse_node.lab.node import LabNode
from fediverse_node.lab.people import Readable
from fediverse_node.lab.world import World


class Now:
    """One look at the world: `changed` and `lines` are what is new since the last; views are read when asked for."""

    def __init__(self, scene: Scene, changed: list[Exchange], lines: list[Line]) -> None:
        self.changed = changed
        self.lines = lines
        self._nodes = scene.nodes

    @cached_property
    def views(self) -> dict[str, View]:
        """What each running node holds."""
        return {host: load_view(host, node.database) for host, node in self._nodes.items() if node.is_running}


class Scene:
    """Made once for a world, before anything of interest happens."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.traffic = Traffic(world.recording, world.logs)
        self.reach = Reach(self.ledger, self.database_of)
        self._began_ms = to_ms(BEGINNING)
        # Hosts whose clock was ever wrong: what they sign is refused elsewhere, and they refuse what others sign.
        self.skewed: dict[str, float] = {}

    @property
    def ledger(self) -> Ledger:
        """What people said and did."""
        return self.world.ledger

    @property
    def nodes(self) -> dict[str, LabNode]:
        """All nodes, by host."""
        return self.world.nodes

    @property
    def seed(self) -> int | str:
        """The seed of the world."""
        return self.world.seed

    def look(self) -> Now:
        """Take in what is new."""
        for host, node in self.nodes.items():
            if node.clock.skew_s:
                self.skewed[host] = max(self.skewed.get(host, 0.0), abs(node.clock.skew_s))
        return Now(self, self.traffic.take_changed(), self.traffic.take_lines())

    def database_of(self, host: str) -> Readable | None:
        """The database of a node, also while it is down; None where there is no such node."""
        node = self.nodes.get(host)
        return node.database if node is not None else None

    def seconds_of(self, at_ms: float) -> float:
        """A moment of the world's clock as seconds since it began, as logs and histories count."""
        return (at_ms - self._began_ms) / 1000

    def happened(self, host: str, words: tuple[str, ...], *, from_s: float, until_s: float) -> bool:
        """Whether a node went through one of these between two moments."""
        node = self.nodes.get(host)
        return node is not None and any(from_s <= at_s <= until_s and what in words for at_s, what in node.history)

    def disk_was_full(self, host: str, *, from_s: float, until_s: float) -> bool:
        """Whether a node had no room at some moment between the two."""
        node = self.nodes.get(host)
        is_full = False
        for at_s, what in node.history if node is not None else ():
            if at_s > until_s:
                break
            if at_s >= from_s and what in ("disk full", "disk free"):
                return True
            is_full = what == "disk full" if what.startswith("disk") else is_full
        return is_full
