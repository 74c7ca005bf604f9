"""A conversation that is scattered over servers becomes whole, over real sockets; and servers that make it hard."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.threads import Completeness, Ended, Lack
from fediverse_node.inbox.walking.limits import Limits
from fediverse_node.storage.queries import threads as queries
from fediverse_node.storage.queries.inbox import OBJECT_ID
from tests.fake_peer import AS2, PUBLIC, FakePeer, fake_peer
from tests.inprocess import Running, running_node

_PATIENCE_S = 20.0
# As in `limits.py`, small enough for tests that go to the edge.
_SMALL = Limits(
    fetches=60,
    fetches_a_domain=50,
    time_s=4.0,
    host_time_s=2.0,
    pages=12,
    items_a_source=200,
    pages_a_source=5,
    thread_gaps=100,
    credit=5,
    depth=12,
)


@dataclass
class Street:
    """A node of ours with alice, and two other servers."""

    home: Running
    token: str
    a: FakePeer
    b: FakePeer
    session: aiohttp.ClientSession

    async def bring(self, note: dict[str, Any]) -> int:
        """A post gets known here, as by a search."""
        found = await self.home.node.gatherer.object(note["id"])
        assert isinstance(found, int), found
        return found

    async def walk(self, id_: int) -> Completeness:
        """Somebody reads the thread of this post; what is known when it has been looked through."""
        core = self.home.node.core
        database, thread_id = core.database, await self._thread_of(id_)
        before = await database.fetch_one(queries.WALK, thread_id=thread_id)
        walks = before["walks"] if before is not None else 0
        now_ms = core.world.clock.now_ms()
        await core.writer.run(lambda: queries.want_walk(thread_id, now_ms))
        self.home.node.walker.wake()
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            present = await self._thread_of(id_)
            walk = await database.fetch_one(queries.WALK, thread_id=present)
            if walk is not None and walk["walks"] > walks and walk["lease_ms"] is None:
                held, _ = await queries.load_held(database, present)
                known, _ = await queries.load_completeness(database, present, held, now_ms)
                return known
            await asyncio.sleep(0.02)
        raise AssertionError(f"the walk did not end in {_PATIENCE_S} s")

    async def _thread_of(self, id_: int) -> int:
        row = await self.home.node.core.database.fetch_one(queries.PRESENT, thread_id=id_)
        assert row is not None
        return int(row["thread_id"])

    async def holds(self, note: dict[str, Any] | str) -> bool:
        uri = note if isinstance(note, str) else note["id"]
        return await self.home.node.core.database.fetch_one(OBJECT_ID, uri=uri) is not None

    async def get(self, path: str, **headers: str) -> tuple[Any, Any]:
        """Something of the client API as alice, or a page: the body and the headers."""
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        async with self.session.get(self.home.base_url + path, headers=sent) as answer:
            assert answer.status == 200, (path, answer.status, await answer.text())
            is_json = "json" in answer.headers["Content-Type"]
            return (await answer.json() if is_json else await answer.text()), answer.headers


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    async with AsyncExitStack() as stack:
        home = await stack.enter_async_context(running_node(tmp_path, RATE_LIMITS="false"))
        a, b = [await stack.enter_async_context(fake_peer()) for _ in range(2)]
        session = await stack.enter_async_context(aiohttp.ClientSession())
        registration = home.node.core.registration
        made = await registration.create("alice", "alice@example.org", reserved_allowed=True)
        assert not isinstance(made, Fail)
        token = await registration.token(made.user_id, "read write")
        yield Street(home, token, a, b, session)


def collection(peer: FakePeer, uri: str, items: list[Any], *, page_size: int = 0, **more: Any) -> str:
    """A collection that can be fetched, in one piece or in pages."""
    if not page_size:
        peer.documents[uri] = {"@context": AS2, "id": uri, "type": "OrderedCollection", "orderedItems": items, **more}
        return uri
    pages = [items[n : n + page_size] for n in range(0, len(items), page_size)]
    peer.documents[uri] = {"@context": AS2, "id": uri, "type": "Collection", "first": f"{uri}/1", **more}
    for number, part in enumerate(pages, 1):
        page = {"@context": AS2, "id": f"{uri}/{number}", "type": "CollectionPage", "partOf": uri, "items": part}
        peer.documents[f"{uri}/{number}"] = page | ({"next": f"{uri}/{number + 1}"} if number < len(pages) else {})
    return uri


def note(peer: FakePeer, name: str, text: str, answers: dict[str, Any] | str | None = None, **more: Any) -> Any:
    """A post with an address for its replies."""
    person = peer.person(name)
    answered = answers["id"] if isinstance(answers, dict) else answers
    made = peer.note(person, text, **({"inReplyTo": answered} if answered else {}), **more)
    made["replies"] = peer.documents[made["id"]]["replies"] = f"{made['id']}/replies"
    return made


async def test_a_scattered_conversation_becomes_whole_and_says_what_it_lacks(street: Street) -> None:
    a, b = street.a, street.b
    root = note(a, "bob", "What is the best cheese?")
    near = note(a, "bea", "Comté", root)
    far = note(b, "carl", "Tilsiter", root)
    below = note(b, "cora", "With onions!", far)
    refused, gone, lost = (note(b, "carl", word, root) for word in ("no", "gone", "lost"))
    for lacking, status in ((refused, 403), (gone, 410), (lost, 404)):
        b.fail_with[lacking["id"].removeprefix(b.base_url)] = status
    nowhere = "http://127.0.0.1:9/notes/1"
    secret = note(b, "carl", "psst", root, to=[f"{b.base_url}/users/carl/followers"], cc=[])
    stranger = note(b, "mallory", "Buy my cheese")
    direct = [each["id"] for each in (near, far, refused, gone, lost, secret)]
    collection(a, root["replies"], [*direct, nowhere], page_size=3, totalItems=40)
    collection(b, far["replies"], [below["id"]], totalItems=1)
    a.documents[root["id"]]["context"] = collection(
        a, f"{a.base_url}/contexts/1", [root["id"], near["id"], stranger["id"]], attributedTo=a.person("bob").uri
    )
    root_id = await street.bring(root)
    body, headers = await street.get(f"/api/v1/statuses/{root_id}/context")
    assert body["descendants"] == []
    refresh = headers["Mastodon-Async-Refresh"]
    assert refresh.endswith("retry=3, result_count=0")
    number = refresh.partition('id="')[2].partition('"')[0]
    known = await street.walk(root_id)
    assert [await street.holds(each) for each in (near, far, below)] == [True] * 3
    assert [await street.holds(each) for each in (secret, stranger, refused)] == [False] * 3
    lacking = {Lack.REFUSED: 1, Lack.GONE: 1, Lack.MISSING: 1, Lack.PRIVATE: 1, Lack.UNREACHABLE: 1}
    assert (known.held, known.known, dict(known.lacking), known.claimed) == (3, 8, lacking, 41)
    assert known.refusing_hosts == (b.host,)
    assert known.silent_hosts == ("127.0.0.1:9",)
    body, headers = await street.get(f"/api/v1_alpha/async_refreshes/{number}")
    assert body == {"async_refresh": {"id": number, "status": "finished", "result_count": 3}}
    body, headers = await street.get(f"/api/v1/statuses/{root_id}/context")
    shown = [status["uri"] for status in body["descendants"]]
    assert sorted(shown) == sorted([near["id"], far["id"], below["id"]])
    assert shown.index(below["id"]) == shown.index(far["id"]) + 1
    assert (body["completeness"]["held"], body["completeness"]["known"]) == (3, 8)
    assert not body["completeness"]["whole"]
    assert "Mastodon-Async-Refresh" not in headers, "it rests after it has been looked through"


async def test_our_page_and_the_command_line_say_how_much_is_here(street: Street, tmp_path: Path) -> None:
    a = street.a
    said, _ = await street.get("/api/v1/accounts/verify_credentials")
    async with street.session.post(
        f"{street.home.base_url}/api/v1/statuses",
        json={"status": "Is anybody there?"},
        headers={"Authorization": f"Bearer {street.token}"},
    ) as answer:
        root = await answer.json()
    reply = note(a, "bob", "I am", root["uri"])
    gone = note(a, "bea", "Me too", reply)
    a.fail_with[gone["id"].removeprefix(a.base_url)] = 410
    collection(a, reply["replies"], [gone["id"]])
    await street.bring(reply)
    page, _ = await street.get(f"/@{said['username']}/{root['id']}", Accept="text/html")
    assert "are being asked now" in page
    await street.walk(int(root["id"]))
    await asyncio.sleep(0)
    page, _ = await street.get(f"/@{said['username']}/{root['id']}", Accept="text/html")
    assert "1 of 2 known replies is here, 1\u00a0deleted" in page
    assert "1 reply was deleted." in page
    collected, _ = await street.get(f"/contexts/{root['id']}", Accept="application/activity+json")
    assert (collected["type"], collected["totalItems"]) == ("OrderedCollection", 2)
    assert collected["attributedTo"] == f"{street.home.base_url}/users/alice"
    told = await _shell(street, tmp_path, "thread", root["uri"])
    lines = [line.strip() for line in told.splitlines()]
    assert f"Thread {root['id']}: 1 of 2 known replies are here." in lines
    assert any(line.startswith("@bob@") and "I am" in line for line in lines)
    assert f"gone        {gone['id']}" in lines
    assert "the origin says that it is gone (status 410)" in lines
    assert any(line.startswith("replies") and reply["replies"] in line for line in lines)
    assert "Somebody here takes part." in lines
    assert await _shell(street, tmp_path, "thread", root["id"]) == told
    assert "there is no post" in await _shell(street, tmp_path, "thread", "https://nowhere.example/1")


async def _shell(street: Street, folder: Path, *arguments: str) -> str:
    """What a command prints that is run beside the server."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("FEDIVERSE_NODE_")}
    environ |= {
        "FEDIVERSE_NODE_DATA_DIR": str(folder / "data"),
        "FEDIVERSE_NODE_BASE_URL": street.home.base_url,
        "FEDIVERSE_NODE_LISTEN": street.home.base_url.removeprefix("http://"),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "fediverse_node",
        *arguments,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return printed.decode()


class Generated(dict[str, Any]):
    """Documents that are made when they are asked for."""

    def __init__(self, make: Callable[[str], dict[str, Any] | None], known: dict[str, Any]) -> None:
        super().__init__(known)
        self.make = make

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key) or self.make(key) or default


