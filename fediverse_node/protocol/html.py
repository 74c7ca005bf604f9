"""Remote HTML made safe, and HTML as plain text.

spec: html#parsing. What Mastodon's clients render stays, everything else is said in their words
(`html_conversion`) or loses its tags and keeps its text. The work is done by ammonia (nh3), whose parser is the
browsers' own algorithm; no regular expression is ever run over what a stranger sent, and the length is capped before
any work.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import unescape

import nh3

from fediverse_node.protocol.bidi import contain_direction, turns_direction
from fediverse_node.protocol.html_conversion import (
    MATH_ATTRIBUTES,
    NOBODY,
    OTHER_WORDS,
    PICTURE_ATTRIBUTES,
    Named,
    Picture,
    convert,
    pictures_in,
)
from fediverse_node.protocol.reading import clean

HTML_LIMIT = 200_000
# ammonia builds a tree: a hundred thousand nested tags would cost seconds, so many 0.2 s. Long articles have thousands.
TAGS_LIMIT = 10_000

URL_SCHEMES = frozenset(
    {
        "http", "https", "dat", "dweb", "gemini", "gopher", "ipfs", "ipns", "irc", "ircs", "magnet", "mailto",
        "matrix", "ssb", "tel", "xmpp",
    }
)  # fmt: skip
SHOWN_TAGS = frozenset(
    {
        "p", "br", "a", "span", "del", "s", "pre", "code", "em", "strong", "b", "i", "u", "ul", "ol", "li",
        "blockquote", "ruby", "rt", "rp", "sub", "sup",
    }
)  # fmt: skip
# Their text is program, style or another document, never what somebody says.
_CLEAN_CONTENT = frozenset(
    {
        "script", "style", "title", "textarea", "xmp", "noembed", "noframes", "iframe", "template", "svg", "noscript",
        "object", "annotation-xml",
    }
)  # fmt: skip
# Not shown themselves, but where they end, a line does: captions, forum and newspaper layout, tables.
_LINES = (
    "div", "figure", "figcaption", "section", "article", "aside", "header", "footer", "main", "nav", "address",
    "center", "details", "summary", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tfoot", "tr", "hr",
)  # fmt: skip
_CELLS = ("td", "th")
_CLASSES = frozenset({"mention", "hashtag", "ellipsis", "invisible", "h-card", "p-author", "u-url", "quote-inline"})
SHOWN_ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),
    "a": {"href", "translate", "hreflang"},
    "span": {"translate"},
    "ol": {"start", "reversed"},
    "li": {"value"},
    "p": {"dir", "lang"},
    "blockquote": {"dir", "lang"},
}

_POST = nh3.Cleaner(
    tags={*SHOWN_TAGS, *OTHER_WORDS, *_LINES, *_CELLS},
    clean_content_tags=set(_CLEAN_CONTENT),
    attributes={**SHOWN_ATTRIBUTES, **MATH_ATTRIBUTES, "img": set(PICTURE_ATTRIBUTES)},
    allowed_classes={tag: set(_CLASSES) for tag in ("a", "span", "p")},
    link_rel="nofollow noopener noreferrer",
    set_tag_attribute_values={"a": {"target": "_blank"}},
    url_schemes=set(URL_SCHEMES),
    url_relative="deny",
)
_PICTURES = nh3.Cleaner(
    tags={"img"},
    clean_content_tags=set(_CLEAN_CONTENT),
    attributes={"*": set(), "img": set(PICTURE_ATTRIBUTES)},
    url_schemes={"http", "https"},
    url_relative="deny",
    link_rel=None,
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
    "figure",
    "figcaption",
    "header",
    "footer",
    "address",
    "center",
    "caption",
]
_TEXT = nh3.Cleaner(
    tags={*_BLOCKS, "br"},
    clean_content_tags={*_CLEAN_CONTENT, "math"},
    attributes={"*": set()},
    allowed_classes={},
    link_rel=None,
)
_NOTHING = nh3.Cleaner(tags=set(), clean_content_tags={*_CLEAN_CONTENT, "math"}, attributes={"*": set()}, link_rel=None)


_LINE_END, _CELL_END = "\x1f", "\x1e"
_PARTS = tuple(f"<{tag}>" for tag in (*_LINES, *_CELLS))
# At these there is a line end already.
_ENDS_A_LINE = (
    "</p>", "</ul>", "</ol>", "</li>", "</blockquote>", "</pre>", "<br>", "<ul>", "<ol>", "<li>", "<blockquote>", "<p>",
)  # fmt: skip
_BEGINS_A_LINE = (
    "<p>", "<p ", "</p>", "<ul>", "</ul>", "<ol", "</ol>", "<li", "</li>", "<blockquote", "</blockquote>", "<pre>",
    "<br>",
)  # fmt: skip
# After these the tree that a browser makes of the answer can be another one than ammonia saw.
_REPARSED = ("<h1", "<h2", "<h3", "<h4", "<h5", "<h6", "<math", *_PARTS)


def sanitise(html: str, named: Named = NOBODY) -> str:
    """A post's or a biography's HTML, safe to show: no script, no style, no foreign attribute.

    Links get `rel="nofollow noopener noreferrer"` and open a new tab; headings become bold paragraphs, cells of
    tables are parted by bars, formulas are TeX. Links to whom and what is `named` get the classes of mentions.
    """
    cleaned = _POST.clean(_capped(html))
    converted = convert(cleaned, named)
    if not any(part in cleaned for part in _REPARSED):
        return converted
    return convert(_POST.clean(_with_line_ends(converted)))


def find_pictures(html: str) -> tuple[Picture, ...]:
    """The pictures that stand in a text, in order: blogs have them there. Emoji and counters of readers are none."""
    return pictures_in(_PICTURES.clean(_capped(html))) if "<img" in html or "<IMG" in html else ()


def _with_line_ends(cleaned: str) -> str:
    """Line ends for the tags that are only taken away: without them the words of two captions run into one."""
    marked = cleaned.replace(_LINE_END, "").replace(_CELL_END, "")
    for tag in (*_LINES, *_CELLS):
        if f"<{tag}>" in marked:
            end = _CELL_END if tag in _CELLS else _LINE_END
            marked = marked.replace(f"<{tag}>", end).replace(f"</{tag}>", end)
    made = ""
    parts: list[str] = []
    for part in (_with_bars(part) for part in marked.split(_LINE_END)):
        if not part:
            continue
        if made and not made.endswith(_ENDS_A_LINE) and not part.startswith(_BEGINS_A_LINE):
            parts.append("<br>")
        parts.append(part)
        made = part
    return "".join(parts)


def _with_bars(line: str) -> str:
    """The cells of one row of a table."""
    if _CELL_END not in line:
        return line.strip()
    return " | ".join(cell for cell in (cell.strip() for cell in line.split(_CELL_END)) if cell)


def sanitise_inline(html: str) -> str:
    """A name, as HTML-safe text: all tags taken away, on one line."""
    if not _has_markup(html):
        return contain_direction(" ".join(clean(html, HTML_LIMIT).split()))
    return contain_direction(" ".join(_NOTHING.clean(_capped(html)).split()))


def to_plain_text(html: str) -> str:
    """What a reader sees, as text: paragraphs are parted by an empty line, `<br>` is a line break."""
    if not _has_markup(html):
        return _contained(clean(html, HTML_LIMIT).strip())
    text = _TEXT.clean(_capped(html)).replace("\n", " ").replace("<br>", "\n")
    for tag in _BLOCKS:
        if f"<{tag}>" in text:
            is_line = tag in ("li", "tr", "dt", "dd")
            # Words before a paragraph that are in none end there.
            text = text.replace(f"<{tag}>", "" if is_line else "\n\n")
            text = text.replace(f"</{tag}>", "\n" if is_line else "\n\n")
    lines = (line.strip() for line in unescape(text).split("\n"))
    return _contained(_without_empty_runs(lines))


def _contained(text: str) -> str:
    return "\n".join(contain_direction(line) for line in text.split("\n")) if turns_direction(text) else text


def _without_empty_runs(lines: Iterable[str]) -> str:
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


def _has_markup(text: str) -> bool:
    return "<" in text or "&" in text


def _capped(html: str) -> str:
    html = clean(html, HTML_LIMIT)
    if html.count("<") <= TAGS_LIMIT:
        return html
    end = -1
    for _ in range(TAGS_LIMIT):
        end = html.index("<", end + 1)
    return html[:end]
