"""One table: what is left of somebody after each way of keeping them away, in each place where they could be met.

As people know it from Mastodon. The rows are places, the columns what was done before looking.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from fediverse_node.domain.domains import DomainRule, Severity
from fediverse_node.domain.effects import NewBlock
from fediverse_node.domain.model import Visibility
from fediverse_node.outbox.domain_desk import DomainDesk
from fediverse_node.storage.apply.relations import insert_blocks
from fediverse_node.storage.tables import follows, home_entries, likes, list_members, lists, objects
from tests.api.talking_node import Person, TalkingNode, talking_node

WORD = "marmalade"
_PATIENCE_S = 0.6


@dataclass
class Scene:
    """Alice looks; Bob lives at far.example and is what it is about; Carol, whom Alice follows, lives elsewhere."""

    node: TalkingNode
    alice: Person
    bob: Person
    carol: Person
    said: int  # public, with a hashtag
    boost: int  # of it, by Carol
    root: int  # Carol's
    answer: int  # Bob's, to Carol
    told: int  # Bob's, naming Alice
    own: str  # Alice's, liked and boosted by Bob
    list_id: int

    @property
    def desk(self) -> DomainDesk:
        context = self.node.context
        return DomainDesk(
            database=context.database, writer=context.writer, world=context.world, config=context.config, http=None
        )


async def _scene(node: TalkingNode, *, following: bool) -> Scene:
    ids, now_ms = node.context.world.ids, node.context.world.clock.now_ms()
    alice, bob = await node.person("alice"), await node.stranger("bob", "far.example")
    carol = await node.stranger("carol", "near.example")
    await alice.follow(carol)
    if following:
        await alice.follow(bob)
    said = await node.hear(bob, "<p>said</p>", hashtags=("sea",))
    root = await node.hear(carol, "<p>root</p>")
    answer = await node.hear(bob, "<p>answer</p>", in_reply_to_id=root)
    told = await node.hear(bob, f"<p>{WORD}</p>", mentions=(alice,), visibility=Visibility.UNLISTED)
    await node.hear(bob, "<p>psst</p>", mentions=(alice,), visibility=Visibility.DIRECT)
    own = (await alice.say("mine"))["id"]
    boost, list_id = ids.next(), ids.next()
    for id_, person, target in ((boost, carol, said), (ids.next(), bob, int(own))):
        announce = {"id": id_, "uri": f"https://{person.host}/{id_}", "type": "Announce", "actor_id": person.actor_id}
        more = {"local": False, "visibility": 0, "announce_of_id": target, "published_ms": now_ms}
        await node.insert(objects, announce | more)
    await node.insert(home_entries, {"actor_id": alice.actor_id, "object_id": boost})
    follow = {"id": ids.next(), "follower_id": bob.actor_id, "followed_id": carol.actor_id}
    await node.insert(
        follows, follow | {"uri": f"https://far.example/{ids.next()}", "accepted": True, "created_ms": now_ms}
    )
    await node.insert(likes, {"id": ids.next(), "actor_id": bob.actor_id, "object_id": int(own)})
    if following:
        await node.insert(lists, {"id": list_id, "actor_id": alice.actor_id, "title": "friends"})
        member = {"id": ids.next(), "list_id": list_id, "actor_id": bob.actor_id}
        await node.insert(list_members, member)
    return Scene(node, alice, bob, carol, said, boost, root, answer, told, own, list_id)


# What is done


async def _nothing(scene: Scene) -> None:
    """The world as it was."""


async def _block(scene: Scene) -> None:
    await scene.alice.post(f"/api/v1/accounts/{scene.bob.actor_id}/block")


async def _is_blocked(scene: Scene) -> None:
    record = NewBlock(scene.node.context.world.ids.next(), scene.bob.actor_id, scene.alice.actor_id, None)
    await scene.node.run(lambda: insert_blocks([record]))


async def _mute(scene: Scene) -> None:
    await scene.alice.post(f"/api/v1/accounts/{scene.bob.actor_id}/mute")


async def _block_domain(scene: Scene) -> None:
    await scene.alice.post("/api/v1/domain_blocks", domain="far.example")


async def _limit(scene: Scene) -> None:
    assert await scene.desk.put(DomainRule("far.example", Severity.LIMIT)) is None
    assert not await scene.desk.work()


async def _suspend(scene: Scene) -> None:
    assert await scene.desk.put(DomainRule("example", Severity.NOTHING)) is None
    assert await scene.desk.put(DomainRule("far.example", Severity.SUSPEND)) is None
    assert not await scene.desk.work()


MEASURES: dict[str, tuple[Callable[[Scene], Awaitable[None]], bool]] = {
    "nothing": (_nothing, True),
    "block": (_block, True),
    "blocked by": (_is_blocked, True),
    "mute": (_mute, True),
    "domain block": (_block_domain, True),
    "limited, followed": (_limit, True),
    "limited stranger": (_limit, False),
    "suspended": (_suspend, True),
}

# Where one looks: y is met, - is not.
TABLE = """
                     nothing  block  blocked by  mute  domain block  limited, followed  limited stranger  suspended
