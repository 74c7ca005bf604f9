"""Addresses, handles and IP addresses made unreadable, so that the same one stays the same one.

Scheme, host and what a path is made of everywhere (`/users/…/statuses/…`) stay; names and numbers go. A number that
holds a moment keeps the moment, so that things stay in order. Names of hosts go only if that is asked for.
"""

from __future__ import annotations

import ipaddress
import re
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import quote, unquote

from fediverse_node.lab.scrub.vocabulary import NAMESPACE_PREFIXES, PATHS, known_addresses, terms
from fediverse_node.lab.scrub.words import Words

ADDRESS = re.compile(r"https?://[^\s<>\"'`()\[\]{}|\\^,]+", re.IGNORECASE)
HANDLE = re.compile(r"(?<![\w@.])@?([\w.-]*\w)@((?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+(?::\d+)?|localhost(?::\d+)?)")
_PARTS = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.IGNORECASE | re.DOTALL)
# What follows one of these is a name, whatever it is.
_BEFORE_NAMES = frozenset(
    {"users", "user", "u", "author", "profile", "profiles", "accounts", "account", "c", "m", "channel", "tags", "tag",
     "channels", "video-channels", "community", "communities", "contexts"}
)  # fmt: skip
_SAFE = "!$&'()*+,;=:@~-._/?"
# 2015 to 2100 in milliseconds: a number whose upper bits lie there begins with its moment.
_EARLIEST_MS, _LATEST_MS = 1_420_000_000_000, 4_102_444_800_000
_VOCABULARY_LIST = """
    ns fep security socialweb miscellany doc html rfc9421 section 2001 04 2006 v1 v2 1.0 044f 844e 5711 7aa9
    3b86 oauth webfinger 171b contextHistory bad1 history apschema
"""
_VOCABULARY = frozenset(_VOCABULARY_LIST.split())
_KEPT_TOP = frozenset({"localhost"})
_SEEN_LIMIT = 20_000
_SECONDS = re.compile(r"\d{1,4}")


