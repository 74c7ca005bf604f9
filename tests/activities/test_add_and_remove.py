from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.domain.activities import add, remove
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.effects import Deliver
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Object, Visibility
from fediverse_node.domain.policy import MAX_PINS
from fediverse_node.protocol.addressing import PUBLIC
from tests.activities.builders import (
    ALICE,
    BOB,
    CAROL,
    EVE,
    NEIGHBOUR,
    Given,
    a_world,
    an_announce,
    an_object,
    only,
    outline,
    received,
)

NOTE = an_object(BOB, 1)
DIRECT = an_object(BOB, 2, Visibility.DIRECT)
NEIGHBOURS = an_object(NEIGHBOUR, 3)
PASSED_ON = an_announce(BOB, NEIGHBOURS)
UNKNOWN = f"{BOB.uri}/statuses/404"
OBJECTS = [NOTE, DIRECT, NEIGHBOURS, PASSED_ON]
KNOWN = a_world(Given(objects=OBJECTS))
FEATURED = BOB.featured_uri


@pytest.mark.parametrize(
    "facts, object_, target, added, removed",
    [
        pytest.param(KNOWN, NOTE.uri, FEATURED, "pin of 1 by bob", "unpin of 1 by bob", id="one's own note"),
        pytest.param(
            KNOWN, NEIGHBOURS.uri, FEATURED, "refuse NOT_THE_OWNER", "refuse NOT_THE_OWNER", id="a neighbour's note"
        ),
        pytest.param(
            KNOWN, NOTE.uri, EVE.featured_uri, "refuse UNSUPPORTED", "refuse UNSUPPORTED", id="another's collection"
        ),
        pytest.param(KNOWN, NOTE.uri, None, "refuse UNSUPPORTED", "refuse UNSUPPORTED", id="no collection"),
        pytest.param(
            KNOWN,
            {"type": "Hashtag", "name": "#cats", "href": "https://far.example/tags/cats"},
            FEATURED,
            "refuse UNKNOWN_OBJECT",
            "refuse UNKNOWN_OBJECT",
            id="a featured hashtag of somebody whom nobody reads",
        ),
        pytest.param(
            a_world(Given(follows=[(ALICE, BOB)])),
            {"type": "Hashtag", "name": "#cats", "href": "https://far.example/tags/cats"},
            FEATURED,
            "fetch featured",
            "fetch featured",
            id="a featured hashtag",
        ),
        pytest.param(
            a_world(Given(follows=[(ALICE, BOB)])),
            UNKNOWN,
            FEATURED,
            "fetch featured",
            "refuse UNKNOWN_OBJECT",
            id="an unknown note of a followed actor",
        ),
        pytest.param(
            KNOWN, UNKNOWN, FEATURED, "refuse UNKNOWN_OBJECT", "refuse UNKNOWN_OBJECT", id="a stranger's unknown note"
        ),
    ],
)
def test_somebody_elsewhere_pins(facts: Facts, object_: Any, target: str | None, added: str, removed: str) -> None:
    assert outline(add.decide(received("Add", BOB, object_, target=target), facts)) == [added]
    assert outline(remove.decide(received("Remove", BOB, object_, target=target), facts)) == [removed]


@pytest.mark.parametrize("object_", [DIRECT, PASSED_ON], ids=["a direct note", "an announce"])
def test_what_cannot_be_pinned(object_: Object) -> None:
    verified = received("Add", BOB, object_.uri, target=FEATURED)
    assert outline(add.decide(verified, KNOWN)) == ["refuse NOT_PERMITTED"]


def test_nobody_pins_on_a_neighbours_profile() -> None:
    verified = received("Add", NEIGHBOUR, NOTE.uri, target=FEATURED)
    assert outline(add.decide(verified, KNOWN)) == ["refuse UNSUPPORTED"]


def test_a_blocked_host_pins_nothing() -> None:
    facts = a_world(Given(objects=OBJECTS), domains=DomainPolicy.suspending("far.example"))
    assert outline(add.decide(received("Add", BOB, NOTE.uri, target=FEATURED), facts)) == ["refuse SUSPENDED"]


MINE = an_object(ALICE)


@pytest.mark.parametrize(
    "object_, pinned, expected",
    [
        pytest.param(MINE, 0, ["pin of 100 by alice", "send Add to followers"], id="the first"),
        pytest.param(MINE, MAX_PINS - 1, ["pin of 100 by alice", "send Add to followers"], id="the last that fits"),
        pytest.param(MINE, MAX_PINS, ["refuse NOT_PERMITTED"], id="one too many"),
        pytest.param(an_object(CAROL), 0, ["refuse NOT_THE_OWNER"], id="a neighbour's note"),
        pytest.param(an_object(ALICE, 101, Visibility.DIRECT), 0, ["refuse NOT_PERMITTED"], id="a direct note"),
    ],
)
def test_one_of_ours_pins(object_: Object, pinned: int, expected: list[str]) -> None:
    assert outline(add.compose(ALICE, object_, pinned, KNOWN)) == expected


def test_one_of_ours_unpins() -> None:
    effects = list(remove.compose(ALICE, MINE, KNOWN))
    assert outline(effects) == ["unpin of 100 by alice", "send Remove to followers"]
    document = only(Deliver, effects).document
    assert (document["object"], document["target"]) == (MINE.uri, ALICE.featured_uri)
    assert document["to"] == [PUBLIC]
    assert outline(remove.compose(CAROL, MINE, KNOWN)) == ["refuse NOT_THE_OWNER"]


def test_pinning_a_followers_only_note_does_not_tell_the_world() -> None:
    private = an_object(ALICE, 102, Visibility.FOLLOWERS)
    document = only(Deliver, add.compose(ALICE, private, 0, KNOWN)).document
    assert document["to"] == [ALICE.followers_uri]
    assert PUBLIC not in document["cc"]
