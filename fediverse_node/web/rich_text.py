"""Stored HTML and names made ready for a page: cleaned once more, custom emoji in, nothing foreign loaded.

Pictures of emoji on other servers would tell those servers who reads what, so such emoji stay text in a
post and are left out of names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from markupsafe import Markup

from fediverse_node.protocol.html import sanitise

Emojis = Iterable[Mapping[str, Any]]
_REL = 'rel="nofollow noopener noreferrer"'
_ELSEWHERE = f' target="_blank" {_REL}'


def content_html(html: str, emojis: Emojis, base_url: str) -> Markup:
    """A post or a biography."""
    ours = f'href="{escape(base_url)}/'

    def tag(tag: str) -> str:
        # What leads to another page of ours opens like any link here.
        return tag.replace(_ELSEWHERE, "").replace(ours, 'href="/') if ours in tag else tag

    cleaned = _map_parts(sanitise(html), text=_emoji_writer(emojis, base_url), tag=tag)
    return Markup(cleaned)  # noqa: S704  # cleaned here


def field_html(html: str, emojis: Emojis, base_url: str) -> Markup:
    """The value of a profile field: its links are the person's own pages, which `rel=me` says.  spec: rel-me"""
    cleaned = _map_parts(
        sanitise(html),
        text=_emoji_writer(emojis, base_url),
        tag=lambda tag: tag.replace(_REL, 'rel="me nofollow noopener"'),
    )
    return Markup(cleaned)  # noqa: S704  # cleaned here


def name_html(name: str, emojis: Emojis, base_url: str) -> Markup:
    """A display name, which is plain text."""
    return Markup(_emoji_writer(emojis, base_url)(escape(_without_foreign(name, emojis, base_url))))  # noqa: S704


def plain_name(name: str, emojis: Emojis) -> str:
    """A display name without any custom emoji, for titles and feeds."""
    for emoji in emojis:
        name = name.replace(f":{emoji['shortcode']}:", "")
    return " ".join(name.split())


def local_path(url: str, base_url: str) -> str | None:
    """The path of a file of ours; None for what lies elsewhere."""
    return url.removeprefix(base_url) if url.startswith(base_url + "/") else None


def excerpt(text: str, limit: int) -> str:
    """The beginning of a plain text on one line, cut between words."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    cut = text[:limit].rstrip()
    space = cut.rfind(" ")
    return (cut[:space] if space > limit // 2 else cut).rstrip(".,;:!?–—-") + "…"


def _without_foreign(name: str, emojis: Emojis, base_url: str) -> str:
    kept = name
    for emoji in emojis:
        if local_path(str(emoji.get("url") or ""), base_url) is None:
            kept = kept.replace(f":{emoji['shortcode']}:", "")
    return " ".join(kept.split())


def _emoji_writer(emojis: Emojis, base_url: str) -> Callable[[str], str]:
    pictures: dict[str, str] = {}
    for emoji in emojis:
        path = local_path(str(emoji.get("url") or ""), base_url)
        if path is not None:
            code = escape(f":{emoji['shortcode']}:")
            pictures[code] = (
                f'<img class="emoji" src="{escape(path)}" alt="{code}" title="{code}" width="20" height="20">'
            )
    if not pictures:
        return str
    # In one pass, so that no picture is looked for inside another one's tag.
    codes = re.compile("|".join(re.escape(code) for code in pictures))
    return lambda text: codes.sub(lambda found: pictures[found[0]], text)


def _map_parts(html: str, *, text: Callable[[str], str], tag: Callable[[str], str] | None = None) -> str:
    """Apply `text` to what is between the tags and `tag` to the tags of cleaned HTML."""
    parts: list[str] = []
    position = 0
    while position < len(html):
        start = html.find("<", position)
        if start < 0:
            parts.append(text(html[position:]))
            break
        if start > position:
            parts.append(text(html[position:start]))
        end = _end_of_tag(html, start)
        whole = html[start:end]
        parts.append(tag(whole) if tag else whole)
        position = end
    return "".join(parts)


def _end_of_tag(html: str, start: int) -> int:
    """Behind the `>` that ends the tag: one inside a quoted value does not."""
    position = start
    while True:
        end = html.find(">", position)
        if end < 0:
            return len(html)
        # In cleaned HTML values are quoted with ", and a " inside them is written as an entity.
        if html.count('"', start, end) % 2 == 0:
            return end + 1
        position = end + 1
