from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fediverse_node.lab.faults import ANY, STATUSES, FaultKind
from fediverse_node.lab.people import AUDIENCES
from fediverse_node.lab.scenario.form import Field, Maybe
from fediverse_node.lab.scenario.language import (
    KINDS,
    Scenario,
    ScenarioError,
    load_scenario,
    parse_scenario,
    parse_step,
    without_dangling,
)
from fediverse_node.lab.scenario.slots import SLOTS, Count, Failure
from fediverse_node.lab.scenario.step import Step, form_of
from fediverse_node.lab.scenario.tokens import quoted

DOCS = Path(__file__).resolve().parents[3] / "docs/reference/scenario_language.md"

_NAMES = st.sampled_from(["alice", "B", "ben_2", "9", "x" * 30])
_NODES = st.sampled_from(["alpha", "b", "be-ta2", "gamma.test", "a.b-c.example"])
_PEOPLE = st.builds(lambda name, node: f"{name}@{node}", _NAMES, _NODES)
_LABELS = st.sampled_from(["p1", "a", "greeting_2", "quiet"])
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))
_DURATIONS = st.integers(0, 10**10).map(lambda ms: ms / 1000) | st.integers(1, 400).map(lambda days: days * 86_400.0)
_AMOUNTS = {FaultKind.DELAY: _DURATIONS, FaultKind.REORDER: _DURATIONS, FaultKind.STATUS: st.sampled_from(STATUSES)}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "person": _PEOPLE,
    "people": st.lists(_PEOPLE, min_size=1, max_size=3).map(tuple),
    "node": _NODES,
    "place": _NODES | st.just(ANY),
    "name": _NAMES,
    "label": _LABELS,
    "what": _LABELS | _TEXTS.map(quoted),
    "text": _TEXTS,
    "texts": st.lists(_TEXTS, min_size=1, max_size=4).map(tuple),
    "numbers": st.lists(st.integers(0, 10**9 - 1), min_size=1, max_size=3).map(tuple),
    "count": st.builds(Count, st.integers(0, 10**9 - 1), st.sampled_from(["likes", "boosts", "replies"])),
    "audience": st.sampled_from(list(AUDIENCES)),
    "duration": _DURATIONS,
    "share": st.integers(0, 100_000).map(lambda part: part / 100_000),
    "regard": st.sampled_from(["follows", "unfollows", "blocks", "unblocks", "mutes", "unmutes"]),
    "reaction": st.sampled_from(["likes", "unlikes", "boosts", "unboosts", "deletes"]),
    "failure": st.sampled_from(FaultKind).flatmap(
        lambda kind: st.builds(Failure, st.just(kind), _AMOUNTS.get(kind, st.just(0.0)))
    ),
    "direction": st.sampled_from(["fast", "slow"]),
    "method": st.sampled_from(["GET", "POST"]),
    "sees": st.booleans(),
    "has": st.booleans(),
    "is_following": st.booleans(),
}
_SLOT_NAMES = {id(slot): name for name, slot in SLOTS.items()}


def a_step(kind: type[Step]) -> st.SearchStrategy[Step]:
    """Any step of this kind."""
    defaults = {leaf.name: leaf.default for leaf in fields(kind)}  # type: ignore[arg-type]
    pieces = list(form_of(kind).pieces)
    required = [piece for piece in pieces if isinstance(piece, Field)]
    optional = [
        piece for maybe in pieces if isinstance(maybe, Maybe) for piece in maybe.pieces if isinstance(piece, Field)
    ]
    values = {piece.name: VALUES[_SLOT_NAMES[id(piece.slot)]] for piece in required}
    values |= {piece.name: VALUES[_SLOT_NAMES[id(piece.slot)]] | st.just(defaults[piece.name]) for piece in optional}
    return st.builds(kind, **values)


@settings(max_examples=20, deadline=None)
@given(st.data())
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_step_that_was_written_is_read_as_the_same_step(kind: type[Step], data: st.DataObject) -> None:
    step = data.draw(a_step(kind))
    assert parse_step(step.line) == step
    assert "\n" not in step.line


