"""A database with people in it, and the real rules applied to what they do. Used by all storage tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from fediverse_node.base.clock import Clock, SystemClock, from_ms
from fediverse_node.base.ids import IdFactory
from fediverse_node.base.randomness import SeededRandomness
from fediverse_node.domain import effects as e
from fediverse_node.domain.activities import rule_for
from fediverse_node.domain.facts import Facts, Needs, World
from fediverse_node.domain.model import Actor
from fediverse_node.storage.apply import apply
from fediverse_node.storage.engine import Database, open_database
from fediverse_node.storage.events import Applied
from fediverse_node.storage.facts import load_facts
from fediverse_node.storage.migrate import migrate
from fediverse_node.storage.queries.recount import OUR_POLLS, OUR_VOTES, WRONG_COUNTERS, wrong_polls
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors
from fediverse_node.storage.unit import Insert, Unit
from fediverse_node.storage.writer import Decided, Decision, Writer
from tests.activities.builders import NAMES, NOW_MS, a_note, an_actor, received


class SettableClock:
    """A moment that tests move on."""

    def __init__(self, ms: int = NOW_MS) -> None:
        self.ms = ms

    def now(self) -> datetime:
        return from_ms(self.ms).astimezone(UTC)

    def now_ms(self) -> int:
        return self.ms

    def pass_ms(self, ms: int) -> None:
        """Time goes by."""
        self.ms += ms


class NodeStore:
    """One process's view of a database: its writer, its world, and short ways to let people do things."""

    def __init__(self, database: Database, *, seed: int = 1, real_time: bool = False) -> None:
        self.database = database
        self.clock = SettableClock()
        self.randomness = SeededRandomness(seed)
        # Several processes that stop at the same moment would draw the same numbers for ever.
        time: Clock = SystemClock() if real_time else self.clock
        self.ids = IdFactory(time, self.randomness)
        self.world = World(time, self.ids, self.randomness, NAMES)
        self.writer = Writer(database, self.world)
        self.committed: list[Applied] = []
        self.writer.listen(self.committed.append)
        self._notes = 0

    @classmethod
    async def open(cls, url: str, *, seed: int = 1) -> NodeStore:
        """Migrate and open."""
        await migrate(url)
        return cls(await open_database(url), seed=seed)

    async def close(self) -> None:
        """Commit what waits and close."""
        await self.writer.drain()
        await self.database.close()

    async def add(self, *people: Actor) -> None:
        """Rows for these people."""
        rows = [actor_row(person) for person in people]

        def unit() -> Unit[None]:
            yield Insert(actors, rows)

        await self.writer.run(unit)

    async def person(self, username: str, host: str = "home.example", **more: Any) -> Actor:
        """Somebody new; ours if the host is ours."""
        actor = an_actor(username, self.ids.next(), host, **more)
        await self.add(actor)
        return actor

    async def receive(self, kind: str, actor: Actor, object_: Any, *, solicited: bool = False, **more: Any) -> Decided:
        """An activity from elsewhere, verified, goes through its rule and is committed."""
        return await self.writer.decide(decision(kind, actor, object_, solicited=solicited, **more))

    async def say(self, author: Actor, *, solicited: bool = True, **more: Any) -> int:
        """Somebody elsewhere says something that is taken in; its id here."""
        note = self.note(author, **more)
        decided = await self.receive("Create", author, note, solicited=solicited)
        assert decided.refusal is None, decided.refusal
        found = await self.one("SELECT id FROM objects WHERE uri = :uri", uri=note["id"])
        return int(found["id"])

    def note(self, author: Actor, **more: Any) -> dict[str, Any]:
        """A note with a number of its own."""
        self._notes += 1
        return a_note(author, self._notes, **more)

    async def act(
        self, actor: Actor, compose: Callable[[Actor, Facts], Iterable[e.Effect]], needs: Needs | None = None
    ) -> Decided:
        """One of ours does something."""
        wanted = needs or Needs()
        known = Needs(
            acting=actor.uri,
            actors=wanted.actors,
            actor_ids=(*wanted.actor_ids, actor.id),
            objects=wanted.objects,
            object_ids=wanted.object_ids,
            activities=wanted.activities,
            audience=wanted.audience,
            hashtags=wanted.hashtags,
            announcers=wanted.announcers,
            versions=wanted.versions,
        )
        return await self.writer.decide(Decision(known, lambda facts: compose(facts.actors_by_id[actor.id], facts)))

    async def apply(self, *effects: e.Effect, needs: Needs | None = None) -> Applied:
        """Carry out effects as they are."""
        applied = Applied()

        def unit() -> Unit[None]:
            applied.__init__()  # type: ignore[misc]
            facts = yield from load_facts([needs or Needs()], self.world, self.writer.domains)
            yield from apply(effects, facts, applied)

        await self.writer.run(unit)
        return applied

    async def rows(self, sql: str, **values: Any) -> list[Mapping[str, Any]]:
        """What a query finds, as plain mappings."""
        return [dict(row) for row in await self.database.fetch(Statement(text(sql)), **values)]

    async def one(self, sql: str, **values: Any) -> Mapping[str, Any]:
        """The only row."""
        found = await self.rows(sql, **values)
        assert len(found) == 1, found
        return found[0]

    async def count(self, table: str, where: str = "1 = 1", **values: Any) -> int:
        """How many rows."""
        found = await self.one(f"SELECT count(*) AS n FROM {table} WHERE {where}", **values)
        return int(found["n"])

    async def counters(self, object_id: int) -> tuple[int, int, int]:
        """Replies, likes, announces."""
        row = await self.one(
            "SELECT replies_count, likes_count, announces_count FROM objects WHERE id = :id", id=object_id
        )
        return row["replies_count"], row["likes_count"], row["announces_count"]

    async def social(self, actor: Actor) -> tuple[int, int, int]:
        """Followers, following, statuses."""
        row = await self.one(
            "SELECT followers_count, following_count, statuses_count FROM actors WHERE id = :id", id=actor.id
        )
        return row["followers_count"], row["following_count"], row["statuses_count"]

    async def home(self, reader: Actor) -> list[int]:
        """Ids in a home timeline, in their order."""
        found = await self.rows(
            "SELECT object_id FROM home_entries WHERE actor_id = :id ORDER BY object_id", id=reader.id
        )
        return [row["object_id"] for row in found]

    async def told(self, reader: Actor) -> list[tuple[str, int, int | None]]:
        """Notifications: type, from whom, about what."""
        found = await self.rows(
            "SELECT type, from_actor_id, object_id FROM notifications WHERE actor_id = :id ORDER BY id", id=reader.id
        )
        return [(row["type"], row["from_actor_id"], row["object_id"]) for row in found]

    async def wrong_counters(self) -> list[Any]:
        """Counters that differ from what they count."""
        wrong: list[Any] = []
        for statement in WRONG_COUNTERS:
            wrong += [tuple(row) for row in await self.database.fetch(statement)]
        wrong += wrong_polls(await self.database.fetch(OUR_POLLS), await self.database.fetch(OUR_VOTES))
        return wrong

    async def inboxes(self) -> list[str]:
        """Where something waits to go."""
        return [row["inbox"] for row in await self.rows("SELECT inbox FROM deliveries WHERE state = 0 ORDER BY inbox")]


def decision(kind: str, actor: Actor, object_: Any, *, solicited: bool = False, **more: Any) -> Decision:
    """The decision that an activity from elsewhere asks for."""
    verified = received(kind, actor, object_, solicited=solicited, **more)
    rule = rule_for(kind)
    assert rule is not None
    return Decision(rule.needs(verified), lambda facts: rule.decide(verified, facts))


def actor_row(actor: Actor) -> dict[str, Any]:
    """The row of an actor."""
    return {
        "id": actor.id,
        "uri": actor.uri,
        "type": actor.type,
        "local": actor.local,
        "username": actor.username,
        "host": actor.host,
        "inbox": actor.inbox,
        "shared_inbox": actor.shared_inbox,
        "followers_uri": actor.followers_uri,
        "featured_uri": actor.featured_uri,
        "url": actor.url,
        "locked": actor.locked,
        "suspended_ms": 1 if actor.suspended else None,
        "deleted_ms": 1 if actor.deleted else None,
        "created_ms": NOW_MS,
    }
