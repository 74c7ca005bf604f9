"""Posts as pages show them. Files on other servers are linked, never loaded: that would tell them who reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from markupsafe import Markup

from fediverse_node.domain.model import Visibility, visibility_of
from fediverse_node.domain.names import Names
from fediverse_node.protocol.html import to_plain_text
from fediverse_node.storage.queries.federation_documents import OPEN
from fediverse_node.web.moments import Moment, moment
from fediverse_node.web.people_views import Person, may_be_found, media_path, person_of
from fediverse_node.web.rich_text import content_html, excerpt, name_html

Row = Any
# Focus points in steps, because pages have no inline styles.
_FOCUS_STEPS = 10
_AUDIENCES = {
    Visibility.PUBLIC: "",
    Visibility.UNLISTED: "not listed",
    Visibility.FOLLOWERS: "for followers",
    Visibility.DIRECT: "only for those it names",
}


@dataclass(frozen=True, slots=True)
class MediaView:
    """A file of a post. `source` is a path here, `link` an address elsewhere; one of them is set."""

    kind: str
    description: str
    source: str | None = None
    preview: str | None = None
    link: str | None = None
    host: str = ""
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    focus_x: int = _FOCUS_STEPS // 2
    focus_y: int = _FOCUS_STEPS // 2


@dataclass(frozen=True, slots=True)
class PollOption:
    """An answer with its share of the votes in percent; None while the totals are hidden."""

    title: Markup
    votes: int | None
    percent: int | None
    leads: bool


@dataclass(frozen=True, slots=True)
class PollView:
    """A question's answers."""

    options: tuple[PollOption, ...]
    multiple: bool
    voters: int
    closed: bool
    ends: Moment | None


@dataclass(frozen=True, slots=True)
class PostView:
    """A post. `link` is its page, here or where it was written; `anchor` its place on this one."""

    id: int
    anchor: str
    person: Person
    link: str
    published: Moment
    edited: Moment | None
    content: Markup
    plain: str
    warning: Markup | None
    plain_warning: str
    sensitive: bool
    language: str | None
    media: tuple[MediaView, ...]
    poll: PollView | None
    replies: int
    likes: int
    shares: int
    audience: str  # a remark on who can see it; empty if everybody
    reply_to: str | None
    reply_link: str | None
    may_be_found: bool
    quote: QuoteView | None = None
    card: CardView | None = None
    preview: Markup | None = None  # of a long article: what stands for it until somebody wants all of it
    pinned: bool = False
    shared_by: Person | None = None
    shared_when: Moment | None = None


@dataclass(frozen=True, slots=True)
class CardView:
    """The page that a post links to, in its own words."""

    link: str
    host: str
    title: str
    description: str
    provider: str
    author: str


@dataclass(frozen=True, slots=True)
class QuoteView:
    """What a post quotes; or in plain words why it is not shown."""

    post: PostView | None
    note: str


# How servers begin a post that quotes, for those who do not know quotes.  spec: fep-044f#backward-compatibility
_FALLBACK = re.compile(r'^<p class="quote-inline">.*?</p>', re.DOTALL)


def without_fallback(view: PostView) -> PostView:
    """The post without the link that stands for its quote; elsewhere in the text the style sheet hides it."""
    content = Markup(_FALLBACK.sub("", view.content, count=1))  # noqa: S704  # a part of what was cleaned
    return view if content == view.content else replace(view, content=content, plain=to_plain_text(content))