def _endless_pages(a: FakePeer, b: FakePeer, root: dict[str, Any]) -> None:
    def make(uri: str) -> dict[str, Any] | None:
        if not uri.startswith(root["replies"]):
            return None
        number = int(uri.rpartition("/")[2]) if uri != root["replies"] else 0
        page = {"@context": AS2, "id": uri, "type": "CollectionPage" if number else "Collection"}
        return page | {"items": [f"{b.base_url}/notes/{number}"], "next": f"{root['replies']}/{number + 1}"}

    a.documents = Generated(make, a.documents)


def _looping_pages(a: FakePeer, b: FakePeer, root: dict[str, Any]) -> None:
    first, second = f"{root['replies']}/1", f"{root['replies']}/2"
    collection(a, root["replies"], [], first=first)
    for page, following in ((first, second), (second, first)):
        a.documents[page] = {"@context": AS2, "id": page, "type": "CollectionPage", "items": [], "next": following}


def _a_hundred_thousand_strangers(a: FakePeer, b: FakePeer, root: dict[str, Any]) -> None:
    items = [f"{b.base_url}/n/{number}" for number in range(25_000)]
    collection(a, root["replies"], items, totalItems=100_000)


def _other_peoples_posts(a: FakePeer, b: FakePeer, root: dict[str, Any]) -> None:
    uri = f"{a.base_url}/contexts/9"
    posts = [b.note(b.person("vera"), f"my own business {number}")["id"] for number in range(40)]
    a.documents[root["id"]]["context"] = collection(a, uri, posts)


