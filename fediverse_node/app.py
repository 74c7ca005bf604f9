"""Builds a node out of its rooms: the one place that knows them all."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from fediverse_node.base.errors import StorageError
from fediverse_node.core import Core
from fediverse_node.delivery.hosts import StoredHosts
from fediverse_node.delivery.personal_fetch import PersonalFetch
from fediverse_node.delivery.sender import Sender
from fediverse_node.delivery.signing_keys import KeyRing
from fediverse_node.domain.documents import actor_document
from fediverse_node.errands import Errands
from fediverse_node.housekeeping import Housekeeping
from fediverse_node.inbox.authenticate import Authenticator
from fediverse_node.inbox.complete import Completer
from fediverse_node.inbox.fetch_signature import FetchSignatures
from fediverse_node.inbox.gather import Gatherer
from fediverse_node.inbox.hearsay import Hearsay
from fediverse_node.inbox.link_previews import LinkPreviews
from fediverse_node.inbox.looking.looks import Looks, looks_at_others
from fediverse_node.inbox.moves import Moves
from fediverse_node.inbox.receive import Receiver
from fediverse_node.inbox.staging import Staging
from fediverse_node.inbox.stamps import Stamps
from fediverse_node.inbox.verify import Verifier
from fediverse_node.inbox.vouching import Voucher
from fediverse_node.inbox.walking.manners import Manners
from fediverse_node.inbox.walking.readers import Readers
from fediverse_node.inbox.walking.walk import Ports as WalkPorts
from fediverse_node.inbox.walking.walker import Walker
from fediverse_node.inbox.wrapped import Wrapped
from fediverse_node.mastodon_api import client_documents
from fediverse_node.mastodon_api import routes as client_routes
from fediverse_node.mastodon_api.bearers import bearers_of
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.fragments import forget_renderings
from fediverse_node.mastodon_api.pushing import PushSender
from fediverse_node.mastodon_api.routing import SURFACE
from fediverse_node.mastodon_api.sessions import load_signed_in
from fediverse_node.outbox.client_activities.desk import ClientDesk
from fediverse_node.outbox.client_activities.ports import Ports as ClientPorts
from fediverse_node.outbox.domain_desk import DomainDesk
from fediverse_node.outbox.mailing.post_office import PostOffice
from fediverse_node.outbox.submit import Outbox
from fediverse_node.outbox.verified_links import VerifiedLinks
from fediverse_node.storage.queries.federation_documents import KEYS_OF
from fediverse_node.storage.queries.outbox import PROFILE
from fediverse_node.transport.dereference import Dereferencer
from fediverse_node.transport.exchange import Http
from fediverse_node.transport.jsonld_worker import JsonLdProcessor
from fediverse_node.transport.mail import carrier_of
from fediverse_node.transport.policed import PolicedHttp
from fediverse_node.transport.signed_request import Signer, SigningKeys, SigningThreads
from fediverse_node.transport.webfinger_lookup import HandleLookup
from fediverse_node.web import routes as web_routes
from fediverse_node.web.context import WebContext
from fediverse_node.web.local_actors import keys_of_rows, profile_of

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
    errands: Errands
    http: Http
    threads: SigningThreads
    compactor: JsonLdProcessor
    hosts: StoredHosts
    links: VerifiedLinks
    previews: LinkPreviews
    walker: Walker
    readers: Readers
    desk: DomainDesk
    looks: Looks
    push: PushSender
    post_office: PostOffice

    async def start(self) -> None:
        """Take up work: what is due to be sent, fetched, published."""
        await self.hosts.load(self.core.database)
        await self.sender.start()
        self.staging.start()
        self.walker.start()
        self.errands.start()
        self.housekeeping.start()
        self.push.start()
        self.post_office.start()
        if self.core.config.link_previews:
            self.previews.start()

    async def stop(self) -> None:
        """Stop in the order in which nothing that was accepted gets lost: first what commits, then what hears of it."""
        await self.housekeeping.stop()
        await self.errands.stop()
        await self.links.close()
        await self.walker.stop()
        await self.staging.stop()
        await self.sender.stop()
        await self.looks.close()
        await self.readers.close()
        await self.previews.stop()
        await self.push.stop()
        await self.post_office.stop()
        await self.hosts.close()
        await self.http.close()
        await self.compactor.close()
        self.threads.close()
        await self.core.close()


async def build(core: Core, *, http: Http | None = None) -> Node:
    """All rooms, wired. `http` stands in for the client that the ports would give."""
    config, ports = core.config, core.ports
    world, database, writer = core.world, core.database, core.writer
    keys = KeyRing(database, world.clock)
    instance_keys = await _instance_keys(core, keys)
    http = PolicedHttp(http or ports.http(config), lambda url: writer.domains.refuses(url))
    threads, compactor = SigningThreads(), ports.compactor()
    hosts = StoredHosts(world.clock, writer)
    signer = Signer(http, fetch_keys=instance_keys, memory=hosts, clock=world.clock, threads=threads)
    dereferencer = Dereferencer(signer, compactor=compactor)
    gatherer = _gathering(core, dereferencer, http, hosts)
    verifier = Verifier(database=database, gatherer=gatherer, clock=world.clock, host=config.host)
    looks = _looking(core, gatherer, dereferencer, http)
    receiver, staging = _inbox(
        core,
        verifier=verifier,
        gatherer=gatherer,
        dereferencer=dereferencer,
        compactor=compactor,
        hosts=hosts,
        looks=looks,
    )
    receiver.on_synchronization(looks.followers.hear)

    links = VerifiedLinks(database=database, writer=writer, world=world, http=http)
    outbox = _outbox(core, gatherer, links)
    walker, readers = _walking(core, gatherer, dereferencer)
    desk = DomainDesk(database=database, writer=writer, world=world, config=config, http=http)
    app, context = _surfaces(
        core,
        desk=desk,
        post_office=(post_office := _posting(core)),
        outbox=outbox,
        gatherer=gatherer,
        receiver=receiver,
        readers=readers,
        looks=looks,
        verifier=verifier,
        keys=keys,
        signer=signer,
        compactor=compactor,
    )
    sender = _sending(core, signer, keys)
    receiver.on_heard(sender.heard)
    housekeeping = Housekeeping(database, writer, world, context, desk, every_s=ports.every_s)
    housekeeping.each_hour(looks.neighbours.soon)
    return Node(
        core,
        app,
        outbox,
        gatherer,
        receiver,
        sender,
        staging,
        housekeeping,
        Errands(database, writer, world, longest_sleep_s=ports.longest_sleep_s),
        http,
        threads,
        compactor,
        hosts,
        links,
        _previewing(core, http),
        walker,
        readers,
        desk,
        looks,
        PushSender(context, http, longest_sleep_s=ports.longest_sleep_s),
        post_office,
    )


async def _instance_keys(core: Core, keys: KeyRing) -> SigningKeys:
    """Those with which this server signs what it asks of others."""
    found = await keys.keys_of(await core.registration.ensure_instance_actor())
    if found is None:
        raise StorageError("the keys of this server are missing from the database: restore it from a backup")
    return found


def _gathering(core: Core, dereferencer: Dereferencer, http: Http, hosts: StoredHosts) -> Gatherer:
    """What brings others' documents into the database."""
    return Gatherer(
        database=core.database,
        writer=core.writer,
        world=core.world,
        dereferencer=dereferencer,
        handles=HandleLookup(http, dereferencer, development=core.config.development),
        hosts=hosts,
    )


