"""The client API on a real socket, a real database and the real outbox, and people who talk over it.

The network is left out: handles and addresses of strangers are found where a test says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from sqlalchemy import update

from fediverse_node.base.clock import SystemClock
from fediverse_node.base.config import configure
from fediverse_node.base.ids import IdFactory
from fediverse_node.base.outcome import Fail, Reason
from fediverse_node.base.randomness import SystemRandomness
from fediverse_node.domain.effects import AcceptFollow, NewObject, Refuse
from fediverse_node.domain.facts import Needs, World
from fediverse_node.domain.model import Poll, Visibility
from fediverse_node.domain.names import Names
from fediverse_node.domain.publication import publish
from fediverse_node.domain.reception import mention_of
from fediverse_node.mastodon_api import routes
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.fragments import forget_renderings
from fediverse_node.mastodon_api.streaming import close_streams
from fediverse_node.mastodon_api.viewer import hash_token
from fediverse_node.outbox.domain_desk import DomainDesk
from fediverse_node.outbox.draft import Draft
from fediverse_node.outbox.registration import Registration
from fediverse_node.outbox.submit import Outbox
from fediverse_node.outbox.verified_links import VerifiedLinks
from fediverse_node.signatures.key_source import SystemKeys
from fediverse_node.storage.apply.relations import accept_follow
from fediverse_node.storage.engine import open_database
from fediverse_node.storage.migrate import migrate
from fediverse_node.storage.queries.outbox import ACTOR
from fediverse_node.storage.rows import actor_of
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, apps, media, tokens, users
from fediverse_node.storage.unit import Insert, Run, Unit
from fediverse_node.storage.writer import Decision, Writer
from fediverse_node.transport.client import Client
from tests.inprocess import free_port

SCOPES = "read write follow push"


class Nothing(Reason):
    """Why nothing was found."""

    HERE = "there is no network in this test"


@dataclass(slots=True)
class Answer:
    """What a request came back with."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def next_id(self) -> str | None:
        """The `max_id` of the next page, from the Link header, where `next` must stand first."""
        link = self.headers.get("Link", "")
        first = link.split(">")[0]
        return first.rpartition("max_id=")[2] if 'rel="next"' in link.split(",")[0] else None


@dataclass(slots=True)
class Person:
    """Somebody; `token` is empty for people elsewhere."""

    node: TalkingNode
    actor_id: int
    username: str
    host: str
    uri: str
    token: str = ""
    token_id: int = 0
    user_id: int = 0

    @property
    def acct(self) -> str:
        """As this node writes it."""
        return self.username if self.token else f"{self.username}@{self.host}"

    async def ask(self, verb: str, path: str, *, expect: int = 200, **more: Any) -> Any:
        """A request with the person's token; the JSON of the answer, whose status must be as said."""
        answer = await self.node.request(verb, path, token=self.token, **more)
        assert answer.status == expect, (verb, path, answer.status, answer.body)
        return answer.body

    async def get(self, path: str, /, *, expect: int = 200, **params: Any) -> Any:
        """Read something."""
        return await self.ask("GET", path, expect=expect, params=params)

    async def post(self, path: str, *, expect: int = 200, **body: Any) -> Any:
        """Do something."""
        return await self.ask("POST", path, expect=expect, json=body)

    async def say(self, text: str, **more: Any) -> dict[str, Any]:
        """A status, through the API."""
        body: dict[str, Any] = await self.post("/api/v1/statuses", **{"status": text, **more})
        return body

    async def follow(self, other: Person) -> None:
        """Follow, accepted at once."""
        refusal = await self.node.context.outbox.follow(self.actor_id, other.actor_id)
        assert refusal is None, refusal
        if not other.token:
            await self.node.accept(self, other)


