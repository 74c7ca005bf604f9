"""Does a web page claim a profile as its owner's?  spec: html#link-type-me, rel-me

A page that links back with `rel="me"` and a profile that links to the page belong to the same person. Reads
HTML with a parser, bounded; fetches nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from html.parser import HTMLParser

_SIZE_LIMIT = 1_000_000
_LINKS_LIMIT = 500


class _RelMe(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("a", "link") or len(self.found) >= _LINKS_LIMIT:
            return
        values = dict(attrs)
        if "me" in (values.get("rel") or "").lower().split() and values.get("href"):
            self.found.append((values["href"] or "").strip())


def links_back(html: str, profiles: Collection[str]) -> bool:
    """Whether the page has a rel="me" link to one of these addresses. A slash at the end makes no difference."""
    parser = _RelMe()
    with suppress(AssertionError):  # Pythons of before 2025 end so at `<![` with nonsense behind it
        parser.feed(html[:_SIZE_LIMIT])
    wanted = {address.rstrip("/") for address in profiles}
    return any(link.rstrip("/") in wanted for link in parser.found)
