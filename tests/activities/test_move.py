from __future__ import annotations

from dataclasses import replace

import pytest

from fediverse_node.domain import policy
from fediverse_node.domain.activities import move
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.effects import ChangeActor, Deliver, NewFollow, Patch, Put
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, Reader
from tests.activities.builders import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    EVE,
    HOUR_MS,
    NEIGHBOUR,
    NOW_MS,
    PEOPLE,
    ZOE,
    Given,
    a_follow,
    a_world,
    an_object,
    only,
    outline,
    received,
)

DAY_MS = 24 * HOUR_MS
NEW_BOB = replace(ZOE, also_known_as=(BOB.uri,))
BOB_HERE = replace(DAVE, also_known_as=(BOB.uri,))


def knowing(*changed: Actor) -> tuple[Actor, ...]:
    ids = {actor.id for actor in changed}
    return (*(person for person in PEOPLE if person.id not in ids), *changed)


MOVED = "change bob: moved_to_uri moved_ms"


@pytest.mark.parametrize(
    "facts, target, expected",
    [
        pytest.param(
            a_world(Given(actors=knowing(NEW_BOB), follows=[(ALICE, BOB)])),
            ZOE,
            [MOVED, "request of zoe by alice", "send Follow to zoe", "unfollow of bob by alice", "send Undo to bob"],
            id="a follower goes along",
        ),
        pytest.param(
            a_world(Given(actors=knowing(BOB_HERE), follows=[(ALICE, BOB)])),
            DAVE,
            [
                MOVED,
                "follow of dave by alice",
                "accept alice for dave",
                "tell dave of follow by alice",
                "unfollow of bob by alice",
                "send Undo to bob",
            ],
            id="a follower goes along to a neighbour without a delivery",
        ),
        pytest.param(
            a_world(Given(actors=knowing(NEW_BOB), follows=[(ALICE, BOB), (ALICE, ZOE)])),
            ZOE,
            [MOVED, "unfollow of bob by alice", "send Undo to bob"],
            id="who follows the new actor already only leaves the old one",
        ),
        pytest.param(
            a_world(Given(actors=knowing(NEW_BOB), follows=[(ALICE, BOB)], blocks=[(ALICE, ZOE)])),
            ZOE,
            [MOVED, "unfollow of bob by alice", "send Undo to bob"],
            id="who blocks the new actor does not follow it",
        ),
        pytest.param(
            a_world(Given(actors=knowing(replace(ALICE, also_known_as=(BOB.uri,))), follows=[(ALICE, BOB)])),
            ALICE,
            [MOVED, "unfollow of bob by alice", "send Undo to bob"],
            id="nobody follows themselves",
        ),
        pytest.param(a_world(Given(actors=knowing(NEW_BOB))), ZOE, [MOVED], id="a move without followers is noted"),
        pytest.param(
            a_world(Given(follows=[(ALICE, BOB)])),
            ZOE,
            ["refuse NOT_PERMITTED"],
            id="the new actor must name the old one",
        ),
        pytest.param(
            a_world(Given(actors=knowing(replace(ZOE, also_known_as=(NEIGHBOUR.uri,))), follows=[(ALICE, BOB)])),
            ZOE,
            ["refuse NOT_PERMITTED"],
            id="naming another old actor is not enough",
        ),
        pytest.param(
            a_world(Given(actors=knowing(replace(NEW_BOB, moved_to_uri=EVE.uri)), follows=[(ALICE, BOB)])),
            ZOE,
            ["refuse NOT_PERMITTED"],
            id="nobody moves to who has moved on",
        ),
        pytest.param(
            a_world(Given(actors=knowing(NEW_BOB)), domains=DomainPolicy.suspending("third.example")),
            ZOE,
            ["refuse SUSPENDED"],
            id="nobody moves to a blocked host",
        ),
        pytest.param(a_world(), BOB, ["refuse MALFORMED"], id="nobody moves to themselves"),
        pytest.param(
            a_world(Given(actors=knowing(NEW_BOB, replace(BOB, moved_ms=NOW_MS - 6 * DAY_MS)))),
            ZOE,
            ["refuse NOT_PERMITTED"],
            id="nobody moves twice in a week",
        ),
        pytest.param(
            a_world(Given(actors=knowing(NEW_BOB, replace(BOB, moved_ms=NOW_MS - 8 * DAY_MS)))),
            ZOE,
            [MOVED],
            id="after a week one may move on",
        ),
        pytest.param(a_world(Given(actors=[BOB])), ZOE, ["refuse UNKNOWN_ACTOR"], id="nobody moves to nowhere"),
    ],
)
def test_somebody_elsewhere_moves(facts: Facts, target: Actor, expected: list[str]) -> None:
    verified = received("Move", BOB, BOB.uri, target=target.uri)
    assert outline(move.decide(verified, facts)) == expected


def test_nobody_moves_somebody_else() -> None:
    target = replace(ZOE, also_known_as=(BOB.uri, NEIGHBOUR.uri))
    facts = a_world(Given(actors=knowing(target), follows=[(ALICE, BOB)]))
    verified = received("Move", NEIGHBOUR, BOB.uri, target=ZOE.uri)
    assert outline(move.decide(verified, facts)) == ["refuse NOT_THE_OWNER"]


BOB_GONE = replace(BOB, moved_to_uri=ZOE.uri)
ALICE_GONE = replace(ALICE, moved_to_uri=ZOE.uri)
ALONG = ["request of zoe by alice", "send Follow to zoe", "unfollow of bob by alice", "send Undo to bob"]


