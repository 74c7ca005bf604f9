from __future__ import annotations

from dataclasses import replace

import pytest

from fediverse_node.domain import votes
from fediverse_node.domain.activities import create
from fediverse_node.domain.effects import Deliver, NewVotes, Put
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Object, Visibility
from tests.activities.builders import (
    ALICE,
    BOB,
    CAROL,
    NOW_MS,
    ZOE,
    Given,
    a_note,
    a_poll,
    a_world,
    an_object,
    outline,
    received,
)

OURS = replace(an_object(ALICE), type="Question", poll=a_poll())
MANY = replace(OURS, poll=a_poll(multiple=True))
ENDED = replace(OURS, poll=a_poll(expires_ms=NOW_MS))
CLOSED = replace(OURS, poll=a_poll(closed_ms=NOW_MS - 1))
PRIVATE = replace(OURS, visibility=Visibility.FOLLOWERS)
THEIRS = replace(an_object(ZOE, 102), type="Question", poll=a_poll())
TEA, COFFEE = "vote (0,) by bob", "vote (1,) by bob"


@pytest.mark.parametrize(
    "question, facts, choice, expected",
    [
        pytest.param(OURS, a_world(Given(objects=[OURS])), "coffee", COFFEE, id="a choice counts"),
        pytest.param(OURS, a_world(Given(objects=[OURS])), "milk", "refuse MALFORMED", id="only what is offered"),
        pytest.param(ENDED, a_world(Given(objects=[ENDED])), "tea", "refuse CLOSED", id="not after the end"),
        pytest.param(CLOSED, a_world(Given(objects=[CLOSED])), "tea", "refuse CLOSED", id="not when it was closed"),
        pytest.param(
            OURS, a_world(Given(objects=[OURS]), votes={(BOB.id, 100): (0,)}), "tea", "refuse ALREADY_DONE", id="once"
        ),
        pytest.param(
            OURS,
            a_world(Given(objects=[OURS]), votes={(BOB.id, 100): (0,)}),
            "coffee",
            "refuse ALREADY_DONE",
            id="one choice where one is asked for",
        ),
        pytest.param(
            MANY,
            a_world(Given(objects=[MANY]), votes={(BOB.id, 100): (0,)}),
            "coffee",
            COFFEE,
            id="several where offered",
        ),
        pytest.param(
            MANY,
            a_world(Given(objects=[MANY]), votes={(BOB.id, 100): (0,)}),
            "tea",
            "refuse ALREADY_DONE",
            id="never the same twice",
        ),
        pytest.param(
            OURS,
            a_world(Given(objects=[OURS], blocks=[(ALICE, BOB)])),
            "tea",
            "refuse NOT_PERMITTED",
            id="not when blocked",
        ),
        pytest.param(
            PRIVATE, a_world(Given(objects=[PRIVATE])), "tea", "refuse NOT_PERMITTED", id="not where one cannot see it"
        ),
        pytest.param(
            PRIVATE,
            a_world(Given(objects=[PRIVATE], follows=[(BOB, ALICE)])),
            "tea",
            TEA,
            id="as a follower who sees it",
        ),
        pytest.param(
            THEIRS, a_world(Given(objects=[THEIRS])), "tea", "refuse NOT_OURS", id="votes for others are counted there"
        ),
    ],
)
def test_somebody_elsewhere_votes(question: Object, facts: Facts, choice: str, expected: str) -> None:
    vote = {k: v for k, v in a_note(BOB, name=choice, inReplyTo=question.uri).items() if k != "content"}
    assert outline(create.decide(received("Create", BOB, vote), facts)) == [expected]


@pytest.mark.parametrize(
    "question, choices, expected",
    [
        pytest.param(THEIRS, [1], ["vote (1,) by carol", "send Create to zoe"], id="a vote travels"),
        pytest.param(OURS, [1], ["vote (1,) by carol"], id="a vote for a neighbour stays here"),
        pytest.param(OURS, [0, 1], ["refuse MALFORMED"], id="one choice where one is asked for"),
        pytest.param(MANY, [0, 1, 0], ["vote (0, 1) by carol"], id="several where offered, each once"),
        pytest.param(OURS, [2], ["refuse MALFORMED"], id="only what is offered"),
        pytest.param(OURS, [-1], ["refuse MALFORMED"], id="nothing counted from the end"),
        pytest.param(OURS, [], ["refuse MALFORMED"], id="at least one"),
        pytest.param(ENDED, [0], ["refuse CLOSED"], id="not after the end"),
        pytest.param(an_object(ALICE), [0], ["refuse UNKNOWN_OBJECT"], id="only in polls"),
    ],
)
def test_one_of_ours_votes(question: Object, choices: list[int], expected: list[str]) -> None:
    facts = a_world(Given(objects=[question]))
    assert outline(votes.compose(CAROL, question, choices, facts)) == expected


def test_nobody_votes_in_their_own_poll() -> None:
    assert outline(votes.compose(ALICE, OURS, [0], a_world(Given(objects=[OURS])))) == ["refuse NOT_PERMITTED"]


def test_each_choice_travels_as_a_note_of_its_own_and_is_counted_over_there() -> None:
    question = replace(THEIRS, poll=a_poll(multiple=True))
    effects = list(votes.compose(CAROL, question, [0, 1], a_world(Given(objects=[question]))))
    notes = [effect.document["object"] for effect in effects if isinstance(effect, Deliver)]
    assert [note["name"] for note in notes] == ["tea", "coffee"]
    assert all("content" not in note and note["to"] == [ZOE.uri] for note in notes)
    assert len({note["id"] for note in notes}) == 2
    stored = [effect.record for effect in effects if isinstance(effect, Put)]
    assert [record.counts for record in stored if isinstance(record, NewVotes)] == [False]
