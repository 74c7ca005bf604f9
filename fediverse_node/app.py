"""Builds a node out of its rooms: the one place that knows them all."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from fediverse_node.base.errors import StorageError
from fediverse_node.core import Core
from fediverse_node.delivery.hosts import StoredHosts
from fediverse_node.delivery.sender import Sender
from fediverse_node.delivery.signing_keys import KeyRing
from fediverse_node.domain.documents import actor_document
from fediverse_node.housekeeping import Housekeeping
from fediverse_node.inbox.complete import Completer
from fediverse_node.inbox.gather import Gatherer
from fediverse_node.inbox.receive import Receiver
from fediverse_node.inbox.staging import Staging
from fediverse_node.inbox.verify import Verifier
from fediverse_node.mastodon_api import routes as client_routes
from fediverse_node.mastodon_api.context import Context
from fediverse_node.outbox.submit import Outbox
from fediverse_node.outbox.verified_links import VerifiedLinks
from fediverse_node.storage.queries.federation_documents import KEYS_OF
from fediverse_node.storage.queries.outbox import PROFILE
from fediverse_node.transport.dereference import Dereferencer
from fediverse_node.transport.exchange import Http
from fediverse_node.transport.jsonld_worker import JsonLdProcessor
from fediverse_node.transport.signed_request import Signer, SigningThreads
from fediverse_node.transport.webfinger_lookup import HandleLookup
from fediverse_node.web import routes as web_routes
from fediverse_node.web.context import WebContext
from fediverse_node.web.local_actors import profile_of

_LARGEST_REQUEST_MARGIN_BYTES = 1_000_000


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
    at_work: dict[bytes, bool] = {}
    receiver = Receiver(
        database=database,
        writer=writer,
        world=world,
        verifier=verifier,
        completer=completer,
        compactor=compactor,
        hosts=hosts,
        at_work=at_work,
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
        at_work=at_work,
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
    app, context = _surfaces(core, outbox=outbox, gatherer=gatherer, receiver=receiver)
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


def _surfaces(core: Core, *, outbox: Outbox, gatherer: Gatherer, receiver: Receiver) -> tuple[web.Application, Context]:
    """What people's apps and other servers talk to."""
    config, world, database, writer = core.config, core.world, core.database, core.writer
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
    return app, context


async def _actor_document(core: Core, actor_id: int) -> dict[str, object] | None:
    row = await core.database.fetch_one(PROFILE, actor_id=actor_id)
    if row is None:
        return None
    names = core.world.names
    published = {key["uri"]: key["public"] for key in await core.database.fetch(KEYS_OF, actor_id=actor_id)}
    rsa, ed25519 = published[names.key(row["uri"])], published.get(names.ed25519_key(row["uri"]))
    return actor_document(profile_of(row, rsa, ed25519), names)
