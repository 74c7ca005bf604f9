"""Who gets which document: over real sockets, with real signatures, with authorized fetch off and on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from fediverse_node.domain.domains import DomainRule, Severity
from fediverse_node.domain.effects import Refuse
from fediverse_node.domain.model import Visibility
from fediverse_node.outbox.draft import Draft
from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import sign_cavage, sign_rfc9421
from fediverse_node.storage.queries.domains import keep_away
from fediverse_node.storage.tables import featured_collections, featured_items
from fediverse_node.storage.unit import Insert, Unit
from tests.fake_peer import FakePeer, Person, fake_peer
from tests.inprocess import Running, running_node

AS2 = "application/activity+json"


@dataclass
class Scene:
    """Alice at home; people at a peer, at a blocked host, and at a host that alice keeps away from."""

    home: Running
    alice_id: int
    viewers: dict[str, tuple[FakePeer, Person] | None] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, viewer: str = "nobody", *, scheme: str = "cavage", **headers: str) -> Any:
        """(status, body, headers) of a GET by this viewer."""
        url = self.home.base_url + path
        found = self.viewers[viewer]
        if found is not None:
            headers |= signed(url, found[1], scheme, now=datetime.now(UTC))
        peer = next(each for each in self.viewers.values() if each is not None)[0]
        async with peer.session.get(url, headers={"Accept": AS2, **headers}, allow_redirects=False) as answer:
            return answer.status, await answer.read(), answer.headers


def signed(url: str, person: Person, scheme: str, *, now: datetime) -> dict[str, str]:
    """The headers of a signed GET."""
    sign = sign_cavage if scheme == "cavage" else sign_rfc9421
    return dict(sign(Request("GET", url, (), b""), key=person.key, key_id=person.key_id, now=now))


async def _said(home: Running, actor_id: int, text: str, visibility: Visibility) -> int:
    outcome = await home.node.outbox.post(actor_id, Draft(text, visibility=visibility))
    assert not isinstance(outcome, Refuse), outcome
    return outcome


async def _recommended(home: Running, owner_id: int, member_id: int) -> tuple[int, int]:
    """A collection of the owner's, and the item that the member is in it."""
    number, now_ms = home.node.core.world.ids.next, home.node.core.world.clock.now_ms()
    row = {"id": number(), "actor_id": owner_id, "name": "Sailors", "created_ms": now_ms, "updated_ms": now_ms}
    item = {"id": number(), "collection_id": row["id"], "actor_id": member_id, "created_ms": now_ms}

    def unit() -> Unit[None]:
        yield Insert(featured_collections, [row])
        yield Insert(featured_items, [item])

    await home.node.core.writer.run(unit)
    return int(str(row["id"])), int(str(item["id"]))


async def _known(home: Running, person: Person) -> int:
    found = await home.node.gatherer.actor(person.uri)
    assert isinstance(found, int), found
    return found


