"""What this server looks at by itself, over real sockets: profiles and posts that are opened, moves, servers, keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import bindparam, select

from fediverse_node.domain.effects import ChangeActor, Patch
from fediverse_node.domain.facts import Needs
from fediverse_node.inbox import verify
from fediverse_node.inbox.key_asking import MOST_A_MINUTE
from fediverse_node.inbox.looking import second_look
from fediverse_node.storage.engine import Row
from fediverse_node.storage.queries import follower_digests
from fediverse_node.storage.queries import second_hand as second_looks
from fediverse_node.storage.queries.accounts import load_account
from fediverse_node.storage.queries.featured_tags import FEATURED
from fediverse_node.storage.queries.inbox import OBJECT_ID
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import hosts, objects, pins
from fediverse_node.storage.writer import Decision
from tests.fake_peer import AS2, FakePeer, Person, fake_peer
from tests.inprocess import Running

_PINS = Statement(select(pins.c.actor_id, pins.c.object_id).order_by(pins.c.id.desc()))
_HOSTS = Statement(select(hosts))
_CONTENT = Statement(select(objects.c.content).where(objects.c.uri == bindparam("uri")))


async def _until(what: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(10):
        while not (found := await what()):
            await asyncio.sleep(0.02)
        return found


async def _row(home: Running, statement: Statement, **given: Any) -> Row:
    row = await home.node.core.database.fetch_one(statement, **given)
    assert row is not None
    return row


async def _account(home: Running, actor_id: int) -> Row:
    row = await load_account(home.node.core.database, actor_id)
    assert row is not None
    return row


async def _known(home: Running, person: Person) -> int:
    found = await home.node.gatherer.actor(person.uri, renew=True)
    assert isinstance(found, int), found
    return found


async def _follow(home: Running, name: str, person: Person) -> int:
    """Somebody new here follows somebody elsewhere; returns who was followed."""
    me, them = await home.add_person(name), await _known(home, person)
    assert await home.node.outbox.follow(me, them) is None
    await _until(lambda: _is_followed(home, person.uri, name))
    return them


async def _followers(home: Running, uri: str) -> set[str]:
    row = await _row(home, follower_digests.FOLLOWED, uri=uri)
    rows = await home.node.core.database.fetch(follower_digests.FOLLOWERS_HERE, actor_id=row["id"], most=100)
    return {found["uri"].rpartition("/")[2] for found in rows}


async def _is_followed(home: Running, uri: str, name: str) -> bool:
    return name in await _followers(home, uri)


def _collection(peer: FakePeer, uri: str, **more: Any) -> str:
    peer.documents[uri] = {"@context": AS2, "id": uri, "type": "OrderedCollection", **more}
    return uri


def _shown(peer: FakePeer, ben: Person, *, pinned: list[Any]) -> None:
    """Ben's profile has everything that a profile can have."""
    peer.documents[ben.uri] |= {
        "following": _collection(peer, f"{ben.uri}/following", totalItems=7, first=f"{ben.uri}/following?page=1"),
        "followers": _collection(peer, ben.followers, totalItems=4321, first=f"{ben.followers}?page=1"),
        "outbox": _collection(peer, f"{ben.uri}/outbox", totalItems=99, first=f"{ben.uri}/outbox?page=1"),
        "featured": _collection(peer, f"{ben.uri}/featured", orderedItems=pinned),
        "featuredTags": _collection(
            peer, f"{ben.uri}/tags", orderedItems=[{"type": "Hashtag", "name": name} for name in ("#Sea", "boats")]
        ),
    }


async def test_an_opened_profile_shows_pinned_posts_hashtags_and_how_many_there_are(
    home: Running, peer: FakePeer
) -> None:
    ben, mallory = peer.person("ben"), peer.person("mallory")
    first, second = peer.note(ben, "pinned first"), peer.note(ben, "pinned second")
    foreign = peer.note(mallory, "not ben's")
    _shown(peer, ben, pinned=[second["id"], first, foreign["id"], "https://elsewhere.example/1", f"{ben.uri}/gone"])
    ben_id = await _known(home, ben)
    account = await _account(home, ben_id)
    home.node.looks.profile_opened(account, is_stranger=False)
    await home.node.looks.settled()
    rows = await home.node.core.database.fetch(_PINS)
    uris = {(await _row(home, OBJECT_ID, uri=note["id"]))["id"]: note for note in (first, second)}
    assert [(row["actor_id"], uris[row["object_id"]]["content"]) for row in rows] == [
        (ben_id, "pinned second"),
        (ben_id, "pinned first"),
    ]
    tags = await home.node.core.database.fetch(FEATURED, actor_id=ben_id)
    assert {row["name"] for row in tags} == {"sea", "boats"}
    account = await _account(home, ben_id)
    assert (account["followers_count"], account["following_count"], account["statuses_count"]) == (4321, 7, 99)
    assert not account["hide_collections"]
    # Not again on the same day.
    peer.fetched.clear()
    home.node.looks.profile_opened(account, is_stranger=False)
    await home.node.looks.settled()
    assert peer.fetched == []


