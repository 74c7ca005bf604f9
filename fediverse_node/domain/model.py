"""The records that rules read: small frozen pictures of rows, loaded for one decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fediverse_node.protocol.addressing import Visibility

__all__ = [
    "Actor",
    "Audience",
    "Follow",
    "Object",
    "Poll",
    "Reader",
    "Version",
    "Visibility",
    "visibility_code",
    "visibility_of",
]


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody, here or elsewhere.  spec: ap#actors"""

    id: int
    uri: str
    type: str
    local: bool
    username: str
    host: str
    inbox: str
    shared_inbox: str | None = None
    followers_uri: str | None = None
    featured_uri: str | None = None
    url: str | None = None
    locked: bool = False
    suspended: bool = False
    deleted: bool = False
    moved_to_uri: str | None = None
    also_known_as: tuple[str, ...] = ()

    @property
    def acct(self) -> str:
        """`alice` for ours, `alice@host` for others."""
        return self.username if self.local else f"{self.username}@{self.host}"

    @property
    def handle(self) -> str:
        """`@alice@host`, always with the host."""
        return f"@{self.username}@{self.host}"

    @property
    def best_inbox(self) -> str:
        """Where one copy for the whole host goes."""
        return self.shared_inbox or self.inbox


@dataclass(frozen=True, slots=True)
class Poll:
    """A question's answers.  spec: as2#dfn-question"""

    options: tuple[str, ...]
    counts: tuple[int, ...]
    multiple: bool = False
    hide_totals: bool = False
    voters_count: int | None = None
    expires_ms: int | None = None
    closed_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Object:
    """Something that was said (Note and its relatives), or an Announce of it."""

    id: int
    uri: str
    type: str
    actor_id: int
    local: bool
    visibility: Visibility
    announce_of_id: int | None = None
    in_reply_to_id: int | None = None
    in_reply_to_actor_id: int | None = None
    thread_id: int | None = None
    published_ms: int = 0
    updated_ms: int | None = None
    poll: Poll | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """What an object says now: the columns of the same names, `attachments` and `parts` as values."""

    content: str
    summary: str = ""
    sensitive: bool = False
    attachments: tuple[Mapping[str, Any], ...] = ()
    parts: Mapping[str, Any] = field(default_factory=dict)
    mention_ids: tuple[int, ...] = ()  # of all whom it was for, named or only addressed


@dataclass(frozen=True, slots=True)
class Follow:
    """One actor reads another."""

    id: int
    uri: str
    follower_id: int
    followed_id: int
    accepted: bool
    show_announces: bool = True
    notify: bool = False
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """A local follower, as the fan-out to home timelines sees them."""

    actor_id: int
    show_announces: bool = True
    notify: bool = False
    languages: tuple[str, ...] = ()


Audience = tuple[Reader, ...]

_CODES = {Visibility.PUBLIC: 0, Visibility.UNLISTED: 1, Visibility.FOLLOWERS: 2, Visibility.DIRECT: 3}
_BY_CODE = {code: visibility for visibility, code in _CODES.items()}


def visibility_code(visibility: Visibility) -> int:
    """The number that stands for it in the database: the larger, the fewer see it."""
    return _CODES[visibility]


def visibility_of(code: int) -> Visibility:
    """The visibility of a stored number."""
    return _BY_CODE[code]
