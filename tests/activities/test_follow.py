from __future__ import annotations

from dataclasses import replace

import pytest

from fediverse_node.domain.activities import follow
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.effects import Deliver, NewFollow, Put
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor
from tests.activities.builders import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    EVE,
    PEOPLE,
    Given,
    a_world,
    follow_uri,
    only,
    outline,
    received,
)

LOCKED = replace(CAROL, locked=True)
WITH_LOCKED = tuple(LOCKED if person is CAROL else person for person in PEOPLE)


@pytest.mark.parametrize(
    "facts, followed, expected",
    [
        pytest.param(
            a_world(),
            ALICE,
            [
                "follow of alice by bob",
                "accept bob for alice",
                "tell alice of follow by bob",
                "send Accept to bob",
            ],
            id="an open actor is followed at once and says so",
        ),
        pytest.param(
            a_world(Given(actors=WITH_LOCKED)),
            LOCKED,
            ["request of carol by bob", "tell carol of follow_request by bob"],
            id="a locked actor gets a request and answers later",
        ),
        pytest.param(
            a_world(Given(actors=WITH_LOCKED, requests=[(BOB, CAROL)])),
            LOCKED,
            ["request of carol by bob"],
            id="a request that is repeated is not announced again",
        ),
        pytest.param(
            a_world(Given(follows=[(BOB, ALICE)])),
            ALICE,
            ["follow of alice by bob", "send Accept to bob"],
            id="a follow that exists is confirmed again without telling anybody",
        ),
        pytest.param(
            a_world(Given(actors=WITH_LOCKED, follows=[(BOB, CAROL)])),
            LOCKED,
            ["request of carol by bob", "send Accept to bob"],
            id="a follower from before the lock is confirmed again",
        ),
        pytest.param(
            a_world(Given(blocks=[(ALICE, BOB)])), ALICE, ["send Reject to bob"], id="a blocked actor is rejected"
        ),
        pytest.param(
            a_world(Given(blocks=[(BOB, ALICE)])), ALICE, ["send Reject to bob"], id="who blocks cannot follow either"
        ),
        pytest.param(
            a_world(domain_blocks={(ALICE.id, BOB.host)}),
            ALICE,
            ["send Reject to bob"],
            id="somebody of a host that is kept away from is rejected",
        ),
        pytest.param(
            a_world(Given(mutes=[(ALICE, BOB)])),
            ALICE,
            ["follow of alice by bob", "accept bob for alice", "send Accept to bob"],
            id="a muted actor follows quietly",
        ),
        pytest.param(a_world(), EVE, ["refuse NOT_OURS"], id="a follow of somebody elsewhere is none of our business"),
        pytest.param(a_world(Given(actors=[BOB])), ALICE, ["refuse UNKNOWN_ACTOR"], id="nobody unknown is followed"),
        pytest.param(
            a_world(domains=DomainPolicy.suspending("far.example")),
            ALICE,
            ["refuse SUSPENDED"],
            id="a blocked host follows nobody",
        ),
    ],
)
def test_somebody_elsewhere_follows(facts: Facts, followed: Actor, expected: list[str]) -> None:
    assert outline(follow.decide(received("Follow", BOB, followed.uri), facts)) == expected


def test_a_follow_is_not_stored_under_the_id_of_somebody_else() -> None:
    victim = follow_uri(DAVE, EVE)
    effects = list(follow.decide(received("Follow", BOB, ALICE.uri, id=victim), a_world()))
    record = only(Put, effects).record
    assert isinstance(record, NewFollow)
    assert record.uri.startswith(BOB.uri)
    assert only(Deliver, effects).document["object"]["id"] == victim


def test_the_accept_quotes_the_follow_and_goes_to_the_follower() -> None:
    document = only(Deliver, follow.decide(received("Follow", BOB, ALICE.uri), a_world())).document
    assert document["object"] == {
        "id": f"{BOB.uri}/activities/Follow/7",
        "type": "Follow",
        "actor": BOB.uri,
        "object": ALICE.uri,
        "to": [ALICE.uri],
        "cc": [],
    }
    assert document["to"] == [BOB.uri]


@pytest.mark.parametrize(
    "facts, followed, expected",
    [
        pytest.param(
            a_world(), BOB, ["request of bob by alice", "send Follow to bob"], id="a remote actor has to accept first"
        ),
        pytest.param(
            a_world(Given(follows=[(ALICE, BOB)])),
            BOB,
            ["request of bob by alice"],
            id="changed options of an accepted follow stay here",
        ),
        pytest.param(
            a_world(Given(requests=[(ALICE, BOB)])),
            BOB,
            ["request of bob by alice", "send Follow to bob"],
            id="an unanswered request is sent again",
        ),
        pytest.param(
            a_world(),
            CAROL,
            ["follow of carol by alice", "accept alice for carol", "tell carol of follow by alice"],
            id="neighbours need no delivery",
        ),
        pytest.param(
            a_world(Given(actors=WITH_LOCKED)),
            LOCKED,
            ["request of carol by alice", "tell carol of follow_request by alice"],
            id="a locked neighbour is asked",
        ),
        pytest.param(a_world(Given(blocks=[(BOB, ALICE)])), BOB, ["refuse NOT_PERMITTED"], id="not who blocks us"),
        pytest.param(a_world(), ALICE, ["refuse NOT_PERMITTED"], id="nobody follows themselves"),
        pytest.param(
            a_world(), replace(BOB, suspended=True), ["refuse NOT_PERMITTED"], id="nobody follows a suspended actor"
        ),
    ],
)
def test_one_of_ours_follows(facts: Facts, followed: Actor, expected: list[str]) -> None:
    assert outline(follow.compose(ALICE, followed, facts)) == expected
