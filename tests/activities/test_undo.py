from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.domain.activities import undo
from fediverse_node.domain.effects import Deliver
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor
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
    follow_uri,
    only,
    outline,
    received,
)

NOTE = an_object(ALICE)
PASSED_ON = an_announce(BOB, NOTE)
LIKE = f"{BOB.uri}/likes/1"
BLOCK = f"{BOB.uri}/blocks/1"
FACTS = a_world(
    Given(follows=[(BOB, ALICE), (EVE, ALICE)], objects=[NOTE, PASSED_ON], likes=[(BOB, NOTE)], blocks=[(BOB, CAROL)]),
    likes_by_uri={LIKE: (BOB.id, NOTE.id)},
    blocks_by_uri={BLOCK: (BOB.id, CAROL.id)},
)


def of(kind: str, id_: str | None, object_: str, by: str = BOB.uri) -> dict[str, str]:
    document = {"type": kind, "actor": by, "object": object_}
    return {"id": id_, **document} if id_ else document


@pytest.mark.parametrize(
    "by, object_, expected",
    [
        pytest.param(BOB, follow_uri(BOB, ALICE), "unfollow of alice by bob", id="a follow by id"),
        pytest.param(BOB, of("Follow", "https://far.example/x", ALICE.uri), "unfollow of alice by bob", id="a follow"),
        pytest.param(BOB, LIKE, "unlike of 100 by bob", id="a like by id"),
        pytest.param(BOB, of("Like", LIKE, NOTE.uri), "unlike of 100 by bob", id="a like"),
        pytest.param(BOB, of("Like", None, NOTE.uri), "unlike of 100 by bob", id="a like without an id"),
        pytest.param(BOB, PASSED_ON.uri, "delete 200 without a trace", id="an announce by id"),
        pytest.param(BOB, of("Announce", PASSED_ON.uri, NOTE.uri), "delete 200 without a trace", id="an announce"),
        pytest.param(BOB, of("Announce", None, NOTE.uri), "delete 200 without a trace", id="an announce without an id"),
        pytest.param(BOB, BLOCK, "unblock of carol by bob", id="a block by id"),
        pytest.param(BOB, of("Block", BLOCK, CAROL.uri), "unblock of carol by bob", id="a block"),
        pytest.param(BOB, of("Block", None, CAROL.uri), "unblock of carol by bob", id="a block without an id"),
        pytest.param(
            BOB,
            of("Announce", f"{BOB.uri}/announces/9", "https://gone.example/1"),
            "tombstone 9",
            id="an announce that has not come yet is kept out",
        ),
        pytest.param(
            BOB,
            of("Announce", "https://third.example/9", "https://gone.example/1"),
            "refuse UNKNOWN_OBJECT",
            id="an unknown announce of another host is not remembered",
        ),
        pytest.param(BOB, f"{BOB.uri}/likes/404", "refuse UNKNOWN_OBJECT", id="something unknown"),
        pytest.param(BOB, of("Accept", "https://far.example/a", ALICE.uri), "refuse UNSUPPORTED", id="an accept"),
        pytest.param(EVE, LIKE, "refuse NOT_THE_OWNER", id="another's like by id"),
        pytest.param(EVE, of("Like", LIKE, NOTE.uri), "refuse NOT_THE_OWNER", id="another's like"),
        pytest.param(
            EVE, of("Like", LIKE, NOTE.uri, EVE.uri), "refuse NOT_THE_OWNER", id="another's like as one's own"
        ),
        pytest.param(NEIGHBOUR, LIKE, "refuse NOT_THE_OWNER", id="a like of a neighbour on the same host"),
        pytest.param(EVE, PASSED_ON.uri, "refuse NOT_THE_OWNER", id="another's announce"),
        pytest.param(EVE, BLOCK, "refuse NOT_THE_OWNER", id="another's block, to reach who is blocked"),
        pytest.param(NEIGHBOUR, follow_uri(BOB, ALICE), "refuse NOT_THE_OWNER", id="another's follow by id"),
        pytest.param(EVE, of("Follow", None, ALICE.uri), "refuse NOT_THE_OWNER", id="another's follow"),
        pytest.param(EVE, NOTE.uri, "refuse UNKNOWN_OBJECT", id="a post, which is deleted and not undone"),
    ],
)
def test_taking_back(by: Actor, object_: Any, expected: str) -> None:
    assert outline(undo.decide(received("Undo", by, object_), FACTS)) == [expected]


def test_an_undo_in_somebody_elses_name_does_not_touch_ones_own_things_either() -> None:
    facts = a_world(Given(objects=[NOTE], likes=[(EVE, NOTE)]))
    verified = received("Undo", EVE, of("Like", None, NOTE.uri, BOB.uri))
    assert outline(undo.decide(verified, facts)) == ["refuse NOT_THE_OWNER"]


def test_one_undo_takes_back_one_thing_even_if_its_id_and_its_content_name_two() -> None:
    # Eve's own follow of Alice under the id of another thing of hers.
    facts = a_world(Given(follows=[(EVE, ALICE), (EVE, CAROL)]))
    mixed = of("Follow", follow_uri(EVE, CAROL), ALICE.uri, EVE.uri)
    assert outline(undo.decide(received("Undo", EVE, mixed), facts)) == ["unfollow of carol by eve"]


@pytest.mark.parametrize(
    "facts, target, expected",
    [
        pytest.param(
            a_world(Given(follows=[(ALICE, BOB)])),
            BOB,
            ["unfollow of bob by alice", "send Undo to bob"],
            id="a remote actor is told",
        ),
        pytest.param(
            a_world(Given(requests=[(ALICE, BOB)])),
            BOB,
            ["unfollow of bob by alice", "send Undo to bob"],
            id="a request is taken back the same way",
        ),
        pytest.param(
            a_world(Given(follows=[(ALICE, CAROL)])),
            CAROL,
            ["unfollow of carol by alice"],
            id="a neighbour is not told",
        ),
        pytest.param(a_world(), BOB, ["refuse ALREADY_DONE"], id="who is not followed cannot be unfollowed"),
    ],
)
def test_one_of_ours_unfollows(facts: Facts, target: Actor, expected: list[str]) -> None:
    assert outline(undo.compose_unfollow(ALICE, target, facts)) == expected


@pytest.mark.parametrize(
    "facts, target, expected",
    [
        pytest.param(
            a_world(Given(blocks=[(ALICE, BOB)])),
            BOB,
            ["unblock of bob by alice", "send Undo to bob"],
            id="a remote actor is told",
        ),
        pytest.param(
            a_world(Given(blocks=[(ALICE, CAROL)])), CAROL, ["unblock of carol by alice"], id="a neighbour is not told"
        ),
        pytest.param(a_world(Given(blocks=[(BOB, ALICE)])), BOB, ["refuse ALREADY_DONE"], id="another's block stays"),
    ],
)
def test_one_of_ours_unblocks(facts: Facts, target: Actor, expected: list[str]) -> None:
    assert outline(undo.compose_unblock(ALICE, target, f"{ALICE.uri}/b/1", facts)) == expected


def test_our_undo_embeds_the_follow_under_the_id_it_was_sent_with() -> None:
    facts = a_world(Given(follows=[(ALICE, BOB)]))
    document = only(Deliver, undo.compose_unfollow(ALICE, BOB, facts)).document
    assert document["object"]["id"] == follow_uri(ALICE, BOB)
    assert document["object"]["type"] == "Follow"
    assert document["id"] != document["object"]["id"]
