from __future__ import annotations

import pytest

from fediverse_node.domain.activities import like
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.effects import Deliver, NewLike, Put
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Object, Visibility
from tests.activities.builders import (
    ALICE,
    BOB,
    CAROL,
    EVE,
    ZOE,
    Given,
    a_world,
    an_announce,
    an_object,
    only,
    outline,
    received,
)

NOTE = an_object(ALICE)
PRIVATE = an_object(ALICE, 101, Visibility.FOLLOWERS)
THEIRS = an_object(ZOE, 102)
PASSED_ON = an_announce(ALICE, THEIRS)
ALL = [NOTE, PRIVATE, THEIRS, PASSED_ON]


@pytest.mark.parametrize(
    "facts, target, expected",
    [
        pytest.param(
            a_world(Given(objects=ALL)),
            NOTE,
            ["like of 100 by bob", "tell alice of like by bob"],
            id="a like of our note is stored and its author is told",
        ),
        pytest.param(a_world(), NOTE, ["refuse UNKNOWN_OBJECT"], id="a like of a note we do not have is refused"),
        pytest.param(
            a_world(Given(objects=ALL, blocks=[(ALICE, BOB)])),
            NOTE,
            ["refuse NOT_PERMITTED"],
            id="a blocked actor cannot like",
        ),
        pytest.param(
            a_world(Given(objects=ALL, blocks=[(BOB, ALICE)])),
            NOTE,
            ["refuse NOT_PERMITTED"],
            id="who blocks the author cannot like",
        ),
        pytest.param(
            a_world(Given(objects=ALL, mutes=[(ALICE, BOB)])),
            NOTE,
            ["like of 100 by bob"],
            id="a muted actor's like counts quietly",
        ),
        pytest.param(
            a_world(Given(objects=ALL), thread_mutes={(ALICE.id, NOTE.thread_id)}),
            NOTE,
            ["like of 100 by bob"],
            id="a like in a muted thread counts quietly",
        ),
        pytest.param(
            a_world(Given(objects=ALL, likes=[(BOB, NOTE)])),
            NOTE,
            ["refuse ALREADY_DONE"],
            id="a like that is sent again does not ring again",
        ),
        pytest.param(
            a_world(Given(objects=ALL)),
            PRIVATE,
            ["refuse NOT_PERMITTED"],
            id="what somebody cannot see they cannot like",
        ),
        pytest.param(
            a_world(Given(objects=ALL, follows=[(BOB, ALICE)])),
            PRIVATE,
            ["like of 101 by bob", "tell alice of like by bob"],
            id="a follower likes a followers-only note",
        ),
        pytest.param(
            a_world(Given(objects=ALL, requests=[(BOB, ALICE)])),
            PRIVATE,
            ["refuse NOT_PERMITTED"],
            id="a request to follow is not a follow",
        ),
        pytest.param(
            a_world(Given(objects=ALL)), THEIRS, ["like of 102 by bob"], id="a like of a stranger's note only counts"
        ),
        pytest.param(a_world(Given(objects=ALL)), PASSED_ON, ["refuse NOT_PERMITTED"], id="an announce has no likes"),
        pytest.param(
            a_world(Given(objects=ALL), domains=DomainPolicy.suspending("far.example")),
            NOTE,
            ["refuse SUSPENDED"],
            id="a blocked host likes nothing",
        ),
    ],
)
def test_somebody_elsewhere_likes(facts: Facts, target: Object, expected: list[str]) -> None:
    assert outline(like.decide(received("Like", BOB, target.uri), facts)) == expected


def test_a_like_is_not_stored_under_a_foreign_id() -> None:
    verified = received("Like", EVE, NOTE.uri, id=f"{BOB.uri}/likes/1")
    record = only(Put, like.decide(verified, a_world(Given(objects=ALL)))).record
    assert isinstance(record, NewLike)
    assert record.uri is None


@pytest.mark.parametrize(
    "facts, target, expected",
    [
        pytest.param(
            a_world(Given(objects=ALL)),
            THEIRS,
            ["like of 102 by carol", "send Like to zoe"],
            id="a remote author is told",
        ),
        pytest.param(
            a_world(Given(objects=ALL)),
            NOTE,
            ["like of 100 by carol", "tell alice of like by carol"],
            id="a neighbour is notified, without a delivery",
        ),
        pytest.param(
            a_world(Given(objects=ALL, likes=[(CAROL, THEIRS)])),
            THEIRS,
            ["refuse ALREADY_DONE"],
            id="nothing is liked twice",
        ),
        pytest.param(
            a_world(Given(objects=ALL, blocks=[(ZOE, CAROL)])),
            THEIRS,
            ["refuse NOT_PERMITTED"],
            id="nothing of an actor who blocks us",
        ),
    ],
)
def test_one_of_ours_likes(facts: Facts, target: Object, expected: list[str]) -> None:
    assert outline(like.compose(CAROL, target, facts)) == expected


def test_taking_a_like_back_names_the_like_by_its_id() -> None:
    facts = a_world(Given(objects=ALL, likes=[(CAROL, THEIRS)]))
    effects = list(like.compose_undo(CAROL, THEIRS, f"{CAROL.uri}/likes/5", facts))
    assert outline(effects) == ["unlike of 102 by carol", "send Undo to zoe"]
    assert only(Deliver, effects).document["object"]["id"] == f"{CAROL.uri}/likes/5"
