"""What one node holds, read in one go, by the names that all nodes share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fediverse_node.lab.invariants.reach import actor_uri_of
from fediverse_node.lab.people import Readable
from fediverse_node.protocol.uris import host_of
from fediverse_node.storage.queries import comparing

Row = Any
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class View:
    """The contents of a node at one moment. Pairs are (actor, object) or (actor, other actor)."""

    host: str
    posts: dict[str, Row]
    announces: dict[str, Row]
    likes: dict[Pair, str]
    follows: dict[Pair, tuple[bool, str]]
    blocks: dict[Pair, str]
    votes: dict[Pair, tuple[int, ...]]
    mentions: frozenset[Pair]  # (object, actor)
    actors: dict[str, Row]
    tombstones: dict[str, Row]
    staged: frozenset[str]
    receipts: dict[Pair, list[Row]] = field(default_factory=dict)  # (activity, host)

    def uri_of(self, address: str) -> str:
        """The actor with this address, as this node knows it; as our nodes name theirs where it does not."""
        for uri, row in self.actors.items():
            if f"{row['username']}@{row['host']}".lower() == address.lower():
                return uri
        return actor_uri_of(address)

    def is_gone(self, actor_uri: str) -> bool:
        """Whether this actor is known as deleted."""
        row = self.actors.get(actor_uri)
        return row is not None and row["deleted_ms"] is not None


def load_view(host: str, database: Readable) -> View:
    """Read a node's database."""
    votes: dict[Pair, tuple[int, ...]] = {}
    for row in database.read(comparing.VOTES):
        pair = (row["actor_uri"], row["object_uri"])
        votes[pair] = (*votes.get(pair, ()), row["choice"])
    receipts: dict[Pair, list[Row]] = {}
    for row in database.read(comparing.RECEIPTS):
        receipts.setdefault((row["uri"], row["host"]), []).append(row)
    return View(
        host=host,
        posts={row["uri"]: row for row in database.read(comparing.POSTS)},
        announces={row["uri"]: row for row in database.read(comparing.ANNOUNCES)},
        likes={_pair(row): row["uri"] or "" for row in database.read(comparing.LIKES)},
        follows={_pair(row): (bool(row["accepted"]), row["uri"]) for row in database.read(comparing.FOLLOWS)},
        blocks={_pair(row): row["uri"] or "" for row in database.read(comparing.BLOCKS)},
        votes=votes,
        mentions=frozenset((row["object_uri"], row["actor_uri"]) for row in database.read(comparing.MENTIONS)),
        actors={row["uri"]: row for row in database.read(comparing.ACTORS)},
        tombstones={row["uri"]: row for row in database.read(comparing.TOMBSTONES)},
        staged=frozenset(str(row["id"]) for row in database.read(comparing.STAGED)),
        receipts=receipts,
    )


def home_of(uri: str) -> str:
    """The host that an address belongs to."""
    return host_of(uri) or ""


def address_of(actor_uri: str) -> str:
    """`alice@alpha.test` of https://alpha.test/users/alice."""
    return f"{actor_uri.rpartition('/')[2]}@{home_of(actor_uri)}"


def _pair(row: Row) -> Pair:
    return row["actor_uri"], row["object_uri"]
