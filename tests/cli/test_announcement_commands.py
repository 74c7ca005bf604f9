"""Announcements from the command line."""

from __future__ import annotations

import pytest

from tests.running_node import NodeFailedError, RunningNode


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> RunningNode:
    """A node that does not run: its commands work all the same."""
    return RunningNode(tmp_path_factory.mktemp("node"), 18_998, settings={"FEDIVERSE_NODE_DEVELOPMENT": "true"})


def test_announcements_are_made_listed_and_taken_back(node: RunningNode) -> None:
    number = node.run("announcement", "add", "We have\ncake").split()[0]
    days = ("--starts", "2999-12-24", "--ends", "2999-12-26T18:00+01:00", "--all-day")
    assert "is announced from 2999-12-01 10:00 UTC on" in node.run(
        "announcement", "add", "Closed", *days, "--at", "2999-12-01T10:00"
    )
    listed = [line.split("\t") for line in node.run("announcement", "list").splitlines()]
    assert listed[0] == [number, "shown", "We have cake", "-"]
    assert listed[1][1:] == ["from 2999-12-01 10:00 UTC", "Closed", "-"]
    assert f"{number} is gone." in node.run("announcement", "remove", number)
    assert number not in node.run("announcement", "list")
    with pytest.raises(NodeFailedError, match="there is no announcement"):
        node.run("announcement", "remove", number)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("  ",), "says something"),
        (("x" * 10_001,), "at most 10000"),
        (("x", "--starts", "tomorrow"), "is no moment"),
        (("x", "--all-day"), "a first and a last"),
        (("x", "--starts", "2999-02-02", "--ends", "2999-02-01"), "before it starts"),
        (("x", "--ends", "2001-01-01"), "ended before"),
        (("x", "--ends", "2999-01-01", "--at", "2999-01-02"), "ended before"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(
    node: RunningNode, arguments: tuple[str, ...], why: str
) -> None:
    with pytest.raises(NodeFailedError, match=why):
        node.run("announcement", "add", *arguments)
