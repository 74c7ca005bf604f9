"""Agreeing on who follows, over real sockets: what we say, whom we show the list, and what we believe of others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from fediverse_node.outbox.draft import Draft
from fediverse_node.protocol.synchronization import HEADER, digest_of, parse_synchronization
from fediverse_node.storage.queries import follower_digests as queries
from tests.fake_peer import FakePeer, Person, fake_peer
from tests.federation.test_who_may_fetch import AS2, signed
from tests.inprocess import Running


async def _until(what: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(10):
        while not (found := await what()):
            await asyncio.sleep(0.02)
        return found


async def _follow_alice(home: Running, peer: FakePeer, person: Person) -> None:
    follow = peer.activity(person, "Follow", f"{home.base_url}/users/alice")
    assert await peer.deliver(person, f"{home.base_url}/inbox", follow) == 202


async def test_the_list_is_shown_to_the_server_it_is_about_and_to_nobody_else(home: Running, peer: FakePeer) -> None:
    await home.add_person("alice")
    ben, cleo = peer.person("ben"), peer.person("cleo")
    url = f"{home.base_url}/users/alice/followers_synchronization"
    async with fake_peer() as elsewhere:
        dan = elsewhere.person("dan")
        for where, person in ((peer, ben), (peer, cleo), (elsewhere, dan)):
            await _follow_alice(home, where, person)
        application = peer.person("actor")  # not known here: it is asked for its key

        async def get(person: Person | None, scheme: str = "cavage") -> tuple[int, Any, str]:
            headers = {"Accept": AS2, **(signed(url, person, scheme, now=_now(home)) if person else {})}
            async with peer.session.get(url, headers=headers) as answer:
                return answer.status, orjson.loads(await answer.read()), answer.headers["Cache-Control"]

        for who in (ben, application):
            status, document, cache = await get(who, "rfc9421" if who is ben else "cavage")
            assert (status, document["orderedItems"], cache) == (200, [ben.uri, cleo.uri], "private, no-store")
            assert (document["id"], document["type"]) == (url, "OrderedCollection")
        assert (await get(dan))[1]["orderedItems"] == [dan.uri]
        assert (await get(None))[0] == 401
        assert (await get(replace(ben, key=dan.key if dan.key != ben.key else cleo.key)))[0] == 401


def _now(home: Running) -> Any:
    return home.node.core.world.clock.now()


async def test_a_post_says_whom_we_take_for_followers_and_the_signature_covers_it(
    home: Running, peer: FakePeer
) -> None:
    alice = await home.add_person("alice")
    ben = peer.person("ben")
    await _follow_alice(home, peer, ben)
    assert isinstance(await home.node.outbox.post(alice, Draft("hello")), int)
    create = await _until(lambda: _arrived(peer, "Create"))
    said = parse_synchronization(create.headers[HEADER])
    assert said.digest == digest_of([ben.uri])  # type: ignore[union-attr]
    assert said.collection_id == f"{home.base_url}/users/alice/followers"  # type: ignore[union-attr]
    assert HEADER in create.headers["signature"].partition("signature=")[0]
    accept = await _arrived(peer, "Accept")
    assert HEADER not in accept.headers
    # Somebody more: the next post says so.
    await _follow_alice(home, peer, peer.person("cleo"))
    peer.arrived.clear()
    assert isinstance(await home.node.outbox.post(alice, Draft("hello again")), int)
    create = await _until(lambda: _arrived(peer, "Create"))
    assert parse_synchronization(create.headers[HEADER]).digest == digest_of(  # type: ignore[union-attr]
        [ben.uri, peer.person("cleo").uri]
    )


async def _arrived(peer: FakePeer, type_: str) -> Any:
    return next((each for each in peer.arrived if each.activity["type"] == type_), None)


class Disagreement:
    """Alice and dora here follow ben; what his server says of it."""

    def __init__(self, home: Running, peer: FakePeer) -> None:
        self.home = home
        self.peer = peer
        self.ben = peer.person("ben")
        self.url = f"{self.ben.uri}/followers_synchronization"

    async def begin(self) -> None:
        for name in ("alice", "dora"):
            actor_id = await self.home.add_person(name)
            ben_id = await self.home.node.gatherer.actor(self.ben.uri)
            assert isinstance(ben_id, int)
            assert await self.home.node.outbox.follow(actor_id, ben_id) is None
        await _until(lambda: self._are({"alice", "dora"}))

    async def followers(self) -> set[str]:
        row = await self.home.node.core.database.fetch_one(queries.FOLLOWED, uri=self.ben.uri)
        assert row is not None
        rows = await self.home.node.core.database.fetch(queries.FOLLOWERS_HERE, actor_id=row["id"], most=100)
        return {found["uri"].rpartition("/")[2] for found in rows}

    async def _are(self, names: set[str]) -> bool:
        return await self.followers() == names

    def uri(self, name: str) -> str:
        return f"{self.home.base_url}/users/{name}"

    def show(self, document: dict[str, Any]) -> None:
        self.peer.documents[self.url] = {"@context": "https://www.w3.org/ns/activitystreams", "id": self.url} | document

    async def says(self, header: str) -> None:
        """Ben says something to us, with this header; returns when all that follows from it is done."""
        create = self.peer.create(self.ben, self.peer.note(self.ben, "hello"))
        signed_ = self.peer.sign(self.ben, f"{self.home.base_url}/inbox", create)
        assert await self.peer.send(replace(signed_, headers={**signed_.headers, HEADER: header})) == 202
        await self.home.node.looks.settled()

    def header(self, names: set[str], **other: str) -> str:
        said = {
            "collectionId": self.ben.followers,
            "url": self.url,
            "digest": digest_of(self.uri(name) for name in names).hex(),
            **other,
        }
        return ", ".join(f'{name}="{value}"' for name, value in said.items())


@pytest.fixture
async def disagreement(home: Running, peer: FakePeer) -> Disagreement:
    made = Disagreement(home, peer)
    await made.begin()
    return made


async def test_whom_the_list_does_not_name_follows_no_more_and_whom_it_names_wrongly_is_taken_back(
    disagreement: Disagreement, home: Running, peer: FakePeer
) -> None:
    await home.add_person("erin")
    disagreement.show({"type": "OrderedCollection", "orderedItems": [disagreement.uri(n) for n in ("dora", "erin")]})
    await disagreement.says(disagreement.header({"dora", "erin"}))
    assert await disagreement.followers() == {"dora"}
    undo = await _until(lambda: _arrived(peer, "Undo"))
    assert undo.activity["object"]["actor"] == disagreement.uri("erin")
    assert undo.activity["object"]["object"] == disagreement.ben.uri
    # For hours it is not asked for again, whatever is said.
    peer.fetched.clear()
    await disagreement.says(disagreement.header({"erin"}))
    assert [path for path in peer.fetched if "synchronization" in path] == []


@pytest.mark.parametrize(
    ("header", "document", "asked"),
    [
        pytest.param({}, {"type": "OrderedCollection", "orderedItems": []}, True, id="nobody, and the list says so"),
        pytest.param({"collectionId": "https://elsewhere.example/followers"}, {}, False, id="followers of another"),
        pytest.param({"url": "https://elsewhere.example/list"}, {}, False, id="a list elsewhere"),
        pytest.param({"digest": "00"}, {}, False, id="no digest"),
        pytest.param({}, {"type": "Note", "content": "no"}, True, id="a document that is no list"),
        pytest.param({}, {"type": "OrderedCollection", "totalItems": 0}, True, id="a list that shows nobody"),
        pytest.param({}, {"type": "Collection", "items": [{"id": "x"}]}, True, id="a list of something else"),
        pytest.param(
            {}, {"type": "OrderedCollection", "first": "https://elsewhere.example/1"}, True, id="a list that goes away"
        ),
        pytest.param({}, None, True, id="a list that is not there"),
    ],
)
async def test_only_the_whole_list_of_its_own_server_counts(
    disagreement: Disagreement, header: dict[str, str], document: dict[str, Any] | None, asked: bool
) -> None:
    if document is not None:
        disagreement.show(document)
    disagreement.peer.fetched.clear()
    await disagreement.says(disagreement.header(set(), **header))
    assert any("synchronization" in path for path in disagreement.peer.fetched) is asked
    is_emptied = document is not None and document.get("orderedItems") == []
    assert await disagreement.followers() == (set() if is_emptied else {"alice", "dora"})


async def test_a_long_list_is_read_to_its_end(disagreement: Disagreement) -> None:
    strangers = [f"https://elsewhere.example/{n}" for n in range(1_200)]
    disagreement.show({"type": "OrderedCollection", "orderedItems": [*strangers, disagreement.uri("alice")]})
    await disagreement.says(disagreement.header({"alice"}))
    assert await disagreement.followers() == {"alice"}


async def test_a_list_may_show_actors_in_place_of_their_addresses(disagreement: Disagreement) -> None:
    actors = [{"type": "Person", "id": disagreement.uri("alice")}]
    disagreement.show({"type": "OrderedCollection", "orderedItems": actors})
    await disagreement.says(disagreement.header({"alice"}))
    assert await disagreement.followers() == {"alice"}


async def test_nobody_speaks_of_the_followers_of_another(disagreement: Disagreement, peer: FakePeer) -> None:
    """The request is mallory's: what it says of ben's followers counts for nothing."""
    mallory = peer.person("mallory")
    disagreement.show({"type": "OrderedCollection", "orderedItems": []})
    peer.fetched.clear()
    create = peer.create(mallory, peer.note(mallory, "hello", to=[disagreement.uri("alice")]))
    signed_ = peer.sign(mallory, f"{disagreement.home.base_url}/inbox", create)
    headers = {**signed_.headers, HEADER: disagreement.header(set())}
    assert await peer.send(replace(signed_, headers=headers)) == 202
    await disagreement.home.node.looks.settled()
    assert not any("synchronization" in path for path in peer.fetched)
    assert await disagreement.followers() == {"alice", "dora"}
