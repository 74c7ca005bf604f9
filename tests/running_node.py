"""Nodes as people run them: a process with its own data folder and port, which can be killed and started again.

Users and tokens are made by the command line while the server runs. What a node prints is kept; a test that leaves a
traceback in it has failed, whatever it asserted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "a long password for tests"
SCOPES = "read write follow push"
_START_TIMEOUT_S = 20.0
_STOP_TIMEOUT_S = 15.0
_COMMAND_TIMEOUT_S = 30.0


class NodeFailedError(AssertionError):
    """The process did not do what was asked. Holds the end of its log."""


@dataclass
class RunningNode:
    """One node. `start` it before use; `kill` is `kill -9`; `stop` ends it in good order."""

    directory: Path
    port: int
    host_name: str = "127.0.0.1"
    settings: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()  # of `serve`
    tokens: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """What stands after the @ in handles."""
        return f"{self.host_name}:{self.port}"

    @property
    def base_url(self) -> str:
        return f"http://{self.host}"

    @property
    def log_path(self) -> Path:
        return self.directory / "node.log"

    @property
    def log(self) -> str:
        """Everything that it has printed, over all its lives."""
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    @property
    def database_path(self) -> Path:
        return self.directory / "data" / "node.db"

    def actor(self, name: str) -> str:
        return f"{self.base_url}/users/{name}"

    def handle(self, name: str) -> str:
        return f"{name}@{self.host}"

    def environment(self) -> dict[str, str]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith("FEDIVERSE_NODE_")}
        return {
            **outside,
            "PYTHONPATH": str(ROOT),
            "FEDIVERSE_NODE_DATA_DIR": str(self.directory / "data"),
            "FEDIVERSE_NODE_BASE_URL": self.base_url,
            "FEDIVERSE_NODE_LISTEN": f"127.0.0.1:{self.port}",
            "FEDIVERSE_NODE_RATE_LIMITS": "false",
            **self.settings,
        }

    def start(self) -> None:
        """Start the process and wait until it answers."""
        assert self._process is None
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fediverse_node", "serve", *self.arguments],
                cwd=self.directory,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + _START_TIMEOUT_S
        while not self._is_listening():
            if self._process.poll() is not None or time.monotonic() > until:
                code = self._process.poll()
                self.kill()
                raise NodeFailedError(f"the node did not start (exit status {code}):\n{self.log[-4000:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9: nothing is finished, nothing is flushed."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """End it as systemd does."""
        self._signal(signal.SIGTERM)

    def run(self, *arguments: str) -> str:
        """A command of the command line, beside the server; what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "fediverse_node", *arguments],
            cwd=self.directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMMAND_TIMEOUT_S,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NodeFailedError(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def add_users(self, *names: str, scopes: str = SCOPES) -> None:
        """Make accounts and a token for each; the tokens are in `tokens`."""

        def add(name: str) -> str:
            self.run("user", "add", name, "--email", f"{name}@example.org", "--password", PASSWORD)
            return self.run("token", name, "--scopes", scopes).strip()

        with ThreadPoolExecutor(2) as threads:
            self.tokens |= dict(zip(names, threads.map(add, names), strict=True))

    @contextlib.asynccontextmanager
    async def api(self, name: str | None = None) -> AsyncIterator[Api]:
        """The client API as the user of that name, or as nobody."""
        headers = {"Authorization": f"Bearer {self.tokens[name]}"} if name else {}
        async with aiohttp.ClientSession(self.base_url, headers=headers) as session:
            yield Api(session)

    def assert_no_traceback(self) -> None:
        log = self.log
        place = log.find("Traceback (most recent call last)")
        assert place < 0, f"{self.base_url} logged a traceback:\n{log[max(0, place - 500) : place + 3000]}"

    def _is_listening(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
        except OSError:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise NodeFailedError(f"the node did not stop on {number.name}:\n{self.log[-4000:]}") from None


class ApiError(AssertionError):
    """An answer that is not 2xx."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"status {status}: {body[:2000]}")
        self.status = status


class Api:
    """The client API over real HTTP: every answer that is not 2xx fails the test, unless it is caught."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get(self, path: str, **params: Any) -> Any:
        return await self.call("GET", path, params=_plain(params))

    async def post(self, path: str, **data: Any) -> Any:
        return await self.call("POST", path, json=data)

    async def put(self, path: str, **data: Any) -> Any:
        return await self.call("PUT", path, json=data)

    async def delete(self, path: str, **params: Any) -> Any:
        return await self.call("DELETE", path, params=_plain(params))

    async def call(self, verb: str, path: str, **arguments: Any) -> Any:
        async with self._session.request(verb, path, **arguments) as response:
            if response.status >= 300:
                raise ApiError(response.status, await response.text())
            return await response.json(content_type=None)

    async def find_account(self, handle_or_uri: str) -> Any:
        """The account by handle or URI, looked up on its server if need be."""
        found = await self.get("/api/v2/search", q=handle_or_uri, type="accounts", resolve=True, limit=1)
        assert found["accounts"], f"{handle_or_uri} was not found"
        return found["accounts"][0]

    async def find_status(self, uri: str) -> Any:
        """The post by URI, fetched from its server if need be."""
        found = await self.get("/api/v2/search", q=uri, type="statuses", resolve=True, limit=1)
        assert found["statuses"], f"{uri} was not found"
        return found["statuses"][0]

    async def home(self, **params: Any) -> list[Any]:
        timeline: list[Any] = await self.get("/api/v1/timelines/home", limit=40, **params)
        return timeline

    async def notifications(self, *types: str) -> list[Any]:
        found: list[Any] = await self.get("/api/v1/notifications", limit=80, **({"types[]": types} if types else {}))
        return found


def _plain(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in params.items():
        for each in value if isinstance(value, list | tuple) else [value]:
            pairs.append((name, str(each).lower() if isinstance(each, bool) else str(each)))
    return pairs


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running_node(*users: str, host_name: str = "127.0.0.1", **settings: str) -> Iterator[RunningNode]:
    """A node with these users, stopped and removed at the end. Settings by their names without the prefix."""
    directory = Path(tempfile.mkdtemp(prefix="fediverse-node-"))
    prefixed = {f"FEDIVERSE_NODE_{name}": value for name, value in settings.items()}
    node = RunningNode(directory, free_port(), host_name, prefixed)
    try:
        node.start()
        node.add_users(*users)
        yield node
        node.stop()
        node.assert_no_traceback()
    finally:
        node.kill()
        shutil.rmtree(directory, ignore_errors=True)
