"""A person's plain text becomes HTML: links, mentions, hashtags, paragraphs. spec: mastodon-client-api#statuses

Two steps, because who is meant by `@user` only the database knows: `find_mentions`, then `render`. The
HTML has the form Mastodon's has, down to the classes, because clients look for them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

TEXT_LIMIT = 200_000
URL_CHARACTERS = 23
_SHOWN_URL_CHARACTERS = 30

# `\w` leaves out the vowel signs that words of many scripts are written with.
_MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u0900-\u0963\u0966-\u0dff\u0e31-\u0e4e\u0eb1-\u0ece\u0f18-\u0fbc\u102b-\u109f\u17b4-\u17d3"
)
_TAG_CHARACTER = rf"[\w\u00b7\u30fb\u200c\u200d{_MARKS}]"
_TOKEN = re.compile(
    # Each alternative starts with a character that the others do not, and none can be read in two ways:
    # the scan is linear.
    rf"""(?<![\w@])(?P<url>(?:https?|gemini|gopher)://[^\s<>"\u3000-\u3002\uff08\uff09]+)
    |(?<![\w/@.=+\-])@(?P<user>[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*[A-Za-z0-9_])?)
        (?:@(?P<host>(?:\[[0-9A-Fa-f:.]+\]|[^\W_](?:[\w.\-]*[^\W_])?)(?::[0-9]{{1,5}}(?![0-9]))?))?
    |(?<![\w/&\#\uff03)])[\#\uff03](?P<tag>{_TAG_CHARACTER}+)""",
    re.VERBOSE | re.IGNORECASE,
)
_TRAILING = frozenset(".,;:!?'\u2019\u201d\u00bb*_~…")
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_CONTROL = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127, 65279))


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    kind: str
    value: str
    host: str | None = None


def handle_key(user: str, host: str | None) -> str:
    """The key of a mention in `render`'s mapping: `user` or `user@host`, lower case."""
    return f"{user}@{host}".lower() if host else user.lower()


def find_mentions(text: str) -> tuple[tuple[str, str | None], ...]:
    """`(user, host)` of each `@user` and `@user@host[:port]` in the text, as written, without doubles."""
    found: dict[str, tuple[str, str | None]] = {}
    for token in _tokens(_normalised(text)):
        if token.kind == "mention":
            found.setdefault(handle_key(token.value, token.host), (token.value, token.host))
    return tuple(found.values())


def extract_hashtags(text: str) -> tuple[str, ...]:
    """The hashtags of a text, without `#`, as written; of several spellings the first."""
    found: dict[str, str] = {}
    for token in _tokens(_normalised(text)):
        if token.kind == "hashtag":
            found.setdefault(token.value.casefold(), token.value)
    return tuple(found.values())


def find_links(text: str) -> tuple[str, ...]:
    """The web addresses in a text, without doubles, in order."""
    return tuple(dict.fromkeys(token.value for token in _tokens(_normalised(text)) if token.kind == "url"))


def render(text: str, mentions: Mapping[str, tuple[str, str]], tag_url: Callable[[str], str]) -> str:
    """The text as HTML. `mentions`: `handle_key` -> (profile URL, acct); others stay text.

    `tag_url` gives the address of a hashtag's page. The answer holds nothing that was not escaped here.
    """
    text = _normalised(text)
    shown = [acct.partition("@")[0].lower() for _, acct in set(mentions.values())]
    ambiguous = frozenset(name for name in shown if shown.count(name) > 1) if len(shown) <= 100 else frozenset(shown)
    pieces: list[str] = []
    position = 0
    for token in _tokens(text):
        html = _render_token(token, mentions, ambiguous, tag_url)
        if html is not None:
            pieces += (escape(text[position : token.start]), html)
            position = token.end
    pieces.append(escape(text[position:]))
    # Links hold no line break, so paragraphs can be made of the finished text.
    paragraphs = (part.strip("\n") for part in re.split(r"\n{2,}", "".join(pieces)))
    return "".join(f"<p>{part}</p>" for part in ("<br>".join(p.split("\n")) for p in paragraphs) if part)


