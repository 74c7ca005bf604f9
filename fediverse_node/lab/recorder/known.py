"""What a node knew of somebody before its recording began: written once, when they are first met in an exchange.

A replay begins with an empty database. So that it answers as the recorded node did, it is told the profiles and public
keys that were fetched long ago, who followed and blocked whom, and the posts that are spoken of. Private keys,
passwords, e-mail addresses and tokens are not even read.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from fediverse_node.base.clock import from_ms
from fediverse_node.base.ids import id_floor
from fediverse_node.domain.documents import object_document
from fediverse_node.domain.names import Names
from fediverse_node.lab.exchange import Message
from fediverse_node.protocol.actors import ActorDocument, KeyDocument
from fediverse_node.protocol.dump import dump_actor
from fediverse_node.protocol.parts import Picture
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries import recorded as queries
from fediverse_node.storage.queries.federation_documents import OBJECT_BY_URI, author_of, post_of

Row = Any
_SEEN_LIMIT = 50_000
_URIS_LIMIT = 60
_DEPTH_LIMIT = 6
_KEY_ID = re.compile(r'keyid="([^"]{1,2048})"', re.IGNORECASE)
_NAMING = frozenset({"id", "actor", "object", "attributedTo", "inReplyTo", "target", "to", "cc", "href", "owner"})


class Known:
    """Looks up each address once. `began_ms`: what came later is told by the exchanges themselves."""

    def __init__(self, database: Database, names: Names, *, began_ms: int) -> None:
        self._database = database
        self._names = names
        self._before_id = id_floor(from_ms(began_ms))
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def local_actors(self) -> list[dict[str, Any]]:
        """Everybody who lives here: for the head of a recording."""
        return [await self._actor(row) for row in await self._database.fetch(queries.LOCAL_ACTORS)]

    async def blocked_hosts(self) -> list[str]:
        """Hosts that this server has nothing to do with."""
        rows = await self._database.fetch(queries.BLOCKED_HOSTS)
        return [row["host"] for row in rows if row["severity"] == "suspend"]

    async def first_sight(self, message: Message, url: str) -> list[dict[str, Any]]:
        """What is known of whom this request names for the first time."""
        found = []
        for uri in named_uris(message, url):
            uri = await self._owner_of_key(uri)
            if uri in self._seen:
                self._seen.move_to_end(uri)
                continue
            self._seen[uri] = None
            if len(self._seen) > _SEEN_LIMIT:
                self._seen.popitem(last=False)
            row = await self._database.fetch_one(queries.ACTOR, uri=uri)
            item = await self._actor(row) if row is not None else await self._object(uri)
            if item is not None:
                found.append(item)
        return found

    async def _owner_of_key(self, uri: str) -> str:
        if uri in self._seen:
            return uri
        row = await self._database.fetch_one(queries.KEY_OWNER, uri=uri)
        return str(row["uri"]) if row is not None else uri

    async def _actor(self, row: Row) -> dict[str, Any]:
        uri = row["uri"]
        keys = await self._database.fetch(queries.KEYS, uri=uri)
        follows = await self._database.fetch(queries.FOLLOWS_OF, uri=uri)
        blocks = await self._database.fetch(queries.BLOCKS_OF, uri=uri)
        return {
            "actor": _actor_document(row, keys),
            "host": row["host"],
            "local": bool(row["local"]),
            "fetched_ms": row["fetched_ms"],
            "suspended": row["suspended_ms"] is not None,
            "follows": [
                {
                    "uri": follow["uri"],
                    "follower": follow["follower_uri"],
                    "followed": follow["followed_uri"],
                    "accepted": bool(follow["accepted"]),
                }
                for follow in follows
                if follow["id"] < self._before_id
            ],
            "blocks": [
                {"uri": block["uri"], "actor": block["actor_uri"], "target": block["target_uri"]}
                for block in blocks
                if block["id"] < self._before_id
            ],
        }

    async def _object(self, uri: str) -> dict[str, Any] | None:
        row = await self._database.fetch_one(OBJECT_BY_URI, uri=uri)
        if row is None or row["announce_of_id"] is not None:
            return None
        author = author_of(row)
        return {"object": object_document(post_of(row), author, self._names), "local": author.local}


def named_uris(message: Message, url: str) -> list[str]:
    """Whom and what a request names: in its body, its signature and its address; at most a few dozen."""
    found: dict[str, None] = {url: None}
    for name, value in message.headers:
        if name.lower() in ("signature", "signature-input", "authorization"):
            found.update(dict.fromkeys(_KEY_ID.findall(value)))
    found.update(dict.fromkeys(_uris_in(message.document, depth=0)))
    return list(found)[:_URIS_LIMIT]


def _uris_in(value: object, *, depth: int) -> Iterator[str]:
    if depth > _DEPTH_LIMIT:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in _NAMING or (key == "tag" and isinstance(item, list)):
                yield from _uris_in(item, depth=depth + 1)
    elif isinstance(value, list):
        for item in value[:_URIS_LIMIT]:
            yield from _uris_in(item, depth=depth + 1)
    elif isinstance(value, str) and value.startswith(("https://", "http://")):
        yield value


def _actor_document(row: Row, keys: Iterable[Row]) -> dict[str, Any]:
    uri = row["uri"]
    public = tuple(
        KeyDocument(key["uri"], uri, pem=key["public"])
        if key["public"].startswith("-----")
        else KeyDocument(key["uri"], uri, multibase=key["public"])
        for key in keys
    )
    return dump_actor(
        ActorDocument(
            id=uri,
            type=row["type"],
            preferred_username=row["username"],
            name=row["name"],
            summary=row["summary"],
            url=row["url"],
            inbox=row["inbox"],
            shared_inbox=row["shared_inbox"],
            outbox=row["outbox"],
            followers=row["followers_uri"],
            following=row["following_uri"],
            featured=row["featured_uri"],
            featured_tags=row["featured_tags_uri"],
            icon=Picture(row["icon_url"], row["icon_description"]) if _is_address(row["icon_url"]) else None,
            image=Picture(row["image_url"], row["image_description"]) if _is_address(row["image_url"]) else None,
            fields=tuple((str(field["name"]), str(field["value"])) for field in orjson.loads(row["fields"])),
            manually_approves=bool(row["locked"]),
            discoverable=row["discoverable"],
            indexable=bool(row["indexable"]),
            moved_to=row["moved_to_uri"],
            also_known_as=tuple(orjson.loads(row["also_known_as"])),
            published=from_ms(row["created_ms"] - row["created_ms"] % 1000),
            public_keys=public,
            implements=tuple(orjson.loads(row["implements"])),
        )
    )


def _is_address(value: str | None) -> bool:
    # Pictures of our own people are paths below the media folder.
    return value is not None and value.startswith(("https://", "http://"))
