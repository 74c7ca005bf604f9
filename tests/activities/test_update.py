from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fediverse_node.domain.activities import update
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.effects import Deliver, EditObject, NewObject, Patch
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, Object, Version, Visibility
from fediverse_node.protocol.addressing import PUBLIC
from tests.activities.builders import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    EVE,
    HOUR_MS,
    NEIGHBOUR,
    NOW_MS,
    ZOE,
    Given,
    a_note,
    a_poll,
    a_version,
    a_world,
    an_announce,
    an_object,
    mentioning,
    only,
    outline,
    received,
)

NOTE = an_object(BOB, 1)
EDITED = replace(NOTE, updated_ms=NOW_MS - HOUR_MS // 2)  # at 11:30
QUESTION = replace(NOTE, type="Question", poll=a_poll())
NEW_TEXT: dict[str, Any] = {"content": "<p>Hello again</p>"}
AT_ELEVEN_FIFTEEN: dict[str, Any] = {"updated": "2026-11-21T11:15:00Z"}
AT_ELEVEN_FORTY_FIVE: dict[str, Any] = {"updated": "2026-11-21T11:45:00Z"}


def knowing(note: Object, before: Version | None = None, **more: Any) -> Facts:
    return a_world(Given(objects=[note]), versions={note.id: before or a_version()}, **more)


def a_question(tea: int = 3, coffee: int = 4, **more: Any) -> dict[str, Any]:
    options = [
        {"type": "Note", "name": name, "replies": {"type": "Collection", "totalItems": count}}
        for name, count in (("tea", tea), ("coffee", coffee))
    ]
    known = {"type": "Question", "oneOf": options, "endTime": "2026-11-21T13:00:00Z"}
    return a_note(BOB, **{**known, **more})


@pytest.mark.parametrize(
    "facts, document, expected",
    [
        pytest.param(
            knowing(NOTE),
            a_note(BOB, **NEW_TEXT, **AT_ELEVEN_FIFTEEN),
            ["edit 1"],
            id="a newer text is an edit",
        ),
        pytest.param(
            knowing(EDITED),
            a_note(BOB, **NEW_TEXT, **AT_ELEVEN_FIFTEEN),
            ["refuse OUTDATED"],
            id="an edit older than the one known is outdated",
        ),
        pytest.param(
            knowing(EDITED),
            a_note(BOB, **NEW_TEXT, **AT_ELEVEN_FORTY_FIVE),
            ["edit 1"],
            id="a second edit follows the first",
        ),
        pytest.param(
            knowing(EDITED),
            a_note(BOB, **NEW_TEXT, updated="2026-11-21T11:30:00Z"),
            ["refuse ALREADY_DONE"],
            id="the same edit comes once",
        ),
        pytest.param(
            knowing(NOTE),
            a_note(BOB, **NEW_TEXT),
            ["edit 1"],
            id="another text without a time is an edit made now",
        ),
        pytest.param(
            knowing(EDITED),
            a_note(BOB, **NEW_TEXT),
            ["refuse ALREADY_DONE"],
            id="a text without a time does not undo an edit that had one",
        ),
        pytest.param(knowing(NOTE), a_note(BOB), ["refuse ALREADY_DONE"], id="the same text again is nothing"),
        pytest.param(
            knowing(NOTE),
            a_note(BOB, **AT_ELEVEN_FIFTEEN),
            ["edit 1 silently"],
            id="the same text with a newer time leaves no revision",
        ),
        pytest.param(
            knowing(NOTE), a_note(BOB, summary="spoilers"), ["edit 1"], id="a content warning that comes is an edit"
        ),
        pytest.param(
            knowing(NOTE),
            a_note(BOB, attachment=[{"type": "Image", "url": "https://far.example/cat.png"}]),
            ["edit 1"],
            id="a picture that comes is an edit",
        ),
        pytest.param(
            knowing(QUESTION), a_question(5, 9), ["edit 1 silently"], id="new counts of a poll leave no revision"
        ),
        pytest.param(
            knowing(QUESTION), a_question(), ["refuse ALREADY_DONE"], id="the counts that are known are nothing"
        ),
        pytest.param(
            knowing(replace(QUESTION, updated_ms=EDITED.updated_ms)),
            a_question(5, 9, **NEW_TEXT),
            ["edit 1 silently"],
            id="late counts with the text before an edit move the counts only",
        ),
        pytest.param(
            knowing(replace(QUESTION, updated_ms=EDITED.updated_ms)),
            a_question(0, 0, oneOf=[{"name": "milk"}, {"name": "water"}]),
            ["refuse ALREADY_DONE"],
            id="late counts of other options are not taken for the new ones",
        ),
        pytest.param(
            knowing(QUESTION),
            a_question(0, 0, oneOf=[{"name": "milk"}, {"name": "water"}]),
            ["edit 1"],
            id="other options are an edit",
        ),
        pytest.param(
            knowing(NOTE, announcers={1: (CAROL.id,)}),
            a_note(BOB, **NEW_TEXT),
            ["edit 1", "tell carol of update by bob"],
            id="who passed it on learns of the edit",
        ),
        pytest.param(
            a_world(
                Given(objects=[NOTE], mutes=[(CAROL, BOB)]),
                versions={1: a_version()},
                announcers={1: (CAROL.id,)},
            ),
            a_note(BOB, **NEW_TEXT),
            ["edit 1"],
            id="who muted the author does not",
        ),
        pytest.param(
            knowing(NOTE),
            a_note(BOB, **NEW_TEXT, tag=mentioning(ALICE)),
            ["edit 1", "tell alice of mention by bob"],
            id="who is mentioned only now is told",
        ),
        pytest.param(
            knowing(NOTE, a_version(mention_ids=(ALICE.id,))),
            a_note(BOB, **NEW_TEXT, tag=mentioning(ALICE)),
            ["edit 1"],
            id="who was mentioned before is not told again",
        ),
        pytest.param(
            a_world(Given(follows=[(CAROL, BOB)])),
            a_note(BOB, **AT_ELEVEN_FIFTEEN),
            ["store public Note by bob", "show carol"],
            id="an edit that overtook its Create brings the note, if it is relevant",
        ),
        pytest.param(a_world(), a_note(BOB), ["refuse NOT_RELEVANT"], id="an edit of something irrelevant is refused"),
        pytest.param(
            a_world(Given(follows=[(CAROL, BOB)]), tombstones={NOTE.uri}),
            a_note(BOB),
            ["refuse DELETED"],
            id="an edit does not bring back what was deleted",
        ),
        pytest.param(
            knowing(NOTE, domains=DomainPolicy.suspending("far.example")),
            a_note(BOB, **NEW_TEXT),
            ["refuse SUSPENDED"],
            id="a blocked host edits nothing",
        ),
        pytest.param(knowing(NOTE), {"id": NOTE.uri, "type": "Game"}, ["refuse UNSUPPORTED"], id="an unknown type"),
        pytest.param(
            knowing(NOTE), {"id": BOB.uri, "type": "Person"}, [], id="an actor's own update was read with its facts"
        ),
        pytest.param(
            knowing(NOTE),
            {"id": NEIGHBOUR.uri, "type": "Person"},
            ["refuse NOT_THE_OWNER"],
            id="nobody updates a neighbour's profile",
        ),
    ],
)
def test_somebody_elsewhere_edits(facts: Facts, document: dict[str, Any], expected: list[str]) -> None:
    assert outline(update.decide(received("Update", BOB, document), facts)) == expected


@pytest.mark.parametrize(
    "by, document, expected",
    [
        pytest.param(EVE, a_note(BOB, **NEW_TEXT), "refuse NOT_THE_OWNER", id="by a stranger"),
        pytest.param(
            EVE, a_note(BOB, **NEW_TEXT, attributedTo=EVE.uri), "refuse WRONG_ORIGIN", id="by a stranger who claims it"
        ),
        pytest.param(NEIGHBOUR, a_note(BOB, **NEW_TEXT), "refuse NOT_THE_OWNER", id="by another actor of the host"),
        pytest.param(
            NEIGHBOUR,
            a_note(BOB, **NEW_TEXT, attributedTo=NEIGHBOUR.uri),
            "refuse NOT_THE_OWNER",
            id="by another actor of the host who claims it",
        ),
        pytest.param(
            BOB,
            a_note(ALICE, **NEW_TEXT, attributedTo=BOB.uri),
            "refuse WRONG_ORIGIN",
            id="of a note of ours",
        ),
    ],
)
def test_nobody_edits_for_somebody_else(by: Actor, document: dict[str, Any], expected: str) -> None:
    assert outline(update.decide(received("Update", by, document), knowing(NOTE))) == [expected]


def test_an_edit_does_not_change_who_may_see_it_and_keeps_whom_it_was_for() -> None:
    direct = replace(NOTE, visibility=Visibility.DIRECT)
    facts = knowing(direct, a_version(mention_ids=(ALICE.id,)))
    change = edited(a_note(BOB, **NEW_TEXT, to=[PUBLIC]), facts)
    assert "visibility" not in change.changes
    assert change.mention_ids == (ALICE.id,)


def test_an_edit_from_the_future_counts_as_now_so_that_later_ones_still_come() -> None:
    change = edited(a_note(BOB, **NEW_TEXT, updated="2199-01-01T00:00:00Z"), knowing(NOTE))
    assert change.changes["updated_ms"] == NOW_MS


def test_two_edits_are_told_apart_by_their_authors_clock_also_where_ours_is_slow() -> None:
    known = replace(NOTE, updated_ms=NOW_MS + 7_000)
    change = edited(a_note(BOB, **NEW_TEXT, updated="2026-11-21T12:01:00Z"), knowing(known))
    assert change.changes["updated_ms"] == NOW_MS + 60_000
    assert change.changes["edited_ms"] == NOW_MS


def test_an_edit_by_a_fast_clock_that_is_repeated_does_not_undo_a_later_one() -> None:
    known = replace(NOTE, updated_ms=NOW_MS + 50 * 60_000 + 1)
    repeated = a_note(BOB, **NEW_TEXT, updated="2026-11-21T12:50:00Z")
    assert outline(update.decide(received("Update", BOB, repeated), knowing(known))) == ["refuse OUTDATED"]


def test_an_edit_is_later_than_the_one_before_also_when_our_clock_was_set_back() -> None:
    before = replace(an_object(ALICE, MINE.id), updated_ms=NOW_MS + HOUR_MS)
    change = only(Patch, update.compose(MINE, ALICE, (), a_world(Given(objects=[before])))).change
    assert isinstance(change, EditObject)
    assert change.changes["updated_ms"] == NOW_MS + HOUR_MS + 1


def test_an_edit_without_a_time_is_dated_now_but_states_none() -> None:
    change = edited(a_note(BOB, **NEW_TEXT), knowing(NOTE))
    assert change.changes["edited_ms"] == NOW_MS
    assert "updated_ms" not in change.changes


def test_a_picture_that_stays_keeps_its_id() -> None:
    picture = {"id": 77, "remote_url": "https://far.example/cat.png", "description": ""}
    attachment = [
        {"type": "Image", "url": "https://far.example/cat.png"},
        {"type": "Image", "url": "https://far.example/dog.png"},
    ]
    change = edited(a_note(BOB, attachment=attachment), knowing(NOTE, a_version(attachments=(picture,))))
    cat, dog = change.changes["attachments"]
    assert cat["id"] == 77
    assert dog["id"] not in (77, None)


def test_an_edit_is_made_safe_like_a_new_text() -> None:
    change = edited(a_note(BOB, content="<p>Hi<script>alert(1)</script></p>"), knowing(NOTE))
    assert change.changes["content"] == "<p>Hi</p>"


def test_an_announce_cannot_be_edited() -> None:
    announce = an_announce(BOB, NOTE)
    document = a_note(BOB, id=announce.uri)
    facts = a_world(Given(objects=[NOTE, announce]))
    assert outline(update.decide(received("Update", BOB, document), facts)) == ["refuse MALFORMED"]


def test_an_edit_needs_the_text_as_stored_and_who_passed_it_on() -> None:
    needs = update.needs(received("Update", BOB, a_note(BOB)))
    assert needs.versions
    assert needs.announcers
    assert needs.objects == (NOTE.uri,)


MINE = NewObject(500, f"{ALICE.uri}/statuses/500", "Note", ALICE.id, True, Visibility.PUBLIC, NOW_MS - HOUR_MS)


def test_our_edit_goes_to_followers_and_to_all_who_have_it() -> None:
    facts = a_world(announcers={500: (CAROL.id,)})
    effects = list(update.compose(MINE, ALICE, (BOB, DAVE), facts, recipients=(ZOE.id, BOB.id)))
    assert outline(effects) == [
        "edit 500",
        "tell dave of mention by alice",
        "tell carol of update by alice",
        "send Update to followers bob zoe",
    ]
    document = only(Deliver, effects).document
    assert document["object"]["updated"] == "2026-11-21T12:00:00Z"
    assert document["object"]["published"] == "2026-11-21T11:00:00Z"


def test_our_edit_of_a_direct_note_does_not_go_to_followers() -> None:
    direct = replace(MINE, visibility=Visibility.DIRECT)
    assert outline(update.compose(direct, ALICE, (BOB,), a_world())) == ["edit 500", "send Update to bob"]


def test_two_edits_have_two_ids() -> None:
    facts = a_world()
    first, second = (only(Deliver, update.compose(MINE, ALICE, (), facts)).document["id"] for _ in range(2))
    assert first != second


def test_new_counts_of_our_poll_are_sent_without_making_it_an_edit() -> None:
    poll = replace(MINE, type="Question", poll=a_poll())
    sent = update.compose_counts(poll, ALICE, a_world(), recipients=(BOB.id,))
    assert outline([sent]) == ["send Update to followers bob"]
    assert "updated" not in sent.document["object"]
    assert [option["replies"]["totalItems"] for option in sent.document["object"]["oneOf"]] == [3, 4]


def test_nobody_here_edits_for_somebody_else() -> None:
    assert outline(update.compose(MINE, CAROL, (), a_world())) == ["refuse NOT_THE_OWNER"]


def test_a_new_profile_goes_to_followers() -> None:
    document = {"@context": "https://www.w3.org/ns/activitystreams", "id": ALICE.uri, "type": "Person"}
    effects = list(update.compose_actor(ALICE, document, a_world()))
    assert outline(effects) == ["send Update to followers"]
    sent = only(Deliver, effects).document
    assert sent["object"] == {"id": ALICE.uri, "type": "Person"}
    assert sent["to"] == [PUBLIC]


def edited(document: dict[str, Any], facts: Facts) -> EditObject:
    change = only(Patch, update.decide(received("Update", BOB, document), facts)).change
    assert isinstance(change, EditObject)
    return change
