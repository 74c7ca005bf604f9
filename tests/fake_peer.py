"""A small server of the fediverse for tests: people with keys and documents, an inbox that believes only signatures.

It signs in both ways, as told, and can send the very same bytes twice. It keeps what it received, forged or not.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

import aiohttp
import orjson
from aiohttp import web

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.claim import parse_claims
from fediverse_node.signatures.keys import PrivateKey, PublicKey
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import sign_cavage, sign_rfc9421
from fediverse_node.signatures.verify import Policy, Proven, check_claim, verify_claim

AS2 = "https://www.w3.org/ns/activitystreams"
PUBLIC = f"{AS2}#Public"
_ACTIVITY_JSON = "application/activity+json"
Scheme = Literal["cavage", "rfc9421"]


@cache
def _rsa_key(number: int) -> PrivateKey:
    # Making one takes long: peers of one test run share a few.
    return PrivateKey.generate_rsa()


@dataclass(frozen=True)
class Person:
    """Somebody on a fake peer."""

    uri: str
    name: str
    key: PrivateKey

    @property
    def key_id(self) -> str:
        return f"{self.uri}#main-key"

    @property
    def inbox(self) -> str:
        return f"{self.uri}/inbox"

    @property
    def followers(self) -> str:
        return f"{self.uri}/followers"


@dataclass(frozen=True)
class Arrived:
    """A request to an inbox here. `signer` is None if no signature was good; then the answer was 401."""

    path: str
    activity: dict[str, Any]
    signer: str | None
    scheme: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Signed:
    """A request ready to be sent, as often as one likes."""

    url: str
    headers: dict[str, str]
    body: bytes


@dataclass
class FakePeer:
    """One host. `arrived` are requests to its inboxes, `fetched` the paths that were asked for."""

    host: str
    session: aiohttp.ClientSession
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    arrived: list[Arrived] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    answer_delay_s: float = 0.0
    document_delay_s: float = 0.0
    answers_follows: bool = True
    takes_from_others: bool = False  # who signs the request need not be the actor of what is inside
    fail_with: dict[str, int] = field(default_factory=dict)  # path -> status instead of an answer
    redirects: dict[str, str] = field(default_factory=dict)  # path -> address
    _people: dict[str, Person] = field(default_factory=dict)
    _keys: dict[str, PublicKey] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def base_url(self) -> str:
        return f"http://{self.host}"

    def person(self, name: str, *, has_shared_inbox: bool = False, ed25519: bool = False) -> Person:
        """Somebody who lives here; always the same for the same name."""
        if name in self._people:
            return self._people[name]
        uri = f"{self.base_url}/users/{name}"
        key = PrivateKey.generate_ed25519() if ed25519 else _rsa_key(len(self._people) % 3)
        person = self._people[name] = Person(uri, name, key)
        self.documents[uri] = {
            "@context": [AS2, "https://w3id.org/security/v1"],
            "id": uri,
            "type": "Person",
            "preferredUsername": name,
            "name": name.title(),
            "inbox": person.inbox,
            "outbox": f"{uri}/outbox",
            "followers": person.followers,
            "published": "2026-01-01T00:00:00Z",
            "publicKey": {"id": person.key_id, "owner": uri, "publicKeyPem": key.public().pem()},
            **({"endpoints": {"sharedInbox": f"{self.base_url}/inbox"}} if has_shared_inbox else {}),
        }
        return person

    def new_uri(self, person: Person, kind: str) -> str:
        return f"{person.uri}/{kind}/{next(self._numbers)}"

    def activity(self, person: Person, kind: str, what: object, **more: object) -> dict[str, Any]:
        """An activity of somebody here, with an id of its own."""
        uri = self.new_uri(person, kind.lower())
        return {"@context": AS2, "id": uri, "type": kind, "actor": person.uri, "object": what, **more}

    def note(self, person: Person, content: str, **more: object) -> dict[str, Any]:
        """A post, public unless told otherwise, that can be fetched."""
        uri = self.new_uri(person, "notes")
        note = {
            "id": uri,
            "type": "Note",
            "attributedTo": person.uri,
            "content": content,
            "published": _now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "to": [PUBLIC],
            "cc": [person.followers],
            **more,
        }
        self.documents[uri] = {"@context": AS2, **note}
        return note

    def create(self, person: Person, note: dict[str, Any]) -> dict[str, Any]:
        """The Create of a post."""
        audience = {name: note[name] for name in ("to", "cc") if name in note}
        return self.activity(person, "Create", note, published=note["published"], **audience)

    def sign(self, person: Person, url: str, activity: object, scheme: Scheme = "cavage") -> Signed:
        """A POST, signed now."""
        body = activity if isinstance(activity, bytes) else orjson.dumps(activity)
        headers = (("content-type", _ACTIVITY_JSON),)
        request = Request("POST", url, headers, body)
        sign = sign_cavage if scheme == "cavage" else sign_rfc9421
        added = sign(request, key=person.key, key_id=person.key_id, now=_now())
        return Signed(url, dict(headers + added), body)

    async def send(self, signed: Signed) -> int:
        """POST it; the status of the answer. Raises aiohttp.ClientError when there was none."""
        async with self.session.post(signed.url, data=signed.body, headers=signed.headers) as response:
            await response.read()
            return response.status

    async def deliver(self, person: Person, url: str, activity: object, scheme: Scheme = "cavage") -> int:
        """Sign and send."""
        return await self.send(self.sign(person, url, activity, scheme))

    async def post_note(self, person: Person, url: str, content: str, **more: object) -> dict[str, Any]:
        """A post, told to one inbox; it must be accepted."""
        note = self.note(person, content, **more)
        assert await self.deliver(person, url, self.create(person, note)) == 202
        return note

    def believed(self, *types: str) -> list[dict[str, Any]]:
        """Activities with good signatures."""
        return [each.activity for each in self.arrived if each.signer and each.activity.get("type") in types]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def answer_get(self, request: web.Request) -> web.Response:
        self.fetched.append(request.path)
        if self.document_delay_s:
            await asyncio.sleep(self.document_delay_s)
        if request.path in self.fail_with:
            return web.Response(status=self.fail_with[request.path])
        if request.path in self.redirects:
            return web.Response(status=302, headers={"Location": self.redirects[request.path]})
        if request.path == "/.well-known/webfinger":
            return self._webfinger(request.query.get("resource", ""))
        document = self.documents.get(f"{self.base_url}{request.path}")
        if document is None:
            return web.Response(status=404)
        return web.Response(body=orjson.dumps(document), content_type=_ACTIVITY_JSON)

    async def answer_post(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.path in self.fail_with:
            return web.Response(status=self.fail_with[request.path])
        headers = tuple((name.lower(), value) for name, value in request.headers.items())
        received = Request("POST", f"{self.base_url}{request.raw_path}", headers, body)
        activity = orjson.loads(body)
        signer = await self._signer(received)
        scheme = "rfc9421" if received.header("signature-input") else "cavage"
        if self.answer_delay_s:
            await asyncio.sleep(self.answer_delay_s)
        is_good = signer is not None and (self.takes_from_others or signer == activity.get("actor"))
        believed = signer if is_good else None
        self.arrived.append(Arrived(request.path, activity, believed, scheme, dict(headers), body))
        if not is_good:
            return web.Response(status=401)
        if activity["type"] == "Follow" and self.answers_follows:
            task = asyncio.get_running_loop().create_task(self._accept(activity))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return web.Response(status=202)

    async def _accept(self, follow: dict[str, Any]) -> None:
        followed = next(person for person in self._people.values() if person.uri == follow["object"])
        answer = self.activity(followed, "Accept", follow, to=[follow["actor"]])
        await self.deliver(followed, f"{follow['actor']}/inbox", answer)

    def _webfinger(self, resource: str) -> web.Response:
        name, _, host = resource.removeprefix("acct:").partition("@")
        if host != self.host or name not in self._people:
            return web.Response(status=404)
        link = {"rel": "self", "type": _ACTIVITY_JSON, "href": self._people[name].uri}
        return web.json_response({"subject": resource, "links": [link]}, content_type="application/jrd+json")

    async def _signer(self, request: Request) -> str | None:
        """Who sent it, by a signature that holds, with the key that its owner publishes."""
        claims = parse_claims(request)
        if isinstance(claims, Fail):
            return None
        for claim in claims:
            if check_claim(request, claim, Policy(frozenset({self.host})), now=_now()) is not None:
                continue
            key = await self._key(claim.key_id)
            if key is not None and isinstance(verify_claim(request, claim, key), Proven):
                return claim.key_id.partition("#")[0]
        return None

    async def _key(self, key_id: str) -> PublicKey | None:
        if key_id not in self._keys:
            uri = key_id.partition("#")[0]
            async with self.session.get(uri, headers={"Accept": _ACTIVITY_JSON}) as response:
                if response.status != 200:
                    return None
                document = orjson.loads(await response.read())
            listed = {document["publicKey"]["id"]: PublicKey.parse_pem(document["publicKey"]["publicKeyPem"])}
            for method in document.get("assertionMethod", []):
                listed[method["id"]] = PublicKey.parse_multibase(method["publicKeyMultibase"])
            self._keys |= {uri: key for uri, key in listed.items() if isinstance(key, PublicKey)}
        return self._keys.get(key_id)


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def fake_peer(host_name: str = "127.0.0.1") -> AsyncIterator[FakePeer]:
    """A peer on a free port of this machine, until the end of the block."""
    connector = aiohttp.TCPConnector(limit=200, force_close=False)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30)) as session:
        peer = FakePeer("", session)
        app = web.Application(client_max_size=2**22)
        app.router.add_get("/{path:.*}", peer.answer_get)
        app.router.add_post("/{path:.*}", peer.answer_post)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        peer.host = f"{host_name}:{runner.addresses[0][1]}"
        try:
            yield peer
        finally:
            await peer.close()
            await runner.cleanup()
