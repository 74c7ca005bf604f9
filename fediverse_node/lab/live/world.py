"""A live world: real nodes on real sockets, spoken to in the same words as simulated ones.

async with live_world() as world:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()

Time is the machine's: a story that waits for days belongs into a simulated world.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

from fediverse_node import __version__
from fediverse_node.base.errors import NodeError
from fediverse_node.lab.app_client import AppClient
from fediverse_node.lab.faults import Faults
from fediverse_node.lab.journal import Journal
from fediverse_node.lab.keys import LabKeys
from fediverse_node.lab.ledger import Ledger
from fediverse_node.lab.live.authority import Authority
from fediverse_node.lab.live.databases import LiveDatabases
from fediverse_node.lab.live.door import Door, DoorEnd
from fediverse_node.lab.live.ends import HttpEnd
from fediverse_node.lab.live.kept import Kept, KeptFolder, KeptPerson
from fediverse_node.lab.live.listeners import LOOPBACK, Listeners, port_of
from fediverse_node.lab.live.network import LiveNetwork, Unrecorded
from fediverse_node.lab.live.node import LiveClock, LiveNode, LiveSurroundings
from fediverse_node.lab.live.proxy import ProxyEnd
from fediverse_node.lab.live.stranger import Outlet, Stranger
from fediverse_node.lab.live.translate import Translator
from fediverse_node.lab.live.wire import AppEnd
from fediverse_node.lab.logs import Logs
from fediverse_node.lab.names import host_of_name
from fediverse_node.lab.people import Person
from fediverse_node.lab.place import place
from fediverse_node.lab.recording import Recording
from fediverse_node.lab.tasks import TaskBook
from fediverse_node.lab.world import NotQuiet
from fediverse_node.signatures.key_source import SystemKeys
from fediverse_node.transport.resolver import Endpoint

QUIET_S = 30.0
_LOOK_S = 0.05
PROXY = "proxy"
# A world may stay up for weeks; so many exchanges are some two hundred megabytes.
_KEPT = 20_000


class LiveWorld:
    """Everything there is. Made by `live_world`, inside a running loop."""

    def __init__(
        self,
        folder: KeptFolder,
        *,
        listeners: Listeners,
        server_url: str | None,
        settings: Mapping[str, str],
        keeps_logs: bool,
    ) -> None:
        loop = asyncio.get_running_loop()
        kept = folder.kept
        self.folder = folder
        self.seed = kept.seed
        self.clock = LiveClock()
        began = self.clock.now().isoformat()
        self.recording = Recording(
            {"seed": self.seed, "version": __version__, "began": began, "mode": "live"}, keeps=_KEPT
        )
        self.faults = Faults(self.seed)
        self.journal = Journal(self.recording, self.clock.now_ms)
        self.logs = Logs(loop.time)
        self._keeps_logs = keeps_logs
        self.ledger = Ledger(self.clock.now_ms)
        self.network = LiveNetwork(self.recording, self.faults, cause_of=self.journal.cause_of)
        self.authority = Authority(folder.path)
        self.nodes: dict[str, LiveNode] = {}
        self.strangers: dict[str, Stranger] = {}
        self.ports: dict[str, int] = {}
        self.password = kept.password
        self._people: dict[str, Person] = {}
        self._tokens: dict[str, str] = {}
        self._listeners = listeners
        self.servers: list[asyncio.Server] = []
        self._unrecorded = Unrecorded(self.network)
        self._translator: Translator | None = None
        self._tls: ssl.SSLContext = self.authority.server_context(self.network.is_known)
        self._trust = self.authority.client_context()
        self._databases = LiveDatabases(folder.path, server_url=server_url, world_id=kept.id)
        # The lab's own keys are known to everybody, and they are few: a world that stays makes its people new ones.
        keys = SystemKeys() if kept.hosts else LabKeys(self.seed)
        self._around = LiveSurroundings(
            network=self.network,
            databases=self._databases,
            keys=keys,
            tasks=TaskBook(loop),
            journal=self.journal,
            folder=folder.path,
            trust=self._trust,
            settings=settings,
        )

    async def begin(self) -> None:
        """Open what belongs to nobody alone, and bring back who was here before."""
        if self._keeps_logs:
            self.logs.attach()
        self.app_wire = await self._listen("apps", lambda: AppEnd(self.network, self.who), tls=True, is_kept=False)
        self._apps = AppClient(self._resolver(self.app_wire), ssl=self._trust)
        await self._listen(PROXY, lambda: self._proxy(lambda: AppEnd(self.network, self.who)))
        await self.open_nodes(self.folder.kept.hosts)
        for person in self.folder.kept.people:
            self._add_person(person)

    async def node(self, name: str) -> LiveNode:
        """The node `alpha` (alpha.test), made and started when it is first asked for."""
        host = host_of_name(name)
        found = self.nodes.get(host)
        if found is None:
            if host in self.strangers:
                raise NodeError(f"{host} is the name of an attached server: attach it under another name")
            door = Door(host, self.network, self._unrecorded, self.translator, self.who)
            await self._listen(host, lambda: DoorEnd(door))
            wire = await self._listen(
                f"wire of {host}", lambda: HttpEnd(self.network, sender=host), tls=True, is_kept=False
            )
            found = LiveNode(host, self._around, wire=wire, resolver=self._resolver(wire))
            await found.start()
            self.nodes[host] = found
            self._translator = None
            if host not in self.folder.kept.hosts:
                self.folder.kept.hosts.append(host)
                self.save()
        return found

    async def open_nodes(self, hosts: Iterable[str]) -> None:
        """Several nodes at once, which is faster than one after the other; they stand in the order of `hosts`."""
        await asyncio.gather(*(self.node(host) for host in list(hosts)))
        self.nodes = {host: self.nodes[host] for host in dict.fromkeys([*hosts, *self.nodes])}
        self.folder.kept.hosts = list(self.nodes)

    async def attach(self, stranger: Stranger) -> Endpoint:
        """An outside server becomes one of this world; returns the proxy by which it reaches the others."""
        if stranger.name in self.network.sites:
            raise NodeError(f"there is a {stranger.name} in this world already: attach it under another name")
        self.strangers[stranger.name] = stranger
        token = place.set(stranger.name)
        try:
            self.network.attach(stranger.name, lambda: Outlet(stranger))
        finally:
            place.reset(token)
        return await self._listen(
            proxy_of(stranger.name), lambda: self._proxy(lambda: HttpEnd(self.network, sender=stranger.name))
        )

    async def person(self, address: str) -> Person:
        """`alice@alpha`, made when she is first asked for, signed in with an app."""
        name, _, at = address.lstrip("@").partition("@")
        host = host_of_name(at or "alpha")
        if f"{name}@{host}" not in self._people:
            node = await self.node(host)
            token = await node.inside(node.sign_up(name, password=self.password))
            person = KeptPerson(name, host, token)
            self.folder.kept.people.append(person)
            self._add_person(person)
            self.save()
        return self._people[f"{name}@{host}"]

    async def people(self, *addresses: str) -> list[Person]:
        """Several at once."""
        return [await self.person(address) for address in addresses]

    def everybody(self) -> Iterable[Person]:
        """All people there are, in order of their coming."""
        return self._people.values()

    def node_of(self, person: Person) -> LiveNode:
        """The node somebody is at home."""
        return self.nodes[person.home.host]

    def who(self, token: str) -> str:
        """The person whose token this is, "" for nobody who was made by this world."""
        return self._tokens.get(token, "") if token else ""

    def url_of(self, host: str) -> str:
        """Where a browser on this machine opens a node."""
        return f"http://{LOOPBACK}:{self.ports[host]}"

    def translator(self) -> Translator:
        """Translates addresses between the world and this machine."""
        if self._translator is None:
            hosts = [*self.nodes, *(host for host in self.folder.kept.hosts if host in self.ports)]
            self._translator = Translator({host: self.ports[host] for host in dict.fromkeys(hosts)})
        return self._translator

    @property
    def now(self) -> datetime:
        """The world's time."""
        return self.clock.now()

    async def wait(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Let time pass, as slowly as it does."""
        await asyncio.sleep(seconds + 60 * minutes + 3600 * hours + 86_400 * days)

    async def quiet(self, *, at_most_s: float = QUIET_S) -> None:
        """Wait until nothing is left to do: nothing under way, to send, to fetch, to verify.

        Raises NotQuiet after `at_most_s`, or at once where the next thing to do is due only later.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + at_most_s
        calm = 0
        while calm < 2:
            left_s = until_s - loop.time()
            if left_s < 0 or self._next_s() > left_s:
                raise NotQuiet(f"after {at_most_s:.0f} s there is still something to do: {self._what_is_left()}")
            await asyncio.sleep(_LOOK_S)
            calm = 0 if self._is_busy() else calm + 1

    def _is_busy(self) -> bool:
        return bool(self.network.under_way) or any(
            node.is_running and node.pending()[0] for node in self.nodes.values()
        )

    def _next_s(self) -> float:
        """How long until the first thing is due; 0 where something is due, or nothing is left."""
        if self.network.under_way:
            return 0.0
        waits = [
            max((next_ms or 0) - node.clock.now_ms(), 0) / 1000
            for node in self.nodes.values()
            if node.is_running
            for number, next_ms in [node.pending()]
            if number
        ]
        return min(waits, default=0.0)

    def _what_is_left(self) -> str:
        left = [f"{node.host}: {node.pending()[0]}" for node in self.nodes.values() if node.pending()[0]]
        return ", ".join([*left, f"{len(self.network.under_way)} requests under way"])

    def save(self) -> None:
        """Write down what is to be there the next time."""
        self.folder.kept.ports.update(self.ports)
        self.folder.save()

    async def end(self, *, keeps: bool) -> None:
        """Stop everything; without `keeps`, nothing is left behind on a database server."""
        for server in self.servers:
            server.close()
        await self._apps.close()
        for node in self.nodes.values():
            await node.close()
        self.network.close()
        self._listeners.close()
        await self._databases.close(keeps=keeps)
        if self._keeps_logs:
            self.logs.detach()
        asyncio.get_running_loop().set_task_factory(None)

    def _add_person(self, kept: KeptPerson) -> None:
        node = self.nodes[kept.host]
        person = Person(
            kept.name,
            node,
            token=kept.token,
            apps=self._apps,
            base_url=f"https://{kept.host}",
            ledger=self.ledger,
        )
        self._people[person.address] = person
        self._tokens[kept.token] = person.address

    async def _listen(
        self, purpose: str, make: Callable[[], asyncio.Protocol], *, tls: bool = False, is_kept: bool = True
    ) -> Endpoint:
        listener: socket.socket = self._listeners.take(purpose)
        server = await asyncio.get_running_loop().create_server(make, sock=listener, ssl=self._tls if tls else None)
        self.servers.append(server)
        if is_kept:
            self.ports[purpose] = port_of(listener)
        return Endpoint(LOOPBACK, port_of(listener))

    def _resolver(self, wire: Endpoint) -> Callable[[str, int], Awaitable[list[Endpoint]]]:
        async def resolve(host: str, port: int) -> list[Endpoint]:
            """Every name of this world leads to the wire; no other name leads anywhere."""
            if not self.network.is_known(host):
                raise socket.gaierror(socket.EAI_NONAME, f"no host {host} in this world")
            return [wire]

        return resolve

    def _proxy(self, new_end: Callable[[], HttpEnd]) -> ProxyEnd:
        return ProxyEnd(self.network, new_end=new_end, context=self._tls)


def proxy_of(stranger: str) -> str:
    """The purpose of a stranger's proxy, as `Listeners` and `LiveWorld.ports` know it."""
    return f"{PROXY} of {stranger}"


@asynccontextmanager
async def live_world(
    folder: Path | None = None,
    *,
    seed: int | str | None = None,
    listeners: Callable[[Kept], Listeners] | None = None,
    server_url: str | None = None,
    settings: Mapping[str, str] | None = None,
    keeps_logs: bool = True,
) -> AsyncIterator[LiveWorld]:
    """A world for the length of the block; what is in `folder` stays, and is there again the next time.

    `keeps_logs` collects all lines of all nodes in memory. `server_url` names a PostgreSQL server that holds the
    databases. Raises NodeError when the world cannot begin.
    """
    with ExitStack() as stack:
        path = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-")))
        entered = stack.enter_context(KeptFolder(path))
        if seed is not None and not entered.kept.hosts:
            entered.kept.seed = str(seed)
        bound = listeners(entered.kept) if listeners is not None else Listeners()
        world = LiveWorld(
            entered, listeners=bound, server_url=server_url, settings=settings or {}, keeps_logs=keeps_logs
        )
        try:
            await world.begin()
            yield world
        finally:
            await world.end(keeps=folder is not None)
