from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

import pytest

from fediverse_node.lab.databases import Databases
from fediverse_node.lab.invariants.checker import Checker
from fediverse_node.lab.scenario.language import parse_scenario
from fediverse_node.lab.scenario.running import Outcome, run_scenario
from fediverse_node.lab.world import World

STORIES = {
    "a post reaches those who follow": """
        ben@beta follows alice@alpha
        quiet
        alice@alpha posts "hello" as p1
        quiet
        expect ben@beta sees p1
        expect ben@beta sees "hello"
        expect ben@beta follows alice@alpha
        expect alice@alpha does not follow ben@beta
    """,
    "a post for two is not seen by a third": """
        cleo@gamma follows alice@alpha
        quiet
        alice@alpha posts "just you" as p1 to direct mentioning ben@beta warning "secret"
        quiet
        expect ben@beta sees p1
        expect cleo@gamma does not see p1
        expect cleo@gamma does not have p1
    """,
    "an edit and a deletion reach all copies": """
        ben@beta follows alice@alpha
        quiet
        alice@alpha posts "helo" as p1
        quiet
        alice@alpha edits p1 "hello"
        quiet
        expect ben@beta sees "hello"
        alice@alpha deletes p1
        quiet
        expect ben@beta does not have p1
    """,
    "replies, likes and boosts are counted at home, and taken back": """
        ben@beta follows alice@alpha
        quiet
        alice@alpha posts "hello" as p1
        quiet
        ben@beta replies to p1 "hi" as p2
        ben@beta likes p1
        ben@beta boosts p1
        quiet
        expect alice@alpha sees p2
        expect alice@alpha has 1 like on p1
        expect alice@alpha has 1 boost on p1
        expect alice@alpha has 1 reply on p1
        ben@beta unlikes p1
        ben@beta unboosts p1
        quiet
        expect alice@alpha has 0 likes on p1
        expect alice@alpha has 0 boosts on p1
    """,
    "a vote is taken once, and the poll ends": """
        ben@beta follows alice@alpha
        quiet
        alice@alpha asks "tea?" offering "yes", "no" for 10 minutes as p1
        quiet
        ben@beta votes 2 in p1
        wait 20 minutes
        quiet
        expect ben@beta sees p1
    """,
    "whoever blocks hears nothing any more, and hears again afterwards": """
        ben@beta follows alice@alpha
        quiet
        alice@alpha blocks ben@beta
        quiet
        expect ben@beta does not follow alice@alpha
        alice@alpha unblocks ben@beta
        ben@beta follows alice@alpha
        quiet
        expect ben@beta follows alice@alpha
        ben@beta mutes alice@alpha
        ben@beta unmutes alice@alpha
        ben@beta unfollows alice@alpha
        quiet
        expect ben@beta does not follow alice@alpha
    """,
    "followers go along when somebody moves": """
        ben@beta follows alice@alpha
        cleo@alpha follows alice@alpha
        quiet
        alice@alpha moves to alice@gamma
        quiet
        expect ben@beta follows alice@gamma
        expect cleo@alpha follows alice@gamma
        expect ben@beta does not follow alice@alpha
        alice@gamma posts "from here" as p1
        quiet
        expect ben@beta sees p1
        expect cleo@alpha sees p1
    """,
    "what was said during a partition arrives when it is healed": """
        ben@beta follows alice@alpha
        quiet
        between alpha and beta: partition
        alice@alpha posts "hello" as p1
        wait 10 minutes
        expect ben@beta does not have p1
        heal
        quiet
        expect ben@beta sees p1
    """,
    "what was committed before a crash is sent after it": """
        ben@beta follows alice@alpha
        quiet
        alpha crashes after its next commit
        alice@alpha posts "hello"
        wait 1 minute
        expect ben@beta does not see "hello"
        alpha starts
        quiet
        expect ben@beta sees "hello"
    """,
    "a node that was down hears what it missed": """
        ben@beta follows alice@alpha
        quiet
        beta crashes
        alice@alpha posts "hello" as p1
        wait 1 hour
        beta starts
        quiet
        expect ben@beta sees p1
        beta stops
        beta starts
        beta restarts
        expect ben@beta sees p1
    """,
    "a full disk refuses, and nothing is lost that was said afterwards": """
        ben@beta follows alice@alpha
        quiet
        disk of alpha is full
        disk of alpha is free
        alice@alpha posts "hello" as p1
        quiet
        expect ben@beta sees p1
    """,
    "somebody with new keys is believed": """
        ben@beta follows alice@alpha
        quiet
        alice@alpha posts "old" as p1
        quiet
        alpha rotates the key of alice
        alice@alpha posts "new" as p2
        quiet
        expect ben@beta sees p2
    """,
    "clocks may differ by minutes": """
        clock of beta runs 20 minutes fast
        clock of gamma runs 20 minutes slow
        ben@beta follows cleo@gamma
        quiet
        cleo@gamma posts "hello" as p1
        quiet
        expect ben@beta sees p1
        clock of beta is right
        clock of gamma is right
        quiet
    """,
    "a like that had to be tried again is not counted after it was taken back": """
        ben@beta follows alice@alpha
        quiet
        alice@alpha posts "hello" as p1
        quiet
        from beta to alpha: wrong-digest of POST
        ben@beta likes p1
        ben@beta blocks alice@alpha
        heal
        ben@beta unlikes p1
        ben@beta unblocks alice@alpha
        quiet
        expect alice@alpha has 0 likes on p1
    """,
    "what is said right after a follow was accepted does not come before the answer": """
        quiet
        from alpha to beta: wrong-digest of POST
        ben@beta follows alice@alpha
        wait 1 second
        heal
        alice@alpha posts "hello" as p1
        quiet
        expect ben@beta sees p1
    """,
    "a new key is asked for again when it could not be had at once": """
        ben@beta follows alice@alpha
        quiet
        alice@alpha posts "old" as p1
        quiet
        alpha rotates the key of alice
        from beta to alpha: endless of GET for 1 minute
        alice@alpha posts "new" as p2
        quiet
        expect ben@beta sees p2
    """,
    "edits in quick succession count in the order in which they were made, whatever a clock says": """
        ben@beta follows alice@alpha
        quiet
        alice@alpha posts "one" as p1
        alice@alpha edits p1 "two"
        quiet
        clock of beta runs 1 minute slow
        alice@alpha edits p1 "three"
        quiet
        expect ben@beta sees "three"
        clock of alpha runs 50 minutes fast
        alice@alpha edits p1 "four"
        clock of alpha is right
        alice@alpha edits p1 "five"
        quiet
        expect ben@beta sees "five"
    """,
}
FAULTS = (
    "drop", "lose-answer", "delay 20 seconds", "duplicate", "reorder 5 seconds", "status 503", "status 404", "slow",
    "endless", "huge", "truncate", "wrong-digest", "stale", "reset",
)  # fmt: skip