def _replies_to_themselves(a: FakePeer, b: FakePeer, root: dict[str, Any]) -> None:
    posts = [b.note(b.person("eva"), f"me {number}") for number in range(6)]
    ring = itertools.cycle(posts)
    next(ring)
    for post, following in zip(posts, ring, strict=False):
        b.documents[post["id"]]["inReplyTo"] = post["id"] if post is posts[0] else following["id"]
    collection(a, root["replies"], [post["id"] for post in posts])


def _endless_answers_above(a: FakePeer, b: FakePeer, root: dict[str, Any]) -> None:
    eva = b.person("eva")

    def make(uri: str) -> dict[str, Any] | None:
        if not uri.startswith(f"{b.base_url}/up/"):
            return None
        number = int(uri.rpartition("/")[2])
        answers = f"{b.base_url}/up/{number + 1}"
        body = {"attributedTo": eva.uri, "content": str(number), "to": [PUBLIC], "inReplyTo": answers}
        return {"@context": AS2, "id": uri, "type": "Note", **body}

    b.documents = Generated(make, b.documents)
    collection(a, root["replies"], [f"{b.base_url}/up/1"])


def _slow_pages(a: FakePeer, b: FakePeer, root: dict[str, Any]) -> None:
    a.document_delay_s = 0.9
    _endless_pages(a, b, root)


