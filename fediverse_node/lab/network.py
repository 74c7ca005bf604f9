"""The simulated network of a world: hosts with names and addresses, connections between them, and a record of it all.

What passes is the HTTP/1.1 that the real client and the real server write. Each request is held until it is whole,
recorded, and sent on after the way's delay and whatever the faults make of it; so is each answer. TLS is left out:
both ends are told that the connection has it.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from fediverse_node.lab.connection import Connection
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.faults import Draw, FaultKind, Faults, fraction_of
from fediverse_node.lab.framing import Framed
from fediverse_node.lab.place import cause, place
from fediverse_node.lab.recording import Recording
from fediverse_node.lab.transports import MemoryTransport

_NEAREST_S = 0.005
_FARTHEST_S = 0.040
HTTPS = 443


@dataclass
class Site:
    """A host of this network. `serve` makes the protocol of a new connection; None while the host is down."""

    host: str
    address: str
    serve: Callable[[], asyncio.Protocol] | None = None
    context: Context | None = None


class Network:
    """Finds hosts, opens connections, records exchanges, applies faults."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        recording: Recording,
        faults: Faults,
        seed: str,
        now_ms: Callable[[], int],
        cause_of: Callable[[str, str], int | None],
    ) -> None:
        self.loop = loop
        self.recording = recording
        self.faults = faults
        self.under_way: set[int] = set()
        self._seed = seed
        self.now_ms = now_ms
        self._cause_of = cause_of
        self._sites: dict[str, Site] = {}
        self._by_address: dict[str, Site] = {}
        self._connections: dict[Connection, None] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        # Whoever looks at each exchange as it is recorded: links to what caused it, leaks.
        self.watchers: list[Callable[[Exchange], None]] = []

    def attach(self, host: str, serve: Callable[[], asyncio.Protocol], context: Context) -> None:
        """The host answers from now on."""
        site = self._site(host)
        site.serve, site.context = serve, context

    def detach(self, host: str) -> None:
        """The host is down: calls are refused."""
        self._site(host).serve = None

    def site_of(self, host: str) -> Site | None:
        """The host with this name."""
        return self._sites.get(host)

    def is_node(self, host: str) -> bool:
        """Whether faults apply to it: people's own apps are not on the network between servers."""
        return host in self._sites

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a name. Raises OSError for one that nobody has."""
        site = self._sites.get(host)
        if site is None:
            raise socket.gaierror(socket.EAI_NONAME, f"no host {host} in this world")
        return [site.address]

    async def open(self, address: tuple[str, int]) -> None:
        """Call an address: refused where the host is down, never answered across a partition."""
        site = self._by_address.get(address[0])
        here = place.get()
        if site is None or address[1] != HTTPS:
            raise ConnectionRefusedError(f"nobody listens on {address[0]}:{address[1]}")
        await asyncio.sleep(self.way_s(here, site.host))
        if self.faults.is_parted(here, site.host, self.loop.time()):
            self.faults.happened[FaultKind.PARTITION] += 1
            await self.loop.create_future()  # until the caller has had enough
        if site.serve is None:
            raise ConnectionRefusedError(f"{site.host} is down")

    def connect(
        self, protocol: asyncio.Protocol, address: tuple[str, int], extra: Mapping[str, Any]
    ) -> MemoryTransport:
        """A connection to a host that has answered."""
        connection = Connection(self, self._by_address[address[0]], protocol, extra)
        self._connections[connection] = None
        return connection.client

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
        """Record a request that has just been written, and draw what happens to it."""
        sender, message = place.get(), framed.message
        exchange = Exchange(
            number=self.recording.next_number,
            at_ms=self.now_ms(),
            sender=sender,
            receiver=receiver,
            url=f"https://{message.header('host') or receiver}{message.start.split(' ')[1]}",
            request=message,
            cause=cause.get(),
        )
        if exchange.cause is None and exchange.method == "POST":
            exchange.cause = self._cause_of(sender, exchange.activity.id)
        self._tell_cause(exchange)
        draws: list[Draw] = []
        if self.is_node(sender):
            draws = self.faults.draw(sender, receiver, exchange.method, now_s=self.loop.time())
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

    def way_s(self, one: str, other: str) -> float:
        """How long a message is under way, drawn anew each time."""
        if one == other:
            return _NEAREST_S
        # Each way by itself: what others send does not make this one slower.
        self._counts[one, other] += 1
        return _NEAREST_S + (_FARTHEST_S - _NEAREST_S) * fraction_of(
            f"{self._seed}/{one}/{other}/{self._counts[one, other]}"
        )

    def is_parted(self, one: str, other: str) -> bool:
        """Whether nothing passes between these two now."""
        return self.faults.is_parted(one, other, self.loop.time())

    def _site(self, host: str) -> Site:
        site = self._sites.get(host)
        if site is None:
            number = len(self._sites) + 1
            # Public addresses, as far as the guard of the real client can tell.
            site = Site(host, f"5.0.{number >> 8}.{number & 255}")
            self._sites[host] = self._by_address[site.address] = site
        return site