def played(text: str, databases: Databases | None = None) -> Outcome:
    """What came of a story that is held to every invariant."""
    return run_scenario(parse_scenario(text), checker=Checker, databases=databases)


def assert_whole(outcome: Outcome) -> None:
    """All of it was done, and all of it held."""
    assert outcome.breakage is None, outcome.breakage.sentence
    # The post whose author's node crashed before it could answer was made all the same.
    assert [step.line for step in outcome.left_out if "crashed" not in step.why_not] == []


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_stories(story: str) -> None:
    assert_whole(played(story))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_network_is_got_over_when_it_is_healed(fault: str) -> None:
    outcome = played(f"""
        ben@beta follows alice@alpha
        quiet
        between alpha and beta: {fault} of POST for 1 hour
        alice@alpha posts "hello" as p1
        wait 5 seconds
        alice@alpha edits p1 "hello again"
        wait 5 seconds
        heal
        quiet
        expect ben@beta sees "hello again"
    """)
    assert outcome.breakage is None, outcome.breakage.sentence
    assert outcome.figures.faults[fault.split(" ")[0]] > 0


def test_stories_are_the_same_on_postgresql(postgres_worlds: Databases) -> None:
    assert_whole(played(STORIES["replies, likes and boosts are counted at home, and taken back"], postgres_worlds))


@pytest.mark.parametrize(
    ("expectation", "sentence"),
    [
        ("expect ben@beta sees p1", 'ben@beta does not see p1; nothing is seen'),
        ("expect alice@alpha does not see p1", 'alice@alpha sees p1; seen is "hello"'),
        ("expect ben@beta has p1", "the node of ben@beta has no copy of p1"),
        ("expect alice@alpha has 2 likes on p1", "alice@alpha has 0 likes on p1"),
        ("expect ben@beta follows alice@alpha", "ben@beta does not follow alice@alpha"),
    ],
)  # fmt: skip
def test_an_expectation_that_is_not_so_says_what_is(expectation: str, sentence: str) -> None:
    outcome = played(f'ben@beta posts "x"\nalice@alpha posts "hello" as p1\n{expectation}\nquiet\n')
    assert outcome.breakage is not None
    assert (outcome.breakage.kind, outcome.breakage.step) == ("expectation", 3)
    assert sentence.removesuffix("; nothing is seen") in outcome.breakage.sentence
    assert len(outcome.trace) == 3


