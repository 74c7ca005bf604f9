"""Streaming: what is committed reaches open WebSockets and event streams.  spec: mastodon-client-api#streaming

Events are asked for again as the reader would see them, so nothing flows that the timelines would not show.
Who does not read is let go; whoever comes back asks the timelines for what was missed.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import WSCloseCode, WSMsgType, hdrs, web

from fediverse_node.base.log import event
from fediverse_node.mastodon_api.context import CONTEXT, Context
from fediverse_node.mastodon_api.conversations import render_conversations
from fediverse_node.mastodon_api.errors import ApiError, bad_request, not_found, scope_missing, token_invalid
from fediverse_node.mastodon_api.fragments import fragments_of, render_statuses
from fediverse_node.mastodon_api.notifications import render_notifications
from fediverse_node.mastodon_api.params import parse_id, parse_query
from fediverse_node.mastodon_api.routing import Call, Routes, finish
from fediverse_node.mastodon_api.stream_standing import Standing
from fediverse_node.mastodon_api.tags import normalise
from fediverse_node.mastodon_api.viewer import Viewer
from fediverse_node.storage.events import Applied, Conversed, Edited, Event, Notified, Published, Removed
from fediverse_node.storage.queries import conversations as conversations_queries
from fediverse_node.storage.queries import notifications as notifications_queries
from fediverse_node.storage.queries import statuses as queries
from fediverse_node.storage.queries import tags as tags_queries
from fediverse_node.storage.queries import timelines
from fediverse_node.storage.queries.relationships import load_avoiding
from fediverse_node.storage.writer import Writer

log = logging.getLogger(__name__)
routes = Routes()

_MOST_WAITING = 300
_MOST_EVENTS = 20_000
_MOST_STREAMS = 100
_HEARTBEAT_S = 30.0
_THUMP_S = 15.0
_LARGEST_MESSAGE = 4096
_PUBLIC = {
    name + media: (list_, bool(media))
    for media in ("", ":media")
    for name, list_ in (
        ("public", timelines.PUBLIC),
        ("public:local", timelines.PUBLIC_LOCAL),
        ("public:remote", timelines.PUBLIC_REMOTE),
    )
}
_PLAIN = frozenset(("user", "user:notification", "direct", *_PUBLIC))
_PATHS = {
    "user": "user",
    "user/notification": "user:notification",
    "public": "public",
    "public/local": "public:local",
    "public/remote": "public:remote",
    "hashtag": "hashtag",
    "hashtag/local": "hashtag:local",
    "list": "list",
    "direct": "direct",
}

Stream = tuple[str, ...]  # as in the `stream` of a frame: ("user",), ("hashtag", "cats"), ("list", "12")


@dataclass(slots=True, eq=False)
class Subscriber:
    """One connection: what it listens to and what waits to be sent."""

    viewer: Viewer
    streams: set[Stream] = field(default_factory=set)
    closing: str = ""
    _waiting: asyncio.Queue[tuple[Stream, str, str] | None] = field(
        default_factory=lambda: asyncio.Queue(_MOST_WAITING)
    )

    def send(self, stream: Stream, name: str, payload: str) -> None:
        """Give it something to send; a connection that does not keep up is closed."""
        if self.closing:
            return
        try:
            self._waiting.put_nowait((stream, name, payload))
        except asyncio.QueueFull:
            self.close("too slow")

    def close(self, why: str) -> None:
        """End it."""
        if not self.closing:
            self.closing = why
            while not self._waiting.empty():
                self._waiting.get_nowait()
            self._waiting.put_nowait(None)

    async def next(self, timeout_s: float) -> tuple[Stream, str, str] | None:
        """What to send; None when there is nothing for so long, or at the end (`closing` says which)."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._waiting.get()
        except TimeoutError:
            return None