def _votes_for_sale(a: FakePeer, b: FakePeer, root: dict[str, Any]) -> None:
    vote = b.note(b.person("eva"), "", inReplyTo=root["id"], name="yes", to=[PUBLIC])
    collection(a, root["replies"], [vote["id"]])


@pytest.mark.parametrize(
    ("hostile", "most_a", "most_b"),
    [
        pytest.param(_endless_pages, 15, 10, id="endless pages"),
        pytest.param(_looping_pages, 8, 0, id="pages that lead back"),
        pytest.param(_a_hundred_thousand_strangers, 5, 10, id="a hundred thousand strangers"),
        pytest.param(_other_peoples_posts, 6, 10, id="other people's posts"),
        pytest.param(_replies_to_themselves, 5, 12, id="posts that answer themselves"),
        pytest.param(_endless_answers_above, 5, 16, id="answers without a beginning"),
        pytest.param(_slow_pages, 12, 10, id="slow pages"),
        pytest.param(_votes_for_sale, 5, 4, id="votes among the replies"),
    ],
)
async def test_a_hostile_collection_costs_little_and_brings_nothing(
    street: Street, hostile: Callable[[FakePeer, FakePeer, dict[str, Any]], None], most_a: int, most_b: int
) -> None:
    street.home.node.walker._limits = _SMALL
    root = note(street.a, "bob", "Look here")
    hostile(street.a, street.b, root)
    root_id = await street.bring(root)
    street.a.fetched.clear()
    street.b.fetched.clear()
    began = time.monotonic()
    known = await street.walk(root_id)
    assert time.monotonic() - began < _SMALL.time_s + 5
    assert (len(street.a.fetched) <= most_a, len(street.b.fetched) <= most_b) == (True, True), (
        street.a.fetched,
        street.b.fetched,
    )
    assert known.held == 0, "nothing of it answers the post"
    assert known.known <= _SMALL.thread_gaps + 1
    stored = await street.home.node.core.database.fetch(queries.GAPS, thread_id=root_id)
    assert len(stored) <= _SMALL.thread_gaps + 1
    # A second look is not asked for at once, and does no more.
    assert known.ended in (None, Ended.BUDGET, Ended.TOO_LARGE)
