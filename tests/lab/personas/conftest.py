"""A node of ours with alice, and a persona on a socket of its own, who have never met."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Protocol, TypeVar

import aiohttp
import pytest
from aiohttp import web

from fediverse_node.base.clock import Clock, SystemClock
from fediverse_node.base.randomness import SeededRandomness
from fediverse_node.lab.personas.persona import Persona
from fediverse_node.outbox.registration import Account
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.transport.client import Client
from tests.inprocess import Running, free_port, running_node
from tests.running_node import Api

P = TypeVar("P", bound=Persona)


async def this_machine(host: str, port: int) -> list[str]:
    """Documents name all the world's hosts; from here there is only this machine."""
    if host in ("127.0.0.1", "localhost"):
        return ["127.0.0.1"]
    raise OSError(f"no way to {host} from a test")


@pytest.fixture(scope="session")
def some_keys() -> list[PrivateKey]:
    """Making one takes long: all personas of a run share a few."""
    return [PrivateKey.generate_rsa() for _ in range(4)]


@pytest.fixture
def keys(some_keys: list[PrivateKey]) -> Callable[[], PrivateKey]:
    turn: Iterator[PrivateKey] = cycle(some_keys)
    return lambda: next(turn)


class Open(Protocol):
    """Starts a persona and gives it back."""

    async def __call__(self, kind: type[P], *, clock: Clock = ..., **more: Any) -> P: ...


@pytest.fixture
async def opened(keys: Callable[[], PrivateKey]) -> AsyncIterator[Open]:
    """Personas, each on a free port, until the end of the test; nothing may have gone wrong inside them."""
    personas: list[Persona] = []
    async with contextlib.AsyncExitStack() as stack:

        async def start(kind: type[P], *, clock: Clock | None = None, host_name: str = "127.0.0.1", **more: Any) -> P:
            port = free_port()
            origin = f"http://{host_name}:{port}"
            if more.pop("other_handle_host", False):
                more["handle_host"] = f"localhost:{port}"
            http = Client(base_url=origin, version="test", development=True, resolver=this_machine)
            persona = kind(
                origin=origin,
                clock=clock or SystemClock(),
                randomness=SeededRandomness(7),
                http=http,
                keys=keys,
                **more,
            )
            personas.append(persona)
            runner = web.AppRunner(persona.app(), access_log=None, shutdown_timeout=0.5)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            stack.push_async_callback(http.close)
            stack.push_async_callback(runner.cleanup)
            stack.push_async_callback(persona.close)
            return persona

        yield start
    assert [trouble for persona in personas for trouble in persona.troubles] == []


@dataclass
class Alice:
    """Our person: the client API as her, and what others know her by."""

    api: Api
    node: Running
    actor_id: int

    @property
    def uri(self) -> str:
        return f"{self.node.base_url}/users/alice"

    async def says(self, status: str, **more: Any) -> Any:
        return await self.api.post("/api/v1/statuses", status=status, **more)

    async def uri_of(self, status: Any) -> str:
        return str(status["uri"])

    async def does(self, status: Any, verb: str, **more: Any) -> Any:
        return await self.api.post(f"/api/v1/statuses/{status['id']}/{verb}", **more)

    async def relationship(self, uri: str) -> Any:
        account = await self.api.find_account(uri)
        found = await self.api.get("/api/v1/accounts/relationships", **{"id[]": account["id"]})
        return found[0]

    async def follows(self, uri: str) -> Any:
        """She follows, and it was granted."""
        account = await self.api.find_account(uri)
        await self.api.post(f"/api/v1/accounts/{account['id']}/follow")
        await eventually(lambda: self._is_following(account), f"the Accept of {uri}")
        return account

    async def _is_following(self, account: Any) -> bool:
        found = await self.api.get("/api/v1/accounts/relationships", **{"id[]": account["id"]})
        return bool(found[0]["following"])

    async def reads(self, uri: str) -> Any:
        """The post in her home timeline with this URI, or the boost of it."""

        async def look() -> Any:
            for status in await self.api.home():
                if status["uri"] == uri or (status["reblog"] or {}).get("uri") == uri:
                    return status
            return None

        return await eventually(look, f"{uri} in the home timeline")

    async def status(self, uri: str) -> Any:
        """The post with this URI as it is shown now."""
        return await self.api.find_status(uri)

    async def is_told(self, type_: str, *, patience_s: float = 10.0) -> Any:
        """The newest notification of a type."""

        async def look() -> Any:
            found = await self.api.notifications(type_)
            return found[0] if found else None

        return await eventually(look, f"a notification of a {type_}", patience_s=patience_s)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_node(tmp_path, RATE_LIMITS="false") as running:
        yield running


@pytest.fixture
async def alice(node: Running) -> AsyncIterator[Alice]:
    registration = node.node.core.registration
    made = await registration.create("alice", "alice@example.org")
    assert isinstance(made, Account)
    token = await registration.token(made.user_id, "read write follow push")
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(node.base_url, headers=headers) as session:
        yield Alice(Api(session), node, made.actor_id)


async def eventually(ask: Callable[[], Awaitable[Any]], what: str, *, patience_s: float = 10.0) -> Any:
    """What `ask` gives once it gives something. What needs another server comes when it comes."""
    until = asyncio.get_running_loop().time() + patience_s
    while True:
        answer = await ask()
        if answer:
            return answer
        assert asyncio.get_running_loop().time() < until, f"waited in vain for {what}"
        await asyncio.sleep(0.02)


async def soon(fact: Callable[[], object], what: str) -> None:
    """Wait until a fact about a persona is so."""

    async def ask() -> object:
        return fact()

    await eventually(ask, what)
