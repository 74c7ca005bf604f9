"""Scenarios as files: one act a line, comments after `#`, errors that say where and what was expected.

seed 7
nodes alpha beta
ben@beta follows alice@alpha
quiet
alice@alpha posts "hello" as p1
quiet
expect ben@beta sees p1
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fediverse_node.base.errors import NodeError
from fediverse_node.lab.scenario import acts, passing, trouble
from fediverse_node.lab.scenario.slots import SLOTS, Reader, Unreadable
from fediverse_node.lab.scenario.step import Step, form_of, read_step
from fediverse_node.lab.scenario.tokens import LineError, Token, split

KINDS: tuple[type[Step], ...] = (
    acts.Regards,
    acts.Posts,
    acts.Asks,
    acts.Replies,
    acts.Edits,
    acts.Reacts,
    acts.Votes,
    acts.Moves,
    trouble.FailsBetween,
    trouble.FailsFrom,
    trouble.Heals,
    trouble.CrashesAfterCommit,
    trouble.Crashes,
    trouble.Starts,
    trouble.Stops,
    trouble.Restarts,
    trouble.FillsDisk,
    trouble.FreesDisk,
    trouble.SetsClock,
    trouble.RightsClock,
    trouble.RotatesKey,
    passing.Waits,
    passing.Quiet,
    passing.ExpectsSight,
    passing.ExpectsCopy,
    passing.ExpectsCount,
    passing.ExpectsFollow,
)
_HEADS = ("seed", "nodes")


class ScenarioError(NodeError):
    """A scenario cannot be read; the message names the file, the line and what was expected there."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story: the seed of its world, nodes that are there from the beginning, and what happens."""

    seed: int = 0
    nodes: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def text(self) -> str:
        """The file."""
        heads = [f"seed {self.seed}", *([f"nodes {' '.join(self.nodes)}"] if self.nodes else [])]
        return "\n".join([*heads, *(step.line for step in self.steps)]) + "\n"


def load_scenario(path: Path) -> Scenario:
    """Read a file. Raises ScenarioError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path} cannot be read: {error}") from error
    return parse_scenario(text, name=str(path))


def parse_scenario(text: str, *, name: str = "scenario") -> Scenario:
    """Read a text. Raises ScenarioError with all lines that cannot be read."""
    seed = 0
    nodes: tuple[str, ...] = ()
    steps: list[Step] = []
    posts: set[str] = set()
    errors: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            tokens = split(line)
            if not tokens:
                continue
            if tokens[0].value in _HEADS and not tokens[0].is_text:
                if steps:
                    raise LineError(f"{tokens[0]} stands before the first step")
                if tokens[0].value == "seed":
                    seed = _seed(tokens)
                else:
                    nodes = (*nodes, *_nodes(tokens))
                continue
            step = _step(tokens)
            if step.needs and step.needs not in posts:
                raise LineError(f"nothing above is called {step.needs}{_hint(step.needs, sorted(posts))}")
            if step.names:
                posts.add(step.names)
            steps.append(step)
        except LineError as error:
            errors.append(f"{name}, line {number}: {error}")
    if errors:
        raise ScenarioError("\n".join(errors))
    return Scenario(seed, nodes, tuple(steps))


def parse_step(line: str) -> Step:
    """One line. Raises LineError."""
    return _step(split(line))


def without_dangling(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps without those about posts that no step before has made."""
    posts: set[str] = set()
    kept: list[Step] = []
    for step in steps:
        if step.needs and step.needs not in posts:
            continue
        if step.names:
            posts.add(step.names)
        kept.append(step)
    return tuple(kept)


def _seed(tokens: Sequence[Token]) -> int:
    if len(tokens) != 2 or not tokens[1].value.isdecimal():
        raise LineError("expected a whole number after seed, as seed 7")
    return int(tokens[1].value)


def _nodes(tokens: Sequence[Token]) -> tuple[str, ...]:
    reader = Reader(tokens, 1)
    found: list[str] = []
    try:
        while reader.next is not None or not found:
            found.append(str(SLOTS["node"].read(reader)))
    except Unreadable as error:
        raise LineError(f"expected {error.expected} after {tokens[reader.position - 1]}") from error
    return tuple(found)


def _step(tokens: Sequence[Token]) -> Step:
    reached = 0
    failed: list[Unreadable] = []
    for kind in KINDS:
        reader = Reader(tokens)
        try:
            return read_step(kind, reader)
        except Unreadable as error:
            if reader.position > reached:
                reached, failed = reader.position, []
            if reader.position == reached:
                failed.append(error)
    raise LineError(_complaint(tokens, reached, failed))


def _complaint(tokens: Sequence[Token], reached: int, failed: Sequence[Unreadable]) -> str:
    expected = _expected(failed)
    choices = [choice for error in failed for choice in (*error.choices, error.expected)]
    where = f" after {tokens[reached - 1]}" if reached else " at the beginning of the line"
    found = f"found {tokens[reached]}" if reached < len(tokens) else "the line ends there"
    hint = _hint(tokens[reached].value, choices) if reached < len(tokens) and not tokens[reached].is_text else ""
    if not hint and reached == 1 and not tokens[0].is_text:
        # The name of a node may be any word, also a mistyped one.
        hint = _hint(tokens[0].value, [*_HEADS, *(form_of(kind).first_word for kind in KINDS)])
    return f"expected {expected}{where}, {found}{hint}"


def _expected(failed: Sequence[Unreadable]) -> str:
    """Words that are expected, then things; none twice."""
    words = [word for error in failed for word in error.choices if error.expected.startswith(error.choices[0])]
    things = [error.expected for error in failed if not error.choices or error.choices[0] not in error.expected]
    found = list(dict.fromkeys((*words, *things)))
    return " or ".join(filter(None, (", ".join(found[:-1]), found[-1])))


def _hint(word: str, choices: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(dict.fromkeys(filter(None, choices))), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near and near[0] != word else ""
