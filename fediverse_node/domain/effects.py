"""What follows from a decision, as data: a closed set, so that storage can carry out whole batches.

A rule yields effects; `storage/apply` groups them by table. All of them may be applied twice without harm.
A new member here needs a decision record in docs/adr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from fediverse_node.base.outcome import Reason
from fediverse_node.domain.model import InteractionPolicy, InteractionRequest, Poll, Quote, Reaction, Visibility


class Refusal(Reason):
    """Why an activity that was well-formed and signed had no effect."""

    UNKNOWN_OBJECT = "the object is not known here"
    UNKNOWN_ACTOR = "the actor is not known here"
    NOT_PERMITTED = "the actor may not do this"
    NOT_THE_OWNER = "the object belongs to somebody else"
    WRONG_ORIGIN = "the object claims to live on a host that does not speak for it"
    ALREADY_DONE = "this was done before"
    OUTDATED = "a newer version is known"
    DELETED = "the object was deleted"
    NOT_RELEVANT = "nobody here follows, is mentioned in or takes part in this"
    UNSUPPORTED = "this kind of activity has no meaning here"
    SUSPENDED = "the actor or its host is suspended here"
    MALFORMED = "the activity does not say what it needs to say"
    CLOSED = "the poll has ended"
    NOT_OURS = "it concerns nobody here"


@dataclass(frozen=True, slots=True)
class NewObject:
    """A row of `objects` with everything that hangs on it."""

    id: int
    uri: str
    type: str
    actor_id: int
    local: bool
    visibility: Visibility
    published_ms: int
    url: str | None = None
    content: str = ""
    source: str = ""
    summary: str = ""
    sensitive: bool = False
    language: str | None = None
    announce_of_id: int | None = None
    in_reply_to_uri: str | None = None
    in_reply_to_id: int | None = None
    in_reply_to_actor_id: int | None = None
    thread_id: int | None = None
    context_uri: str | None = None
    activity_uri: str | None = None  # of others: the Create that brought it, if everybody may read both
    # {mentions, tags, emojis, quote, title, replies}: see domain/reception.parts_of; of ours also `quote_stamp` and
    # `reply_stamp`, the approvals that its document names; `held_for` while it waits for one, see domain/approvals.hold
    parts: Mapping[str, Any] = field(default_factory=dict)
    attachments: tuple[Mapping[str, Any], ...] = ()
    mention_ids: tuple[int, ...] = ()
    hashtags: tuple[str, ...] = ()
    poll: Poll | None = None
    media_ids: tuple[int, ...] = ()
    app_id: int | None = None
    updated_ms: int | None = None
    policy: InteractionPolicy | None = None
    searchable: int | None = None  # see domain/searching.py


@dataclass(frozen=True, slots=True)
class NewLike:
    """A row of `likes`."""

    id: int
    actor_id: int
    object_id: int
    uri: str | None


@dataclass(frozen=True, slots=True)
class NewReaction:
    """A row of `reactions`: see domain/reactions.py. With the same `uri` it takes the place of the one before."""

    id: int
    reaction: Reaction


@dataclass(frozen=True, slots=True)
class NewGroupPost:
    """A post is in a group."""

    object_id: int
    group_id: int


@dataclass(frozen=True, slots=True)
class NewToldVote:
    """A like (1) or dislike (-1) of which only a group has told. `voter` is a digest of who it was."""

    object_id: int
    voter: bytes
    group_id: int
    value: int


@dataclass(frozen=True, slots=True)
class NewModerator:
    """Somebody has a say in a group of ours."""

    group_id: int
    actor_id: int


@dataclass(frozen=True, slots=True)
class NewGroupBan:
    """Somebody may not write in a group; for ever if nothing else is said."""

    group_id: int
    actor_id: int
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class NewFollow:
    """A row of `follows`; one that exists is updated with these options and never un-accepted."""

    id: int
    uri: str
    follower_id: int
    followed_id: int
    accepted: bool
    follower_local: bool
    created_ms: int
    show_announces: bool = True
    notify: bool = False
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewBlock:
    """A row of `blocks`. Follows between the two end, and each leaves the other's home timeline."""

    id: int
    actor_id: int
    target_id: int
    uri: str | None


@dataclass(frozen=True, slots=True)
class NewVotes:
    """What one actor chose. Counts grow only for choices that are new."""

    object_id: int
    actor_id: int
    choices: tuple[int, ...]
    uri: str | None = None
    counts: bool = True  # false: the poll is remote, its own server counts and tells us


@dataclass(frozen=True, slots=True)
class NewReport:
    """A row of `reports`."""

    id: int
    actor_id: int
    target_id: int
    uri: str | None
    comment: str
    object_ids: tuple[int, ...] = ()
    category: str = "other"
    rule_ids: tuple[str, ...] = ()
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class NewPin:
    """A row of `pins`."""

    id: int
    actor_id: int
    object_id: int


@dataclass(frozen=True, slots=True)
class NewErrand:
    """Something long that is done piece by piece: what a deleted actor said is forgotten, followers move along."""

    id: int
    kind: Literal["forget", "move"]
    actor_id: int
    target_id: int | None = None


@dataclass(frozen=True, slots=True)
class NewTombstone:
    """The memory that something is gone. `public`: whether everybody could see it, and so may learn that it is gone."""

    uri: str
    actor_uri: str
    former_type: str = ""
    public: bool = False


Record: TypeAlias = (
    NewObject
    | NewLike
    | NewFollow
    | NewBlock
    | NewVotes
    | NewReport
    | NewPin
    | NewTombstone
    | NewErrand
    | NewReaction
    | NewGroupPost
    | NewToldVote
    | NewModerator
    | NewGroupBan
    | Quote
    | InteractionRequest
)


