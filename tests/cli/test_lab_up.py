"""`fediverse-node lab up` as people run it: a process that starts a world, tells how to use it, and ends on Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.running_node import ROOT

_START_S = 40.0
_STOP_S = 15.0


@dataclass
class Lab:
    """A running lab and what it has printed."""

    process: subprocess.Popen[str]
    printed: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.printed)

    def read_until(self, pattern: str) -> re.Match[str]:
        """Take in lines until one fits."""
        until = time.monotonic() + _START_S
        assert self.process.stdout is not None
        while time.monotonic() < until:
            line = self.process.stdout.readline()
            self.printed.append(line)
            if found := re.search(pattern, line):
                return found
            if not line:
                break
        raise AssertionError(f"{pattern} was not printed:\n{self.text}")

    def url(self, name: str) -> str:
        """Where a node answers."""
        found = re.search(rf"^{re.escape(name)}  (\S+)$", self.text, re.MULTILINE)
        assert found, self.text
        return found[1]

    def token(self, address: str) -> str:
        """The token of somebody."""
        found = re.search(rf"@{re.escape(address)}  .*\n    token (\S+)", self.text)
        assert found, self.text
        return found[1]

    def stop(self) -> int:
        """Ctrl-C; the exit status."""
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=_STOP_S)
        self.printed.append(rest)
        return self.process.returncode


@contextlib.contextmanager
def _lab(folder: Path, *arguments: str) -> Iterator[Lab]:
    process = subprocess.Popen(
        [sys.executable, "-m", "fediverse_node", "lab", "up", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Lab(process)
    finally:
        process.kill()
        process.communicate()


def _ports(lab: Lab) -> set[int]:
    return {int(port) for port in re.findall(r"http://127\.0\.0\.1:(\d+)", lab.text)}


def _is_open(port: int) -> bool:
    with contextlib.suppress(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/", timeout=5)
        return True
    return False


def test_a_world_starts_talks_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with _lab(tmp_path, "3", "--no-browser") as lab:
        lab.read_until("Ctrl-C ends the world")
        page = re.search(r"The lab is up\. .*(http://\S+)", lab.text)
        assert page
        assert requests.get(page[1], timeout=10).status_code == 200
        lab.read_until(r"They have talked: \d+ exchanges")
        headers = {"Authorization": f"Bearer {lab.token('alice@alpha.test')}"}
        url = f"{lab.url('alpha.test')}/api/v1/timelines/home"
        authors = {status["account"]["acct"] for status in requests.get(url, headers=headers, timeout=10).json()}
        assert {"alice", "ben@beta.test"} <= authors
        ports = _ports(lab)
        assert len(ports) == 5
        assert lab.stop() == 0
    assert not any(_is_open(port) for port in ports)
    # Its folder was temporary.
    assert not list(tmp_path.iterdir())
    assert "Traceback" not in lab.text


def test_a_second_lab_takes_other_ports(tmp_path: Path) -> None:
    with _lab(tmp_path, "1", "--no-browser") as first, _lab(tmp_path, "1", "--no-browser") as second:
        for lab in (first, second):
            lab.read_until("Ctrl-C ends the world")
        assert not _ports(first) & _ports(second)
        assert (first.stop(), second.stop()) == (0, 0)


def test_a_kept_world_goes_on_under_the_same_addresses(tmp_path: Path) -> None:
    arguments = ("2", "--no-browser", "--data", "kept")
    with _lab(tmp_path, *arguments) as lab:
        lab.read_until("They have talked")
        token, url = lab.token("ben@beta.test"), lab.url("beta.test")
        headers = {"Authorization": f"Bearer {token}"}
        home = f"{url}/api/v1/timelines/home"
        before = [status["id"] for status in requests.get(home, headers=headers, timeout=10).json()]
        assert before
        assert lab.stop() == 0
    assert (tmp_path / "kept/alpha.test.log").read_text()
    assert (tmp_path / "kept/world.json").stat().st_mode & 0o077 == 0
    with _lab(tmp_path, *arguments) as lab:
        lab.read_until("Ctrl-C ends the world")
        assert (lab.token("ben@beta.test"), lab.url("beta.test")) == (token, url)
        assert [status["id"] for status in requests.get(home, headers=headers, timeout=10).json()] == before
        assert lab.stop() == 0


def test_it_ends_also_while_they_talk(tmp_path: Path) -> None:
    with _lab(tmp_path, "4", "--no-browser") as lab:
        lab.read_until("Ctrl-C ends the world")
        assert lab.stop() == 0
    assert "Traceback" not in lab.text
    assert not list(tmp_path.iterdir())


def test_an_attached_server_is_told_what_to_set(tmp_path: Path) -> None:
    with _lab(tmp_path, "1", "--no-browser", "--attach", "mastodon.test=127.0.0.1:3000") as lab:
        lab.read_until("Ctrl-C ends the world")
        assert "mastodon.test is asked at http://127.0.0.1:3000" in lab.text
        proxy = re.search(r"https_proxy=(http://127\.0\.0\.1:\d+) ", lab.text)
        ca = re.search(r"SSL_CERT_FILE=(\S+)", lab.text)
        assert proxy
        assert ca
        with requests.Session() as session:
            session.trust_env = False
            session.proxies = {"https": proxy[1]}
            found = session.get(
                "https://alpha.test/.well-known/webfinger?resource=acct:alice@alpha.test", verify=ca[1], timeout=10
            )
        assert found.json()["subject"] == "acct:alice@alpha.test"
        assert lab.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--attach", "mastodon"), "give NAME=ADDRESS"),
        (("--attach", "alpha.test=127.0.0.1:3000"), "alpha.test is the name of an attached server"),
        (("--database", "mysql://x"), "--database must begin with"),
        (("--database", "sqlite:///x.db"), "--database names a PostgreSQL server"),
        (("--data", "/proc/none"), "cannot be used"),
    ],
)
def test_what_cannot_be_is_refused_in_words(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    with _lab(tmp_path, "1", "--no-browser", *arguments) as lab:
        lab.printed.append(lab.process.communicate(timeout=_START_S)[0])
        assert lab.process.returncode == 2
        assert sentence in lab.text
        assert "Traceback" not in lab.text


def test_other_commands_do_not_wait_for_the_lab() -> None:
    program = (
        "import sys, fediverse_node.cli.main; print([m for m in sys.modules if m.startswith('fediverse_node.lab')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_the_help_of_the_lab_lists_its_commands_without_loading_them() -> None:
    program = (
        "import sys\nfrom click.testing import CliRunner\nfrom fediverse_node.cli.main import cli\n"
        "print(CliRunner().invoke(cli, ['lab', '--help']).output)\n"
        "print([m for m in sys.modules if m.startswith('fediverse_node.lab')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert re.search(r"^  up +Start nodes", done.stdout, re.MULTILINE)
    assert done.stdout.strip().endswith("[]")
