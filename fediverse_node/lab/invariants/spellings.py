"""A text as it may stand in bytes: plain, in JSON, HTML and URLs, in base64; and finding it fast in many bytes.

Every spelling but base64 leaves the letters and digits of ASCII alone. So one word of the text, its anchor, is looked
for first, and only where that stands are the spellings compared. A text without such a word is looked for in full.
"""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, quote_plus

SHORTEST = 8
_ANCHOR = re.compile(r"[A-Za-z0-9]{4,}")
# What the renderer of a post turns into something else: line ends, links, mentions, hashtags.
_CHANGED = re.compile(r"[\r\n]+|https?://\S+|@[\w.-]+(?:@[\w.-]+)?|#\w+")


def phrase_of(text: str) -> str | None:
    """The longest part of a text that is left as it is when it is shown; None where that is too short to tell."""
    parts = [" ".join(part.split()) for part in _CHANGED.split(text)]
    longest = max(parts, key=len, default="")
    return longest if len(longest) >= SHORTEST else None


@dataclass(frozen=True)
class Needle:
    """A text to look for."""

    text: str

    @cached_property
    def spellings(self) -> tuple[bytes, ...]:
        """All but base64."""
        text = self.text
        marked = [text, html.escape(text), html.escape(text, quote=False), html.escape(text).replace("&#x27;", "&#39;")]
        found: dict[bytes, None] = {}
        for form in marked:
            found[form.encode()] = None
            for ascii_only in (True, False):
                found[json.dumps(form, ensure_ascii=ascii_only)[1:-1].encode()] = None
            found[json.dumps(form, ensure_ascii=False)[1:-1].replace("/", "\\/").encode()] = None
            found[json.dumps(form)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e").encode()] = None
        for escaped in (quote(text, safe=""), quote(text), quote_plus(text)):
            found[escaped.encode()] = None
            found[re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), escaped).encode()] = None
        return tuple(found)

    @cached_property
    def base64_parts(self) -> tuple[bytes, ...]:
        """What stands in base64 whatever comes before and after: for each of three offsets, in both alphabets."""
        raw = self.text.encode()
        found: dict[bytes, None] = {}
        for offset in range(3):
            # The first and the last letter of what is not whole threes depend on the neighbours.
            whole = base64.b64encode(b"\0" * offset + raw).rstrip(b"=")
            inner = whole[(0, 2, 3)[offset] : len(whole) - ((offset + len(raw)) % 3 > 0)]
            if len(inner) >= SHORTEST:
                found[inner] = None
                found[inner.replace(b"+", b"-").replace(b"/", b"_")] = None
        return tuple(found)

    @cached_property
    def anchor(self) -> bytes:
        """The longest word that all spellings share; empty where there is none."""
        return max(_ANCHOR.findall(self.text), key=len, default="").encode()

    def stands_in(self, data: bytes) -> bool:
        """Whether the text stands there in any spelling."""
        anchor = self.anchor
        if (not anchor or anchor in data) and any(spelling in data for spelling in self.spellings):
            return True
        return any(part in data for part in self.base64_parts)
