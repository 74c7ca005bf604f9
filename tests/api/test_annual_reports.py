"""What somebody's year was like."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fediverse_node.base.clock import to_ms
from fediverse_node.storage.tables import annual_reports, follows, object_tags, objects, tags
from tests.api.talking_node import Person, TalkingNode, talking_node

PATH = "/api/v1/annual_reports"
PUBLIC, FOLLOWERS, DIRECT = 0, 2, 3


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


def _last_year() -> int:
    return datetime.now(UTC).year - 1


async def _said(node: TalkingNode, author: Person, when: datetime, *, number: int = 0, **more: Any) -> int:
    """Something that was said then."""
    ms = to_ms(when)
    id_ = (ms << 16) + number
    row = {
        "id": id_,
        "uri": node.context.world.names.object(author.username, id_),
        "type": "Note",
        "actor_id": author.actor_id,
        "local": True,
        "visibility": PUBLIC,
        "content": "<p>x</p>",
        "thread_id": id_,
        "published_ms": ms,
    }
    await node.insert(objects, row | more)
    return id_


async def _made(person: Person, year: int) -> None:
    """Have a report made, and wait for it."""
    await person.post(f"{PATH}/{year}/generate", expect=202)
    async with asyncio.timeout(10):
        while (await person.get(f"{PATH}/{year}/state"))["state"] != "available":
            await asyncio.sleep(0.02)


async def test_a_report_counts_what_was_done_in_its_year(node: TalkingNode) -> None:
    alice, bob, year = await node.person("alice"), await node.person("bob"), _last_year()
    first, last = datetime(year, 1, 1, tzinfo=UTC), datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    await _said(node, alice, datetime(year - 1, 12, 31, 23, 59, 59, tzinfo=UTC), announces_count=99)
    await _said(node, alice, datetime(year + 1, 1, 1, tzinfo=UTC), announces_count=99)
    await _said(node, bob, first, announces_count=99, number=1)
    liked = await _said(node, alice, first, announces_count=1, likes_count=5, number=2)
    passed_on = await _said(node, alice, last, announces_count=3, likes_count=4, type="Question", number=3)
    quiet = await _said(node, alice, datetime(year, 2, 3, tzinfo=UTC), visibility=FOLLOWERS, announces_count=50)
    secret = await _said(node, alice, datetime(year, 2, 4, tzinfo=UTC), visibility=DIRECT, likes_count=50)
    for number, (name, used_by) in enumerate((("tea", [liked, quiet]), ("sea", [secret, passed_on]))):
        await node.insert(tags, {"id": number + 1, "name": name})
        await node.insert(object_tags, *({"tag_id": number + 1, "object_id": id_} for id_ in used_by))
    await node.insert(
        follows,
        {
            "id": 5,
            "follower_id": bob.actor_id,
            "followed_id": alice.actor_id,
            "uri": "https://x.example/5",
            "accepted": True,
            "created_ms": to_ms(datetime(year, 7, 8, tzinfo=UTC)),
        },
    )
    await _made(alice, year)
    answer = await alice.get(f"{PATH}/{year}")
    [report] = answer["annual_reports"]
    assert {name: value for name, value in report.items() if name != "data"} == {
        "year": year,
        "schema_version": 2,
        "share_url": None,
        "account_id": str(alice.actor_id),
    }
    data = report["data"]
    assert data["archetype"] == "lurker"
    assert data["top_statuses"] == {"by_reblogs": str(passed_on), "by_replies": None, "by_favourites": str(liked)}
    assert data["top_hashtags"] == [{"name": "tea", "count": 2}]
    by_month = {entry["month"]: (entry["statuses"], entry["followers"]) for entry in data["time_series"]}
    expected = dict.fromkeys(range(1, 13), (0, 0)) | {1: (1, 0), 2: (1, 0), 7: (0, 1), 12: (1, 0)}
    assert by_month == expected
    assert [account["id"] for account in answer["accounts"]] == [str(alice.actor_id)]
    assert {status["id"] for status in answer["statuses"]} == {str(passed_on), str(liked)}
    assert await alice.get(PATH) == answer
    assert await bob.get(PATH) == {"annual_reports": [], "accounts": [], "statuses": []}
    await bob.get(f"{PATH}/{year}", expect=404)


async def test_how_somebody_takes_part_is_told_from_what_they_did(node: TalkingNode) -> None:
    alice, bob, year = await node.person("alice"), await node.person("bob"), _last_year()
    start = datetime(year, 5, 1, tzinfo=UTC)
    root = await _said(node, bob, start)
    for number in range(51):
        await _said(
            node,
            alice,
            start,
            number=number + 1,
            in_reply_to_uri="https://x.example/1",
            in_reply_to_id=root,
            in_reply_to_actor_id=bob.actor_id,
        )
    await _made(alice, year)
    [report] = (await alice.get(PATH))["annual_reports"]
    assert report["data"]["archetype"] == "replier"
    assert report["data"]["time_series"][4] == {"month": 5, "statuses": 51, "followers": 0}


async def test_a_report_is_made_once_and_read(node: TalkingNode) -> None:
    alice, year = await node.person("alice"), _last_year()
    state = f"{PATH}/{year}/state"
    await alice.post(f"{PATH}/{year}/read", expect=404)
    assert await alice.get(state) == {"state": "ineligible"}
    assert await alice.post(f"{PATH}/{year}/generate") == {}
    assert await alice.get(state) == {"state": "ineligible"}
    await _said(node, alice, datetime(year, 5, 1, tzinfo=UTC))
    assert await alice.get(state) == {"state": "eligible"}
    await alice.get(f"{PATH}/{year}", expect=404)
    await _made(alice, year)
    assert await alice.post(f"{PATH}/{year}/generate") == {}
    assert await alice.post(f"{PATH}/{year}/read") == {}
    assert len((await alice.get(PATH))["annual_reports"]) == 1


async def test_while_a_report_is_made_an_app_can_ask_whether_it_is_done(node: TalkingNode) -> None:
    alice, bob, year = await node.person("alice"), await node.person("bob"), _last_year()
    await _said(node, alice, datetime(year, 5, 1, tzinfo=UTC))
    now_ms = node.context.world.clock.now_ms()
    row = {"id": 7, "actor_id": alice.actor_id, "year": year, "asked_ms": now_ms}
    await node.insert(annual_reports, row)  # somebody else is at it
    for verb, path, status in (("GET", "state", 200), ("POST", "generate", 202)):
        answer = await node.request(verb, f"{PATH}/{year}/{path}", token=alice.token)
        assert answer.status == status
        assert answer.headers["Mastodon-Async-Refresh"] == 'id="annual-7", retry=2, result_count=0'
    refresh = "/api/v1_alpha/async_refreshes/annual-7"
    running = {"id": "annual-7", "status": "running", "result_count": 0}
    assert await alice.get(refresh) == {"async_refresh": running}
    for wrong in ("annual-8", "annual-x", "annual-"):
        await alice.get(f"/api/v1_alpha/async_refreshes/{wrong}", expect=404)
    await bob.get(refresh, expect=404)
    # Whoever was at it has died: it is begun again.
    await node.set(annual_reports, 7, asked_ms=now_ms - 61_000)
    assert await alice.get(f"{PATH}/{year}/state") == {"state": "eligible"}
    begun = await node.request("POST", f"{PATH}/{year}/generate", token=alice.token)
    assert re.fullmatch(r'id="annual-7", retry=2, result_count=0', begun.headers["Mastodon-Async-Refresh"])
    async with asyncio.timeout(10):
        while (found := (await alice.get(refresh))["async_refresh"])["status"] == "running":
            await asyncio.sleep(0.02)
    assert found["result_count"] == 1


async def test_what_is_no_year_to_look_back_on_is_refused(node: TalkingNode) -> None:
    alice = await node.person("alice")
    for wrong in ("x", "20", "1999", "9999", "20260", "-2025"):
        for path in (f"{PATH}/{wrong}", f"{PATH}/{wrong}/state"):
            await alice.get(path, expect=404)
        for action in ("read", "generate"):
            await alice.post(f"{PATH}/{wrong}/{action}", expect=404)
    assert await alice.get(f"{PATH}/{_last_year() + 2}/state") == {"state": "ineligible"}


async def test_each_method_asks_for_its_scope(node: TalkingNode) -> None:
    reader, writer = [await node.person(name, scopes=f"{name}:accounts") for name in ("read", "write")]
    year = _last_year()
    for path in (PATH, f"{PATH}/{year}", f"{PATH}/{year}/state"):
        await writer.get(path, expect=403)
        assert (await node.request("GET", path)).status == 401
    for path in (f"{PATH}/{year}/read", f"{PATH}/{year}/generate"):
        await reader.post(path, expect=403)
        assert (await node.request("POST", path)).status == 401
    await reader.get(PATH)
