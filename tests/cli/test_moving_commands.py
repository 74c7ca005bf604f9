"""Moving house from the command line: aliases, a move and its undoing, and the files that are taken along."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fake_peer import FakePeer, Person, fake_peer
from tests.inprocess import free_port

pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True)
class Shell:
    """Commands with the settings of one node that is not running; other servers answer meanwhile."""

    environ: dict[str, str]
    folder: Path
    base_url: str

    async def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "fediverse_node", *arguments],
            env=self.environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
async def shell(tmp_path: Path) -> Shell:
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("FEDIVERSE_NODE_")}
    environ |= {
        "FEDIVERSE_NODE_LISTEN": f"127.0.0.1:{port}",
        "FEDIVERSE_NODE_BASE_URL": f"http://127.0.0.1:{port}",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }
    made = Shell(environ, tmp_path, f"http://127.0.0.1:{port}")
    assert (await made("user", "add", "alice", "--email", "alice@example.org")).returncode == 0
    return made


@pytest.fixture
async def new_home() -> AsyncIterator[FakePeer]:
    async with fake_peer() as peer:
        yield peer


def _person(peer: FakePeer, name: str) -> Person:
    made = peer.person(name)
    peer.documents[made.uri]["preferredUsername"] = name
    return made


async def test_a_move_is_explained_checked_done_and_taken_back(shell: Shell, new_home: FakePeer) -> None:
    new = _person(new_home, "alice")
    handle = f"@alice@{new_home.host}"
    refused = await shell("user", "move", "alice", handle, "--yes")
    assert refused.returncode == 2
    assert "does not name this one as an alias" in refused.stderr
    new_home.documents[new.uri]["alsoKnownAs"] = [f"{shell.base_url}/users/alice"]
    told = await shell("user", "move", "alice", handle)
    assert told.returncode == 0, told.stderr
    assert "What moves: the followers, 0 here and 0 on other servers." in told.stdout
    assert "What stays: posts" in told.stdout
    assert "Nothing was changed" in told.stdout
    assert (await shell("user", "move", "alice", new.uri, "--yes")).returncode == 0
    again = await shell("user", "move", "alice", _named(new_home, "other", shell), "--yes")
    assert again.returncode == 2
    assert "within the last thirty days" in again.stderr
    back = await shell("user", "move", "alice", "--undo")
    assert back.returncode == 0, back.stderr
    assert "is here again" in back.stdout
    assert (await shell("user", "move", "alice", "--undo")).returncode == 2


def _named(peer: FakePeer, name: str, shell: Shell) -> str:
    other = _person(peer, name)
    peer.documents[other.uri]["alsoKnownAs"] = [f"{shell.base_url}/users/alice"]
    return other.uri


async def test_aliases_are_added_listed_and_taken_back(shell: Shell, new_home: FakePeer) -> None:
    old = _person(new_home, "old")
    added = await shell("user", "alias", "alice", f"old@{new_home.host}")
    assert added.returncode == 0, added.stderr
    assert old.uri in added.stdout
    assert (await shell("user", "alias", "alice")).stdout.split() == [old.uri]
    removed = await shell("user", "alias", "alice", old.uri, "--remove")
    assert removed.returncode == 0, removed.stderr
    assert (await shell("user", "alias", "alice")).stdout == ""
    for wrong, why in (
        ("alice", "write it like @name@example.org"),
        (f"nobody@{new_home.host}", ""),
        (f"@alice@127.0.0.1:{shell.base_url.rpartition(':')[2]}", "this is the account itself"),
    ):
        outcome = await shell("user", "alias", "alice", wrong)
        assert outcome.returncode == 2, outcome.stdout
        assert why in outcome.stderr


async def test_what_is_taken_in_can_be_taken_out_again(shell: Shell, new_home: FakePeer) -> None:
    ben = _person(new_home, "ben")
    _person(new_home, "cleo")
    note = new_home.note(ben, "worth keeping")
    host = new_home.host
    files = {
        "following_accounts.csv": "Account address,Show boosts,Notify on new posts,Languages\n"
        f"ben@{host},false,true,de\nghost@{host},true,false,\n",
        "blocked_accounts.csv": f"cleo@{host}\n",
        "muted_accounts.csv": f"Account address,Hide notifications\nben@{host},false\n",
        "blocked_domains.csv": "bad.example\n",
        "lists.csv": f"Friends,ben@{host}\n",
        "bookmarks.csv": f"{note['id']}\n",
    }
    for name, text in files.items():
        (shell.folder / name).write_text(text)
        outcome = await shell("user", "import", "alice", name)
        assert outcome.returncode == (1 if "ghost" in text else 0), (name, outcome.stderr)
        assert "1 done" in outcome.stdout, (name, outcome.stdout, outcome.stderr)
    again = await shell("user", "import", "alice", "following_accounts.csv")
    assert "0 done, 1 were so before, 1 could not be done" in again.stdout
    assert f"ghost@{host}: " in again.stderr
    assert (await shell("user", "export", "alice", "--to", "out")).returncode == 0
    written = {path.name: path.read_text() for path in (shell.folder / "out").iterdir()}
    files["following_accounts.csv"] = files["following_accounts.csv"].replace(f"ghost@{host},true,false,\n", "")
    assert written == files | {"followers.csv": "Account address\n"}
    assert stat.S_IMODE((shell.folder / "out" / "blocked_accounts.csv").stat().st_mode) == 0o600
    one = await shell("user", "export", "alice", "--to", "-", "--kind", "blocks")
    assert one.stdout == f"cleo@{host}\n"
