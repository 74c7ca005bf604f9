from __future__ import annotations

from typing import Any

import orjson
import pytest

from fediverse_node.domain.activities import flag
from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.effects import Deliver, NewReport, Put
from tests.activities.builders import ALICE, BOB, CAROL, DAVE, EVE, Given, a_world, an_object, only, outline, received

NOTE = an_object(ALICE)
THEIRS = an_object(EVE, 102)
FACTS = a_world(Given(objects=[NOTE, THEIRS]), staff=(DAVE.id,))
INSTANCE_ACTOR = 999


@pytest.mark.parametrize(
    "objects, expected",
    [
        pytest.param(ALICE.uri, ["report of alice by bob"], id="an actor of ours"),
        pytest.param([ALICE.uri, NOTE.uri], ["report of alice by bob"], id="an actor of ours and a note"),
        pytest.param(NOTE.uri, ["report of alice by bob"], id="a note alone is its author's"),
        pytest.param([ALICE.uri, CAROL.uri], ["report of alice by bob", "report of carol by bob"], id="two actors"),
        pytest.param([ALICE.uri, EVE.uri, THEIRS.uri], ["report of alice by bob"], id="what is not ours is left out"),
    ],
)
def test_a_report_from_elsewhere_reaches_the_staff(objects: Any, expected: list[str]) -> None:
    found = outline(flag.decide(received("Flag", BOB, objects, content="spam"), FACTS))
    assert found == [*expected, "tell dave of report by bob"]


@pytest.mark.parametrize("objects", [EVE.uri, THEIRS.uri, "https://gone.example/1", None])
def test_a_report_of_nobody_here_is_refused(objects: Any) -> None:
    assert outline(flag.decide(received("Flag", BOB, objects), FACTS)) == ["refuse NOT_OURS"]


def test_a_blocked_host_reports_nobody() -> None:
    facts = a_world(Given(objects=[NOTE]), domains=DomainPolicy.suspending("far.example"))
    assert outline(flag.decide(received("Flag", BOB, ALICE.uri), facts)) == ["refuse SUSPENDED"]


def test_a_report_keeps_its_comment_up_to_a_length_and_its_notes() -> None:
    verified = received("Flag", BOB, [ALICE.uri, NOTE.uri, THEIRS.uri], content="x" * 9_000)
    record = _report(list(flag.decide(verified, FACTS)))
    assert record.comment == "x" * flag.COMMENT_LENGTH
    assert record.object_ids == (NOTE.id,)


def test_our_report_stays_here_unless_it_is_forwarded() -> None:
    effects = flag.compose(CAROL, EVE, [THEIRS], FACTS, instance_actor_id=INSTANCE_ACTOR, comment="rude")
    assert outline(effects) == ["report of eve by carol", "tell dave of report by carol"]


def test_a_forwarded_report_never_says_who_reported() -> None:
    effects = list(
        flag.compose(CAROL, EVE, [THEIRS], FACTS, instance_actor_id=INSTANCE_ACTOR, comment="rude", forward=True)
    )
    sent = only(Deliver, effects)
    assert sent.signer_id == INSTANCE_ACTOR
    assert sent.to_actor_ids == (EVE.id,)
    assert sent.document["actor"] == "https://home.example/actor"
    assert sent.document["object"] == [EVE.uri, THEIRS.uri]
    assert sent.document["content"] == "rude"
    assert b"carol" not in orjson.dumps(sent.document)
    assert _report(effects).forwarded


def test_a_report_of_a_neighbour_is_not_forwarded_anywhere() -> None:
    effects = list(flag.compose(CAROL, ALICE, [NOTE], FACTS, instance_actor_id=INSTANCE_ACTOR, forward=True))
    assert outline(effects) == ["report of alice by carol", "tell dave of report by carol"]
    assert not _report(effects).forwarded


def test_a_report_is_about_one_actor_and_not_oneself() -> None:
    mixed = flag.compose(CAROL, EVE, [NOTE], FACTS, instance_actor_id=INSTANCE_ACTOR)
    oneself = flag.compose(ALICE, ALICE, [], FACTS, instance_actor_id=INSTANCE_ACTOR)
    assert outline(mixed) == ["refuse MALFORMED"]
    assert outline(oneself) == ["refuse NOT_PERMITTED"]


def _report(effects: list[Any]) -> NewReport:
    record = only(Put, effects).record
    assert isinstance(record, NewReport)
    return record
