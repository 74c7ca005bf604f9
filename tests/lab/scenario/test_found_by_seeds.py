"""What mixed worlds have found in the node: the smallest scenario of each seed that broke."""

from __future__ import annotations

import pytest

from fediverse_node.lab.explore import play
from fediverse_node.lab.scenario.language import parse_scenario

# The key of lena is asked for anew, so the Follow waits while its Undo would be decided at once.
_FOLLOW_WAITS_FOR_A_KEY = """
seed 427
kofi@delta follows rosa@eta
delta rotates the key of lena
kofi@delta unfollows rosa@eta
quiet
"""

# What was committed while the node stopped was still looked through for links.
_COMMITS_WHILE_IT_STOPS = """
seed 63
mira@zeta follows emil@gamma
quiet
between gamma and anywhere: stale
emil@gamma asks "bees donelokeda10?" offering "maps mabinorili8", "clay sinisabeno9" as p5
gamma restarts
mira@zeta votes 2 in p5
"""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_FOLLOW_WAITS_FOR_A_KEY, id="an unfollow overtakes its follow"),
        pytest.param(_COMMITS_WHILE_IT_STOPS, id="what is committed while a node stops is looked at later"),
    ],
)
def test_what_broke_once_holds(text: str) -> None:
    outcome = play(parse_scenario(text), limit_s=60.0)
    assert outcome.breakage is None, outcome.breakage.sentence
    assert outcome.figures.exchanges > 3