async def _scene(folder: Path, stack: AsyncExitStack, **settings: str) -> Scene:
    home = await stack.enter_async_context(running_node(folder, database_url=None, port=None, **settings))
    peer = await stack.enter_async_context(fake_peer())
    outlaw_host = await stack.enter_async_context(fake_peer())
    avoided_host = await stack.enter_async_context(fake_peer())
    alice = await home.add_person("alice")
    people = {name: peer.person(name) for name in ("follower", "stranger", "mentioned", "shunned")}
    server = peer.person("actor")
    peer.documents[server.uri]["type"] = "Application"
    outlaw, avoided = outlaw_host.person("outlaw"), avoided_host.person("avoided")
    if settings.get("ALLOW_LIST"):
        await home.node.desk.allow(peer.host)
    for person in (*people.values(), server):
        await _known(home, person)
    inbox = f"{home.base_url}/users/alice/inbox"
    target = f"{home.base_url}/users/alice"
    follow = peer.activity(people["follower"], "Follow", target)
    assert await peer.deliver(people["follower"], inbox, follow) == 202
    assert await home.node.outbox.block(alice, await _known(home, people["shunned"])) is None
    if not settings.get("ALLOW_LIST"):
        await _known(home, outlaw)
        await _known(home, avoided)
        assert await home.node.desk.put(DomainRule(outlaw_host.host, Severity.SUSPEND)) is None
        ids, now_ms = home.node.core.world.ids, home.node.core.world.clock.now_ms()
        await home.node.core.writer.run(lambda: keep_away(ids.next(), alice, avoided_host.host, now_ms))
    public = await _said(home, alice, "open #sea", Visibility.PUBLIC)
    followers = await _said(home, alice, "friends", Visibility.FOLLOWERS)
    direct = await _said(home, alice, f"@mentioned@{peer.host} psst", Visibility.DIRECT)
    boost = await home.node.outbox.announce(alice, followers, Visibility.FOLLOWERS)
    assert isinstance(boost, int), boost
    collection, item = await _recommended(home, alice, alice)
    scene = Scene(home, alice)
    scene.viewers = {
        "nobody": None,
        **{name: (peer, person) for name, person in people.items()},
        "server": (peer, server),
        "outlaw": (outlaw_host, outlaw),
        "avoided": (avoided_host, avoided),
        # Knows whose key it would need, and has another.
        "forger": (peer, Person(people["follower"].uri, "follower", PrivateKey.generate_rsa())),
        "newcomer": (peer, peer.person("newcomer")),
    }
    base = "/users/alice/statuses"
    scene.paths = {
        "actor": "/users/alice",
        "public": f"{base}/{public}",
        "followers": f"{base}/{followers}",
        "create": f"{base}/{followers}/activity",
        "replies": f"{base}/{followers}/replies",
        "likes": f"{base}/{followers}/likes",
        "boost": f"/users/alice/activities/announce/{boost}",
        "direct": f"{base}/{direct}",
        "never": f"{base}/{direct + 1}",
        "outbox": "/users/alice/outbox?page=true",
        "featured": "/users/alice/collections/featured",
        "collections": "/users/alice/featured_collections",
        "collection": f"/users/alice/featured_collections/{collection}",
        "shared": f"/collections/{collection}",
        "consent": f"/users/alice/feature_authorizations/{item}",
        "tag": "/tags/sea?page=true",
        "context": f"/contexts/{public}?page=true",
        "history": f"/contexts/{public}/history?page=true",
        "addition": f"/contexts/{public}/history/{public}",
        "instance": "/actor",
        "webfinger": f"/.well-known/webfinger?resource=acct:alice@{home.node.core.config.host}",
        "nodeinfo": "/.well-known/nodeinfo",
    }
    return scene


@pytest.fixture(params=["open", "authorized"])
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Scene, bool]]:
    """The scene, and whether authorized fetch is on."""
    is_authorized = request.param == "authorized"
    async with AsyncExitStack() as stack:
        yield await _scene(tmp_path, stack, AUTHORIZED_FETCH=str(is_authorized).lower()), is_authorized


OPEN_PATHS = ("instance", "webfinger", "nodeinfo")
PUBLIC_PATHS = (
    *("public", "outbox", "featured", "tag", "context", "history", "addition"),
    *("collections", "collection", "shared", "consent"),
)
FOLLOWERS_PATHS = ("followers", "create", "replies", "likes", "boost")
FAULTY = ("nobody", "forger")


def _expected(viewer: str, name: str, *, is_authorized: bool) -> int:
    if name in OPEN_PATHS:
        return 200
    if viewer == "outlaw" or viewer in ("shunned", "avoided"):
        # Hashtags and conversations belong to nobody in particular; of the actor there is the stub.
        return 200 if name in ("tag", "context", "actor") and viewer != "outlaw" else 404
    if viewer in FAULTY and is_authorized:
        return 200 if name == "actor" else 401
    if name == "actor" or name in PUBLIC_PATHS:
        return 200
    if name in FOLLOWERS_PATHS:
        return 200 if viewer == "follower" else 404
    return 200 if (name, viewer) == ("direct", "mentioned") else 404


async def test_every_document_is_shown_to_whom_it_is_for_and_to_nobody_else(scene: tuple[Scene, bool]) -> None:
    world, is_authorized = scene
    for scheme in ("cavage", "rfc9421"):
        found = {
            (viewer, name): (await world.get(path, viewer, scheme=scheme))[0]
            for viewer in world.viewers
            for name, path in world.paths.items()
        }
        expected = {key: _expected(*key, is_authorized=is_authorized) for key in found}
        wrong = {key: (found[key], expected[key]) for key in found if found[key] != expected[key]}
        assert not wrong, f"{scheme}: (got, expected)"