@dataclass(slots=True)
class TalkingNode:
    """A node with people."""

    context: Context
    base_url: str
    session: aiohttp.ClientSession
    app: web.Application
    runner: web.AppRunner
    strangers: dict[str, int] = field(default_factory=dict)  # handle or address -> our id, as if fetched

    async def run(self, unit: Any) -> Any:
        """Something written directly."""
        return await self.context.writer.run(unit)

    async def insert(self, table: Any, *rows: Mapping[str, Any]) -> None:
        """Rows, as they are."""

        def unit() -> Unit[None]:
            for row in rows:
                yield Insert(table, [row])

        await self.run(unit)

    async def set(self, table: Any, id_: int, **values: Any) -> None:
        """Columns of one row, as they are; its version grows, if it has one."""
        if "version" in table.c:
            values["version"] = table.c.version + 1
        clause = update(table).where(table.c.id == id_).values(**values)

        def unit() -> Unit[None]:
            yield Run(Statement(clause), [{}])

        await self.run(unit)

    async def person(self, username: str, *, scopes: str = SCOPES, **more: Any) -> Person:
        """Somebody who lives here and has a token."""
        ids, names = self.context.world.ids, self.context.world.names
        uri, token = names.actor(username), f"token-of-{username}"
        actor_id, user_id, token_id, app_id = ids.next(), ids.next(), ids.next(), ids.next()
        now_ms = self.context.world.clock.now_ms()
        await self.insert(actors, _actor_row(actor_id, uri, username, names.host, local=True) | more)
        await self.insert(
            users,
            {
                "id": user_id,
                "actor_id": actor_id,
                "email": f"{username}@example.org",
                "role": "user",
                "confirmed_ms": now_ms,
                "approved_ms": now_ms,
                "created_ms": now_ms,
            },
        )
        await self.insert(
            apps,
            {
                "id": app_id,
                "client_id": f"client-{username}",
                "client_secret": "secret",
                "name": "A Test",
                "website": "https://app.example",
                "redirect_uris": "urn:ietf:wg:oauth:2.0:oob",
                "scopes": scopes,
                "created_ms": now_ms,
            },
        )
        await self.insert(
            tokens,
            {
                "id": token_id,
                "token_hash": hash_token(token),
                "app_id": app_id,
                "user_id": user_id,
                "scopes": scopes,
                "created_ms": now_ms,
                "last_used_ms": now_ms,
            },
        )
        return Person(self, actor_id, username, names.host, uri, token, token_id, user_id)

    async def stranger(self, username: str, host: str = "far.example", **more: Any) -> Person:
        """Somebody elsewhere whom we know."""
        actor_id, uri = self.context.world.ids.next(), f"https://{host}/users/{username}"
        await self.insert(actors, _actor_row(actor_id, uri, username, host, local=False) | more)
        return Person(self, actor_id, username, host, uri)

    async def accept(self, follower: Person, followed: Person) -> None:
        """A stranger grants a request."""

        def unit() -> Unit[None]:
            yield from accept_follow(AcceptFollow(follower.actor_id, followed.actor_id))

        await self.run(unit)

    async def hear(
        self,
        author: Person,
        text: str = "<p>hello</p>",
        *,
        visibility: Visibility = Visibility.PUBLIC,
        mentions: Sequence[Person] = (),
        hashtags: Sequence[str] = (),
        in_reply_to_id: int | None = None,
        poll: Poll | None = None,
        **more: Any,
    ) -> int:
        """Somebody elsewhere says something that reaches us; through the real rule of what follows from it."""
        context = self.context
        id_ = context.world.ids.next()
        ids = (author.actor_id, *(person.actor_id for person in mentions))
        uri = f"https://{author.host}/objects/{id_}"

        def decide(facts: Any) -> Any:
            people = tuple(facts.actors_by_id[person.actor_id] for person in mentions)
            parent = facts.objects_by_id.get(in_reply_to_id) if in_reply_to_id else None
            parts = {"mentions": [mention_of(person) for person in people], "tags": list(hashtags)}
            record = NewObject(
                id=id_,
                uri=uri,
                type="Question" if poll else "Note",
                actor_id=author.actor_id,
                local=False,
                visibility=visibility,
                published_ms=context.world.clock.now_ms(),
                content=text,
                in_reply_to_uri=parent.uri if parent else None,
                in_reply_to_id=parent.id if parent else None,
                in_reply_to_actor_id=parent.actor_id if parent else None,
                thread_id=(parent.thread_id or parent.id) if parent else id_,
                mention_ids=tuple(person.id for person in people),
                hashtags=tuple(hashtags),
                poll=poll,
                **{"parts": parts, **more},
            )
            return publish(record, facts.actors_by_id[author.actor_id], people, facts)

        needs = Needs(
            acting=author.uri,
            actor_ids=ids,
            object_ids=(in_reply_to_id,) if in_reply_to_id else (),
            audience=True,
            hashtags=tuple(hashtags),
        )
        decided = await context.writer.decide(Decision(needs, decide))
        assert decided.refusal is None, decided.refusal
        return id_

    async def upload(self, owner: Person, **more: Any) -> int:
        """A picture that hangs on nothing yet."""
        id_ = self.context.world.ids.next()
        row = {
            "id": id_,
            "actor_id": owner.actor_id,
            "type": "image",
            "path": f"{id_}.png",
            "preview_path": f"{id_}-small.png",
            "media_type": "image/png",
            "size_bytes": 100,
            "meta": '{"original":{"width":640,"height":480}}',
            "description": "a picture",
            "created_ms": self.context.world.clock.now_ms(),
        }
        await self.insert(media, row | more)
        return id_

    async def publish(self, author: Person, text: str, **more: Any) -> int:
        """Somebody here says something, without the API."""
        outcome = await self.context.outbox.post(author.actor_id, Draft(text, **more))
        assert not isinstance(outcome, Refuse), outcome
        return outcome

    async def request(self, verb: str, path: str, *, token: str = "", **more: Any) -> Answer:
        """One request; `json`, `data`, `params` and `headers` as aiohttp takes them."""
        headers = dict(more.pop("headers", {}))
        if token:
            headers["Authorization"] = f"Bearer {token}"
        params = [(k, str(x)) for k, v in more.pop("params", {}).items() for x in (v if isinstance(v, list) else [v])]
        async with self.session.request(verb, self.base_url + path, headers=headers, params=params, **more) as answer:
            body = await answer.json() if "json" in answer.headers.get("Content-Type", "") else await answer.text()
            return Answer(answer.status, body, dict(answer.headers))


