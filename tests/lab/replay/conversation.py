"""Two real nodes on real sockets talk, and one of them is recorded."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from fediverse_node.app import Node, build
from fediverse_node.base.clock import SystemClock
from fediverse_node.base.config import configure
from fediverse_node.base.outcome import Fail
from fediverse_node.cli.setup import prepare
from fediverse_node.domain.model import Visibility
from fediverse_node.lab.recorder.lines import RecordingFile
from fediverse_node.lab.recorder.recorder import Recorder, Wanted
from fediverse_node.lab.scrub.scrubber import Scrubber
from fediverse_node.outbox.draft import Draft
from fediverse_node.storage.queries.inbox import ACTOR_FETCHED, OBJECT_ID
from fediverse_node.storage.queries.looking import LIKERS, SHOWN
from fediverse_node.storage.queries.recorded import FOLLOWS_OF
from fediverse_node.transport.client import Client
from tests.inprocess import Running, free_port, running_node

SECRET = "the zeppelin lands at midnight behind the orangery"
EDITED = "quicksilver afterthought"


@dataclass
class Talk:
    """The two, and alice, who lives on the recorded node, and ben, who does not."""

    alice_node: Node
    ben_node: Node
    alice: int
    ben: int
    alice_url: str
    ben_url: str

    @property
    def alice_uri(self) -> str:
        return f"{self.alice_url}/users/alice"

    @property
    def ben_uri(self) -> str:
        return f"{self.ben_url}/users/ben"


@contextlib.asynccontextmanager
async def recorded_node(
    folder: Path,
    file: Path,
    *,
    wanted: Wanted | None = None,
    limit_bytes: int = 50_000_000,
    port: int | None = None,
) -> AsyncIterator[tuple[Running, Recorder]]:
    """As `serve --record`, in this process."""
    port = port or free_port()
    base_url = f"http://127.0.0.1:{port}"
    config = configure(
        {},
        {
            "FEDIVERSE_NODE_DATA_DIR": str(folder / "data"),
            "FEDIVERSE_NODE_LISTEN": f"127.0.0.1:{port}",
            "FEDIVERSE_NODE_BASE_URL": base_url,
        },
    )
    lines, _ = RecordingFile.create(file, limit_bytes=limit_bytes)
    recorder = Recorder(lines, host=config.host, base_url=base_url, clock=SystemClock(), wanted=wanted)
    prepared = await prepare(config)
    node = await build(prepared.core, http=recorder.http(Client(base_url=base_url, version="test", development=True)))
    recorder.attach(node)
    runner = web.AppRunner(node.app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    await recorder.begin()
    with recorder.watching():
        await node.start()
    try:
        yield Running(node, base_url), recorder
    finally:
        await runner.cleanup()
        await node.stop()
        recorder.end()


async def eventually(what: Callable[[], Awaitable[Any]], of: str) -> Any:
    """What it gives as soon as it gives something."""
    for _ in range(400):
        found = await what()
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"never happened: {of}")


async def actor_id(node: Node, uri: str) -> int:
    row = await node.core.database.fetch_one(ACTOR_FETCHED, uri=uri)
    assert row is not None, uri
    return int(row["id"])


async def has(node: Node, uri: str) -> int | None:
    row = await node.core.database.fetch_one(OBJECT_ID, uri=uri)
    return None if row is None else int(row["id"])


def uri_of(url: str, name: str, number: object) -> str:
    assert isinstance(number, int), number
    return f"{url}/users/{name}/statuses/{number}"


async def converse(talk: Talk) -> None:
    """A follow, posts for everybody and for one, an answer, a like, an edit, deletions, and things that go wrong."""
    a, b = talk.alice_node, talk.ben_node
    alice_at_ben = await b.gatherer.handle("alice", talk.alice_url.removeprefix("http://"))
    assert isinstance(alice_at_ben, int), alice_at_ben
    assert await b.outbox.follow(talk.ben, alice_at_ben) is None
    await eventually(lambda: _follows(b, talk.ben_uri, talk.alice_uri), "the Accept")

    post = await a.outbox.post(talk.alice, Draft("Hello everybody, this is a walrus speaking"))
    post_uri = uri_of(talk.alice_url, "alice", post)
    await eventually(lambda: has(b, post_uri), "the post at ben's")
    at_ben = await has(b, post_uri)
    assert at_ben is not None
    assert isinstance(post, int)
    assert await b.outbox.like(talk.ben, at_ben) is None
    await eventually(lambda: a.core.database.fetch(LIKERS, object_uri=post_uri), "the like")
    answer = await b.outbox.post(talk.ben, Draft("Gladly heard, dear walrus", in_reply_to_id=at_ben))
    answer_uri = uri_of(talk.ben_url, "ben", answer)
    await eventually(lambda: has(a, answer_uri), "the answer")

    handle = f"@ben@{talk.ben_url.removeprefix('http://')}"
    letter = await a.outbox.post(talk.alice, Draft(f"{handle} {SECRET}", visibility=Visibility.DIRECT))
    await eventually(lambda: has(b, uri_of(talk.alice_url, "alice", letter)), "the letter")
    assert await a.outbox.edit(talk.alice, post, Draft(f"Hello everybody, {EDITED}")) is None
    await eventually(lambda: _shows(b, talk.ben_uri, EDITED), "the edit")

    assert await a.outbox.announce(talk.alice, (await has(a, answer_uri)) or 0, Visibility.PUBLIC)
    assert isinstance(answer, int)
    await b.outbox.delete(talk.ben, answer)
    await eventually(lambda: _gone(a, answer_uri), "the deletion of the answer")
    await a.outbox.delete(talk.alice, post)
    await eventually(lambda: _gone(b, post_uri), "the deletion of the post")
    await _go_wrong(talk)


async def _go_wrong(talk: Talk) -> None:
    nowhere = await talk.alice_node.gatherer.handle("nobody", f"127.0.0.1:{free_port()}")
    assert not isinstance(nowhere, int)
    missing = await talk.alice_node.gatherer.object(f"{talk.ben_url}/users/ben/statuses/1234")
    assert isinstance(missing, Fail)
    headers = {"Content-Type": "application/activity+json"}
    forged = {
        "id": f"{talk.ben_uri}#forged",
        "type": "Delete",
        "actor": talk.ben_uri,
        "object": f"{talk.ben_url}/users/ben/statuses/99",
    }
    async with aiohttp.ClientSession(headers=headers) as session:
        for url, body in (
            (f"{talk.alice_url}/inbox", forged),
            (f"{talk.alice_url}/users/nobody/inbox", forged),
        ):
            async with session.post(url, json=body) as answer:
                assert answer.status >= 400
        async with session.post(f"{talk.alice_url}/inbox", data=b"{ this is no JSON") as answer:
            assert answer.status == 400
        async with session.post(f"{talk.alice_url}/inbox", data=b"x" * 10, headers={"Content-Type": "text/plain"}) as a:
            assert a.status == 415
        async with session.get(talk.alice_uri, headers={"Accept": "application/activity+json"}) as answer:
            assert answer.status == 200


async def _follows(node: Node, who: str, whom: str) -> bool:
    rows = await node.core.database.fetch(FOLLOWS_OF, uri=who)
    return any(row["accepted"] and row["followed_uri"] == whom for row in rows)


async def _shows(node: Node, uri: str, text: str) -> bool:
    return any(text in row["content"] for row in await node.core.database.fetch(SHOWN, actor_uri=uri))


async def _gone(node: Node, uri: str) -> bool:
    return await has(node, uri) is None


async def record(folder: Path, file: Path, *, wanted: Wanted | None = None) -> None:
    """Run the conversation; the recording is in `file` then."""
    async with (
        running_node(folder / "ben") as ben_node,
        recorded_node(folder / "alice", file, wanted=wanted) as (alice_node, _),
    ):
        talk = Talk(
            alice_node.node,
            ben_node.node,
            await alice_node.add_person("alice"),
            await ben_node.add_person("ben"),
            alice_node.base_url,
            ben_node.base_url,
        )
        await converse(talk)
        await asyncio.sleep(0.3)


async def record_later(folder: Path, file: Path) -> None:
    """They have followed each other and talked for a while when the recording begins."""
    port = free_port()
    async with running_node(folder / "ben") as ben_node:
        async with running_node(folder / "alice", port=port) as alice_node:
            alice, ben = await alice_node.add_person("alice"), await ben_node.add_person("ben")
            a, b = alice_node.node, ben_node.node
            alice_uri, ben_uri = f"{alice_node.base_url}/users/alice", f"{ben_node.base_url}/users/ben"
            alice_at_ben = await b.gatherer.actor(alice_uri)
            ben_at_alice = await a.gatherer.actor(ben_uri)
            assert isinstance(alice_at_ben, int)
            assert isinstance(ben_at_alice, int)
            assert await b.outbox.follow(ben, alice_at_ben) is None
            await eventually(lambda: _follows(b, ben_uri, alice_uri), "ben follows alice")
            assert await a.outbox.follow(alice, ben_at_alice) is None
            await eventually(lambda: _follows(a, alice_uri, ben_uri), "alice follows ben")
            old = await a.outbox.post(alice, Draft("an old post about marmalade"))
            old_uri = uri_of(alice_node.base_url, "alice", old)
            await eventually(lambda: has(b, old_uri), "the old post")
            theirs = await b.outbox.post(ben, Draft("an old post by ben"))
            theirs_uri = uri_of(ben_node.base_url, "ben", theirs)
            await eventually(lambda: has(a, theirs_uri), "ben's old post")
        async with recorded_node(folder / "alice", file, port=port) as (alice_again, _):
            a = alice_again.node
            old_at_ben = await has(b, old_uri)
            assert old_at_ben is not None
            assert await b.outbox.like(ben, old_at_ben) is None
            await eventually(lambda: a.core.database.fetch(LIKERS, object_uri=old_uri), "the like of the old post")
            new = await b.outbox.post(ben, Draft("news", in_reply_to_id=old_at_ben))
            await eventually(lambda: has(a, uri_of(ben_node.base_url, "ben", new)), "the answer to the old post")
            fresh = await b.outbox.post(ben, Draft("for everybody who follows"))
            await eventually(lambda: has(a, uri_of(ben_node.base_url, "ben", fresh)), "a new post")
            theirs_id = await has(a, theirs_uri)
            assert theirs_id is not None
            assert await a.outbox.like(alice, theirs_id) is None
            await eventually(lambda: b.core.database.fetch(LIKERS, object_uri=theirs_uri), "alice's like")
            said = await a.outbox.post(
                alice, Draft("a post that is only for followers", visibility=Visibility.FOLLOWERS)
            )
            await eventually(lambda: has(b, uri_of(alice_again.base_url, "alice", said)), "the post for followers")
            await asyncio.sleep(0.3)


def scrubbing() -> Wanted:
    return Wanted(scrub=Scrubber().line)
