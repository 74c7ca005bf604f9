"""A second factor at sign-in: set up with a program, asked for, taken away; over real pages and cookies."""

from __future__ import annotations

import asyncio
import html
import re
import time

import pyotp
import pytest
from click.testing import CliRunner

from fediverse_node.cli.main import cli
from fediverse_node.outbox import second_factor
from tests.api.conftest import PASSWORD, ApiNode, Member, Reply
from tests.api.test_oauth import Browser, answer_of, inputs, query_of

ASK, SECURITY, WELCOME = "/auth/second_factor", "/auth/security", "/auth/welcome"


def secret_on(page: Reply) -> str:
    found = re.search(r'<code id="secret">([A-Z2-7 ]+)</code>', page.body.decode())
    assert found is not None
    return found[1].replace(" ", "")


def codes_on(page: Reply) -> list[str]:
    return [html.unescape(code) for code in re.findall(r"<li><code>([^<]+)</code></li>", page.body.decode())]


def code_of(secret: str, *, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(time.time()) + 30 * steps)


async def send(browser: Browser, path: str, **fields: str) -> Reply:
    page = await browser.get(path)
    assert page.status == 200, page
    return await browser.post(path, inputs(page) | fields)


async def switched_on(node: ApiNode) -> tuple[str, list[str]]:
    """Alice sets it up; the secret and her recovery codes. The code of the half minute before is used up."""
    async with Browser(node) as browser:
        assert (await browser.sign_in("alice", PASSWORD)).headers["Location"] == WELCOME
        page = await browser.get(SECURITY)
        assert b"<svg" in page.body
        secret = secret_on(page)
        # The page may be left and opened again in between.
        assert secret_on(await browser.get(SECURITY)) == secret
        assert (await send(browser, SECURITY, code="000000")).status == 422
        done = await send(browser, SECURITY, code=code_of(secret, steps=-1))
        assert done.status == 200, done
        assert b"It is on" in done.body
        return secret, codes_on(done)


async def test_the_password_alone_lets_nobody_in_once_a_code_is_wanted(node: ApiNode, alice: Member) -> None:
    secret, codes = await switched_on(node)
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    app = await node.app()
    query = query_of(app, state="s")
    async with Browser(node) as browser:
        asked = await browser.sign_in("alice", PASSWORD, query)
        assert asked.headers["Location"] == ASK
        # What waits for its code is no session.
        assert (await browser.get(WELCOME)).headers["Location"] == "/auth/sign_in"
        assert b"wants to" not in (await browser.get(f"/oauth/authorize?{query}")).body
        assert (await send(browser, ASK, code="123 456")).status == 422
        code = code_of(secret)
        let_in = await send(browser, ASK, code=f" {code[:3]} {code[3:]} ")
        assert let_in.status == 303
        assert let_in.headers["Location"].startswith("/oauth/authorize?")
        assert answer_of(await browser.allow(query))["state"] == "s"
    async with Browser(node) as thief:
        await thief.sign_in("alice", PASSWORD)
        assert (await send(thief, ASK, code=code)).status == 422, "a code was seen over a shoulder"


async def test_a_recovery_code_lets_in_once_and_new_ones_replace_the_old(node: ApiNode, alice: Member) -> None:
    secret, codes = await switched_on(node)
    async with Browser(node) as browser:
        await browser.sign_in("alice", PASSWORD)
        assert (await send(browser, ASK, code=codes[0].upper().replace("-", " "))).headers["Location"] == WELCOME
        page = await browser.get(SECURITY)
        assert f"{len(codes) - 1} recovery codes are left".encode() in page.body
        renewed = await send(browser, SECURITY, code=code_of(secret), act="codes")
        fresh = codes_on(renewed)
        assert len(fresh) == len(codes)
        assert not set(fresh) & set(codes)
    async with Browser(node) as browser:
        await browser.sign_in("alice", PASSWORD)
        for spent in codes[:2]:
            assert (await send(browser, ASK, code=spent)).status == 422
        assert (await send(browser, ASK, code=fresh[3])).status == 303


async def test_a_sign_in_link_asks_for_the_code_too(node: ApiNode, alice: Member) -> None:
    await switched_on(node)
    link = await node.running.node.core.registration.sign_in_link(alice.user_id)
    async with Browser(node) as browser:
        path = link.removeprefix(node.base_url)
        assert (await browser.post(path, inputs(await browser.get(path)))).headers["Location"] == ASK


async def test_whoever_is_signed_in_elsewhere_has_to_sign_in_again(node: ApiNode, alice: Member) -> None:
    async with Browser(node) as elsewhere:
        await elsewhere.sign_in("alice", PASSWORD)
        assert (await elsewhere.get(WELCOME)).status == 200
        await switched_on(node)
        assert (await elsewhere.get(WELCOME)).status == 303


async def test_it_is_switched_off_with_a_code_only(node: ApiNode, alice: Member) -> None:
    secret, _ = await switched_on(node)
    async with Browser(node) as browser:
        await browser.sign_in("alice", PASSWORD)
        await send(browser, ASK, code=code_of(secret))
        assert (await send(browser, SECURITY, act="off", code="")).status == 422
        assert (await send(browser, SECURITY, act="off", code=code_of(secret))).status == 422
        assert (await send(browser, SECURITY, act="off", code=code_of(secret, steps=1))).status == 200
    async with Browser(node) as browser:
        assert (await browser.sign_in("alice", PASSWORD)).headers["Location"] == WELCOME


async def test_codes_cannot_be_guessed(node: ApiNode, alice: Member) -> None:
    await switched_on(node)
    async with Browser(node) as browser:
        await browser.sign_in("alice", PASSWORD)
        page = await browser.get(ASK)
        tried = [(await browser.post(ASK, inputs(page) | {"code": f"{n:06}"})).status for n in range(12)]
    assert tried[0] == 422
    assert tried[-1] == 429


async def test_forms_of_other_sites_change_nothing(node: ApiNode, alice: Member) -> None:
    async with Browser(node) as browser:
        await browser.sign_in("alice", PASSWORD)
        page = await browser.get(SECURITY)
        given = inputs(page) | {"code": code_of(secret_on(page))}
        assert (await browser.post(SECURITY, given | {"form_token": "x" * 64})).status == 403
        assert (await browser.post(SECURITY, given, headers={"Sec-Fetch-Site": "cross-site"})).status == 403
        assert b"Switch it on" in (await browser.get(SECURITY)).body


async def test_the_operator_takes_it_away_from_whoever_lost_everything(
    node: ApiNode, alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    await switched_on(node)
    config = node.running.node.core.config
    monkeypatch.setenv("FEDIVERSE_NODE_DATA_DIR", str(config.data_dir))
    monkeypatch.setenv("FEDIVERSE_NODE_BASE_URL", node.base_url)
    monkeypatch.setenv("FEDIVERSE_NODE_LISTEN", node.base_url.partition("://")[2])
    result = await asyncio.to_thread(CliRunner().invoke, cli, ["user", "drop-second-factor", "alice"])
    assert result.exit_code == 0, result.output
    async with Browser(node) as browser:
        assert (await browser.sign_in("alice", PASSWORD)).headers["Location"] == WELCOME
