"""Whether a URL may be requested at all, and the exact bytes that go on the wire for it.

The text made here is both what is signed and what is sent, so the two never differ. Whether the host leads to an
allowed address is asked again at connect time, by `resolver`.  spec: rfc3986#3
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from yarl import URL

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.uris import origin_of
from fediverse_node.transport.addresses import is_allowed_address
from fediverse_node.transport.faults import FetchFault

_SAFE_IN_PATH = "%/?:@!$&'()*+,;=-._~[]{}|^`"
# Names that resolve on a local network or on this machine, whatever the public DNS says.  spec: rfc6761, rfc6762
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".onion", ".i2p")


@dataclass(frozen=True, slots=True)
class Target:
    """One hop of a request. `text` is the URL as sent and signed: canonical origin, no fragment, ASCII."""

    text: str
    url: URL
    scheme: str
    host: str
    origin: str


@lru_cache(maxsize=2048)
def parse_target(url: str, *, development: bool) -> Target | Fail:
    """The request target of `url`, or BAD_URL, SCHEME, HOST_NOT_PUBLIC, ADDRESS_REFUSED.

    Production takes https, public DNS names and port 443. Development also takes http, any port, and IP literals that
    are loopback or public.
    """
    origin = origin_of(url)
    if origin is None:
        scheme = url.partition(":")[0].lower()
        fault = FetchFault.BAD_URL if scheme in ("http", "https") else FetchFault.SCHEME
        return Fail(fault, _shown(url))
    scheme, _, host = origin.partition("://")
    if scheme != "https" and not development:
        return Fail(FetchFault.SCHEME, _shown(url))
    refusal = _refusal_of_host(host, development=development)
    if refusal is not None:
        return refusal
    parts = urlsplit(url)
    path = quote(parts.path or "/", safe=_SAFE_IN_PATH)
    query = quote(parts.query, safe=_SAFE_IN_PATH)
    text = f"{origin}{path}?{query}" if query else f"{origin}{path}"
    try:
        return Target(text, URL(text, encoded=True), scheme, host, origin)
    except ValueError as error:
        return Fail(FetchFault.BAD_URL, str(error)[:200])


def _refusal_of_host(host: str, *, development: bool) -> Fail | None:
    name, port = _name_and_port(host)
    if port and not development:
        return Fail(FetchFault.HOST_NOT_PUBLIC, host)
    try:
        address = ip_address(name.strip("[]"))
    except ValueError:
        is_public_name = "." in name and not name.endswith(_LOCAL_SUFFIXES)
        return None if is_public_name or development else Fail(FetchFault.HOST_NOT_PUBLIC, host)
    if not is_allowed_address(address, loopback_allowed=development):
        return Fail(FetchFault.ADDRESS_REFUSED, host)
    return None if development else Fail(FetchFault.HOST_NOT_PUBLIC, host)


def _name_and_port(host: str) -> tuple[str, str]:
    if host.endswith("]"):
        return host, ""
    name, colon, port = host.rpartition(":")
    return (name, port) if colon else (host, "")


def _shown(url: str) -> str:
    """The start of a refused URL, fit for a log: it may hold anything, half surrogates too."""
    return url[:200].encode("ascii", "backslashreplace").decode("ascii")


@lru_cache(maxsize=4096)
def is_same_resource(uri: str, url: str) -> bool:
    """Whether a GET for `uri` asks exactly for `url`: equal but for the fragment and the spelling of the origin."""
    first, second = parse_target(uri, development=True), parse_target(url, development=True)
    return isinstance(first, Target) and isinstance(second, Target) and first.text == second.text
