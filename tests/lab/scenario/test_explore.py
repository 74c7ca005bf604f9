from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from fediverse_node.base.errors import NodeError
from fediverse_node.cli.lab_explore import explore, run
from fediverse_node.lab import explore as exploring
from fediverse_node.lab.explore import Findings, Plan, Played, explore_plan
from fediverse_node.lab.invariants.broken import Broken, Finding
from fediverse_node.lab.recording import load_recording
from fediverse_node.lab.scenario.language import load_scenario
from fediverse_node.lab.world import World

GOOD = 'ben@beta follows alice@alpha\nquiet\nalice@alpha posts "hello" as p1\nquiet\nexpect ben@beta sees p1\n'
BAD = 'ben@beta posts "x"\nalice@alpha posts "hello" as p1\nexpect ben@beta sees p1\n'


class NobodyLikes:
    """A rule that is broken by the first like."""

    def __init__(self, world: World) -> None:
        self.world = world

    def after_step(self, step: int) -> None:
        likes = [exchange for exchange in self.world.recording if exchange.activity.type == "Like"]
        if likes:
            finding = Finding("a like", "somebody likes something", (likes[0].number,))
            raise Broken("nobody likes", finding, seed=self.world.seed, step=step)

    def at_quiet(self) -> None:
        """The same holds."""


@pytest.fixture
def nobody_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Explore with a rule that most seeds break."""
    monkeypatch.setattr(exploring, "Checker", NobodyLikes)


def test_a_rule_that_is_broken_leaves_the_smallest_scenario_that_breaks_it(tmp_path: Path, nobody_likes: None) -> None:
    told: list[Played] = []
    plan = Plan(seeds=(2, 7), nodes=2, acts=6, out=tmp_path / "out", shrink_s=40)
    findings = explore_plan(plan, lambda _, played: told.append(played))
    assert [played.seed for played in told] == [2, 7]
    [broke] = findings.broken
    assert broke.breakage.kind == "nobody likes/a like"
    small = load_scenario(next(file for file in broke.files if ".small." in file.name))
    assert len(small.steps) == broke.steps <= 4
    assert " likes " in small.steps[-1].line
    assert (small.seed, broke.seed) == (broke.seed, small.seed)
    recording = load_recording(next(file for file in broke.files if file.suffix == ".jsonl"))
    assert recording.exchanges[broke.breakage.exchanges[0] - 1].activity.type == "Like"
    assert {file.parent for file in broke.files} == {plan.out}


def test_explore_fails_when_a_seed_breaks_something_and_says_which(tmp_path: Path, nobody_likes: None) -> None:
    arguments = ["--seeds", "3", "--nodes", "2", "--jobs", "1", "--out", str(tmp_path), "--shrink-seconds", "0"]
    result = CliRunner().invoke(explore, arguments)
    assert result.exit_code == 1
    assert "broke nobody likes/a like" in result.stdout
    assert "fediverse-node lab run " in result.stdout
    assert result.stdout.splitlines()[-1].startswith("seeds 3, broken ")


def test_explore_ends_well_when_everything_held_and_ends_with_the_figures(tmp_path: Path) -> None:
    arguments = ["--seeds", "2", "--nodes", "2", "--first-seed", "7", "--jobs", "2", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(explore, arguments)
    assert result.exit_code == 0, result.output
    line = result.stdout.splitlines()[-1]
    assert line.startswith("seeds 2, broken 0, steps ")
    for figure in ("exchanges ", "faults ", "virtual days ", "seconds ", "seeds/s "):
        assert figure in line
    assert not (tmp_path / "out").exists()


def test_the_same_seeds_give_the_same_figures_whatever_else_is_played(tmp_path: Path) -> None:
    def figures(seeds: tuple[int, ...]) -> dict[int, object]:
        found: dict[int, object] = {}

        def tell(findings: Findings, played: Played) -> None:
            found[played.seed] = played.figures

        explore_plan(Plan(seeds=seeds, nodes=2, acts=10, out=tmp_path), tell)
        return found

    assert figures((1, 2))[2] == figures((2,))[2]


def test_mixed_worlds_live_on_postgresql_too(tmp_path: Path, postgres_url: str) -> None:
    plan = Plan(seeds=(1,), nodes=2, acts=10, database=postgres_url, out=tmp_path)
    findings = explore_plan(plan, lambda *_: None)
    assert findings.broken == []
    assert findings.figures.exchanges > 10


def test_a_database_server_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    arguments = ["--seeds", "1", "--jobs", "1", "--database", "postgresql://nobody@127.0.0.1:1/none"]
    result = CliRunner().invoke(explore, [*arguments, "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "cannot be reached" in result.stderr


def test_a_scenario_in_which_all_is_so_ends_well(tmp_path: Path) -> None:
    story, record, page = tmp_path / "story.scenario", tmp_path / "story.jsonl", tmp_path / "story.html"
    story.write_text(GOOD)
    result = CliRunner().invoke(run, [str(story), "--record", str(record), "--html", str(page), "-v"])
    assert result.exit_code == 0, result.output
    assert 'alice@alpha posts "hello" as p1' in result.stdout
    assert "all of it held (5 steps, " in result.stdout.splitlines()[-1]
    assert any(exchange.activity.type == "Create" for exchange in load_recording(record))
    assert page.read_text().startswith("<!doctype html>")


def test_a_scenario_in_which_something_is_not_so_fails_and_can_be_made_smaller(tmp_path: Path) -> None:
    story, good, small = tmp_path / "bad.scenario", tmp_path / "good.scenario", tmp_path / "small.scenario"
    story.write_text(BAD)
    good.write_text(GOOD)
    result = CliRunner().invoke(run, [str(story), str(good), "--shrink", str(small)])
    assert result.exit_code == 1
    assert f"{story}: broken in step 3: expect ben@beta sees p1" in result.stdout
    assert f"{good}: all of it held" in result.stdout
    assert [step.line for step in load_scenario(small).steps] == [
        'alice@alpha posts "hello" as p1',
        "expect ben@beta sees p1",
    ]
    assert small.read_text().startswith("# ben@beta does not see p1")


def test_steps_that_cannot_be_done_are_told(tmp_path: Path) -> None:
    story = tmp_path / "story.scenario"
    story.write_text('alpha crashes\nalice@alpha posts "hello"\n')
    result = CliRunner().invoke(run, [str(story)])
    assert result.exit_code == 0
    assert "not done: alpha is down" in result.stdout


def test_a_scenario_that_cannot_be_read_is_a_clear_error(tmp_path: Path) -> None:
    story = tmp_path / "story.scenario"
    story.write_text("quit\n")
    result = CliRunner().invoke(run, [str(story)])
    assert result.exit_code == 2
    assert f"{story}, line 1: " in result.stderr
    assert "did you mean quiet?" in result.stderr


def test_a_process_of_the_lab_that_dies_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(plan: Plan, seed: int) -> Played:
        raise NodeError("no room for databases")

    monkeypatch.setattr(exploring, "play_seed", broken)
    result = CliRunner().invoke(explore, ["--seeds", "1", "--jobs", "1", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "no room for databases" in result.stderr
