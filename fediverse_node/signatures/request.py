"""An HTTP request as far as signatures see it, and the parts of its URL that are signed.

spec: rfc9421#2.2, cavage#2.3. Nothing is normalised except the host (lower case, default port left
out): both sides must sign the same bytes, so the path and the query stay as they went over the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


class Target(NamedTuple):
    """A URL cut into what signatures speak about. The fragment is gone: it never is on the wire."""

    scheme: str  # lower case
    authority: str  # host[:port], lower case, without the scheme's default port
    path: str  # as sent; "/" if it was empty
    query: str  # with its "?"; "" if there is none

    @property
    def in_request_line(self) -> str:
        """Path and query."""
        return self.path + self.query

    @property
    def uri(self) -> str:
        """The whole URL. spec: rfc9421#2.2.2"""
        return f"{self.scheme}://{self.authority}{self.path}{self.query}"


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as sent or received.

    `url` is absolute and as the receiver is publicly known: scheme://host[:port]/path?query, the path
    and query untouched; who puts it together from a Host header hands that header over too, so that
    `verify.check_claim` can look at it. `headers` are (lower-case name, value), in their order, names
    may repeat. Derived: `target`, the URL in parts, and `fields`, the headers by name.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    target: Target = field(init=False, repr=False, compare=False)
    fields: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        fields: dict[str, str] = {}
        for name, value in self.headers:
            # spec: rfc9421#2.1, cavage#2.3: surrounding white space off, lines of one name joined.
            value = value.strip(" \t")
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        object.__setattr__(self, "fields", fields)
        object.__setattr__(self, "target", split_url(self.url))

    def header(self, name: str) -> str | None:
        """The value of a header, repeated ones joined with ", "; None if it is absent."""
        return self.fields.get(name)


def split_url(url: str) -> Target:
    """Cut an absolute URL. Of something that is no URL all parts may be empty; it never raises."""
    scheme, _, rest = url.partition("#")[0].partition("://")
    scheme = scheme.lower()
    location, question_mark, query = rest.partition("?")
    host, slash, path = location.partition("/")
    return Target(scheme, plain_host(host, scheme), "/" + path if slash else "/", question_mark + query)


def plain_host(host: str, scheme: str) -> str:
    """`host[:port]` in the form in which it is compared. spec: rfc9421#2.2.3"""
    return host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, "\0"))
