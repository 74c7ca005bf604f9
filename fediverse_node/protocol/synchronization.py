"""The header with which two servers see whether they agree who follows: one digest for each author and host, both ways.

spec: fep-8fcf. Whether the header may be believed is for its readers to check.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.reading import web_url
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.protocol.uris import origin_of

HEADER = "collection-synchronization"
# Whoever has more is left out, as Mastodon does since 4.6: the collection itself would not fit into one document.
MOST_FOLLOWERS = 25_000
NOBODY = bytes(32)
_VALUE_LIMIT = 8_000
_NAMES = ("collectionId", "url", "digest")


@dataclass(frozen=True, slots=True)
class Synchronization:
    """What a header says: the sender's followers, where the part for one host is, and the digest of that part."""

    collection_id: str
    url: str
    digest: bytes


def digest_of(uris: Iterable[str]) -> bytes:
    """32 bytes for a set of followers, whatever their order; `NOBODY` where there are none."""
    total = 0
    for uri in uris:
        total ^= int.from_bytes(sha256(uri.encode("utf-8", "surrogatepass")).digest())
    return total.to_bytes(32)


def digests_by_origin(uris: Iterable[str]) -> dict[str, bytes]:
    """The digest of each `scheme://host[:port]`, of ids as they are written."""
    parts: dict[str, list[str]] = {}
    for uri in uris:
        # Up to the path: there are far fewer hosts than people, and a host's canonical form is costly.
        parts.setdefault("/".join(uri.split("/", 3)[:3]), []).append(uri)
    totals: dict[str, int] = {}
    for beginning, group in parts.items():
        origin = origin_of(beginning)
        if origin is not None:
            totals[origin] = totals.get(origin, 0) ^ int.from_bytes(digest_of(group))
    return {origin: total.to_bytes(32) for origin, total in totals.items()}


def dump_synchronization(said: Synchronization) -> str:
    """The value of the header."""
    return f'collectionId="{said.collection_id}", url="{said.url}", digest="{said.digest.hex()}"'


def parse_synchronization(value: str) -> Synchronization | Fail:
    """Read the value of a header; never raises."""
    if len(value) > _VALUE_LIMIT:
        return Fail(WireReason.BAD_SYNCHRONIZATION, "too long")
    found: dict[str, str] = {}
    rest = value.strip()
    while rest:
        name, quote, rest = rest.partition('="')
        content, closing, rest = rest.partition('"')
        if not quote or not closing or name.strip(" ,") in found:
            return Fail(WireReason.BAD_SYNCHRONIZATION, value[:200])
        found[name.strip(" ,")] = content
    collection_id, url, digest = (found.get(name, "") for name in _NAMES)
    if web_url(collection_id) is None or web_url(url) is None:
        return Fail(WireReason.BAD_SYNCHRONIZATION, "no addresses")
    try:
        read = bytes.fromhex(digest)
    except ValueError:
        read = b""
    if len(read) != len(NOBODY) or len(digest) != 2 * len(NOBODY):
        return Fail(WireReason.BAD_SYNCHRONIZATION, "the digest is no SHA-256 in hexadecimal")
    return Synchronization(collection_id, url, read)
