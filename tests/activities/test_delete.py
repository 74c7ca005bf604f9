from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.domain.activities import delete
from fediverse_node.domain.effects import Deliver
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, Visibility
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
OURS = an_object(ALICE)
PASSED_ON = an_announce(BOB, OURS)
FACTS = a_world(Given(objects=[NOTE, OURS, PASSED_ON]))
UNKNOWN = f"{BOB.uri}/statuses/404"


@pytest.mark.parametrize(
    "by, object_, expected",
    [
        pytest.param(BOB, NOTE.uri, "delete 1", id="one's own note"),
        pytest.param(BOB, {"id": NOTE.uri, "type": "Tombstone"}, "delete 1", id="one's own note as a tombstone"),
        pytest.param(BOB, {"id": NOTE.uri, "type": "Note"}, "delete 1", id="one's own note as it was"),
        pytest.param(BOB, PASSED_ON.uri, "delete 200 without a trace", id="one's own announce"),
        pytest.param(BOB, UNKNOWN, "tombstone 404", id="a note that has not come yet is kept out"),
        pytest.param(BOB, BOB.uri, "delete bob", id="oneself"),
        pytest.param(BOB, {"id": BOB.uri, "type": "Person"}, "delete bob", id="oneself, embedded"),
        pytest.param(EVE, NOTE.uri, "refuse NOT_THE_OWNER", id="a stranger's note"),
        pytest.param(NEIGHBOUR, NOTE.uri, "refuse NOT_THE_OWNER", id="a note of a neighbour on the same host"),
        pytest.param(BOB, OURS.uri, "refuse NOT_THE_OWNER", id="a note of ours"),
        pytest.param(EVE, UNKNOWN, "refuse WRONG_ORIGIN", id="something unknown of another host"),
        pytest.param(
            EVE, "https://home.example/users/alice/statuses/9", "refuse WRONG_ORIGIN", id="an unknown of ours"
        ),
        pytest.param(NEIGHBOUR, BOB.uri, "refuse NOT_THE_OWNER", id="a neighbour"),
        pytest.param(EVE, ALICE.uri, "refuse NOT_THE_OWNER", id="one of us"),
        pytest.param(BOB, None, "refuse MALFORMED", id="nothing"),
        pytest.param(BOB, [NOTE.uri, BOB.uri], "refuse MALFORMED", id="several things at once"),
    ],
)
def test_somebody_elsewhere_deletes(by: Actor, object_: Any, expected: str) -> None:
    assert outline(delete.decide(received("Delete", by, object_), FACTS)) == [expected]


def test_what_is_known_as_deleted_is_not_deleted_again() -> None:
    facts = a_world(tombstones={UNKNOWN})
    assert outline(delete.decide(received("Delete", BOB, UNKNOWN), facts)) == ["refuse ALREADY_DONE"]


def test_nobody_from_outside_deletes_one_of_ours_even_in_their_name() -> None:
    assert outline(delete.decide(received("Delete", ALICE, ALICE.uri), FACTS)) == ["refuse NOT_PERMITTED"]


def test_an_unknown_actor_deletes_nothing() -> None:
    facts = a_world(Given(actors=[ALICE], objects=[NOTE]))
    assert outline(delete.decide(received("Delete", BOB, NOTE.uri), facts)) == ["refuse UNKNOWN_ACTOR"]


def test_our_delete_goes_to_followers_and_to_all_who_have_it() -> None:
    effects = list(delete.compose(OURS, ALICE, FACTS, recipients=(BOB.id,)))
    assert outline(effects) == ["delete 100", "send Delete to followers bob"]
    sent = only(Deliver, effects)
    # The object's row goes in the same transaction; the payload must not hang on it.
    assert sent.object_id is None
    assert sent.document["to"] == [PUBLIC]
    assert sent.document["object"] == {
        "id": OURS.uri,
        "type": "Tombstone",
        "formerType": "Note",
        "deleted": "2026-11-21T12:00:00Z",
    }


def test_our_delete_of_a_direct_note_tells_nobody_else() -> None:
    direct = an_object(ALICE, 101, Visibility.DIRECT)
    effects = list(delete.compose(direct, ALICE, FACTS, recipients=(BOB.id,)))
    assert outline(effects) == ["delete 101", "send Delete to bob"]
    assert only(Deliver, effects).document["to"] == [BOB.uri]


@pytest.mark.parametrize("facts", [FACTS])
def test_nobody_here_deletes_for_somebody_else(facts: Facts) -> None:
    assert outline(delete.compose(OURS, CAROL, facts)) == ["refuse NOT_THE_OWNER"]


def test_an_actor_of_ours_says_good_bye_before_it_is_forgotten() -> None:
    effects = list(delete.compose_actor(ALICE, FACTS, recipients=(BOB.id,)))
    assert outline(effects) == ["send Delete to followers bob", "delete alice"]
    document = only(Deliver, effects).document
    assert document["actor"] == document["object"] == ALICE.uri
