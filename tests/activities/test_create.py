from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fediverse_node.domain.activities import create
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.effects import Deliver, NewObject, Put
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, Object, Visibility
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.addressing import PUBLIC
from tests.activities.builders import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    EVE,
    NEIGHBOUR,
    NOW_MS,
    ZOE,
    Given,
    a_note,
    a_world,
    an_object,
    mentioning,
    only,
    outline,
    received,
)

OURS = an_object(ALICE)
MENTION = {"tag": mentioning(ALICE), "cc": [ALICE.uri]}
DIRECT = {"to": [ALICE.uri], "cc": [], "tag": mentioning(ALICE)}
REPLY = {"inReplyTo": OURS.uri}
ORPHAN = {"inReplyTo": f"{ZOE.uri}/statuses/9"}


@pytest.mark.parametrize(
    "facts, note, expected",
    [
        pytest.param(
            a_world(Given(follows=[(CAROL, BOB)])),
            {},
            ["store public Note by bob", "show carol"],
            id="a followed actor's note is shown to followers",
        ),
        pytest.param(a_world(), {}, ["refuse NOT_RELEVANT"], id="strangers cannot fill our timelines"),
        pytest.param(
            a_world(),
            MENTION,
            ["store public Note by bob", "show nobody", "tell alice of mention by bob"],
            id="a stranger's mention arrives",
        ),
        pytest.param(
            a_world(),
            DIRECT,
            ["store direct Note by bob", "show nobody", "tell alice of mention by bob"],
            id="a direct note of somebody not followed is told and not shown",
        ),
        pytest.param(
            a_world(Given(blocks=[(ALICE, BOB)])),
            MENTION,
            ["store public Note by bob", "show nobody"],
            id="a blocked actor's mention does not ring",
        ),
        pytest.param(
            a_world(Given(mutes=[(ALICE, BOB)])),
            MENTION,
            ["store public Note by bob", "show nobody"],
            id="a muted actor's mention does not ring",
        ),
        pytest.param(
            a_world(Given(objects=[OURS])),
            REPLY,
            ["store public Note by bob", "show nobody"],
            id="an answer to our note is kept for its thread",
        ),
        pytest.param(
            a_world(Given(objects=[OURS], blocks=[(ALICE, BOB)])),
            REPLY,
            ["refuse NOT_PERMITTED"],
            id="who is blocked does not answer",
        ),
        pytest.param(
            a_world(Given(follows=[(CAROL, BOB)])),
            ORPHAN,
            ["store public Note by bob", "show nobody", "fetch object"],
            id="an answer to something unknown waits for it",
        ),
        pytest.param(
            a_world(awaited={f"{BOB.uri}/statuses/1"}),
            {},
            ["store public Note by bob", "show nobody"],
            id="what an answer waits for is stored",
        ),
        pytest.param(
            a_world(Given(objects=[an_object(BOB, 1)], follows=[(CAROL, BOB)])),
            {},
            ["refuse ALREADY_DONE"],
            id="the same note comes once",
        ),
        pytest.param(
            a_world(Given(follows=[(CAROL, BOB)]), tombstones={f"{BOB.uri}/statuses/1"}),
            {},
            ["refuse DELETED"],
            id="what was deleted does not come back",
        ),
        pytest.param(
            a_world(Given(follows=[(CAROL, BOB)]), domains=DomainPolicy.suspending("far.example")),
            {},
            ["refuse SUSPENDED"],
            id="a blocked host says nothing here",
        ),
        pytest.param(
            a_world(Given(actors=[ALICE, replace(BOB, suspended=True)])),
            MENTION,
            ["refuse SUSPENDED"],
            id="a suspended actor says nothing here",
        ),
        pytest.param(
            a_world(Given(follows=[(CAROL, BOB)])),
            {"attributedTo": EVE.uri},
            ["refuse NOT_THE_OWNER"],
            id="nobody speaks for somebody else",
        ),
        pytest.param(
            a_world(Given(follows=[(CAROL, BOB)])),
            {"attributedTo": NEIGHBOUR.uri},
            ["refuse NOT_THE_OWNER"],
            id="nobody speaks for a neighbour on the same host",
        ),
        pytest.param(
            a_world(Given(follows=[(CAROL, BOB)])),
            {"id": f"{EVE.uri}/statuses/1"},
            ["refuse WRONG_ORIGIN"],
            id="an id on a foreign host is refused",
        ),
        pytest.param(
            a_world(Given(follows=[(CAROL, BOB)])),
            {"id": "https://home.example/users/alice/statuses/5"},
            ["refuse WRONG_ORIGIN"],
            id="nobody takes an id of ours",
        ),
        pytest.param(
            a_world(Given(follows=[(CAROL, BOB)])),
            {"id": "http://far.example/users/bob/statuses/1"},
            ["refuse WRONG_ORIGIN"],
            id="another scheme is another origin",
        ),
        pytest.param(a_world(), {"type": "Tombstone"}, ["refuse UNSUPPORTED"], id="a tombstone is not created"),
        pytest.param(a_world(), {"type": "ChessGame"}, ["refuse UNSUPPORTED"], id="an unknown type is kept out"),
    ],
)
def test_somebody_elsewhere_says_something(facts: Facts, note: dict[str, Any], expected: list[str]) -> None:
    assert outline(create.decide(received("Create", BOB, a_note(BOB, **note)), facts)) == expected


