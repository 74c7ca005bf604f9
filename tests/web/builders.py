"""A small town for the tests of pages and documents: real tables, filled row by row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from fediverse_node.domain.names import Names
from fediverse_node.storage import tables

NOW_MS = 1_790_000_000_000  # 21 September 2026
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
PEM = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"

PUBLIC, UNLISTED, FOLLOWERS, DIRECT = range(4)


def engine_for(url: str) -> AsyncEngine:
    """An engine for setting up what a test needs, beside the node's own connections."""
    url = url.replace("sqlite://", "sqlite+aiosqlite://", 1).replace("postgresql://", "postgresql+asyncpg://", 1)
    return create_async_engine(url)


@dataclass
class Town:
    """Writes rows; every method answers the id of what it made."""

    engine: AsyncEngine
    names: Names
    base_url: str
    _next: int = field(default=0)

    async def insert(self, table: Table, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(table.insert(), rows)

    def id(self, age_ms: int = 0) -> int:
        """An id of something that happened so long before now."""
        self._next += 1
        return ((NOW_MS - age_ms) << 16) + self._next

    async def actor(self, username: str = "alice", **values: Any) -> int:
        """A local actor with a key, public and findable unless said otherwise."""
        id_ = self.id(400 * DAY_MS)
        uri = values.pop("uri", self.names.actor(username))
        row = {
            "id": id_,
            "uri": uri,
            "type": "Person",
            "local": True,
            "username": username,
            "host": self.names.host,
            "name": username.title(),
            "inbox": f"{uri}/inbox",
            "followers_uri": self.names.followers(uri),
            "discoverable": True,
            "indexable": True,
            "created_ms": NOW_MS - 400 * DAY_MS,
        }
        for name, value in values.items():
            row[name] = json.dumps(value) if isinstance(value, list | dict) else value
        await self.insert(tables.actors, row)
        if row["local"]:
            key = {"uri": self.names.key(uri), "actor_id": id_, "public": PEM, "fetched_ms": NOW_MS}
            await self.insert(tables.keys, key)
        return id_

    async def stranger(self, username: str = "bob", host: str = "remote.example", **values: Any) -> int:
        """Somebody on another server."""
        uri = f"https://{host}/users/{username}"
        return await self.actor(
            username,
            **{"uri": uri, "host": host, "local": False, "url": f"https://{host}/@{username}", **values},
        )

    async def instance_actor(self) -> int:
        return await self.actor(self.names.host, uri=self.names.instance_actor, type="Application", discoverable=False)

    async def user(self, actor_id: int, *, last_seen_ms: int | None = NOW_MS, **values: Any) -> int:
        id_ = self.id()
        row = {
            "id": id_,
            "actor_id": actor_id,
            "email": f"{id_}@mail.example",
            "confirmed_ms": NOW_MS,
            "approved_ms": NOW_MS,
            "created_ms": NOW_MS,
            "last_seen_ms": last_seen_ms,
        }
        await self.insert(tables.users, row | values)
        return id_

    async def post(
        self,
        actor_id: int,
        content: str = "<p>Hello</p>",
        *,
        by: str = "alice",
        visibility: int = PUBLIC,
        age_ms: int = HOUR_MS,
        answers: int | None = None,
        tags: Sequence[str] = (),
        poll: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> int:
        """A post of a local actor named `by`; pass `uri` and `local=False` for one of somebody elsewhere."""
        id_ = self.id(age_ms)
        row: dict[str, Any] = {
            "id": id_,
            "uri": self.names.object(by, id_),
            "type": "Note" if poll is None else "Question",
            "actor_id": actor_id,
            "local": True,
            "visibility": visibility,
            "content": content,
            "thread_id": id_,
            "published_ms": NOW_MS - age_ms,
            "parts": {"tags": list(tags)},
        }
        if answers is not None:
            parent = await self.row(tables.objects, answers)
            row |= {
                "in_reply_to_id": answers,
                "in_reply_to_uri": parent["uri"],
                "in_reply_to_actor_id": parent["actor_id"],
                "thread_id": parent["thread_id"],
            }
        row |= values
        for name in ("parts", "attachments"):
            if name in row:
                row[name] = json.dumps(row[name])
        await self.insert(tables.objects, row)
        for name in tags:
            await self.insert(tables.object_tags, {"tag_id": await self.tag(name), "object_id": id_})
        if poll is not None:
            defaults = {"object_id": id_, "options": ["yes", "no"], "counts": [0, 0]}
            full = {**defaults, **poll}
            full |= {"options": json.dumps(full["options"]), "counts": json.dumps(full["counts"])}
            await self.insert(tables.polls, full)
        return id_

    async def announce(self, actor_id: int, target_id: int, *, by: str = "alice", visibility: int = PUBLIC) -> int:
        id_ = self.id(60_000)
        row = {
            "id": id_,
            "uri": self.names.activity(by, "announce", id_),
            "type": "Announce",
            "actor_id": actor_id,
            "local": True,
            "visibility": visibility,
            "announce_of_id": target_id,
            "published_ms": NOW_MS - 60_000,
        }
        await self.insert(tables.objects, row)
        return id_

    async def tag(self, name: str) -> int:
        async with self.engine.begin() as connection:
            found = await connection.execute(tables.tags.select().where(tables.tags.c.name == name))
            row = found.mappings().first()
        if row is not None:
            return int(row["id"])
        id_ = self.id()
        await self.insert(tables.tags, {"id": id_, "name": name})
        return id_

    async def pin(self, actor_id: int, object_id: int) -> None:
        await self.insert(tables.pins, {"id": self.id(), "actor_id": actor_id, "object_id": object_id})

    async def follow(self, follower_id: int, followed_id: int, *, accepted: bool = True) -> None:
        id_ = self.id()
        row = {
            "id": id_,
            "follower_id": follower_id,
            "followed_id": followed_id,
            "uri": f"https://remote.example/follows/{id_}",
            "accepted": accepted,
            "created_ms": NOW_MS,
        }
        await self.insert(tables.follows, row)

    async def payload(self, actor_id: int, uri: str, document: Mapping[str, Any]) -> None:
        row = {
            "id": self.id(),
            "uri": uri,
            "actor_id": actor_id,
            "type": document["type"],
            "body": json.dumps({"id": uri, **document}).encode(),
        }
        await self.insert(tables.payloads, row)

    async def tombstone(self, uri: str, *, public: bool = True) -> None:
        author = self.names.actor("alice")
        row = {"uri": uri, "deleted_ms": NOW_MS, "former_type": "Note", "actor_uri": author, "public": public}
        await self.insert(tables.tombstones, row)

    async def row(self, table: Table, id_: int) -> Mapping[str, Any]:
        async with self.engine.begin() as connection:
            found = await connection.execute(table.select().where(table.c.id == id_))
            return dict(found.mappings().one())

    async def change(self, table: Table, id_: int, **values: Any) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(table.update().where(table.c.id == id_).values(**values))
