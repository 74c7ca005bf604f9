"""Moderators find people, let them in, and do something about them."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import orjson
import pytest
from sqlalchemy import func, select

from fediverse_node.domain.domains import DomainRule, Severity
from fediverse_node.mastodon_api.viewer import hash_token
from fediverse_node.outbox.domain_desk import DomainDesk
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import (
    account_warnings,
    actors,
    canonical_email_blocks,
    deliveries,
    follows,
    payloads,
    tokens,
    users,
)
from tests.api.admin.conftest import SCOPES, Office
from tests.api.conftest import ApiNode
from tests.api.talking_node import Person


async def _names(person: Person, version: int = 2, **params: Any) -> list[str]:
    return sorted(a["account"]["acct"] for a in await person.get(f"/api/v{version}/admin/accounts", **params))


async def _action(office: Office, target: Person, type_: str, *, expect: int = 200, **more: Any) -> Any:
    path = f"/api/v1/admin/accounts/{target.actor_id}/action"
    return await office.moderator.post(path, expect=expect, type=type_, **more)


async def _known(office: Office) -> dict[str, Person]:
    """Carol waits to be let in, Dan may not sign in; Bob is from elsewhere, Eve is limited, Mallory suspended."""
    node = office.node
    carol, dan = await node.person("carol"), await node.person("dan")
    await node.set(users, carol.user_id, approved_ms=None, invite_request="please")
    await node.set(users, dan.user_id, disabled_ms=1, invited_by_id=office.alice.actor_id)
    bob, eve = await node.stranger("bob"), await node.stranger("eve", "near.example", silenced_ms=1)
    mallory = await node.stranger("mallory", suspended_ms=1)
    return {person.username: person for person in (carol, dan, bob, eve, mallory)}


async def test_people_are_found_by_every_condition(office_on_each_database: Office) -> None:
    office = office_on_each_database
    await _known(office)
    ours, far = ["alice", "carol", "dan", "mo", "root"], ["bob@far.example", "mallory@far.example"]
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, sorted([*ours, *far, "eve@near.example"])),
        ({"origin": "local"}, ours),
        ({"origin": "remote"}, sorted([*far, "eve@near.example"])),
        ({"origin": "local", "status": "active"}, ["alice", "mo", "root"]),
        ({"status": "pending"}, ["carol"]),
        ({"status": "disabled"}, ["dan"]),
        ({"status": "silenced"}, ["eve@near.example"]),
        ({"status": "suspended"}, ["mallory@far.example"]),
        ({"status": "sensitized"}, []),
        ({"permissions": "staff"}, ["mo", "root"]),
        ({"role_ids[]": ["1"]}, ["mo"]),
        ({"role_ids[]": ["1", "2"]}, ["mo", "root"]),
        ({"role_ids[]": ["7"]}, []),
        ({"invited_by": office.alice.actor_id}, ["dan"]),
        ({"username": "AL"}, ["alice"]),
        ({"username": "a%"}, []),
        ({"display_name": "Mall"}, ["mallory@far.example"]),
        ({"by_domain": "Far.Example"}, far),
        ({"email": "dan@example.org"}, ["dan"]),
        ({"ip": "203.0.113.9"}, []),
        ({"origin": "local", "username": "mall"}, []),
    ]
    for params, expected in cases:
        assert await _names(office.admin, **params) == expected, params
    for params, expected in (
        ({"local": "true", "active": "true"}, ["alice", "mo", "root"]),
        ({"remote": "true", "silenced": "true"}, ["eve@near.example"]),
        ({"staff": "1"}, ["mo", "root"]),
        ({"pending": "true"}, ["carol"]),
    ):
        assert await _names(office.admin, 1, **params) == expected, params


async def test_conditions_that_are_none_are_refused(office: Office) -> None:
    for params in ({"origin": "moon"}, {"status": "asleep"}, {"permissions": "all"}, {"ip": "here"}):
        await office.admin.get("/api/v2/admin/accounts", expect=400, **params)


async def test_people_come_in_pages(office_on_each_database: Office) -> None:
    office = office_on_each_database
    await _known(office)
    seen: list[str] = []
    path = "/api/v2/admin/accounts"
    more: dict[str, Any] = {"limit": 3}
    while True:
        answer = await office.node.request("GET", path, token=office.admin.token, params=more)
        seen += [account["id"] for account in answer.body]
        if answer.next_id is None:
            break
        more = {"limit": 3, "max_id": answer.next_id}
    assert len(seen) == len(set(seen)) == 8
    newer = await office.admin.get(path, limit=2, min_id=seen[-1])
    assert [account["id"] for account in newer] == seen[-3:-1]


async def test_an_account_shows_who_it_is_and_from_where_they_came(office_on_each_database: Office) -> None:
    office = office_on_each_database
    app_token = await _app_token(office)
    answer = await office.node.request(
        "POST",
        "/api/v1/accounts",
        token=app_token,
        json={
            "username": "new",
            "email": "new@example.net",
            "password": "long enough",
            "agreement": True,
            "locale": "de",
        },
    )
    assert answer.status == 200, answer.body
    [found] = await office.admin.get("/api/v2/admin/accounts", ip="127.0.0.0/8", username="new")
    assert found["email"] == "new@example.net"
    assert found["ip"] == "127.0.0.1"
    assert [ip["ip"] for ip in found["ips"]] == ["127.0.0.1"]
    assert (found["locale"], found["domain"], found["role"]["id"]) == ("de", None, "-99")
    assert (found["confirmed"], found["approved"], found["disabled"]) == (True, True, False)
    assert found["created_by_application_id"].isdigit()
    assert found["account"]["username"] == "new"
    assert await office.admin.get(f"/api/v1/admin/accounts/{found['id']}") == found
    bob = await office.node.stranger("bob")
    stranger = await office.admin.get(f"/api/v1/admin/accounts/{bob.actor_id}")
    assert (stranger["domain"], stranger["email"], stranger["ip"], stranger["ips"]) == ("far.example", "", None, [])


async def _app_token(office: Office) -> str:
    ids = office.node.context.world.ids
    [row] = await office.fetch(select(tokens.c.app_id).where(tokens.c.user_id == office.alice.user_id))
    token = {"id": ids.next(), "token_hash": hash_token("an app"), "app_id": row["app_id"], "user_id": None}
    await office.node.insert(tokens, token | {"scopes": "write:accounts", "created_ms": 1, "last_used_ms": 1})
    return "an app"


async def test_whoever_asks_is_let_in_or_turned_away(office_on_each_database: Office) -> None:
    office = office_on_each_database
    people = await _known(office)
    carol, path = people["carol"], f"/api/v1/admin/accounts/{people['carol'].actor_id}"
    await carol.get("/api/v1/timelines/home", expect=403)
    shown = await office.moderator.get(path)
    assert (shown["approved"], shown["invite_request"]) == (False, "please")
    assert (await office.moderator.post(f"{path}/approve"))["approved"] is True
    await carol.get("/api/v1/timelines/home")
    await office.moderator.post(f"{path}/approve", expect=403)
    await office.moderator.post(f"{path}/reject", expect=403)
    late = await office.node.person("late")
    await office.node.set(users, late.user_id, approved_ms=None)
    path = f"/api/v1/admin/accounts/{late.actor_id}"
    assert (await office.moderator.post(f"{path}/reject"))["username"] == "late"
    await office.moderator.get(path, expect=404)
    assert await office.fetch(select(actors.c.id).where(actors.c.id == late.actor_id)) == []
    assert [act for _, act, _, _ in await office.book()] == ["approve", "reject"]


async def test_nobody_who_is_disabled_may_do_anything(office: Office) -> None:
    assert await office.alice.get("/api/v1/timelines/home") == []
    await _action(office, office.alice, "disable", text="for now")
    await office.alice.get("/api/v1/timelines/home", expect=403)
    shown = await office.moderator.post(f"/api/v1/admin/accounts/{office.alice.actor_id}/enable")
    assert shown["disabled"] is False
    await office.alice.get("/api/v1/timelines/home")
    stranger = await office.node.stranger("bob")
    await _action(office, stranger, "disable", expect=422)
    await office.moderator.post(f"/api/v1/admin/accounts/{stranger.actor_id}/enable", expect=403)


async def test_a_suspended_person_of_ours_is_gone_and_others_are_told(office_on_each_database: Office) -> None:
    office = office_on_each_database
    node, alice = office.node, office.alice
    bob = await node.stranger("bob", inbox="https://far.example/inbox")
    await node.insert(follows, _follow(node, bob, alice))
    said = await alice.say("hello")
    await _action(office, alice, "suspend", text="no more of this")
    await alice.get("/api/v1/timelines/home", expect=403)
    assert (await node.request("GET", f"/api/v1/statuses/{said['id']}")).status == 404
    assert (await node.request("GET", f"/api/v1/accounts/{alice.actor_id}")).body["suspended"] is True
    [sent] = await office.fetch(
        select(payloads.c.body, deliveries.c.inbox)
        .join(deliveries, deliveries.c.payload_id == payloads.c.id)
        .where(payloads.c.type == "Update")
    )
    assert orjson.loads(bytes(sent["body"]))["object"]["id"] == alice.uri
    assert sent["inbox"] == "https://far.example/inbox"
    [mailbox] = await office.fetch(select(canonical_email_blocks.c.actor_id))
    assert mailbox["actor_id"] == alice.actor_id
    path = f"/api/v1/admin/accounts/{alice.actor_id}"
    assert (await office.moderator.get(path))["suspended"] is True
    assert (await office.moderator.post(f"{path}/unsuspend"))["suspended"] is False
    await office.moderator.post(f"{path}/unsuspend", expect=403)
    await alice.get("/api/v1/timelines/home")
    assert (await node.request("GET", f"/api/v1/statuses/{said['id']}")).status == 200
    assert await office.fetch(select(canonical_email_blocks.c.id)) == []
    assert len(await office.fetch(select(payloads.c.id).where(payloads.c.type == "Update"))) == 2
    told = str(alice.actor_id)
    assert await office.book() == [("mo", "suspend", "account", told), ("mo", "unsuspend", "account", told)]


async def test_what_others_are_told_of_a_suspended_person_says_so_and_nothing_else(node: ApiNode) -> None:
    admin = await node.add("boss", scopes=SCOPES, role="admin")
    alice = await node.add("alice", scopes=SCOPES)
    await alice.call("PATCH", "/api/v1/accounts/update_credentials", json={"display_name": "Alice", "note": "secret"})
    await admin.post(f"/api/v1/admin/accounts/{alice.actor_id}/action", type="suspend")
    sent = Statement(select(payloads.c.body).where(payloads.c.type == "Update").order_by(payloads.c.id))
    rows = await node.running.node.core.database.fetch(sent)
    told = orjson.loads(bytes(rows[-1]["body"]))["object"]
    assert told["suspended"] is True
    assert (told.get("name", ""), told.get("summary", "")) == ("", "")
    assert told["publicKey"]


def _follow(node: Any, follower: Person, followed: Person) -> dict[str, Any]:
    ids = node.context.world.ids
    return {
        "id": ids.next(),
        "uri": f"{follower.uri}/follows/{ids.next()}",
        "follower_id": follower.actor_id,
        "followed_id": followed.actor_id,
        "accepted": True,
        "follower_local": bool(follower.token),
        "created_ms": 1,
    }


async def test_a_suspended_stranger_loses_the_follows_of_people_here(office_on_each_database: Office) -> None:
    office = office_on_each_database
    node = office.node
    bob = await node.stranger("bob", inbox="https://far.example/inbox")
    await node.insert(follows, _follow(node, bob, office.alice))
    await office.alice.follow(bob)
    said = await node.hear(bob, "<p>buy</p>")
    await _action(office, bob, "suspend")
    assert (await node.request("GET", f"/api/v1/statuses/{said}", token=office.alice.token)).status == 404
    left = await office.fetch(select(follows.c.follower_id))
    assert [row["follower_id"] for row in left] == [office.alice.actor_id], "the other way it comes back with them"
    rejects = await office.fetch(select(func.count()).select_from(payloads).where(payloads.c.type == "Reject"))
    assert rejects[0][0] == 1
    await office.moderator.post(f"/api/v1/admin/accounts/{bob.actor_id}/unsuspend")
    assert (await node.request("GET", f"/api/v1/statuses/{said}", token=office.alice.token)).status == 200


async def test_what_a_moderator_takes_back_a_rule_for_the_host_still_holds(office_on_each_database: Office) -> None:
    office = office_on_each_database
    bob, context = await office.node.stranger("bob"), office.node.context
    desk = context.desk
    assert isinstance(desk, DomainDesk)
    await _action(office, bob, "silence")
    assert await desk.put(DomainRule("far.example", Severity.LIMIT)) is None
    assert not await desk.work()
    path = f"/api/v1/admin/accounts/{bob.actor_id}"
    assert (await office.moderator.post(f"{path}/unsilence"))["silenced"] is True
    assert await desk.drop("far.example") is None
    assert not await desk.work()
    assert (await office.moderator.get(path))["silenced"] is False


async def test_what_a_covered_account_shows_is_sensitive(office_on_each_database: Office) -> None:
    office = office_on_each_database
    status = await office.alice.say("look")
    read = f"/api/v1/statuses/{status['id']}"
    assert (await office.alice.get(read))["sensitive"] is False
    await _action(office, office.alice, "sensitive")
    assert (await office.alice.get(read))["sensitive"] is True
    path = f"/api/v1/admin/accounts/{office.alice.actor_id}"
    assert (await office.moderator.get(path))["sensitized"] is True
    assert (await office.moderator.post(f"{path}/unsensitive"))["sensitized"] is False
    assert (await office.alice.get(read))["sensitive"] is False


@pytest.mark.parametrize("type_", ["suspend", "disable"])
async def test_the_stream_of_somebody_who_is_out_ends_at_once(office: Office, type_: str) -> None:
    url = office.node.base_url.replace("http", "ws") + "/api/v1/streaming?stream=user"
    async with office.node.session.ws_connect(f"{url}&access_token={office.alice.token}") as socket:
        await _action(office, office.alice, type_)
        message = await asyncio.wait_for(socket.receive(), 10)
        while message.type is aiohttp.WSMsgType.TEXT:
            message = await asyncio.wait_for(socket.receive(), 10)
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING)


async def test_limited_and_let_go_again(office: Office) -> None:
    await _action(office, office.alice, "silence")
    assert (await office.node.request("GET", f"/api/v1/accounts/{office.alice.actor_id}")).body["limited"] is True
    path = f"/api/v1/admin/accounts/{office.alice.actor_id}/unsilence"
    assert (await office.moderator.post(path))["silenced"] is False


async def test_an_act_answers_the_report_and_tells_the_person(office_on_each_database: Office) -> None:
    office = office_on_each_database
    status = await office.alice.say("rude")
    bob = await office.node.person("bob")
    report = await bob.post("/api/v1/reports", account_id=str(office.alice.actor_id), status_ids=[status["id"]])
    other = await bob.post("/api/v1/reports", account_id=str(office.alice.actor_id))
    await _action(office, office.alice, "none", report_id=report["id"], text="please be kind")
    open_ = await office.moderator.get("/api/v1/admin/reports")
    assert [found["id"] for found in open_] == [other["id"]], "a warning alone answers one report"
    await _action(office, office.alice, "silence", text="again")
    assert await office.moderator.get("/api/v1/admin/reports") == []
    told = [n for n in await office.alice.get("/api/v1/notifications") if n["type"] == "moderation_warning"]
    warnings = [n["moderation_warning"] for n in told]
    assert [(w["action"], w["text"], w["status_ids"]) for w in warnings] == [
        ("silence", "again", None),
        ("none", "please be kind", [status["id"]]),
    ]
    assert warnings[0]["target_account"]["username"] == "alice"
    groups = (await office.alice.get("/api/v2/notifications"))["notification_groups"]
    assert [g["moderation_warning"]["text"] for g in groups if g["type"] == "moderation_warning"] == [
        "again",
        "please be kind",
    ]
    await _action(office, office.alice, "none", text="quietly", send_email_notification=False)
    assert len(await office.fetch(select(account_warnings.c.id))) == 3
    assert len([n for n in await office.alice.get("/api/v1/notifications") if n["type"] == "moderation_warning"]) == 2


async def test_acts_that_cannot_be_are_refused(office: Office) -> None:
    alice = office.alice
    await _action(office, alice, "explode", expect=422)
    await _action(office, alice, "", expect=422)
    await _action(office, alice, "none", expect=404, report_id="1")
    await _action(office, alice, "none", expect=404, warning_preset_id="1")
    await _action(office, alice, "none", expect=422, text="x" * 5001)
    await office.moderator.post("/api/v1/admin/accounts/12345/action", expect=404, type="none")
    assert await office.book() == []


async def test_nobody_acts_on_somebody_of_the_same_rank_or_above(office: Office) -> None:
    for target in (office.moderator, office.admin):
        await _action(office, target, "suspend", expect=403)
    path = f"/api/v1/admin/accounts/{office.moderator.actor_id}/action"
    await office.admin.post(path, type="disable")
    await office.moderator.get("/api/v1/admin/reports", expect=403)


async def test_only_a_suspended_account_is_deleted_and_then_for_good(office_on_each_database: Office) -> None:
    office = office_on_each_database
    path = f"/api/v1/admin/accounts/{office.alice.actor_id}"
    status = await office.alice.say("hello")
    await office.admin.ask("DELETE", path, expect=403)
    await _action(office, office.alice, "suspend")
    shown = await office.admin.ask("DELETE", path)
    assert (shown["username"], shown["suspended"]) == ("alice", True)
    await office.admin.get(path, expect=404)
    assert (await office.node.request("GET", f"/api/v1/statuses/{status['id']}")).status == 404
    assert len(await office.fetch(select(payloads.c.id).where(payloads.c.type == "Delete"))) == 1
    bob = await office.node.stranger("bob", suspended_ms=1)
    await office.admin.ask("DELETE", f"/api/v1/admin/accounts/{bob.actor_id}")
    await office.admin.get(f"/api/v1/admin/accounts/{bob.actor_id}", expect=404)
    assert [act for _, act, _, _ in await office.book()] == ["suspend", "delete", "delete"]