async def test_what_is_not_yours_answers_exactly_like_what_never_was(scene: tuple[Scene, bool]) -> None:
    world, _ = scene
    for viewer in world.viewers:
        for name in ("followers", "direct"):
            hidden = await world.get(world.paths[name], viewer)
            if hidden[0] == 200:
                continue
            never = await world.get(world.paths["never"], viewer)
            assert hidden[:2] == never[:2], (viewer, name)
            ignored = ("Date",)
            assert {k: v for k, v in hidden[2].items() if k not in ignored} == {
                k: v for k, v in never[2].items() if k not in ignored
            }


async def test_the_outbox_shows_followers_what_is_for_them_and_nobody_what_was_said_to_one(
    scene: tuple[Scene, bool],
) -> None:
    world, is_authorized = scene
    for viewer, words in (("follower", {"open", "friends"}), ("mentioned", {"open"}), ("server", {"open"})):
        _, body, headers = await world.get(world.paths["outbox"], viewer)
        assert {word for word in ("open", "friends", "psst") if word in body.decode()} == words, viewer
        assert "private" in headers["Cache-Control"]
    if not is_authorized:
        _, body, headers = await world.get(world.paths["outbox"])
        assert b"friends" not in body
        assert headers["Cache-Control"].startswith("public")


async def test_caches_keep_only_what_is_for_everybody(scene: tuple[Scene, bool]) -> None:
    world, is_authorized = scene
    for viewer, name in (
        ("follower", "public"),
        ("follower", "followers"),
        ("mentioned", "direct"),
        ("server", "actor"),
    ):
        status, _, headers = await world.get(world.paths[name], viewer)
        assert status == 200
        assert "Signature" in headers["Vary"]
        is_for_all = name in ("public", "actor") and not is_authorized
        assert headers["Cache-Control"].startswith("public" if is_for_all else "private"), (name, headers)


