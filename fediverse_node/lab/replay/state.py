"""What a replayed node holds in the end: posts, follows, likes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fediverse_node.domain.model import visibility_of
from fediverse_node.storage.inline import InlineDatabase
from fediverse_node.storage.queries import recorded as queries


@dataclass(frozen=True, slots=True)
class State:
    """Each as sentences in a fixed order, so that two can be compared."""

    posts: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    likes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For a file."""
        return {"posts": list(self.posts), "follows": list(self.follows), "likes": list(self.likes)}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> State:
        """What `to_json` gave."""
        return cls(tuple(plain["posts"]), tuple(plain["follows"]), tuple(plain["likes"]))

    def kinds(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The name of each kind, and its sentences."""
        return ("posts", self.posts), ("follows", self.follows), ("likes", self.likes)


def state_of(database: InlineDatabase) -> State:
    """Read it."""
    posts = tuple(
        f"{row['type']} {row['uri']} by {row['author_uri']}, {visibility_of(row['visibility']).value},"
        f" {row['replies_count']} replies, {row['likes_count']} likes, {row['announces_count']} announces"
        for row in database.read(queries.POSTS)
    )
    follows = tuple(
        f"{row['follower_uri']} {'follows' if row['accepted'] else 'asks to follow'} {row['followed_uri']}"
        for row in database.read(queries.FOLLOWS)
    )
    likes = tuple(f"{row['actor_uri']} likes {row['object_uri']}" for row in database.read(queries.LIKES))
    return State(tuple(sorted(posts)), tuple(sorted(follows)), tuple(sorted(likes)))