def _previewing(core: Core, http: Http) -> LinkPreviews:
    """What makes cards of links."""
    return LinkPreviews(
        database=core.database,
        writer=core.writer,
        world=core.world,
        http=http,
        longest_sleep_s=core.ports.longest_sleep_s,
    )


def _posting(core: Core) -> PostOffice:
    """What sends letters."""
    return PostOffice(
        database=core.database,
        writer=core.writer,
        world=core.world,
        carrier=carrier_of(core.config),
        longest_sleep_s=core.ports.longest_sleep_s,
    )


def _sending(core: Core, signer: Signer, keys: KeyRing) -> Sender:
    """What brings activities to other servers."""
    return Sender(
        database=core.database,
        writer=core.writer,
        world=core.world,
        signer=signer,
        keys=keys,
        longest_sleep_s=core.ports.longest_sleep_s,
    )


def _looking(core: Core, gatherer: Gatherer, dereferencer: Dereferencer, http: Http) -> Looks:
    """What looks at other servers by itself."""
    return looks_at_others(
        database=core.database,
        writer=core.writer,
        world=core.world,
        gatherer=gatherer,
        dereferencer=dereferencer,
        http=http,
        development=core.config.development,
    )


def _outbox(core: Core, gatherer: Gatherer, links: VerifiedLinks) -> Outbox:
    """Where people here act."""
    return Outbox(
        database=core.database,
        writer=core.writer,
        world=core.world,
        find_handle=gatherer.handle,
        actor_document_of=lambda actor_id: load_actor_document(core, actor_id),
        links=links,
    )


def _walking(core: Core, gatherer: Gatherer, dereferencer: Dereferencer) -> tuple[Walker, Readers]:
    """Who makes threads whole, and who asks for it."""
    ports = WalkPorts(core.database, core.writer, core.world, gatherer, dereferencer, Manners())
    walker = Walker(ports, longest_sleep_s=core.ports.longest_sleep_s)
    return walker, Readers(core.writer, core.world.clock, walker.wake)