async def test_hidden_people_and_unpinned_posts_disappear_and_an_answer_that_fails_changes_nothing(
    home: Running, peer: FakePeer
) -> None:
    ben = peer.person("ben")
    note = peer.note(ben, "pinned")
    _shown(peer, ben, pinned=[note["id"]])
    ben_id = await _known(home, ben)
    featured = home.node.looks.featured
    assert await featured.look(ben_id) == ben_id
    assert len(await home.node.core.database.fetch(_PINS)) == 1
    peer.fail_with["/users/ben/featured"] = 500
    for address in (ben.followers, f"{ben.uri}/following"):
        _collection(peer, address, totalItems=5)
    assert await featured.look(ben_id) == ben_id
    assert len(await home.node.core.database.fetch(_PINS)) == 1
    account = await _account(home, ben_id)
    assert account["hide_collections"]
    assert account["followers_count"] == 5
    peer.fail_with.clear()
    _collection(peer, f"{ben.uri}/featured", orderedItems=[])
    assert await featured.look(ben_id) == ben_id
    assert await home.node.core.database.fetch(_PINS) == []


async def test_a_hashtag_that_is_added_to_a_profile_makes_us_read_it(home: Running, peer: FakePeer) -> None:
    ben = peer.person("ben")
    _shown(peer, ben, pinned=[])
    ben_id = await _follow(home, "alice", ben)
    hashtag = {"type": "Hashtag", "name": "#sea", "href": f"{peer.base_url}/tags/sea"}
    add = peer.activity(ben, "Add", hashtag, target=f"{ben.uri}/featured")
    assert await peer.deliver(ben, f"{home.base_url}/inbox", add) == 202

    async def shown() -> Any:
        return await home.node.core.database.fetch(FEATURED, actor_id=ben_id)

    assert {row["name"] for row in await _until(shown)} == {"sea", "boats"}


async def _held(home: Running, peer: FakePeer, note: dict[str, Any]) -> int:
    """A post that is here although nobody here follows its author."""
    found = await home.node.gatherer.object(note["id"])
    assert isinstance(found, int), found
    await home.node.core.writer.run(lambda: second_looks.note_asked(found, 0))
    return found


async def _is_here(home: Running, note: dict[str, Any]) -> bool:
    return await home.node.core.database.fetch_one(OBJECT_ID, uri=note["id"]) is not None


async def test_a_post_of_which_nobody_tells_is_looked_at_again_when_it_is_read(home: Running, peer: FakePeer) -> None:
    ben = peer.person("ben")
    edited, gone, missing = (peer.note(ben, text) for text in ("first words", "soon gone", "soon missing"))
    ids = {name: await _held(home, peer, note) for name, note in (("e", edited), ("g", gone), ("m", missing))}
    peer.documents[edited["id"]] |= {"content": "second words", "updated": "2026-11-21T12:00:00Z"}
    peer.fail_with |= {gone["id"].removeprefix(peer.base_url): 410, missing["id"].removeprefix(peer.base_url): 404}
    for id_ in ids.values():
        home.node.looks.post_opened(id_, is_stranger=False)
    await home.node.looks.settled()
    edited_row = await _row(home, _CONTENT, uri=edited["id"])
    assert "second words" in edited_row["content"]
    assert not await _is_here(home, gone)
    assert await _is_here(home, missing)
    # 404 once may be a mistake.
    look = home.node.looks.second
    look._missed[ids["m"]] -= second_look.SHORTEST_REST_MS
    await home.node.core.writer.run(lambda: second_looks.note_asked(ids["m"], 0))
    await look.look(ids["m"])
    assert not await _is_here(home, missing)


async def test_a_post_whose_author_is_followed_or_that_was_just_read_is_left_alone(
    home: Running, peer: FakePeer
) -> None:
    ben, cleo = peer.person("ben"), peer.person("cleo")
    await _follow(home, "alice", ben)
    followed = await _held(home, peer, peer.note(ben, "told of"))
    note = peer.note(cleo, "fresh")
    fresh = await home.node.gatherer.object(note["id"])
    assert isinstance(fresh, int)
    peer.fetched.clear()
    for id_ in (followed, fresh):
        await home.node.looks.second.look(id_)
    assert peer.fetched == []


async def test_who_has_moved_is_followed_where_they_are_although_no_move_came(home: Running, peer: FakePeer) -> None:
    async with fake_peer() as elsewhere:
        old, new = peer.person("ben"), elsewhere.person("ben")
        await _follow(home, "alice", old)
        await _follow(home, "dora", old)
        elsewhere.documents[new.uri]["alsoKnownAs"] = [old.uri]
        peer.documents[old.uri]["movedTo"] = new.uri
        await _known(home, old)

        async def moved() -> bool:
            return await _followers(home, old.uri) == set() and await _followers(home, new.uri) == {"alice", "dora"}

        async with asyncio.timeout(10):
            while await home.node.core.database.fetch_one(follower_digests.FOLLOWED, uri=new.uri) is None:
                await asyncio.sleep(0.02)
        await _until(moved)