def test_a_create_for_a_known_private_note_cannot_widen_its_audience() -> None:
    private = an_object(BOB, 1, Visibility.DIRECT)
    facts = a_world(Given(objects=[private], follows=[(CAROL, BOB), (DAVE, EVE)]))
    by_a_stranger = received("Create", EVE, a_note(BOB))
    as_a_stranger = received("Create", EVE, a_note(BOB, attributedTo=EVE.uri))
    by_its_author = received("Create", BOB, a_note(BOB))
    assert outline(create.decide(by_a_stranger, facts)) == ["refuse NOT_THE_OWNER"]
    assert outline(create.decide(as_a_stranger, facts)) == ["refuse WRONG_ORIGIN"]
    assert outline(create.decide(by_its_author, facts)) == ["refuse ALREADY_DONE"]


def test_what_we_asked_for_is_stored_without_anybody_following() -> None:
    verified = received("Create", BOB, a_note(BOB), solicited=True)
    assert outline(create.decide(verified, a_world())) == ["store public Note by bob", "show nobody"]


def test_an_object_without_addresses_is_for_those_its_create_is_for() -> None:
    bare = {k: v for k, v in a_note(BOB, tag=mentioning(ALICE)).items() if k not in ("to", "cc")}
    effects = create.decide(received("Create", BOB, bare, cc=[ALICE.uri]), a_world())
    assert outline(effects) == ["store direct Note by bob", "show nobody", "tell alice of mention by bob"]


@pytest.mark.parametrize(
    "note, reach",
    [
        ({"to": [PUBLIC], "cc": []}, Visibility.PUBLIC),
        ({"to": "as:Public"}, Visibility.PUBLIC),
        ({"to": [], "cc": [PUBLIC]}, Visibility.UNLISTED),
        ({"to": [BOB.followers_uri], "cc": []}, Visibility.FOLLOWERS),
        ({"to": [ALICE.uri], "cc": []}, Visibility.DIRECT),
        ({"to": [EVE.followers_uri, ALICE.uri], "cc": []}, Visibility.DIRECT),
    ],
)
def test_how_far_a_note_reaches(note: dict[str, Any], reach: Visibility) -> None:
    facts = a_world(Given(follows=[(CAROL, BOB)]))
    assert _stored(received("Create", BOB, a_note(BOB, **note)), facts).visibility is reach


