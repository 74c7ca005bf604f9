"""People see which apps and browsers act for them, and put them out."""

from __future__ import annotations

import re

from tests.api.conftest import PASSWORD, ApiNode, Member
from tests.api.test_oauth import Browser, code_for, exchange, inputs

PATH, WELCOME = "/auth/apps", "/auth/welcome"


async def test_an_app_is_listed_with_what_it_may_do_and_put_out(node: ApiNode, alice: Member) -> None:
    app = await node.app()
    token = (await exchange(node, app, await code_for(node, app))).json["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await node.call("GET", "/api/v1/accounts/verify_credentials", headers=headers)).status == 200
    async with Browser(node) as browser:
        await browser.sign_in("alice", PASSWORD)
        page = await browser.get(PATH)
        text = page.body.decode()
        assert "Test App" in text
        assert "Act as you: write and delete posts" in text
        # The token of the fixture was made on the server.
        assert "Made on the server, without an app" in text
        app_id = re.search(r'name="app" value="(\d+)">Sign out<span class="hidden"> Test App', text)
        assert app_id is not None
        assert (await browser.post(PATH, inputs(page) | {"app": app_id[1]})).status == 200
        assert b"Test App" not in (await browser.get(PATH)).body
    assert (await node.call("GET", "/api/v1/accounts/verify_credentials", headers=headers)).status == 401
    assert (await alice.call("GET", "/api/v1/accounts/verify_credentials")).status == 200


async def test_tokens_made_on_the_server_are_put_out_together(node: ApiNode, alice: Member) -> None:
    bob = await node.add("bob")
    async with Browser(node) as browser:
        await browser.sign_in("alice", PASSWORD)
        await browser.post(PATH, inputs(await browser.get(PATH)) | {"app": "0"})
    assert (await alice.call("GET", "/api/v1/accounts/verify_credentials")).status == 401
    assert (await bob.call("GET", "/api/v1/accounts/verify_credentials")).status == 200


async def test_another_browser_is_put_out_and_this_one_is_named(node: ApiNode, alice: Member) -> None:
    async with Browser(node) as here, Browser(node) as there:
        for browser in (here, there):
            await browser.sign_in("alice", PASSWORD)
        page = await here.get(PATH)
        [other] = re.findall(r'name="session" value="([0-9a-f]+)"', page.body.decode())
        assert page.body.count(b": this one") == 1
        assert (await here.post(PATH, inputs(page) | {"session": other})).status == 200
        assert (await there.get(WELCOME)).headers["Location"] == "/auth/sign_in"
        assert (await here.get(WELCOME)).status == 200
        assert (await here.post(PATH, inputs(page) | {"session": other})).status == 422
        for wrong in ("", "é", "0" * 20, "x" * 5000):
            assert (await here.post(PATH, inputs(page) | {"session": wrong})).status == 422


async def test_nobody_puts_out_the_apps_of_others(node: ApiNode, alice: Member) -> None:
    await node.add("bob", password=PASSWORD)
    async with Browser(node) as hers, Browser(node) as his:
        await hers.sign_in("alice", PASSWORD)
        await his.sign_in("bob", PASSWORD)
        page = await his.get(PATH)
        async with Browser(node) as other:
            await other.sign_in("alice", PASSWORD)
            [name] = re.findall(r'name="session" value="([0-9a-f]+)"', (await hers.get(PATH)).body.decode())
            assert (await his.post(PATH, inputs(page) | {"session": name})).status == 422
            assert (await other.get(WELCOME)).status == 200
        assert (await his.post(PATH, {"app": "0"})).status == 403
        assert (await node.call("GET", PATH)).headers["Location"] == "/auth/sign_in"


async def test_browsers_are_called_as_people_call_them(node: ApiNode, alice: Member) -> None:
    async with Browser(node) as browser:
        page = await browser.get("/auth/sign_in")
        fields = inputs(page) | {"login": "alice", "password": PASSWORD}
        agent = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"
        await browser.post("/auth/sign_in", fields, headers={"User-Agent": agent})
        assert b'<p dir="auto">Firefox on Android</p>' in (await browser.get(PATH)).body
