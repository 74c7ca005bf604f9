"""masto.js, which web clients are built on, against a served node. The scenarios are in masto/scenarios.mjs."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from PIL import Image

from tests.clients.browser import sign_in_and_answer
from tests.running_node import PASSWORD, RunningNode, running_node

pytestmark = pytest.mark.peer

_FOLDER = Path(__file__).resolve().parent / "masto"
_REDIRECT_URI = "https://client.example/callback"


@pytest.fixture(scope="module")
def node() -> Iterator[RunningNode]:
    with running_node("alice", "ben", "cleo") as running:
        yield running


async def run(scenario: str, node: RunningNode, **more: Any) -> None:
    """Run one scenario; what it printed is the failure."""
    program = shutil.which("node")
    if program is None or not (_FOLDER / "node_modules").is_dir():
        pytest.skip("masto.js is not installed: `.ci/peers` installs it with npm")
    given = {"url": node.base_url, "tokens": node.tokens, "image": _square(), **more}
    process = await asyncio.create_subprocess_exec(
        program,
        "scenarios.mjs",
        scenario,
        cwd=_FOLDER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(40):
            printed, errors = await process.communicate(json.dumps(given).encode())
    except TimeoutError:
        process.kill()
        await process.communicate()
        pytest.fail(f"the scenario {scenario} did not end")
    assert process.returncode == 0, errors.decode()[-4000:]
    assert json.loads(printed.splitlines()[-1]) == {"passed": scenario}


@pytest.mark.parametrize(
    "scenario",
    [
        "media",
        "timelines",
        "conversation",
        "edits",
        "reactions",
        "polls",
        "filters",
        "lists",
        "search",
        "relationships",
        "profile",
        "streaming",
    ],
)
async def test_a_web_client_can(scenario: str, node: RunningNode) -> None:
    await run(scenario, node)


async def test_a_web_client_gets_its_token_for_a_code(node: RunningNode) -> None:
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    async with aiohttp.ClientSession(node.base_url) as session:
        wish = {"client_name": "A web client", "redirect_uris": _REDIRECT_URI, "scopes": "read write"}
        async with session.post("/api/v1/apps", json=wish) as response:
            app = await response.json()
    asked = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": _REDIRECT_URI,
        "scope": "read write",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    url = f"{node.base_url}/oauth/authorize?{urlencode(asked)}"
    codes = [(await sign_in_and_answer(url, login="alice", password=PASSWORD))["code"] for _ in range(2)]
    exchange = {
        "clientId": app["client_id"],
        "clientSecret": app["client_secret"],
        "redirectUri": _REDIRECT_URI,
        "scope": "read write",
        "code": codes[0],
        "codeVerifier": verifier,
    }
    await run("token", node, exchange=exchange, secondCode=codes[1])


def _square() -> str:
    target = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(target, "PNG")
    return base64.b64encode(target.getvalue()).decode()