def _inbox(
    core: Core,
    *,
    verifier: Verifier,
    gatherer: Gatherer,
    dereferencer: Dereferencer,
    compactor: JsonLdProcessor,
    hosts: StoredHosts,
    looks: Looks,
) -> tuple[Receiver, Staging]:
    """What takes in what others send, at once or when the network has answered."""
    world, database, writer = core.world, core.database, core.writer
    voucher = Voucher(verifier=verifier, processor=compactor)
    hearsay = Hearsay(database=database, writer=writer, world=world, gatherer=gatherer, dereferencer=dereferencer)
    authenticator = Authenticator(
        verifier=verifier, voucher=voucher, hearsay=hearsay, compactor=compactor, clock=world.clock
    )
    wrapped = Wrapped(
        database=database, writer=writer, world=world, voucher=voucher, hearsay=hearsay, compactor=compactor
    )
    completer = Completer(
        database=database,
        world=world,
        gatherer=gatherer,
        dereferencer=dereferencer,
        voucher=voucher,
        wrapped=wrapped,
    )
    at_work: dict[bytes, bool] = {}
    receiver = Receiver(
        database=database,
        writer=writer,
        world=world,
        verifier=verifier,
        authenticator=authenticator,
        completer=completer,
        compactor=compactor,
        hosts=hosts,
        at_work=at_work,
    )
    staging = Staging(
        database=database,
        writer=writer,
        world=world,
        authenticator=authenticator,
        hearsay=hearsay,
        completer=completer,
        gatherer=gatherer,
        stamps=Stamps(writer=writer, gatherer=gatherer, dereferencer=dereferencer),
        moves=Moves(database=database, writer=writer, gatherer=gatherer),
        featured=looks.featured,
        compactor=compactor,
        longest_sleep_s=core.ports.longest_sleep_s,
        at_work=at_work,
    )
    receiver.on_staged(staging.requests.wake)
    return receiver, staging


def _surfaces(
    core: Core,
    *,
    desk: DomainDesk,
    post_office: PostOffice,
    outbox: Outbox,
    gatherer: Gatherer,
    receiver: Receiver,
    readers: Readers,
    looks: Looks,
    verifier: Verifier,
    keys: KeyRing,
    signer: Signer,
    compactor: JsonLdProcessor,
) -> tuple[web.Application, Context]:
    """What people's apps and other servers talk to."""
    config, world, database, writer = core.config, core.world, core.database, core.writer
    signatures = FetchSignatures(verifier=verifier, database=database, writer=writer)
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
        readers=readers,
        looks=looks,
        desk=desk,
        wake_post=post_office.wake,
        fetch_client=lambda url: signer.get(
            url,
            accept=client_documents.ACCEPT,
            max_bytes=client_documents.SIZE_LIMIT_BYTES,
            timeout_s=client_documents.TIMEOUT_S,
        ),
    )
    desk.on_changed(lambda: forget_renderings(context))
    client_routes.setup(app, context)
    web_context = WebContext(
        config,
        world,
        database,
        writer,
        receiver.receive,
        signatures.signer,
        readers,
        keys,
        bearers=bearers_of(app[SURFACE]),
        desk=_client_desk(core, outbox, gatherer, compactor),
        fetch_as=PersonalFetch(keys=keys, signer=signer, compactor=compactor),
        signed_in=lambda request: load_signed_in(request, context),
    )
    web_routes.setup(app, web_context)
    return app, context


def _client_desk(core: Core, outbox: Outbox, gatherer: Gatherer, compactor: JsonLdProcessor) -> ClientDesk:
    """Who does what people's ActivityPub clients put into an outbox."""
    return ClientDesk(
        ClientPorts(
            config=core.config,
            world=core.world,
            database=core.database,
            writer=core.writer,
            outbox=outbox,
            compactor=compactor,
            find_actor=gatherer.actor,
            find_object=gatherer.object,
            find_handle=gatherer.handle,
            actor_document_of=lambda actor_id: load_actor_document(core, actor_id),
        )
    )


async def load_actor_document(core: Core, actor_id: int) -> dict[str, object] | None:
    """What is at the address of an actor of ours now."""
    row = await core.database.fetch_one(PROFILE, actor_id=actor_id)
    if row is None:
        return None
    listed = await core.database.fetch(KEYS_OF, actor_id=actor_id)
    keys = keys_of_rows(row["uri"], listed, core.world.clock.now_ms())
    return None if keys is None else actor_document(profile_of(row, *keys), core.world.names)
