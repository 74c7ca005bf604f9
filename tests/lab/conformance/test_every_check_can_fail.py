"""A server that is right passes every check; with one fault it fails the check that the fault is named after.

So each check is shown to look at what it says it looks at, and no check is one that cannot fail.
"""

from __future__ import annotations

import pytest

from fediverse_node.lab.conformance.index import CHECKS
from fediverse_node.lab.conformance.verdict import Finding, Verdict
from tests.lab.conformance.conftest import Examine
from tests.lab.conformance.small_server import SmallServer, small_server

pytestmark = pytest.mark.timeout(120)

WRONG = (Verdict.FAILED, Verdict.WARNING)
# A server that takes six seconds for an answer is not worth the time of every test run.
SLOW = {"errors.time"}
# What a check is judged by may happen in another check.
ALSO = {"delivery.fetch-redirect": ("identity.redirect",)}


async def findings(examined: Examine, server: SmallServer, *only: str) -> dict[str, Finding]:
    page = f"{server.base_url}/@alice"
    report = await examined(
        server.actor_uri if server.has("actor.profile") else page,
        only=only,
        private=server.private_uri,
        deleted=server.deleted_uri,
    )
    return {finding.id: finding for finding in report.findings}


async def test_a_server_without_a_fault_passes_everything(examined: Examine) -> None:
    async with small_server() as server:
        found = await findings(examined, server)
    assert {id_: (f.verdict, f.said) for id_, f in found.items() if f.verdict is not Verdict.PASSED} == {}


@pytest.mark.parametrize("id_", [check.id for check in CHECKS if check.id not in SLOW])
async def test_the_check_finds_the_fault_that_it_looks_for(id_: str, examined: Examine) -> None:
    async with small_server(id_) as server:
        found = await findings(examined, server, id_, *ALSO.get(id_, ()))
    assert found[id_].verdict in WRONG, found[id_].said


async def test_one_fault_is_found_by_few_checks(examined: Examine) -> None:
    async with small_server("forged.old") as server:
        found = await findings(examined, server)
    assert [id_ for id_, f in found.items() if f.verdict in WRONG] == ["forged.old"]


async def test_what_was_sent_is_undone(examined: Examine) -> None:
    async with small_server() as server:
        await findings(examined, server)
        assert server.inbox is not None
        assert (server.inbox.followers, server.inbox.likes, server.inbox.replies) == (set(), set(), {})


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_every_check_says_what_why_and_what_to_do(check: object) -> None:
    texts = [getattr(check, name) for name in ("title", "why", "advice")]
    assert all(len(text) > 10 for text in texts)
    assert not texts[0].endswith(".")
    assert texts[1].endswith((".", ":"))
    assert texts[2].endswith(".")
