"""Signing in from an app: every step of OAuth over a real socket."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest

from tests.api.conftest import PASSWORD, ApiNode, Member, Reply

CALLBACK = "https://app.example/done"


def inputs(reply: Reply) -> dict[str, str]:
    """The hidden fields of a page's first form."""
    form = reply.body.decode().split("</form>")[0]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
    return {name: html.unescape(value) for name, value in found}


class Browser:
    """Keeps cookies and does not follow redirects."""

    def __init__(self, node: ApiNode) -> None:
        self.node = ApiNode(node.running, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)))

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.node.session.close()

    async def get(self, path: str, **options: Any) -> Reply:
        return await self.node.call("GET", path, **options)

    async def post(self, path: str, data: dict[str, str], **options: Any) -> Reply:
        return await self.node.call("POST", path, data=data, **options)

    async def sign_in(self, login: str, password: str, query: str = "") -> Reply:
        page = await self.get(f"/oauth/authorize?{query}" if query else "/auth/sign_in")
        assert page.status == 200, page
        return await self.post("/auth/sign_in", inputs(page) | {"login": login, "password": password})

    async def allow(self, query: str, answer: str = "allow") -> Reply:
        page = await self.get(f"/oauth/authorize?{query}")
        assert b"wants to" in page.body, page
        return await self.post("/oauth/authorize", inputs(page) | {"answer": answer})


def query_of(app: dict[str, Any], **more: str) -> str:
    return urlencode(
        {
            "response_type": "code",
            "client_id": app["client_id"],
            "redirect_uri": app["redirect_uri"],
            "scope": "read write",
            **more,
        }
    )


def answer_of(reply: Reply) -> dict[str, str]:
    assert reply.status == 302, reply
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["Location"]).query).items()}


async def code_for(node: ApiNode, app: dict[str, Any], **more: str) -> str:
    async with Browser(node) as browser:
        query = query_of(app, **more)
        await browser.sign_in("alice", PASSWORD, query)
        return answer_of(await browser.allow(query))["code"]


async def exchange(node: ApiNode, app: dict[str, Any], given: str, **more: Any) -> Reply:
    data = {
        "grant_type": "authorization_code",
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "redirect_uri": app["redirect_uri"],
        "code": given,
        **more,
    }
    return await node.call("POST", "/oauth/token", data=data)


async def test_a_person_signs_in_allows_an_app_and_the_app_acts_for_them(node: ApiNode, alice: Member) -> None:
    app = await node.app()
    async with Browser(node) as browser:
        query = query_of(app, state="xyz & co")
        signed_in = await browser.sign_in("ALICE@example.org", PASSWORD, query)
        assert signed_in.status == 303
        assert signed_in.headers["Location"].startswith("/oauth/authorize?")
        sent = await browser.allow(query)
        assert sent.headers["Location"].startswith(CALLBACK + "?")
        answer = answer_of(sent)
        assert answer["state"] == "xyz & co"
        assert answer["iss"] == node.base_url + "/"
    token = (await exchange(node, app, answer["code"])).json
    assert token["token_type"] == "Bearer"
    assert token["scope"] == "read write"
    assert isinstance(token["created_at"], int)
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    account = await node.call("GET", "/api/v1/accounts/verify_credentials", headers=headers)
    assert account.json["username"] == "alice"
    described = await node.call("GET", "/api/v1/apps/verify_credentials", headers=headers)
    assert described.json["name"] == "Test App"


async def test_secrets_are_stored_as_hashes_only(node: ApiNode, alice: Member) -> None:
    app = await node.app()
    code = await code_for(node, app)
    token = (await exchange(node, app, code)).json["access_token"]
    folder = node.running.node.core.config.data_dir
    stored = b"".join(path.read_bytes() for path in folder.glob("node.db*"))
    assert app["client_id"].encode() in stored
    for secret in (token, code, PASSWORD):
        assert secret.encode() not in stored


async def test_a_code_works_once(node: ApiNode, alice: Member) -> None:
    app = await node.app()
    code = await code_for(node, app)
    assert (await exchange(node, app, code)).status == 200
    again = await exchange(node, app, code)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"redirect_uri": "https://app.example/other"}, id="another address"),
        pytest.param({"code_verifier": "x" * 43}, id="a verifier without a challenge"),
        pytest.param({"code": "made-up"}, id="a code that was never given"),
    ],
)
async def test_a_code_is_refused_with(node: ApiNode, alice: Member, changes: dict[str, str]) -> None:
    app = await node.app()
    refused = await exchange(node, app, await code_for(node, app), **changes)
    assert (refused.status, refused.json["error"]) == (400, "invalid_grant")


