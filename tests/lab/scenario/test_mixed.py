from __future__ import annotations

from collections import Counter

import pytest

from fediverse_node.lab.explore import play
from fediverse_node.lab.faults import FaultKind
from fediverse_node.lab.scenario.acts import Posts, Reacts, Regards
from fediverse_node.lab.scenario.language import KINDS, parse_scenario
from fediverse_node.lab.scenario.mixed import mixed_scenario
from fediverse_node.lab.scenario.passing import Expectation, Quiet
from fediverse_node.lab.scenario.trouble import FailsBetween, FailsFrom, Stops

_SEEDS = 3
_MANY = range(120)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A few seeds; more where they are asked for: `--lab-seeds 200`."""
    if "explored_seed" in metafunc.fixturenames:
        number = metafunc.config.getoption("lab_seeds", default=None) or _SEEDS
        metafunc.parametrize("explored_seed", range(1, number + 1))


def test_a_mixed_world_keeps_every_promise(explored_seed: int) -> None:
    outcome = play(mixed_scenario(explored_seed), limit_s=None)
    assert outcome.breakage is None, outcome.breakage.sentence + "\n" + outcome.scenario.text
    assert outcome.figures.exchanges > 100


def test_a_seed_makes_the_same_scenario_and_another_seed_another() -> None:
    assert mixed_scenario(1) == mixed_scenario(1)
    assert mixed_scenario(1) != mixed_scenario(2)
    assert mixed_scenario(1) != mixed_scenario(1, nodes=3)


def test_what_a_seed_makes_is_a_file_that_can_be_read() -> None:
    for seed in _MANY:
        scenario = mixed_scenario(seed)
        assert parse_scenario(scenario.text) == scenario


def test_seeds_together_do_all_there_is() -> None:
    steps = [step for seed in _MANY for step in mixed_scenario(seed).steps]
    kinds = {type(step) for step in steps}
    assert {kind for kind in KINDS if not issubclass(kind, Expectation)} - kinds == {Stops}
    failures = {step.failure.kind for step in steps if isinstance(step, FailsBetween | FailsFrom)}
    assert failures == set(FaultKind)
    verbs = {step.verb for step in steps if isinstance(step, Regards | Reacts)}
    assert len(verbs) == 11
    assert {step.to for step in steps if isinstance(step, Posts)} == {"public", "unlisted", "followers", "direct"}


def test_a_mixed_world_ends_whole() -> None:
    for seed in _MANY:
        scenario = mixed_scenario(seed)
        assert isinstance(scenario.steps[-1], Quiet)
        lines = [step.line for step in scenario.steps]
        end = lines[len(lines) - 1 - lines[::-1].index("heal") :]
        for node in scenario.nodes:
            for trouble, remedy in (
                (f"disk of {node} is full", f"disk of {node} is free"),
                (f"{node} crashes", f"{node} starts"),
                (f"{node} crashes after its next commit", f"{node} starts"),
            ):
                last = [line for line in lines if line in (trouble, remedy)]
                assert not last or last[-1] == remedy or remedy in end, (seed, node, trouble)


def test_every_private_text_has_a_word_of_its_own() -> None:
    for seed in range(20):
        texts = [step.text for step in mixed_scenario(seed).steps if isinstance(step, Posts)]
        words = Counter(text.split()[-1] for text in texts)
        assert max(words.values()) == 1


@pytest.mark.parametrize("nodes", [1, 2, 30])
def test_a_mixed_world_has_as_many_nodes_as_are_asked_for(nodes: int) -> None:
    scenario = mixed_scenario(5, nodes=nodes)
    assert len(scenario.nodes) == nodes
    assert parse_scenario(scenario.text) == scenario
