"""The inspector beside a running world: the page, what it asks for, what changes, and sending again.

spec: html#server-sent-events. Routes, under the prefix: `/` the page, `/rows`, `/exchanges/{number}`, `/search?q=`,
`/nodes`, `/events`, `/export.{jsonl,html,har}`, POST `/send`. For one developer on one machine: see `guard`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import orjson
from aiohttp import web

from fediverse_node.base.errors import NodeError
from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail
from fediverse_node.base.randomness import Randomness, SystemRandomness
from fediverse_node.lab.inspector import page
from fediverse_node.lab.inspector.claims import KeyRing
from fediverse_node.lab.inspector.content import dump_json
from fediverse_node.lab.inspector.detail import is_found, parse_terms, render_detail
from fediverse_node.lab.inspector.feed import Feed
from fediverse_node.lab.inspector.guard import refuse_host, refuse_sender
from fediverse_node.lab.inspector.har import dump_har
from fediverse_node.lab.inspector.nodes import NodeInfo, render_nodes
from fediverse_node.lab.inspector.resend import Resend, parse_resend
from fediverse_node.lab.inspector.rows import render_row
from fediverse_node.lab.recording import Recording

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PAUSE_S = 0.1  # between two batches: a world at full speed is not a message for each change
_PING_S = 15.0
_ROWS_A_BATCH = 500
_MOST_FOLLOWERS = 64
_SEARCHED_AT_ONCE = 200
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
_EXPORTS = {
    "jsonl": "application/jsonl",
    "html": "text/html",
    "har": "application/json",
}


def _no_nodes() -> Sequence[NodeInfo]:
    return ()


def setup(
    app: web.Application,
    recording: Recording,
    *,
    prefix: str = "/inspector",
    resend: Resend | None = None,
    nodes: Callable[[], Sequence[NodeInfo]] = _no_nodes,
    hosts: Collection[str] = (),
    links: page.Links = (),
    randomness: Randomness | None = None,
) -> Inspector:
    """Mount the inspector of `recording` under `prefix` ("" for the root); call it on the loop the world runs on.

    `links` (names and addresses) stand at the top of the page. `hosts` are further names under which it may be asked,
    beside those of this machine. Without `resend` nothing can be sent again.
    """
    token = (randomness or SystemRandomness()).token()
    inspector = Inspector(recording, resend=resend, nodes=nodes, hosts=hosts, links=links, token=token)
    inspector.mount(app, prefix.rstrip("/"))
    return inspector


class Inspector:
    """One recording, as it is shown to those who follow it."""

    def __init__(
        self,
        recording: Recording,
        *,
        resend: Resend | None,
        nodes: Callable[[], Sequence[NodeInfo]],
        hosts: Collection[str],
        links: page.Links,
        token: str,
    ) -> None:
        self.token = token
        self._recording = recording
        self._resend = resend
        self._nodes = nodes
        self._links = links
        self._hosts = frozenset(host.lower() for host in hosts)
        self._feed = Feed(recording)
        self._keys = KeyRing()
        self._keys_revision = 0
        self._followers = 0
        # Pages that were open before a restart ask with revisions of another count.
        self._epoch = token[:8]

    def mount(self, app: web.Application, prefix: str) -> None:
        """Add the routes, and end the streams with the application."""
        routes: tuple[tuple[str, Handler], ...] = (
            ("/", self.get_page),
            ("/rows", self.get_rows),
            (r"/exchanges/{number:\d{1,9}}", self.get_exchange),
            ("/search", self.get_search),
            ("/nodes", self.get_nodes),
            ("/events", self.get_events),
            (r"/export.{kind:jsonl|html|har}", self.get_export),
        )
        for path, handler in routes:
            app.router.add_get(prefix + path, self._guarded(handler))
        if prefix:
            app.router.add_get(prefix, self._guarded(self._to_page))
        app.router.add_post(f"{prefix}/send", self._guarded(self.post_send))
        app.on_shutdown.append(self._on_shutdown)

    def close(self) -> None:
        """End all streams; nothing is followed any more."""
        self._feed.close()

    async def get_page(self, request: web.Request) -> web.Response:
        """The page."""
        headers = {"Content-Security-Policy": f"{page.policy(live=True)}; frame-ancestors 'none'"}
        text = page.render_live_page(self._recording, token=self.token, links=self._links)
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def get_rows(self, request: web.Request) -> web.Response:
        """All rows, and the revision from which `/events` goes on."""
        rows = [render_row(exchange) for exchange in self._recording]
        return _json({"at": self._mark(self._feed.revision), "about": self._recording.about, "rows": rows})

    async def get_nodes(self, request: web.Request) -> web.Response:
        """The nodes and their people, and whether requests can be sent again."""
        plain = render_nodes(self._nodes(), with_sign_in=True)
        return _json({"nodes": plain, "may_send": self._resend is not None})

    async def get_exchange(self, request: web.Request) -> web.Response:
        """One exchange with all its details."""
        exchange = self._recording.find(int(request.match_info["number"]))
        if exchange is None:
            return _problem(404, "There is no exchange with this number.")
        return _json(render_detail(exchange, keys=self._known_keys(), nodes=self._nodes()))

    async def get_search(self, request: web.Request) -> web.Response:
        """The numbers of all exchanges in which every word of `q` is found."""
        terms = parse_terms(request.query.get("q", "")[:1000])
        found: list[int] = []
        for position, exchange in enumerate(list(self._recording)):
            if is_found(exchange, terms):
                found.append(exchange.number)
            if position % _SEARCHED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return _json({"found": found})

    async def get_events(self, request: web.Request) -> web.StreamResponse:
        """Rows that are new or changed, as they come. `since` is the `at` of `/rows`; Last-Event-ID goes before it."""
        if self._followers >= _MOST_FOLLOWERS:
            return _problem(503, "Too many pages follow this world. Close some.")
        revision = self._revision(request.headers.get("Last-Event-ID") or request.query.get("since", ""))
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        self._followers += 1
        try:
            await response.write(b"retry: 1000\n\n")
            if revision is None:
                await response.write(b"event: restart\ndata: {}\n\n")
                revision = self._feed.revision
            await self._follow(response, revision)
        except ConnectionResetError:
            event(log, "inspector.page_closed", logging.DEBUG)
        finally:
            self._followers -= 1
        return response

    async def _follow(self, response: web.StreamResponse, revision: int) -> None:
        while not self._feed.closed:
            await self._feed.wait(revision, timeout_s=_PING_S)
            numbers, upto = self._feed.since(revision), self._feed.revision
            if not numbers:
                await response.write(b": still here\n\n")
                continue
            for first in range(0, len(numbers), _ROWS_A_BATCH):
                batch = numbers[first : first + _ROWS_A_BATCH]
                rows = [render_row(found) for number in batch if (found := self._recording.find(number)) is not None]
                is_last = first + _ROWS_A_BATCH >= len(numbers)
                mark = f"id: {self._mark(upto)}\n".encode() if is_last else b""
                await response.write(mark + b"event: rows\ndata: " + dump_json(rows) + b"\n\n")
            revision = upto
            await asyncio.sleep(_PAUSE_S)

    async def get_export(self, request: web.Request) -> web.Response:
        """The recording as a file: as it is, as a page, or as an HTTP archive."""
        kind = request.match_info["kind"]
        # A picture of this moment, made in a thread: the world goes on meanwhile.
        picture = Recording(dict(self._recording.about), list(self._recording), list(self._recording.known))
        body = await asyncio.to_thread(_export, kind, picture, self._nodes())
        headers = {"Content-Disposition": f'attachment; filename="exchanges.{kind}"'}
        return web.Response(body=body, content_type=_EXPORTS[kind], charset="utf-8", headers=headers)

    async def post_send(self, request: web.Request) -> web.Response:
        """Send a request again, see `resend.parse_resend`; answers with the number of the new exchange."""
        refusal = refuse_sender(request, self.token)
        if refusal is not None:
            return _problem(403, refusal)
        if self._resend is None:
            return _problem(409, "This world cannot send again: it has ended, or it is a recording.")
        try:
            plain = orjson.loads(await request.read())
            number = plain["number"]
            original = self._recording.find(number) if isinstance(number, int) else None
        except (ValueError, TypeError, KeyError):
            return _problem(400, "This is no request to send again.")
        if original is None:
            return _problem(404, "There is no exchange with this number.")
        parsed = parse_resend(plain, original)
        if isinstance(parsed, Fail):
            return _problem(400, f"This cannot be sent: {parsed}")
        message, sign_as = parsed
        if sign_as is not None and sign_as not in self._signers():
            return _problem(400, f"No node here has the key of {sign_as[:200]}.")
        try:
            exchange = await self._resend(message, original.receiver, sign_as=sign_as)
        except (NodeError, OSError) as error:
            return _problem(502, f"It could not be sent: {error}")
        return _json({"number": exchange.number})

    def _signers(self) -> set[str]:
        return {person.actor_uri for node in self._nodes() for person in node.people if person.may_sign}

    def _known_keys(self) -> KeyRing:
        for number in self._feed.since(self._keys_revision):
            found = self._recording.find(number)
            if found is not None:
                self._keys.add(found)
        self._keys_revision = self._feed.revision
        return self._keys

    def _mark(self, revision: int) -> str:
        return f"{self._epoch}.{revision}"

    def _revision(self, mark: str) -> int | None:
        """The revision of a mark; None for one of another start, or of nothing."""
        epoch, _, number = mark.rpartition(".")
        return int(number) if epoch == self._epoch and number.isascii() and number.isdigit() else None

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            refusal = refuse_host(request, self._hosts)
            if refusal is not None:
                return _problem(421, refusal)
            response = await handler(request)
            if not response.prepared:
                for name, value in _HEADERS.items():
                    response.headers.setdefault(name, value)
                if isinstance(response, web.Response) and response.body:
                    response.enable_compression()
            return response

        return guarded

    async def _to_page(self, request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": f"{request.path.rsplit('/', 1)[-1]}/"})

    async def _on_shutdown(self, app: web.Application) -> None:
        self.close()


def _export(kind: str, recording: Recording, nodes: Sequence[NodeInfo]) -> bytes:
    if kind == "html":
        return page.render_html(recording, nodes=nodes).encode()
    if kind == "har":
        return dump_json(dump_har(recording, about=recording.about))
    return recording.dump()


def _json(plain: dict[str, Any]) -> web.Response:
    return web.Response(body=dump_json(plain), content_type="application/json")


def _problem(status: int, sentence: str) -> web.Response:
    return web.Response(status=status, body=orjson.dumps({"error": sentence}), content_type="application/json")