class Hub:
    """All open connections of one node, and the one task that tells them what happened."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._subscribers: set[Subscriber] = set()
        self._events: deque[Event] = deque(maxlen=_MOST_EVENTS)
        self._task: asyncio.Task[None] | None = None
        context.writer.listen(self.applied)

    def applied(self, applied: Applied) -> None:
        """Called after each commit: takes note, nothing more."""
        if self._subscribers and applied.events:
            self._events.extend(applied.events)
            if self._task is None or self._task.done():
                self._task = asyncio.get_running_loop().create_task(self._tell())

    def add(self, subscriber: Subscriber) -> None:
        """A connection opens."""
        self._subscribers.add(subscriber)

    def discard(self, subscriber: Subscriber) -> None:
        """A connection is gone."""
        self._subscribers.discard(subscriber)

    def close_token(self, token_id: int) -> None:
        """The token was revoked: its connections end."""
        for subscriber in list(self._subscribers):
            if subscriber.viewer.token_id == token_id:
                subscriber.close("the token was revoked")

    def filters_changed(self, actor_id: int) -> None:
        """The person's filters are not what they were."""
        for subscriber in self._listening("user"):
            if subscriber.viewer.actor_id == actor_id:
                subscriber.send(("user",), "filters_changed", "")

    def tell_everybody(self, name: str, payload: str) -> None:
        """The same for all people at home."""
        for subscriber in self._listening("user"):
            subscriber.send(("user",), name, payload)

    def close(self) -> None:
        """The server stops: all connections end."""
        for subscriber in list(self._subscribers):
            subscriber.close("the server stops")
        if self._task is not None:
            self._task.cancel()

    async def _tell(self) -> None:
        while self._events:
            happened = self._events.popleft()
            try:
                await self._tell_one(happened)
            except Exception as error:  # one event that cannot be told must not end the streams
                event(log, "streaming.event_lost", logging.ERROR, kind=type(happened).__name__, error=repr(error))

    async def _tell_one(self, happened: Event) -> None:
        if isinstance(happened, Published):
            await self._published(happened)
        elif isinstance(happened, Edited):
            await self._edited(happened.object_id)
        elif isinstance(happened, Removed):
            await self._removed(happened.object_id)
        elif isinstance(happened, Notified):
            await self._notified(happened)
        else:
            await self._conversed(happened)

    async def _published(self, happened: Published) -> None:
        readers = set(happened.reader_ids)
        at_home = [s for s in self._listening("user") if s.viewer.actor_id in readers]
        await self._show(at_home, happened.object_id, "update")
        await self._show_in_public(happened.object_id, "update")

    async def _edited(self, object_id: int) -> None:
        listening = self._listening("user")
        if listening:
            ids = list({s.viewer.actor_id for s in listening})
            rows = await self._context.database.fetch(queries.HOLDERS, object_id=object_id, ids=ids)
            holders = {row["actor_id"] for row in rows}
            at_home = [s for s in listening if s.viewer.actor_id in holders]
            await self._show(at_home, object_id, "status.update")
        await self._show_in_public(object_id, "status.update")

    async def _show(self, subscribers: Iterable[Subscriber], object_id: int, name: str) -> None:
        """An object in home timelines."""
        wanted = list(subscribers)
        if not wanted:
            return
        entries = await self._context.database.fetch(queries.VERSIONS, ids=[object_id])
        people = {id_ for entry in entries for id_ in (entry["actor_id"], entry["target_actor_id"]) if id_ is not None}
        viewers, now_ms = {s.viewer.actor_id for s in wanted}, self._context.world.clock.now_ms()
        # Who avoids one of those who speak, or shall have nothing of them, gets nothing.
        payloads: dict[int, str | None] = dict.fromkeys(
            await load_avoiding(self._context.database, viewers, people, now_ms)
        )
        for subscriber in wanted:
            viewer_id = subscriber.viewer.actor_id
            if viewer_id not in payloads:
                rendered = await render_statuses(self._context, viewer_id, entries, where="home")
                payloads[viewer_id] = rendered[0].decode() if rendered else None
            payload = payloads[viewer_id]
            if payload is not None:
                subscriber.send(("user",), name, payload)

    async def _show_in_public(self, object_id: int, name: str) -> None:
        """An object in public, hashtag and list timelines, where it is in them for this viewer."""
        wanted = [(s, stream) for s in self._subscribers for stream in s.streams if stream[0] in _PUBLIC]
        wanted += [(s, t) for s in self._subscribers for t in s.streams if t[0] in ("hashtag", "hashtag:local", "list")]
        if not wanted:
            return
        row = await self._context.database.fetch_one(queries.ABOUT, object_id=object_id)
        if row is None:
            return
        is_public = row["visibility"] == 0 and row["announce_of_id"] is None
        tags = orjson.loads(row["parts"]).get("tags") or ()
        for subscriber, stream in wanted:
            if stream[0] == "list" or (is_public and (len(stream) == 1 or stream[1] in tags)):
                entries = await self._in_timeline(subscriber.viewer.actor_id, stream, object_id)
                rendered = await render_statuses(self._context, subscriber.viewer.actor_id, entries)
                if rendered:
                    subscriber.send(stream, name, rendered[0].decode())

    async def _in_timeline(self, viewer_id: int, stream: Stream, object_id: int) -> list[Any]:
        """The object's entry, read through the timeline the stream stands for."""
        page = timelines.Page(1, max_id=object_id + 1, since_id=object_id - 1)
        database = self._context.database
        common: dict[str, Any] = {"viewer_id": viewer_id, "now_ms": self._context.world.clock.now_ms()}
        if stream[0] in _PUBLIC:
            list_, only_media = _PUBLIC[stream[0]]
            return await list_.load(database, page, only_media=int(only_media), **common)
        if stream[0] == "list":
            return await timelines.LIST.load(database, page, list_id=int(stream[1]), **common)
        tag = await database.fetch_one(tags_queries.BY_NAMES, names=[stream[1]])
        if tag is None:
            return []
        options = {"only_media": 0, "all_count": 0, "all_ids": [], "none_count": 0, "none_ids": []}
        only_local = int(stream[0] == "hashtag:local")
        return await timelines.TAG.load(database, page, tag_id=tag["id"], only_local=only_local, **options, **common)

    async def _removed(self, object_id: int) -> None:
        """The row is gone, but whatever an app shows was rendered here; nobody else needs to hear of it."""
        fragment = fragments_of(self._context).statuses.get(object_id)
        if fragment is None:
            return
        entity = orjson.loads(b"{" + fragment.members + b"}")
        told: set[int] | None = None
        if entity["visibility"] not in ("public", "unlisted"):
            told = {fragment.actor_id, *(int(mention["id"]) for mention in entity["mentions"])}
            if entity["visibility"] == "private":
                ids = list({s.viewer.actor_id for s in self._subscribers})
                rows = await self._context.database.fetch(queries.FOLLOWERS_AMONG, author_id=fragment.actor_id, ids=ids)
                told |= {row["follower_id"] for row in rows}
        for subscriber in list(self._subscribers):
            if told is None or subscriber.viewer.actor_id in told:
                for stream in subscriber.streams - {("user:notification",)}:
                    subscriber.send(stream, "delete", str(object_id))

    async def _notified(self, happened: Notified) -> None:
        listening = [
            (s, stream)
            for s in self._subscribers
            if s.viewer.actor_id == happened.actor_id
            for stream in s.streams
            if stream[0] in ("user", "user:notification")
        ]
        if not listening:
            return
        context = self._context
        rows = await context.database.fetch(
            notifications_queries.BY_IDS,
            ids=[happened.notification_id],
            viewer_id=happened.actor_id,
            now_ms=context.world.clock.now_ms(),
        )
        rendered = await render_notifications(context, happened.actor_id, rows)
        for subscriber, stream in listening:
            if rendered and _may_hear_notifications(subscriber.viewer):
                subscriber.send(stream, "notification", rendered[0].decode())

    async def _conversed(self, happened: Conversed) -> None:
        listening = [s for s in self._listening("direct") if s.viewer.actor_id == happened.actor_id]
        if not listening:
            return
        rows = await self._context.database.fetch(
            conversations_queries.BY_LAST,
            viewer_id=happened.actor_id,
            object_id=happened.object_id,
            now_ms=self._context.world.clock.now_ms(),
        )
        rendered = await render_conversations(self._context, happened.actor_id, rows)
        for subscriber in listening:
            if rendered:
                subscriber.send(("direct",), "conversation", rendered[0].decode())

    def _listening(self, name: str) -> list[Subscriber]:
        return [s for s in self._subscribers if (name,) in s.streams]