def render_paragraphs(text: str) -> str:
    """Somebody else's plain text as HTML: paragraphs and links, no mentions and no tags."""
    return render(text, {}, lambda _: "")


def count_characters(text: str) -> int:
    """The length as Mastodon counts it: an address is 23, a mention counts without its host."""
    text = _normalised(text)
    total = position = 0
    for token in _tokens(text):
        if token.kind == "hashtag":
            continue
        total += _visible_characters(text[position : token.start])
        total += URL_CHARACTERS if token.kind == "url" else 1 + len(token.value)
        position = token.end
    return total + _visible_characters(text[position:])


def _normalised(text: str) -> str:
    text = text[:TEXT_LIMIT].replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROL)
    return text.strip()


def _tokens(text: str) -> list[_Token]:
    if "@" not in text and "#" not in text and "://" not in text and "\uff03" not in text:
        return []
    found = []
    for match in _TOKEN.finditer(text):
        if (url := match["url"]) is not None:
            url = _trimmed(url)
            if (len(url) > url.index("://") + 3 and url[url.index("://") + 3].isalnum()) or "://[" in url:
                found.append(_Token(match.start(), match.start() + len(url), "url", url))
        elif (user := match["user"]) is not None:
            found.append(_Token(match.start(), match.end(), "mention", user, match["host"]))
        elif not all(character.isdecimal() or character in "_\u00b7\u30fb\u200c\u200d" for character in match["tag"]):
            found.append(_Token(match.start(), match.end(), "hashtag", match["tag"]))
    return found


def _trimmed(url: str) -> str:
    """Without the punctuation of the sentence around it; a bracket stays if it was opened inside."""
    counts = {bracket: url.count(bracket) for pair in _BRACKETS.items() for bracket in pair}
    end = len(url)
    while end:
        last = url[end - 1]
        if last in _BRACKETS and counts[last] > counts[_BRACKETS[last]]:
            counts[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return url[:end]


def _render_token(
    token: _Token, mentions: Mapping[str, tuple[str, str]], ambiguous: frozenset[str], tag_url: Callable[[str], str]
) -> str | None:
    if token.kind == "url":
        return render_link(token.value)
    if token.kind == "mention":
        target = mentions.get(handle_key(token.value, token.host))
        if target is None:
            return None
        url, acct = target
        user = acct.partition("@")[0]
        shown = acct if user.lower() in ambiguous else user
        return (
            f'<span class="h-card" translate="no"><a href="{escape(url)}" class="u-url mention">'
            f"@<span>{escape(shown)}</span></a></span>"
        )
    url = tag_url(token.value)
    if not url:
        return None
    return f'<a href="{escape(url)}" class="mention hashtag" rel="tag">#<span>{escape(token.value)}</span></a>'


def render_link(url: str) -> str:
    """A link that shows at most 30 characters of its address and hides the rest for the eye only."""
    prefix = url[: url.index("://") + 3] if "://" in url else ""
    if url[len(prefix) :].startswith("www."):
        prefix += "www."
    shown = url[len(prefix) : len(prefix) + _SHOWN_URL_CHARACTERS]
    hidden = url[len(prefix) + _SHOWN_URL_CHARACTERS :]
    css = ' class="ellipsis"' if hidden else ' class=""'
    return (
        f'<a href="{escape(url)}" target="_blank" rel="nofollow noopener noreferrer" translate="no">'
        f'<span class="invisible">{escape(prefix)}</span><span{css}>{escape(shown)}</span>'
        f'<span class="invisible">{escape(hidden)}</span></a>'
    )


def _visible_characters(text: str) -> int:
    """Roughly the characters a reader counts: joined emoji and letters with marks are one."""
    if text.isascii():
        return len(text)
    total, joined, flags = 0, False, 0
    for character in text:
        if character == "\u200d":
            joined = True
            continue
        code = ord(character)
        is_mark = 0x1F3FB <= code <= 0x1F3FF or unicodedata.category(character) in ("Mn", "Me", "Mc")
        flags = flags + 1 if 0x1F1E6 <= code <= 0x1F1FF else 0
        if not joined and not is_mark and (flags == 0 or flags % 2 == 1):
            total += 1
        joined = False
    return total
