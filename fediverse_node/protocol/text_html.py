"""What a reader should see of a post of any kind. spec: as2-vocabulary#dfn-article, fep-b2b8, fep-8a8e

Lemmy pages, PeerTube videos, events, articles and recordings say much in `name`, `url` and `summary`;
this puts it into one text. The answer is NOT sanitised: `html.sanitise` comes after.
"""

from __future__ import annotations

from html import escape

from fediverse_node.protocol.objects import MESSAGE_TYPES, ObjectDocument
from fediverse_node.protocol.plain_text import render_link, render_paragraphs
from fediverse_node.protocol.reading import mappings, type_among, web_url


def text_html(post: ObjectDocument) -> str:
    """The HTML of a post, NOT sanitised: for what is more than a message also its title and link."""
    content = post.content if post.content_is_html else render_paragraphs(post.content)
    if post.type in MESSAGE_TYPES:
        return content or (f"<p>{escape(post.name)}</p>" if post.name else "")
    parts = [f"<p><strong>{escape(post.name)}</strong></p>"] if post.name else []
    if post.starts is not None and post.type == "Event":
        when = post.starts.strftime("%Y-%m-%d %H:%M UTC")
        parts.append(f"<p>{escape(' · '.join(part for part in (when, post.place) if part))}</p>")
    if content:
        parts.append(content)
    elif post.summary:
        parts.append(post.summary if "<" in post.summary else f"<p>{escape(post.summary)}</p>")
    link = _linked_page(post) or post.url or (post.id if not content else None)
    if link is not None and link.startswith(("https://", "http://")) and link not in content:
        parts.append(f"<p>{render_link(link)}</p>")
    return "".join(parts)


def _linked_page(post: ObjectDocument) -> str | None:
    """Lemmy: the page a post is about is an attached Link."""
    for item in mappings(post.raw.get("attachment"), 5):
        if type_among(item, ("Link", "Page")) in ("Link", "Page"):
            return web_url(item.get("href")) or web_url(item.get("url"))
    return None
