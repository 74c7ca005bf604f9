"""Conversations that began here are told to those who listen, and can be read from their log alone.

spec: fep-171b, fep-f228
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from fediverse_node.domain.model import InteractionPolicy, Permission, Visibility
from fediverse_node.domain.threads import Lack
from fediverse_node.outbox.draft import Draft
from fediverse_node.storage import tables as t
from fediverse_node.storage.queries import threads as queries
from fediverse_node.storage.queries.inbox import OBJECT_ID
from fediverse_node.storage.queries.neighbours import note_said
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.unit import Unit
from tests.fake_peer import PUBLIC, FakePeer, Person, fake_peer
from tests.federation.proving import Prover
from tests.inprocess import Running, running_node

_PATIENCE_S = 20.0
_ADDS = Statement(
    select(t.payloads.c.body, t.deliveries.c.inbox)
    .select_from(t.payloads.join(t.deliveries, t.deliveries.c.payload_id == t.payloads.c.id))
    .where(t.payloads.c.type == "Add")
    .order_by(t.payloads.c.id)
)


class Scene:
    """Alice here with a reader on one server, and ann on another who answers."""

    def __init__(self, home: Running, near: FakePeer, far: FakePeer, alice: int) -> None:
        self.home, self.near, self.far, self.alice = home, near, far, alice
        self.ann = far.person("ann")
        self.inbox = f"{home.base_url}/inbox"
        self.alice_uri = f"{home.base_url}/users/alice"

    async def runs(self, peer: FakePeer, software: str) -> None:
        """What the peer's NodeInfo has said."""
        said = {"software": software, "software_version": "1", "application_uri": None, "now_ms": 1}
        await self.home.node.core.writer.run(lambda: note_said(peer.host, **said))  # type: ignore[arg-type]

    async def says(self, visibility: Visibility = Visibility.PUBLIC, answers: int | None = None) -> tuple[int, str]:
        draft = Draft("Who has seen my boat?", visibility=visibility, in_reply_to_id=answers)
        said = await self.home.node.outbox.post(self.alice, draft)
        assert isinstance(said, int), said
        return said, f"{self.alice_uri}/statuses/{said}"

    async def answers(self, post: str, *, prover: Prover | None = None, **more: Any) -> dict[str, Any]:
        """Ann's Create, which can be looked up, and which her server brings."""
        create = self.far.create(self.ann, self.far.note(self.ann, "<p>I have</p>", inReplyTo=post, **more))
        create = prover.proves(create) if prover is not None else create
        self.far.documents[create["id"]] = create
        assert await self.far.deliver(self.ann, self.inbox, create) == 202
        return create

    async def told(self) -> list[tuple[dict[str, Any], str]]:
        """Adds that were sent, or are to be, and to whom."""
        return [(orjson.loads(row["body"]), row["inbox"]) for row in await self.home.node.core.database.fetch(_ADDS)]

    async def reads(self, path: str) -> dict[str, Any]:
        headers = {"Accept": "application/activity+json"}
        async with self.far.session.get(self.home.base_url + path, headers=headers) as answer:
            assert answer.status == 200, path
            found: dict[str, Any] = orjson.loads(await answer.read())
            return found


async def _follow(scene: Scene, peer: FakePeer, person: Person) -> None:
    assert await peer.deliver(person, scene.inbox, peer.activity(person, "Follow", scene.alice_uri)) == 202


@pytest.fixture
async def scene(home: Running, peer: FakePeer) -> AsyncIterator[Scene]:
    alice = await home.add_person("alice")
    async with fake_peer() as far:
        scene = Scene(home, peer, far, alice)
        await _follow(scene, peer, peer.person("reader", has_shared_inbox=True))
        await _follow(scene, far, scene.ann)
        yield scene


async def test_who_listens_is_told_of_replies_and_can_believe_it(scene: Scene) -> None:
    await scene.runs(scene.near, "hubzilla")
    root, post = await scene.says()
    bare = await scene.answers(post)
    proven = await scene.answers(post, prover=Prover(scene.far, scene.ann))
    own, own_uri = await scene.says(answers=root)
    told = await scene.told()
    assert [document["object"] for document, _ in told][:2] == [bare["id"], proven]
    assert told[2][0]["object"]["object"]["id"] == own_uri
    # Her own server runs something else, and would not know what to do with it.
    assert {inbox for _, inbox in told} == {f"{scene.near.base_url}/inbox"}
    async with asyncio.timeout(_PATIENCE_S):
        while len(arrived := [each for each in scene.near.arrived if each.activity["type"] == "Add"]) < 3:
            await asyncio.sleep(0.02)
    assert {each.signer for each in arrived} == {scene.alice_uri}
    # The log says the same as was told, and has everything in it.
    page = await scene.reads(f"/contexts/{root}/history?page=true")
    by_id = {item["id"]: item for item in page["orderedItems"]}
    assert len(by_id) == 4
    for document, _ in told:
        kept = by_id[document["id"]]
        alike = ("type", "actor", "target", "to", "cc", "published")
        assert [kept[name] for name in alike] == [document[name] for name in alike]
        what = document["object"]
        assert kept["object"] == (what if isinstance(what, str) else what["id"])
    assert own in {int(id_.rpartition("/")[2]) for id_ in by_id}


