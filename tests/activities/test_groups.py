from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.domain import group_news, groups, relays
from fediverse_node.domain.activities import RULES
from fediverse_node.domain.effects import Deliver
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, GroupPost, GroupRules, Relay, Visibility
from fediverse_node.protocol.activitystreams import parse_activity
from fediverse_node.protocol.addressing import PUBLIC
from tests.activities.builders import (
    ALICE,
    BOATS,
    BOB,
    CAROL,
    CLUB,
    DAVE,
    EVE,
    NAMES,
    PEOPLE,
    ZOE,
    Given,
    a_note,
    a_world,
    an_actor,
    an_announce,
    an_object,
    only,
    outline,
    received,
)

EVERYBODY = (*PEOPLE, BOATS, CLUB)
POST = an_object(BOB)
IN_BOATS = {POST.id: (GroupPost(POST.id, BOATS.id),)}
TO_BOATS: dict[str, Any] = {"to": [PUBLIC, BOATS.uri], "audience": BOATS.uri}


def a_group_world(
    *, posting: str = "members", moderators: tuple[Actor, ...] = (), given: dict[str, Any] | None = None, **facts: Any
) -> Facts:
    rules = {BOATS.id: GroupRules(posting, frozenset(each.id for each in moderators))}
    return a_world(Given(actors=EVERYBODY, **(given or {})), group_rules=rules, **facts)


MEMBER: dict[str, Any] = {"follows": [(BOB, BOATS), (CAROL, BOATS)]}
PASSED_ON = ["100 is in boats", "send Announce to followers"]
SHOWN = ["store public Announce by boats", "show carol", "send Announce to followers"]


@pytest.mark.parametrize(
    "facts, note, is_in, is_shown",
    [
        pytest.param(a_group_world(given=MEMBER), TO_BOATS, True, True, id="what members write"),
        pytest.param(a_group_world(), TO_BOATS, False, False, id="not what strangers write"),
        pytest.param(a_group_world(posting="everybody"), TO_BOATS, True, True, id="unless everybody may"),
        pytest.param(
            a_group_world(posting="moderators", given=MEMBER), TO_BOATS, False, False, id="only moderators may"
        ),
        pytest.param(
            a_group_world(posting="moderators", moderators=(BOB,), given=MEMBER), TO_BOATS, True, True, id="a moderator"
        ),
        pytest.param(
            a_group_world(given=MEMBER, group_bans={(BOATS.id, BOB.id)}), TO_BOATS, False, False, id="not the banned"
        ),
        pytest.param(
            a_group_world(given={"requests": [(BOB, BOATS)]}), TO_BOATS, False, False, id="asking is not joining"
        ),
        pytest.param(a_group_world(given=MEMBER), {"to": [BOATS.uri], "cc": []}, False, False, id="not private words"),
        pytest.param(
            a_group_world(given=MEMBER),
            {"to": [BOB.followers_uri, BOATS.uri], "cc": []},
            False,
            False,
            id="not what followers alone may read",
        ),
        pytest.param(
            a_group_world(given={**MEMBER, "objects": [POST]}, group_posts=IN_BOATS),
            {"inReplyTo": POST.uri},
            True,
            False,
            id="an answer to what is in the group is in it, and shown to nobody as new",
        ),
        pytest.param(
            a_group_world(
                given={**MEMBER, "objects": [POST]},
                group_posts={POST.id: (GroupPost(POST.id, BOATS.id, removed=True),)},
            ),
            {"inReplyTo": POST.uri},
            False,
            False,
            id="not an answer to what was taken out",
        ),
    ],
)
def test_what_a_group_here_passes_on(facts: Facts, note: dict[str, Any], is_in: bool, is_shown: bool) -> None:
    verified = received("Create", BOB, a_note(BOB, 1, **note))
    told = [each for each in outline(RULES["Create"].decide(verified, facts)) if "boats" in each or "Announce" in each]
    told = [each for each in told if not each.startswith("tell ")]
    assert any(each.endswith("is in boats") for each in told) is is_in
    assert ("store public Announce by boats" in told) is is_shown
    assert told.count("send Announce to followers") == is_in + is_shown


def test_what_is_passed_on_is_not_changed() -> None:
    verified = received("Create", BOB, a_note(BOB, 1, **TO_BOATS), proof={"type": "DataIntegrityProof"})
    effects = RULES["Create"].decide(verified, a_group_world(given=MEMBER))
    whole, by_address = [each for each in effects if isinstance(each, Deliver)]
    assert whole.document["object"] == verified.activity.raw
    assert by_address.document["object"] == f"{BOB.uri}/statuses/1"
    assert (whole.signer_id, whole.document["actor"]) == (BOATS.id, BOATS.uri)


