"""What a walk knows of its thread: the posts that are here, the collections they name, and what is known to be missing.

No network and no database: rows come in, rows go out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from fediverse_node.domain.threads import Lack, patience_ms
from fediverse_node.protocol.objects import ObjectDocument
from fediverse_node.protocol.reading import types
from fediverse_node.protocol.reading import uri as uri_of
from fediverse_node.protocol.uris import host_of, is_http_uri, same_origin
from fediverse_node.storage.queries.federation_documents import OPEN

Row = Any
KINDS = ("history", "context", "replies")
_DETAIL = 300
_ACTIVITIES_DEEP = 3


@dataclass(frozen=True, slots=True)
class Post:
    """A post that is here. `is_open`: everybody may read it; all else is neither asked about nor told of."""

    uri: str
    answers: str | None
    is_open: bool
    is_ours: bool
    is_attached: bool  # what it answers is here too
    published_ms: int
    named: Mapping[str, str] = field(default_factory=dict)  # kind -> address of a collection
    activity: str | None = None  # the Create that brought it


@dataclass(slots=True)
class Gap:
    """A row of `thread_gaps`."""

    uri: str
    host: str
    state: Lack = Lack.WAITING
    answered: bool = False
    detail: str = ""
    named_by: str = ""
    attempts: int = 0
    asked_ms: int | None = None
    next_ms: int | None = 0

    def is_due(self, now_ms: int) -> bool:
        """Whether it may be asked for (again)."""
        return self.next_ms is not None and self.next_ms <= now_ms

    def close_with(self, state: Lack, detail: str, now_ms: int) -> None:
        """It was asked for in vain."""
        self.attempts = self.attempts + 1 if state is self.state else 1
        self.state, self.detail, self.asked_ms = state, detail[:_DETAIL], now_ms
        patience = patience_ms(state, self.attempts)
        self.next_ms = None if patience is None else now_ms + patience

    def row(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "uri": self.uri,
            "host": self.host,
            "answered": self.answered,
            "state": self.state.name,
            "detail": self.detail,
            "named_by": self.named_by[:2048],
            "attempts": self.attempts,
            "asked_ms": self.asked_ms,
            "next_ms": self.next_ms,
        }


@dataclass(slots=True)
class Source:
    """A collection, asked or to be asked. `newest_ms`: when what it is about was said."""

    uri: str
    kind: str
    host: str
    newest_ms: int
    total: int | None = None
    listed: int = 0
    state: Lack | None = None
    detail: str = ""
    attempts: int = 0
    asked_ms: int = 0
    next_ms: int = 0

    def row(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "uri": self.uri,
            "kind": self.kind,
            "host": self.host,
            "total": self.total,
            "listed": self.listed,
            "state": self.state.name if self.state is not None else "",
            "detail": self.detail[:_DETAIL],
            "attempts": self.attempts,
            "asked_ms": self.asked_ms,
            "next_ms": self.next_ms,
        }


class Picture:
    """A thread. Loaded at the beginning of a walk, and again when it has become part of a larger one."""

    def __init__(self, posts: Sequence[Row], sources: Sequence[Row], gaps: Sequence[Row]) -> None:
        self.posts = {row["uri"]: _post_of(row) for row in posts}
        self.activities = {post.activity for post in self.posts.values() if post.activity is not None}
        self.gaps = {row["uri"]: _gap_of(row) for row in gaps if not row["is_here"]}
        self.filled = [row["uri"] for row in gaps if row["is_here"]]
        self.asked = {row["uri"]: row for row in sources}

    @property
    def newest_ms(self) -> int:
        """When the last thing was said in the open."""
        return max((post.published_ms for post in self.posts.values() if post.is_open), default=0)

    @property
    def has_others(self) -> bool:
        """Whether there is anybody to ask: something in the open that was said, or is answered, elsewhere."""
        return any(post.is_open and (not post.is_ours or not post.is_attached) for post in self.posts.values())

    def add(self, document: ObjectDocument, *, published_ms: int, activity: str | None = None) -> Post:
        """A post that has just been stored."""
        named = {"replies": document.replies, "context": document.context}
        named["history"] = uri_of(document.raw.get("contextHistory"))
        post = Post(
            document.id,
            document.in_reply_to,
            True,
            False,
            document.in_reply_to is None or document.in_reply_to in self.posts,
            published_ms,
            _collections(document.id, named),
            activity,
        )
        self.posts[post.uri] = post
        if activity is not None:
            self.activities.add(activity)
        return post

    def loose_ends(self) -> Iterator[Post]:
        """Posts that answer something that is not here."""
        for post in self.posts.values():
            if post.is_open and not post.is_attached:
                yield post

    def sources(self, posts: Sequence[Post] | None = None) -> Iterator[Source]:
        """The collections that these posts name (all, if nothing is said), by kind.

        A log of activities names each post by a detour: it is read where there is no list of the posts to be had.
        """
        newest_ms = self.newest_ms
        chosen = [post for post in (self.posts.values() if posts is None else posts) if post.is_open]
        for kind in KINDS:
            for post in chosen:
                address = post.named.get(kind)
                if address is not None and not (kind == "history" and self._is_listed(post, address)):
                    yield self._source(address, kind, post.published_ms if kind == "replies" else newest_ms)

    def _is_listed(self, post: Post, history: str) -> bool:
        listed = post.named.get("context")
        if listed is None or listed == history or not same_origin(listed, history):
            return False
        row = self.asked.get(listed)
        return row is None or not row["state"]

    def _source(self, address: str, kind: str, newest_ms: int) -> Source:
        source = Source(address, kind, host_of(address) or "", newest_ms)
        row = self.asked.get(address)
        if row is not None:
            source.total, source.listed, source.attempts = row["total"], row["listed"], row["attempts"]
            source.asked_ms, source.next_ms = row["asked_ms"], row["next_ms"]
        return source


def activity_in(item: str | Mapping[str, object]) -> str | None:
    """The activity that an item of a log names by its address alone; or the post, where one was added.

    spec: fep-f228#collection-of-activities, fep-171b#containers
    """
    if isinstance(item, str):
        return addresses_in(item)
    return addresses_in(item) if "Add" in types(item) and isinstance(item.get("object"), str) else None


def addresses_in(item: str | Mapping[str, object]) -> str | None:
    """What an item of a collection stands for: a post, or the post in an activity, however often it is wrapped."""
    found: object = item
    for _ in range(_ACTIVITIES_DEEP):
        if not isinstance(found, Mapping) or "object" not in found:
            break
        found = found["object"]
    address = uri_of(found) if isinstance(found, str | Mapping) else None
    return address if address is not None and is_http_uri(address, allow_plain=True) and host_of(address) else None


def _post_of(row: Row) -> Post:
    parts = orjson.loads(row["parts"]) if row["parts"] != "{}" else {}
    named = {"replies": parts.get("replies"), "context": row["context_uri"], "history": parts.get("history")}
    is_ours = bool(row["local"])
    return Post(
        row["uri"],
        row["in_reply_to_uri"],
        row["visibility"] <= OPEN,
        is_ours,
        row["in_reply_to_uri"] is None or row["in_reply_to_id"] is not None,
        row["published_ms"],
        # What a post of ours says of the conversation it copied from what it answers.
        {} if is_ours else _collections(row["uri"], named),
        row["activity_uri"],
    )


def _collections(uri: str, named: Mapping[str, str | None]) -> dict[str, str]:
    found = {}
    for kind, address in named.items():
        if address is None or not is_http_uri(address, allow_plain=True):
            continue
        # Who answered a post is for its own server to say; a conversation may be at home anywhere.
        if kind != "replies" or same_origin(address, uri):
            found[kind] = address
    return found


def _gap_of(row: Row) -> Gap:
    return Gap(
        row["uri"],
        row["host"],
        Lack.__members__.get(row["state"], Lack.WAITING),
        bool(row["answered"]),
        row["detail"],
        row["named_by"],
        row["attempts"],
        row["asked_ms"],
        row["next_ms"],
    )
