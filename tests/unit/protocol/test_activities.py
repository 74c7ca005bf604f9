"""Activities of any shape become one envelope."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.activitystreams import Activity, has_several_objects, parse_activity
from fediverse_node.protocol.addressing import PUBLIC
from fediverse_node.protocol.reasons import WireReason

ALICE = "https://a.example/users/alice"
NOTE = "https://b.example/notes/1"


def parsed(doc: object) -> Activity:
    activity = parse_activity(doc)
    assert isinstance(activity, Activity)
    return activity


@pytest.mark.parametrize("actor", [ALICE, [ALICE], {"id": ALICE}, [{"type": "Person", "id": ALICE}]])
@pytest.mark.parametrize("thing", [NOTE, [NOTE], {"id": NOTE, "type": "Note"}, [{"id": NOTE}], {"href": NOTE}])
def test_a_string_an_object_and_an_array_of_one_mean_the_same(actor: object, thing: object) -> None:
    activity = parsed({"type": "Like", "id": ALICE + "/1", "actor": actor, "object": thing})
    assert (activity.actor, activity.object_id, activity.objects) == (ALICE, NOTE, (NOTE,))


@pytest.mark.parametrize("to", ["as:Public", "Public", PUBLIC, [PUBLIC], {"id": PUBLIC}, ["Public", "as:Public"]])
def test_everybody_has_one_spelling_after_reading(to: object) -> None:
    assert parsed({"type": "Create", "actor": ALICE, "to": to}).to == (PUBLIC,)


def test_missing_addresses_are_empty() -> None:
    activity = parsed({"type": "Create", "actor": ALICE, "to": None})
    assert (activity.to, activity.cc, activity.id, activity.published, activity.object) == ((), (), None, None, None)


def test_a_date_without_a_zone_is_taken_as_utc() -> None:
    doc = {"type": "Like", "actor": ALICE, "published": "2024-05-01T10:00:00.123456"}
    assert parsed(doc).published == datetime(2024, 5, 1, 10, 0, 0, 123456, tzinfo=UTC)
    assert parsed(doc | {"published": "2024-05-01T12:00:00+02:00"}).published == datetime(2024, 5, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("date", ["yesterday", "", 5, {}, "0001-01-01T00:00:00+14:00", "2024-13-01", "9" * 100, [[]]])
def test_a_senseless_date_is_no_date(date: object) -> None:
    assert parsed({"type": "Like", "actor": ALICE, "published": date}).published is None


def test_a_report_names_all_its_objects_and_embeds_none() -> None:
    activity = parsed({"type": "Flag", "actor": ALICE, "object": [NOTE, {"id": NOTE + "2"}], "content": "spam"})
    assert activity.objects == (NOTE, NOTE + "2")
    assert activity.object is None
    assert activity.content == "spam"
    assert has_several_objects(activity)


def test_a_type_may_be_prefixed_or_one_of_several() -> None:
    assert parsed({"type": "as:Create", "actor": ALICE}).type == "Create"
    assert parsed({"type": ["Create", "x:Thing"], "actor": ALICE}).type == "Create"
    assert parsed({"type": "https://www.w3.org/ns/activitystreams#Like", "actor": ALICE}).type == "Like"


@pytest.mark.parametrize(
    ("doc", "reason"),
    [
        ([], WireReason.NOT_AN_OBJECT),
        ("x", WireReason.NOT_AN_OBJECT),
        (None, WireReason.NOT_AN_OBJECT),
        ({"actor": ALICE}, WireReason.NO_TYPE),
        ({"actor": ALICE, "type": 5}, WireReason.NO_TYPE),
        ({"type": "Like"}, WireReason.NO_ACTOR),
        ({"type": "Like", "actor": "alice"}, WireReason.NO_ACTOR),
        ({"type": "Like", "actor": "https://a.example/" + "x" * 5000}, WireReason.NO_ACTOR),
        ({"type": "Like", "actor": "https://a.example/a b"}, WireReason.NO_ACTOR),
        ({"type": "Like", "actor": {"id": {"id": ALICE}}}, WireReason.NO_ACTOR),
    ],
)
def test_what_is_no_activity_is_refused_by_name(doc: object, reason: WireReason) -> None:
    outcome = parse_activity(doc)
    assert isinstance(outcome, Fail)
    assert outcome.reason is reason


def test_endless_lists_are_cut_and_everybody_is_not_lost() -> None:
    many = [f"https://a.example/u/{n}" for n in range(5000)]
    activity = parsed({"type": "Flag", "actor": ALICE, "object": many, "to": [*many, "as:Public"]})
    assert len(activity.objects) == 500
    assert len(activity.to) == 1001
    assert PUBLIC in activity.to


def test_everything_we_do_not_read_is_kept() -> None:
    doc = {"type": "Like", "actor": ALICE, "x:y": {"z": 1}}
    assert parsed(doc).raw is doc