async def test_a_code_of_one_app_is_of_no_use_to_another(node: ApiNode, alice: Member) -> None:
    app, thief = await node.app(), await node.app()
    refused = await exchange(node, thief, await code_for(node, app))
    assert (refused.status, refused.json["error"]) == (400, "invalid_grant")


async def test_pkce_needs_the_right_verifier(node: ApiNode, alice: Member) -> None:
    app = await node.app()
    verifier = "v" * 50
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    pkce = {"code_challenge": challenge, "code_challenge_method": "S256"}
    assert (await exchange(node, app, await code_for(node, app, **pkce))).status == 400
    assert (await exchange(node, app, await code_for(node, app, **pkce), code_verifier="w" * 50)).status == 400
    assert (await exchange(node, app, await code_for(node, app, **pkce), code_verifier=verifier)).status == 200


@pytest.mark.parametrize(
    "changes, error",
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "read admin:write"}, "invalid_scope"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"code_challenge": "abc", "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "a" * 43}, "invalid_request"),
    ],
)
async def test_the_app_is_told_what_is_wrong_with_its_request(
    node: ApiNode, changes: dict[str, str], error: str
) -> None:
    app = await node.app()
    refused = await node.call("GET", f"/oauth/authorize?{query_of(app, state='s', **changes)}")
    answer = answer_of(refused)
    assert (answer["error"], answer["state"]) == (error, "s")
    assert refused.headers["Location"].startswith(CALLBACK)


@pytest.mark.parametrize(
    "changes",
    [{"client_id": "nobody"}, {"redirect_uri": "https://app.example/done/"}, {"redirect_uri": "https://evil.example"}],
)
async def test_nobody_is_sent_to_an_address_that_was_not_registered(node: ApiNode, changes: dict[str, str]) -> None:
    app = await node.app()
    page = await node.call("GET", f"/oauth/authorize?{query_of(app, **changes)}")
    assert page.status == 400
    assert "Location" not in page.headers
    assert "text/html" in page.headers["Content-Type"]


async def test_saying_no_sends_the_app_away(node: ApiNode, alice: Member) -> None:
    app = await node.app()
    async with Browser(node) as browser:
        query = query_of(app)
        await browser.sign_in("alice", PASSWORD, query)
        assert answer_of(await browser.allow(query, "deny"))["error"] == "access_denied"


async def test_consent_cannot_be_given_by_another_site(node: ApiNode, alice: Member) -> None:
    app = await node.app()
    async with Browser(node) as browser:
        query = query_of(app)
        await browser.sign_in("alice", PASSWORD, query)
        fields = inputs(await browser.get(f"/oauth/authorize?{query}"))
        forged = await browser.post("/oauth/authorize", fields | {"answer": "allow", "form_token": "0" * 64})
        assert forged.status == 403
        headers = {"Sec-Fetch-Site": "cross-site"}
        crossed = await browser.post("/oauth/authorize", fields | {"answer": "allow"}, headers=headers)
        assert crossed.status == 403


async def test_signing_in_from_a_form_of_another_site_is_refused(node: ApiNode, alice: Member) -> None:
    data = {"login": "alice", "password": PASSWORD, "form_token": "0" * 64}
    refused = await node.call("POST", "/auth/sign_in", data=data)
    assert refused.status == 403
    assert not any(cookie.key == "session" for cookie in node.session.cookie_jar)


async def test_force_login_asks_again_although_somebody_is_signed_in(node: ApiNode, alice: Member) -> None:
    app = await node.app()
    async with Browser(node) as browser:
        query = query_of(app)
        await browser.sign_in("alice", PASSWORD, query)
        page = await browser.get(f"/oauth/authorize?{query}&force_login=true")
        assert b'name="password"' in page.body
        assert "force_login" not in inputs(page)["query"]


async def test_the_trailing_slash_that_toot_sends_is_no_problem(node: ApiNode) -> None:
    app = await node.app()
    page = await node.call("GET", f"/oauth/authorize/?{query_of(app)}")
    assert b'name="password"' in page.body


async def test_an_app_without_an_address_shows_the_code_to_the_person(node: ApiNode, alice: Member) -> None:
    app = await node.app(redirect_uris="urn:ietf:wg:oauth:2.0:oob")
    async with Browser(node) as browser:
        query = query_of(app)
        await browser.sign_in("alice", PASSWORD, query)
        sent = await browser.allow(query)
        page = await browser.get(sent.headers["Location"])
        code = answer_of(sent)["code"]
        assert f'value="{code}"' in page.body.decode()
    assert (await exchange(node, app, code)).status == 200


