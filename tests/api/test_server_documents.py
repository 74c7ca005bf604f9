"""Privacy policy and terms of service: files of whoever runs the server, for apps and for people."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.talking_node import TalkingNode, talking_node

POLICY, TERMS = "/api/v1/instance/privacy_policy", "/api/v1/instance/terms_of_service"
LONG_AGO_S = 1_600_000_000  # 2020-09-13T12:26:40Z


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[TalkingNode]:
    async with talking_node(tmp_path, PRIVACY_POLICY="privacy.md", TERMS_OF_SERVICE="terms") as started:
        yield started


def _write(node: TalkingNode, name: str, text: str) -> None:
    path = node.context.config.data_dir / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, (LONG_AGO_S, LONG_AGO_S))


async def test_the_privacy_policy_is_read_from_its_file(node: TalkingNode) -> None:
    _write(node, "privacy.md", "# Privacy\n\nWe keep *nothing*. <script>alert(1)</script>\n")
    answer = await node.request("GET", POLICY)
    assert answer.body == {
        "updated_at": "2020-09-13T12:26:40.000Z",
        "content": "<h1>Privacy</h1>\n<p>We keep <em>nothing</em>. &lt;script&gt;alert(1)&lt;/script&gt;</p>",
    }
    page = await node.request("GET", "/privacy-policy")
    assert (page.status, "We keep <em>nothing</em>." in page.body, "2020-09-13" in page.body) == (200, True, True)
    urls = (await node.request("GET", "/api/v2/instance")).body["configuration"]["urls"]
    assert urls["privacy_policy"] == f"{node.base_url}/privacy-policy"
    assert urls["terms_of_service"] == f"{node.base_url}/terms-of-service"


async def test_of_several_versions_of_the_terms_the_newest_in_force_counts(node: TalkingNode) -> None:
    for day, text in (("2020-01-01", "first"), ("2021-06-01", "second"), ("2999-01-01", "future")):
        _write(node, f"terms/{day}.md", text)
    _write(node, "terms/notes.md", "not dated")
    _write(node, "terms/2022-01-01.pdf", "not a text")
    answer = await node.request("GET", TERMS)
    assert answer.body == {
        "effective_date": "2021-06-01",
        "effective": True,
        "content": "<p>second</p>",
        "succeeded_by": "2999-01-01",
    }
    old = (await node.request("GET", f"{TERMS}/2020-01-01")).body
    assert (old["content"], old["effective"], old["succeeded_by"]) == ("<p>first</p>", True, "2021-06-01")
    future = (await node.request("GET", f"{TERMS}/2999-01-01")).body
    assert (future["effective"], future["succeeded_by"]) == (False, None)
    for day in ("2020-01-02", "2022-01-01", "notes", "20200101", "..%2Fprivacy", "2020-13-01"):
        missing = await node.request("GET", f"{TERMS}/{day}")
        assert (missing.status, missing.body["error"]) == (404, "Record not found"), day
    assert "second" in (await node.request("GET", "/terms-of-service")).body
    assert "first" in (await node.request("GET", "/terms-of-service/2020-01-01")).body
    assert (await node.request("GET", "/terms-of-service/2020-01-02")).status == 404


async def test_terms_that_are_all_to_come_are_shown_from_the_first(node: TalkingNode) -> None:
    for year in (2998, 2999):
        _write(node, f"terms/{year}-01-01.html", f"<p>of {year}<script>alert(1)</script></p>")
    body = (await node.request("GET", TERMS)).body
    assert (body["effective_date"], body["effective"], body["content"]) == ("2998-01-01", False, "<p>of 2998</p>")


async def test_terms_in_one_file_count_from_its_last_change(tmp_path: Path) -> None:
    async with talking_node(tmp_path, TERMS_OF_SERVICE="terms.html") as node:
        _write(node, "terms.html", "<html><head><title>T</title></head><body><h1>Terms</h1></body></html>")
        body = (await node.request("GET", TERMS)).body
        assert body == {
            "effective_date": "2020-09-13",
            "effective": True,
            "content": "<h1>Terms</h1>",
            "succeeded_by": None,
        }
        assert (await node.request("GET", f"{TERMS}/2020-09-13")).status == 200


async def test_what_is_not_written_is_not_there(node: TalkingNode, tmp_path: Path) -> None:
    for path in (POLICY, TERMS, f"{TERMS}/2020-01-01", "/privacy-policy", "/terms-of-service"):
        assert (await node.request("GET", path)).status == 404
    async with talking_node(tmp_path / "other") as bare:
        assert (await bare.request("GET", POLICY)).body == {"error": "Record not found"}
        urls = (await bare.request("GET", "/api/v2/instance")).body["configuration"]["urls"]
        assert (urls["privacy_policy"], urls["terms_of_service"]) == (None, None)