@pytest.mark.parametrize(
    ("names_old", "says_moved", "goes"),
    [(True, True, True), (True, False, False), (False, True, False)],
    ids=["both agree", "the old one says nothing", "the new one does not name the old one"],
)
async def test_the_new_account_may_fetch_its_followers_if_both_agree(
    home: Running, peer: FakePeer, names_old: bool, says_moved: bool, goes: bool
) -> None:
    async with fake_peer() as elsewhere:
        old, new = peer.person("ben"), elsewhere.person("ben")
        await _follow(home, "alice", old)
        await _known(home, new)
        elsewhere.documents[new.uri]["alsoKnownAs"] = [old.uri] if names_old else []
        peer.documents[old.uri] |= {"movedTo": new.uri} if says_moved else {}
        move = elsewhere.activity(new, "Move", old.uri, target=new.uri, to=[f"{old.uri}/followers"])
        assert await elsewhere.deliver(new, f"{home.base_url}/inbox", move) == 202
        await asyncio.sleep(0.5)
        assert await _followers(home, old.uri) == (set() if goes else {"alice"})


async def test_servers_are_asked_what_they_are_once_a_week(home: Running, peer: FakePeer) -> None:
    ben = peer.person("ben")
    await _follow(home, "alice", ben)
    base = peer.base_url
    peer.documents |= {
        f"{base}/.well-known/nodeinfo": {
            "links": [
                {"rel": "http://nodeinfo.diaspora.software/ns/schema/2.0", "href": f"{base}/nodeinfo/2.0"},
                {"rel": "https://www.w3.org/ns/activitystreams#Application", "href": f"{base}/actor"},
            ]
        },
        f"{base}/nodeinfo/2.0": {"version": "2.0", "software": {"name": "Mastodon", "version": "4.6.0"}},
    }
    neighbours = home.node.looks.neighbours
    neighbours.soon()
    await neighbours.settled()
    rows = {row["host"]: row for row in await home.node.core.database.fetch(_HOSTS)}
    row = rows[peer.host]
    assert (row["software"], row["software_version"], row["application_uri"]) == ("mastodon", "4.6.0", f"{base}/actor")
    peer.fetched.clear()
    neighbours.soon()
    await neighbours.settled()
    assert peer.fetched == []


async def test_what_is_needed_twice_at_the_same_moment_is_fetched_once(home: Running, peer: FakePeer) -> None:
    ben = peer.person("ben")
    note = peer.note(ben, "wanted by many")
    peer.document_delay_s = 0.1
    found = await asyncio.gather(*(home.node.gatherer.object(note["id"]) for _ in range(8)))
    assert len(set(found)) == 1
    assert isinstance(found[0], int)
    path = note["id"].removeprefix(peer.base_url)
    assert peer.fetched.count(path) == 1
    assert peer.fetched.count("/users/ben") == 1


async def test_forged_requests_do_not_flood_the_server_in_whose_name_they_come(home: Running, peer: FakePeer) -> None:
    mallory = peer.person("mallory")

    async def forged(number: int) -> int:
        ghost = Person(f"{peer.base_url}/users/ghost{number}", f"ghost{number}", mallory.key)
        return await peer.deliver(ghost, f"{home.base_url}/inbox", peer.activity(ghost, "Like", home.base_url))

    peer.fetched.clear()
    statuses = [status for n in range(0, 160, 20) for status in await asyncio.gather(*map(forged, range(n, n + 20)))]
    assert set(statuses) == {401, 429}
    assert len(peer.fetched) <= 2 * MOST_A_MINUTE
    assert statuses.count(429) >= 160 - MOST_A_MINUTE
    # Whoever is known is heard all the same.
    ben = peer.person("ben")
    await _known(home, ben)
    assert await peer.deliver(ben, f"{home.base_url}/inbox", peer.activity(ben, "Like", home.base_url)) == 202


async def test_who_is_suspended_is_not_believed_any_more_although_the_key_was_known(
    home: Running, peer: FakePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben = peer.person("ben")
    ben_id = await _known(home, ben)
    assert await peer.deliver(ben, f"{home.base_url}/inbox", peer.activity(ben, "Like", home.base_url)) == 202
    gone = Patch(ChangeActor(ben_id, {"suspended_ms": 1}))
    await home.node.core.writer.decide(Decision(Needs(actor_ids=(ben_id,)), lambda facts: [gone]))
    monkeypatch.setattr(verify, "_FRESH_MS", 0)
    assert await peer.deliver(ben, f"{home.base_url}/inbox", peer.activity(ben, "Like", home.base_url)) == 403


async def test_a_handle_counts_only_if_its_host_agrees(home: Running, peer: FakePeer) -> None:
    """spec: fep-2c59"""
    ben, mallory = peer.person("ben"), peer.person("mallory")
    peer.documents[ben.uri] |= {"preferredUsername": "other", "webfinger": f"ben@{peer.host}"}
    peer.documents[mallory.uri]["webfinger"] = f"ben@{peer.host}"
    rows = {}
    for person in (ben, mallory):
        rows[person.name] = await _account(home, await _known(home, person))
    assert (rows["ben"]["username"], rows["ben"]["host"]) == ("ben", peer.host)
    assert rows["mallory"]["username"] == "mallory"
