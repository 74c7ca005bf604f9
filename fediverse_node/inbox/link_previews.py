"""Previews of the pages that posts link to: noticed after the commit, fetched in the background, once for a page.

Only what everybody may read has one: who else knows of a post for followers or single people must not be its reason to
be asked. The page is asked by this server alone, never by a reader; a link that arrives from elsewhere waits a random
while, so that not all servers ask at once. One request at a time to a host, with a pause between two.
"""

from __future__ import annotations

import asyncio
import logging

import orjson

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain.facts import World
from fediverse_node.inbox.worker import Worker
from fediverse_node.protocol.link_preview import (
    OEMBED_LIMIT_BYTES,
    PAGE_LIMIT_BYTES,
    LinkPreview,
    Page,
    first_link,
    read_page,
    with_oembed,
)
from fediverse_node.protocol.uris import host_of
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.events import Applied, Edited, Published
from fediverse_node.storage.queries import link_previews as queries
from fediverse_node.storage.writer import Writer
from fediverse_node.transport.exchange import Http, Response
from fediverse_node.transport.faults import FetchFault, status_fault

log = logging.getLogger(__name__)

_TIMEOUT_S = 10.0
_LEASE_MS = 120_000
# How long posts are gathered before they are looked through together.
_GATHERING_S = 0.5
_LARGEST_LOOK = 400
_MOST_WAITING = 20_000
_SPREAD_MS = 30_000
_PAUSE_MS = 2_000
# Who links to a thousand pages of one host in an hour gets cards for the first of them.
_LONGEST_QUEUE_MS = 600_000
_ATTEMPTS = 3
_AGAIN_MS = 3_600_000
_MOST_HOSTS = 10_000
_PAGES = ("text/html", "application/xhtml+xml")


