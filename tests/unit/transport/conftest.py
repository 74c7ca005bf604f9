"""A scripted server on a real loopback socket, and clients that are closed at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from fediverse_node.base.clock import SystemClock
from fediverse_node.transport.client import Client
from fediverse_node.transport.dereference import Dereferencer
from fediverse_node.transport.host_memory import RecentHosts
from fediverse_node.transport.jsonld_worker import JsonLdWorker
from fediverse_node.transport.resolver import Resolver
from fediverse_node.transport.signed_request import Signer, SigningKeys, SigningThreads
from tests.unit.transport.peer import RSA, Peer
from tests.unit.transport.scripted_server import ScriptedServer

ClientMaker = Callable[..., Client]


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer()
    listener = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.port = listener.sockets[0].getsockname()[1]
    yield scripted
    listener.close()
    scripted.stop()
    await asyncio.sleep(0)


@pytest.fixture
async def make_client() -> AsyncIterator[ClientMaker]:
    made: list[Client] = []

    def make(*, development: bool = True, resolver: Resolver | None = None, **options: object) -> Client:
        client = Client(
            base_url="http://127.0.0.1:8420",
            version="1.0",
            development=development,
            resolver=resolver,
            **options,  # type: ignore[arg-type]
        )
        made.append(client)
        return client

    yield make
    for client in made:
        await client.close()


@pytest.fixture
async def client(make_client: ClientMaker) -> Client:
    return make_client()


@pytest.fixture
def peer(server: ScriptedServer) -> Peer:
    return Peer(server)


@pytest.fixture
def network(make_client: ClientMaker) -> Client:
    """A client for which every name is this machine."""

    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    return make_client(resolver=resolver)


@pytest.fixture
async def dereferencer(network: Client) -> AsyncIterator[Dereferencer]:
    clock = SystemClock()
    threads = SigningThreads()
    keys = SigningKeys("http://127.0.0.1:8420/actor#main-key", RSA)
    signer = Signer(network, fetch_keys=keys, memory=RecentHosts(clock), clock=clock, threads=threads)
    worker = JsonLdWorker()
    yield Dereferencer(signer, compactor=worker)
    await worker.close()
    threads.close()
