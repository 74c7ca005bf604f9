"""Invitations from the command line."""

from __future__ import annotations

import pytest

from tests.running_node import NodeFailedError, RunningNode


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> RunningNode:
    """A node that does not run: its commands work all the same."""
    started = RunningNode(tmp_path_factory.mktemp("node"), 18_993, settings={"FEDIVERSE_NODE_DEVELOPMENT": "true"})
    started.run("user", "add", "alice", "--email", "alice@example.org")
    return started


def test_invitations_are_made_listed_and_taken_back(node: RunningNode) -> None:
    first = node.run("invite", "add", "@Alice").strip()
    second = node.run("invite", "add", "alice", "--uses", "3", "--days", "7").strip()
    assert "/invite/" in first
    codes = [address.rpartition("/")[2] for address in (first, second)]
    listed = [line.split("\t") for line in node.run("invite", "list").splitlines()]
    assert listed[0] == [codes[0], "holds", "@alice", "0 uses", "for good"]
    assert listed[1][:4] == [codes[1], "holds", "@alice", "0 of 3 uses"]
    assert listed[1][4].startswith("until 2")
    assert f"{codes[0]} is gone." in node.run("invite", "remove", codes[0])
    assert codes[0] not in node.run("invite", "list")
    with pytest.raises(NodeFailedError, match="there is no invite"):
        node.run("invite", "remove", codes[0])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [(("nobody",), "nobody here is called"), (("alice", "--uses", "0"), "0"), (("alice", "--days", "-1"), "-1")],
)
def test_what_makes_no_sense_is_refused_with_the_reason(
    node: RunningNode, arguments: tuple[str, ...], why: str
) -> None:
    with pytest.raises(NodeFailedError, match=why):
        node.run("invite", "add", *arguments)
