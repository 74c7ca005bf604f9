from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.domain.activities import accept, reject
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.effects import Deliver
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor
from tests.activities.builders import (
    ALICE,
    BOB,
    CAROL,
    EVE,
    NEIGHBOUR,
    ZOE,
    Given,
    a_world,
    follow_uri,
    only,
    outline,
    received,
)

ASKED = a_world(Given(requests=[(ALICE, BOB)]))
FOLLOWS = a_world(Given(follows=[(ALICE, BOB)]))
BY_ID = follow_uri(ALICE, BOB)
EMBEDDED = {"id": BY_ID, "type": "Follow", "actor": ALICE.uri, "object": BOB.uri}
MADE_UP_ID = {**EMBEDDED, "id": "https://far.example/lost"}
WITHOUT_ID = {"type": "Follow", "actor": ALICE.uri, "object": BOB.uri}


@pytest.mark.parametrize(
    "facts, by, object_, accepted, rejected",
    [
        pytest.param(ASKED, BOB, BY_ID, "accept alice for bob", "unfollow of bob by alice", id="by id"),
        pytest.param(ASKED, BOB, EMBEDDED, "accept alice for bob", "unfollow of bob by alice", id="embedded"),
        pytest.param(ASKED, BOB, MADE_UP_ID, "accept alice for bob", "unfollow of bob by alice", id="with a lost id"),
        pytest.param(ASKED, BOB, WITHOUT_ID, "accept alice for bob", "unfollow of bob by alice", id="without an id"),
        pytest.param(
            FOLLOWS, BOB, BY_ID, "refuse ALREADY_DONE", "unfollow of bob by alice", id="of an accepted follow"
        ),
        pytest.param(ASKED, EVE, BY_ID, "refuse NOT_PERMITTED", "refuse NOT_PERMITTED", id="by a third party"),
        pytest.param(
            ASKED, EVE, EMBEDDED, "refuse NOT_PERMITTED", "refuse NOT_PERMITTED", id="embedded by a third party"
        ),
        pytest.param(
            ASKED,
            NEIGHBOUR,
            BY_ID,
            "refuse NOT_PERMITTED",
            "refuse NOT_PERMITTED",
            id="by another actor of the same host",
        ),
        pytest.param(
            ASKED,
            EVE,
            {**EMBEDDED, "object": EVE.uri},
            "refuse NOT_PERMITTED",
            "refuse NOT_PERMITTED",
            id="of somebody else's follow under a changed pair",
        ),
        pytest.param(
            a_world(), BOB, BY_ID, "refuse UNKNOWN_OBJECT", "refuse UNKNOWN_OBJECT", id="of a follow nobody asked for"
        ),
        pytest.param(
            a_world(),
            BOB,
            EMBEDDED,
            "send Undo to bob",
            "refuse UNKNOWN_OBJECT",
            id="of a follow that was taken back or never asked for",
        ),
        pytest.param(
            a_world(),
            BOB,
            {**EMBEDDED, "actor": ZOE.uri},
            "refuse UNKNOWN_OBJECT",
            "refuse UNKNOWN_OBJECT",
            id="of a follow by somebody who does not live here",
        ),
        pytest.param(
            a_world(),
            EVE,
            EMBEDDED,
            "refuse UNKNOWN_OBJECT",
            "refuse UNKNOWN_OBJECT",
            id="of an invented follow of somebody else",
        ),
        pytest.param(
            ASKED,
            BOB,
            {"id": "https://far.example/e/1", "type": "Join", "actor": ALICE.uri, "object": BOB.uri},
            "refuse UNSUPPORTED",
            "refuse UNSUPPORTED",
            id="of something that is no follow",
        ),
    ],
)
def test_an_answer_to_a_follow(facts: Facts, by: Actor, object_: Any, accepted: str, rejected: str) -> None:
    assert outline(accept.decide(received("Accept", by, object_), facts)) == [accepted]
    assert outline(reject.decide(received("Reject", by, object_), facts)) == [rejected]


@pytest.mark.parametrize(
    "answered, undone",
    [
        pytest.param(EMBEDDED, BY_ID, id="the one they name"),
        pytest.param(MADE_UP_ID, f"{ALICE.uri}#follows/{BOB.id}", id="not one under a foreign id"),
        pytest.param(WITHOUT_ID, f"{ALICE.uri}#follows/{BOB.id}", id="not one without an id"),
    ],
)
def test_who_counts_one_of_ours_as_a_follower_by_mistake_is_told(answered: Any, undone: str) -> None:
    undo = only(Deliver, accept.decide(received("Accept", BOB, answered), a_world()))
    assert undo.document["object"]["id"] == undone
    assert (undo.document["object"]["actor"], undo.document["object"]["object"]) == (ALICE.uri, BOB.uri)
    assert undo.document["actor"] == ALICE.uri


def test_a_suspended_host_cannot_let_anybody_follow() -> None:
    facts = a_world(Given(requests=[(ALICE, BOB)]), domains=DomainPolicy.suspending("far.example"))
    assert outline(accept.decide(received("Accept", BOB, BY_ID), facts)) == ["refuse SUSPENDED"]


@pytest.mark.parametrize("rule", [accept, reject])
def test_the_follow_is_looked_for_by_its_id_and_by_whom_it_names(rule: Any) -> None:
    needs = rule.needs(received("Accept", BOB, EMBEDDED))
    assert needs.acting == BOB.uri
    assert needs.activities == (BY_ID,)
    assert set(needs.actors) == {ALICE.uri, BOB.uri}


@pytest.mark.parametrize(
    "compose, facts, follower, expected",
    [
        pytest.param(
            accept.compose,
            a_world(Given(requests=[(BOB, ALICE)])),
            BOB,
            ["accept bob for alice", "send Accept to bob"],
            id="a granted request is answered",
        ),
        pytest.param(
            accept.compose,
            a_world(Given(requests=[(CAROL, ALICE)])),
            CAROL,
            ["accept carol for alice"],
            id="a neighbour's request is granted without a delivery",
        ),
        pytest.param(
            accept.compose,
            a_world(Given(follows=[(BOB, ALICE)])),
            BOB,
            ["refuse ALREADY_DONE"],
            id="who follows already is not granted again",
        ),
        pytest.param(accept.compose, a_world(), BOB, ["refuse UNKNOWN_OBJECT"], id="nothing is granted unasked"),
        pytest.param(
            reject.compose,
            a_world(Given(requests=[(BOB, ALICE)])),
            BOB,
            ["unfollow of alice by bob", "send Reject to bob"],
            id="a refused request is answered",
        ),
        pytest.param(
            reject.compose,
            a_world(Given(follows=[(BOB, ALICE)])),
            BOB,
            ["unfollow of alice by bob", "send Reject to bob"],
            id="a removed follower is told",
        ),
        pytest.param(reject.compose, a_world(), BOB, ["refuse UNKNOWN_OBJECT"], id="who does not follow stays away"),
    ],
)
def test_one_of_ours_answers(compose: Any, facts: Facts, follower: Actor, expected: list[str]) -> None:
    assert outline(compose(ALICE, follower, facts)) == expected


def test_our_answer_names_the_follow_by_the_id_it_came_with() -> None:
    facts = a_world(Given(requests=[(BOB, ALICE)]))
    document = only(Deliver, accept.compose(ALICE, BOB, facts)).document
    assert document["object"]["id"] == follow_uri(BOB, ALICE)
    assert (document["object"]["actor"], document["object"]["object"]) == (BOB.uri, ALICE.uri)