_hubs: weakref.WeakKeyDictionary[Writer, Hub] = weakref.WeakKeyDictionary()


def hub_of(context: Context) -> Hub:
    """The hub of this node, made when the first connection opens: without any nothing is listened to."""
    found = _hubs.get(context.writer)
    if found is None:
        found = _hubs[context.writer] = Hub(context)
    return found


async def close_streams(app: web.Application) -> None:
    """For `app.on_shutdown`: the server would wait a minute for connections that never end by themselves."""
    hub = _hubs.get(app[CONTEXT].writer)
    if hub is not None:
        hub.close()


def _may_hear_notifications(viewer: Viewer) -> bool:
    return not viewer.scopes.isdisjoint(("read", "read:notifications"))


async def _stream_of(context: Context, viewer: Viewer, name: str, *, tag: str, list_id: str) -> Stream:
    """The stream that is asked for, if this viewer may hear it; raises what the client is to be told."""
    wanted = "read:notifications" if name == "user:notification" else "read:statuses"
    if viewer.scopes.isdisjoint(("read", wanted)):
        raise scope_missing()
    if name in _PLAIN:
        return (name,)
    if name in ("hashtag", "hashtag:local"):
        if not tag:
            raise bad_request("Missing tag name parameter")
        return (name, normalise(tag))
    if name == "list":
        id_ = parse_id(list_id)
        owner = await context.database.fetch_one(timelines.LIST_OWNER, list_id=id_ or 0, viewer_id=viewer.actor_id)
        if owner is None:
            raise not_found()
        return (name, str(id_))
    raise bad_request("Unknown stream type")


