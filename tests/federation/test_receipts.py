"""Whoever says something can see what became of it at each server it was sent to."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner
from sqlalchemy import BigInteger, bindparam, select

from fediverse_node.cli.main import cli
from fediverse_node.domain.model import Visibility
from fediverse_node.outbox.draft import Draft
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import users
from tests.fake_peer import FakePeer, fake_peer
from tests.inprocess import Running, running_node

_USER = Statement(select(users.c.id).where(users.c.actor_id == bindparam("actor_id", type_=BigInteger())))


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_node(tmp_path) as running:
        yield running


async def _follow(home: Running, peer: FakePeer, name: str, *, shared: bool = True) -> None:
    person = peer.person(name, has_shared_inbox=shared)
    follow = peer.activity(person, "Follow", f"{home.base_url}/users/alice")
    assert await peer.deliver(person, f"{home.base_url}/inbox", follow) == 202


async def _said(home: Running, alice: int, text: str) -> int:
    said = await home.node.outbox.post(alice, Draft(text))
    assert isinstance(said, int)
    return said


async def _deliveries(home: Running, actor_id: int, object_id: int, *, expect: int = 200) -> Any:
    token = await _token(home, actor_id)
    url = f"{home.base_url}/api/v1/statuses/{object_id}/deliveries"
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.get(url) as answer,
    ):
        assert answer.status == expect
        return await answer.json()


async def _token(home: Running, actor_id: int) -> str:
    row = await home.node.core.database.fetch_one(_USER, actor_id=actor_id)
    assert row is not None
    return await home.node.core.registration.token(row["id"], "read write")


async def _settled(home: Running, alice: int, said: int, *, of: int) -> Any:
    async with asyncio.timeout(10):
        while True:
            found = await _deliveries(home, alice, said)
            tried = [each for each in found["deliveries"] if each["attempts"]]
            if len(tried) == of:
                return found
            await asyncio.sleep(0.02)


async def test_the_author_sees_who_took_a_post_who_refused_it_and_who_is_tried_again(home: Running) -> None:
    alice = await home.add_person("alice")
    async with fake_peer() as good, fake_peer() as strict, fake_peer() as broken:
        for peer in (good, strict, broken):
            await _follow(home, peer, "bob")
        await asyncio.sleep(0.3)
        strict.fail_with["/inbox"], broken.fail_with["/inbox"] = 422, 500
        said = await _said(home, alice, "Hello")
        found = await _settled(home, alice, said, of=3)
        by_host = {each["host"]: each for each in found["deliveries"]}
        assert (found["delivered"], found["refused"], found["open"]) == (1, 1, 1)
        assert by_host[good.host]["state"] == "delivered"
        assert by_host[good.host]["done_at"] is not None
        assert by_host[strict.host]["state"] == "refused"
        assert by_host[strict.host]["cause"] == "status 422"
        assert by_host[broken.host]["state"] == "retrying"
        assert by_host[broken.host]["cause"] == "status 500"
        assert by_host[broken.host]["next_at"] > by_host[broken.host]["since"]


async def test_nobody_else_sees_where_a_post_went(home: Running) -> None:
    alice, mallory = await home.add_person("alice"), await home.add_person("mallory")
    said = await _said(home, alice, "Hello")
    missing = await _deliveries(home, mallory, said, expect=404)
    assert missing == await _deliveries(home, mallory, said + 1, expect=404)


def _why(home: Running, *arguments: str) -> tuple[int, str]:
    folder = home.node.core.config.data_dir
    environ = {
        "FEDIVERSE_NODE_DATA_DIR": str(folder),
        "FEDIVERSE_NODE_BASE_URL": home.base_url,
        "FEDIVERSE_NODE_LISTEN": home.base_url.partition("://")[2],
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FEDIVERSE_NODE_")}
    result = CliRunner(env={**dict.fromkeys(kept), **kept, **environ}).invoke(cli, ["why", *arguments])
    return result.exit_code, result.output


async def test_why_says_in_words_what_became_of_a_post(home: Running) -> None:
    alice = await home.add_person("alice")
    async with fake_peer() as good, fake_peer() as strict:
        await _follow(home, good, "bob")
        await _follow(home, strict, "carl")
        await asyncio.sleep(0.3)
        strict.fail_with["/inbox"] = 410
        said = await _said(home, alice, "Hello")
        await _settled(home, alice, said, of=2)
        uri = f"{home.base_url}/users/alice/statuses/{said}"
        status, text = await asyncio.to_thread(_why, home, uri)
        assert status == 1
        assert "1 of 2 servers took it, 1 did not." in text
        assert f"{good.host}: the post was delivered 20" in text
        assert f"{strict.host}: the post was refused 20" in text
        assert "status 410" in text
        assert await asyncio.to_thread(_why, home, str(said), good.host) == (0, text_of_one(text, good.host))


def text_of_one(text: str, host: str) -> str:
    """What `why POST HOST` prints, made of what `why POST` prints."""
    head, _, *lines = text.splitlines()
    mine = [line for line in lines if line.strip().startswith(host)]
    return "\n".join([head, "1 of 1 servers took it.", *mine]) + "\n"


async def test_why_says_why_a_post_was_not_sent_to_a_server(home: Running) -> None:
    alice = await home.add_person("alice")
    said = await _said(home, alice, "Hello")
    status, text = await asyncio.to_thread(_why, home, str(said))
    assert status == 1
    assert "nobody on another server follows its author" in text
    status, text = await asyncio.to_thread(_why, home, str(said), "far.example")
    assert "Nobody at far.example follows @alice" in text
    status, text = await asyncio.to_thread(_why, home, "https://far.example/1")
    assert status != 0
    assert "there is no post https://far.example/1 here" in text


async def _browser_of(home: Running, actor_id: int) -> aiohttp.ClientSession:
    """Whoever acts as this actor, signed in on a browser."""
    row = await home.node.core.database.fetch_one(_USER, actor_id=actor_id)
    assert row is not None
    link = await home.node.core.registration.sign_in_link(row["id"])
    browser = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
    async with browser.get(link) as answer:
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', await answer.text())
    async with browser.post(link, data=dict(hidden)) as answer:
        assert answer.status == 200
    return browser


async def test_the_page_of_a_post_tells_its_author_alone_where_it_went(home: Running) -> None:
    alice, mallory = await home.add_person("alice"), await home.add_person("mallory")
    async with fake_peer() as good, fake_peer() as strict:
        await _follow(home, good, "bob")
        await _follow(home, strict, "carl")
        await asyncio.sleep(0.3)
        strict.fail_with["/inbox"] = 422
        said = await _said(home, alice, "Hello")
        await _settled(home, alice, said, of=2)
    page = f"{home.base_url}/@alice/{said}"
    told = {}
    for actor_id in (alice, mallory, None):
        browser = aiohttp.ClientSession() if actor_id is None else await _browser_of(home, actor_id)
        async with browser, browser.get(page) as answer:
            assert answer.status == 200
            told[actor_id] = (await answer.text(), answer.headers["Cache-Control"], answer.headers["Vary"])
    mine, kept, _ = told[alice]
    assert kept == "private, no-store"
    assert "1 of 2 servers took it, 1 did not." in mine
    assert mine.index(strict.host) < mine.index(good.host)
    assert "The post was refused" in mine
    assert "status 422" in mine
    assert told[mallory] == told[None]
    theirs, kept, varies = told[None]
    assert "Where it went" not in theirs
    assert good.host not in theirs
    assert kept.startswith("public")
    assert "Cookie" in varies


async def test_the_page_of_what_is_not_for_everybody_is_there_for_its_author(home: Running) -> None:
    alice, mallory = await home.add_person("alice"), await home.add_person("mallory")
    said = await home.node.outbox.post(alice, Draft("For those who follow", visibility=Visibility.FOLLOWERS))
    for actor_id, status in ((alice, 200), (mallory, 404)):
        browser = await _browser_of(home, actor_id)
        async with browser, browser.get(f"{home.base_url}/@alice/{said}") as answer:
            assert answer.status == status
            text = await answer.text()
            assert ("for followers" in text) is (actor_id == alice)
            assert ("It was sent to no other server" in text) is (actor_id == alice)
            assert answer.headers["Cache-Control"] == "private, no-store"
        # As a document it is for whoever signs, not for a browser's cookies.
    browser = await _browser_of(home, alice)
    wanted = {"Accept": "application/activity+json"}
    async with browser, browser.get(f"{home.base_url}/@alice/{said}", headers=wanted) as answer:
        assert answer.status == 404
