"""Push messages, from what somebody does to what an app reads, over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import Table, update

from fediverse_node.mastodon_api import pushing
from fediverse_node.mastodon_api.push_tokens import FILE_NAME
from fediverse_node.mastodon_api.viewer import hash_token
from fediverse_node.storage.queries import oauth
from fediverse_node.storage.queries import push as queries
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, users
from fediverse_node.storage.unit import Run, Unit
from tests.api.conftest import ApiNode, Member
from tests.api.push_service import Device, PushService, push_service, verified_claims
from tests.inprocess import running_node


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    async with push_service() as started:
        yield started


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried again at once, but for what the push service asks."""
    monkeypatch.setattr(
        pushing, "pause_ms", lambda attempts, randomness, *, asked_s=None: int((asked_s or 0.05) * 1000)
    )


async def _subscribe(
    member: Member, service: PushService, *, path: str = "/", standard: bool = True, **data: Any
) -> tuple[Device, dict[str, Any]]:
    device = Device()
    body: dict[str, Any] = {
        "subscription": {"endpoint": service.base_url + path, "keys": device.keys(), "standard": standard},
        "data": {"alerts": dict.fromkeys(("mention", "favourite", "follow", "reblog"), True), **data},
    }
    return device, await member.post("/api/v1/push/subscription", **body)


async def _settled(node: ApiNode) -> None:
    """Nothing waits to be sent any more, and nothing is being looked at."""
    database = node.running.node.core.database
    async with asyncio.timeout(10):
        while True:
            await asyncio.sleep(0.1)
            row = await database.fetch_one(queries.WAITING)
            if row is not None and not row["count"]:
                return


async def _status(member: Member, text: str, **more: Any) -> dict[str, Any]:
    said: dict[str, Any] = await member.post("/api/v1/statuses", status=text, **more)
    return said


@pytest.mark.parametrize("standard", [True, False])
async def test_an_app_opens_what_it_is_told_and_sees_who_sent_it(
    node: ApiNode, alice: Member, bob: Member, service: PushService, standard: bool
) -> None:
    device, subscription = await _subscribe(alice, service, path="/send/abc", standard=standard)
    said = await _status(bob, "@alice Hello & <good> day")
    got = (await service.wait_for(1))[0]
    payload = device.open(got)
    told = (await alice.get("/api/v1/notifications"))[0]
    assert payload == {
        "access_token": alice.token,
        "preferred_locale": "en",
        "notification_id": int(told["id"]),
        "notification_type": "mention",
        "icon": told["account"]["avatar_static"],
        "title": "bob mentioned you",
        "body": "@alice Hello & <good> day",
    }
    assert told["status"]["id"] == said["id"]
    claims = verified_claims(got, subscription["server_key"])
    assert (claims["aud"], claims["sub"]) == (service.base_url, node.base_url)
    assert time.time() < claims["exp"] <= time.time() + 86_400
    assert got.path == "/send/abc"
    assert got.headers["Content-Encoding"] == ("aes128gcm" if standard else "aesgcm")
    assert 0 < int(got.headers["TTL"]) <= 172_800
    assert got.headers["Urgency"] == "normal"
    assert 0 < len(got.headers["Topic"]) <= 32
    assert len(got.body) <= 4096
    await _settled(node)
    assert len(service.got) == 1


async def test_whoever_runs_the_server_is_named_to_the_push_service(tmp_path: Path, service: PushService) -> None:
    async with (
        running_node(tmp_path, CONTACT_EMAIL="post@example.org") as running,
        aiohttp.ClientSession() as session,
    ):
        node = ApiNode(running, session)
        alice, bob = await node.add("alice"), await node.add("bob")
        _, subscription = await _subscribe(alice, service)
        await _status(bob, "@alice hi")
        claims = verified_claims((await service.wait_for(1))[0], subscription["server_key"])
        assert claims["sub"] == "mailto:post@example.org"


async def test_messages_are_sent_from_each_database(node_on_each_database: ApiNode, service: PushService) -> None:
    node = node_on_each_database
    alice, bob = await node.add("alice"), await node.add("bob")
    device, _ = await _subscribe(alice, service, path="/a")
    _, _ = await _subscribe(await node.token(alice, "read push"), service, path="/b")
    service.answers = [(503, {}), (404, {})]
    await _status(bob, "@alice hi")
    await service.wait_for(3)
    await _settled(node)
    assert sorted(got.path for got in service.got) in (["/a", "/a", "/b"], ["/a", "/b", "/b"])
    opened = [got for got in service.got if got.path == "/a"]
    assert device.open(opened[-1])["title"] == "bob mentioned you"


