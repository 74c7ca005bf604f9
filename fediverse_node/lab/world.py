"""A simulated world: nodes, people, a clock, a network, and everything that happened on it.

async def story(world: World) -> None:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    post = await alice.posts("hello")
    await world.quiet()
    assert ben.sees(post)

simulate(story, seed=1)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from aiohttp import web

from fediverse_node import __version__
from fediverse_node.base.errors import NodeError
from fediverse_node.base.outcome import Fail
from fediverse_node.base.randomness import SeededRandomness
from fediverse_node.lab.app_client import AppClient
from fediverse_node.lab.clock import LabClock
from fediverse_node.lab.databases import Databases, SqliteFiles
from fediverse_node.lab.faults import Faults
from fediverse_node.lab.journal import Journal
from fediverse_node.lab.keys import LabKeys
from fediverse_node.lab.ledger import Ledger
from fediverse_node.lab.logs import Logs
from fediverse_node.lab.loop import VirtualLoop
from fediverse_node.lab.names import host_of_name
from fediverse_node.lab.network import Network
from fediverse_node.lab.node import LabNode, Surroundings
from fediverse_node.lab.people import Person, Post
from fediverse_node.lab.personas import PERSONAS
from fediverse_node.lab.personas.persona import Persona
from fediverse_node.lab.recording import Recording
from fediverse_node.lab.stranger import Stranger
from fediverse_node.lab.tasks import TaskBook
from fediverse_node.lab.why.explain import explain
from fediverse_node.storage.inline import InlineDatabase

T = TypeVar("T")
_SCOPES = "read write follow push"
_LOOK_S = 0.05
_CALM_S = 1.0
LONGEST_S = 30 * 86_400.0


class LooksAfter(Protocol):
    """Holds a world to what must always hold (`lab.invariants`). Both methods raise `Broken`."""

    def after_step(self) -> None:
        """Look in the middle of things."""
        ...

    def at_quiet(self) -> None:
        """Look when nothing is left to do."""
        ...


class NotQuiet(NodeError):
    """There was still something to do when the time was over."""


class World:
    """Everything there is. Made by `simulate`, inside its loop."""

    def __init__(
        self, loop: VirtualLoop, *, seed: int | str, databases: Databases, folder: Path, settings: Mapping[str, str]
    ) -> None:
        self.seed = seed
        # Who runs it, where that is not the story itself: a test runner.
        self.simulation: Simulation | None = None
        # What holds it to the invariants, where somebody has set one.
        self.checker: LooksAfter | None = None
        self.clock = LabClock(loop)
        self.recording = Recording({"seed": seed, "version": __version__, "began": self.clock.now().isoformat()})
        self.faults = Faults(str(seed))
        self.journal = Journal(self.recording, self.clock.now_ms)
        self.logs = Logs(loop.time)
        self.ledger = Ledger(self.clock.now_ms)
        self.nodes: dict[str, LabNode] = {}
        self.strangers: dict[str, Stranger] = {}
        self.network = Network(
            loop,
            recording=self.recording,
            faults=self.faults,
            seed=f"{seed}/network",
            now_ms=self.clock.now_ms,
            cause_of=self.journal.cause_of,
        )
        loop.connect_by(self.network)
        self._loop = loop
        self._people: dict[str, Person] = {}
        self._settings = settings
        self._apps = AppClient(self.network.resolve)
        tasks = TaskBook(loop)
        self._around = Surroundings(
            loop, self.network, databases, LabKeys(seed), tasks, self.journal, folder, str(seed)
        )

    async def node(self, name: str) -> LabNode:
        """The node `alpha` (alpha.test), made and started when it is first asked for."""
        host = host_of_name(name)
        found = self.nodes.get(host)
        if found is None:
            found = self.nodes[host] = LabNode(host, self._around, self._settings)
            await found.start()
        return found

    async def attach(self, host: str, app: Callable[[Stranger], web.Application] | web.Application) -> Stranger:
        """A server that is none of ours answers as `host`: an aiohttp application, or what makes one of its ports."""
        stranger = self.strangers[host] = Stranger(host, self.network, self.clock)
        await stranger.start(app if isinstance(app, web.Application) else app(stranger))
        return stranger

    async def persona(self, software: str, host: str | None = None) -> Persona:
        """A stand-in for another software (`personas.PERSONAS`), at `mastodon.test` if nothing else is said."""
        host = host_of_name(host or software)
        if software not in PERSONAS:
            raise NodeError(f"there is no persona {software!r}: there are {', '.join(sorted(PERSONAS))}")
        made: list[Persona] = []

        def app(stranger: Stranger) -> web.Application:
            made.append(
                PERSONAS[software](
                    origin=f"https://{host}",
                    clock=self.clock,
                    randomness=SeededRandomness(f"{self.seed}/{host}"),
                    http=stranger.http,
                    keys=self._around.keys.new_rsa,
                )
            )
            return made[0].app()

        await self.attach(host, app)
        return made[0]

    async def group(self, address: str) -> Person:
        """`boats@alpha`: a group of its own, and whoever signs in as it."""
        return await self.person(address, type_="Group")

    async def person(self, address: str, *, type_: str = "Person") -> Person:
        """`alice@alpha`, made when she is first asked for, signed in with an app."""
        name, _, at = address.lstrip("@").partition("@")
        host = host_of_name(at or "alpha")
        full = f"{name}@{host}"
        if full not in self._people:
            node = await self.node(host)
            token = await node.inside(_sign_up(node, name, type_))
            self._people[full] = Person(
                name, node, token=token, apps=self._apps, base_url=f"https://{host}", ledger=self.ledger
            )
        return self._people[full]

    async def people(self, *addresses: str) -> list[Person]:
        """Several at once."""
        return [await self.person(address) for address in addresses]

    def everybody(self) -> Iterable[Person]:
        """All people there are, in order of their coming."""
        return self._people.values()

    def node_of(self, person: Person) -> LabNode:
        """The node somebody is at home."""
        return self.nodes[person.home.host]

    def looks(self) -> dict[str, Callable[[], InlineDatabase]]:
        """A way to look into each node's database, by host."""
        return {host: lambda node=node: node.database for host, node in self.nodes.items()}  # type: ignore[misc]

    def why(self, post: Post, host: str) -> str:
        """Why a post did not reach a host (`beta` or its full name), in plain words."""
        return explain(post.uri, host_of_name(host), self.recording, self.looks()).text()

    @property
    def is_whole(self) -> bool:
        """Whether all nodes run, their clocks are right and nothing goes wrong between them."""
        nodes = self.nodes.values()
        return not self.faults.rules and all(node.is_running and not node.clock.skew_s for node in nodes)

    @property
    def now(self) -> datetime:
        """The world's time."""
        return self.clock.now()

    @property
    def time_s(self) -> float:
        """Seconds since this world began."""
        return self._loop.time()

    async def move(self, old: Person, new: Person) -> None:
        """Somebody goes on as `new`, who first names the old account. Raises NodeError when a node says no."""
        with self.ledger.doing(old.address, "moves", new.address):
            await self.node_of(new).add_alias(new.name, old.uri)
            await self.node_of(old).move(old.name, new.uri)

    async def wait(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds + 60 * minutes + 3600 * hours + 86_400 * days)

    async def quiet(self, *, at_most_s: float = LONGEST_S) -> None:
        """Let time pass until nothing is left to do: nothing under way, to send, to fetch, to verify.

        Raises NotQuiet after `at_most_s` of the world's time.
        """
        until_s = self._loop.time() + at_most_s
        calm = 0
        while calm < 2:
            if self._loop.time() > until_s:
                raise NotQuiet(f"after {at_most_s:.0f} s there is still something to do: {self._what_is_left()}")
            pause_s = self._pause_s(until_s)
            calm = calm + 1 if pause_s is None else 0
            await asyncio.sleep(_CALM_S if pause_s is None else pause_s)

    def _pause_s(self, until_s: float) -> float | None:
        """How long to wait before looking again; None if there is nothing to wait for."""
        if self.network.under_way:
            # A request may be hours late: until then nothing happens but what has a time of its own.
            return max(self._loop.until_next_s(), _LOOK_S)
        due_s = []
        for node in self.nodes.values():
            number, next_ms = node.pending()
            if number and node.is_running:
                now_ms = node.clock.now_ms()
                due_s.append(max((next_ms or now_ms) - now_ms, 0) / 1000)
        return min(min(due_s) + _LOOK_S, max(until_s - self._loop.time(), _LOOK_S)) if due_s else None

    def _what_is_left(self) -> str:
        left = [f"{node.host}: {node.pending()[0]}" for node in self.nodes.values() if node.pending()[0]]
        return ", ".join([*left, f"{len(self.network.under_way)} requests under way"])

    async def end(self) -> None:
        """Stop all nodes."""
        await self._apps.close()
        for stranger in self.strangers.values():
            await stranger.stop()
        for node in self.nodes.values():
            if node.is_running:
                await node.stop()
            elif node is not None:
                node.database.break_off()