async def _viewer_of(call: Call, token: str | None) -> Viewer:
    viewer = await call.surface.viewers.find(token) if token else None
    if viewer is None or not viewer.is_user:
        raise token_invalid()
    viewer.require_standing()
    return viewer


def _token_of(request: web.Request) -> tuple[str | None, bool]:
    """The token, and whether it came as a subprotocol: browsers can set no other header on a WebSocket."""
    kind, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if kind.lower() == "bearer" and token:
        return token.strip(), False
    given = request.rel_url.query.get("access_token")
    if given:
        return given, False
    offered = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",")[0].strip()
    return offered or None, bool(offered)


# WebSocket


@routes.get("/api/v1/streaming", reads_body=False)
async def socket(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#websocket: one connection for any number of streams"""
    request = call.request
    token, as_protocol = _token_of(request)
    viewer = await _viewer_of(call, token)
    if request.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
        raise bad_request("Open a WebSocket here, or ask one of the paths below for an event stream")
    response = web.WebSocketResponse(
        heartbeat=_HEARTBEAT_S,
        protocols=(token,) if as_protocol and token else (),
        compress=False,
        max_msg_size=_LARGEST_MESSAGE,
    )
    await response.prepare(request)
    subscriber, hub = Subscriber(viewer), hub_of(call.context)
    hub.add(subscriber)
    sending = asyncio.ensure_future(_send_frames(call, token, subscriber, response))
    try:
        query = request.rel_url.query
        if query.get("stream"):
            await _obey(call, subscriber, response, {"type": "subscribe", **query})
        await _receive_frames(call, subscriber, response)
    finally:
        hub.discard(subscriber)
        subscriber.close("closed")
        await asyncio.gather(sending, return_exceptions=True)
    return response


async def _receive_frames(call: Call, subscriber: Subscriber, socket_: web.WebSocketResponse) -> None:
    async for message in socket_:
        if message.type is WSMsgType.BINARY:
            await socket_.close(code=WSCloseCode.UNSUPPORTED_DATA)
        elif message.type is WSMsgType.TEXT:
            try:
                document = orjson.loads(message.data)
            except orjson.JSONDecodeError:
                document = None
            if isinstance(document, dict):
                await _obey(call, subscriber, socket_, document)


async def _obey(call: Call, subscriber: Subscriber, socket_: web.WebSocketResponse, document: dict[str, Any]) -> None:
    """`{"type": "subscribe" | "unsubscribe", "stream": …, "tag": …, "list": …}`"""
    try:
        stream = await _stream_of(
            call.context,
            subscriber.viewer,
            str(document.get("stream") or ""),
            tag=str(document.get("tag") or ""),
            list_id=str(document.get("list") or ""),
        )
        if document.get("type") == "unsubscribe":
            subscriber.streams.discard(stream)
        elif document.get("type") == "subscribe":
            if len(subscriber.streams) >= _MOST_STREAMS:
                raise bad_request("Too many streams on one connection")
            subscriber.streams.add(stream)
    except ApiError as error:
        await socket_.send_str(orjson.dumps({"error": error.error, "status": error.status}).decode())


async def _send_frames(call: Call, token: str | None, subscriber: Subscriber, socket_: web.WebSocketResponse) -> None:
    standing = Standing(call.surface.viewers, token)
    try:
        while not subscriber.closing:
            message = await subscriber.next(_HEARTBEAT_S)
            if not await standing.holds():
                subscriber.close("the token is not valid any more")
            elif message is not None:
                stream, name, payload = message
                frame = {"stream": list(stream), "event": name, "payload": payload}
                await socket_.send_str(orjson.dumps(frame).decode())
    except ConnectionError:
        subscriber.close("gone")
    if not socket_.closed:
        await socket_.close(code=WSCloseCode.POLICY_VIOLATION, message=subscriber.closing.encode())


# Server-sent events


@routes.get("/api/v1/streaming/health", reads_body=False)
async def health(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#GET/api/v1/streaming/health"""
    return web.Response(text="OK")


async def listen(call: Call) -> web.StreamResponse:
    """spec: mastodon-client-api#server-sent-events: one stream a connection"""
    request = call.request
    token, _ = _token_of(request)
    viewer = await _viewer_of(call, token)
    query = parse_query(request.rel_url.raw_query_string)
    name = _PATHS[request.path.removeprefix("/api/v1/streaming/").rstrip("/")]
    if name in _PUBLIC and str(query.get("only_media", "")).lower() in ("true", "1"):
        name += ":media"
    tag, list_id = str(query.get("tag") or ""), str(query.get("list") or "")
    stream = await _stream_of(call.context, viewer, name, tag=tag, list_id=list_id)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    finish(request, response)
    await response.prepare(request)
    subscriber, hub = Subscriber(viewer, {stream}), hub_of(call.context)
    hub.add(subscriber)
    standing = Standing(call.surface.viewers, token)
    try:
        await response.write(b":)\n")
        while not subscriber.closing:
            message = await subscriber.next(_THUMP_S)
            if not await standing.holds():
                break
            if message is not None:
                await response.write(b"event: %b\ndata: %b\n\n" % (message[1].encode(), message[2].encode()))
            elif not subscriber.closing:
                await response.write(b":thump\n")
    except ConnectionError:
        pass  # the client is gone
    finally:
        hub.discard(subscriber)
    return response


for _path in _PATHS:
    routes.get(f"/api/v1/streaming/{_path}", reads_body=False)(listen)