@pytest.mark.parametrize(
    ("alerts", "type_"),
    [({"favourite": True}, "favourite"), ({"reblog": True}, "reblog"), ({"mention": "true"}, "mention"), ({}, None)],
)
async def test_an_app_hears_only_of_what_it_asked_for(
    node: ApiNode, alice: Member, bob: Member, service: PushService, alerts: dict[str, Any], type_: str | None
) -> None:
    device, _ = await _subscribe(alice, service, alerts=alerts)
    said = await _status(alice, "hello")
    await bob.post(f"/api/v1/statuses/{said['id']}/favourite")
    await bob.post(f"/api/v1/statuses/{said['id']}/reblog")
    await _status(bob, "@alice hi")
    await _settled(node)
    if type_ is not None:
        await service.wait_for(1)
    assert [device.open(got)["notification_type"] for got in service.got] == ([type_] if type_ else [])


@pytest.mark.parametrize(
    ("policy", "heard"),
    [
        ("all", {"stranger", "followed", "follower"}),
        ("followed", {"followed"}),
        ("follower", {"follower"}),
        ("none", set()),
    ],
)
async def test_an_app_hears_only_from_whom_it_asked_for(
    node: ApiNode, alice: Member, service: PushService, policy: str, heard: set[str]
) -> None:
    people = {name: await node.add(name) for name in ("stranger", "followed", "follower")}
    await alice.post(f"/api/v1/accounts/{people['followed'].actor_id}/follow")
    await people["follower"].post(f"/api/v1/accounts/{alice.actor_id}/follow")
    device, _ = await _subscribe(alice, service, policy=policy, alerts={"mention": True})
    for person in people.values():
        await _status(person, "@alice hi")
    await _settled(node)
    await service.wait_for(len(heard))
    assert {device.open(got)["title"].partition(" ")[0] for got in service.got} == heard


@pytest.mark.parametrize("way", ["mute", "block", "filter", "limit"])
async def test_whoever_is_not_heard_is_not_pushed(
    node: ApiNode, alice: Member, bob: Member, service: PushService, way: str
) -> None:
    carol = await node.add("carol")
    device, _ = await _subscribe(alice, service)
    if way in ("mute", "block"):
        await alice.post(f"/api/v1/accounts/{bob.actor_id}/{way}")
    elif way == "limit":
        await node.running.node.core.writer.run(lambda: _set(actors, bob.actor_id, silenced_ms=1))
    else:
        words = [{"keyword": "nonsense", "whole_word": True}]
        await alice.post(
            "/api/v2/filters",
            title="no",
            context=["notifications"],
            filter_action="hide",
            keywords_attributes=words,
        )
    await _status(bob, "@alice nonsense")
    await _status(carol, "@alice sense")
    await service.wait_for(1)
    await _settled(node)
    assert [device.open(got)["body"] for got in service.got] == ["@alice sense"]


def _set(table: Table, id_: int, **values: Any) -> Unit[None]:
    yield Run(Statement(update(table).where(table.c.id == id_).values(**values)), [{}])


async def test_a_message_that_waits_is_not_sent_once_its_sender_is_blocked(
    node: ApiNode, alice: Member, bob: Member, service: PushService
) -> None:
    await _subscribe(alice, service)
    service.answers = [(503, {"Retry-After": "2"})]
    await _status(bob, "@alice hi")
    await service.wait_for(1)
    await alice.post(f"/api/v1/accounts/{bob.actor_id}/block")
    await asyncio.sleep(2.5)
    await _settled(node)
    assert len(service.got) == 1


