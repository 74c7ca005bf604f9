"""The checker as a server: throw-away actors with keys, whatever documents a check needs, and an ear for answers.

The examined server fetches keys from here and sends its Accepts here. Everything that it asks and sends is kept.
Nothing is verified on arrival: what it sends is evidence, and `checks.delivery` examines it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from fediverse_node.base.randomness import Randomness
from fediverse_node.protocol.jsonld_terms import AS2_URL, SECURITY_URL
from fediverse_node.protocol.media_types import ACTIVITY_JSON
from fediverse_node.protocol.uris import host_of
from fediverse_node.signatures.key_source import KeySource
from fediverse_node.signatures.keys import PrivateKey

_MULTIKEY_CONTEXT = "https://w3id.org/security/multikey/v1"
_KEYS = 3  # making one takes long, and whose it is stands in its id
_LARGEST_DELIVERY = 4_000_000

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """A throw-away actor of the checker's."""

    uri: str
    name: str
    key: PrivateKey
    key_id: str
    ed25519_key: PrivateKey
    ed25519_key_id: str

    @property
    def inbox(self) -> str:
        """Its own, so that what arrives there is about it."""
        return f"{self.uri}/inbox"

    @property
    def followers(self) -> str:
        """Its followers collection."""
        return f"{self.uri}/followers"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request that came here."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def path(self) -> str:
        """Without the origin."""
        return "/" + self.url.partition("://")[2].partition("/")[2]

    def header(self, name: str) -> str | None:
        """The first header of this name, in lower case."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def activity(self) -> Json:
        """What was posted, as far as it is a JSON object."""
        try:
            found = orjson.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class StandIn:
    """Listens until closed. `origins`: the address others reach it by, and a second one where there is one."""

    origins: tuple[str, ...] = ()
    documents: dict[str, Json] = field(default_factory=dict)
    special: dict[str, Serve] = field(default_factory=dict)  # path -> an answer of its own kind
    arrivals: list[Arrival] = field(default_factory=list)
    actors: dict[str, Actor] = field(default_factory=dict)
    to_undo: list[tuple[Actor, Json]] = field(default_factory=list)  # what the server took and should forget again
    _keys: list[PrivateKey] = field(default_factory=list)
    _ed25519: list[PrivateKey] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _run: str = ""
    _runner: web.AppRunner | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def origin(self) -> str:
        """The first address."""
        return self.origins[0]

    @property
    def instance(self) -> Actor:
        """The actor that signs fetches."""
        return self.actors[f"{self.origin}/actor"]

    def new_actor(self, *, origin: str | None = None, path: str | None = None, type_: str = "Person") -> Actor:
        """Somebody nobody has met before; the document is served from now on."""
        number = next(self._numbers)
        name = f"check{self._run}{number}"
        uri = (origin or self.origin) + (path or f"/a/{name}")
        key, ed25519 = self._keys[number % len(self._keys)], self._ed25519[number % len(self._ed25519)]
        actor = Actor(uri, name, key, f"{uri}#main-key", ed25519, f"{uri}#ed25519-key")
        self.actors[uri] = actor
        self.documents[uri] = actor_document(actor, type_)
        return actor

    def other_key(self, actor: Actor) -> PrivateKey:
        """A key that is not this actor's."""
        return next(key for key in self._keys if key != actor.key)

    def new_uri(self, actor: Actor, kind: str) -> str:
        """An id that was never used."""
        return f"{actor.uri}/{kind}/{next(self._numbers)}"

    def fetches_of(self, path: str) -> list[Arrival]:
        """GETs of this path so far."""
        return [each for each in self.arrivals if each.method == "GET" and each.path.partition("?")[0] == path]

    def told(self, actor: Actor, *types: str) -> list[Json]:
        """Activities of these types that reached the actor's inbox."""
        path = actor.inbox.partition("://")[2].partition("/")[2]
        posts = [each for each in self.arrivals if each.method == "POST" and each.path == f"/{path}"]
        return [each.activity for each in posts if not types or each.activity.get("type") in types]

    async def wait_for(self, is_there: Callable[[], bool], timeout_s: float) -> bool:
        """Whether it came true within the time, looked at again with each arrival."""
        try:
            async with asyncio.timeout(timeout_s):
                while not is_there():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return is_there()
        return True

    async def start(
        self,
        randomness: Randomness,
        *,
        host: str,
        port: int,
        origins: tuple[str, ...],
        keys: KeySource,
    ) -> None:
        """Listen on host:port; without `origins`, on a second port too, and the origins are those two."""
        self._keys = [keys.new_rsa() for _ in range(_KEYS)]
        self._ed25519 = [keys.new_ed25519() for _ in range(2)]
        # Servers remember actors for days: those of another run must not be taken for these.
        self._run = f"{randomness.below(36**5):05d}x"
        app = web.Application(client_max_size=_LARGEST_DELIVERY)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        if not origins:
            await web.TCPSite(self._runner, host, 0).start()
            shown = f"[{host}]" if ":" in host else host
            origins = tuple(f"http://{shown}:{address[1]}" for address in self._runner.addresses)
        self.origins = origins
        self.new_actor(path="/actor", type_="Application")

    async def close(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _origin_asked(self, request: web.Request) -> str:
        return next((origin for origin in self.origins if host_of(origin) == request.host.lower()), self.origin)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read() if request.method == "POST" else b""
        url = self._origin_asked(request) + request.raw_path
        headers = tuple((name.lower(), value) for name, value in request.headers.items())
        self.arrivals.append(Arrival(request.method, url, headers, body))
        self._news.set()
        if request.method == "POST":
            return web.Response(status=202)
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405)
        if request.path in self.special:
            return await self.special[request.path](request)
        if request.path == "/.well-known/webfinger":
            return self._webfinger(request)
        return document_response(self.documents.get(url.partition("?")[0]))

    def _webfinger(self, request: web.Request) -> web.Response:
        name, _, host = request.query.get("resource", "").removeprefix("acct:").partition("@")
        found = next((a for a in self.actors.values() if a.name == name and host_of(a.uri) == host), None)
        if found is None:
            return web.Response(status=404)
        link = {"rel": "self", "type": ACTIVITY_JSON, "href": found.uri}
        document = {"subject": f"acct:{name}@{host}", "links": [link]}
        return web.Response(body=orjson.dumps(document), content_type="application/jrd+json")


def document_response(document: Mapping[str, Any] | None, content_type: str = ACTIVITY_JSON) -> web.Response:
    """200 with the document, or 404."""
    if document is None:
        return web.Response(status=404)
    return web.Response(body=orjson.dumps(document), content_type=content_type)


def actor_document(actor: Actor, type_: str = "Person") -> Json:
    """What the actor says of itself, as most servers say it."""
    return {
        "@context": [AS2_URL, SECURITY_URL, _MULTIKEY_CONTEXT],
        "id": actor.uri,
        "type": type_,
        "preferredUsername": actor.name,
        "name": "Conformance check",
        "summary": "<p>A throw-away actor of a conformance check. It goes away by itself.</p>",
        "url": actor.uri,
        "inbox": actor.inbox,
        "outbox": f"{actor.uri}/outbox",
        "followers": actor.followers,
        "published": "2026-01-01T00:00:00Z",
        "publicKey": {"id": actor.key_id, "owner": actor.uri, "publicKeyPem": actor.key.public().pem()},
        "assertionMethod": [
            {
                "id": actor.ed25519_key_id,
                "type": "Multikey",
                "controller": actor.uri,
                "publicKeyMultibase": actor.ed25519_key.public().multibase(),
            }
        ],
    }
