"""Apps that are known by an address: what stands there says who they are; PKCE proves that a code is theirs."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from fediverse_node.mastodon_api.apps import OUT_OF_BAND
from tests.api.conftest import PASSWORD, ApiNode, Member
from tests.api.test_oauth import CALLBACK, Browser, answer_of
from tests.fake_peer import FakePeer, fake_peer

VERIFIER = "a-verifier-that-is-long-enough-for-everybody-0123"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
async def site() -> AsyncIterator[FakePeer]:
    async with fake_peer() as found:
        yield found


def _object(uri: str, **more: Any) -> dict[str, Any]:
    return {"id": uri, "type": "Application", "name": "Nice App", "redirectURI": CALLBACK, **more}


def _metadata(uri: str, **more: Any) -> dict[str, Any]:
    return {"client_id": uri, "client_name": "Nice App", "redirect_uris": [CALLBACK], **more}


def _query(client_id: str, **more: str) -> str:
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "scope": "read write",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **more,
    }
    return urlencode({name: value for name, value in asked.items() if value})


@pytest.mark.parametrize("form", [_object, _metadata])
async def test_an_app_that_nobody_registered_acts_for_a_person(
    node: ApiNode, alice: Member, site: FakePeer, form: Any
) -> None:
    client_id = f"{site.base_url}/{form.__name__}.json"
    site.documents[client_id] = form(client_id)
    query = _query(client_id)
    async with Browser(node) as browser:
        await browser.sign_in("alice", PASSWORD, query)
        asked = await browser.get(f"/oauth/authorize?{query}")
        # Anybody can call an app what they like: the host is told beside it.
        assert f"Nice App ({site.host})".encode() in asked.body
        code = answer_of(await browser.allow(query))["code"]
    given = {"grant_type": "authorization_code", "client_id": client_id, "redirect_uri": CALLBACK, "code": code}
    without = await node.call("POST", "/oauth/token", data=given)
    assert (without.status, without.json["error"]) == (400, "invalid_grant")
    async with Browser(node) as browser:
        await browser.sign_in("alice", PASSWORD, query)
        code = answer_of(await browser.allow(query))["code"]
    token = await node.call("POST", "/oauth/token", data={**given, "code": code, "code_verifier": VERIFIER})
    assert token.status == 200, token.body
    actor = token.json["activitypub_actor_id"]
    assert actor == f"{node.base_url}/users/alice"
    headers = {"Authorization": f"Bearer {token.json['access_token']}", "Content-Type": "application/activity+json"}
    note = orjson.dumps({"type": "Note", "content": "hello", "to": ["as:Public"]})
    said = await node.call("POST", f"{actor.removeprefix(node.base_url)}/outbox", data=note, headers=headers)
    assert said.status == 201, said.body
    # It was asked once for both times.
    assert site.fetched.count(f"/{form.__name__}.json") == 1
    alone = {"grant_type": "client_credentials", "client_id": client_id}
    assert (await node.call("POST", "/oauth/token", data=alone)).status == 400


@pytest.mark.parametrize(
    ("change", "query"),
    [
        pytest.param({"id": "https://other.example/client"}, {}, id="it says that it is another"),
        pytest.param({"redirectURI": "https://evil.example/"}, {}, id="it names another address to return to"),
        pytest.param({"redirectURI": "javascript:alert(1)"}, {}, id="an address that would run"),
        pytest.param({"redirectURI": ["https://app.example/done", 7, None]}, {"redirect_uri": "x:y"}, id="not listed"),
        pytest.param({"redirectURI": None}, {}, id="no address to return to"),
        pytest.param({"redirectURI": OUT_OF_BAND}, {"redirect_uri": OUT_OF_BAND}, id="to be copied by hand"),
    ],
)  # fmt: skip
async def test_what_does_not_speak_for_the_app_lets_nobody_in(
    node: ApiNode, site: FakePeer, change: dict[str, Any], query: dict[str, str]
) -> None:
    client_id = f"{site.base_url}/client.json"
    site.documents[client_id] = _object(client_id, **change)
    page = await node.call("GET", f"/oauth/authorize?{_query(client_id, **query)}")
    assert page.status == 400
    assert b"cannot be let in" in page.body


async def test_an_app_without_a_secret_needs_pkce(node: ApiNode, site: FakePeer) -> None:
    client_id = f"{site.base_url}/client.json"
    site.documents[client_id] = _object(client_id)
    reply = await node.call("GET", f"/oauth/authorize?{_query(client_id, code_challenge='', code_challenge_method='')}")
    assert answer_of(reply)["error"] == "invalid_request"


@pytest.mark.parametrize("client_id", ["http://10.0.0.1/client", "http://169.254.169.254/x", "https:///x", "ftp://a/b"])
async def test_an_address_inside_is_not_asked(node: ApiNode, client_id: str) -> None:
    assert (await node.call("GET", f"/oauth/authorize?{_query(client_id)}")).status == 400


async def test_a_redirect_does_not_speak_for_the_app(node: ApiNode, site: FakePeer) -> None:
    other = f"{site.base_url}/other.json"
    client_id = f"{site.base_url}/client.json"
    site.documents[other] = _object(client_id)
    site.redirects["/client.json"] = other
    assert (await node.call("GET", f"/oauth/authorize?{_query(client_id)}")).status == 400