class Addresses:
    """Replaces addresses. `hosts`: also the names of servers."""

    def __init__(self, words: Words, *, hosts: bool) -> None:
        self._words = words
        self._hosts = hosts
        self._seen: OrderedDict[str, None] = OrderedDict()

    def url(self, url: str) -> str:
        """An address; what is none is taken for a text."""
        if url in known_addresses() or self._is_of_vocabulary(url):
            return url
        if url.startswith(("acct:", "mailto:")):
            scheme, _, rest = url.partition(":")
            return f"{scheme}:{self.handle(rest)}"
        parts = _PARTS.fullmatch(url)
        if parts is None:
            return self._words.text(url)
        scheme, place, path, query, fragment = (part or "" for part in parts.groups())
        user, at, host = place.rpartition("@")
        return (
            f"{scheme}://{self._words.text(user)}{at}{self.host(host)}"
            f"{self.path(path)}{self.query(query)}{self._fragment(fragment)}"
        )

    def target(self, target: str) -> str:
        """Path and query of a request."""
        if not target.startswith("/"):
            return self.url(target)
        path, mark, query = target.partition("?")
        return self.path(path) + self.query(mark + query)

    def path(self, path: str) -> str:
        """The path of an address."""
        before, found = "", []
        for segment in path.split("/"):
            found.append(self._segment(segment, before))
            before = segment
        return "/".join(found)

    def query(self, query: str) -> str:
        """The query of an address, with its question mark."""
        if not query:
            return ""
        pairs = []
        for pair in query[1:].split("&"):
            name, equals, value = pair.partition("=")
            new = name if name in PATHS or name in terms() else self._again(name, self._words.text)
            pairs.append(new + equals + self._value(value))
        return "?" + "&".join(pairs)

    def handle(self, handle: str) -> str:
        """`@name@host`, `name@host` or a name alone."""
        name, at, host = handle.lstrip("@").partition("@")
        leading = handle[: len(handle) - len(handle.lstrip("@"))]
        # A server's own actor is called as the server is.
        new = self.host(name) if at and name == host else self._words.text(name)
        return f"{leading}{new}{at}{self.host(host) if host else ''}"

    def host(self, host: str) -> str:
        """A host with its port. Loopback addresses stay."""
        self._seen[host] = None
        if len(self._seen) > _SEEN_LIMIT:
            self._seen.popitem(last=False)
        name, colon, port = host.rpartition(":") if re.fullmatch(r".*:\d{1,5}", host) else (host, "", "")
        if not self._hosts or not name:
            return host
        try:
            address = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            labels = name.split(".")
            if len(labels) < 2 or labels[-1] in _KEPT_TOP:
                return host
            return ".".join([*(self._words.text(label) for label in labels[:-1]), labels[-1]]) + colon + port
        return host if address.is_loopback else self.ip(name) + colon + port

    def is_host(self, text: str) -> bool:
        """Whether this was met as a host before."""
        return text in self._seen

    def ip(self, text: str) -> str:
        """An IP address becomes one of those reserved for examples."""
        try:
            address = ipaddress.ip_address(text.strip().strip("[]"))
        except ValueError:
            return self._words.text(text)
        if address.is_loopback:
            return text
        drawn = int.from_bytes(self._words.noise(address.packed * 4)[:8], "big")
        if address.version == 4:
            return str(ipaddress.IPv4Address(int(ipaddress.IPv4Address("198.18.0.0")) + drawn % 2**17))
        return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address("2001:db8::")) + drawn))

    def digits(self, text: str) -> str:
        """A number in an address."""
        number = int(text)
        if 15 <= len(text) <= 19 and _EARLIEST_MS < number >> 16 < _LATEST_MS:
            moved = number >> 16 << 16 | self._words.number(number & 0xFFFF, 1 << 16)
            return str(moved) if len(str(moved)) == len(text) else text
        return self._words.text(text)

    def _segment(self, segment: str, before: str) -> str:
        if segment in PATHS and before not in _BEFORE_NAMES:
            return segment
        return self._again(segment, self._name)

    def _name(self, text: str) -> str:
        if text.isascii() and text.isdigit():
            return self.digits(text)
        if "@" in text.lstrip("@"):
            return self.handle(text)
        if text.startswith(("http://", "https://")):
            return self.url(text)
        return self._words.text(text)

    def _value(self, value: str) -> str:
        plain = unquote(value.replace("+", " "))
        if not plain or plain in PATHS or plain in ("true", "false") or _SECONDS.fullmatch(plain) or _is_blank(plain):
            return value
        if plain.startswith(("http://", "https://", "acct:", "mailto:")):
            return self._again(value, self.url)
        return self._again(value, self._name)

    def _fragment(self, fragment: str) -> str:
        if not fragment:
            return ""
        return "#" + "/".join(
            part if part in PATHS or part in terms() else self._again(part, self._name)
            for part in fragment[1:].split("/")
        )

    @staticmethod
    def _is_of_vocabulary(url: str) -> bool:
        if not url.startswith(NAMESPACE_PREFIXES):
            return False
        pieces = re.split(r"[#/]+", url.partition("://")[2])[1:]
        return all(piece in terms() or piece in _VOCABULARY or not piece for piece in pieces)

    def _again(self, text: str, change: Callable[[str], str]) -> str:
        """Change what is behind percent signs, and write it in the same way."""
        if "%" not in text:
            return change(text)
        encoded = text.upper()
        safe = "".join(char for char in _SAFE if f"%{ord(char):02X}" not in encoded)
        return quote(change(unquote(text)), safe=safe)


def _is_blank(value: str) -> bool:
    """A place in a template that somebody else fills in: `{uri}`."""
    return value[:1] + value[-1:] == "{}" and (value[1:-1] in PATHS or value[1:-1] in terms() or value == "{uri}")