@pytest.mark.parametrize(
    "people, old, expected",
    [
        pytest.param((NEW_BOB, BOB_GONE), BOB, [MOVED, *ALONG], id="both documents name each other"),
        pytest.param((NEW_BOB,), BOB, ["refuse NOT_THE_OWNER"], id="the old one does not say that it has moved"),
        pytest.param(
            (NEW_BOB, replace(BOB, moved_to_uri=EVE.uri)), BOB, ["refuse NOT_THE_OWNER"], id="it has moved elsewhere"
        ),
        pytest.param((BOB_GONE,), BOB, ["refuse NOT_PERMITTED"], id="the new one does not name the old one"),
        pytest.param(
            (replace(ZOE, also_known_as=(ALICE.uri,)), ALICE_GONE),
            ALICE,
            ["refuse NOT_THE_OWNER"],
            id="nobody elsewhere moves one of ours",
        ),
    ],
)
def test_the_new_actor_pulls_the_followers_of_the_old_one(
    people: tuple[Actor, ...], old: Actor, expected: list[str]
) -> None:
    facts = a_world(Given(actors=knowing(*people), follows=[(ALICE, BOB)]))
    verified = received("Move", ZOE, old.uri, target=ZOE.uri)
    assert outline(move.decide(verified, facts)) == expected
    assert outline(move.found(old.uri, ZOE.uri, facts)) == expected
    assert move.needs(verified).acting == old.uri


@pytest.mark.parametrize(
    "moved_to, days, expected",
    [
        pytest.param(EVE.uri, 29, False, id="to somebody else within a month: not yet"),
        pytest.param(EVE.uri, 31, True, id="to somebody else after a month"),
        pytest.param(None, 29, False, id="again after it was taken back: not yet"),
        pytest.param(ZOE.uri, 1, True, id="to the same once more: they are told again"),
    ],
)
def test_one_of_ours_does_not_move_on_and_on(moved_to: str | None, days: int, expected: bool) -> None:
    target = replace(ZOE, also_known_as=(ALICE.uri,))
    moved = replace(ALICE, moved_to_uri=moved_to, moved_ms=NOW_MS - days * DAY_MS)
    told = outline(move.compose(moved, target, a_world(Given(actors=knowing(target, moved)))))
    assert (told[-1] == "send Move to followers zoe") is expected


def test_who_has_moved_says_and_begins_nothing_any_more_and_may_come_back() -> None:
    facts = a_world(Given(actors=knowing(ALICE_GONE)))
    assert not policy.may_follow(ALICE_GONE, BOB, facts)
    assert not policy.may_follow(BOB, ALICE_GONE, facts)
    assert not policy.may_interact(ALICE_GONE, an_object(BOB), facts)
    assert policy.may_follow(BOB, ALICE, facts)
    assert outline(move.compose_return(ALICE_GONE, facts)) == ["change alice: moved_to_uri"]
    assert outline(move.compose_return(ALICE, facts)) == ["refuse ALREADY_DONE"]


def test_the_follow_of_who_has_moved_since_stays_as_it_is() -> None:
    assert policy.may_follow(ALICE, BOB_GONE, a_world(Given(actors=knowing(BOB_GONE), follows=[(ALICE, BOB)])))


def test_a_follower_keeps_the_options_of_the_follow() -> None:
    reader = Reader(ALICE.id, show_announces=False, notify=True, languages=("de",))
    old = a_follow(ALICE, BOB)
    facts = a_world(
        Given(actors=knowing(NEW_BOB), readers=[(BOB, reader)]), follows={(old.follower_id, old.followed_id): old}
    )
    record = only(Put, move.decide(received("Move", BOB, BOB.uri, target=ZOE.uri), facts)).record
    assert isinstance(record, NewFollow)
    assert (record.show_announces, record.notify, record.languages) == (False, True, ("de",))
    assert not record.accepted


def test_the_old_actor_is_marked_with_where_it_went() -> None:
    facts = a_world(Given(actors=knowing(NEW_BOB)))
    change = only(Patch, move.decide(received("Move", BOB, BOB.uri, target=ZOE.uri), facts)).change
    assert change == ChangeActor(BOB.id, {"moved_to_uri": ZOE.uri, "moved_ms": NOW_MS})


def test_a_move_needs_the_old_actors_followers() -> None:
    needs = move.needs(received("Move", BOB, BOB.uri, target=ZOE.uri))
    assert needs.followers
    assert needs.audience
    assert needs.actors == (ZOE.uri,)


def test_one_of_ours_moves_away_and_takes_followers_along() -> None:
    target = replace(ZOE, also_known_as=(ALICE.uri,))
    facts = a_world(Given(actors=knowing(target), follows=[(CAROL, ALICE)]))
    effects = list(move.compose(ALICE, target, facts))
    assert outline(effects) == [
        "change alice: moved_to_uri moved_ms",
        "request of zoe by carol",
        "send Follow to zoe",
        "unfollow of alice by carol",
        "send Move to followers zoe",
    ]
    document = [effect for effect in effects if isinstance(effect, Deliver)][-1].document
    assert document["object"] == document["actor"] == ALICE.uri
    assert document["target"] == ZOE.uri
    assert document["to"] == [ALICE.followers_uri]


def test_one_of_ours_moves_only_to_who_names_them() -> None:
    assert outline(move.compose(ALICE, ZOE, a_world())) == ["refuse NOT_PERMITTED"]
