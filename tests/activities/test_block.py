from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.domain.activities import block
from fediverse_node.domain.effects import NewBlock, Put
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor
from tests.activities.builders import ALICE, BOB, CAROL, EVE, Given, a_world, only, outline, received


@pytest.mark.parametrize(
    "facts, target, expected",
    [
        pytest.param(a_world(), ALICE, "block of alice by bob", id="one of ours is blocked, and nobody is told"),
        pytest.param(a_world(), EVE, "refuse NOT_OURS", id="a block among strangers is none of our business"),
        pytest.param(
            a_world(Given(blocks=[(BOB, ALICE)])), ALICE, "refuse ALREADY_DONE", id="the same block comes once"
        ),
        pytest.param(a_world(Given(actors=[BOB])), ALICE, "refuse UNKNOWN_ACTOR", id="nobody unknown is blocked"),
    ],
)
def test_somebody_elsewhere_blocks(facts: Facts, target: Actor, expected: str) -> None:
    assert outline(block.decide(received("Block", BOB, target.uri), facts)) == [expected]


@pytest.mark.parametrize("id_, stored", [(f"{BOB.uri}/b/1", f"{BOB.uri}/b/1"), (f"{EVE.uri}/b/1", None), (None, None)])
def test_a_block_is_stored_under_an_id_of_its_own_host_or_none(id_: Any, stored: str | None) -> None:
    record = only(Put, block.decide(received("Block", BOB, ALICE.uri, id=id_), a_world())).record
    assert isinstance(record, NewBlock)
    assert record.uri == stored


@pytest.mark.parametrize(
    "facts, target, expected",
    [
        pytest.param(
            a_world(), BOB, ["block of bob by alice", "send Block to bob"], id="the server of who is blocked is told"
        ),
        pytest.param(a_world(), CAROL, ["block of carol by alice"], id="a neighbour needs no delivery"),
        pytest.param(
            a_world(Given(follows=[(ALICE, BOB), (BOB, ALICE)])),
            BOB,
            ["block of bob by alice", "send Undo to bob", "send Reject to bob", "send Block to bob"],
            id="follows end in words that every server knows",
        ),
        pytest.param(a_world(Given(blocks=[(ALICE, BOB)])), BOB, ["refuse ALREADY_DONE"], id="nobody is blocked twice"),
        pytest.param(a_world(), ALICE, ["refuse NOT_PERMITTED"], id="nobody blocks themselves"),
    ],
)
def test_one_of_ours_blocks(facts: Facts, target: Actor, expected: list[str]) -> None:
    assert outline(block.compose(ALICE, target, facts)) == expected