class LinkPreviews:
    """Notices links, and asks for their pages."""

    def __init__(self, *, database: Database, writer: Writer, world: World, http: Http, longest_sleep_s: float) -> None:
        self._database = database
        self._writer = writer
        self._world = world
        self._http = http
        self._said: dict[int, None] = {}
        self._looking: asyncio.Task[None] | None = None
        self._next_ms: dict[str, int] = {}  # host -> when the next page of it may be asked
        self._turns: dict[int, int] = {}  # preview -> when it is asked
        self._worker = Worker(
            "link_previews",
            due=self._due,
            next_due_ms=self._next_due_ms,
            handle=self._ask,
            host=lambda row: str(row["host"]),
            now_ms=world.clock.now_ms,
            longest_sleep_s=longest_sleep_s,
        )

    def start(self) -> None:
        """Take up what is due."""
        self._writer.listen(self._on_commit)
        self._worker.start()

    async def stop(self) -> None:
        """What is under way is left for the next start."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._worker.stop()

    def _on_commit(self, applied: Applied) -> None:
        for event in applied.events:
            # A flood of posts may lose previews, and nothing else.
            if isinstance(event, Published | Edited) and len(self._said) < _MOST_WAITING:
                self._said[event.object_id] = None
        if self._said and (self._looking is None or self._looking.done()):
            self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        try:
            while self._said:
                await asyncio.sleep(_GATHERING_S)
                ids = list(self._said)[:_LARGEST_LOOK]
                for id_ in ids:
                    del self._said[id_]
                await self.notice(ids)
        except Exception:  # in the background nobody else would hear of it
            log.exception("link_previews.failed")

    async def notice(self, object_ids: list[int]) -> None:
        """Find out what these posts link to."""
        world, now_ms = self._world, self._world.clock.now_ms()
        links = []
        for row in await self._database.fetch(queries.LINKING, ids=object_ids):
            url = self._link_of(row)
            delay_ms = 0 if row["local"] else int(world.randomness.fraction() * _SPREAD_MS) if url else 0
            links.append(queries.Link(row["id"], url, (host_of(url) or "") if url else "", now_ms + delay_ms))
        if not links:
            return
        is_new = await self._writer.run(lambda: queries.notice(links, world.ids, now_ms))
        if is_new:
            self._worker.wake()

    def _link_of(self, row: Row) -> str | None:
        if "<a " not in row["content"]:
            return None
        parts = orjson.loads(row["parts"])
        files = orjson.loads(row["attachments"])
        besides = {str(url) for file in files if (url := file.get("remote_url"))}
        if parts.get("quote"):
            besides.add(str(parts["quote"]))
        url = first_link(row["content"], besides=besides)
        # What is here has no card: it is opened as what it is.
        return None if url is None or self._world.names.is_ours(url) else url

    async def _due(self, busy: list[str]) -> list[Row]:
        now_ms = self._world.clock.now_ms()
        return await self._database.fetch(queries.DUE, now_ms=now_ms, busy=busy, most=_LARGEST_LOOK)

    async def _next_due_ms(self) -> int | None:
        row = await self._database.fetch_one(queries.NEXT_DUE)
        return int(row["due_ms"]) if row is not None and row["due_ms"] is not None else None

    async def _ask(self, row: Row) -> None:
        preview_id, url, host = int(row["id"]), str(row["url"]), str(row["host"])
        now_ms = self._world.clock.now_ms()
        turn_ms = self._turn_ms(preview_id, host, now_ms)
        if turn_ms is None:
            await self._writer.run(lambda: queries.settle(preview_id, None, now_ms))
            return
        if turn_ms > now_ms:
            await self._writer.run(lambda: queries.put_off(preview_id, turn_ms))
            return
        if not await self._writer.run(lambda: queries.claim(preview_id, now_ms, now_ms + _LEASE_MS)):
            return
        found = await self._fetch(url)
        now_ms = self._world.clock.now_ms()
        note("preview.fetched", None if isinstance(found, LinkPreview) else found, url=url[:200])
        if isinstance(found, TemporaryFail) and int(row["attempts"]) + 1 < _ATTEMPTS:
            later_ms = now_ms + _AGAIN_MS * (int(row["attempts"]) + 1)
            await self._writer.run(lambda: queries.put_off(preview_id, later_ms))
            return
        card = found.dump() if isinstance(found, LinkPreview) else None
        await self._writer.run(lambda: queries.settle(preview_id, card, now_ms))

    def _turn_ms(self, preview_id: int, host: str, now_ms: int) -> int | None:
        """When this page's turn is: each one of a host has its own. None where too many stand before it."""
        turn_ms = self._turns.pop(preview_id, None)
        if turn_ms is not None and turn_ms <= now_ms:
            return turn_ms
        if turn_ms is None:
            turn_ms = max(now_ms, self._next_ms.get(host, 0))
            if turn_ms > now_ms + _LONGEST_QUEUE_MS:
                return None
            if len(self._next_ms) >= _MOST_HOSTS:
                self._next_ms = {name: ms for name, ms in self._next_ms.items() if ms > now_ms}
            self._next_ms[host] = turn_ms + _PAUSE_MS
        if turn_ms > now_ms:
            self._turns[preview_id] = turn_ms
        return turn_ms

    async def _fetch(self, url: str) -> LinkPreview | Fail | TemporaryFail:
        answer = await self._get(url, ", ".join(_PAGES), _PAGES, PAGE_LIMIT_BYTES)
        if not isinstance(answer, Response):
            return answer
        page: Page = await asyncio.to_thread(read_page, answer.body, answer.content_type, answer.url)
        preview = page.preview
        if page.oembed_url is not None and not self._world.names.is_ours(page.oembed_url):
            more = await self._get(page.oembed_url, "application/json", ("application/json",), OEMBED_LIMIT_BYTES)
            if isinstance(more, Response):
                preview = with_oembed(preview, more.body, answer.url)
        if preview is None:
            return Fail(FetchFault.MALFORMED, "the page has no title")
        # Readers open what the post links to, wherever that leads today.
        return LinkPreview.load(preview.dump()) if preview.url == url else _at(preview, url)

    async def _get(
        self, url: str, accept: str, types: tuple[str, ...], max_bytes: int
    ) -> Response | Fail | TemporaryFail:
        answer = await self._http.get(url, accept=accept, max_bytes=max_bytes, timeout_s=_TIMEOUT_S)
        if not isinstance(answer, Response):
            return answer
        fault = status_fault(answer.status)
        if fault is not None:
            return fault
        if answer.content_type.partition(";")[0].strip().lower() not in types:
            return Fail(FetchFault.MALFORMED, f"the answer is {answer.content_type[:100]}")
        return answer


def _at(preview: LinkPreview, url: str) -> LinkPreview:
    return LinkPreview.load(orjson.dumps({**orjson.loads(preview.dump()), "url": url}).decode())
