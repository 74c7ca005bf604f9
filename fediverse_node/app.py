"""Builds a node out of its rooms: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from fediverse_node import __version__
from fediverse_node.base.clock import Clock, SystemClock
from fediverse_node.base.config import Config
from fediverse_node.base.errors import StorageError
from fediverse_node.base.ids import IdFactory
from fediverse_node.base.randomness import Randomness, SystemRandomness
from fediverse_node.delivery.hosts import StoredHosts
from fediverse_node.delivery.sender import Sender
from fediverse_node.delivery.signing_keys import KeyRing
from fediverse_node.domain.documents import actor_document
from fediverse_node.domain.facts import World
from fediverse_node.domain.names import Names
from fediverse_node.housekeeping import EVERY_S, Housekeeping
from fediverse_node.inbox.complete import Completer
from fediverse_node.inbox.gather import Gatherer
from fediverse_node.inbox.receive import Receiver
from fediverse_node.inbox.staging import Staging
from fediverse_node.inbox.verify import Verifier
from fediverse_node.mastodon_api import routes as client_routes
from fediverse_node.mastodon_api.context import Context
from fediverse_node.outbox.registration import Registration
from fediverse_node.outbox.submit import Outbox
from fediverse_node.outbox.verified_links import VerifiedLinks
from fediverse_node.signatures.key_source import KeySource, SystemKeys
from fediverse_node.storage.engine import Database, open_database
from fediverse_node.storage.queries.federation_documents import KEYS_OF
from fediverse_node.storage.queries.inbox import BLOCKED_HOSTS
from fediverse_node.storage.queries.outbox import PROFILE
from fediverse_node.storage.writer import Writer
from fediverse_node.transport.client import Client
from fediverse_node.transport.dereference import Dereferencer
from fediverse_node.transport.exchange import Http
from fediverse_node.transport.jsonld_worker import JsonLdProcessor, JsonLdWorker
from fediverse_node.transport.signed_request import Signer, SigningThreads
from fediverse_node.transport.webfinger_lookup import HandleLookup
from fediverse_node.web import routes as web_routes
from fediverse_node.web.context import WebContext
from fediverse_node.web.local_actors import profile_of

_LARGEST_REQUEST_MARGIN_BYTES = 1_000_000


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
    every_s: float = EVERY_S


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
    writer.blocked_hosts = frozenset(row["host"] for row in await database.fetch(BLOCKED_HOSTS))
    registration = Registration(database=database, writer=writer, world=world, keys=ports.keys)
    return Core(config, world, database, writer, registration, ports)


@dataclass(slots=True)
class Node:
    """A running node; `app` serves it."""

    core: Core
    app: web.Application
    outbox: Outbox
    gatherer: Gatherer
    receiver: Receiver
    sender: Sender
    staging: Staging
    housekeeping: Housekeeping
    http: Http
    threads: SigningThreads
    compactor: JsonLdProcessor
    hosts: StoredHosts
    links: VerifiedLinks

    async def start(self) -> None:
        """Take up work: what is due to be sent, fetched, published."""
        await self.hosts.load(self.core.database)
        await self.sender.start()
        self.staging.start()
        self.housekeeping.start()

    async def stop(self) -> None:
        """Stop in the order in which nothing that was accepted gets lost."""
        await self.housekeeping.stop()
        await self.links.close()
        await self.staging.stop()
        await self.sender.stop()
        await self.hosts.close()
        await self.http.close()
        await self.compactor.close()
        self.threads.close()
        await self.core.close()


async def build(core: Core, *, http: Http | None = None) -> Node:
    """All rooms, wired. `http` stands in for the client that the ports would give."""
    config, ports = core.config, core.ports
    world, database, writer = core.world, core.database, core.writer
    keys = KeyRing(database)
    instance_keys = await keys.keys_of(await core.registration.ensure_instance_actor())
    if instance_keys is None:
        raise StorageError("the keys of this server are missing from the database: restore it from a backup")
    http = http or ports.http(config)
    threads, compactor = SigningThreads(), ports.compactor()
    hosts = StoredHosts(world.clock, writer)
    signer = Signer(http, fetch_keys=instance_keys, memory=hosts, clock=world.clock, threads=threads)
    dereferencer = Dereferencer(signer, compactor=compactor)
    handles = HandleLookup(http, dereferencer, development=config.development)
    gatherer = Gatherer(
        database=database, writer=writer, world=world, dereferencer=dereferencer, handles=handles, hosts=hosts
    )
    verifier = Verifier(database=database, gatherer=gatherer, clock=world.clock, host=config.host)
    completer = Completer(database=database, world=world, gatherer=gatherer, dereferencer=dereferencer)
    receiver = Receiver(
        database=database,
        writer=writer,
        world=world,
        verifier=verifier,
        completer=completer,
        compactor=compactor,
        hosts=hosts,
    )
    staging = Staging(
        database=database,
        writer=writer,
        world=world,
        verifier=verifier,
        completer=completer,
        gatherer=gatherer,
        compactor=compactor,
        longest_sleep_s=ports.longest_sleep_s,
    )
    receiver.on_staged(staging.requests.wake)

    links = VerifiedLinks(database=database, writer=writer, world=world, http=http)
    outbox = Outbox(
        database=database,
        writer=writer,
        world=world,
        find_handle=gatherer.handle,
        actor_document_of=lambda actor_id: _actor_document(core, actor_id),
        links=links,
    )
    app = web.Application(client_max_size=config.media.max_upload_bytes + _LARGEST_REQUEST_MARGIN_BYTES)
    context = Context(
        config=config,
        world=world,
        database=database,
        writer=writer,
        outbox=outbox,
        registration=core.registration,
        find_handle=gatherer.handle,
        find_actor=gatherer.actor,
        find_object=gatherer.object,
    )
    client_routes.setup(app, context)
    web_routes.setup(app, WebContext(config, world, database, writer, receiver.receive))
    sender = Sender(
        database=database,
        writer=writer,
        world=world,
        signer=signer,
        keys=keys,
        longest_sleep_s=ports.longest_sleep_s,
    )
    receiver.on_heard(sender.heard)
    housekeeping = Housekeeping(core.database, writer, world, context, every_s=ports.every_s)
    return Node(
        core, app, outbox, gatherer, receiver, sender, staging, housekeeping, http, threads, compactor, hosts, links
    )


async def _actor_document(core: Core, actor_id: int) -> dict[str, object] | None:
    row = await core.database.fetch_one(PROFILE, actor_id=actor_id)
    if row is None:
        return None
    names = core.world.names
    published = {key["uri"]: key["public"] for key in await core.database.fetch(KEYS_OF, actor_id=actor_id)}
    rsa, ed25519 = published[names.key(row["uri"])], published.get(names.ed25519_key(row["uri"]))
    return actor_document(profile_of(row, rsa, ed25519), names)