async def _sign_up(node: LabNode, name: str, type_: str) -> str:
    registration = node.node.core.registration
    made = await registration.create(name, f"{name}@{node.host}", reserved_allowed=True, type_=type_)
    if isinstance(made, Fail):
        raise NodeError(f"{name}@{node.host} could not be made: {made}")
    return await registration.token(made.user_id, _SCOPES)


class Simulation:
    """A world with the loop in which it lives. What is done in it is done by `run`.

    Not while another event loop is running in this thread.
    """

    def __init__(
        self,
        *,
        seed: int | str = 0,
        databases: Databases | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._files = SqliteFiles()
        self._databases = databases or self._files
        self._loop = VirtualLoop()
        self._loop.set_exception_handler(_tell)
        self.world = World(
            self._loop, seed=seed, databases=self._databases, folder=self._files.folder, settings=settings or {}
        )
        self.world.logs.attach()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do this in the world, in as much of its time as it takes; returns or raises what it does."""
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        """Stop the nodes and remove what they have written."""
        try:
            self.run(self.world.end())
        finally:
            self.world.logs.detach()
            self._loop.close()
            self._databases.close()
            self._files.close()

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def simulate(
    story: Callable[[World], Coroutine[Any, Any, T]],
    *,
    seed: int | str = 0,
    databases: Databases | None = None,
    settings: Mapping[str, str] | None = None,
) -> T:
    """Run a story in a world of its own; returns what it returns."""
    with Simulation(seed=seed, databases=databases, settings=settings) as simulation:
        return simulation.run(story(simulation.world))


def _tell(loop: asyncio.AbstractEventLoop, what: dict[str, Any]) -> None:
    """What nobody awaited is a line in the log of the node it happened in; of a world that is over, nobody's."""
    if loop.is_closed():
        return
    logging.getLogger("fediverse_node.lab").error("unheard: %s", what.get("message"), exc_info=what.get("exception"))
