"""Drives the Fedify peer of tests/peers/fedify: starts it, tells its people what to do, asks what they received."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest

_FOLDER = Path(__file__).resolve().parents[1] / "peers/fedify"
_PATIENCE_S = 12.0
_numbers = itertools.count(1)
T = TypeVar("T")


@dataclass(frozen=True)
class FedifyServer:
    """A running peer. `control` is where it takes commands."""

    origin: str
    control: str
    first_knock: str

    @property
    def host(self) -> str:
        return self.origin.partition("://")[2]

    @contextlib.asynccontextmanager
    async def person(self, name: str = "ada") -> AsyncIterator[FedifyPerson]:
        """Somebody whom nobody has met before."""
        async with aiohttp.ClientSession(self.control) as session:
            yield FedifyPerson(self, f"{name}{next(_numbers)}", session)


@dataclass(frozen=True)
class FedifyPerson:
    """An actor of the peer, who acts through Fedify."""

    server: FedifyServer
    name: str
    _session: aiohttp.ClientSession

    @property
    def uri(self) -> str:
        return f"{self.server.origin}/users/{self.name}"

    @property
    def handle(self) -> str:
        return f"{self.name}@{self.server.host}"

    async def do(self, command: str, **options: Any) -> dict[str, Any]:
        """One of the commands of peer.mjs: {type, id, json} of what was made. Whoever it went to has answered 2xx."""
        async with self._session.post(f"/{command}", json={"as": self.name, **options}) as response:
            assert response.status == 200, f"Fedify could not {command}: {(await response.text())[:2000]}"
            result: dict[str, Any] = await response.json()
            return result

    async def received(self, kind: str, **properties: Any) -> list[dict[str, Any]]:
        """What verified there, as JSON, by type and properties of the activity or (object__x) of its object."""
        async with self._session.get("/received") as response:
            everything = await response.json()
        return [each["json"] for each in everything if each["type"] == kind and _has(each["json"], properties)]

    async def receives(self, kind: str, **properties: Any) -> dict[str, Any]:
        """Waits for it."""
        found = await eventually(lambda: self.received(kind, **properties), f"{kind} {properties} at Fedify")
        return found[0]

    async def gets(self, part: str) -> list[str]:
        """What was asked for there so far, with its query, as far as this stands in it."""
        async with self._session.get("/gets") as response:
            everything = await response.json()
        return [each for each in everything if part in each]

    async def followers(self) -> list[str]:
        """Whom Fedify takes for followers of this person."""
        async with self._session.get("/followers") as response:
            found: dict[str, list[str]] = await response.json()
        return found.get(self.name, [])

    async def is_alone(self) -> bool:
        """Whether nobody follows."""
        return not await self.followers()

    async def requests(self) -> list[dict[str, Any]]:
        """All requests to an inbox there: path, scheme, algorithm, keyId, status, id, type."""
        async with self._session.get("/posts") as response:
            found: list[dict[str, Any]] = await response.json()
            return found


def _has(document: dict[str, Any], properties: dict[str, Any]) -> bool:
    for name, wanted in properties.items():
        value: Any = document
        for part in name.split("__"):
            value = value.get(part) if isinstance(value, dict) else None
        if value != wanted:
            return False
    return True


async def eventually(ask: Callable[[], Awaitable[T]], what: str, patience_s: float = _PATIENCE_S) -> T:
    """The first answer that is not empty. For what needs the network on the way; everything else is asked once."""
    answer = await ask()
    until = asyncio.get_running_loop().time() + patience_s
    while not answer:
        assert asyncio.get_running_loop().time() < until, f"waited in vain for {what}"
        await asyncio.sleep(0.05)
        answer = await ask()
    return answer


@contextlib.contextmanager
def fedify_server(first_knock: str, *, environ: Mapping[str, str] | None = None) -> Iterator[FedifyServer]:
    """A peer that signs in this way at first; skips the test where it is not installed. `environ`: see peer.mjs."""
    node = shutil.which("node")
    if node is None or not (_FOLDER / "node_modules").is_dir():
        pytest.skip("the Fedify peer is not installed: `.ci/peers` installs it with npm")
    process = subprocess.Popen(
        [node, "peer.mjs", first_knock],
        cwd=_FOLDER,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**os.environ, **(environ or {})},
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, "the Fedify peer did not start"
        ready = json.loads(line)
        yield FedifyServer(ready["origin"], ready["control"], first_knock)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
