"""Reactions over real sockets: in from servers of several kinds, out to them, and as apps see them.  spec: fep-c0e0"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from sqlalchemy import select

from fediverse_node.base.outcome import Fail
from fediverse_node.outbox.draft import Draft
from fediverse_node.outbox.emoji_desk import EmojiDesk
from fediverse_node.storage import tables as t
from fediverse_node.storage.queries.recount import WRONG_COUNTERS
from fediverse_node.storage.statement import Statement
from tests.fake_peer import FakePeer, Person
from tests.inprocess import Running
from tests.running_node import Api

_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef"
    "0000000049454e44ae426082"
)


class Scene:
    """Alice here with an app, and ann on a server elsewhere."""

    def __init__(self, home: Running, peer: FakePeer, alice: int, session: aiohttp.ClientSession) -> None:
        self.home, self.peer, self.alice = home, peer, alice
        self.session, self.api = session, Api(session)
        self.ann: Person = peer.person("ann", has_shared_inbox=True)
        self.inbox = f"{home.base_url}/inbox"

    async def says(self, text: str) -> Any:
        said = await self.home.node.outbox.post(self.alice, Draft(text))
        return await self.api.get(f"/api/v1/statuses/{said}")

    async def takes(self, kind: str, uri: object, **more: Any) -> dict[str, Any]:
        activity = self.peer.activity(self.ann, kind, uri, **more)
        assert await self.peer.deliver(self.ann, self.inbox, activity) == 202
        return activity

    async def looks(self, status: Any) -> Any:
        return await self.api.get(f"/api/v1/statuses/{status['id']}")

    async def counters_are_right(self) -> None:
        for query in WRONG_COUNTERS:
            assert await self.home.node.core.database.fetch(query) == []


@pytest.fixture
async def scene(home: Running, peer: FakePeer) -> AsyncIterator[Scene]:
    registration = home.node.core.registration
    made = await registration.create("alice", "alice@example.org")
    assert not isinstance(made, Fail)
    token = await registration.token(made.user_id, "read write follow push")
    async with aiohttp.ClientSession(home.base_url, headers={"Authorization": f"Bearer {token}"}) as session:
        yield Scene(home, peer, made.actor_id, session)


async def eventually(check: Callable[[], Awaitable[object]], *, within_s: float = 10.0) -> Any:
    async with asyncio.timeout(within_s):
        while not (found := await check()):
            await asyncio.sleep(0.02)
        return found


async def test_reactions_are_shown_counted_told_and_taken_back(scene: Scene) -> None:
    status = await scene.says("I have painted my boat")
    icon = {"type": "Image", "url": f"{scene.peer.base_url}/cat.png"}
    cat = {"type": "Emoji", "name": ":cat:", "icon": icon}
    first = await scene.takes("EmojiReact", status["uri"], content="🔥")
    second = await scene.takes("Like", status["uri"], content=":cat:", _misskey_reaction=":cat:", tag=[cat])
    seen = await scene.looks(status)
    # For plain apps somebody likes it, once.
    assert (seen["favourites_count"], seen["favourited"]) == (1, False)
    name = f"cat@{scene.peer.host}"
    assert seen["reactions"] == [
        {"name": "🔥", "count": 1, "me": False},
        {"name": name, "count": 1, "me": False, "url": icon["url"], "static_url": icon["url"]},
    ]
    assert [each["name"] for each in seen["pleroma"]["emoji_reactions"]] == ["🔥", name]
    listed = await scene.api.get(f"/api/v1/pleroma/statuses/{status['id']}/reactions")
    assert [(each["name"], [a["acct"] for a in each["accounts"]]) for each in listed] == [
        ("🔥", [f"ann@{scene.peer.host}"]),
        (name, [f"ann@{scene.peer.host}"]),
    ]
    # Told once; as a favourite to apps that know nothing else.
    [plain] = await scene.api.get("/api/v1/notifications")
    assert (plain["type"], plain["emoji"]) == ("favourite", ":cat:")
    [aware] = await scene.api.get("/api/v1/notifications", **{"types[]": "pleroma:emoji_reaction"})
    assert aware["type"] == "pleroma:emoji_reaction"
    [group] = (await scene.api.get("/api/v2/notifications"))["notification_groups"]
    assert (group["type"], group["group_key"]) == ("favourite", f"favourite-{status['id']}")
    accounts = await scene.api.get(f"/api/v2/notifications/{group['group_key']}/accounts")
    assert [each["username"] for each in accounts] == ["ann"]
    # A plain like beside them is no second one, and its end not theirs.
    like = await scene.takes("Like", status["uri"])
    assert (await scene.looks(status))["favourites_count"] == 1
    await scene.takes("Undo", like)
    assert (await scene.looks(status))["favourites_count"] == 1
    await scene.counters_are_right()
    await scene.takes("Undo", first["id"])
    assert [each["name"] for each in (await scene.looks(status))["reactions"]] == [name]
    await scene.takes("Undo", second)
    seen = await scene.looks(status)
    assert (seen["reactions"], seen["pleroma"]["emoji_reactions"], seen["favourites_count"]) == ([], [], 0)
    assert await scene.api.get("/api/v1/notifications") == []
    await scene.counters_are_right()


async def test_a_dislike_is_no_like_and_nobody_is_told(scene: Scene) -> None:
    status = await scene.says("I have sold my boat")
    dislike = await scene.takes("Dislike", status["uri"])
    seen = await scene.looks(status)
    assert (seen["favourites_count"], seen["reactions"]) == (0, [])
    assert await scene.api.get("/api/v1/notifications") == []
    rows = await scene.home.node.core.database.fetch(Statement(select(t.reactions.c.content)))
    assert [row["content"] for row in rows] == ["dislike"]
    await scene.takes("Undo", dislike)
    assert await scene.home.node.core.database.fetch(Statement(select(t.reactions.c.content))) == []


async def test_what_is_no_emoji_is_answered_politely_and_leaves_no_trace(scene: Scene) -> None:
    status = await scene.says("hello")
    foreign = {
        "id": "https://good.example/emojis/seal",
        "type": "Emoji",
        "name": ":seal:",
        "icon": {"type": "Image", "url": f"{scene.peer.base_url}/forged.png"},
    }
    for content in ("x" * 10_000, "🔥🔥", ":none:", "", "<b>", "👍 great", 7):
        await scene.takes("EmojiReact", status["uri"], content=content)
    assert (await scene.looks(status))["reactions"] == []
    # Under the name of another server nothing is shown that does not come from there.
    await scene.takes("EmojiReact", status["uri"], content=":seal:", tag=[foreign])
    [reaction] = (await scene.looks(status))["reactions"]
    assert reaction["name"] == f"seal@{scene.peer.host}"
    # A flood ends soon.
    for number in range(0x1F600, 0x1F600 + 30):
        await scene.takes("EmojiReact", status["uri"], content=chr(number))
    assert len((await scene.looks(status))["reactions"]) == 10
    await scene.counters_are_right()


async def test_our_people_react_with_emojis_and_with_those_of_this_server(scene: Scene) -> None:
    core = scene.home.node.core
    desk = EmojiDesk(database=core.database, writer=core.writer, world=core.world, media_dir=core.config.media_dir)
    assert await desk.put("boat", _PIXEL, category="harbour") is None
    [listed] = await scene.api.get("/api/v1/custom_emojis")
    assert (listed["shortcode"], listed["category"]) == ("boat", "harbour")
    note = await scene.peer.post_note(scene.ann, scene.inbox, "hello @alice", to=[f"{scene.home.base_url}/users/alice"])
    [told] = await scene.api.get("/api/v1/notifications")
    path = f"/api/v1/pleroma/statuses/{told['status']['id']}/reactions"

    async def put(emoji: str, verb: str = "PUT") -> Any:
        async with scene.session.request(verb, f"{path}/{quote(emoji)}") as response:
            return await response.json() if response.status == 200 else response.status

    seen = await put("👍")
    assert seen["reactions"] == [{"name": "👍", "count": 1, "me": True}]
    assert (seen["favourites_count"], seen["favourited"]) == (1, False)
    seen = await put("boat")
    assert [(each["name"], each["me"]) for each in seen["reactions"]] == [("👍", True), ("boat", True)]
    assert await put("no emoji") == 422
    assert await put("unknown") == 422
    assert len((await put("👍"))["reactions"]) == 2

    def sent() -> list[dict[str, Any]]:
        return scene.peer.believed("Like", "EmojiReact")

    await eventually(lambda: _is(len(sent()) == 2))
    like, react = sent()
    assert (like["type"], like["content"], like["_misskey_reaction"], like["object"]) == (
        "Like",
        "👍",
        "👍",
        note["id"],
    )
    assert (react["type"], react["content"]) == ("EmojiReact", ":boat:")
    [tag] = react["tag"]
    async with scene.peer.session.get(tag["id"], headers={"Accept": "application/activity+json"}) as response:
        emoji = await response.json(content_type=None)
    assert (emoji["type"], emoji["name"], emoji["icon"]["url"]) == ("Emoji", ":boat:", tag["icon"]["url"])
    async with scene.peer.session.get(tag["icon"]["url"]) as response:
        assert (response.status, response.content_type) == (200, "image/png")
    seen = await put("boat", "DELETE")
    assert [each["name"] for each in seen["reactions"]] == ["👍"]
    [undo] = await eventually(lambda: _is(scene.peer.believed("Undo")))
    assert undo["object"]["id"] == react["id"]
    await scene.counters_are_right()


async def _is(value: object) -> object:
    return value


async def test_emojis_of_this_server_go_out_with_what_uses_them(scene: Scene) -> None:
    core = scene.home.node.core
    desk = EmojiDesk(database=core.database, writer=core.writer, world=core.world, media_dir=core.config.media_dir)
    assert await desk.put("boat", _PIXEL) is None
    status = await scene.says("my :boat: is red, :unknown: is not")
    assert [each["shortcode"] for each in status["emojis"]] == ["boat"]
    async with scene.peer.session.get(status["uri"], headers={"Accept": "application/activity+json"}) as response:
        document = await response.json(content_type=None)
    assert [(tag["type"], tag["name"]) for tag in document["tag"]] == [("Emoji", ":boat:")]
    assert document["tag"][0]["id"] == f"{scene.home.base_url}/emojis/boat"
    assert await desk.remove("boat")
    assert await scene.api.get("/api/v1/custom_emojis") == []
