"""A server with people who run it, and some whom they have to do with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from fediverse_node.mastodon_api.viewer import hash_token
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import admin_actions, tokens, users
from tests.api.talking_node import Person, TalkingNode, talking_node

SCOPES = "read write follow push admin:read admin:write"


@dataclass(slots=True)
class Office:
    """The node, its administrator, a moderator, and Alice, who lives here."""

    node: TalkingNode
    admin: Person
    moderator: Person
    alice: Person

    async def book(self) -> list[tuple[str, str, str, str]]:
        """Who did what to which kind of thing, in order: (name, act, kind, target)."""
        names = {person.actor_id: person.username for person in (self.admin, self.moderator, self.alice)}
        rows = await self.fetch(select(admin_actions).order_by(admin_actions.c.id))
        assert all(row["created_ms"] > 1_700_000_000_000 for row in rows)
        assert all(isinstance(orjson.loads(row["details"]), dict) for row in rows)
        return [(names[row["actor_id"]], row["act"], row["kind"], row["target"]) for row in rows]

    async def fetch(self, clause: Any) -> list[Any]:
        """Rows, as they are stored."""
        return await self.node.context.database.fetch(Statement(clause))

    async def token(self, person: Person, scopes: str) -> Person:
        """The same person with another token."""
        id_, word = self.node.context.world.ids.next(), f"{person.username} with {scopes}"
        now_ms = self.node.context.world.clock.now_ms()
        row = {"id": id_, "token_hash": hash_token(word), "user_id": person.user_id, "scopes": scopes}
        await self.node.insert(tokens, row | {"created_ms": now_ms, "last_used_ms": now_ms})
        return Person(self.node, person.actor_id, person.username, person.host, person.uri, word, id_, person.user_id)


async def _open(node: TalkingNode) -> Office:
    admin, moderator = await node.person("root", scopes=SCOPES), await node.person("mo", scopes=SCOPES)
    await node.set(users, admin.user_id, role="admin")
    await node.set(users, moderator.user_id, role="moderator")
    return Office(node, admin, moderator, await node.person("alice"))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with talking_node(tmp_path, REGISTRATION="open") as node:
        yield await _open(node)


@pytest.fixture
async def office_on_each_database(tmp_path: Path, database_url: str) -> AsyncIterator[Office]:
    async with talking_node(tmp_path, database_url=database_url, REGISTRATION="open") as node:
        yield await _open(node)