def test_in_a_closed_conversation_only_moderators_are_heard() -> None:
    closed = {POST.id: (GroupPost(POST.id, BOATS.id, locked=True),)}
    note = a_note(BOB, 1, inReplyTo=POST.uri)
    for moderators, expected in (((), 0), ((BOB,), 1)):
        facts = a_group_world(given={**MEMBER, "objects": [POST]}, group_posts=closed, moderators=moderators)
        told = outline(RULES["Create"].decide(received("Create", BOB, note), facts))
        assert told.count("send Announce to followers") == expected
        answer = an_object(ALICE, 300, in_reply_to_id=POST.id, thread_id=POST.id)
        assert groups.is_locked(answer, facts)


MODERATED = {"objects": [POST, an_announce(BOATS, POST)]}


@pytest.mark.parametrize(
    "kind, object_, more, expected",
    [
        pytest.param(
            "Delete",
            POST.uri,
            {},
            [
                "send Announce to followers",
                "100 is out of boats",
                "delete 200 without a trace",
                "send Undo to followers",
            ],
            id="a post is taken out, and stays",
        ),
        pytest.param("Lock", POST.uri, {}, ["send Announce to followers", "100 is closed in boats"], id="closed"),
        pytest.param(
            "Block",
            BOB.uri,
            {"target": BOATS.uri},
            [
                "send Announce to followers",
                "bob is banned from boats",
                "bob does not moderate boats",
                "unfollow of boats by bob",
                "send Reject to bob",
            ],
            id="a member is banned",
        ),
        pytest.param(
            "Add",
            BOB.uri,
            {"target": NAMES.moderators(BOATS.uri)},
            ["bob moderates boats", "send Announce to followers"],
            id="another moderator",
        ),
    ],
)
def test_what_moderators_may(kind: str, object_: str, more: dict[str, Any], expected: list[str]) -> None:
    given = {**MEMBER, **MODERATED}
    verified = received(kind, ZOE, object_, **more)
    facts = a_group_world(given=given, group_posts=IN_BOATS, moderators=(ZOE,))
    assert outline(RULES[kind].decide(verified, facts)) == expected
    others = outline(RULES[kind].decide(verified, a_group_world(given=given, group_posts=IN_BOATS)))
    assert all(each.startswith("refuse ") for each in others)


def test_a_moderator_of_one_group_has_no_say_in_another() -> None:
    other = an_actor("cars", 42, type="Group")
    facts = a_world(
        Given(actors=(*EVERYBODY, other), objects=[POST]),
        group_rules={other.id: GroupRules("members", frozenset({ZOE.id}))},
        group_posts=IN_BOATS,
    )
    assert outline(RULES["Delete"].decide(received("Delete", ZOE, POST.uri), facts)) == ["refuse NOT_THE_OWNER"]


# A group elsewhere

MINE = an_object(ALICE, 110)
IN_CLUB = {MINE.id: (GroupPost(MINE.id, CLUB.id),), POST.id: (GroupPost(POST.id, CLUB.id),)}


def inner(kind: str, actor: Actor, object_: object, **more: Any) -> dict[str, Any]:
    return {"id": f"{actor.uri}/inner/1", "type": kind, "actor": actor.uri, "object": object_, **more}


def club_world(**more: Any) -> Facts:
    given = {"objects": [MINE, POST], "follows": [(ALICE, CLUB)], **more.pop("given", {})}
    return a_group_world(given=given, **{"group_posts": IN_CLUB, **more})


