"""`lab why` on the command line: its answer, its exit status, and what it says when it cannot answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fediverse_node.cli.lab_why import why
from fediverse_node.lab.world import World, simulate


async def _story(world: World) -> tuple[str, bytes]:
    alice, ben = await world.people("alice@alpha", "ben@beta")
    await ben.follows(alice)
    await world.quiet()
    post = await alice.posts("hello")
    await world.quiet()
    return post.uri, world.recording.dump()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A post, and the recording of how it was delivered to beta and to nobody else."""
    uri, dump = simulate(_story)
    path = tmp_path_factory.mktemp("run") / "run.jsonl"
    path.write_bytes(dump)
    return uri, path


@pytest.mark.parametrize(
    ("host", "status", "words"),
    [("beta", 0, "It did reach beta.test."), ("gamma.test", 1, "It was never sent to gamma.test.")],
)
def test_the_answer_comes_from_a_recording(run: tuple[str, Path], host: str, status: int, words: str) -> None:
    uri, path = run
    result = CliRunner().invoke(why, [uri, host, "--recording", str(path)])
    assert result.exit_code == status, result.output
    assert result.output.startswith(words)
    as_json = CliRunner().invoke(why, [uri, host, "--recording", str(path), "--json"])
    assert json.loads(as_json.output)["verdict"] == words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--recording", "nowhere.jsonl"], "cannot be read"),
        (["--lab", "http://127.0.0.1:9"], "no lab answers at http://127.0.0.1:9"),
        (["--lab", "https://social.example.org"], "is no lab on this machine"),
    ],
)
def test_what_cannot_be_found_out_is_said_with_what_to_do(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(why, ["https://alpha.test/users/alice/statuses/1", "beta", *arguments])
    assert result.exit_code == 2
    assert words in result.output
