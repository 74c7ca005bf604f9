"""Our own node, examined over real sockets: nothing fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from fediverse_node.domain.model import Visibility
from fediverse_node.lab.conformance.verdict import Verdict
from fediverse_node.outbox.draft import Draft
from tests.inprocess import running_node
from tests.lab.conformance.conftest import Examine

pytestmark = pytest.mark.timeout(120)

# Optional, and not there: nothing is hidden from strangers' GETs, so their signatures are not looked at.
NOT_ASKED = {"taken.challenge", "fetching.key-loop", "fetching.key-endless"}
# The schema of NodeInfo allows no underscore in the name of the software, and lists know it by this one.
KNOWN: set[str] = set()


async def test_our_node_passes(tmp_path: Path, examined: Examine) -> None:
    async with running_node(tmp_path) as home:
        alice = await home.add_person("alice")
        outbox = home.node.outbox
        private = await outbox.post(alice, Draft("between us", visibility=Visibility.FOLLOWERS))
        deleted = await outbox.post(alice, Draft("a mistake"))
        assert isinstance(deleted, int)
        await outbox.delete(alice, deleted)
        for number in range(25):
            await outbox.post(alice, Draft(f"number {number}"))
        posts = f"{home.base_url}/users/alice/statuses"
        report = await examined(f"{home.base_url}/@alice", private=f"{posts}/{private}", deleted=f"{posts}/{deleted}")
    found = {finding.id: (finding.verdict, finding.said) for finding in report.findings}
    assert {id_: said for id_, (verdict, said) in found.items() if verdict is Verdict.FAILED} == {}
    assert {id_ for id_, (verdict, _) in found.items() if verdict is Verdict.WARNING} <= KNOWN
    assert {id_ for id_, (verdict, _) in found.items() if verdict is Verdict.SKIPPED} <= NOT_ASKED
    assert report.is_well


async def test_a_person_who_approves_followers_can_be_examined(tmp_path: Path, examined: Examine) -> None:
    async with running_node(tmp_path) as home:
        await home.add_person("alice")
        instance_actor = f"{home.base_url}/actor"
        report = await examined(instance_actor, only=("taken", "forged", "identity"))
    found = {finding.id: finding for finding in report.findings}
    # The server's own actor answers no Follow, so what counts is not seen; what is refused is.
    assert found["taken.cavage"].verdict is Verdict.PASSED
    assert found["forged.unsigned"].verdict is Verdict.PASSED
    assert not [finding for finding in report.findings if finding.verdict is Verdict.FAILED]
