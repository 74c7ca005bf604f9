"""A small server of the fediverse that is right in everything, but for the faults it is given.

Each fault has the name of the check that should find it. It shares no rule with the node: what it verifies, it verifies
here, so that each step can be left out by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from fediverse_node.lab.keys import LabKeys
from fediverse_node.signatures.keys import PrivateKey
from tests.lab.conformance.small_inbox import AS2, PUBLIC, SmallInbox

ACTIVITY = "application/activity+json"
_REL = "http://nodeinfo.diaspora.software/ns/schema/2.1"


@cache
def server_keys() -> tuple[PrivateKey, PrivateKey]:
    """An RSA and an Ed25519 key."""
    keys = LabKeys("the small server")
    return keys.new_rsa(), keys.new_ed25519()


class SmallServer:
    """One actor, alice, with three public posts, a private one and a deleted one."""

    def __init__(self, faults: frozenset[str]) -> None:
        self.faults = faults
        self.base_url = ""
        self.inbox: SmallInbox | None = None
        self.posted = 0
        self.actor_uri_in_webfinger: str | None = None

    def has(self, fault: str) -> bool:
        return fault in self.faults

    @property
    def actor_uri(self) -> str:
        return f"{self.base_url}/users/alice"

    @property
    def private_uri(self) -> str:
        return f"{self.base_url}/posts/private"

    @property
    def deleted_uri(self) -> str:
        return f"{self.base_url}/posts/deleted"

    # --- documents

    def actor(self) -> dict[str, Any]:
        rsa, ed25519 = server_keys()
        uri, base, has = self.actor_uri, self.base_url, self.has
        document: dict[str, Any] = {
            "@context": [AS2, "https://w3id.org/security/v1"],
            "id": uri,
            "type": "Person",
            "preferredUsername": "alice",
            "inbox": f"{uri}/inbox",
            "outbox": f"{uri}/outbox",
            "followers": f"{uri}/followers",
            "following": f"{uri}/following",
            "featured": f"{uri}/featured",
            "endpoints": {"sharedInbox": f"{base}/inbox"},
            "url": f"{base}/@alice",
            "published": "2026-01-01T00:00:00Z",
            "publicKey": {"id": f"{uri}#main-key", "owner": uri, "publicKeyPem": rsa.public().pem()},
            "assertionMethod": [
                {
                    "id": f"{uri}#ed25519-key",
                    "type": "Multikey",
                    "controller": uri,
                    "publicKeyMultibase": ed25519.public().multibase(),
                }
            ],
        }
        changes: dict[str, dict[str, Any]] = {
            "actor.id": {"id": f"{uri}/"},
            "actor.type": {"type": "Robot"},
            "actor.name": {"preferredUsername": "alice of here"},
            "actor.inbox": {"outbox": "https://elsewhere.example/outbox"},
            "actor.collections": {"followers": "https://elsewhere.example/followers"},
            "actor.shared-inbox": {"endpoints": {"sharedInbox": "https://elsewhere.example/inbox"}},
            "actor.context": {"@context": "https://w3id.org/security/v1"},
            "actor.published": {"published": "2026-01-01T00:00:00"},
            "actor.secrets": {"privateKeyPem": "-----BEGIN PRIVATE KEY-----"},
            "keys.pem": {"publicKey": {**document["publicKey"], "publicKeyPem": "-----BEGIN PUBLIC KEY-----\nAAAA"}},
            "keys.owner": {"publicKey": {**document["publicKey"], "owner": f"{base}/users/bob"}},
            "keys.origin": {"publicKey": {**document["publicKey"], "id": "https://elsewhere.example/key"}},
            "keys.dereference": {"publicKey": {**document["publicKey"], "id": f"{base}/keys/nothing"}},
            "keys.multikey": {"assertionMethod": [{**document["assertionMethod"][0], "publicKeyMultibase": "zz"}]},
        }
        for fault, change in changes.items():
            if has(fault):
                document |= change
        return document

    def post(self, number: int) -> dict[str, Any]:
        uri = f"{self.base_url}/posts/{number}"
        document: dict[str, Any] = {
            "id": uri,
            "type": "Note",
            "attributedTo": self.actor_uri,
            "content": "<p>Hello</p>",
            "published": "2026-01-01T00:00:00Z",
            "to": [PUBLIC],
            "cc": [f"{self.actor_uri}/followers"],
            "replies": f"{uri}/replies",
            "likes": f"{uri}/likes",
        }
        changes: dict[str, dict[str, Any]] = {
            "objects.author": {"attributedTo": "https://elsewhere.example/bob"},
            "objects.public": {"to": "as:Public"},
            "objects.published": {"published": "yesterday"},
            "objects.markup": {"content": "<p onclick=alert(1)>Hello</p>"},
            "objects.collections": {"likes": "https://elsewhere.example/likes"},
        }
        for fault, change in changes.items():
            if self.has(fault):
                document |= change
        return document

    def create(self, number: int) -> dict[str, Any]:
        post = self.post(number)
        document = {
            "id": f"{post['id']}/activity",
            "type": "Create",
            "actor": self.actor_uri,
            "object": post,
            "to": post["to"],
            "cc": post["cc"],
        }
        if self.has("outbox.items"):
            document["actor"] = "https://elsewhere.example/bob"
        if self.has("outbox.private") and number == 2:
            document |= {"to": [f"{self.actor_uri}/followers"], "cc": []}
        return document

    # --- answers

    def answer(self, document: object, *, status: int = 200, content_type: str = ACTIVITY) -> web.Response:
        headers = {"Vary": "Accept", "Access-Control-Allow-Origin": "*", "Content-Type": content_type}
        return web.Response(status=status, body=orjson.dumps(document), headers=headers)

    def nothing(self) -> web.Response:
        return self.answer({"error": "not found"}, status=404, content_type="application/json")

    async def get(self, request: web.Request) -> web.StreamResponse:
        refusal = await self._refusal_of_get(request)
        if refusal is not None:
            return refusal
        path = request.path
        if path == "/.well-known/webfinger":
            return self._webfinger(request)
        if path.startswith(("/.well-known/", "/nodeinfo")):
            return self._about(path)
        if path in ("/users/alice", "/@alice", "/actor"):
            return self._actor(request)
        if path.startswith("/users/alice/"):
            return self._collection(request, path.removeprefix("/users/alice/"))
        if path.startswith("/posts/"):
            return self._post(request, path.removeprefix("/posts/"))
        return self.nothing()

    async def _refusal_of_get(self, request: web.Request) -> web.Response | None:
        has, path = self.has, request.path
        broken = web.Response(status=500)
        if has("errors.paths") and "%" in request.raw_path:
            return broken
        if has("errors.accept") and "abc" in request.headers.get("Accept", ""):
            return broken
        if has("delivery.alive") and self.posted > 3 and path == "/users/alice":
            return broken
        if path == "/users/alicenobodyhasthis4711" and has("objects.unknown-actor"):
            return self.answer(self.actor())
        if "Signature" not in request.headers and "Signature-Input" not in request.headers:
            if has("errors.signature") and "Authorization" in request.headers:
                return broken
            if has("actor.signed-cache") and path == "/users/alice":
                return web.Response(status=401)
            return None
        if (has("fetching.cavage") and "Signature-Input" not in request.headers) or (
            has("fetching.rfc9421") and "Signature-Input" in request.headers
        ):
            return web.Response(status=403)
        if has("fetching.query") and request.query_string:
            return web.Response(status=401)
        assert self.inbox is not None
        signer = await self.inbox.signer_of(request, b"")
        if signer is not None:
            return None
        return broken if has("fetching.wrong") else web.Response(status=401)

    def _webfinger(self, request: web.Request) -> web.Response:
        has, host = self.has, self.base_url.partition("://")[2]
        resource = request.query.get("resource", "")
        if has("webfinger.garbage") and resource == "acct:":
            return web.Response(status=500)
        if not resource:
            return self.answer({"links": []}) if has("webfinger.absent") else self.answer({}, status=400)
        if resource.rstrip("/") == self.base_url:
            href = f"{self.base_url}/nobody" if has("webfinger.server") else f"{self.base_url}/actor"
            link = {"rel": "self", "type": ACTIVITY, "href": href}
            return self.answer({"subject": self.base_url, "links": [link]}, content_type="application/jrd+json")
        user, _, asked_host = resource.removeprefix("acct:").rpartition("@")
        is_here = asked_host.lower() == host
        if has("webfinger.foreign") and user == "alice" and asked_host == "example.org":
            return self._jrd(request, f"acct:alice@{asked_host}")
        if resource == self.actor_uri and not has("webfinger.address"):
            return self._jrd(request, f"acct:alice@{host}")
        if is_here and has("webfinger.unknown"):
            return self._jrd(request, f"acct:alice@{host}")
        if not is_here or user.lower() != "alice" or (has("webfinger.case") and user != "alice"):
            return self.nothing()
        if has("webfinger.encoding") and "%3A" not in request.query_string:
            return self.nothing()
        return self.nothing() if has("webfinger.acct") else self._jrd(request, f"acct:alice@{host}")

    def _jrd(self, request: web.Request, subject: str) -> web.Response:
        has = self.has
        rels = request.query.getall("rel", ["self"])
        link = {"rel": "self", "type": ACTIVITY, "href": self.actor_uri_in_webfinger or self.actor_uri}
        if has("webfinger.self"):
            link["href"] = f"{self.base_url}/@alice"
        if has("webfinger.rel") and "rel" in request.query:
            rels = []
        document = {
            "subject": "acct:bob@elsewhere.example" if has("webfinger.subject") else subject,
            "links": [link] if "self" in rels else [],
        }
        kind = "text/plain" if has("webfinger.type") else "application/jrd+json"
        response = self.answer(document, content_type=kind)
        if has("webfinger.cors"):
            del response.headers["Access-Control-Allow-Origin"]
        return response

    def _about(self, path: str) -> web.Response:
        has = self.has
        if path == "/.well-known/host-meta":
            where = "https://elsewhere.example" if has("nodeinfo.host-meta") else self.base_url
            text = f'<XRD><Link rel="lrdd" template="{where}/.well-known/webfinger?resource={{uri}}"/></XRD>'
            return web.Response(text=text, content_type="application/xrd+xml")
        if path == "/.well-known/nodeinfo":
            if has("nodeinfo.links"):
                return self.answer({"links": []}, content_type="application/json")
            where = "https://elsewhere.example" if has("nodeinfo.origin") else self.base_url
            links = [{"rel": _REL, "href": f"{where}/nodeinfo/2.1"}]
            return self.answer({"links": links}, content_type="application/json")
        if path != "/nodeinfo/2.1":
            return self.nothing()
        document = {
            "version": "2.1",
            "software": {"name": "A Server" if has("nodeinfo.name") else "small-server", "version": "1"},
            "protocols": ["diaspora"] if has("nodeinfo.document") else ["activitypub"],
            "services": {"inbound": [], "outbound": []},
            "openRegistrations": False,
            "usage": {"users": {"total": 1}},
            "metadata": {},
        }
        return self.answer(document, content_type="text/html" if has("nodeinfo.type") else "application/json")

    def _actor(self, request: web.Request) -> web.Response:
        has, accept = self.has, request.headers.get("Accept", "")
        if has("actor.unsigned"):
            return web.Response(status=406)
        if has("actor.head") and request.method == "HEAD":
            return web.Response(status=500)
        if has("actor.profile") and request.path == "/@alice":
            return self.nothing()
        if has("actor.ld-json") and accept.startswith("application/ld+json; profile") and "activity+json" not in accept:
            return self.nothing()
        if has("actor.accept") and "profile" not in accept and "activity+json" in accept:
            return web.Response(text="<p>alice", content_type="text/html")
        if "json" not in accept:
            headers = {} if has("actor.vary") else {"Vary": "Accept"}
            if has("actor.html"):
                return self.answer(self.actor(), content_type="application/json")
            return web.Response(text="<p>alice", content_type="text/html", headers=headers)
        document = self.actor() if request.path != "/actor" else self.instance_actor()
        response = self.answer(document, content_type="application/json" if has("actor.content-type") else ACTIVITY)
        if has("actor.signed-cache"):
            response.headers["Cache-Control"] = "public, max-age=60"
        if has("actor.cors"):
            del response.headers["Access-Control-Allow-Origin"]
        response.headers["ETag"] = '"1"'
        if request.headers.get("If-None-Match") == '"1"' and not has("actor.revalidation"):
            return web.Response(status=304, headers={"ETag": '"1"', "Vary": "Accept"})
        return response

    def instance_actor(self) -> dict[str, Any]:
        uri = f"{self.base_url}/actor"
        key = {"id": f"{uri}#main-key", "owner": uri, "publicKeyPem": server_keys()[0].public().pem()}
        inbox = {"inbox": f"{uri}/inbox", "outbox": f"{uri}/outbox", "preferredUsername": "server"}
        return {"@context": AS2, "id": uri, "type": "Application", "publicKey": key, **inbox}

    def _collection(self, request: web.Request, name: str) -> web.Response:
        has, uri = self.has, f"{self.actor_uri}/{name}"
        assert self.inbox is not None
        if name == "inbox":
            return self.answer({"orderedItems": ["something"]}) if has("errors.inbox") else web.Response(status=405)
        if name not in ("outbox", "followers", "following", "featured"):
            return self.nothing()
        page = request.query.get("page")
        if has("outbox.nonsense") and page == "-1":
            return web.Response(status=500)
        items: list[Any] = [self.create(number) for number in (3, 2, 1)] if name == "outbox" else []
        total = len(items) if name != "followers" else len(self.inbox.followers)
        if page is None:
            return self.answer(
                {
                    "@context": AS2,
                    "id": uri,
                    "type": "OrderedCollection",
                    "totalItems": -1 if has(f"{name}.shape") else total,
                    "first": f"{uri}?page=1",
                }
            )
        number = int(page) if page.isdecimal() and len(page) < 4 else 1
        document: dict[str, Any] = {
            "@context": AS2,
            "id": f"{uri}?page={number}",
            "type": "OrderedCollectionPage",
            "partOf": uri,
            "orderedItems": items[2 * number - 2 : 2 * number],
        }
        if number < 2 and name == "outbox":
            document["next"] = f"{uri}?page=2"
        if has(f"{name}.pages"):
            document["next"] = f"{uri}?page=1"
        return self.answer(document)

    def _post(self, request: web.Request, name: str) -> web.Response:
        has = self.has
        assert self.inbox is not None
        number, _, part = name.partition("/")
        if name == "private" and has("objects.private"):
            return self.answer({"@context": AS2, **self.post(9)})
        if name == "deleted":
            content = {"content": "what it said"} if has("objects.tombstone") else {}
            return self.answer({"@context": AS2, "id": self.deleted_uri, "type": "Tombstone", **content}, status=410)
        if number not in ("1", "2", "3"):
            return self.answer({"@context": AS2, **self.post(1)}) if has("objects.unknown") else self.nothing()
        post = self.post(int(number))
        if part == "activity":
            document = {"@context": AS2, **self.create(int(number))}
            return self.answer(
                document | {"id": "https://elsewhere.example/1"} if has("objects.activity") else document
            )
        if part in ("replies", "likes"):
            found = self.inbox.replies if part == "replies" else self.inbox.likes
            items = sorted(found) if part == "replies" else None
            listed = {"items": items} if items is not None else {}
            uri = f"{post['id']}/{part}"
            return self.answer({"@context": AS2, "id": uri, "type": "Collection", "totalItems": len(found), **listed})
        if "json" not in request.headers.get("Accept", ""):
            headers = {} if has("objects.vary") else {"Vary": "Accept"}
            return web.Response(text="<p>Hello", content_type="text/html", headers=headers)
        if has("objects.id"):
            return self.answer({"@context": AS2, **post}, content_type="application/json")
        return self.answer({"@context": AS2, **post})

    async def post_request(self, request: web.Request) -> web.StreamResponse:
        self.posted += 1
        assert self.inbox is not None
        if request.path == "/users/alice/outbox":
            return web.Response(status=201 if self.has("documents.outbox") else 405)
        if request.path not in ("/inbox", "/users/alice/inbox"):
            return self.nothing()
        return await self.inbox.receive(request)

    async def other(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=200 if self.has("documents.methods") else 405)


@contextlib.asynccontextmanager
async def small_server(*faults: str) -> AsyncIterator[SmallServer]:
    """The server on a free port of this machine."""
    server = SmallServer(frozenset(faults))
    app = web.Application(client_max_size=2**26)

    async def serve(request: web.Request) -> web.StreamResponse:
        if request.method in ("GET", "HEAD"):
            return await server.get(request)
        return await (server.post_request(request) if request.method == "POST" else server.other(request))

    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=0.2, max_field_size=65_536, max_line_size=65_536, handle_signals=False
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=10), skip_auto_headers=("User-Agent", "Accept")
    ) as session:
        server.inbox = SmallInbox(server.base_url, frozenset(faults), server_keys()[0], session)
        try:
            yield server
        finally:
            await server.inbox.close()
            await runner.cleanup()
            await asyncio.sleep(0)