@pytest.mark.parametrize(
    "told, facts, expected",
    [
        pytest.param(inner("Like", EVE, MINE.uri), club_world(), ["vote 1 for 110 told by club"], id="a like"),
        pytest.param(inner("Dislike", EVE, MINE.uri), club_world(), ["vote -1 for 110 told by club"], id="a dislike"),
        pytest.param(
            inner("Undo", EVE, inner("Like", EVE, MINE.uri)), club_world(), ["no vote for 110"], id="a like taken back"
        ),
        pytest.param(
            inner("Like", EVE, MINE.uri),
            club_world(group_posts={}),
            ["refuse NOT_PERMITTED"],
            id="of what is not in it",
        ),
        pytest.param(
            inner("Like", CAROL, MINE.uri), club_world(), ["refuse ALREADY_DONE"], id="in the name of one of ours"
        ),
        pytest.param(
            inner("Like", BOB, MINE.uri),
            club_world(given={"likes": [(BOB, MINE)]}),
            ["refuse ALREADY_DONE"],
            id="who said so themselves",
        ),
        pytest.param(inner("Like", EVE, f"{EVE.uri}/1"), club_world(), ["refuse UNKNOWN_OBJECT"], id="of the unknown"),
        pytest.param(
            inner("Lock", EVE, MINE.uri), club_world(), ["110 is closed in club"], id="it closes a conversation"
        ),
        pytest.param(
            inner("Undo", EVE, inner("Lock", EVE, MINE.uri)), club_world(), ["110 is open in club"], id="and opens it"
        ),
        pytest.param(
            inner("Lock", EVE, MINE.uri), club_world(group_posts={}), ["refuse NOT_PERMITTED"], id="not one elsewhere"
        ),
        pytest.param(
            inner("Delete", EVE, POST.uri),
            club_world(given={"objects": [MINE, POST, an_announce(CLUB, POST)]}),
            ["delete 200 without a trace", "100 is out of club"],
            id="it takes out what was in it",
        ),
        pytest.param(
            inner("Delete", EVE, POST.uri), club_world(group_posts={}), ["refuse NOT_PERMITTED"], id="not what was not"
        ),
        pytest.param(
            inner("Block", EVE, ALICE.uri, target=CLUB.uri),
            club_world(),
            ["alice is banned from club"],
            id="it bans ours",
        ),
        pytest.param(
            inner("Block", EVE, ALICE.uri, target=BOATS.uri),
            club_world(),
            ["refuse NOT_PERMITTED"],
            id="but from itself",
        ),
        pytest.param(inner("Block", EVE, ZOE.uri, target=CLUB.uri), club_world(), ["refuse NOT_OURS"], id="others: no"),
        pytest.param(
            inner("Add", EVE, POST.uri, target=CLUB.featured_uri), club_world(), ["pin of 100 by club"], id="it pins"
        ),
        pytest.param(
            inner("Add", EVE, POST.uri, target=f"{EVE.uri}/x"),
            club_world(),
            ["refuse UNSUPPORTED"],
            id="somewhere else",
        ),
        pytest.param(inner("Follow", EVE, MINE.uri), club_world(), ["refuse UNSUPPORTED"], id="follows are not told"),
        pytest.param(
            inner("Undo", EVE, f"{EVE.uri}/1"), club_world(), ["refuse UNSUPPORTED"], id="what is undone is not said"
        ),
    ],
)
def test_what_a_group_elsewhere_tells(told: dict[str, Any], facts: Facts, expected: list[str]) -> None:
    assert outline(RULES["Announce"].decide(received("Announce", CLUB, told, to=[PUBLIC]), facts)) == expected


@pytest.mark.parametrize("teller", [BOB, EVE])
def test_nobody_but_groups_tells_what_others_do(teller: Actor) -> None:
    verified = received("Announce", teller, inner("Like", ZOE, MINE.uri), to=[PUBLIC])
    assert outline(RULES["Announce"].decide(verified, club_world())) == ["refuse UNSUPPORTED"]


def test_a_new_post_in_a_group_is_shown_as_the_groups_and_an_answer_is_not() -> None:
    created = inner("Create", BOB, a_note(BOB, POST.id))
    verified = received("Announce", CLUB, created, to=[PUBLIC])
    assert outline(RULES["Announce"].decide(verified, club_world())) == ["store public Announce by club", "show alice"]
    shown = club_world(given={"objects": [MINE, POST, an_announce(CLUB, POST)]})
    assert outline(RULES["Announce"].decide(verified, shown)) == []
    answer = received("Announce", CLUB, inner("Create", BOB, a_note(BOB, POST.id, inReplyTo=MINE.uri)), to=[PUBLIC])
    assert outline(RULES["Announce"].decide(answer, club_world())) == []


def test_a_group_does_not_put_what_our_people_write_where_they_did_not() -> None:
    verified = received("Announce", CLUB, inner("Create", ALICE, a_note(ALICE, MINE.id)), to=[PUBLIC])
    effects = outline(RULES["Announce"].decide(verified, club_world(group_posts={})))
    assert not [each for each in effects if "is in club" in each]


def test_of_whom_a_group_tells_is_not_kept() -> None:
    assert EVE.uri.encode() not in group_news.voter_of(EVE.uri)
    assert group_news.voter_of(EVE.uri) != group_news.voter_of(ZOE.uri)


# Relays

RELAY = an_actor("relay", 50, "relay.example", type="Application")
ASKED = Relay(
    "https://relay.example/inbox", "mastodon", "https://relay.example/inbox", f"{NAMES.instance_actor}/follows/1"
)


def relay_world(relay: Relay, **more: Any) -> Facts:
    return a_world(Given(actors=(*PEOPLE, RELAY), **more), relays=(relay,))


def follow(relay: Relay) -> dict[str, Any]:
    return relays.subscription(relay, NAMES.instance_actor)