def test_a_note_is_stored_safe_in_its_thread_and_never_in_the_future() -> None:
    document = a_note(
        BOB,
        content="<p onclick='x()'>Hi<script>alert(1)</script> <a href='javascript:x()'>there</a></p>",
        published="2199-01-01T00:00:00Z",
        summary="<b>careful</b>",
        inReplyTo=OURS.uri,
    )
    record = _stored(received("Create", BOB, document), a_world(Given(objects=[OURS])))
    assert "script" not in record.content
    assert "onclick" not in record.content
    assert record.summary == "careful"
    assert record.sensitive
    assert record.published_ms == NOW_MS
    assert record.id >> 16 <= NOW_MS
    assert (record.in_reply_to_id, record.in_reply_to_actor_id) == (OURS.id, ALICE.id)
    assert record.thread_id == OURS.thread_id


def test_who_is_named_and_who_is_only_addressed_may_both_see_it() -> None:
    document = a_note(BOB, to=[ALICE.uri, CAROL.uri], cc=[], tag=mentioning(ALICE))
    record = _stored(received("Create", BOB, document), a_world())
    assert set(record.mention_ids) == {ALICE.id, CAROL.id}
    assert [mention["id"] for mention in record.parts["mentions"]] == [ALICE.id]


def _record(**more: Any) -> NewObject:
    known = {
        "id": 500,
        "uri": f"{ALICE.uri}/statuses/500",
        "type": "Note",
        "actor_id": ALICE.id,
        "local": True,
        "visibility": Visibility.PUBLIC,
        "published_ms": NOW_MS,
        "content": "<p>Hi</p>",
    }
    return NewObject(**{**known, **more})


@pytest.mark.parametrize(
    "record, parent, people, expected",
    [
        pytest.param(
            _record(),
            None,
            (),
            ["store public Note by alice", "show alice carol", "send Create to followers"],
            id="a note goes to followers here and elsewhere",
        ),
        pytest.param(
            _record(),
            None,
            (BOB, DAVE),
            [
                "store public Note by alice",
                "show alice carol",
                "tell dave of mention by alice",
                "send Create to followers bob",
            ],
            id="mentioned people are told where they are",
        ),
        pytest.param(
            _record(visibility=Visibility.DIRECT),
            None,
            (BOB,),
            ["store direct Note by alice", "show alice", "send Create to bob"],
            id="a direct note goes to nobody else",
        ),
        pytest.param(
            _record(visibility=Visibility.DIRECT),
            None,
            (CAROL, DAVE),
            [
                "store direct Note by alice",
                "show alice carol",
                "tell carol of mention by alice",
                "tell dave of mention by alice",
                "send Create to nobody",
            ],
            id="a direct note is in the home timeline of those it is for who follow",
        ),
        pytest.param(
            _record(in_reply_to_uri="x", in_reply_to_actor_id=ZOE.id),
            an_object(ZOE, 102),
            (),
            ["store public Note by alice", "show alice", "send Create to followers zoe"],
            id="an answer reaches whom it answers, mentioned or not",
        ),
        pytest.param(
            _record(visibility=Visibility.FOLLOWERS, in_reply_to_uri="x", in_reply_to_actor_id=ZOE.id),
            an_object(ZOE, 102),
            (),
            ["store followers Note by alice", "show alice", "send Create to followers"],
            id="a followers-only answer does not go to a stranger",
        ),
        pytest.param(_record(), an_object(EVE, 103), (), ["refuse NOT_PERMITTED"], id="who blocks us is not answered"),
    ],
)
def test_one_of_ours_says_something(
    record: NewObject, parent: Object | None, people: tuple[Actor, ...], expected: list[str]
) -> None:
    facts = a_world(Given(follows=[(CAROL, ALICE)], blocks=[(EVE, ALICE)]))
    assert outline(create.compose(record, ALICE, parent, people, facts)) == expected


def test_the_create_carries_the_note_and_its_addresses() -> None:
    effects = create.compose(_record(), ALICE, None, (), a_world())
    document = only(Deliver, effects).document
    assert document["type"] == "Create"
    assert document["to"] == document["object"]["to"] == [PUBLIC]
    assert document["object"]["id"] == f"{ALICE.uri}/statuses/500"


def _stored(verified: Verified, facts: Facts) -> NewObject:
    record = only(Put, create.decide(verified, facts)).record
    assert isinstance(record, NewObject)
    return record
