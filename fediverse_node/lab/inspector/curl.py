"""An exchange's request as a command for a shell: curl, sending the same bytes and nothing of its own.

Safe to paste: everything that came over the network is quoted, never read by curl as an option, a file name or a
pattern. Bodies that a terminal would change go through base64. Not copied: what curl derives itself (Host where it is
the address's, Content-Length) and what belongs to one connection.
"""

from __future__ import annotations

import re
from shlex import quote
from urllib.parse import urlsplit

from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.inspector.content import clean, dump_bytes
from fediverse_node.lab.inspector.nodes import NodeInfo

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
# A terminal may change tabs and carriage returns on their way, and hide the rest.
_CHANGED_BY_TERMINALS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_OF_THE_CONNECTION = frozenset(("content-length", "transfer-encoding", "connection", "keep-alive", "te", "upgrade"))
# What curl adds of its own accord, unless told not to.
_ADDED_BY_CURL = ("User-Agent", "Accept", "Content-Type")
_LONGEST_QUOTED = 60_000


def dump_curl(exchange: Exchange, *, node: NodeInfo | None = None) -> str:
    """The command. With the address of the node that was asked, the name needs no DNS."""
    request = exchange.request
    url = _absolute(exchange)
    body = _body(request)
    words = ["curl", "-i", "--proto", "=http,https", *_way(url, node)]
    method = exchange.method if _TOKEN.fullmatch(exchange.method) else "GET"
    if method == "HEAD":
        words.append("--head")
    elif method != "GET" or body is not None:
        words += ["-X", quote(method)]
    words += ["--url", quote(url)]
    lines = [" ".join(words), *(f"-H {quote(header)}" for header in _headers(request, url, has_body=body is not None))]
    if (request.header("accept-encoding") or "").strip():
        lines.append("--compressed")
    before = ""
    if body is not None:
        lines.append(f"--data-raw {quote(body)}" if isinstance(body, str) else "--data-binary @-")
        if isinstance(body, bytes):
            before = f"printf %s {quote(dump_bytes(body))} | base64 -d |\n"
    return before + " \\\n  ".join(lines)


def _absolute(exchange: Exchange) -> str:
    url = _UNPRINTABLE.sub("", clean(exchange.url))
    if url.startswith(("https://", "http://")):
        return url
    return f"https://{_UNPRINTABLE.sub('', clean(exchange.receiver))}/{url.lstrip('/')}"


def _way(url: str, node: NodeInfo | None) -> list[str]:
    """Options that say how to get there, and that the address is meant as it is written."""
    words = []
    if any(character in url for character in "[]{}"):
        words.append("--globoff")
    if "/." in url:
        words.append("--path-as-is")
    if node is not None and node.address:
        try:
            parts = urlsplit(url)
            port = parts.port or (80 if parts.scheme == "http" else 443)
        except ValueError:
            return words
        words += ["--connect-to", quote(f"{parts.hostname or ''}:{port}:{node.address}")]
        if node.ca_file and parts.scheme == "https":
            words += ["--cacert", quote(node.ca_file)]
    return words


def _headers(request: Message, url: str, *, has_body: bool) -> list[str]:
    """The values of -H, in their order. `Name;` is curl's notation for an empty value, `Name:` for none at all."""
    found: list[str] = []
    present = set()
    for name, value in request.headers:
        lowered = name.lower()
        value = clean(value).strip(" \t")
        if not _TOKEN.fullmatch(name) or _UNPRINTABLE.search(value) or lowered in _OF_THE_CONNECTION:
            continue
        present.add(lowered)
        if lowered == "host" and value.lower() == url.partition("://")[2].partition("/")[0].lower():
            continue
        found.append(f"{name}: {value}" if value else f"{name};")
    found += [
        f"{name}:" for name in _ADDED_BY_CURL if name.lower() not in present and (name != "Content-Type" or has_body)
    ]
    if has_body and len(request.body) > 1_000_000 and "expect" not in present:
        found.append("Expect:")
    return found


def _body(request: Message) -> str | bytes | None:
    """Text that can be quoted, bytes that need a pipe, or None where nothing is sent."""
    if not request.body:
        return "" if request.header("content-length") is not None else None
    try:
        text = request.body.decode()
    except UnicodeDecodeError:
        return request.body
    if _CHANGED_BY_TERMINALS.search(text) or len(request.body) > _LONGEST_QUOTED:
        return request.body
    return text