home                 y        -      -           -     -             y                  -                 -
public timeline      y        -      -           -     -             -                  -                 -
hashtag              y        -      -           -     -             -                  -                 -
list                 y        -      -           -     -             y                  -                 -
boost by a third     y        -      -           -     -             y                  y                 -
thread               y        -      -           -     -             y                  -                 -
search for words     y        -      -           -     -             y                  -                 -
search for people    y        y      y           y     y             y                  -                 -
search by handle     y        y      y           y     y             y                  y                 -
profile              y        y      y           y     y             y                  y                 -
posts of a profile   y        y      -           y     y             y                  y                 -
notifications        y        -      -           -     -             y                  -                 -
grouped              y        -      -           -     -             y                  -                 -
favourited by        y        -      -           -     -             y                  y                 -
reblogged by         y        -      -           -     -             y                  y                 -
followers of others  y        -      -           -     -             y                  y                 -
conversations        y        -      -           -     -             y                  -                 -
by its id            y        y      -           y     y             y                  y                 -
streamed home        y        -      -           -     -             y                  -                 -
streamed public      y        -      -           -     -             -                  -                 -
streamed told        y        -      -           -     -             y                  -                 -
streamed direct      y        -      -           -     -             y                  -                 -
"""


def _expected() -> dict[str, dict[str, bool]]:
    lines = TABLE.strip("\n").splitlines()
    columns = [(name, lines[0].index(f" {name}") + 1) for name in MEASURES]
    return {name: {line[:20].strip(): line[at : at + 2].strip() == "y" for line in lines[1:]} for name, at in columns}


# Where one looks


async def _looked(scene: Scene) -> dict[str, bool]:
    get, bob = scene.alice.get, str(scene.bob.actor_id)

    async def statuses(path: str, **params: Any) -> set[int]:
        return {int(status["id"]) for status in await get(path, **params)}

    async def people(path: str) -> set[str]:
        return {account["id"] for account in await get(path)}

    home = await statuses("/api/v1/timelines/home")
    found = {
        "home": scene.said in home,
        "public timeline": scene.said in await statuses("/api/v1/timelines/public"),
        "hashtag": scene.said in await statuses("/api/v1/timelines/tag/sea"),
        "list": False,
        "boost by a third": scene.boost in home,
        "thread": any(
            int(status["id"]) == scene.answer
            for status in (await get(f"/api/v1/statuses/{scene.root}/context"))["descendants"]
        ),
        "search for words": any(
            int(status["id"]) == scene.told for status in (await get("/api/v2/search", q=WORD))["statuses"]
        ),
        "search for people": any(a["id"] == bob for a in (await get("/api/v2/search", q="bo"))["accounts"]),
        "search by handle": any(
            a["id"] == bob for a in (await get("/api/v2/search", q="@bob@far.example"))["accounts"]
        ),
        "profile": not (await get(f"/api/v1/accounts/{bob}")).get("suspended", False),
        "posts of a profile": bool(await statuses(f"/api/v1/accounts/{bob}/statuses")),
        "notifications": any(n["account"]["id"] == bob for n in await get("/api/v1/notifications")),
        "grouped": any(
            bob in group["sample_account_ids"] for group in (await get("/api/v2/notifications"))["notification_groups"]
        ),
        "favourited by": bob in await people(f"/api/v1/statuses/{scene.own}/favourited_by"),
        "reblogged by": bob in await people(f"/api/v1/statuses/{scene.own}/reblogged_by"),
        "followers of others": bob in await people(f"/api/v1/accounts/{scene.carol.actor_id}/followers"),
        "conversations": bool(await get("/api/v1/conversations")),
        "by its id": (await scene.node.request("GET", f"/api/v1/statuses/{scene.said}", token=scene.alice.token)).status
        == 200,
    }
    path = f"/api/v1/lists/{scene.list_id}"
    if (await scene.node.request("GET", path, token=scene.alice.token)).status == 200:
        found["list"] = scene.said in await statuses(f"/api/v1/timelines/list/{scene.list_id}")
    return found


@contextlib.asynccontextmanager
async def _listening(scene: Scene) -> AsyncIterator[Callable[[], Awaitable[list[tuple[str, str, str]]]]]:
    """Everything that is streamed to Alice, as (stream, event, payload), until a post of Carol's has come as well."""
    url = scene.node.base_url.replace("http", "ws") + f"/api/v1/streaming?access_token={scene.alice.token}"
    async with scene.node.session.ws_connect(url) as socket:
        for stream in ("user", "public", "direct"):
            await socket.send_str(orjson.dumps({"type": "subscribe", "stream": stream}).decode())
        await asyncio.sleep(0.1)

        async def frames() -> list[tuple[str, str, str]]:
            found: list[tuple[str, str, str]] = []
            with contextlib.suppress(TimeoutError):
                while True:
                    message = await asyncio.wait_for(socket.receive(), _PATIENCE_S)
                    assert message.type is aiohttp.WSMsgType.TEXT
                    frame = orjson.loads(message.data)
                    found.append((frame["stream"][0], frame["event"], frame["payload"]))
            return found

        yield frames


