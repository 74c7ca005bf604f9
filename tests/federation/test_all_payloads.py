"""Every recorded document of every implementation, sent to our inbox as if its server spoke to us."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import sign_cavage
from tests.inprocess import Running, free_port, running_node

_KEY = PrivateKey.generate_rsa()


class Everybody:
    """A server on which whatever is asked for is an actor with the same key."""

    def __init__(self) -> None:
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"

    async def answer(self, request: web.Request) -> web.Response:
        uri = f"{self.base_url}{request.path_qs}"
        document = {
            "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
            "id": uri,
            "type": "Person",
            "preferredUsername": request.path.strip("/").replace("/", "_")[:30] or "root",
            "inbox": f"{self.base_url}/inbox",
            "publicKey": {"id": f"{uri}#main-key", "owner": uri, "publicKeyPem": _KEY.public().pem()},
        }
        if request.method == "POST":
            return web.Response(status=202)
        return web.Response(text=json.dumps(document), content_type="application/activity+json")


@pytest.fixture
async def everybody() -> AsyncIterator[Everybody]:
    server = Everybody()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", server.port).start()
    yield server
    await runner.cleanup()


def _payloads(shared: Path) -> list[tuple[str, Any]]:
    found = []
    for path in sorted((shared / "data" / "payloads").rglob("*.json")):
        try:
            found.append((str(path.relative_to(shared)), json.loads(path.read_text())))
        except ValueError:
            continue  # a few are broken on purpose
    return found


def _as_activity(document: Any, home: str, me: str, number: int) -> tuple[str, Any]:
    """The document, moved to `home`, as something its author could send; and who signs."""
    if not isinstance(document, dict):
        return f"{home}/nobody", document
    author = _first_uri(document.get("actor")) or _first_uri(document.get("attributedTo")) or document.get("id")
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(author)) if isinstance(author, str) else ""
    text = json.dumps(document)
    if origin.startswith("http"):
        text = text.replace(origin, home)
    moved = json.loads(text)
    author = _first_uri(moved.get("actor")) or _first_uri(moved.get("attributedTo")) or moved.get("id")
    if not isinstance(author, str) or not author.startswith(home):
        author = f"{home}/somebody"
    if "actor" not in moved:
        moved = {
            "@context": moved.get("@context", "https://www.w3.org/ns/activitystreams"),
            "id": f"{home}/wrapped/{number}",
            "type": "Create" if number % 2 else "Update",
            "actor": author,
            "to": ["https://www.w3.org/ns/activitystreams#Public"],
            "cc": [me],
            "object": {k: v for k, v in moved.items() if k != "@context"},
        }
    return author, moved


def _first_uri(value: Any) -> str | None:
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, str) else None


async def _send(session: aiohttp.ClientSession, running: Running, author: str, document: Any) -> int:
    body = json.dumps(document).encode()
    url = f"{running.base_url}/inbox"
    headers = (("host", url.split("/")[2]), ("content-type", "application/activity+json"))
    request = Request("POST", url, headers, body)
    key_id = author.encode("ascii", "ignore").decode().split("#")[0].replace('"', "") + "#main-key"
    added = sign_cavage(request, key=_KEY, key_id=key_id, now=datetime.now(UTC))
    async with session.post(url, data=body, headers=dict((*headers, *added))) as answer:
        await answer.read()
        return answer.status


@pytest.mark.timeout(240)
async def test_no_document_of_any_implementation_upsets_the_inbox(
    shared: Path, tmp_path: Path, everybody: Everybody, caplog: pytest.LogCaptureFixture
) -> None:
    statuses: Counter[int] = Counter()
    upset: list[tuple[str, int]] = []
    with caplog.at_level(logging.WARNING):
        async with running_node(tmp_path) as running, aiohttp.ClientSession() as session:
            await running.add_person("alice")
            me = f"{running.base_url}/users/alice"
            for number, (name, document) in enumerate(_payloads(shared)):
                author, activity = _as_activity(document, everybody.base_url, me, number)
                status = await _send(session, running, author, activity)
                statuses[status] += 1
                if status >= 500:
                    upset.append((name, status))
            async with session.get(f"{running.base_url}/nodeinfo/2.1") as answer:
                assert answer.status == 200
    assert not upset
    assert not [record for record in caplog.records if record.exc_info], caplog.text[-4000:]
    # Most get as far as a rule: otherwise this test would not test much.
    assert statuses[202] > 600, statuses