async def test_whoever_has_not_signed_gets_keys_and_nothing_else_of_an_actor(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await _scene(tmp_path, stack, AUTHORIZED_FETCH="true")
        status, body, _ = await world.get("/users/alice")
        stub = orjson.loads(body)
        assert status == 200
        assert stub["publicKey"]["publicKeyPem"].startswith("-----BEGIN PUBLIC KEY-----")
        assert _SHOWN.isdisjoint(stub)
        _, body, _ = await world.get("/users/alice", "server")
        assert "outbox" in orjson.loads(body)
        for path in ("/@alice", f"/@alice/{world.paths['public'].rpartition('/')[2]}", "/tags/sea", "/@alice.rss"):
            status, _, _ = await world.get(path, Accept="text/html")
            assert status == 200, "pages are for people"


async def test_whom_an_actor_blocks_can_verify_what_it_says_and_reads_nothing_of_it(scene: tuple[Scene, bool]) -> None:
    world, _ = scene
    for viewer in ("shunned", "avoided"):
        status, body, _ = await world.get("/users/alice", viewer)
        assert status == 200
        assert _SHOWN.isdisjoint(orjson.loads(body)), viewer
    assert set(orjson.loads((await world.get("/users/alice", "stranger"))[1])) >= {"name", "outbox", "followers"}


_SHOWN = {"name", "summary", "outbox", "followers", "following", "featured", "icon", "attachment", "published"}


async def test_a_page_never_shows_more_for_being_asked_for_with_a_signature(scene: tuple[Scene, bool]) -> None:
    world, _ = scene
    for name in ("followers", "direct"):
        number = world.paths[name].rpartition("/")[2]
        for viewer in ("follower", "mentioned"):
            status, _, _ = await world.get(f"/@alice/{number}", viewer, Accept="text/html")
            assert status == 404, (name, viewer)


async def test_where_only_listed_hosts_take_part_others_get_nothing_in_either_direction(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await _scene(tmp_path, stack, ALLOW_LIST="true")
        home = world.home
        assert (await world.get(world.paths["public"], "follower"))[0] == 200
        assert (await world.get(world.paths["public"]))[0] == 401
        assert (await world.get(world.paths["public"], "outlaw"))[0] == 404
        peer, outlaw = world.viewers["outlaw"] or pytest.fail("nobody")
        asked = len(peer.fetched)
        assert not isinstance(await home.node.gatherer.actor(outlaw.uri), int)
        follow = peer.activity(outlaw, "Follow", f"{home.base_url}/users/alice")
        assert await peer.deliver(outlaw, f"{home.base_url}/users/alice/inbox", follow) == 403
        answer = await home.node.http.get(f"http://{peer.host}/anything", accept="*/*")
        assert getattr(answer, "reason", None) is not None
        assert peer.fetched[asked:] == [], "nothing was asked of it"
        await home.node.desk.allow(peer.host)
        assert isinstance(await home.node.gatherer.actor(outlaw.uri), int)


async def test_a_redirect_does_not_lead_to_a_blocked_host(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await _scene(tmp_path, stack)
        peer = (world.viewers["follower"] or pytest.fail("nobody"))[0]
        outlaw_host = (world.viewers["outlaw"] or pytest.fail("nobody"))[0]
        peer.redirects["/away"] = f"http://{outlaw_host.host}/secret"
        asked = len(outlaw_host.fetched)
        answer = await world.home.node.http.get(f"http://{peer.host}/away", accept="*/*")
        assert getattr(answer, "reason", None) is not None
        assert peer.fetched[-1] == "/away"
        assert outlaw_host.fetched[asked:] == []


async def test_what_waits_for_a_host_when_it_is_blocked_is_never_sent(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await _scene(tmp_path, stack)
        home, (peer, _) = world.home, world.viewers["follower"] or pytest.fail("nobody")
        peer.fail_with["/users/follower/inbox"] = 503
        await _said(home, world.alice_id, "too late", Visibility.PUBLIC)
        await asyncio.sleep(0.3)
        assert await home.node.desk.put(DomainRule(peer.host, Severity.SUSPEND)) is None
        peer.fail_with.clear()
        arrived = len(peer.arrived)
        home.node.sender.heard(peer.host)
        await asyncio.sleep(0.5)
        await home.node.desk.work()
        await _said(home, world.alice_id, "afterwards", Visibility.PUBLIC)
        await asyncio.sleep(0.5)
        assert peer.arrived[arrived:] == []


async def test_an_old_signature_of_a_fetch_shows_nothing_any_more(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await _scene(tmp_path, stack)
        peer, person = world.viewers["follower"] or pytest.fail("nobody")
        url = world.home.base_url + world.paths["followers"]
        for age, status in ((timedelta(0), 200), (timedelta(days=2), 404)):
            headers = signed(url, person, "rfc9421", now=datetime.now(UTC) - age)
            async with peer.session.get(url, headers={"Accept": AS2, **headers}) as answer:
                assert answer.status == status
        # What was signed for one document opens no other.
        headers = signed(world.home.base_url + world.paths["public"], person, "cavage", now=datetime.now(UTC))
        async with peer.session.get(url, headers={"Accept": AS2, **headers}) as answer:
            assert answer.status == 404


async def test_whoever_keeps_away_from_who_asks_is_left_out_of_collections(scene: tuple[Scene, bool]) -> None:
    world, is_authorized = scene
    bob = await world.home.add_person("bob")
    collection, item = await _recommended(world.home, world.alice_id, bob)
    stranger = world.viewers["stranger"]
    assert stranger is not None
    assert await world.home.node.outbox.block(bob, await _known(world.home, stranger[1])) is None
    for path in (f"/users/alice/featured_collections/{collection}", f"/collections/{collection}"):
        for viewer, expected in (("follower", 1), ("stranger", 0)):
            status, body, headers = await world.get(path, viewer)
            assert (status, orjson.loads(body)["totalItems"]) == (200, expected)
            assert "private" in headers["Cache-Control"]
    stamp = f"/users/bob/feature_authorizations/{item}"
    assert [(await world.get(stamp, viewer))[0] for viewer in ("follower", "stranger")] == [200, 404]
    assert (await world.get(stamp))[0] == (401 if is_authorized else 200)
