"""A remote server that plays many actors: serves their documents, signs for them, takes deliveries."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from fediverse_node.signatures.keys import PrivateKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import sign_cavage

CONTEXT = ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"]


class Origin:
    """Actors `a0`, `a1`, … on one port; all share a few keys, because making keys is slow."""

    def __init__(self, port: int, actors: int, *, keys: int = 4, shared_inbox: bool = True) -> None:
        self.port = port
        self.base_url = f"http://127.0.0.1:{port}"
        self.actors = actors
        self.shared_inbox = shared_inbox
        self._keys = [PrivateKey.generate_rsa() for _ in range(keys)]
        self._numbers = itertools.count(1)
        self._runner: web.AppRunner | None = None
        self.deliveries: list[tuple[float, str, dict[str, Any]]] = []
        self.arrived = asyncio.Event()
        self.aliases: dict[str, list[str]] = {}

    def actor(self, n: int) -> str:
        """The id of actor n."""
        return f"{self.base_url}/users/a{n}"

    def key(self, n: int) -> PrivateKey:
        """The key of actor n."""
        return self._keys[n % len(self._keys)]

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_get("/users/{name}", self._document)
        app.router.add_get("/.well-known/webfinger", self._webfinger)
        app.router.add_post("/users/{name}/inbox", self._inbox)
        app.router.add_post("/inbox", self._inbox)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def note(self, n: int, **more: Any) -> dict[str, Any]:
        """A Note of actor n, ready for a Create."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "id": f"{self.base_url}/notes/{next(self._numbers)}",
            "type": "Note",
            "attributedTo": self.actor(n),
            "published": now,
            "to": ["https://www.w3.org/ns/activitystreams#Public"],
            "cc": [f"{self.actor(n)}/followers"],
            "content": '<p>A sentence of usual length, with a <a href="https://example.org/">link</a> in it.</p>',
            **more,
        }

    def activity(self, n: int, type_: str, object_: Any, **more: Any) -> dict[str, Any]:
        """An activity of actor n."""
        return {
            "@context": CONTEXT,
            "id": f"{self.base_url}/activities/{next(self._numbers)}",
            "type": type_,
            "actor": self.actor(n),
            "object": object_,
            "to": ["https://www.w3.org/ns/activitystreams#Public"],
            **more,
        }

    def signed(self, n: int, inbox: str, document: Mapping[str, Any]) -> bytes:
        """The whole HTTP request, so that signing costs nothing while the clock runs."""
        body = orjson.dumps(document)
        host, _, path = inbox.partition("://")[2].partition("/")
        headers = (("host", host), ("content-type", "application/activity+json"))
        request = Request("POST", inbox, headers, body)
        added = sign_cavage(request, key=self.key(n), key_id=f"{self.actor(n)}#main-key", now=datetime.now(UTC))
        merged = dict((*headers, *added))
        lines = "".join(f"{name}: {value}\r\n" for name, value in merged.items())
        return f"POST /{path} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body

    async def _document(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        uri = f"{self.base_url}/users/{name}"
        document = {
            "@context": CONTEXT,
            "id": uri,
            "type": "Person",
            "preferredUsername": name,
            "name": f"Actor {name}",
            "inbox": f"{uri}/inbox",
            "followers": f"{uri}/followers",
            **({"alsoKnownAs": self.aliases[uri]} if uri in self.aliases else {}),
            **({"endpoints": {"sharedInbox": f"{self.base_url}/inbox"}} if self.shared_inbox else {}),
            "publicKey": {
                "id": f"{uri}#main-key",
                "owner": uri,
                "publicKeyPem": self.key(int(name[1:])).public().pem(),
            },
        }
        return web.Response(body=orjson.dumps(document), content_type="application/activity+json")

    async def _webfinger(self, request: web.Request) -> web.Response:
        name = request.query["resource"].removeprefix("acct:").partition("@")[0]
        link = {"rel": "self", "type": "application/activity+json", "href": f"{self.base_url}/users/{name}"}
        answer = {"subject": f"acct:{name}@127.0.0.1:{self.port}", "links": [link]}
        return web.Response(body=orjson.dumps(answer), content_type="application/jrd+json")

    async def _inbox(self, request: web.Request) -> web.Response:
        document = orjson.loads(await request.read())
        self.deliveries.append((asyncio.get_running_loop().time(), request.path, document))
        self.arrived.set()
        return web.Response(status=202)


async def send_all(port: int, requests: Sequence[bytes], *, parallel: int = 64) -> tuple[float, list[float], list[int]]:
    """Send prepared requests over `parallel` connections; seconds in all, seconds of each, statuses."""
    loop = asyncio.get_running_loop()
    waiting = iter(requests)
    times: list[float] = []
    statuses: list[int] = []

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            started = loop.time()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head[9:12])
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line[15:])
            if length:
                await reader.readexactly(length)
            times.append(loop.time() - started)
            statuses.append(status)
        writer.close()

    started = loop.time()
    await asyncio.gather(*(work() for _ in range(parallel)))
    return loop.time() - started, times, statuses
