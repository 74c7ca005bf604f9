"""Streaming over real WebSockets and event streams."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from fediverse_node.domain.model import Visibility
from fediverse_node.mastodon_api.routing import SURFACE
from fediverse_node.mastodon_api.streaming import Subscriber, hub_of
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import list_members, lists, tokens
from fediverse_node.storage.unit import Run, Unit
from tests.api.talking_node import Person, TalkingNode, talking_node

QUIET_S = 0.2


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


class Socket:
    """A client's WebSocket."""

    def __init__(self, raw: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = raw

    async def subscribe(self, stream: str, **more: str) -> None:
        await self.raw.send_json({"type": "subscribe", "stream": stream, **more})
        await asyncio.sleep(0.05)  # nothing is answered to it

    async def next(self) -> tuple[list[str], str, Any]:
        """(stream, event, payload); a payload of JSON is read."""
        frame = orjson.loads(await self.raw.receive_str(timeout=5))
        assert isinstance(frame["payload"], str)
        payload = orjson.loads(frame["payload"]) if frame["payload"].startswith("{") else frame["payload"]
        return frame["stream"], frame["event"], payload

    async def is_quiet(self) -> bool:
        """Whether nothing comes for a moment."""
        try:
            await self.raw.receive(timeout=QUIET_S)
        except TimeoutError:
            return True
        return False


@contextlib.asynccontextmanager
async def listening(person: Person, *streams: str, path: str = "/api/v1/streaming") -> AsyncIterator[Socket]:
    url = f"{person.node.base_url}{path}"
    headers = {"Authorization": f"Bearer {person.token}"}
    async with person.node.session.ws_connect(url, headers=headers) as raw:
        socket = Socket(raw)
        for stream in streams:
            await socket.subscribe(stream)
        yield socket


async def test_a_status_of_somebody_one_follows_arrives_as_the_timeline_would_show_it(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    await alice.follow(bob)
    async with listening(alice, "user") as socket:
        said = await bob.say("news")
        stream, name, payload = await socket.next()
        assert (stream, name, payload["id"]) == (["user"], "update", said["id"])
        assert payload == await alice.get(f"/api/v1/statuses/{said['id']}")
        await bob.ask("PUT", f"/api/v1/statuses/{said['id']}", json={"status": "newer"})
        stream, name, payload = await socket.next()
        assert (name, "newer" in payload["content"]) == ("status.update", True)
        await bob.ask("DELETE", f"/api/v1/statuses/{said['id']}")
        assert await socket.next() == (["user"], "delete", said["id"])


async def test_each_stream_gets_what_is_its_own(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    far = await node.stranger("far")
    async with listening(alice, "user", "public", "public:local", "public:remote", "public:media") as socket:
        await socket.subscribe("hashtag", tag="Cats")
        said = await bob.say("#cats are here")
        found = [await socket.next() for _ in range(3)]
        assert {tuple(stream) for stream, _, _ in found} == {("public",), ("public:local",), ("hashtag", "cats")}
        assert {payload["id"] for _, _, payload in found} == {said["id"]}
        heard = await node.hear(far, "<p>from afar</p>")
        found = [await socket.next() for _ in range(2)]
        assert {tuple(stream) for stream, _, _ in found} == {("public",), ("public:remote",)}
        assert {payload["id"] for _, _, payload in found} == {str(heard)}
        await bob.say("quiet", visibility="unlisted")
        await bob.say("among us", visibility="private")
        assert await socket.is_quiet()


async def test_a_notification_reaches_both_streams_that_carry_it(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    said = await alice.say("hello")
    async with listening(alice, "user", "user:notification") as socket:
        await bob.post(f"/api/v1/statuses/{said['id']}/favourite")
        found = [await socket.next() for _ in range(2)]
        assert {stream[0] for stream, _, _ in found} == {"user", "user:notification"}
        assert {(name, payload["type"]) for _, name, payload in found} == {("notification", "favourite")}


async def test_a_private_message_moves_the_conversation_and_nobody_elses_stream(node: TalkingNode) -> None:
    alice, bob, carol = [await node.person(name) for name in ("alice", "bob", "carol")]
    await carol.follow(bob)
    async with listening(alice, "direct") as hers, listening(carol, "user", "direct", "public") as others:
        said = await node.publish(bob, "@alice psst", visibility=Visibility.DIRECT)
        stream, name, payload = await hers.next()
        assert (stream, name, payload["last_status"]["id"]) == (["direct"], "conversation", str(said))
        assert payload["unread"] is True
        assert await others.is_quiet()


async def test_a_list_is_streamed_to_its_owner_alone(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    list_id = node.context.world.ids.next()
    await node.insert(lists, {"id": list_id, "actor_id": alice.actor_id, "title": "friends"})
    await node.insert(list_members, {"id": list_id + 1, "list_id": list_id, "actor_id": bob.actor_id})
    async with listening(alice) as socket, listening(bob) as other:
        await socket.subscribe("list", list=str(list_id))
        await other.raw.send_json({"type": "subscribe", "stream": "list", "list": str(list_id)})
        assert orjson.loads(await other.raw.receive_str(timeout=5)) == {"error": "Record not found", "status": 404}
        said = await bob.say("hi")
        assert [(await socket.next())[n] for n in (0,)] == [["list", str(list_id)]]
        assert said


async def test_what_one_unsubscribes_from_stays_silent(node: TalkingNode) -> None:
    alice = await node.person("alice")
    async with listening(alice, "public", "user") as socket:
        await socket.raw.send_json({"type": "unsubscribe", "stream": "public"})
        await asyncio.sleep(0.05)
        await alice.say("hello")
        assert (await socket.next())[0] == ["user"]
        assert await socket.is_quiet()


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"type": "subscribe", "stream": "everything"}, {"error": "Unknown stream type", "status": 400}),
        ({"type": "subscribe", "stream": "hashtag"}, {"error": "Missing tag name parameter", "status": 400}),
        ({"type": "subscribe", "stream": "list", "list": "x"}, {"error": "Record not found", "status": 404}),
    ],
)
async def test_what_cannot_be_heard_is_refused_and_the_connection_stays(
    node: TalkingNode, message: dict[str, str], error: dict[str, Any]
) -> None:
    alice = await node.person("alice")
    async with listening(alice) as socket:
        await socket.raw.send_str("no JSON")
        await socket.raw.send_str("[]")
        await socket.raw.send_json(message)
        assert orjson.loads(await socket.raw.receive_str(timeout=5)) == error
        await socket.subscribe("user")
        await alice.say("still here")
        assert (await socket.next())[1] == "update"


@pytest.mark.parametrize("way", ["query", "header", "protocol"])
async def test_the_token_may_come_in_three_ways(node: TalkingNode, way: str) -> None:
    alice = await node.person("alice")
    url = f"{node.base_url}/api/v1/streaming?stream=user"
    more: dict[str, Any] = {}
    if way == "query":
        url += f"&access_token={alice.token}"
    elif way == "header":
        more = {"headers": {"Authorization": f"Bearer {alice.token}"}}
    else:
        more = {"protocols": (alice.token,)}
    async with node.session.ws_connect(url, **more) as raw:
        assert raw.protocol == (alice.token if way == "protocol" else None)
        await asyncio.sleep(0.05)
        await alice.say("hello")
        assert (await Socket(raw).next())[1] == "update"


async def test_nobody_listens_without_a_good_token(node: TalkingNode) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await node.session.ws_connect(f"{node.base_url}/api/v1/streaming")
    assert refused.value.status == 401
    narrow = await node.person("narrow", scopes="write")
    events = await node.request("GET", "/api/v1/streaming/user", token=narrow.token)
    assert (events.status, events.body) == (403, {"error": "This action is outside the authorized scopes"})
    assert (await node.request("GET", "/api/v1/streaming/public")).status == 401
    assert (await node.request("GET", "/api/v1/streaming/health")).body == "OK"


async def test_notifications_need_their_scope(node: TalkingNode) -> None:
    alice, bob = await node.person("alice", scopes="read:statuses write"), await node.person("bob")
    async with listening(alice, "user") as socket:
        await bob.say("@alice hi")
        assert await socket.is_quiet()


async def test_a_connection_ends_when_its_token_is_revoked(node: TalkingNode) -> None:
    alice, bob = await node.person("alice"), await node.person("bob")
    async with listening(alice, "user") as hers, listening(bob, "user") as his:
        hub_of(node.context).close_token(alice.token_id)
        message = await hers.raw.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.CLOSE
        await bob.say("I am still here")
        assert (await his.next())[1] == "update"


async def test_a_token_revoked_by_another_process_ends_an_event_stream_soon(
    node: TalkingNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fediverse_node.mastodon_api.streaming._THUMP_S", 0.05)
    alice = await node.person("alice")
    headers = {"Authorization": f"Bearer {alice.token}"}
    async with node.session.get(f"{node.base_url}/api/v1/streaming/user", headers=headers) as events:
        assert await events.content.readline() == b":)\n"
        assert await events.content.readline() == b":thump\n"

        def unit() -> Unit[None]:
            yield Run(Statement(tokens.delete().where(tokens.c.id == alice.token_id)), [{}])

        await node.run(unit)
        node.app[SURFACE].viewers.forget(alice.token_id)  # what was remembered for some seconds has run out
        async with asyncio.timeout(5):
            assert (await events.content.read()).replace(b":thump\n", b"") == b""


async def test_an_event_stream_carries_the_same_events(node: TalkingNode) -> None:
    alice = await node.person("alice")
    headers = {"Authorization": f"Bearer {alice.token}"}
    url = f"{node.base_url}/api/v1/streaming/hashtag/local?tag=cats"
    async with node.session.get(url, headers=headers) as events:
        assert events.headers["Content-Type"] == "text/event-stream"
        assert events.headers["Access-Control-Allow-Origin"] == "*"
        assert await events.content.readline() == b":)\n"
        said = await alice.say("#cats")
        async with asyncio.timeout(5):
            assert await events.content.readline() == b"event: update\n"
            line = await events.content.readline()
        assert orjson.loads(line.removeprefix(b"data: "))["id"] == said["id"]


async def test_binary_messages_end_the_connection(node: TalkingNode) -> None:
    alice = await node.person("alice")
    async with listening(alice) as socket:
        await socket.raw.send_bytes(b"x")
        message = await socket.raw.receive(timeout=5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.UNSUPPORTED_DATA)


async def test_somebody_who_does_not_read_is_let_go(node: TalkingNode) -> None:
    alice = await node.person("alice")
    viewer = await node.app[SURFACE].viewers.find(alice.token)
    assert viewer is not None
    slow = Subscriber(viewer, {("user",)})
    for n in range(1000):
        slow.send(("user",), "delete", str(n))
    assert slow.closing == "too slow"
    assert await slow.next(0.1) is None


async def test_a_deleted_private_status_is_mentioned_to_those_who_had_it_only(node: TalkingNode) -> None:
    alice, bob, carol = [await node.person(name) for name in ("alice", "bob", "carol")]
    await bob.follow(alice)
    said = await alice.say("among us", visibility="private")
    assert len(await bob.get("/api/v1/timelines/home")) == 1
    async with listening(bob, "user") as his, listening(carol, "user", "public") as others:
        await alice.ask("DELETE", f"/api/v1/statuses/{said['id']}")
        assert await his.next() == (["user"], "delete", said["id"])
        assert await others.is_quiet()


async def test_a_server_that_stops_does_not_wait_for_those_who_listen(tmp_path: Path) -> None:
    async with talking_node(tmp_path) as node:
        alice = await node.person("alice")
        headers = {"Authorization": f"Bearer {alice.token}"}
        async with (
            listening(alice, "user"),
            node.session.get(f"{node.base_url}/api/v1/streaming/user", headers=headers) as events,
        ):
            await events.content.readline()
            started = asyncio.get_running_loop().time()
            await node.runner.shutdown()
            await events.content.read()
            assert asyncio.get_running_loop().time() - started < 0.5


async def test_changed_filters_are_announced(node: TalkingNode) -> None:
    alice = await node.person("alice")
    async with listening(alice, "user") as socket:
        hub_of(node.context).filters_changed(alice.actor_id)
        assert await socket.next() == (["user"], "filters_changed", "")
