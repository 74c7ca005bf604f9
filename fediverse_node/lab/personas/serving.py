"""The web server of a persona: inboxes, documents, collections, WebFinger, host-meta, NodeInfo, pages, pictures.

What it answers, and how, is by the habits of its software. Every request is answered from memory.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from fediverse_node.lab.personas.drafts import PUBLIC, Arrived, Document, Post, Refused, all_uris, first_uri
from fediverse_node.lab.personas.habits import ACTIVITY_JSON
from fediverse_node.lab.personas.linked_data import creator_of, is_signed_by
from fediverse_node.lab.personas.proving import Signer, prove
from fediverse_node.lab.personas.telling import Telling
from fediverse_node.lab.personas.town import Resident
from fediverse_node.protocol.webfinger import dump_host_meta
from fediverse_node.signatures.request import Request

_LISTS = ("followers", "following", "outbox", "collections/featured")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# One grey dot.
PICTURE = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\x80"))
    + _chunk(b"IEND", b"")
)


class Serving(Telling):
    """Answers requests."""

    def make_app(self) -> web.Application:
        """A server for all paths."""
        app = web.Application(client_max_size=4_000_000)
        app.router.add_post("/{path:.*}", self.answer_post)
        app.router.add_get("/{path:.*}", self.answer_get)
        app.on_cleanup.append(self._close_with)
        return app

    async def _close_with(self, app: web.Application) -> None:
        await self.close()

    # What a software overrides.

    async def unusual_answer(self, request: web.Request) -> web.Response | None:
        """An answer that comes before everything else, where a software has one."""
        return None

    def page(self, request: web.Request, uri: str | None) -> web.Response:
        """What a browser gets."""
        title = uri or "nothing here"
        text = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{title}</body></html>"
        return self.finish(web.Response(status=200 if uri else 404, text=text, content_type="text/html"))

    def refusal(self, status: int, reason: str) -> web.Response:
        """The answer to what is not accepted, or not there."""
        return self.finish(web.json_response({"error": reason}, status=status))

    def key_answer(self, path: str) -> Document | None:
        """A document of a key that has an address of its own."""
        return None

    # Requests.

    async def answer_get(self, request: web.Request) -> web.StreamResponse:
        """Any GET."""
        unusual = await self.unusual_answer(request)
        if unusual is not None:
            return unusual
        path = request.path
        if path.startswith(("/.well-known/", "/nodeinfo")):
            return self._about_server(request)
        if path.startswith("/media/"):
            return self.finish(web.Response(body=PICTURE, content_type="image/png"))
        key = self.key_answer(path)
        if key is not None:
            return self.document(key)
        uri = self.uri_of(request)
        if not _wants_document(request):
            return self.page(request, uri)
        if uri is not None and uri in self.gone:
            if self.habits.answers.gone != 410:
                return self.refusal(self.habits.answers.gone, "not found")
            return self.document(self.gone[uri], status=410)
        asker = await self._asker(request) if self._must_know_asker(uri) else None
        if self.authorized_fetch and asker is None and uri != self.instance_uri():
            return self.refusal(self.habits.answers.unsigned, "this server shows documents to signed requests alone")
        found = self._find(uri, asker) if uri else self._find_list(request, asker)
        if found is None:
            return self.refusal(404, "not found")
        if isinstance(found, web.Response):
            return found
        return self.document(found)

    def uri_of(self, request: web.Request) -> str | None:
        """The id of what this address shows, if it is known."""
        for path in (request.raw_path, request.path):
            uri = self.at(path)
            for candidate in (uri, self.aliases.get(uri, "")):
                if candidate and (candidate in self.gone or self._is_known(candidate)):
                    return candidate
        return None

    def _is_known(self, uri: str) -> bool:
        return uri in self.residents or uri in self.posts or uri in self.activities

    def _find(self, uri: str, asker: str | None) -> Document | web.Response | None:
        if uri in self.residents:
            return self.actor_document(self.residents[uri])
        if uri in self.posts:
            post = self.posts[uri]
            if not self._may_see(asker, post):
                return self.refusal(self.habits.answers.hidden, "not found")
            return self.with_context(self.current(post))
        activity = self.activities[uri]
        return activity if PUBLIC in all_uris(activity.get("to"), activity.get("cc")) else None

    def current(self, post: Post) -> Document:
        """A post as it is served now."""
        return post.document

    def _may_see(self, asker: str | None, post: Post) -> bool:
        named = all_uris(post.document.get("to"), post.document.get("cc"))
        if PUBLIC in named:
            return True
        if asker is None:
            return False
        author = self.residents[post.author]
        host = urlsplit(asker).netloc
        # A server asks with its own actor for any of its people.
        readers = [*named, *(author.followers if self.part(author, "followers") in named else ())]
        return any(urlsplit(uri).netloc == host for uri in readers)

    def _find_list(self, request: web.Request, asker: str | None) -> Document | None:
        uri = self.at(request.path)
        for resident in list(self.residents.values()):
            for name in _LISTS:
                if uri == self.part(resident, name):
                    items = self.list_items(resident, name)
                    wants_page = bool(request.query.get("page") or request.query.get("limit"))
                    return self.collection_page(uri, items) if wants_page else self.collection(uri, items)
        for post in list(self.posts.values()):
            if uri == f"{post.uri}/replies" and self._may_see(asker, post):
                return self.collection(uri, [found for found in post.replies if found in self.posts])
        return None

    def list_items(self, resident: Resident, name: str) -> list[Any]:
        """What is in a list of somebody."""
        match name:
            case "followers":
                return list(resident.followers)
            case "following":
                return [uri for uri, granted in resident.following.items() if granted]
            case "outbox":
                return [
                    activity
                    for activity in self.activities.values()
                    if activity["actor"] == resident.uri
                    and activity["type"] in ("Create", "Announce")
                    and PUBLIC in all_uris(activity.get("to"), activity.get("cc"))
                ]
            case _:
                return [self.posts[uri].document for uri in resident.pinned if uri in self.posts]

    def _must_know_asker(self, uri: str | None) -> bool:
        """Whether it matters who asks. Not for the server's own actor: two servers would ask each other for ever."""
        if uri == self.instance_uri():
            return False
        post = self.posts.get(uri or "")
        return self.authorized_fetch or (post is not None and not self.is_public(post.document))

    async def _asker(self, request: web.Request) -> str | None:
        if "Signature" not in request.headers:
            return None
        proof = await prove(
            _received(request, self.origin, b""),
            self.habits.checking,
            host=self.host,
            now=self.now(),
            keys=self.key_ring,
        )
        return proof.uri if isinstance(proof, Signer) else None

    # Inboxes.

    async def answer_post(self, request: web.Request) -> web.StreamResponse:
        """An activity is delivered."""
        body = await request.read()
        if not self._is_inbox(request.path):
            return self.refusal(404, "there is no inbox")
        refused = self._refuse_early(request, body)
        if refused is not None:
            return self._note_refusal(request, *refused, body)
        received = _received(request, self.origin, body)
        if self.habits.checking.answers_first:
            unreadable = self.habits.checking.unreadable
            if unreadable and not _looks_signed(received):
                return self._note_refusal(request, unreadable, "there is no signature that can be read", body)
            self.later(self._check_later(request, received))
            return self.accepted()
        return await self._check(request, received)

    def _is_inbox(self, path: str) -> bool:
        uri = self.at(path)
        if self.habits.shared_inbox and uri == self.at(self.habits.shared_inbox):
            return True
        return any(uri == self.part(resident, "inbox") for resident in self.residents.values())

    def _refuse_early(self, request: web.Request, body: bytes) -> tuple[int, str] | None:
        checking = self.habits.checking
        if checking.needs_user_agent and not request.headers.get("User-Agent"):
            return 418, "who are you? A User-Agent is needed"
        content_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if checking.inbox_types and content_type not in checking.inbox_types:
            return 406, f"an inbox does not take {content_type or 'what has no type'}"
        if len(body) > checking.body_limit_bytes:
            return 413, "the body is too large"
        return None

    async def _check_later(self, request: web.Request, received: Request) -> None:
        await self._check(request, received)

    async def _check(self, request: web.Request, received: Request) -> web.Response:
        try:
            activity = orjson.loads(received.body)
        except ValueError:
            activity = None
        if not isinstance(activity, dict) or not isinstance(activity.get("type"), str):
            return self._note_refusal(request, 400, "this is no activity", received.body)
        proof = await prove(received, self.habits.checking, host=self.host, now=self.now(), keys=self.key_ring)
        if isinstance(proof, str):
            return self._note_refusal(request, self.habits.answers.unsigned, proof, received.body)
        actor = first_uri(activity.get("actor"))
        if actor != proof.uri and await self._is_passed_on(activity, actor):
            proof = Signer(actor, "linked-data")
        if actor != proof.uri:
            reason = "the signature is somebody else's than the actor"
            return self._note_refusal(request, self.habits.answers.unsigned, reason, received.body)
        heard = Arrived(activity, proof.uri, proof.scheme, request.path)
        self.arrived.append(heard)
        status = self.habits.answers.rule_refused
        if status is None:
            self.later(self.hear(heard))
            return self.accepted()
        await self.hear(heard)
        return self.refusal(status, heard.ignored) if heard.ignored else self.accepted()

    async def _is_passed_on(self, activity: Document, actor: str) -> bool:
        """Whether somebody else delivers what this actor has signed itself."""
        creator = creator_of(activity)
        if not creator or not self.habits.checking.reads_linked_data:
            return False
        known = await self.key_ring.key(creator)
        return known is not None and known.owner == actor and is_signed_by(activity, known.key)

    def _note_refusal(self, request: web.Request, status: int, reason: str, body: bytes) -> web.Response:
        self.refused.append(Refused(request.path, reason, status, body))
        return self.refusal(status, reason)

    def accepted(self) -> web.Response:
        """The answer to what was accepted."""
        answers = self.habits.answers
        if not answers.accepted_body:
            return self.finish(web.Response(status=answers.accepted))
        return self.finish(
            web.Response(status=answers.accepted, body=answers.accepted_body, content_type=answers.accepted_type)
        )

    # Answers.

    def document(self, document: Document, *, status: int = 200) -> web.Response:
        """An ActivityPub document."""
        answers = self.habits.answers
        headers = {"Content-Type": answers.document_type, "Vary": answers.vary, "Cache-Control": answers.cache}
        return self.finish(web.Response(status=status, body=self.encode(document), headers=headers))

    def finish(self, response: web.Response) -> web.Response:
        """What every answer of this software has."""
        for name, value in self.habits.answers.headers:
            response.headers[name] = value.format(origin=self.origin, host=self.host)
        if self.habits.answers.closes_connection:
            response.force_close()
        return response

    def _about_server(self, request: web.Request) -> web.Response:
        if request.path == "/.well-known/webfinger":
            return self._webfinger(request.query.get("resource", ""))
        if request.path == "/.well-known/host-meta":
            return self.finish(web.Response(text=dump_host_meta(self.origin), content_type="application/xrd+xml"))
        version = self.habits.nodeinfo
        place = f"/nodeinfo/{version}"
        if request.path == "/.well-known/nodeinfo":
            rel = f"http://nodeinfo.diaspora.software/ns/schema/{version}"
            return self.finish(web.json_response({"links": [{"rel": rel, "href": self.at(place)}]}))
        if request.path in (place, f"{place}.json"):
            return self.finish(web.json_response(self.nodeinfo()))
        return self.refusal(404, "not found")

    def _webfinger(self, resource: str) -> web.Response:
        if not resource:
            return self.refusal(400, "resource is missing")
        name, _, host = resource.removeprefix("acct:").rpartition("@")
        found = [
            resident
            for resident in self.residents.values()
            if resource in (resident.uri, self.page_of(resident))
            or (resident.name.lower() == name.lower() and host in (self.host, self.handle_host))
        ]
        if not found:
            return self.refusal(404, "not found")
        return self.finish(web.json_response(self.jrd_of(found), content_type="application/jrd+json"))

    def jrd_of(self, found: list[Resident]) -> Document:
        """The answer of WebFinger for those of one name."""
        return self.jrd(found[0])


def _wants_document(request: web.Request) -> bool:
    accept = request.headers.get("Accept", "")
    return ACTIVITY_JSON in accept or "application/ld+json" in accept or "application/json" in accept


def _received(request: web.Request, origin: str, body: bytes) -> Request:
    headers = tuple((name.lower(), value) for name, value in request.headers.items())
    return Request(request.method, f"{origin}{request.raw_path}", headers, body)


def _looks_signed(received: Request) -> bool:
    """By the old draft, with a digest: all that can be seen without a key."""
    return (
        received.header("signature") is not None
        and received.header("signature-input") is None
        and received.header("digest") is not None
    )