async def _streamed(scene: Scene) -> dict[str, bool]:
    node = scene.node
    async with _listening(scene) as frames:
        with contextlib.suppress(AssertionError):
            await node.hear(scene.bob, "<p>fresh</p>")
            await node.hear(scene.bob, "<p>fresh and for you</p>", mentions=(scene.alice,))
            await node.hear(scene.bob, "<p>psst</p>", mentions=(scene.alice,), visibility=Visibility.DIRECT)
        await node.hear(scene.carol, "<p>control</p>")
        heard = await frames()
    assert any(stream == "user" and "control" in payload for stream, _, payload in heard)
    assert any(stream == "public" and "control" in payload for stream, _, payload in heard)
    return {
        "streamed home": any(s == "user" and e == "update" and "fresh" in payload for s, e, payload in heard),
        "streamed public": any(s == "public" and "fresh" in payload for s, _, payload in heard),
        "streamed told": any(e == "notification" for _, e, _ in heard),
        "streamed direct": any(e == "conversation" for _, e, _ in heard),
    }


@pytest.mark.parametrize("measure", list(MEASURES))
async def test_what_is_left_of_somebody_is_what_people_expect_in_every_place(
    measure: str, tmp_path: Path, database_url: str
) -> None:
    apply, following = MEASURES[measure]
    async with talking_node(tmp_path, database_url=database_url) as node:
        scene = await _scene(node, following=following)
        await apply(scene)
        found = await _looked(scene) | await _streamed(scene)
    expected = _expected()[measure]
    assert found.keys() == expected.keys()
    assert {place for place in found if found[place]} == {place for place in expected if expected[place]}


async def test_a_person_who_wants_to_hear_of_limited_strangers_does(tmp_path: Path) -> None:
    async with talking_node(tmp_path) as node:
        scene = await _scene(node, following=False)
        await _limit(scene)
        assert not await scene.alice.get("/api/v1/notifications")
        policy = await scene.alice.get("/api/v2/notifications/policy")
        assert policy["for_limited_accounts"] == "filter"
        body = {"for_limited_accounts": "accept"}
        await scene.alice.ask("PATCH", "/api/v2/notifications/policy", json=body)
        assert any(n["type"] == "mention" for n in await scene.alice.get("/api/v1/notifications"))


async def test_what_a_rule_hid_is_there_again_when_it_is_taken_back_and_what_a_moderator_hid_is_not(
    tmp_path: Path, database_url: str
) -> None:
    async with talking_node(tmp_path, database_url=database_url) as node:
        scene = await _scene(node, following=True)
        eve = await node.stranger("eve", "far.example", suspended_ms=1)
        await node.hear(eve, "<p>eve</p>")
        await _suspend(scene)
        assert not (await _looked(scene))["public timeline"]
        severed = await scene.desk.severed("far.example")
        assert [(row["username"], row["remote_username"], bool(row["was_follower"])) for row in severed] == [
            ("alice", "bob", False),
            ("carol", "bob", True),
        ]
        assert await scene.desk.drop("far.example") is None
        assert not await scene.desk.work()
        looked = await _looked(scene)
        assert looked["public timeline"]
        assert looked["thread"]
        assert looked["by its id"]
        assert not looked["home"], "a follow does not come back by itself"
        assert (await scene.alice.get(f"/api/v1/accounts/{eve.actor_id}"))["suspended"] is True


async def test_a_suspended_host_is_purged_and_its_people_stay_known(tmp_path: Path, database_url: str) -> None:
    async with talking_node(tmp_path, database_url=database_url) as node:
        scene = await _scene(node, following=True)
        fault = await scene.desk.purge("far.example")
        assert fault is not None, "nobody's words are thrown away who is not suspended"
        await _suspend(scene)
        assert await scene.desk.purge("far.example") is None
        await scene.desk.drop("far.example")
        await scene.desk.work()
        looked = await _looked(scene)
        assert looked["profile"]
        assert not looked["by its id"]
        assert not looked["posts of a profile"]
