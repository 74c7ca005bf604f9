"""`fediverse-node domain`, as an operator types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert

from fediverse_node.base.config import configure
from fediverse_node.cli.main import cli
from fediverse_node.storage import tables
from tests.postgres import run_apart
from tests.web.builders import engine_for


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Run a command; what it printed, and how it ended."""
    monkeypatch.setenv("FEDIVERSE_NODE_DATA_DIR", str(tmp_path))

    def call(*words: str, code: int = 0) -> str:
        result: Result = CliRunner().invoke(cli, ["domain", *words])
        assert result.exit_code == code, result.output
        return result.output

    return call


def _befriend(folder: Path) -> None:
    """Somebody here follows somebody at far.example."""

    async def fill() -> None:
        config = configure({"data_dir": str(folder)}, {})
        engine = engine_for(config.database_url)
        person = {"type": "Person", "inbox": "", "created_ms": 1}
        people = [
            {"id": 1, "uri": "here", "local": True, "username": "ann", "host": config.host, **person},
            {
                "id": 2,
                "uri": "https://a.far.example/u",
                "local": False,
                "username": "bob",
                "host": "a.far.example",
                **person,
            },
        ]
        follow = {"id": 3, "uri": "f", "follower_id": 1, "followed_id": 2, "accepted": True, "follower_local": True}
        async with engine.begin() as connection:
            await connection.execute(insert(tables.actors), people)
            await connection.execute(insert(tables.follows), {**follow, "created_ms": 1})
        await engine.dispose()

    run_apart(fill)


def test_an_operator_keeps_hosts_out_and_lets_them_in_again(run: object, tmp_path: Path) -> None:
    assert callable(run)
    assert run("list") == ""
    _befriend(tmp_path)
    refused = run("block", "far.example", code=2)
    assert "would cut 1 follow" in refused
    assert "--yes" in refused
    assert run("list") == ""
    said = run("block", "far.example", "--yes", "--public-comment", "spam", "--private-comment", "see mail")
    assert "far.example and all below it: suspended. This cuts 1 follow." in said
    assert "far.example: suspended (spam; see mail)" in run("list")
    assert "@ann followed @bob@a.far.example" in run("severed", "a.far.example")
    assert "limited" in run("limit", "far.example")
    assert "far.example: limited (spam; see mail)" in run("list")
    run("unblock", "far.example")
    assert "there is no rule" in run("unblock", "far.example", code=2)
    assert "is no domain" in run("block", "no domain", code=2)
    assert "friend.example is let in." in run("allow", "friend.example")
    assert "friend.example: let in" in run("list")
    run("disallow", "friend.example")
    assert run("list") == ""


def test_a_file_is_shown_before_it_is_taken_in_and_goes_out_as_it_came(run: object, tmp_path: Path) -> None:
    assert callable(run)
    file = tmp_path / "list.csv"
    file.write_text("#domain,#severity,#public_comment\nfar.example,suspend,spam\nloud.example,silence,\nnonsense,x,\n")
    run("list")
    _befriend(tmp_path)
    shown = run("import", str(file))
    assert "new      far.example: no rule -> suspended This cuts 1 follow." in shown
    assert "not read: line 4: nonsense" in shown
    assert "Nothing was changed" in shown
    assert run("list") == ""
    run("import", str(file), "--yes")
    assert "nothing to change" in run("import", str(file))
    exported = run("export")
    assert "far.example,suspend,False,False,spam,False" in exported
    again = tmp_path / "again.csv"
    again.write_text(exported)
    assert "nothing to change" in run("import", str(again))


def test_without_a_subscription_there_is_nothing_to_compare(run: object) -> None:
    assert callable(run)
    assert "no subscription" in run("diff", code=2)
    assert "no subscription" in run("unsubscribe", "https://lists.example/x", code=2)
    assert "the way" not in run("subscribe", "http://10.0.0.1/list", code=2)
