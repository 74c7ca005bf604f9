"""The network of a live world: who is there, what passes between them, and a record of it.

The bytes come from real sockets; from there on they take the way of simulated worlds (`lab.connection`), at the speed
of this machine. Faults apply between servers, nodes and strangers alike, never to people and their apps.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass, field

from fediverse_node.lab.connection import Connection
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.faults import Draw, Faults
from fediverse_node.lab.framing import Framed
from fediverse_node.lab.live.causes import Causes
from fediverse_node.lab.place import place
from fediverse_node.lab.recording import Recording


@dataclass
class LiveSite:
    """A host of the world. `serve` makes the protocol of a new connection; None while it is down."""

    host: str
    serve: Callable[[], asyncio.Protocol] | None = None
    context: Context | None = None
    is_stranger: bool = False


@dataclass(eq=False)
class LiveNetwork:
    """What connections ask of the network; see `connection.Way`."""

    recording: Recording
    faults: Faults
    # Which exchange made a host send an activity: `Journal.cause_of`.
    cause_of: Callable[[str, str], int | None]
    causes: Causes = field(default_factory=Causes)
    under_way: set[int] = field(default_factory=set)
    sites: dict[str, LiveSite] = field(default_factory=dict)
    # Whoever looks at each exchange as it is recorded.
    watchers: list[Callable[[Exchange], None]] = field(default_factory=list)
    _connections: dict[Connection, None] = field(default_factory=dict)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def __post_init__(self) -> None:
        self._began_s = self.loop.time()

    def attach(self, host: str, serve: Callable[[], asyncio.Protocol], context: Context | None = None) -> LiveSite:
        """The host answers from now on."""
        site = self.sites.setdefault(host, LiveSite(host))
        site.serve, site.context = serve, context or copy_context()
        return site

    def detach(self, host: str) -> None:
        """The host is down."""
        if host in self.sites:
            self.sites[host].serve = None

    def is_known(self, host: str) -> bool:
        """Whether somebody of this world has this name."""
        return host in self.sites

    def connect(self, protocol: asyncio.Protocol, site: LiveSite, extra: Mapping[str, object]) -> Connection:
        """A connection to a host, opened by `place`."""
        connection = Connection(self, site, protocol, extra)
        self._connections[connection] = None
        return connection

    def remember(self, connection: Connection) -> None:
        """This one is open, or something is under way on it still."""
        self._connections[connection] = None

    def forget(self, connection: Connection) -> None:
        """This one is closed."""
        self._connections.pop(connection, None)

    def break_off(self, host: str) -> None:
        """The host has crashed: all its connections end."""
        for connection in list(self._connections):
            connection.break_off(host)

    def begin(self, receiver: str, framed: Framed) -> tuple[Exchange, list[Draw]]:
        """Record a request that has come out of a socket, and draw what happens to it."""
        sender, message = place.get(), framed.message
        url = url_of(framed, receiver)
        method = message.start.partition(" ")[0]
        exchange = Exchange(
            number=self.recording.next_number,
            at_ms=self.now_ms(),
            sender=sender,
            receiver=receiver,
            url=url,
            request=message,
            cause=self.causes.find(sender, method, url, message.headers),
        )
        if exchange.cause is None and method == "POST":
            exchange.cause = self.cause_of(sender, exchange.activity.id)
        self._tell_cause(exchange)
        draws: list[Draw] = []
        if sender in self.sites:
            draws = self.faults.draw(sender, receiver, method, now_s=self.now_s())
            exchange.fault = "; ".join(draw.rule.sentence for draw in draws)
        for watcher in self.watchers:
            watcher(exchange)
        self.recording.begin(exchange)
        return exchange, draws

    def _tell_cause(self, exchange: Exchange) -> None:
        causing = self.recording.find(exchange.cause) if exchange.cause is not None else None
        if causing is not None:
            causing.sent.append(exchange.number)
            self.recording.tell(causing)

    def close(self) -> None:
        """End all connections."""
        for connection in list(self._connections):
            connection.client.abort()

    def now_s(self) -> float:
        """Seconds since the world began: what the times of rules mean."""
        return self.loop.time() - self._began_s

    def now_ms(self) -> int:
        """The machine's clock."""
        return time.time_ns() // 1_000_000

    def way_s(self, one: str, other: str) -> float:
        """Nothing is added to the speed of this machine."""
        return 0.0

    def is_parted(self, one: str, other: str) -> bool:
        """Whether nothing passes between these two now."""
        return self.faults.is_parted(one, other, self.now_s())


@dataclass(eq=False)
class Unrecorded:
    """The way of requests that nobody will ask about: pages and timelines that people read."""

    network: LiveNetwork
    recording: Recording = field(default_factory=Recording)
    under_way: set[int] = field(default_factory=set)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def connect(self, protocol: asyncio.Protocol, site: LiveSite, extra: Mapping[str, object]) -> Connection:
        """A connection to a host."""
        return Connection(self, site, protocol, extra)

    def remember(self, connection: Connection) -> None:
        """Nothing is remembered."""

    def forget(self, connection: Connection) -> None:
        """Nothing is remembered."""

    def begin(self, receiver: str, framed: Framed) -> tuple[Exchange, list[Draw]]:
        """An exchange with the number 0, which is none."""
        url = url_of(framed, receiver)
        return Exchange(0, self.now_ms(), place.get(), receiver, url, framed.message), []

    def now_ms(self) -> int:
        """The machine's clock."""
        return self.network.now_ms()

    def way_s(self, one: str, other: str) -> float:
        """Nothing is added."""
        return 0.0

    def is_parted(self, one: str, other: str) -> bool:
        """Never: people sit before their node."""
        return False


def url_of(framed: Framed, receiver: str) -> str:
    """The address that was asked."""
    message = framed.message
    return f"https://{message.header('host') or receiver}{message.start.split(' ')[1]}"
