"""What a node is made of before it serves: what it gets from outside, its database, and the one writer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fediverse_node import __version__
from fediverse_node.base.clock import Clock, SystemClock
from fediverse_node.base.config import Config
from fediverse_node.base.ids import IdFactory
from fediverse_node.base.randomness import Randomness, SystemRandomness
from fediverse_node.domain.facts import World
from fediverse_node.domain.names import Names
from fediverse_node.outbox.domain_desk import load_policy
from fediverse_node.outbox.registration import Registration
from fediverse_node.signatures.key_source import KeySource, SystemKeys
from fediverse_node.storage.engine import Database, open_database
from fediverse_node.storage.writer import Writer
from fediverse_node.transport.client import Client
from fediverse_node.transport.exchange import Http
from fediverse_node.transport.jsonld_worker import JsonLdProcessor, JsonLdWorker

# How often housekeeping looks for what another process may have left.
_EVERY_S = 15.0


def _internet(config: Config) -> Http:
    return Client(base_url=config.base_url, version=__version__, development=config.development)


@dataclass(frozen=True, slots=True)
class Ports:
    """What a node gets from outside. The defaults are this machine; a simulated world gives its own.

    `longest_sleep_s` is how long work that another process left in the database may lie unseen, `every_s` how often
    housekeeping looks: a world with one process to a database has no need to look at all.
    """

    clock: Clock = field(default_factory=SystemClock)
    randomness: Randomness = field(default_factory=SystemRandomness)
    keys: KeySource = field(default_factory=SystemKeys)
    database: Callable[[str], Awaitable[Database]] = open_database
    http: Callable[[Config], Http] = _internet
    compactor: Callable[[], JsonLdProcessor] = JsonLdWorker
    longest_sleep_s: float = 30.0
    every_s: float = _EVERY_S


@dataclass(frozen=True, slots=True)
class Core:
    """What every command needs: configuration, ports, database, writer."""

    config: Config
    world: World
    database: Database
    writer: Writer
    registration: Registration
    ports: Ports

    async def close(self) -> None:
        """Commit what waits and let go of the database."""
        await self.writer.drain()
        await self.database.close()


async def open_core(config: Config, ports: Ports | None = None) -> Core:
    """Open the database of a node. It must have been migrated."""
    ports = ports or Ports()
    clock, randomness = ports.clock, ports.randomness
    world = World(clock, IdFactory(clock, randomness), randomness, Names(config.base_url, config.host))
    database = await ports.database(config.database_url)
    writer = Writer(database, world)
    writer.domains = await load_policy(database, config)
    registration = Registration(database=database, writer=writer, world=world, keys=ports.keys)
    return Core(config, world, database, writer, registration, ports)