async def test_the_code_page_repeats_nothing_else(node: ApiNode) -> None:
    page = await node.call("GET", "/oauth/authorize/native?code=Call+this+number")
    assert page.status == 404
    assert b"Call this number" not in page.body


@pytest.mark.parametrize("redirect", ["com.example.app://done", "com.example.app:/done", "http://localhost:4000/x?y=z"])
async def test_apps_on_a_device_get_the_code_at_their_own_address(node: ApiNode, alice: Member, redirect: str) -> None:
    app = await node.app(redirect_uris=redirect)
    async with Browser(node) as browser:
        query = query_of(app)
        await browser.sign_in("alice", PASSWORD, query)
        page = await browser.get(f"/oauth/authorize?{query}")
        source = redirect.partition(":")[0] + ":" if redirect.startswith("com") else "http://localhost:4000"
        assert f"form-action 'self' {source}" in page.headers["Content-Security-Policy"]
        sent = await browser.post("/oauth/authorize", inputs(page) | {"answer": "allow"})
        joint = "&" if "?" in redirect else "?"
        assert sent.headers["Location"].startswith(f"{redirect}{joint}code=")


async def test_a_wrong_password_and_a_wrong_name_look_the_same(node: ApiNode, alice: Member) -> None:
    pages = []
    for login in ("alice", "nobody"):
        async with Browser(node) as browser:
            page = await browser.sign_in(login, "not the password")
            assert page.status == 422
            pages.append(re.sub(r'value="[^"]*"', "", page.body.decode()))
    assert pages[0] == pages[1]


async def test_guessing_a_password_is_slowed_down_also_from_many_addresses(node: ApiNode, alice: Member) -> None:
    async with Browser(node) as browser:
        fields = inputs(await browser.get("/auth/sign_in"))
        statuses = []
        for number in range(12):
            headers = {"X-Forwarded-For": f"203.0.113.{number}"}
            guess = fields | {"login": ("alice", "alice@example.org")[number % 2], "password": f"guess {number}"}
            statuses.append((await browser.post("/auth/sign_in", guess, headers=headers)).status)
        assert statuses == [422] * 10 + [429] * 2


async def test_a_sign_in_link_works_once_and_is_not_burnt_by_a_preview(node: ApiNode, alice: Member) -> None:
    link = await node.running.node.core.registration.sign_in_link(alice.user_id)
    for _ in range(3):
        assert (await node.call("GET", link)).status == 200
        assert (await node.call("HEAD", link)).status == 200
    async with Browser(node) as browser:
        spent = await browser.post(link, inputs(await browser.get(link)))
        assert (spent.status, spent.headers["Location"]) == (303, "/auth/welcome")
        welcome = await browser.get("/auth/welcome")
        assert b"@alice" in welcome.body
    assert (await node.call("GET", link)).status == 404


async def test_a_link_goes_on_to_the_app_that_waits(node: ApiNode, alice: Member) -> None:
    app = await node.app()
    link = await node.running.node.core.registration.sign_in_link(alice.user_id)
    async with Browser(node) as browser:
        await browser.get(f"/oauth/authorize?{query_of(app)}")
        spent = await browser.post(link, inputs(await browser.get(link)))
        assert spent.headers["Location"].startswith("/oauth/authorize?")
        assert b"wants to" in (await browser.get(spent.headers["Location"])).body


async def test_a_first_password_is_set_after_a_link(node: ApiNode, bob: Member) -> None:
    link = await node.running.node.core.registration.sign_in_link(bob.user_id)
    async with Browser(node) as browser:
        await browser.post(link, inputs(await browser.get(link)))
        fields = inputs(await browser.get("/auth/welcome"))
        short = await browser.post("/auth/password", fields | {"password": "short", "repeated": "short"})
        assert short.status == 422
        other = await browser.post("/auth/password", fields | {"password": "long enough", "repeated": "long enougg"})
        assert other.status == 422
        done = await browser.post("/auth/password", fields | {"password": "long enough", "repeated": "long enough"})
        assert b"Your password is set." in done.body
    async with Browser(node) as browser:
        assert (await browser.sign_in("bob", "long enough")).status == 303


async def test_a_password_is_changed_only_by_who_knows_it(node: ApiNode, alice: Member) -> None:
    async with Browser(node) as browser, Browser(node) as elsewhere:
        await browser.sign_in("alice", PASSWORD)
        await elsewhere.sign_in("alice", PASSWORD)
        fields = inputs(await browser.get("/auth/welcome")) | {"password": "another one", "repeated": "another one"}
        assert (await browser.post("/auth/password", fields | {"current": "wrong"})).status == 422
        assert (await browser.post("/auth/password", fields | {"current": PASSWORD})).status == 200
        # Whoever stole the old one is out.
        assert (await elsewhere.get("/auth/welcome")).status == 303
        assert (await browser.get("/auth/welcome")).status == 200


