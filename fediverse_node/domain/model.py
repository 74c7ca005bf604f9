"""The records that rules read: small frozen pictures of rows, loaded for one decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from fediverse_node.protocol.addressing import Visibility

__all__ = [
    "Actor",
    "Approval",
    "Audience",
    "Container",
    "Follow",
    "GroupPost",
    "GroupRules",
    "Interaction",
    "InteractionPolicy",
    "InteractionRequest",
    "Object",
    "Permission",
    "Poll",
    "Quote",
    "Reaction",
    "Reader",
    "Relay",
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
    moved_ms: int | None = None  # when its followers were taken along last

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


class Interaction(Enum):
    """What one can do with a post of somebody, if they let one. The value is its name in our storage."""

    LIKE = "like"
    REPLY = "reply"
    ANNOUNCE = "announce"
    QUOTE = "quote"


class Approval(Enum):
    """How it stands with an interaction that somebody has to approve of."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    REVOKED = "revoked"  # was accepted, and is not any more
    DELETED = "deleted"  # was accepted, and what it is about is gone


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may do one kind of thing with a post: at once, or when its author agrees.

    Each is `public`, `followers`, `following` (whom the author follows), `author`, or the URI of an actor.
    """

    automatic: tuple[str, ...] = ()
    manual: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InteractionPolicy:
    """What the author of a post permits. What is None was not said: its server does not know about it.

    `polite`: that server takes requests (LikeRequest and so on), and not only the activities themselves. `held`: the
    post waits for approval itself, and what answers it waits with it.
    """

    like: Permission | None = None
    reply: Permission | None = None
    announce: Permission | None = None
    quote: Permission | None = None
    polite: bool = True
    held: bool = False

    def of(self, kind: Interaction) -> Permission | None:
        """What is said about one kind of interaction."""
        match kind:
            case Interaction.LIKE:
                return self.like
            case Interaction.REPLY:
                return self.reply
            case Interaction.ANNOUNCE:
                return self.announce
            case Interaction.QUOTE:
                return self.quote


@dataclass(frozen=True, slots=True)
class Quote:
    """One post quotes another.  spec: fep-044f

    `object_id` and `actor_id` are the quoting post and its author. `quoted_id` is None while the other post is not
    here, or no longer. `stamp_uri` is the QuoteAuthorization: claimed while the quote is pending, else verified.
    """

    object_id: int
    actor_id: int
    quoted_uri: str
    quoted_id: int | None = None
    quoted_actor_id: int | None = None
    state: Approval = Approval.PENDING
    stamp_uri: str | None = None
    request_uri: str | None = None
    checked_ms: int | None = None  # when the stamp was last seen at its origin


@dataclass(frozen=True, slots=True)
class InteractionRequest:
    """A like, reply or announce that somebody has to approve of, or did.

    `uri` is the interaction's own id, `request_uri` that of the activity that asked for it. `object_id` is the reply
    itself; an announce is made of this record once it is accepted. `visibility` is whom either is for then.
    """

    id: int
    kind: Interaction
    actor_id: int
    target_id: int
    target_actor_id: int
    uri: str
    state: Approval = Approval.PENDING
    object_id: int | None = None
    request_uri: str | None = None
    stamp_uri: str | None = None
    visibility: Visibility | None = None
    created_ms: int = 0


@dataclass(frozen=True, slots=True)
class Reaction:
    """What somebody said about a post with one picture.  spec: fep-c0e0

    `content` is an emoji, `:name:` of a custom emoji of `host` with its picture's address in `url`, or `dislike`,
    which is counted and not shown.
    """

    actor_id: int
    object_id: int
    content: str
    host: str = ""
    url: str | None = None
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class GroupPost:
    """A post is in a group, or was: moderators may take it out, and close what is below it.  spec: fep-1b12"""

    object_id: int
    group_id: int
    removed: bool = False
    locked: bool = False


@dataclass(frozen=True, slots=True)
class GroupRules:
    """How a group of ours wants it. `posting` says who may write in it: everybody, members or moderators."""

    posting: str = "members"
    moderator_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Container:
    """A conversation that one of ours began in the open, as the log that its owner keeps of it.  spec: fep-171b

    `thread_id` is also the number of its first post, and `visibility` that of this post. `inboxes` are of those who
    are told what is added.
    """

    thread_id: int
    owner_id: int
    owner_uri: str
    followers_uri: str | None
    visibility: Visibility
    inboxes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relay:
    """A server that passes on what is public.  spec: fep-ae0c

    `style` is mastodon or litepub, `state` asked, accepted or rejected.
    """

    url: str
    style: str
    inbox: str
    follow_uri: str
    actor_uri: str | None = None
    state: str = "asked"


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
    policy: InteractionPolicy | None = None


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