@given(
    st.integers(0, 10**9), st.lists(_NODES, max_size=4), st.lists(st.sampled_from(KINDS).flatmap(a_step), max_size=8)
)
def test_a_scenario_that_was_written_is_read_as_the_same_scenario(
    seed: int, nodes: list[str], steps: list[Step]
) -> None:
    scenario = Scenario(seed, tuple(nodes), without_dangling(steps))
    assert parse_scenario(scenario.text) == scenario


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_any_text_is_a_scenario_or_a_clear_error(text: str) -> None:
    try:
        parse_scenario(text, name="any")
    except ScenarioError as error:
        complaints = str(error).split("\n")
    else:
        complaints = []
    assert all(line.startswith("any, line ") for line in complaints)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('alice@alpha postz "x"', "found postz; did you mean posts?"),
        ("quit", "did you mean quiet?"),
        ("heel", "did you mean heal?"),
        ("alice@alpha posts hello", 'expected a text in quotes, as "hello" after posts, found hello'),
        ('alice@alpha posts "x', 'the text that begins with "x has no closing quote'),
        (r'alice@alpha posts "\x"', r"\x has no meaning in a text"),
        ('alice@alpha posts "x" too ben@beta', "found too; did you mean to?"),
        (
            'alice@alpha posts "x" to everyone',
            "expected public, unlisted, followers or direct after to, found everyone",
        ),
        ('alice@alpha posts "x" mentioning ben', "expected a person, as alice@alpha after mentioning, found ben"),
        ("alice@alpha likes", "expected the name of a post, as p1 after likes, the line ends there"),
        ("alice@alpha likes p1", "nothing above is called p1"),
        ("wait 2 dayz", "found dayz; did you mean day"),
        ("wait long", "expected a duration, as 10 minutes after wait, found long"),
        ("between alpha and beta: dropp", "did you mean drop?"),
        ("between alpha and beta drop", "expected : after beta, found drop"),
        ("from alpha to beta: status 599", "expected 401, 403, 404, 410, 429, 500, 502 or 503 after status, found 599"),
        ("from alpha to beta: drop 30", "found 30"),
        ("clock of alpha runs 2 hours", "expected fast or slow after hours, the line ends there"),
        ("alpha crashes after its commit", "expected next after its, found commit"),
        ("expect ben@beta seez alice", "did you mean sees?"),
        ("expect ben@beta has 2 licks on p1", "did you mean likes?"),
        ("alice@alpha moves too alice@beta", "did you mean to?"),
        ("seed seven", "expected a whole number after seed, as seed 7"),
        ("nodes", "expected a node, as alpha after nodes"),
        ("nodes alpha Beta", "expected a node, as alpha after alpha"),
        ("heal now", "expected the end of the line after heal, found now"),
    ],
)
def test_an_error_says_what_was_expected_and_what_was_meant(line: str, complaint: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        parse_scenario(f"# a comment\n\n{line}\n", name="story.txt")
    assert str(raised.value).startswith("story.txt, line 3: ")
    assert complaint in str(raised.value)


def test_every_line_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ScenarioError) as raised:
        parse_scenario("quit\nquiet\nheel\n", name="story.txt")
    assert [line.split(":")[0] for line in str(raised.value).split("\n")] == ["story.txt, line 1", "story.txt, line 3"]


def test_the_seed_stands_before_the_first_step() -> None:
    with pytest.raises(ScenarioError, match="seed stands before the first step"):
        parse_scenario("quiet\nseed 7\n")


def test_a_name_of_a_post_that_is_nearly_right_is_recognised() -> None:
    with pytest.raises(ScenarioError, match=r"nothing above is called greting; did you mean greeting\?"):
        parse_scenario('alice@alpha posts "x" as greeting\nben@beta likes greting\n')


def test_a_file_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenario(tmp_path / "none.txt")


def test_steps_about_posts_that_were_taken_out_go_with_them() -> None:
    steps = [
        parse_step(line)
        for line in ('ben@beta replies to p1 "x" as p2', "cleo@gamma likes p2", "quiet", "expect ben@beta sees p2")
    ]
    assert [step.line for step in without_dangling(steps)] == ["quiet"]


def test_the_reference_tells_of_every_step_and_its_example_can_be_read() -> None:
    text = DOCS.read_text()
    [example] = [block for block in re.findall(r"```\n(.*?)```", text, re.S) if "seed" in block]
    assert parse_scenario(example).steps
    told = [code.replace("[", "").replace("]", "") for code in re.findall(r"^\| `(.*?)`", text, re.M)]
    read = {type(step) for step in map(_read, told) if step is not None}
    # Told in the text above their table, or in the second column.
    apart = {"FailsBetween", "FailsFrom", "RightsClock", "FreesDisk", "Stops", "Restarts"}
    assert {kind.__name__ for kind in KINDS} - {kind.__name__ for kind in read} <= apart
    for words in (
        "between alpha and beta: ",
        "from alpha to beta: ",
        "clock of alpha is right",
        "disk of alpha is free",
    ):
        assert words in text
    for kind in FaultKind:
        assert f"| `{kind.word}" in text


def _read(line: str) -> Step | None:
    try:
        return parse_step(line)
    except ValueError:
        return None
