"""What the server says about itself, and how people come to it."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fediverse_node.signatures.web_push import public_key_of
from tests.api.conftest import ApiNode, Member
from tests.inprocess import running_node


async def test_the_instance_has_every_field_that_apps_require(node: ApiNode, alice: Member) -> None:
    instance = (await node.call("GET", "/api/v2/instance")).json
    host = node.base_url.partition("//")[2]
    assert instance["domain"] == host
    assert instance["version"].startswith("4.")
    assert instance["configuration"]["urls"]["streaming"] == f"ws://{host}"
    assert instance["configuration"]["statuses"]["max_characters"] == 5000
    assert set(instance["configuration"]["polls"]) == {
        *("max_options", "max_characters_per_option", "min_expiration", "max_expiration")
    }
    assert instance["registrations"]["enabled"] is False
    assert instance["usage"]["users"]["active_month"] >= 0
    assert (await node.call("GET", instance["thumbnail"]["url"])).status == 200
    assert "image/png" in instance["configuration"]["media_attachments"]["supported_mime_types"]
    assert isinstance(instance["contact"]["email"], str)


async def test_the_claimed_api_version_is_built(node: ApiNode, alice: Member) -> None:
    instance = (await node.call("GET", "/api/v2/instance")).json
    assert instance["api_versions"]["mastodon"] >= 2
    assert "notification_groups" in await alice.get("/api/v2/notifications")
    assert "for_not_following" in await alice.get("/api/v2/notifications/policy")


async def test_older_apps_find_the_older_instance(node: ApiNode, alice: Member) -> None:
    instance = (await node.call("GET", "/api/v1/instance")).json
    for name in ("uri", "title", "short_description", "description", "email", "version", "urls", "stats"):
        assert name in instance
    assert instance["urls"]["streaming_api"].startswith("ws://")
    assert instance["stats"]["user_count"] >= 1


@pytest.mark.parametrize(
    "path, kind",
    [
        ("/api/v1/instance/rules", list),
        ("/api/v1/instance/peers", list),
        ("/api/v1/instance/activity", list),
        ("/api/v1/instance/domain_blocks", list),
        ("/api/v1/instance/languages", list),
        ("/api/v1/instance/translation_languages", dict),
        ("/api/v1/instance/extended_description", dict),
        ("/api/v1/custom_emojis", list),
    ],
)
async def test_the_smaller_questions_are_answered(node: ApiNode, path: str, kind: type) -> None:
    reply = await node.call("GET", path)
    assert reply.status == 200
    assert isinstance(reply.json, kind)


async def test_twelve_weeks_are_counted(node: ApiNode, alice: Member) -> None:
    await alice.post("/api/v1/statuses", status="hello")
    weeks = (await node.call("GET", "/api/v1/instance/activity")).json
    assert len(weeks) == 12
    assert weeks[0]["statuses"] == "1"
    assert int(weeks[0]["registrations"]) >= 1


async def test_the_push_key_is_made_once_and_is_a_point_of_the_curve(node: ApiNode) -> None:
    instance = (await node.call("GET", "/api/v2/instance")).json
    key = instance["configuration"]["vapid"]["public_key"]
    assert len(key) == 87
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), urlsafe_b64decode(key + "="))
    assert (await node.app())["vapid_key"] == key


@pytest.mark.parametrize(
    "private", [1, 2, 3, 2**255 + 12345, 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550]
)
def test_the_push_key_agrees_with_a_library(private: int) -> None:
    expected = ec.derive_private_key(private, ec.SECP256R1()).public_key()
    point = expected.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    assert urlsafe_b64decode(public_key_of(private) + "=") == point


@pytest.mark.parametrize(
    "change, word",
    [
        ({"client_name": " "}, "Name can't be blank"),
        ({"scopes": "read everything"}, "Scopes"),
        ({"redirect_uris": ""}, "Redirect URI can't be blank"),
        ({"redirect_uris": "javascript:alert(1)"}, "Redirect URI must"),
        ({"redirect_uris": "/relative"}, "Redirect URI must"),
        ({"redirect_uris": "https://app.example/#fragment"}, "Redirect URI must"),
        ({"website": "javascript:alert(1)"}, "Website"),
    ],
)
async def test_an_app_that_cannot_be_is_refused(node: ApiNode, change: dict[str, str], word: str) -> None:
    data = {"client_name": "x", "redirect_uris": "https://app.example", "scopes": "read"} | change
    reply = await node.call("POST", "/api/v1/apps", json=data)
    assert (reply.status, word in reply.json["error"]) == (422, True)


async def test_an_app_may_have_several_addresses(node: ApiNode) -> None:
    for given in ("https://a.example\nhttps://b.example", ["https://a.example", "https://b.example"]):
        reply = await node.call("POST", "/api/v1/apps", json={"client_name": "x", "redirect_uris": given})
        assert reply.json["redirect_uris"] == ["https://a.example", "https://b.example"]
        assert reply.json["redirect_uri"] == "https://a.example\nhttps://b.example"
        assert (reply.json["scopes"], reply.json["client_secret_expires_at"]) == (["read"], 0)


async def sign_up(node: ApiNode, **changes: Any) -> Any:
    app = await node.app()
    secret = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    data = {"grant_type": "client_credentials", "scope": "read write"} | secret
    token = (await node.call("POST", "/oauth/token", data=data)).json["access_token"]
    person = {"username": "newcomer", "email": "new@example.org", "password": "long enough", "agreement": True}
    headers = {"Authorization": f"Bearer {token}"}
    return await node.call("POST", "/api/v1/accounts", json=person | changes, headers=headers)


async def test_a_closed_server_takes_nobody(node: ApiNode) -> None:
    assert (await sign_up(node)).status == 403


async def test_an_open_server_takes_people_through_an_app(tmp_path: Path) -> None:
    async with running_node(tmp_path, REGISTRATION="open") as running, aiohttp.ClientSession() as session:
        node = ApiNode(running, session)
        faults = await sign_up(node, username="not a name", password="short", agreement=False)
        assert faults.status == 422
        assert {name: [f["error"] for f in found] for name, found in faults.json["details"].items()} == {
            "password": ["ERR_TOO_SHORT"],
            "agreement": ["ERR_ACCEPTED"],
        }
        named = await sign_up(node, username="not a name")
        assert named.json["details"]["username"][0]["error"] == "ERR_INVALID"
        made = await sign_up(node)
        assert made.status == 200, made
        headers = {"Authorization": f"Bearer {made.json['access_token']}"}
        account = await node.call("GET", "/api/v1/accounts/verify_credentials", headers=headers)
        assert account.json["username"] == "newcomer"
        taken = await sign_up(node)
        assert taken.json["details"]["username"][0]["error"] == "ERR_TAKEN"


async def test_where_people_are_let_in_a_newcomer_waits(tmp_path: Path) -> None:
    async with running_node(tmp_path, REGISTRATION="approval") as running, aiohttp.ClientSession() as session:
        node = ApiNode(running, session)
        assert (await sign_up(node)).json["details"]["reason"][0]["error"] == "ERR_BLANK"
        made = await sign_up(node, reason="I live here")
        headers = {"Authorization": f"Bearer {made.json['access_token']}"}
        waiting = await node.call("GET", "/api/v1/accounts/verify_credentials", headers=headers)
        assert (waiting.status, waiting.json["error"]) == (403, "Your login is currently pending approval")