@pytest.mark.parametrize(
    "kind, actor, answered, expected",
    [
        pytest.param("Accept", RELAY, ASKED.follow_uri, [f"relay {ASKED.url} accepted"], id="by the id"),
        pytest.param("Accept", RELAY, follow(ASKED), [f"relay {ASKED.url} accepted"], id="with the Follow in it"),
        pytest.param("Reject", RELAY, follow(ASKED), [f"relay {ASKED.url} rejected"], id="refused"),
        pytest.param("Accept", EVE, ASKED.follow_uri, ["refuse NOT_PERMITTED"], id="by somebody who was not asked"),
    ],
)
def test_only_the_relay_that_was_asked_answers(kind: str, actor: Actor, answered: Any, expected: list[str]) -> None:
    assert outline(RULES[kind].decide(received(kind, actor, answered), relay_world(ASKED))) == expected


def test_what_a_relay_announces_is_in_nobodys_home_timeline() -> None:
    agreed = Relay(ASKED.url, "mastodon", ASKED.inbox, ASKED.follow_uri, RELAY.uri, "accepted")
    verified = received("Announce", RELAY, POST.uri, to=[PUBLIC])
    assert outline(RULES["Announce"].decide(verified, relay_world(agreed, objects=[POST]))) == []
    assert outline(RULES["Announce"].decide(verified, relay_world(ASKED, objects=[POST]))) == ["refuse NOT_RELEVANT"]


@pytest.mark.parametrize(
    "kind, reach, object_, is_relayed",
    [
        pytest.param("Create", {"to": [PUBLIC]}, {"id": "x"}, True, id="what everybody may read"),
        pytest.param("Create", {"to": [], "cc": [PUBLIC]}, {"id": "x"}, False, id="not what is said quietly"),
        pytest.param("Create", {"to": [ALICE.followers_uri]}, {"id": "x"}, False, id="not what followers read"),
        pytest.param("Like", {"to": [PUBLIC]}, "x", False, id="not likes"),
        pytest.param("Delete", {"to": [PUBLIC]}, {"id": MINE.uri}, True, id="that something public is gone"),
        pytest.param(
            "Delete", {"to": [PUBLIC]}, {"id": f"{ALICE.uri}/statuses/111"}, False, id="not that something private was"
        ),
    ],
)
def test_what_goes_to_relays(kind: str, reach: dict[str, Any], object_: Any, is_relayed: bool) -> None:
    agreed = Relay(ASKED.url, "mastodon", ASKED.inbox, ASKED.follow_uri, RELAY.uri, "accepted")
    private = an_object(ALICE, 111, Visibility.FOLLOWERS)
    letter = Deliver(ALICE.id, kind, "u", {"type": kind, "object": object_, **reach}, followers_of=ALICE.id)
    facts = relay_world(agreed, objects=[MINE, private])
    [sent] = relays.with_relays([letter], facts)
    assert isinstance(sent, Deliver)
    assert bool(sent.inboxes) is is_relayed
    assert not any(getattr(x, "inboxes", ()) for x in relays.with_relays([letter], relay_world(ASKED)))


def test_a_litepub_relay_gets_the_address_announced_by_the_server_itself() -> None:
    server = replace(an_actor("home.example", 60, type="Application"), uri=NAMES.instance_actor)
    agreed = Relay(RELAY.uri, "litepub", RELAY.inbox, ASKED.follow_uri, RELAY.uri, "accepted")
    facts = a_world(Given(actors=(*PEOPLE, RELAY, server)), relays=(agreed,))
    letter = Deliver(
        ALICE.id, "Create", "u", {"type": "Create", "to": [PUBLIC], "object": {"id": MINE.uri}}, followers_of=ALICE.id
    )
    _, announce = relays.with_relays([letter], facts)
    assert isinstance(announce, Deliver)
    assert (announce.signer_id, announce.document["object"], announce.inboxes) == (server.id, MINE.uri, (RELAY.inbox,))
    assert isinstance(parse_activity(announce.document), Fail) is False


def test_who_wants_to_join_what_cannot_be_joined_is_told_so() -> None:
    facts = a_world(Given(objects=[MINE]))
    effects = list(RULES["Join"].decide(received("Join", BOB, MINE.uri), facts))
    assert outline(effects) == ["refuse UNSUPPORTED", "send Ignore to bob"]
    assert only(Deliver, effects).document["object"] == f"{BOB.uri}/activities/Join/7"
    assert outline(RULES["Leave"].decide(received("Leave", BOB, MINE.uri), facts)) == ["refuse UNSUPPORTED"]
    assert outline(RULES["Join"].decide(received("Join", BOB, POST.uri), facts)) == ["refuse NOT_OURS"]
    hidden = an_object(DAVE, 120, Visibility.FOLLOWERS)
    effects = list(RULES["Join"].decide(received("Join", BOB, hidden.uri), a_world(Given(objects=[hidden]))))
    assert outline(effects) == ["refuse UNSUPPORTED"]
