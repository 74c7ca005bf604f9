from __future__ import annotations

import pytest

from fediverse_node.domain.activities import RULES, rule_for
from fediverse_node.domain.effects import Refuse
from tests.activities.builders import BOB, Given, a_world, received

VERBS = [
    "Accept",
    "Add",
    "Announce",
    "Block",
    "Create",
    "Delete",
    "Flag",
    "Follow",
    "Like",
    "Move",
    "Reject",
    "Remove",
    "Undo",
    "Update",
]  # what a server of people has to understand

JUNK: tuple[object, ...] = (
    None,
    "not a uri",
    42,
    [],
    {},
    [[["deep"]]],
    {"type": "Follow"},
    {"id": "https://third.example/x", "type": ["Note", "Question"], "attributedTo": BOB.uri},
    {"id": 5, "type": {}, "object": {"object": {"object": {}}}},
    ["https://far.example/a", "https://far.example/b", {"id": "https://far.example/c"}],
    "https://far.example/" + "x" * 5_000,
)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_rule(verb: str) -> None:
    assert rule_for(verb) is RULES[verb]


@pytest.mark.parametrize("type_", ["Read", "Listen", "View", "follow", "", "__init__"])
def test_other_activities_have_none(type_: str) -> None:
    assert rule_for(type_) is None


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
@pytest.mark.parametrize("known", [True, False], ids=["by a known actor", "by an unknown actor"])
def test_nonsense_is_refused_and_nothing_else_happens(verb: str, junk: object, known: bool) -> None:
    rule = RULES[verb]
    verified = received(verb, BOB, junk, target=junk)
    rule.needs(verified)
    effects = list(rule.decide(verified, a_world() if known else a_world(Given(actors=()))))
    assert effects
    assert all(isinstance(effect, Refuse) for effect in effects)
