"""Two habits of other servers, sent to our inbox over a real socket: stories, and posts that leave out their author."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import sign_cavage
from fediverse_node.storage.queries.inbox import OBJECT_ID
from tests.inprocess import Running, free_port, running_node

KEY = PrivateKey.generate_rsa()
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


class Pixel:
    """A server with one person, which remembers what it was asked for."""

    def __init__(self) -> None:
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.actor = f"{self.base_url}/users/pix"
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path != "/users/pix":
            return web.Response(status=404)
        document = {
            "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
            "id": self.actor,
            "type": "Person",
            "preferredUsername": "pix",
            "inbox": f"{self.base_url}/inbox",
            "featured": f"{self.actor}/featured",
            "publicKey": {"id": f"{self.actor}#main-key", "owner": self.actor, "publicKeyPem": KEY.public().pem()},
        }
        return web.Response(text=json.dumps(document), content_type="application/activity+json")

    async def send(self, running: Running, activity: dict[str, Any]) -> int:
        """Deliver an activity of the person's to our shared inbox; the status."""
        document = {"@context": "https://www.w3.org/ns/activitystreams", "actor": self.actor, **activity}
        body, url = json.dumps(document).encode(), f"{running.base_url}/inbox"
        headers = (("host", url.split("/")[2]), ("content-type", "application/activity+json"))
        request = Request("POST", url, headers, body)
        added = sign_cavage(request, key=KEY, key_id=f"{self.actor}#main-key", now=datetime.now(UTC))
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers=dict((*headers, *added))) as answer,
        ):
            return answer.status


@pytest.fixture
async def pixel() -> AsyncIterator[Pixel]:
    server, app = Pixel(), web.Application()
    app.router.add_route("*", "/{tail:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", server.port).start()
    yield server
    await runner.cleanup()


async def test_a_story_is_accepted_politely_and_nobody_asks_for_it(tmp_path: Path, pixel: Pixel) -> None:
    story = {"id": f"{pixel.base_url}/stories/pix/1", "type": "Story", "attributedTo": pixel.actor}
    async with running_node(tmp_path) as running:
        await running.add_person("alice")
        for number, type_ in enumerate(("Add", "Create", "Story:reaction")):
            activity = {
                "id": f"{story['id']}/{number}",
                "type": type_,
                "object": story,
                "target": f"{pixel.actor}/featured",
            }
            assert await pixel.send(running, activity) == 202
        assert await running.node.core.database.fetch_one(OBJECT_ID, uri=story["id"]) is None
    assert set(pixel.asked) == {"/users/pix"}


async def test_whoever_creates_a_post_without_naming_its_author_is_its_author(tmp_path: Path, pixel: Pixel) -> None:
    async with running_node(tmp_path) as running:
        await running.add_person("alice")
        alice = f"{running.base_url}/users/alice"
        mention = {"type": "Mention", "href": alice, "name": "@alice"}
        note = {
            "id": f"{pixel.base_url}/notes/1",
            "type": "Note",
            "content": "hi",
            "to": [PUBLIC, alice],
            "tag": [mention],
        }
        assert (
            await pixel.send(running, {"id": f"{note['id']}/create", "type": "Create", "to": [PUBLIC], "object": note})
            == 202
        )
        assert await running.node.core.database.fetch_one(OBJECT_ID, uri=note["id"]) is not None
    assert "/notes/1" not in pixel.asked
