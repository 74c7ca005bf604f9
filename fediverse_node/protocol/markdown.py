"""Texts that whoever runs the server keeps in files, as HTML: plain Markdown, or HTML already.

spec: commonmark. Of it this reads headings, paragraphs, lists of one level, quotations, fenced code, rules,
emphasis, code, links and line breaks. HTML inside Markdown is shown as it is written. Deliberately absent: what nobody
needs to write terms of service: nested lists, tables, images, references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

import nh3

LARGEST_CHARACTERS = 500_000

_CLEANER = nh3.Cleaner(
    tags={
        *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "pre", "code", "ul", "ol", "li", "a"),
        *("strong", "b", "em", "i", "u", "del", "s", "sub", "sup", "dl", "dt", "dd"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    },
    clean_content_tags={"script", "style", "title", "template"},
    attributes={"a": {"href"}, "ol": {"start"}},
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel="noopener noreferrer",
)
_HEADING = re.compile(r"(#{1,6})[ \t]+(.*)")
_BULLET = re.compile(r"[ ]{0,3}[-*+][ \t]+(.*)")
_NUMBER = re.compile(r"[ ]{0,3}([0-9]{1,9})[.)][ \t]+(.*)")
_RULE = re.compile(r"[ ]{0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})")
_INLINE = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|`(?P<code>[^`\n]{1,1000})`"
    r"|<(?P<auto>(?:https?://|mailto:)[^\s<>]{1,2000})>"
    r"|\[(?P<label>[^\[\]\n]{1,1000})\]\((?P<target>[^\s()]{1,2000})\)"
    r"|(?P<bare>https?://[^\s<>()\[\]\"']{1,2000}[^\s<>()\[\]\"'.,;:!?])"
    r"|\*\*(?P<strong>[^*\n]{1,2000})\*\*"
    r"|(?<!\w)_(?P<em>[^_\n]{1,2000})_(?!\w)"
    r"|\*(?P<star>[^*\s][^*\n]{0,2000})\*"
)


def render_markdown(text: str) -> str:
    """The HTML of a Markdown text, without anything active."""
    lines = text[:LARGEST_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _CLEANER.clean("\n".join(_blocks(lines)))


def clean_document(html: str) -> str:
    """The HTML of a file, without anything active and without what is outside of the text."""
    return _CLEANER.clean(html[:LARGEST_CHARACTERS]).strip()


def _blocks(lines: list[str]) -> Iterator[str]:
    position = 0
    while position < len(lines):
        line = lines[position]
        if not line.strip():
            position += 1
        elif line.startswith("```"):
            end = next((n for n in range(position + 1, len(lines)) if lines[n].startswith("```")), len(lines))
            yield f"<pre><code>{escape(chr(10).join(lines[position + 1 : end]))}</code></pre>"
            position = end + 1
        elif heading := _HEADING.fullmatch(line):
            level = len(heading[1])
            yield f"<h{level}>{_inline(heading[2].rstrip('# '))}</h{level}>"
            position += 1
        elif _RULE.fullmatch(line):
            yield "<hr>"
            position += 1
        else:
            end = _end_of_block(lines, position)
            yield _block(lines[position:end])
            position = end


def _end_of_block(lines: list[str], start: int) -> int:
    """Behind the lines that belong together: until an empty one, or one that begins something of another kind."""
    kind = _kind(lines[start])
    for position in range(start + 1, len(lines)):
        line = lines[position]
        if not line.strip() or line.startswith("```") or _HEADING.fullmatch(line) or _RULE.fullmatch(line):
            return position
        if kind != _kind(line) and (kind == "" or _kind(line) != ""):
            return position
    return len(lines)


def _kind(line: str) -> str:
    if line.startswith(">"):
        return "blockquote"
    if _BULLET.fullmatch(line):
        return "ul"
    return "ol" if _NUMBER.fullmatch(line) else ""


def _block(lines: list[str]) -> str:
    kind = _kind(lines[0])
    if kind == "blockquote":
        inner = [line.removeprefix(">").removeprefix(" ") for line in lines]
        # One level: a quotation in a quotation would let a file of `>` cost as many calls.
        return f"<blockquote><p>{_lines(inner)}</p></blockquote>"
    if not kind:
        return f"<p>{_lines(lines)}</p>"
    items: list[list[str]] = []
    first = 1
    for line in lines:
        found = _BULLET.fullmatch(line) if kind == "ul" else _NUMBER.fullmatch(line)
        if found is None:
            items[-1].append(line.strip())
            continue
        if kind == "ol" and not items:
            first = int(found[1])
        items.append([found[found.re.groups]])
    start = f' start="{first}"' if first != 1 else ""
    return f"<{kind}{start}>{''.join(f'<li>{_lines(item)}</li>' for item in items)}</{kind}>"


def _lines(lines: list[str]) -> str:
    """Lines of one paragraph; two spaces or a backslash at the end break it."""
    made = []
    for number, line in enumerate(lines):
        is_broken = number + 1 < len(lines) and line.endswith(("  ", "\\"))
        made.append(_inline(line.strip().removesuffix("\\") if is_broken else line.strip()) + "<br>" * is_broken)
    return "\n".join(made)


def _inline(text: str, depth: int = 0) -> str:
    pieces: list[str] = []
    position = 0
    for found in _INLINE.finditer(text):
        pieces += (escape(text[position : found.start()]), _piece(found, depth))
        position = found.end()
    return "".join((*pieces, escape(text[position:])))


def _piece(found: re.Match[str], depth: int) -> str:
    kind, value = str(found.lastgroup), found[str(found.lastgroup)]
    if kind == "escaped":
        return escape(value)
    if kind == "code":
        return f"<code>{escape(value)}</code>"
    if kind in ("auto", "bare"):
        return f'<a href="{escape(value)}">{escape(value.removeprefix("mailto:"))}</a>'
    inner = (lambda words: _inline(words, depth + 1)) if depth < 3 else escape
    if kind == "target":
        return f'<a href="{escape(value)}">{inner(found["label"])}</a>'
    tag = "strong" if kind == "strong" else "em"
    return f"<{tag}>{inner(value)}</{tag}>"
