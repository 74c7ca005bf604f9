from __future__ import annotations

import time

import pytest

from fediverse_node.lab.explore import play, shrink
from fediverse_node.lab.scenario.language import Scenario, parse_scenario, without_dangling
from fediverse_node.lab.scenario.mixed import mixed_scenario
from fediverse_node.lab.scenario.passing import Waits
from fediverse_node.lab.scenario.shrinking import Breaks, Shrinker
from fediverse_node.lab.scenario.step import Step
from fediverse_node.lab.scenario.trouble import FailsBetween

BIG = mixed_scenario(3)


def has(*words: str) -> Breaks:
    """Breaks wherever all these stand in one line or another."""
    return lambda scenario: all(any(word in step.line for step in scenario.steps) for word in words)


def both(*lines: str) -> Breaks:
    """Breaks where these lines stand in this order."""

    def breaks(scenario: Scenario) -> bool:
        found = iter(step.line for step in scenario.steps)
        return all(any(line in other for other in found) for line in lines)

    return breaks


def test_what_is_left_is_only_what_breaks() -> None:
    block, like = (next(step for step in BIG.steps if word in step.line) for word in (" blocks ", " likes "))
    shrinker = Shrinker(both(block.line), BIG)
    assert [step.line for step in shrinker.shrink().steps] == [block.line]
    assert shrinker.best.nodes == ()
    shrinker = Shrinker(has(like.line), BIG)
    steps = shrinker.shrink().steps
    assert steps[-1] == like
    assert steps == without_dangling(steps)
    assert len(steps) <= 4  # the post that is liked, and what it answers


def test_two_steps_far_from_each_other_are_both_kept() -> None:
    first, last = BIG.steps[2].line, BIG.steps[-8].line
    small = Shrinker(both(first, last), BIG).shrink()
    assert small.steps[0].line == first
    assert small.steps[-1].line == last
    assert both(first, last)(small)
    assert len(small.steps) <= 5


@pytest.mark.parametrize(
    ("line", "least"),
    [
        (
            'alice@alpha posts "x" as p1 to direct mentioning ben@beta, cleo@gamma warning "w"',
            'alice@alpha posts "x" as p1',
        ),
        ("between alpha and beta: drop 20% of POST for 5 minutes", "between alpha and beta: drop"),
        ("wait 3 days", "wait 1 second"),
        (
            'alice@alpha asks "x" offering "a", "b", "c" for 1 day as p1 to followers',
            'alice@alpha asks "x" offering "c" as p1',
        ),
    ],
)  # fmt: skip
def test_a_step_says_no_more_than_it_has_to(line: str, least: str) -> None:
    first = line.split(" ")[0]
    small = Shrinker(has(first), parse_scenario(f"{line}\nquiet\n")).shrink()
    assert [step.line for step in small.steps] == [least]


def test_a_parameter_that_matters_stays() -> None:
    def breaks(scenario: Scenario) -> bool:
        return any(isinstance(step, FailsBetween) and step.chance < 1 for step in scenario.steps) and any(
            isinstance(step, Waits) and step.for_s >= 3600 for step in scenario.steps
        )

    scenario = parse_scenario("between alpha and beta: drop 20% of POST for 5 minutes\nwait 3 days\n")
    assert [step.line for step in Shrinker(breaks, scenario).shrink().steps] == [
        "between alpha and beta: drop 20%",
        "wait 1 hour",
    ]


def test_what_came_after_the_breakage_and_what_was_never_done_goes_first() -> None:
    tried: list[tuple[Step, ...]] = []

    def breaks(scenario: Scenario) -> bool:
        tried.append(scenario.steps)
        return False

    Shrinker(breaks, BIG).shrink(broken_step=70, left_out=[5, 6])
    assert tried[0] == without_dangling([*BIG.steps[:4], *BIG.steps[6:70]])
    assert tried[1] == BIG.steps[:70]


def test_nothing_is_tried_twice_and_the_same_scenario_shrinks_to_the_same() -> None:
    def shrunk() -> tuple[Scenario, list[str]]:
        tried: list[str] = []

        def breaks(scenario: Scenario) -> bool:
            tried.append(scenario.text)
            return has("crashes", "boosts")(scenario)

        return Shrinker(breaks, mixed_scenario(12)).shrink(), tried

    first, again = shrunk(), shrunk()
    assert first == again
    assert len(first[1]) == len(set(first[1]))


def test_it_ends_when_its_time_is_over() -> None:
    def breaks(scenario: Scenario) -> bool:
        time.sleep(0.01)
        return len(scenario.steps) > 1

    began_s = time.monotonic()
    shrinker = Shrinker(breaks, BIG, until_s=began_s + 0.2)
    shrinker.shrink()
    assert time.monotonic() - began_s < 2
    assert breaks(shrinker.best)


def test_a_story_that_disappoints_is_made_smaller_and_disappoints_still() -> None:
    outcome = play(
        parse_scenario("""
            nodes alpha beta gamma
            cleo@gamma follows ben@beta
            ben@beta follows alice@alpha
            quiet
            cleo@gamma posts "noise" as p1
            from alpha to beta: drop
            alice@alpha posts "hello" as p2 mentioning cleo@gamma warning "careful"
            ben@beta likes p1
            wait 10 minutes
            expect ben@beta sees p2
            quiet
        """)
    )
    assert outcome.breakage is not None
    smallest = shrink(outcome, shrink_s=30)
    assert smallest.breakage is not None
    assert smallest.breakage.kind == "expectation"
    assert [step.line for step in smallest.scenario.steps] == [
        'alice@alpha posts "hello" as p2',
        "expect ben@beta sees p2",
    ]
