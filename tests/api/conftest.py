"""A whole node on a real socket and database, and people who use it through the client API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from fediverse_node.base.outcome import Fail
from tests.inprocess import Running, running_node

ALL_SCOPES = "read write follow push profile"
PASSWORD = "correct horse battery"


@dataclass(slots=True)
class Reply:
    """What a request came back with."""

    status: int
    json: Any
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(slots=True)
class Member:
    """A person with an app."""

    node: ApiNode
    name: str
    actor_id: int
    user_id: int
    token: str

    async def call(self, method: str, path: str, **options: Any) -> Reply:
        """A request with the person's token."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return await self.node.call(method, path, headers=headers, **options)

    async def get(self, path: str, *, expect: int = 200, **params: Any) -> Any:
        """The JSON of an answer that must have this status."""
        reply = await self.call("GET", path, params=params)
        assert reply.status == expect, reply
        return reply.json

    async def post(self, path: str, *, expect: int = 200, **data: Any) -> Any:
        """The same, sending JSON."""
        reply = await self.call("POST", path, json=data)
        assert reply.status == expect, reply
        return reply.json


@dataclass(slots=True)
class ApiNode:
    """The node and a way to ask it."""

    running: Running
    session: aiohttp.ClientSession
    members: dict[str, Member] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        return self.running.base_url

    async def call(self, method: str, path: str, **options: Any) -> Reply:
        """One request, without following redirects."""
        options.setdefault("allow_redirects", False)
        url = path if path.startswith("http") else self.base_url + path
        async with self.session.request(method, url, **options) as response:
            body = await response.read()
            is_json = "json" in response.headers.get("Content-Type", "")
            return Reply(response.status, await response.json() if is_json else None, response.headers, body)

    async def add(self, name: str, *, scopes: str = ALL_SCOPES, **options: Any) -> Member:
        """A new person with a token."""
        registration = self.running.node.core.registration
        made = await registration.create(name, f"{name}@example.org", **options)
        assert not isinstance(made, Fail), made
        token = await registration.token(made.user_id, scopes)
        member = self.members[name] = Member(self, name, made.actor_id, made.user_id, token)
        return member

    async def token(self, member: Member, scopes: str) -> Member:
        """The same person with another token."""
        token = await self.running.node.core.registration.token(member.user_id, scopes)
        return Member(self, member.name, member.actor_id, member.user_id, token)

    async def app(self, scopes: str = "read write follow push", **options: Any) -> dict[str, Any]:
        """A registered app."""
        data = {"client_name": "Test App", "redirect_uris": "https://app.example/done", "scopes": scopes, **options}
        reply = await self.call("POST", "/api/v1/apps", data=data)
        assert reply.status == 200, reply
        app: dict[str, Any] = reply.json
        return app


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[ApiNode]:
    async with running_node(tmp_path) as running, aiohttp.ClientSession() as session:
        yield ApiNode(running, session)


@pytest.fixture
async def node_on_each_database(tmp_path: Path, database_url: str) -> AsyncIterator[ApiNode]:
    async with running_node(tmp_path, database_url=database_url) as running, aiohttp.ClientSession() as session:
        yield ApiNode(running, session)


@pytest.fixture
async def alice(node: ApiNode) -> Member:
    return await node.add("alice", password=PASSWORD)


@pytest.fixture
async def bob(node: ApiNode) -> Member:
    return await node.add("bob")