@dataclass(frozen=True, slots=True)
class Put:
    """Store this; nothing happens where it is stored already."""

    record: Record


@dataclass(frozen=True, slots=True)
class EditObject:
    """A new version of an object. The version before is kept as a revision, unless only a poll's counts moved."""

    id: int
    changes: Mapping[str, Any]  # columns of `objects`; parts and attachments as values, not text
    mention_ids: tuple[int, ...] | None = None
    hashtags: tuple[str, ...] | None = None
    poll: Poll | None = None
    media_ids: tuple[int, ...] | None = None
    keep_revision: bool = True


@dataclass(frozen=True, slots=True)
class AcceptFollow:
    """The follow counts from now on; the reader's home timeline gets recent posts."""

    follower_id: int
    followed_id: int


@dataclass(frozen=True, slots=True)
class ChangeActor:
    """Columns of `actors` that change."""

    id: int
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SettleQuote:
    """The quote of this post is now as it says; counts follow, and the post's document names the stamp."""

    quote: Quote


@dataclass(frozen=True, slots=True)
class SettleRequest:
    """The request is now as it says. A reply is shown to those it is for when it is accepted, and hidden when not."""

    request: InteractionRequest


@dataclass(frozen=True, slots=True)
class ChangeGroupPost:
    """How a post stands in a group; what is None stays as it is."""

    object_id: int
    group_id: int
    removed: bool | None = None
    locked: bool | None = None


@dataclass(frozen=True, slots=True)
class SettleRelay:
    """A relay has answered, or has been found out to be this actor."""

    url: str
    state: str
    actor_uri: str


Change: TypeAlias = (
    EditObject | AcceptFollow | ChangeActor | SettleQuote | SettleRequest | ChangeGroupPost | SettleRelay
)


@dataclass(frozen=True, slots=True)
class Patch:
    """Change something that is stored."""

    change: Change


@dataclass(frozen=True, slots=True)
class LikeKey:
    """One like."""

    actor_id: int
    object_id: int


@dataclass(frozen=True, slots=True)
class FollowKey:
    """One follow or request. The reader's home timeline loses the other's posts."""

    follower_id: int
    followed_id: int


@dataclass(frozen=True, slots=True)
class BlockKey:
    """One block."""

    actor_id: int
    target_id: int


@dataclass(frozen=True, slots=True)
class PinKey:
    """One pin."""

    actor_id: int
    object_id: int


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """An object and all that hangs on it. A tombstone stays, except of an Announce."""

    id: int
    tombstone: bool = True


@dataclass(frozen=True, slots=True)
class ActorKey:
    """An actor: everything said and done by it goes; the row stays as a mark that it is gone."""

    id: int


@dataclass(frozen=True, slots=True)
class QuoteKey:
    """What a post quotes; the post stays."""

    object_id: int


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A request that was taken back."""

    id: int


@dataclass(frozen=True, slots=True)
class ReactionKey:
    """One reaction of somebody to something."""

    actor_id: int
    object_id: int
    content: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class ToldVoteKey:
    """One vote of which only a group has told."""

    object_id: int
    voter: bytes


@dataclass(frozen=True, slots=True)
class ModeratorKey:
    """Somebody's say in a group of ours."""

    group_id: int
    actor_id: int


@dataclass(frozen=True, slots=True)
class GroupBanKey:
    """Somebody's ban from a group."""

    group_id: int
    actor_id: int


Key: TypeAlias = (
    LikeKey
    | FollowKey
    | BlockKey
    | PinKey
    | ObjectKey
    | ActorKey
    | QuoteKey
    | RequestKey
    | ReactionKey
    | ToldVoteKey
    | ModeratorKey
    | GroupBanKey
)


@dataclass(frozen=True, slots=True)
class Remove:
    """Take away something that is stored; nothing happens where it is not."""

    key: Key


@dataclass(frozen=True, slots=True)
class Place:
    """Show an object in these readers' home timelines."""

    object_id: int
    reader_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell a local actor.

    `type` is one of: mention reply like announce follow follow_request poll update note report quote quoted_update
    like_request announce_request reaction.
    """

    actor_id: int
    type: str
    from_actor_id: int
    object_id: int | None = None


@dataclass(frozen=True, slots=True)
class Deliver:
    """Send an activity of a local actor. Recipients on this server are left out by whoever makes this."""

    signer_id: int
    type: str
    uri: str
    document: Mapping[str, Any]
    to_actor_ids: tuple[int, ...] = ()
    personal_ids: tuple[int, ...] = ()  # those of them who get it in their own inbox, not in that of their server
    followers_of: int | None = None
    object_id: int | None = None
    # Inboxes on this host are left out: the origin of what is forwarded has it already.
    except_host: str | None = None
    # What is passed on for somebody else, as it came: `document` is then empty, and nothing of it is signed anew.
    body: bytes | None = field(default=None, repr=False)
    # Further inboxes: relays, who are no actors here; whoever is told what is added to a conversation.
    inboxes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FetchLater:
    """Get this from the network when there is time.

    `kind` is one of: object actor featured; quoted (an object that a stored quote waits for); stamp (an approval).
    """

    uri: str
    kind: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing happens, and why. Said to our own people as an error, to other servers as a polite 202."""

    reason: Refusal
    detail: str = ""


Effect: TypeAlias = Put | Patch | Remove | Place | Notify | Deliver | FetchLater | Refuse
