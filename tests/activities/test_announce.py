from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.domain.activities import announce
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.effects import Deliver
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Object, Reader, Visibility
from fediverse_node.protocol.addressing import PUBLIC
from tests.activities.builders import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
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
DIRECT = an_object(ALICE, 103, Visibility.DIRECT)
THEIRS = an_object(ZOE, 102)
ALL = [NOTE, PRIVATE, THEIRS, DIRECT]
TO_ALL: dict[str, Any] = {"to": [PUBLIC], "cc": [BOB.followers_uri]}
ID = f"{BOB.uri}/activities/Announce/7"


@pytest.mark.parametrize(
    "facts, target, expected",
    [
        pytest.param(
            a_world(Given(objects=ALL, follows=[(CAROL, BOB)])),
            NOTE,
            ["store public Announce by bob", "show carol", "tell alice of announce by bob"],
            id="followers see it and the author is told",
        ),
        pytest.param(
            a_world(Given(objects=ALL)),
            NOTE,
            ["store public Announce by bob", "show nobody", "tell alice of announce by bob"],
            id="an announce of our note counts without followers",
        ),
        pytest.param(
            a_world(Given(objects=ALL)),
            THEIRS,
            ["refuse NOT_RELEVANT"],
            id="strangers cannot fill our database with strangers' notes",
        ),
        pytest.param(
            a_world(Given(objects=ALL, follows=[(CAROL, BOB)])),
            THEIRS,
            ["store public Announce by bob", "show carol"],
            id="a followed actor passes on a stranger's note",
        ),
        pytest.param(
            a_world(Given(objects=ALL, readers=[(BOB, Reader(CAROL.id, show_announces=False))])),
            NOTE,
            ["store public Announce by bob", "show nobody", "tell alice of announce by bob"],
            id="a reader who does not want announces gets none",
        ),
        pytest.param(
            a_world(
                Given(objects=ALL, follows=[(CAROL, BOB), (DAVE, BOB)], blocks=[(CAROL, ZOE)], mutes=[(DAVE, ZOE)])
            ),
            THEIRS,
            ["store public Announce by bob", "show nobody"],
            id="nobody sees whom they block or mute",
        ),
        pytest.param(
            a_world(Given(objects=ALL, follows=[(CAROL, BOB)], blocks=[(ZOE, CAROL)])),
            THEIRS,
            ["store public Announce by bob", "show nobody"],
            id="nobody sees who blocks them",
        ),
        pytest.param(
            a_world(Given(objects=ALL, follows=[(BOB, ALICE)])),
            PRIVATE,
            ["refuse NOT_PERMITTED"],
            id="a followers-only note is not passed on",
        ),
        pytest.param(
            a_world(Given(objects=ALL)), DIRECT, ["refuse NOT_PERMITTED"], id="a direct note is not passed on"
        ),
        pytest.param(
            a_world(Given(objects=[*ALL, an_announce(BOB, NOTE)])),
            NOTE,
            ["refuse ALREADY_DONE"],
            id="the same note is not passed on twice",
        ),
        pytest.param(
            a_world(Given(objects=[*ALL, an_object(BOB, 300, uri=ID)])),
            NOTE,
            ["refuse ALREADY_DONE"],
            id="an id that is taken is not used again",
        ),
        pytest.param(
            a_world(Given(objects=ALL), tombstones={ID}),
            NOTE,
            ["refuse DELETED"],
            id="an announce that was taken back does not come late",
        ),
        pytest.param(
            a_world(Given(objects=ALL, blocks=[(ALICE, BOB)])),
            NOTE,
            ["refuse NOT_PERMITTED"],
            id="a blocked actor passes nothing on",
        ),
        pytest.param(
            a_world(Given(follows=[(ALICE, BOB)])),
            NOTE,
            ["refuse UNKNOWN_OBJECT"],
            id="what is unknown is not passed on",
        ),
        pytest.param(a_world(), NOTE, ["refuse NOT_RELEVANT"], id="what nobody here would read is not asked for"),
        pytest.param(
            a_world(Given(objects=ALL), domains=DomainPolicy.suspending("far.example")),
            NOTE,
            ["refuse SUSPENDED"],
            id="a blocked host passes nothing on",
        ),
    ],
)
def test_somebody_elsewhere_passes_on(facts: Facts, target: Object, expected: list[str]) -> None:
    assert outline(announce.decide(received("Announce", BOB, target.uri, **TO_ALL), facts)) == expected


@pytest.mark.parametrize("id_", [f"{ZOE.uri}/announces/1", None])
def test_an_announce_needs_an_id_of_its_own_host(id_: str | None) -> None:
    verified = received("Announce", BOB, NOTE.uri, id=id_, **TO_ALL)
    assert outline(announce.decide(verified, a_world(Given(objects=ALL)))) == ["refuse MALFORMED"]


@pytest.mark.parametrize(
    "target, reach, expected",
    [
        pytest.param(
            THEIRS,
            Visibility.PUBLIC,
            ["store public Announce by carol", "show carol", "send Announce to followers zoe"],
            id="the remote author and all followers get it",
        ),
        pytest.param(
            NOTE,
            Visibility.UNLISTED,
            [
                "store unlisted Announce by carol",
                "show carol",
                "tell alice of announce by carol",
                "send Announce to followers",
            ],
            id="a neighbour is notified",
        ),
        pytest.param(PRIVATE, Visibility.PUBLIC, ["refuse NOT_PERMITTED"], id="nobody widens a followers-only note"),
    ],
)
def test_one_of_ours_passes_on(target: Object, reach: Visibility, expected: list[str]) -> None:
    facts = a_world(Given(objects=ALL, follows=[(CAROL, ALICE)]))
    assert outline(announce.compose(CAROL, target, reach, facts)) == expected


def test_the_author_of_a_followers_only_note_may_show_it_to_followers_again() -> None:
    facts = a_world(Given(objects=ALL))
    effects = list(announce.compose(ALICE, PRIVATE, Visibility.FOLLOWERS, facts))
    document = only(Deliver, effects).document
    assert PUBLIC not in document["to"] + document["cc"]
    assert document["to"] == [ALICE.followers_uri]


def test_taking_an_announce_back_leaves_no_tombstone() -> None:
    mine = an_announce(CAROL, THEIRS)
    facts = a_world(Given(objects=[*ALL, mine]))
    effects = list(announce.compose_undo(CAROL, THEIRS, mine, facts))
    assert outline(effects) == ["delete 200 without a trace", "send Undo to followers zoe"]
    assert only(Deliver, effects).document["object"]["id"] == mine.uri