async def test_signing_out_ends_the_session(node: ApiNode, alice: Member) -> None:
    async with Browser(node) as browser:
        await browser.sign_in("alice", PASSWORD)
        page = await browser.get("/auth/welcome")
        token = re.findall(r'name="form_token" value="([^"]*)"', page.body.decode())[-1]
        assert (await browser.post("/auth/sign_out", {"form_token": token})).status == 303
        assert (await browser.get("/auth/welcome")).status == 303


async def test_pages_are_locked_down(node: ApiNode) -> None:
    page = await node.call("GET", "/auth/sign_in")
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy
    cookie = page.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert b"<script" not in page.body
    addresses = re.findall(rb'(?:href|src|action)="(https?:[^"]*)"', page.body)
    assert addresses == []


@pytest.mark.parametrize("how", ["form", "json", "basic"])
async def test_an_app_gets_a_token_of_its_own(node: ApiNode, how: str) -> None:
    app = await node.app(scopes="read write")
    data = {"grant_type": "client_credentials", "scope": "read"}
    secret = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    if how == "basic":
        auth = aiohttp.encode_basic_auth(app["client_id"], app["client_secret"])
        reply = await node.call("POST", "/oauth/token", data=data, headers={"Authorization": auth})
    else:
        reply = await node.call("POST", "/oauth/token", **{"data" if how == "form" else "json": data | secret})
    assert reply.status == 200, reply
    assert reply.headers["Cache-Control"] == "no-store"
    headers = {"Authorization": f"Bearer {reply.json['access_token']}"}
    assert (await node.call("GET", "/api/v1/apps/verify_credentials", headers=headers)).status == 200
    refused = await node.call("GET", "/api/v1/accounts/verify_credentials", headers=headers)
    assert (refused.status, refused.json["error"]) == (422, "This method requires an authenticated user")


@pytest.mark.parametrize(
    "data, status, error",
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "scope": "push"}, 400, "invalid_scope"),
        ({"grant_type": "authorization_code"}, 400, "invalid_request"),
    ],
)
async def test_a_bad_token_request_is_answered_as_rfc_6749_says(
    node: ApiNode, data: dict[str, str], status: int, error: str
) -> None:
    app = await node.app(scopes="read")
    secret = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    reply = await node.call("POST", "/oauth/token", data=secret | data)
    assert (reply.status, reply.json["error"]) == (status, error)
    assert reply.json["error_description"]


async def test_a_revoked_token_is_good_for_nothing_at_once(node: ApiNode, alice: Member) -> None:
    app, other = await node.app(), await node.app()
    token = (await exchange(node, app, await code_for(node, app))).json["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await node.call("GET", "/api/v1/preferences", headers=headers)).status == 200
    secret = {"client_id": other["client_id"], "client_secret": other["client_secret"], "token": token}
    refused = await node.call("POST", "/oauth/revoke", data=secret)
    assert (refused.status, refused.json["error"]) == (403, "unauthorized_client")
    secret = {"client_id": app["client_id"], "client_secret": app["client_secret"], "token": token}
    streaming = f"{node.base_url}/api/v1/streaming?stream=user&access_token={token}"
    async with node.session.ws_connect(streaming) as socket:
        revoked = await node.call("POST", "/oauth/revoke", data=secret)
        assert (revoked.status, revoked.json) == (200, {})
        assert (await socket.receive(timeout=5)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    gone = await node.call("GET", "/api/v1/preferences", headers=headers)
    assert (gone.status, gone.json["error"]) == (401, "The access token is invalid")
    assert (await node.call("POST", "/oauth/revoke", data=secret)).status == 200


async def test_the_server_says_what_it_can(node: ApiNode) -> None:
    document = (await node.call("GET", "/.well-known/oauth-authorization-server")).json
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["app_registration_endpoint"] == f"{node.base_url}/api/v1/apps"
    assert {"read", "write:media", "profile"} <= set(document["scopes_supported"])


async def test_userinfo_tells_who_signed_in(node: ApiNode, alice: Member) -> None:
    only_profile = await node.token(alice, "profile")
    document = await only_profile.get("/oauth/userinfo")
    assert document["preferred_username"] == "alice"
    assert document["sub"] == f"{node.base_url}/users/alice"
    await only_profile.get("/api/v1/lists", expect=403)
