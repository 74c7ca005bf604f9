"""A small ActivityPub client, as a stranger would write one: it knows an actor's address and a token, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp

from fediverse_node.base.outcome import Fail
from fediverse_node.mastodon_api.viewer import hash_token
from fediverse_node.storage.queries.oauth import insert_token
from tests.inprocess import Running

AS2 = "application/activity+json"
T = TypeVar("T")
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    document: Any

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def cause(self) -> str:
        """The sentence of a problem."""
        assert self.headers["Content-Type"].startswith("application/problem+json"), self
        assert self.document["status"] == self.status, self
        return str(self.document["detail"])


@dataclass
class Client:
    """Somebody's client."""

    session: aiohttp.ClientSession
    actor: str
    token: str | None
    document: dict[str, Any] = field(default_factory=dict)
    user_id: int = 0

    async def open(self) -> None:
        """Learn from the actor's document where everything is."""
        self.document = (await self.get(self.actor)).document

    @property
    def followers(self) -> str:
        return str(self.document["followers"])

    async def call(self, verb: str, url: str, **arguments: Any) -> Answer:
        headers = {"Accept": AS2, **arguments.pop("headers", {})}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        async with self.session.request(verb, url, headers=headers, allow_redirects=False, **arguments) as response:
            body = await response.read()
            is_json = "json" in response.headers.get("Content-Type", "")
            document = await response.json(content_type=None) if is_json and body else None
            return Answer(response.status, response.headers, document)

    async def get(self, url: str) -> Answer:
        return await self.call("GET", url)

    async def post(self, activity: object, **headers: str) -> Answer:
        """Put it into the outbox."""
        return await self.call("POST", self.document["outbox"], json=activity, headers={"Content-Type": AS2, **headers})

    async def did(self, activity: object) -> Answer:
        """The same, for what has to work."""
        answer = await self.post(activity)
        assert answer.status == 201, (activity, answer.status, answer.document)
        assert answer.document["id"] == answer.location
        return answer

    async def said(self, note: object) -> dict[str, Any]:
        """Say something; the object as it is now."""
        thing = (await self.did(note)).document["object"]
        assert isinstance(thing, dict)
        return thing

    async def inbox(self) -> list[dict[str, Any]]:
        """All that arrived, newest first, over all pages."""
        page = (await self.get((await self.get(self.document["inbox"])).document["first"])).document
        items = list(page["orderedItems"])
        while "next" in page:
            page = (await self.get(page["next"])).document
            items += page["orderedItems"]
        return items

    async def outbox(self) -> list[dict[str, Any]]:
        """The first page of the own outbox."""
        collection = (await self.get(self.document["outbox"])).document
        items: list[dict[str, Any]] = (await self.get(collection["first"])).document["orderedItems"]
        return items

    async def outbox_of(self, other: Client) -> list[dict[str, Any]]:
        """The first page of somebody else's outbox, as this person sees it."""
        collection = (await self.get(other.document["outbox"])).document
        items: list[dict[str, Any]] = (await self.get(collection["first"])).document["orderedItems"]
        return items

    async def sees(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first in the inbox that is it, waited for."""

        async def found() -> dict[str, Any] | None:
            return next((item for item in await self.inbox() if is_it(item)), None)

        return await eventually(found)


async def client_of(session: aiohttp.ClientSession, node: Running, name: str, scopes: str = "read write") -> Client:
    """The client of a new person at a node in this process, with a token for what it asks."""
    core = node.node.core
    made = await core.registration.create(name, f"{name}@example.org", reserved_allowed=True)
    assert not isinstance(made, Fail), made
    return await another_client(session, node, name, made.user_id, scopes)


async def another_client(session: aiohttp.ClientSession, node: Running, name: str, user_id: int, scopes: str) -> Client:
    """One more client of somebody."""
    world, token = node.node.core.world, f"token-of-{name}-for-{scopes}"
    row = {
        "id": world.ids.next(),
        "token_hash": hash_token(token),
        "app_id": None,
        "user_id": user_id,
        "scopes": scopes,
        "created_ms": world.clock.now_ms(),
        "last_used_ms": None,
    }
    await node.node.core.writer.run(lambda: insert_token(row))
    client = Client(session, f"{node.base_url}/users/{name}", token, user_id=user_id)
    await client.open()
    return client


async def eventually(ask: Callable[[], Awaitable[T | None]], *, time_s: float = 10.0) -> T:
    """What `ask` answers once it answers something."""
    async with asyncio.timeout(time_s):
        while not (answer := await ask()):
            await asyncio.sleep(0.05)
        return answer
