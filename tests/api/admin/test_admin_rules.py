"""Rules about servers, e-mail addresses and networks are made, shown, changed and taken back, and they hold."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from sqlalchemy import select

from fediverse_node.mastodon_api.viewer import hash_token
from fediverse_node.storage.tables import tokens, users
from tests.api.admin.conftest import Office


async def _pages(office: Office, path: str) -> list[str]:
    """All ids, two at a time."""
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        answer = await office.node.request("GET", path, token=office.admin.token, params=params)
        assert answer.status == 200, answer.body
        seen += [item["id"] for item in answer.body]
        if answer.next_id is None:
            return seen
        params = {"limit": 2, "max_id": answer.next_id}


async def test_a_rule_about_a_server_hides_it_until_it_is_taken_back(office_on_each_database: Office) -> None:
    office = office_on_each_database
    bob = await office.node.stranger("bob", "sub.far.example")
    said = await office.node.hear(bob)
    path, post = "/api/v1/admin/domain_blocks", office.admin.post
    made = await post(path, domain="Far.Example", severity="suspend", public_comment="spam", private_comment="!")
    assert (made["domain"], made["severity"], made["obfuscate"]) == ("far.example", "suspend", False)
    assert (made["public_comment"], made["private_comment"]) == ("spam", "!")
    assert made["digest"] == hashlib.sha256(b"far.example").hexdigest()
    assert (await office.node.request("GET", f"/api/v1/statuses/{said}")).status == 404
    assert await office.admin.get(f"{path}/{made['id']}") == made
    again = await office.node.request("POST", path, token=office.admin.token, json={"domain": "far.example"})
    assert (again.status, again.body["existing_domain_block"]) == (422, made)
    changed = await office.admin.ask("PUT", f"{path}/{made['id']}", json={"severity": "noop", "reject_media": True})
    assert changed == made | {"severity": "noop", "reject_media": True}
    assert (await office.node.request("GET", f"/api/v1/statuses/{said}")).status == 200
    await office.admin.ask("PUT", f"{path}/{made['id']}", json={"severity": "suspend"})
    assert await office.admin.ask("DELETE", f"{path}/{made['id']}") == {}
    assert (await office.node.request("GET", f"/api/v1/statuses/{said}")).status == 200
    await office.admin.get(f"{path}/{made['id']}", expect=404)
    assert [act for _, act, _, _ in await office.book()] == ["create", "update", "update", "delete"]


async def test_rules_about_servers_come_in_pages_and_limit_by_default(office_on_each_database: Office) -> None:
    office = office_on_each_database
    path = "/api/v1/admin/domain_blocks"
    made = [await office.admin.post(path, domain=f"{name}.example") for name in "abcde"]
    assert {rule["severity"] for rule in made} == {"silence"}
    assert await _pages(office, path) == [rule["id"] for rule in reversed(made)]


async def test_rules_about_servers_that_cannot_be_are_refused(office: Office) -> None:
    path = "/api/v1/admin/domain_blocks"
    host = office.node.context.config.host
    for body in (
        {},
        {"domain": "not a host"},
        {"domain": "far.example", "severity": "explode"},
        {"domain": "far.example", "public_comment": "x" * 2001},
        {"domain": host, "severity": "suspend"},
    ):
        await office.admin.ask("POST", path, expect=422, json=body)
    await office.admin.get(f"{path}/12345", expect=404)


async def test_hosts_that_are_let_in_are_listed(office_on_each_database: Office) -> None:
    office = office_on_each_database
    path = "/api/v1/admin/domain_allows"
    made = [await office.admin.post(path, domain=f"{name}.example") for name in "abc"]
    assert await office.admin.post(path, domain="a.example") == made[0]
    assert await _pages(office, path) == [host["id"] for host in reversed(made)]
    assert await office.admin.get(f"{path}/{made[1]['id']}") == made[1]
    assert await office.admin.ask("DELETE", f"{path}/{made[1]['id']}") == {}
    assert await _pages(office, path) == [made[2]["id"], made[0]["id"]]
    await office.admin.post(path, expect=422)
    await office.admin.post(path, expect=422, domain="a b")


async def _sign_up(office: Office, name: str, email: str) -> Any:
    rows = await office.fetch(select(tokens.c.id).where(tokens.c.token_hash == hash_token("an app")))
    if not rows:
        [row] = await office.fetch(select(tokens.c.app_id).where(tokens.c.user_id == office.alice.user_id))
        token = {"id": office.node.context.world.ids.next(), "token_hash": hash_token("an app"), "user_id": None}
        more = {"app_id": row["app_id"], "scopes": "write:accounts", "created_ms": 1, "last_used_ms": 1}
        await office.node.insert(tokens, token | more)
    body = {"username": name, "email": email, "password": "long enough", "agreement": True, "locale": "en"}
    return await office.node.request("POST", "/api/v1/accounts", token="an app", json=body)


async def _is_approved(office: Office, email: str) -> bool:
    [row] = await office.fetch(select(users.c.approved_ms).where(users.c.email == email))
    return row["approved_ms"] is not None


async def test_nobody_signs_up_with_a_blocked_host_of_addresses(office_on_each_database: Office) -> None:
    office = office_on_each_database
    path = "/api/v1/admin/email_domain_blocks"
    made = await office.admin.post(path, domain="Throw-Away.example")
    refused = await _sign_up(office, "one", "one@mx.throw-away.example")
    assert refused.status == 422
    assert refused.body["details"]["email"][0]["error"] == "ERR_BLOCKED"
    await _sign_up(office, "one", "two@throw-away.example")
    shown = await office.admin.get(f"{path}/{made['id']}")
    assert (shown["domain"], len(shown["history"])) == ("throw-away.example", 7)
    assert (shown["history"][0]["accounts"], shown["history"][0]["uses"]) == ("1", "2")
    assert (shown["history"][1]["accounts"], shown["history"][1]["uses"]) == ("0", "0")
    await office.admin.post(path, expect=422, domain="throw-away.example")
    assert await office.admin.ask("DELETE", f"{path}/{made['id']}") == {}
    assert (await _sign_up(office, "one", "one@throw-away.example")).status == 200
    await office.admin.post(path, domain="doubtful.example", allow_with_approval=True)
    assert (await _sign_up(office, "two", "two@doubtful.example")).status == 200
    assert not await _is_approved(office, "two@doubtful.example")
    assert await _is_approved(office, "one@throw-away.example")


async def test_a_blocked_mailbox_is_known_by_all_its_spellings(office_on_each_database: Office) -> None:
    office = office_on_each_database
    path = "/api/v1/admin/canonical_email_blocks"
    made = await office.admin.post(path, email="Test.Er+shop@Example.com")
    # The example of Mastodon's documentation.
    assert made["canonical_email_hash"] == hashlib.sha256(b"tester@example.com").hexdigest()
    assert await office.admin.post(f"{path}/test", email="tester@example.com") == [made]
    assert await office.admin.post(f"{path}/test", email="other@example.com") == []
    assert (await _sign_up(office, "one", "t.e.s.t.e.r@example.com")).status == 422
    await office.admin.post(path, expect=422, canonical_email_hash=made["canonical_email_hash"])
    assert await office.admin.ask("DELETE", f"{path}/{made['id']}") == {}
    by_hash = await office.admin.post(path, canonical_email_hash=made["canonical_email_hash"].upper())
    assert by_hash["canonical_email_hash"] == made["canonical_email_hash"]
    for body in ({}, {"email": "nobody"}, {"canonical_email_hash": "short"}):
        await office.admin.ask("POST", path, expect=422, json=body)
    await office.admin.ask("POST", f"{path}/test", expect=400, json={})


@pytest.mark.parametrize("path", ["email_domain_blocks", "canonical_email_blocks", "ip_blocks"])
async def test_rules_with_ids_come_in_pages(office_on_each_database: Office, path: str) -> None:
    office = office_on_each_database
    made = []
    for number in range(5):
        body: dict[str, Any] = {
            "domain": f"host{number}.example",
            "email": f"somebody@host{number}.example",
            "ip": f"192.0.2.{number}",
            "severity": "sign_up_block",
        }
        made.append(await office.admin.post(f"/api/v1/admin/{path}", **body))
    assert await _pages(office, f"/api/v1/admin/{path}") == [rule["id"] for rule in reversed(made)]
    for rule in made:
        assert await office.admin.get(f"/api/v1/admin/{path}/{rule['id']}") == rule
    await office.admin.get(f"/api/v1/admin/{path}/12345", expect=404)
    await office.admin.ask("DELETE", f"/api/v1/admin/{path}/12345", expect=404)


async def test_rules_about_networks_hold_where_people_sign_up(office_on_each_database: Office) -> None:
    office = office_on_each_database
    path = "/api/v1/admin/ip_blocks"
    made = await office.admin.post(path, ip="127.0.0.1/8", severity="sign_up_requires_approval", comment="us")
    assert (made["ip"], made["comment"], made["expires_at"]) == ("127.0.0.0/8", "us", None)
    assert (await _sign_up(office, "one", "one@example.com")).status == 200
    assert not await _is_approved(office, "one@example.com")
    changed = await office.admin.ask("PUT", f"{path}/{made['id']}", json={"severity": "sign_up_block"})
    assert changed == made | {"severity": "sign_up_block"}
    assert (await _sign_up(office, "two", "two@example.com")).status == 403
    changed = await office.admin.ask("PUT", f"{path}/{made['id']}", json={"expires_in": 3600})
    assert changed["expires_at"] is not None
    await office.admin.ask("DELETE", f"{path}/{made['id']}")
    assert (await _sign_up(office, "two", "two@example.com")).status == 200
    assert await _is_approved(office, "two@example.com")


async def test_from_a_network_that_is_shut_out_nobody_gets_in_anywhere(office: Office) -> None:
    node, gate = office.node, {"X-Forwarded-For": "203.0.113.7"}
    await office.admin.post("/api/v1/admin/ip_blocks", ip="203.0.113.0/24", severity="no_access")
    for path in ("/api/v1/instance", "/oauth/authorize", "/auth/sign_in", "/api/v1/timelines/home"):
        assert (await node.request("GET", path, headers=gate)).status == 403, path
        assert (await node.request("GET", path, headers={"X-Forwarded-For": "203.0.114.7"})).status != 403, path
    [rule] = await office.admin.get("/api/v1/admin/ip_blocks")
    await office.admin.ask("DELETE", f"/api/v1/admin/ip_blocks/{rule['id']}")
    assert (await node.request("GET", "/api/v1/instance", headers=gate)).status == 200
    own = await office.admin.ask(
        "POST", "/api/v1/admin/ip_blocks", expect=422, json={"ip": "127.0.0.1", "severity": "no_access"}
    )
    assert "lock yourself out" in own["error"]


async def test_rules_about_networks_that_cannot_be_are_refused(office: Office) -> None:
    path = "/api/v1/admin/ip_blocks"
    for body in (
        {"ip": "somewhere", "severity": "sign_up_block"},
        {"ip": "192.0.2.0/24"},
        {"ip": "192.0.2.0/24", "severity": "explode"},
        {"ip": "0.0.0.0/0", "severity": "no_access"},
        {"ip": "192.0.2.0/24", "severity": "sign_up_block", "expires_in": -1},
    ):
        await office.admin.ask("POST", path, expect=422, json=body)
    await office.admin.post(path, ip="192.0.2.0/24", severity="sign_up_block")
    await office.admin.post(path, expect=422, ip="192.0.2.9/24", severity="sign_up_block")
