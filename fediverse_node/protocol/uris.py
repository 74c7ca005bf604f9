"""Hosts and origins: the one place where a host name gets its canonical form.

spec: rfc3986#3.2.2, rfc5890. Ids stay opaque strings: nothing here rewrites a path, a query or an
escape, because peers compare ids byte for byte (Takahe's `https://host` is not `https://host/`).
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

import idna

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST_LIMIT = 255 + 6
_LABEL_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")
URI_LIMIT = 2048


@lru_cache(maxsize=8192)
def canonical_host(text: str, scheme: str | None = None) -> str | None:
    """`host` or `host:port` in its one spelling, or None when it cannot be a host.

    Lower case, IDNA A-labels, no trailing dot, IPv6 in brackets and compressed, no default port. The
    default is the scheme's; without a scheme both 443 and 80 are taken for defaults, because a handle's
    host is always looked up with one of the two. `127.0.0.1:8420` keeps its port.
    """
    if not text or len(text) > _HOST_LIMIT * 2:
        return None
    name, port = _split_port(text)
    host = _canonical_ip6(name) if name.startswith("[") else _canonical_name(name)
    if host is None or port is None:
        return None
    if not port:
        return host
    number = int(port)
    if not 0 < number < 65536:
        return None
    defaults = (_DEFAULT_PORTS[scheme],) if scheme in _DEFAULT_PORTS else _DEFAULT_PORTS.values()
    return host if number in defaults else f"{host}:{number}"


def _split_port(text: str) -> tuple[str, str | None]:
    """Name and port digits ("" when absent, None when not a port)."""
    name, colon, port = text.rpartition(":")
    if not colon or "]" in port:
        return text, ""
    if ":" in name and not name.startswith("["):
        return name, None
    if port and not (port.isascii() and port.isdigit() and len(port) <= 5):
        return name, None
    return name, port


def _canonical_ip6(name: str) -> str | None:
    if not name.endswith("]"):
        return None
    try:
        address = IPv6Address(name[1:-1])
    except (AddressValueError, ValueError):
        return None
    # A zone would make one machine's interface part of a name that others compare.
    return None if address.scope_id else f"[{address.compressed}]"


def _canonical_name(name: str) -> str | None:
    name = name[:-1] if name.endswith(".") else name
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True, transitional=False).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
        name = name[:-1] if name.endswith(".") else name
    name = name.lower()
    if not name or len(name) > 253 or not _LABEL_CHARACTERS.issuperset(name):
        return None
    if any(not label or len(label) > 63 or label[0] == "-" or label[-1] == "-" for label in name.split(".")):
        return None
    last_label = name.rpartition(".")[2]
    # Resolvers read `127.1`, `0x7f.1` and `2130706433` as addresses: only the dotted quad is one here.
    if last_label.isdigit() or last_label.startswith("0x"):
        try:
            IPv4Address(name)
        except (AddressValueError, ValueError):
            return None
    return name


def _split(uri: str) -> SplitResult | None:
    # urlsplit drops tab and newline silently; two readers would then see two hosts.
    if len(uri) > URI_LIMIT or not uri.isprintable() or " " in uri or "\\" in uri:
        return None
    try:
        return urlsplit(uri)
    except ValueError:
        return None


@lru_cache(maxsize=16384)
def origin_of(uri: str) -> str | None:
    """`scheme://host[:port]` of an http(s) URI, canonical; None for anything else or with a user part."""
    parts = _split(uri)
    if parts is None or parts.scheme not in _DEFAULT_PORTS or "@" in parts.netloc:
        return None
    host = canonical_host(parts.netloc, parts.scheme)
    return f"{parts.scheme}://{host}" if host else None


def host_of(uri: str) -> str | None:
    """The canonical `host[:port]` of an http(s) URI, or None."""
    origin = origin_of(uri)
    return origin.partition("://")[2] if origin else None


def same_origin(first: str, second: str) -> bool:
    """Whether both are http(s) URIs of one scheme, host and port. spec: fep-fe34"""
    origin = origin_of(first)
    return origin is not None and origin == origin_of(second)


def is_http_uri(text: str, *, allow_plain: bool) -> bool:
    """Whether this is a usable https URI (or http, where `allow_plain`: development mode)."""
    origin = origin_of(text)
    return origin is not None and (allow_plain or origin.startswith("https://"))


def strip_fragment(uri: str) -> str:
    """The URI without `#...`: what a GET for it would ask for."""
    return uri.partition("#")[0]
