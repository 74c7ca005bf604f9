"""A real PostgreSQL server of the tests' own: made, started and thrown away by them, never the machine's.

It listens on a free loopback port, trusts everybody there, and does not wait for the disk.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ctypes import CDLL
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

MISSING = (
    "PostgreSQL is not installed: `make test` installs it as root on Debian and Ubuntu; elsewhere"
    " `sudo apt-get install postgresql`, `sudo dnf install postgresql-server` or `brew install postgresql`"
)
_START_ATTEMPTS = 5
_START_TIMEOUT_S = 30.0
_PR_SET_PDEATHSIG = 1

# The tests may lose everything at a crash of the machine; they may not wait for its disk.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
}


def find_binaries() -> Path | None:
    """The directory of initdb and postgres, the newest first; None where PostgreSQL is not installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    candidates = [*debian, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((path for path in candidates if (path / "initdb").exists() and (path / "postgres").exists()), None)


class PostgresServer:
    """A running server. Databases are made from a template, which takes some tens of milliseconds."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = count(1)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def create_database(self, *, template: str = "template0") -> str:
        """The URL of a new database. Nobody may be connected to `template` meanwhile."""
        name = f"test_{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Removes it, and throws out whoever is still connected."""
        self.execute(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """One statement in the maintenance database; may be called whether or not a loop is running."""
        run_apart(lambda: self._execute(statement))

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def run_apart(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs a coroutine to its end in a loop and a thread of its own, so that the test's loop is not touched."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(work())).result()


@contextmanager
def running_server(binaries: Path) -> Iterator[PostgresServer]:
    """A fresh server for the length of the block."""
    user = "postgres" if hasattr(os, "geteuid") and os.geteuid() == 0 else None
    # Not pytest's directory: its parents are closed to other users, and the server refuses to run as root.
    home = Path(tempfile.mkdtemp(prefix="node-pg-"))
    try:
        if user:
            shutil.chown(home, user)
        initdb: list[Path | str] = [
            binaries / "initdb",
            "-D",
            home / "data",
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        made = _run([*initdb, "--locale=C", "--no-sync"], home, user)
        if made.wait() != 0:
            raise RuntimeError(f"initdb failed: {_output(home)}")
        process, port = _start(binaries, home, user)
        try:
            yield PostgresServer(port)
        finally:
            _stop(process)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _start(binaries: Path, home: Path, user: str | None) -> tuple[subprocess.Popen[bytes], int]:
    output = ""
    for _ in range(_START_ATTEMPTS):  # somebody else may take the port between our look and the start
        port = _free_port()
        settings = {**_SETTINGS, "port": str(port), "unix_socket_directories": str(home)}
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        process = _run([binaries / "postgres", "-D", home / "data", *options], home, user)
        if _answers(process, PostgresServer(port)):
            return process, port
        _stop(process)
        output = _output(home)
    raise RuntimeError(f"PostgreSQL did not start: {output}")


def _answers(process: subprocess.Popen[bytes], server: PostgresServer) -> bool:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            server.execute("SELECT 1")
            return True
        except (OSError, asyncpg.PostgresError):
            time.sleep(0.05)
    return False


def _run(command: Sequence[Path | str], home: Path, user: str | None) -> subprocess.Popen[bytes]:
    with _log(home).open("ab") as log:
        return subprocess.Popen(
            [str(part) for part in command],
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            user=user,
            group=user,
            extra_groups=[] if user else None,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )


def _die_with_parent() -> None:
    # Tests that are killed must not leave a server behind.
    CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for ask in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(ask)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            continue


def _log(home: Path) -> Path:
    return home / "log"


def _output(home: Path) -> str:
    return _log(home).read_text(errors="replace")[-2000:].strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