def many(name: str, *values: object) -> dict[str, Any]:
    """A parameter that is a list: `name[]=one&name[]=two`."""
    return {f"{name}[]": list(values)}


def _actor_row(id_: int, uri: str, username: str, host: str, *, local: bool) -> dict[str, Any]:
    return {
        "id": id_,
        "uri": uri,
        "type": "Person",
        "local": local,
        "username": username,
        "host": host,
        "name": username.title(),
        "url": f"https://{host}/@{username}",
        "inbox": f"{uri}/inbox",
        "followers_uri": f"{uri}/followers",
        "created_ms": 1_700_000_000_000,
    }


@contextlib.asynccontextmanager
async def talking_node(folder: Path, *, database_url: str | None = None, **settings: str) -> AsyncIterator[TalkingNode]:
    """Start a node; `settings` are names of variables without their prefix."""
    port = free_port()
    environ = {
        "DATA_DIR": str(folder / "data"),
        "LISTEN": f"127.0.0.1:{port}",
        "BASE_URL": f"http://127.0.0.1:{port}",
        "RATE_LIMITS": "false",
        **settings,
    }
    if database_url:
        environ["DATABASE_URL"] = database_url
    config = configure({}, {f"FEDIVERSE_NODE_{name}": value for name, value in environ.items()})
    (folder / "data").mkdir(parents=True, exist_ok=True)
    await migrate(config.database_url)
    database = await open_database(config.database_url)
    clock, randomness = SystemClock(), SystemRandomness()
    world = World(clock, IdFactory(clock, randomness), randomness, Names(config.base_url, config.host))
    writer = Writer(database, world)
    strangers: dict[str, int] = {}

    async def find_handle(user: str, host: str) -> int | Fail:
        return strangers.get(f"{user}@{host}", Fail(Nothing.HERE))

    async def find_uri(uri: str) -> int | Fail:
        return strangers.get(uri, Fail(Nothing.HERE))

    async def document_of(actor_id: int) -> dict[str, object] | None:
        row = await database.fetch_one(ACTOR, id_=actor_id)
        return {"id": actor_of(row).uri, "type": "Person"} if row else None

    http = Client(base_url=config.base_url, version="test", development=True)
    links = VerifiedLinks(database=database, writer=writer, world=world, http=http)
    outbox = Outbox(
        database=database,
        writer=writer,
        world=world,
        find_handle=find_handle,
        actor_document_of=document_of,
        links=links,
    )
    registration = Registration(database=database, writer=writer, world=world, keys=SystemKeys())
    desk = DomainDesk(database=database, writer=writer, world=world, config=config, http=None)
    context = Context(config, world, database, writer, outbox, registration, find_handle, find_uri, find_uri, desk=desk)
    desk.on_changed(lambda: forget_renderings(context))
    app = web.Application()
    routes.setup(app, context)
    if close_streams not in app.on_shutdown:
        app.on_shutdown.append(close_streams)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        async with aiohttp.ClientSession() as session:
            yield TalkingNode(context, config.base_url, session, app, runner, strangers)
    finally:
        await runner.cleanup()
        await links.close()
        await http.close()
        await writer.drain()
        await database.close()
