"""The command line, as an operator uses it: in processes of its own, while the server runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.inprocess import free_port

pytestmark = pytest.mark.timeout(120)


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs commands with the settings of one node."""

    environ: dict[str, str]
    folder: Path
    base_url: str

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "fediverse_node", *arguments],
            env={**self.environ, **more}, cwd=self.folder, capture_output=True, text=True, timeout=60,
        )  # fmt: skip


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    port = free_port()
    environ = {k: v for k, v in os.environ.items() if not k.startswith("FEDIVERSE_NODE_")}
    environ["FEDIVERSE_NODE_LISTEN"] = f"127.0.0.1:{port}"
    environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    return Shell(environ, tmp_path, f"http://127.0.0.1:{port}")


@pytest.fixture
def server(shell: Shell) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "fediverse_node", "serve"],
        env=shell.environ, cwd=shell.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert "serves http://localhost" in process.stdout.readline()
    yield process
    process.terminate()
    process.wait(20)
    process.stdout.close()
    if process.stderr is not None:
        process.stderr.close()


def test_the_first_start_needs_nothing_and_says_what_to_do_next(shell: Shell, server: subprocess.Popen[str]) -> None:
    assert server.stdout is not None
    said = "".join(server.stdout.readline() for _ in range(6))
    assert re.search(r"http://localhost:\d+/sign-in/\S{40,}", said)
    assert "Mastodon client" in said
    assert (shell.folder / "data").stat().st_mode & 0o077 == 0


async def test_accounts_and_tokens_are_made_while_the_server_runs(shell: Shell, server: subprocess.Popen[str]) -> None:
    made = shell.run("user", "add", "ada", "--email", "ada@example.org", "--password", "a long secret", "--admin")
    assert made.returncode == 0, made.stderr
    token = shell.run("token", "ada", "--scopes", "read")
    assert token.returncode == 0
    assert re.fullmatch(r"\S{40,}\n", token.stdout)
    headers = {"Authorization": f"Bearer {token.stdout.strip()}"}
    async with (
        aiohttp.ClientSession(shell.base_url, headers=headers) as session,
        session.get("/api/v1/accounts/verify_credentials") as answer,
    ):
        assert answer.status == 200
        assert (await answer.json())["username"] == "ada"


def test_setting_up_again_and_migrating_change_nothing_while_the_server_runs(
    shell: Shell, server: subprocess.Popen[str]
) -> None:
    assert shell.run("init").returncode == 0
    assert "already" in shell.run("migrate").stdout
    assert shell.run("doctor").returncode == 0


def test_the_doctor_finds_a_running_node_well(shell: Shell, server: subprocess.Popen[str]) -> None:
    seen = shell.run("doctor")
    assert seen.returncode == 0, seen.stdout
    for part in ("schema", "database", "base url", "webfinger", "keys", "clock", "outbound"):
        assert f"ok   {part}:" in seen.stdout


async def test_an_organisation_is_one_and_stays_one(shell: Shell, server: subprocess.Popen[str]) -> None:
    made = shell.run("user", "add", "library", "--email", "l@example.org", "--type", "organization")
    assert made.returncode == 0, made.stderr
    assert "/sign-in/" in made.stdout
    headers = {"Authorization": f"Bearer {shell.run('token', 'library').stdout.strip()}"}
    async with aiohttp.ClientSession(shell.base_url, headers=headers) as session:
        changes = {"display_name": "Library", "bot": "false"}
        async with session.patch("/api/v1/accounts/update_credentials", data=changes) as answer:
            assert answer.status == 200
        async with session.get("/users/library", headers={"Accept": "application/activity+json"}) as answer:
            document = await answer.json(content_type=None)
    assert (document["type"], document["name"]) == ("Organization", "Library")


def test_the_doctor_says_what_to_do_when_nothing_was_set_up(shell: Shell) -> None:
    seen = shell.run("doctor")
    assert seen.returncode == 1
    assert "fediverse-node migrate" in seen.stdout


def test_the_doctor_says_when_the_server_does_not_answer(shell: Shell) -> None:
    assert shell.run("init").returncode == 0
    seen = shell.run("doctor")
    assert seen.returncode == 1
    assert "FAIL base url" in seen.stdout
    assert "fediverse-node serve" in seen.stdout


def test_the_second_start_listens_within_two_seconds(shell: Shell) -> None:
    assert shell.run("init").returncode == 0
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "fediverse_node", "serve"],
        env=shell.environ, cwd=shell.folder, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert "serves" in process.stdout.readline()
        # Two seconds on a quiet machine; the tests may share theirs with others.
        assert time.perf_counter() - started < 10
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()


def test_migrate_says_that_all_is_done(shell: Shell) -> None:
    assert "went from nothing" in shell.run("migrate").stdout
    assert "already" in shell.run("migrate").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("user", "add", "ada!", "--email", "a@example.org"), "letters, digits", id="a bad name"),
        pytest.param(("user", "add", "ada", "--email", "nowhere"), "not an e-mail address", id="a bad address"),
        pytest.param(
            ("user", "add", "ada", "--email", "a@example.org", "--password", "short"),
            "8 characters",
            id="a short password",
        ),
        pytest.param(("token", "nobody"), "there is no user 'nobody'", id="a token for nobody"),
    ],
)  # fmt: skip
def test_mistakes_are_answered_in_plain_words(shell: Shell, arguments: tuple[str, ...], words: str) -> None:
    answer = shell.run(*arguments)
    assert answer.returncode == 2
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        pytest.param({"FEDIVERSE_NODE_TITEL": "x"}, "FEDIVERSE_NODE_TITLE", id="an unknown key names the nearest"),
        pytest.param(
            {"FEDIVERSE_NODE_DEVELOPMENT": "true", "FEDIVERSE_NODE_LISTEN": "0.0.0.0:8420"},
            "development mode", id="development on a public address",
        ),
        pytest.param(
            {"FEDIVERSE_NODE_DEVELOPMENT": "false", "FEDIVERSE_NODE_BASE_URL": "http://example.org"},
            "https", id="plain http without development",
        ),
        pytest.param(
            {"FEDIVERSE_NODE_DATABASE_URL": "postgresql://127.0.0.1:1/none"}, "database", id="a database that is away"
        ),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_work_refuses_the_start(
    shell: Shell, variables: dict[str, str], words: str
) -> None:
    answer = shell.run("serve", **variables)
    assert answer.returncode == 2
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_port_that_is_taken_is_named(shell: Shell, server: subprocess.Popen[str]) -> None:
    answer = shell.run("serve")
    assert answer.returncode == 2
    assert "LISTEN" in answer.stderr