def post_view(row: Row, names: Names, now_ms: int) -> PostView:
    """The post in a row of `select_post`."""
    parts = orjson.loads(row["parts"])
    emojis = parts.get("emojis") or ()
    local = bool(row["author_local"])
    warning = row["summary"].strip()
    answers = row["in_reply_to_uri"]
    return PostView(
        id=row["id"],
        anchor=f"post-{row['id']}",
        person=person_of(row, names.base_url),
        link=f"/@{row['author_username']}/{row['id']}" if local else _address(row["url"], row["uri"]),
        published=moment(row["published_ms"], now_ms),
        edited=moment(row["edited_ms"], now_ms) if row["edited_ms"] is not None else None,
        content=content_html(row["content"], emojis, names.base_url),
        plain=to_plain_text(row["content"]),
        warning=name_html(warning, emojis, names.base_url) if warning else None,
        plain_warning=warning,
        sensitive=bool(row["sensitive"]),
        language=row["language"],
        media=tuple(_media(item) for item in orjson.loads(row["attachments"])),
        poll=_poll(row, emojis, names, now_ms),
        replies=row["replies_count"],
        likes=row["likes_count"],
        shares=row["announces_count"],
        audience=_AUDIENCES[visibility_of(row["visibility"])],
        reply_to=f"@{row['reply_username']}" if answers and row["reply_username"] else ("a post" if answers else None),
        reply_link=_address(answers).removeprefix(names.base_url) if answers else None,
        may_be_found=local and row["visibility"] < OPEN and may_be_found(row, "author_"),
        preview=content_html(parts["preview"], emojis, names.base_url) if parts.get("preview") else None,
    )


def shared_view(row: Row, target: Row, names: Names, now_ms: int) -> PostView:
    """What the boost in `row` passes on, marked as such."""
    return replace(
        post_view(target, names, now_ms),
        anchor=f"post-{row['id']}",
        shared_by=person_of(row, names.base_url),
        shared_when=moment(row["published_ms"], now_ms),
    )


def title_of(post: PostView, limit: int = 70) -> str:
    """The first words of a post, of one behind a warning the warning."""
    if post.plain_warning:
        return excerpt(post.plain_warning, limit)
    if post.plain:
        return excerpt(post.plain, limit)
    return "A poll" if post.poll else ("Media" if post.media else "A post")


def _media(item: Mapping[str, Any]) -> MediaView:
    path, preview, focus = item.get("path"), item.get("preview_path"), item.get("focus") or (0.0, 0.0)
    link = None if path else _address(item.get("remote_url"))
    return MediaView(
        kind=str(item.get("type") or "unknown"),
        description=str(item.get("description") or ""),
        source=media_path(path) if path else None,
        preview=media_path(preview) if preview else None,
        link=link,
        host=link.partition("://")[2].partition("/")[0] if link else "",
        media_type=item.get("media_type"),
        width=item.get("width"),
        height=item.get("height"),
        focus_x=_step(focus[0]),
        focus_y=_step(-focus[1]),
    )


def _step(coordinate: float) -> int:
    """From -1..1 to a whole step of 0..10."""
    return round((max(-1.0, min(1.0, float(coordinate))) + 1) / 2 * _FOCUS_STEPS)


def _poll(row: Row, emojis: Any, names: Names, now_ms: int) -> PollView | None:
    if row["options"] is None:
        return None
    titles, counts = orjson.loads(row["options"]), orjson.loads(row["counts"])
    closed = row["closed_ms"] is not None or (row["expires_ms"] is not None and row["expires_ms"] <= now_ms)
    hidden = bool(row["hide_totals"]) and not closed
    voters = row["voters_count"] if row["voters_count"] is not None else sum(counts)
    top = max(counts, default=0)
    options = tuple(
        PollOption(
            title=name_html(str(title), emojis, names.base_url),
            votes=None if hidden else count,
            percent=None if hidden else round(100 * count / voters) if voters else 0,
            leads=not hidden and count == top and top > 0,
        )
        for title, count in zip(titles, counts, strict=False)
    )
    ends_ms = row["closed_ms"] or row["expires_ms"]
    ends = moment(ends_ms, now_ms) if ends_ms is not None else None
    return PollView(options=options, multiple=bool(row["multiple"]), voters=voters, closed=closed, ends=ends)


def _address(*candidates: object) -> str:
    for url in candidates:
        if isinstance(url, str) and url.startswith(("https://", "http://")):
            return url
    return ""