@pytest.mark.parametrize("way", ["revoked", "disabled"])
async def test_after_the_token_or_the_account_nothing_is_sent(
    node: ApiNode, alice: Member, bob: Member, service: PushService, way: str
) -> None:
    core = node.running.node.core
    device, _ = await _subscribe(alice, service)
    await _status(bob, "@alice one")
    await service.wait_for(1)
    row = await core.database.fetch_one(oauth.TOKEN, token_hash=hash_token(alice.token))
    assert row is not None
    token_id = int(row["id"])
    if way == "revoked":
        await core.writer.run(lambda: oauth.drop_token(token_id))
    else:
        await core.writer.run(lambda: _set(users, alice.user_id, disabled_ms=1))
    await _status(bob, "@alice two")
    await _settled(node)
    assert [device.open(got)["body"] for got in service.got] == ["@alice one"]


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_the_push_service_does_not_know_goes(
    node: ApiNode, alice: Member, bob: Member, service: PushService, status: int
) -> None:
    await _subscribe(alice, service)
    service.answers = [(status, {})]
    await _status(bob, "@alice one")
    await service.wait_for(1)
    await _settled(node)
    await alice.get("/api/v1/push/subscription", expect=404)
    await _status(bob, "@alice two")
    await _settled(node)
    assert len(service.got) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_push_service_that_is_busy_is_asked_again_when_it_says(
    node: ApiNode, alice: Member, bob: Member, service: PushService, status: int
) -> None:
    device, _ = await _subscribe(alice, service)
    service.answers = [(status, {}), (status, {"Retry-After": "1"})]
    began = time.monotonic()
    await _status(bob, "@alice hi")
    got = await service.wait_for(3)
    assert time.monotonic() - began >= 1.0
    assert {device.open(one)["body"] for one in got} == {"@alice hi"}
    assert len({one.headers["Topic"] for one in got}) == 1
    assert len({one.body for one in got}) == 3  # each sealed anew
    await _settled(node)


@pytest.mark.parametrize("status", [301, 400, 403, 413])
async def test_a_message_that_is_refused_is_given_up_and_logged(
    node: ApiNode,
    alice: Member,
    bob: Member,
    service: PushService,
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    await _subscribe(alice, service, path="/secret-address")
    service.answers = [(status, {"Location": f"{service.base_url}/elsewhere"} if status == 301 else {})]
    await _status(bob, "@alice hi")
    await service.wait_for(1)
    await _settled(node)
    assert len(service.got) == 1
    assert "push.not_sent verdict=REFUSED" in caplog.text
    assert "secret-address" not in "\n".join(r.getMessage() for r in caplog.records if r.name.endswith("pushing"))
    assert (await alice.get("/api/v1/push/subscription"))["endpoint"].endswith("/secret-address")


async def test_a_long_text_in_many_bytes_fits_and_a_warning_hides_what_follows(
    node: ApiNode, alice: Member, bob: Member, service: PushService
) -> None:
    device, _ = await _subscribe(alice, service)
    await _status(bob, "@alice " + "😀" * 400)
    long = device.open((await service.wait_for(1))[0])["body"]
    assert (len(long), long[-1]) == (140, "…")
    await _status(bob, "@alice who did it", spoiler_text="the end of the story")
    assert device.open((await service.wait_for(2))[1])["body"] == "the end of the story"


async def test_the_token_does_not_lie_in_the_database(node: ApiNode, alice: Member, service: PushService) -> None:
    await _subscribe(alice, service)
    core = node.running.node.core
    token = await core.database.fetch_one(oauth.TOKEN, token_hash=hash_token(alice.token))
    assert token is not None
    stored = await core.database.fetch_one(queries.SUBSCRIPTION, token_id=token["id"])
    assert stored is not None
    assert len(stored["locked_token"]) > len(alice.token)
    assert all(alice.token not in str(value) for value in tuple(stored))
    key = core.config.data_dir / FILE_NAME
    assert key.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in key.parent.glob(f"{FILE_NAME}*")] == [FILE_NAME]


async def test_without_its_key_file_a_message_goes_out_without_a_token(
    node: ApiNode, alice: Member, bob: Member, service: PushService
) -> None:
    device, _ = await _subscribe(alice, service)
    (node.running.node.core.config.data_dir / FILE_NAME).unlink()
    await _status(bob, "@alice hi")
    payload = device.open((await service.wait_for(1))[0])
    assert (payload["access_token"], payload["body"]) == ("", "@alice hi")
    device, _ = await _subscribe(alice, service)
    await _status(bob, "@alice hi again")
    assert device.open((await service.wait_for(2))[1])["access_token"] == alice.token


@pytest.mark.parametrize(
    "p256dh", ["", "AAAA", "BAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"]
)
async def test_keys_that_nobody_could_seal_for_are_refused(alice: Member, service: PushService, p256dh: str) -> None:
    keys = {**Device().keys(), "p256dh": p256dh}
    body = {"subscription": {"endpoint": service.base_url, "keys": keys}}
    await alice.post("/api/v1/push/subscription", expect=422, **body)
