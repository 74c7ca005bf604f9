"""The directory of people who want to be found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fediverse_node.storage.tables import actors, users
from tests.api.talking_node import TalkingNode, talking_node

PATH = "/api/v1/directory"
FOUND: dict[str, Any] = {"discoverable": True}


@pytest.fixture
async def node(tmp_path: Path, database_url: str) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, database_url=database_url) as started:
        yield started


async def _names(node: TalkingNode, token: str = "", **params: Any) -> list[str]:
    answer = await node.request("GET", PATH, token=token, params=params)
    assert answer.status == 200, answer
    return [account["acct"] for account in answer.body]


async def test_only_who_wants_to_be_found_is_in_it(node: TalkingNode) -> None:
    await node.person("shy")
    await node.person("undecided", discoverable=None)
    await node.person("found", **FOUND)
    hidden: dict[str, dict[str, Any]] = {
        "limited": {"silenced_ms": 1},
        "suspended": {"suspended_ms": 1},
        "gone": {"deleted_ms": 1},
        "moved": {"moved_to_uri": "https://new.example/users/moved"},
        "machine": {"type": "Application"},
    }
    for name, more in hidden.items():
        await node.stranger(name, **FOUND, **more)
    waiting = await node.person("waiting", **FOUND)
    await node.set(users, waiting.user_id, approved_ms=None)
    assert await _names(node) == ["found"]


async def test_it_goes_by_who_spoke_last_or_who_is_newest(node: TalkingNode) -> None:
    first = await node.person("first", **FOUND)
    await node.stranger("second", **FOUND, last_status_ms=5_000)
    await node.stranger("silent", **FOUND)
    await node.set(actors, first.actor_id, last_status_ms=9_000)
    active = ["first", "second@far.example", "silent@far.example"]
    assert await _names(node) == active
    assert await _names(node, order="active") == active
    assert await _names(node, order="new") == ["silent@far.example", "second@far.example", "first"]
    assert await _names(node, local="true") == ["first"]


async def test_it_is_read_by_offset(node: TalkingNode) -> None:
    for number in range(5):
        await node.stranger(f"far{number}", **FOUND)
    everybody = await _names(node, order="new")
    pages = [await _names(node, order="new", limit=2, offset=skipped) for skipped in (0, 2, 4, 6)]
    assert pages == [everybody[:2], everybody[2:4], everybody[4:], []]
    assert await _names(node, limit=0) == []
    assert await _names(node, offset=10**12) == []


@pytest.mark.parametrize(
    "params", [{"order": "popular"}, {"offset": -1}, {"limit": -1}, {"limit": "x"}, {"local": "x"}]
)
async def test_what_cannot_be_meant_is_refused(node: TalkingNode, params: dict[str, Any]) -> None:
    answer = await node.request("GET", PATH, params=params)
    assert (answer.status, list(answer.body)) == (400, ["error"])


async def test_a_reader_does_not_meet_whom_they_keep_away_from_or_who_blocks_them(node: TalkingNode) -> None:
    reader = await node.person("reader")
    blocked, muted, blocking, other = [
        await node.person(name, **FOUND) for name in ("blocked", "muted", "blocking", "other")
    ]
    await node.stranger("near", "avoided.example", **FOUND)
    await reader.post(f"/api/v1/accounts/{blocked.actor_id}/block")
    await reader.post(f"/api/v1/accounts/{muted.actor_id}/mute")
    await blocking.post(f"/api/v1/accounts/{reader.actor_id}/block")
    await reader.post("/api/v1/domain_blocks", domain="avoided.example")
    assert await _names(node, reader.token) == [other.acct]
    assert len(await _names(node)) == 5
    assert (await node.request("GET", PATH, token="nobody's")).status == 401
