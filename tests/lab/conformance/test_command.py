"""`lab check` as it is typed: what it prints, asks, writes, and the status it ends with."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from fediverse_node.cli.lab_check import check
from tests.lab.conformance.small_server import small_server

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


async def run(*arguments: str, answer: str | None = None) -> Result:
    """The command in a thread with a loop of its own, while the server runs in this one."""
    return await asyncio.to_thread(CliRunner().invoke, check, arguments, input=answer)


async def test_a_server_that_is_right_ends_with_0(tmp_path: Path) -> None:
    html, json = tmp_path / "report.html", tmp_path / "report.json"
    async with small_server() as server:
        done = await run(
            f"{server.base_url}/@alice", "--send", "--only", "webfinger", "--only", "forged.unsigned",
            "--html", str(html), "--json", str(json),
        )  # fmt: skip
    assert done.exit_code == 0, done.output
    last = done.output.rstrip().splitlines()[-1]
    assert last.endswith("18 checks: 0 failed, 0 warnings, 18 passed, 0 skipped")
    assert "\x1b" not in done.output
    assert html.read_text().startswith("<!doctype html>")
    assert orjson.loads(json.read_bytes())["counts"]["passed"] == 18


async def test_a_fault_ends_with_1_and_says_what_to_do() -> None:
    async with small_server("webfinger.type") as server:
        done = await run(f"alice@{server.base_url.removeprefix('http://')}", "--no-send", "--only", "webfinger.type")
    assert done.exit_code == 1
    assert "FAIL The answer is declared as application/jrd+json" in done.output
    assert "Send Content-Type: application/jrd+json." in done.output


async def test_a_warning_alone_ends_with_0() -> None:
    async with small_server("webfinger.case") as server:
        done = await run(f"{server.base_url}/@alice", "--only", "webfinger.case")
    assert done.exit_code == 0
    assert "1 warning" in done.output


@pytest.mark.parametrize("answer", ["n\n", "\n", None])
async def test_it_asks_before_it_sends_and_takes_silence_for_no(answer: str | None) -> None:
    async with small_server() as server:
        done = await run(f"{server.base_url}/@alice", "--only", "forged.unsigned", answer=answer)
        assert server.posted == 0
    assert "Send them?" in done.output
    assert done.exit_code == 0


async def test_a_yes_lets_it_send() -> None:
    async with small_server() as server:
        done = await run(f"{server.base_url}/@alice", "--only", "forged.unsigned", answer="y\n")
        assert server.posted > 0
    assert "ok   An activity without a signature is refused" in done.output


@pytest.mark.parametrize(
    "arguments, said",
    [
        pytest.param(("nobody",), "neither the address of an actor", id="no target"),
        pytest.param(("http://127.0.0.1:9/@ada",), "leads to no actor", id="nobody answers"),
        pytest.param(("https://social.invalid/@ada",), "fediverse-node-check-", id="another machine, with its token"),
        pytest.param(("a@127.0.0.1:9", "--only", "weather"), "is none of webfinger", id="an unknown section"),
        pytest.param(("a@127.0.0.1:9", "--listen", "here"), "is not HOST:PORT", id="a listening address that is none"),
        pytest.param(("a@127.0.0.1:9", "--as", "here"), "is not an address", id="an own address that is none"),
        pytest.param(("a@127.0.0.1:9", "--resolve", "a=b"), "NAME=ADDRESS", id="a name that leads nowhere"),
    ],
)
async def test_what_cannot_be_examined_ends_with_2(arguments: tuple[str, ...], said: str) -> None:
    done = await run(*arguments)
    assert done.exit_code == 2
    assert said in done.output


async def test_names_can_be_led_to_this_machine() -> None:
    async with small_server() as server:
        port = server.base_url.rpartition(":")[2]
        server.base_url = "http://alpha.test"
        done = await run(
            "http://alpha.test/users/alice", "--no-send", "--resolve", f"alpha.test=127.0.0.1:{port}", "--only", "actor"
        )
    assert done.exit_code == 0, done.output
    assert "alice@alpha.test" in done.output
