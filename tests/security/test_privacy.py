"""What is not for everybody: not shown, not told, not kept where others find it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import WSServerHandshakeError
from sqlalchemy import select

from fediverse_node.domain.effects import ChangeActor, Effect, Patch
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Visibility
from fediverse_node.mastodon_api import stream_standing, viewer
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import sign_cavage
from fediverse_node.storage import tables as t
from fediverse_node.storage.writer import Decision
from tests.fake_peer import PUBLIC, Person
from tests.security.ground import BASE_URL, Ground
from tests.security.test_identity import ALICE, VICTIM

SECRET = "zebrafinch"
AS2 = "application/activity+json"


async def follows(scene: Ground, actor_id: int, person: Person) -> int:
    """Somebody here asks to follow somebody there; their id."""
    target = await scene.find_actor(person.uri)
    assert isinstance(target, int)
    assert await scene.node.outbox.follow(actor_id, target) is None
    return target


async def accepted(scene: Ground) -> list[bool]:
    return [bool(row["accepted"]) for row in await scene.rows(select(t.follows.c.accepted))]


async def signed_get(scene: Ground, path: str, person: Person) -> tuple[int, bytes, Any]:
    """A GET by somebody elsewhere."""
    request = Request("GET", BASE_URL + path, (), b"")
    headers = dict(sign_cavage(request, key=person.key, key_id=person.key_id, now=datetime.now(UTC)))
    return await scene.get(path, Accept=AS2, **headers)


async def readable_by(scene: Ground, status_id: int, tokens: dict[str, str | None]) -> dict[str, bool]:
    """Who of these finds the post, by its address, in a timeline, by search, or in its thread."""
    found: dict[str, bool] = {}
    for name, token in tokens.items():
        seen = []
        for path in (
            f"/api/v1/statuses/{status_id}",
            f"/api/v1/statuses/{status_id}/context",
            f"/api/v1/statuses/{status_id}/source",
            "/api/v1/timelines/home?limit=40",
            "/api/v1/timelines/public?limit=40",
            f"/api/v2/search?q={SECRET}",
        ):
            status, body, _ = await scene.get(path, token=token)
            seen.append(status == 200 and SECRET.encode() in body)
        found[name] = any(seen)
    return found


async def test_a_follow_counts_only_after_it_was_accepted_and_a_post_only_for_its_readers(scene: Ground) -> None:
    """CVE-2025-30741 (Pixelfed)."""
    alice, alices = await scene.token("alice")
    _, carols = await scene.token("carol")
    good, evil = scene.peer(VICTIM), scene.peer()
    good.answers_follows = False
    bob, mallory = good.person("bob"), evil.person("mallory")
    good.documents[bob.uri]["manuallyApprovesFollowers"] = True
    await follows(scene, alice, bob)
    async with asyncio.timeout(10):
        while not good.believed("Follow"):
            await asyncio.sleep(0.02)
    [follow] = good.believed("Follow")
    assert await accepted(scene) == [False]
    # Nobody else can say yes in bob's name.
    for by, where in ((mallory, evil), (good.person("eve"), good)):
        assert await scene.deliver(by, where.activity(by, "Accept", follow, to=[ALICE])) in (202, 401)
        assert await scene.deliver(by, where.activity(by, "Accept", follow["id"], to=[ALICE])) in (202, 401)
    assert await accepted(scene) == [False]
    early = good.note(bob, f"<p>{SECRET} one</p>", to=[bob.followers], cc=[])
    await scene.deliver(bob, good.create(bob, early))
    await scene.settled()
    rows = await scene.rows(select(t.objects.c.id).where(t.objects.c.uri == early["id"]))
    who = {"alice": alices, "carol": carols, "nobody": None}
    for row in rows:
        assert not any((await readable_by(scene, row["id"], who)).values())
    assert await scene.deliver(bob, good.activity(bob, "Accept", follow, to=[ALICE])) == 202
    assert await accepted(scene) == [True]
    late = good.note(bob, f"<p>{SECRET} two</p>", to=[bob.followers], cc=[])
    assert await scene.deliver(bob, good.create(bob, late)) == 202
    [row] = await scene.rows(select(t.objects.c.id).where(t.objects.c.uri == late["id"]))
    assert await readable_by(scene, row["id"], who) == {"alice": True, "carol": False, "nobody": False}


async def test_nothing_tells_that_something_exists(scene: Ground) -> None:
    """GHSA-gwhw-gcjx-72v8, GHSA-ccpr-m53r-mfwr (Mastodon 4.5.3, 4.5.6)."""
    alice = await scene.add()
    bob = scene.person("bob", VICTIM)
    bob_id = await scene.find_actor(bob.uri)
    assert isinstance(bob_id, int)
    public, _ = await scene.say(alice, "open")
    hidden, _ = await scene.say(alice, SECRET, Visibility.DIRECT)
    never = hidden + 12_345

    async def told(path: str, by: Person | None) -> tuple[int, bytes, str]:
        status, body, headers = await (signed_get(scene, path, by) if by else scene.get(path, Accept=AS2))
        return (
            status,
            body.replace(str(hidden).encode(), b"N").replace(str(never).encode(), b"N"),
            str(headers.get("Cache-Control")),
        )

    for pattern in (
        "/users/alice/statuses/{}",
        "/users/alice/statuses/{}/activity",
        "/users/alice/statuses/{}/replies",
        "/users/alice/statuses/{}/likes",
        "/users/alice/statuses/{}/shares",
        "/@alice/{}",
        "/contexts/{}",
        "/users/alice/quote_authorizations/{}",
        "/api/v1/statuses/{}",
        "/api/v1/statuses/{}/context",
        "/api/v1/statuses/{}/history",
        "/api/v1/statuses/{}/reblogged_by",
    ):
        for by in (None, bob):
            there, absent = await told(pattern.format(hidden), by), await told(pattern.format(never), by)
            assert there == absent, (pattern, by and by.uri)
            assert there[0] == 404, (pattern, there)
            assert "public" not in there[2], pattern
    # Whom she blocks finds nothing, and what was answered before is in no cache that could answer instead.
    paths = (
        f"/users/alice/statuses/{public}",
        "/users/alice",
        "/users/alice/outbox?page=true",
        "/users/alice/followers",
    )
    for path in paths:
        status, _, headers = await signed_get(scene, path, bob)
        assert status == 200, path
        assert "Signature" in headers["Vary"] or "private" in headers["Cache-Control"], (path, headers)
    assert await scene.node.outbox.block(alice, bob_id) is None
    # Who she is, her own server says to everybody: without her keys nobody could read her Block.
    for path in (path for path in paths if path != "/users/alice"):
        status, body, _ = await signed_get(scene, path, bob)
        assert status == 404 or orjson.loads(body).get("orderedItems") == [], path


async def test_streams_end_when_their_reader_is_suspended(scene: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """CVE-2025-62175 (Mastodon)."""
    monkeypatch.setattr(stream_standing, "EVERY_S", 0.2)
    monkeypatch.setattr(viewer, "_TTL_MS", 200)
    alice, token = await scene.token("alice")
    bob = await scene.add("bob")
    url = f"{BASE_URL}/api/v1/streaming?stream=public&access_token={token}"
    async with scene.session.ws_connect(url) as socket:
        await scene.say(bob, "heard")
        assert "heard" in await socket.receive_str(timeout=5)

        def suspend(facts: Facts) -> list[Effect]:
            return [Patch(ChangeActor(alice, {"suspended_ms": facts.now_ms()}))]

        await scene.node.core.writer.decide(Decision(Needs(), suspend))
        # There is always something to send, so that the stream is never quiet.
        async with asyncio.timeout(10):
            while not socket.closed:
                await scene.say(bob, SECRET)
                await socket.receive()
        assert socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION
    with pytest.raises(WSServerHandshakeError) as refused:
        await scene.session.ws_connect(url)
    assert refused.value.status in (401, 403)
    status, _, _ = await scene.get("/api/v1/timelines/home", token=token)
    assert status in (401, 403)


async def test_what_belongs_to_somebody_is_changed_by_nobody_else(scene: Ground) -> None:
    """CVE-2026-22246 (Mastodon: a missing check of the owner)."""
    alice, _ = await scene.token("alice")
    _, carols = await scene.token("carol")
    said, _ = await scene.say(alice, "mine")
    headers = {"Authorization": f"Bearer {carols}"}
    for method, path in (
        ("DELETE", f"/api/v1/statuses/{said}"),
        ("PUT", f"/api/v1/statuses/{said}"),
        ("POST", f"/api/v1/statuses/{said}/pin"),
        ("PUT", f"/api/v1/statuses/{said}/interaction_policy"),
        ("POST", f"/api/v1/statuses/{said}/quotes/{said}/revoke"),
        ("GET", f"/api/v1/statuses/{said}/deliveries"),
    ):
        options: dict[str, Any] = {"json": {"status": "changed"}} if method != "GET" else {}
        async with scene.session.request(method, BASE_URL + path, headers=headers, **options) as answer:
            assert answer.status in (401, 403, 404, 422), (method, path, answer.status)
    assert await scene.contents() == {"<p>mine</p>"}
    assert await scene.count(t.pins) == 0


async def test_no_activity_and_no_collection_shows_what_the_object_would_not(scene: Ground) -> None:
    """Discourse 1f4a240, 96f3be0, 947a6ed: leaks through Undo, collections and the JSON of objects."""
    alice, token = await scene.token("alice")
    good, evil = scene.peer(VICTIM), scene.peer()
    bob, mallory = good.person("bob"), evil.person("mallory")
    for person, where in ((bob, good), (mallory, evil)):
        assert await scene.deliver(person, where.activity(person, "Follow", ALICE)) == 202
    bob_id = await scene.find_actor(bob.uri)
    assert isinstance(bob_id, int)
    assert await scene.node.outbox.remove_follower(alice, bob_id) is None
    hidden, uri = await scene.say(alice, f"@mallory@evil.example {SECRET}", Visibility.DIRECT)
    friends, friends_uri = await scene.say(alice, f"friends {SECRET}", Visibility.FOLLOWERS)
    boost = await scene.node.outbox.announce(alice, friends, Visibility.FOLLOWERS)
    assert isinstance(boost, int)
    assert await scene.node.outbox.unannounce(alice, friends) is None
    await scene.node.outbox.pin(alice, friends)
    root, _ = await scene.say(alice, "open")
    assert await scene.node.outbox.delete(alice, hidden) is None
    await scene.settled()
    places = [
        "/users/alice/outbox?page=true",
        "/users/alice/collections/featured",
        "/@alice",
        "/@alice.rss",
        "/@alice.atom",
    ]
    places += [
        f"/users/alice/activities/announce/{boost}",
        f"/contexts/{friends}",
        f"/users/alice/statuses/{root}/replies",
    ]
    places += [
        "/api/v1/timelines/public",
        f"/api/v1/accounts/{alice}/statuses",
        f"/@alice/{root}",
        "/users/alice/followers",
    ]
    for path in places:
        for accept in (AS2, "text/html", "application/json"):
            status, body, _ = await scene.get(path, Accept=accept)
            assert status in (200, 404, 406), path
            assert SECRET.encode() not in body, (path, accept)
            assert friends_uri.encode() not in body, (path, accept)
        status, body, _ = await signed_get(scene, path, bob)
        assert SECRET.encode() not in body, (path, "bob")
    # Nor do those hear of it who were never told: not even that it was taken back.
    told_bob = [each.activity for each in good.arrived]
    assert SECRET not in str(told_bob)
    assert uri not in str(told_bob)
    assert friends_uri not in str(told_bob)
    assert token


async def test_what_one_reader_may_fetch_is_not_served_to_others(scene: Ground) -> None:
    """Akkoma 2.5.0."""
    alice, alices = await scene.token("alice")
    _, carols = await scene.token("carol")
    good = scene.peer(VICTIM)
    bob = good.person("bob")
    await follows(scene, alice, bob)
    async with asyncio.timeout(10):
        while await accepted(scene) != [True]:
            await asyncio.sleep(0.02)
    # Bob's server shows this to whoever signs for this node.
    secret = good.note(bob, f"<p>{SECRET}</p>", to=[bob.followers], cc=[])
    status, body, _ = await scene.get(f"/api/v2/search?resolve=true&q={secret['id']}", token=alices)
    assert status == 200
    rows = await scene.rows(select(t.objects.c.id, t.objects.c.visibility).where(t.objects.c.uri == secret["id"]))
    for row in rows:
        assert row["visibility"] >= 2
        found = await readable_by(scene, row["id"], {"carol": carols, "nobody": None})
        assert found == {"carol": False, "nobody": False}
    for token in (carols, None):
        status, body, _ = await scene.get(f"/api/v2/search?resolve=true&q={secret['id']}", token=token)
        assert SECRET.encode() not in body
    for path in ("/@bob@good.example", f"/contexts/{rows[0]['id'] if rows else 1}", "/tags/x"):
        status, body, _ = await scene.get(path, Accept="text/html")
        assert SECRET.encode() not in body
    assert PUBLIC