async def test_participants_are_told_too(scene: Scene) -> None:
    await scene.runs(scene.far, "mitra")
    _, post = await scene.says()
    zoe = scene.far.person("zoe")
    note = scene.far.note(zoe, "<p>Nobody follows me</p>", inReplyTo=post)
    assert await scene.far.deliver(zoe, scene.inbox, scene.far.create(zoe, note)) == 202
    await scene.answers(post)
    told = await scene.told()
    assert {inbox for _, inbox in told} == {scene.ann.inbox, zoe.inbox}


async def test_what_waits_is_told_when_it_is_approved(scene: Scene) -> None:
    await scene.runs(scene.near, "forte")
    asks = InteractionPolicy(reply=Permission(("author",), ("public",)))
    said = await scene.home.node.outbox.post(scene.alice, Draft("May I?", visibility=Visibility.PUBLIC, policy=asks))
    assert isinstance(said, int)
    create = await scene.answers(f"{scene.alice_uri}/statuses/{said}")
    log = f"/contexts/{said}/history?page=true"
    assert (await scene.told(), len((await scene.reads(log))["orderedItems"])) == ([], 1)
    [request] = await scene.home.node.core.database.fetch(Statement(select(t.interaction_requests.c.id)))
    assert await scene.home.node.outbox.answer_request(scene.alice, request["id"], accept=True) is None
    [(told, _)] = await scene.told()
    assert told["object"] == create["id"]
    # Within a second nothing says which was first.
    assert told["id"] in [item["id"] for item in (await scene.reads(log))["orderedItems"]]


async def test_others_are_told_of_none_of_it(scene: Scene) -> None:
    await scene.runs(scene.near, "mastodon")
    _, post = await scene.says()
    await scene.answers(post)
    assert await scene.told() == []
    await scene.runs(scene.near, "streams")
    followers, private = await scene.says(Visibility.FOLLOWERS)
    await scene.answers(private, to=[scene.ann.followers], cc=[scene.alice_uri])
    await scene.says(Visibility.FOLLOWERS, answers=followers)
    answer = await scene.answers(post, to=[scene.alice_uri], cc=[])
    await scene.answers(answer["object"]["id"], to=[PUBLIC])
    assert await scene.told() == []
    await scene.answers(post)
    assert len(await scene.told()) == 1, "nobody is told anything, or this proves nothing"


async def test_a_node_that_reads_the_log_alone_has_the_whole_conversation(scene: Scene, tmp_path: Path) -> None:
    root, post = await scene.says()
    brought = await scene.answers(post)
    # It came here without its Create, because somebody looked for it.
    later = (datetime.now(UTC) + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    below = scene.far.note(scene.ann, "<p>Out at sea</p>", inReplyTo=brought["object"]["id"], published=later)
    assert isinstance(await scene.home.node.gatherer.object(below["id"]), int)
    _, own = await scene.says(answers=root)
    async with running_node(tmp_path / "reader", RATE_LIMITS="false") as reader:
        database, writer = reader.node.core.database, reader.node.core.writer
        thread_id = await reader.node.gatherer.object(post)
        assert isinstance(thread_id, int)
        [stored] = await database.fetch(queries.POSTS, thread_id=thread_id)
        assert orjson.loads(stored["parts"])["history"] == f"{scene.home.base_url}/contexts/{root}/history"
        now_ms = reader.node.core.world.clock.now_ms()
        # The list of posts, and that of replies, were asked for in vain.
        lost = {"host": "", "total": None, "listed": 0, "state": Lack.MISSING.name, "detail": "", "attempts": 1}
        lost |= {"asked_ms": now_ms, "next_ms": now_ms + 3_600_000}
        named = (("context", stored["context_uri"]), ("replies", f"{post}/replies"))
        found = queries.Found(sources=[{**lost, "kind": kind, "uri": uri} for kind, uri in named])

        def prepare() -> Unit[None]:
            yield from queries.note_found(thread_id, found)
            yield from queries.want_walk(thread_id, now_ms)

        scene.far.fetched.clear()
        await writer.run(prepare)
        reader.node.walker.wake()
        await _walked(reader, thread_id)
        for uri in (brought["object"]["id"], below["id"], own):
            assert await database.fetch_one(OBJECT_ID, uri=uri) is not None, uri
        posts = {row["uri"]: row["activity_uri"] for row in await database.fetch(queries.POSTS, thread_id=thread_id)}
        # Which Create brought it is known from now on: when the log has grown, it is not asked for again.
        assert posts[brought["object"]["id"]] == brought["id"]
        assert scene.far.fetched.count(brought["id"].removeprefix(scene.far.base_url)) == 1


async def _walked(node: Running, thread_id: int) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        walk = await node.node.core.database.fetch_one(queries.WALK, thread_id=thread_id)
        if walk is not None and walk["walks"] and walk["lease_ms"] is None and walk["walked_ms"]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"the walk did not end in {_PATIENCE_S} s")
