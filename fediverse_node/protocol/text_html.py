"""What a reader should see of a post of any kind. spec: as2-vocabulary#dfn-article, fep-b2b8, fep-8a8e

Lemmy pages, PeerTube videos, events, articles and recordings say much in `name`, `url` and `summary`;
this puts it into one text. The answer is NOT sanitised: `html.sanitise` comes after.
"""

from __future__ import annotations

from html import escape

from fediverse_node.protocol.events import Event
from fediverse_node.protocol.html import sanitise, to_plain_text
from fediverse_node.protocol.objects import MESSAGE_TYPES, ObjectDocument
from fediverse_node.protocol.plain_text import render_link, render_paragraphs
from fediverse_node.protocol.reading import mappings, type_among, web_url

# Longer articles are shown in apps by their beginning; pages show all of them.
FULL_TEXT_LIMIT = 3_000
EXCERPT_LIMIT = 500

_PLACES_SHOWN = 3
_HOW_TO_JOIN = {
    "free": "Anybody may take part.",
    "restricted": "Who takes part is decided by those who organise it.",
    "invite": "Only for those who are invited.",
}


def text_html(post: ObjectDocument) -> str:
    """The HTML of a post, NOT sanitised: for what is more than a message also its title and link."""
    content = post.content if post.content_is_html else render_paragraphs(post.content)
    if not content and post.source_text:
        content = render_paragraphs(post.source_text)
    if post.type in MESSAGE_TYPES:
        return _message(post, content)
    parts = [_title(post.name)] if post.name else []
    if post.event is not None:
        parts += _event(post.event, content)
    if content:
        parts.append(content)
    elif post.summary and post.summary.strip() != post.name.strip():
        parts.append(post.summary if "<" in post.summary else f"<p>{escape(post.summary)}</p>")
    link = _linked_page(post) or post.url or (post.id if not content else None)
    if link is not None and link.startswith(("https://", "http://")) and link not in content:
        parts.append(f"<p>{render_link(link)}</p>")
    return "".join(parts)


def preview_html(post: ObjectDocument) -> str:
    """What apps show of an article that is too long for a timeline: title, excerpt and link. Sanitised.

    "" for whatever is read in full there. The excerpt is its author's own, if there is one.  spec: fep-b2b8#preview
    """
    if post.type != "Article" or len(post.content) <= FULL_TEXT_LIMIT:
        return ""
    content = post.content if post.content_is_html else escape(post.content)
    stated = to_plain_text(post.preview or post.summary)
    text = to_plain_text(content) if not stated or stated == post.name.strip() else stated
    if len(text) <= EXCERPT_LIMIT and text != stated:
        return ""  # much markup around few words
    parts = [_title(post.name)] if post.name else []
    parts.append(f"<p>{escape(_excerpt(text))}</p>")
    link = next((url for url in (post.url, post.id) if url and url.startswith(("https://", "http://"))), None)
    if link is not None:
        parts.append(f'<p><a href="{escape(link)}">Read more</a></p>')
    return sanitise("".join(parts))


def _excerpt(text: str) -> str:
    """The beginning on one line, cut between words."""
    line = " ".join(text.split())
    if len(line) <= EXCERPT_LIMIT:
        return line
    cut = line[:EXCERPT_LIMIT]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut[EXCERPT_LIMIT // 2 :] else cut}…"


def _event(event: Event, content: str) -> list[str]:
    """When and where it is and how to take part, as far as it is said, for apps that know no events.  spec: fep-8a8e"""
    facts = [_when(event), event.place]
    if event.online and not event.place:
        facts.append("online")
    if event.status is not None and "cancel" in event.status:
        facts.insert(0, "Cancelled")
    lines = [" · ".join(escape(fact) for fact in facts if fact)]
    addresses = [place.url for place in event.places if place.url]
    if event.participation_url is not None:
        lines.append(f"To take part: {render_link(event.participation_url)}")
    elif event.join_mode in _HOW_TO_JOIN:
        lines.append(_HOW_TO_JOIN[event.join_mode])
    lines += [render_link(address) for address in addresses if address not in content][:_PLACES_SHOWN]
    shown = "<br>".join(line for line in lines if line)
    return [f"<p>{shown}</p>"] if shown else []


def _when(event: Event) -> str:
    if event.starts is None:
        return ""
    starts = event.starts.strftime("%Y-%m-%d %H:%M")
    if event.ends is None or event.ends <= event.starts:
        return f"{starts} UTC"
    same_day = event.ends.date() == event.starts.date()
    return f"{starts} – {event.ends.strftime('%H:%M' if same_day else '%Y-%m-%d %H:%M')} UTC"


def _message(post: ObjectDocument, content: str) -> str:
    if not content and not post.quoted_text and post.rating is None:
        return f"<p>{escape(post.name)}</p>" if post.name else ""
    # Forums (Discourse, Lotide) give the first Note of a topic its title.
    parts = [_title(post.name)] if post.name and not _begins_with(content, post.name) else []
    if post.quoted_text:
        parts.append(f"<blockquote>{post.quoted_text}</blockquote>")
    if post.rating is not None:
        parts.append(f"<p>{_stars(post.rating)}</p>")
    return "".join((*parts, content))


def _title(name: str) -> str:
    return f"<p><strong>{escape(name)}</strong></p>"


def _begins_with(content: str, name: str) -> bool:
    return to_plain_text(content[: 4 * len(name) + 1000]).casefold().startswith(name.strip().casefold())


def _stars(rating: float) -> str:
    """BookWyrm's ratings go from half a star to five."""
    full = min(max(round(rating * 2), 0), 10)
    return "★" * (full // 2) + "½" * (full % 2) + "☆" * (5 - full // 2 - full % 2)


def _linked_page(post: ObjectDocument) -> str | None:
    """Lemmy: the page a post is about is an attached Link. Those with a relation lead elsewhere: to a chat, a shop."""
    if post.type != "Page":
        return None
    for item in mappings(post.raw.get("attachment"), 5):
        if type_among(item, ("Link", "Page")) in ("Link", "Page") and "rel" not in item:
            return web_url(item.get("href")) or web_url(item.get("url"))
    return None
