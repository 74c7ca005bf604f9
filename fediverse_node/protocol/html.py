"""Remote HTML made safe, and HTML as plain text.

spec: html#parsing. What Mastodon's clients render stays, everything else loses its tags and keeps its
text. The work is done by ammonia (nh3), whose parser is the browsers' own algorithm; no regular
expression is ever run over what a stranger sent, and the length is capped before any work.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import unescape

import nh3

HTML_LIMIT = 200_000
# ammonia builds a tree: a hundred thousand nested tags would cost seconds. Real posts have a few hundred.
TAGS_LIMIT = 5_000

URL_SCHEMES = frozenset(
    {"http", "https", "gemini", "gopher", "ipfs", "ipns", "irc", "ircs", "magnet", "mailto", "matrix", "tel", "xmpp"}
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_TAGS = frozenset(
    [
        "p",
        "br",
        "a",
        "span",
        "del",
        "s",
        "pre",
        "code",
        "em",
        "strong",
        "b",
        "i",
        "u",
        "ul",
        "ol",
        "li",
        "blockquote",
        "ruby",
        "rt",
        "rp",
        "sub",
        "sup",
    ]
)
# Their text is program, style or another document, never what somebody says.
_CLEAN_CONTENT = frozenset(
    [
        "script",
        "style",
        "title",
        "textarea",
        "xmp",
        "noembed",
        "noframes",
        "iframe",
        "template",
        "svg",
        "math",
        "noscript",
        "object",
    ]
)
_CLASSES = frozenset({"mention", "hashtag", "ellipsis", "invisible", "h-card", "p-author", "u-url", "quote-inline"})

_POST = nh3.Cleaner(
    tags=set(_TAGS | _HEADINGS),
    clean_content_tags=set(_CLEAN_CONTENT),
    attributes={
        "a": {"href", "translate", "hreflang"},
        "span": {"translate"},
        "ol": {"start", "reversed"},
        "li": {"value"},
        "p": {"dir", "lang"},
        "blockquote": {"dir", "lang"},
    },
    allowed_classes={tag: set(_CLASSES) for tag in ("a", "span", "p")},
    link_rel="nofollow noopener noreferrer",
    set_tag_attribute_values={"a": {"target": "_blank"}},
    url_schemes=set(URL_SCHEMES),
    url_relative="deny",
)
# Block level tags only, without attributes: their ends are line breaks, and they are the only markup left.
_BLOCKS = [
    "p",
    "div",
    "li",
    "blockquote",
    "pre",
    "tr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "dt",
    "dd",
    "section",
    "article",
]
_TEXT = nh3.Cleaner(
    tags={*_BLOCKS, "br"}, clean_content_tags=set(_CLEAN_CONTENT), attributes={}, allowed_classes={}, link_rel=None
)
_NOTHING = nh3.Cleaner(tags=set(), clean_content_tags=set(_CLEAN_CONTENT), attributes={}, link_rel=None)


def sanitise(html: str) -> str:
    """A post's or a biography's HTML, safe to show: no script, no style, no foreign attribute.

    Links get `rel="nofollow noopener noreferrer"` and open a new tab; headings become bold paragraphs.
    """
    cleaned = _POST.clean(_capped(html))
    if "<h" not in cleaned:
        return cleaned
    # In ammonia's output a "<" is always a tag, and headings have no attributes: these matches are exact.
    for tag in _HEADINGS:
        cleaned = cleaned.replace(f"<{tag}>", "<p><strong>").replace(f"</{tag}>", "</strong></p>")
    return cleaned


def sanitise_inline(html: str) -> str:
    """A name, as HTML-safe text: all tags taken away, on one line."""
    if not _has_markup(html):
        return " ".join(html[:HTML_LIMIT].split())
    return " ".join(_NOTHING.clean(_capped(html)).split())


def to_plain_text(html: str) -> str:
    """What a reader sees, as text: paragraphs are parted by an empty line, `<br>` is a line break."""
    if not _has_markup(html):
        return html[:HTML_LIMIT].strip()
    text = _TEXT.clean(_capped(html)).replace("\n", " ").replace("<br>", "\n")
    for tag in _BLOCKS:
        if f"<{tag}>" in text:
            text = text.replace(f"<{tag}>", "")
            text = text.replace(f"</{tag}>", "\n" if tag in ("li", "tr", "dt", "dd") else "\n\n")
    lines = (line.strip() for line in unescape(text).split("\n"))
    return _without_empty_runs(lines)


def _without_empty_runs(lines: Iterable[str]) -> str:
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


def _has_markup(text: str) -> bool:
    return "<" in text or "&" in text


def _capped(html: str) -> str:
    if len(html) > HTML_LIMIT:
        html = html[:HTML_LIMIT]
    if html.count("<") <= TAGS_LIMIT:
        return html
    end = -1
    for _ in range(TAGS_LIMIT):
        end = html.index("<", end + 1)
    return html[:end]