def test_an_expectation_that_nobody_can_answer_is_no_success() -> None:
    outcome = played('alice@alpha posts "hello" as p1\nalpha crashes\nexpect alice@alpha sees p1\n')
    assert outcome.breakage is not None
    assert outcome.breakage.kind == "unanswered"
    assert "alpha is down" in outcome.breakage.sentence


def test_a_step_that_cannot_be_done_is_left_out_with_its_cause() -> None:
    outcome = played("""
        alpha crashes
        alice@alpha posts "hello" as p1
        ben@beta likes p1
        alpha starts
        alpha starts
        alice@alpha edits p1 "hello again"
    """)
    assert outcome.breakage is None
    assert [(step.step, step.why_not) for step in outcome.left_out] == [
        (2, "alpha is down"),
        (3, "p1 was never posted"),
        (5, "alpha is up"),
        (6, "p1 was never posted"),
    ]
    assert outcome.figures.steps == 2
    assert outcome.figures.faults["crash"] == 1


def test_a_crash_that_was_called_off_does_not_happen() -> None:
    outcome = played('alpha crashes after its next commit\nalpha starts\nalice@alpha posts "hello" as p1\nquiet\n')
    assert [step.line for step in outcome.left_out] == ["alpha starts"]
    assert outcome.figures.faults["crash"] == 0


@dataclass
class Looks:
    """Counts how often it is asked to look."""

    world: World
    steps: list[int] = field(default_factory=list)
    quiet: int = 0

    def after_step(self, step: int) -> None:
        self.steps.append(step)

    def at_quiet(self) -> None:
        self.quiet += 1


@pytest.mark.parametrize(
    ("trouble", "end"),
    [
        ("alpha crashes", "alpha starts"),
        ("disk of alpha is full", "disk of alpha is free"),
        ("clock of alpha runs 1 minute fast", "clock of alpha is right"),
        ("between alpha and beta: drop", "heal"),
        ("between alpha and beta: drop for 1 hour", "wait 1 hour"),
    ],
)
def test_a_world_is_looked_at_after_each_step_and_at_quiet_only_when_it_is_whole(trouble: str, end: str) -> None:
    made: list[Looks] = []

    def checker(world: World) -> Looks:
        made.append(Looks(world))
        return made[0]

    scenario = parse_scenario(f"nodes alpha beta\n{trouble}\nquiet\n{end}\nquiet\n")
    assert run_scenario(scenario, checker=checker).breakage is None
    assert made[0].steps == [1, 2, 3, 4]
    assert made[0].quiet == 1


def test_an_error_of_the_lab_itself_is_what_came_of_the_scenario() -> None:
    def checker(world: World) -> Looks:
        raise ZeroDivisionError("no good")

    outcome = run_scenario(parse_scenario("quiet\n"), checker=checker)
    assert outcome.breakage is not None
    assert outcome.breakage.kind == "error ZeroDivisionError"


def test_a_scenario_that_takes_too_long_is_ended() -> None:
    outcome = run_scenario(parse_scenario("nodes alpha beta\n" + "wait 400 days\n" * 400), limit_s=0.5)
    assert outcome.breakage is not None
    assert outcome.breakage.kind == "endless"


_PRINT = """
import hashlib, sys
from fediverse_node.lab.scenario.mixed import mixed_scenario
from fediverse_node.lab.scenario.running import run_scenario
print(hashlib.sha256(run_scenario(mixed_scenario(int(sys.argv[1]), nodes=4)).recording.dump()).hexdigest())
"""


@pytest.mark.parametrize("seed", [4])
def test_the_same_seed_gives_the_same_bytes_also_in_other_processes(seed: int) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PRINT, str(seed)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for hash_seed in ("1", "2")
    ]
    digests = [process.communicate(timeout=50)[0] for process in processes]
    assert digests[0] == digests[1]
    assert len(digests[0]) == 65


def test_the_limit_of_a_scenario_leaves_that_of_whoever_runs_it() -> None:
    rang: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rang.append(number))
    others_s, _ = signal.setitimer(signal.ITIMER_REAL, 600.0)
    try:
        run_scenario(parse_scenario('alice@alpha posts "hi" as p1\nquiet\n'), limit_s=60.0)
        left_s, _ = signal.setitimer(signal.ITIMER_REAL, 0.0)
        assert 500.0 < left_s < 600.0
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        run_scenario(parse_scenario('alice@alpha posts "hi" as p1\nquiet\n'), limit_s=60.0)
        deadline = time.monotonic() + 5
        while not rang and time.monotonic() < deadline:
            time.sleep(0.01)
        assert rang == [signal.SIGALRM], "it rings late, but it rings"
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, others_s)
