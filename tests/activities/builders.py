"""People, objects, activities and worlds for decision tables, and effects as short sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from fediverse_node.base.clock import to_ms
from fediverse_node.base.ids import IdFactory
from fediverse_node.base.outcome import Fail
from fediverse_node.base.randomness import SeededRandomness
from fediverse_node.domain import effects as e
from fediverse_node.domain.facts import Facts, World
from fediverse_node.domain.model import (
    Actor,
    Follow,
    InteractionRequest,
    Object,
    Poll,
    Quote,
    Reader,
    Version,
    Visibility,
)
from fediverse_node.domain.names import Names
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.activitystreams import parse_activity
from fediverse_node.protocol.addressing import PUBLIC
from fediverse_node.protocol.objects import ObjectDocument, parse_object

T = TypeVar("T")

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
NOW_MS = to_ms(NOW)
HOUR_MS = 3_600_000
NAMES = Names("https://home.example", "home.example")


class StoppedClock:
    """It is always the same moment."""

    def now(self) -> datetime:
        return NOW

    def now_ms(self) -> int:
        return NOW_MS


def an_actor(username: str, id_: int, host: str = "home.example", **more: Any) -> Actor:
    """Somebody; ours if the host is ours."""
    uri = f"https://{host}/users/{username}"
    known = {
        "type": "Person",
        "local": host == "home.example",
        "inbox": f"{uri}/inbox",
        "shared_inbox": f"https://{host}/inbox",
        "followers_uri": f"{uri}/followers",
        "featured_uri": f"{uri}/collections/featured",
        "url": f"https://{host}/@{username}",
    }
    return Actor(id=id_, uri=uri, username=username, host=host, **{**known, **more})


ALICE = an_actor("alice", 1)
CAROL = an_actor("carol", 2)
DAVE = an_actor("dave", 3)
BOB = an_actor("bob", 10, "far.example")
# On Bob's server, but not Bob.
NEIGHBOUR = an_actor("neighbour", 11, "far.example")
EVE = an_actor("eve", 12, "evil.example")
ZOE = an_actor("zoe", 13, "third.example")
PEOPLE = (ALICE, CAROL, DAVE, BOB, NEIGHBOUR, EVE, ZOE)

# A group here, and one elsewhere.
BOATS = an_actor("boats", 40, type="Group")
CLUB = an_actor("club", 41, "far.example", type="Group")

_NAMES_OF = {person.id: person.username for person in (*PEOPLE, BOATS, CLUB)}


def an_object(author: Actor, id_: int = 100, visibility: Visibility = Visibility.PUBLIC, **more: Any) -> Object:
    """Something that was said an hour ago."""
    known = {
        "uri": f"{author.uri}/statuses/{id_}",
        "type": "Note",
        "thread_id": id_,
        "published_ms": NOW_MS - HOUR_MS,
    }
    return Object(id=id_, actor_id=author.id, local=author.local, visibility=visibility, **{**known, **more})


def an_announce(by: Actor, of: Object, id_: int = 200) -> Object:
    """`by` passed `of` on."""
    return an_object(by, id_, type="Announce", announce_of_id=of.id, uri=f"{by.uri}/announces/{id_}")


def a_poll(**more: Any) -> Poll:
    """Tea or coffee, open for an hour more."""
    known = {"options": ("tea", "coffee"), "counts": (3, 4), "expires_ms": NOW_MS + HOUR_MS}
    return Poll(**{**known, **more})


def a_follow(follower: Actor, followed: Actor, *, accepted: bool = True, **more: Any) -> Follow:
    """A follow whose URI is its follower's."""
    known = {"id": follower.id * 1000 + followed.id, "uri": follow_uri(follower, followed)}
    return Follow(follower_id=follower.id, followed_id=followed.id, accepted=accepted, **{**known, **more})


def follow_uri(follower: Actor, followed: Actor) -> str:
    """The id of a Follow."""
    return f"{follower.uri}/follows/{followed.username}"


@dataclass(frozen=True)
class Given:
    """Short forms of facts, for a readable table."""

    actors: Sequence[Actor] = PEOPLE
    objects: Sequence[Object] = ()
    follows: Sequence[tuple[Actor, Actor]] = ()
    requests: Sequence[tuple[Actor, Actor]] = ()
    readers: Sequence[tuple[Actor, Reader]] = ()
    blocks: Sequence[tuple[Actor, Actor]] = ()
    mutes: Sequence[tuple[Actor, Actor]] = ()
    mentions: Sequence[tuple[Object, Actor]] = ()
    likes: Sequence[tuple[Actor, Object]] = ()


def a_world(given: Given | None = None, **facts: Any) -> Facts:
    """Facts in which everybody of `PEOPLE` is known; `facts` are fields of Facts as they are."""
    given = given or Given()
    follows = [a_follow(*pair) for pair in given.follows] + [a_follow(*p, accepted=False) for p in given.requests]
    local = {actor.id for actor in given.actors if actor.local}
    audience: dict[int, list[Reader]] = {}
    for follow in follows:
        if follow.accepted and follow.follower_id in local:
            audience.setdefault(follow.followed_id, []).append(Reader(follow.follower_id))
    for actor, reader in given.readers:
        audience.setdefault(actor.id, []).append(reader)
    clock, randomness = StoppedClock(), SeededRandomness(1)
    known: dict[str, Any] = {
        "actors": {actor.uri: actor for actor in given.actors},
        "actors_by_id": {actor.id: actor for actor in given.actors},
        "objects": {object_.uri: object_ for object_ in given.objects},
        "objects_by_id": {object_.id: object_ for object_ in given.objects},
        "follows": {(f.follower_id, f.followed_id): f for f in follows},
        "follows_by_uri": {f.uri: f for f in follows},
        "blocks": {(one.id, other.id) for one, other in given.blocks},
        "mutes": {(one.id, other.id): True for one, other in given.mutes},
        "mentions": {(object_.id, actor.id) for object_, actor in given.mentions},
        "likes": {(actor.id, object_.id) for actor, object_ in given.likes},
        "announces": {(o.actor_id, o.announce_of_id): o for o in given.objects if o.announce_of_id is not None},
        "audience": {actor_id: tuple(readers) for actor_id, readers in audience.items()},
    }
    return Facts(world=World(clock, IdFactory(clock, randomness), randomness, NAMES), **{**known, **facts})


def a_note(author: Actor, number: int = 1, **more: Any) -> dict[str, Any]:
    """The wire form of a public note; its id is the one `an_object` gives."""
    return {
        "id": f"{author.uri}/statuses/{number}",
        "type": "Note",
        "attributedTo": author.uri,
        "content": "<p>Hello</p>",
        "published": "2026-11-21T11:00:00Z",
        "to": [PUBLIC],
        "cc": [author.followers_uri],
        **more,
    }


def mentioning(*people: Actor) -> list[dict[str, str]]:
    """The tags of a note that mentions people."""
    return [{"type": "Mention", "href": person.uri, "name": person.handle} for person in people]


def received(kind: str, actor: Actor, object_: Any, *, solicited: bool = False, **more: Any) -> Verified:
    """An activity as it comes out of the verification."""
    activity = parse_activity(
        {"id": f"{actor.uri}/activities/{kind}/7", "type": kind, "actor": actor.uri, "object": object_, **more}
    )
    assert not isinstance(activity, Fail)
    document = parse_object(activity.object, default_author=actor.uri) if activity.object is not None else None
    found = document if isinstance(document, ObjectDocument) else None
    return Verified(activity, actor.uri, "rfc9421", found, solicited)


def a_version(**more: Any) -> Version:
    """What `a_note` says, as stored."""
    return replace(Version(content="<p>Hello</p>"), **more)


def outline(effects: Iterable[e.Effect]) -> list[str]:
    """Effects as sentences: what happens to whom, without numbers and documents."""
    return [_sentence(effect) for effect in effects]


def only(kind: type[T], effects: Iterable[e.Effect]) -> T:
    """The one effect of this kind."""
    found = [effect for effect in effects if isinstance(effect, kind)]
    assert len(found) == 1, effects
    return found[0]


def who(ids: Iterable[int]) -> str:
    """The names of these people."""
    return " ".join(sorted(_NAMES_OF.get(id_, str(id_)) for id_ in ids)) or "nobody"


def _sentence(effect: e.Effect) -> str:
    match effect:
        case e.Refuse(reason):
            return f"refuse {reason.name}"
        case e.Notify(actor_id, kind, from_id):
            return f"tell {who([actor_id])} of {kind} by {who([from_id])}"
        case e.Place(_, readers):
            return f"show {who(readers)}"
        case e.FetchLater(_, kind):
            return f"fetch {kind}"
        case e.Deliver():
            followers = ["followers"] if effect.followers_of is not None else []
            told = [who([id_]) for id_ in effect.to_actor_ids]
            return f"send {effect.type} to {' '.join(followers + told) or 'nobody'}"
        case e.Put(record):
            return _put(record)
        case e.Patch(change):
            return _patch(change)
        case e.Remove(key):
            return _remove(key)


def _put(record: e.Record) -> str:
    match record:
        case e.NewObject():
            return f"store {record.visibility.value} {record.type} by {who([record.actor_id])}"
        case e.NewLike():
            return f"like of {record.object_id} by {who([record.actor_id])}"
        case e.NewFollow():
            state = "follow" if record.accepted else "request"
            return f"{state} of {who([record.followed_id])} by {who([record.follower_id])}"
        case e.NewBlock():
            return f"block of {who([record.target_id])} by {who([record.actor_id])}"
        case e.NewVotes():
            return f"vote {record.choices} by {who([record.actor_id])}"
        case e.NewReport():
            return f"report of {who([record.target_id])} by {who([record.actor_id])}"
        case e.NewPin():
            return f"pin of {record.object_id} by {who([record.actor_id])}"
        case e.NewTombstone():
            return f"tombstone {record.uri.rpartition('/')[2]}"
        case Quote():
            return f"quote of {record.quoted_uri.rpartition('/')[2]} by {who([record.actor_id])}: {record.state.value}"
        case InteractionRequest():
            return f"{record.kind.value} asked of {who([record.target_actor_id])}: {record.state.value}"
        case e.NewReaction(reaction=said):
            host = f"@{said.host}" if said.host else ""
            return f"reaction {said.content}{host} to {said.object_id} by {who([said.actor_id])}"
        case e.NewGroupPost():
            return f"{record.object_id} is in {who([record.group_id])}"
        case e.NewToldVote():
            return f"vote {record.value} for {record.object_id} told by {who([record.group_id])}"
        case e.NewModerator():
            return f"{who([record.actor_id])} moderates {who([record.group_id])}"
        case e.NewGroupBan():
            return f"{who([record.actor_id])} is banned from {who([record.group_id])}"
        case e.NewErrand():
            return f"errand {record.kind}"


def _patch(change: e.Change) -> str:
    match change:
        case e.ChangeGroupPost():
            how = {True: "out of", False: "back in", None: "closed in" if change.locked else "open in"}[change.removed]
            return f"{change.object_id} is {how} {who([change.group_id])}"
        case e.SettleRelay():
            return f"relay {change.url} {change.state}"
        case e.SettleQuote(quote):
            return f"quote of {quote.quoted_uri.rpartition('/')[2]} is {quote.state.value}"
        case e.SettleRequest(request):
            return f"{request.kind.value} asked of {who([request.target_actor_id])} is {request.state.value}"
        case e.EditObject():
            return f"edit {change.id}" + ("" if change.keep_revision else " silently")
        case e.AcceptFollow():
            return f"accept {who([change.follower_id])} for {who([change.followed_id])}"
        case e.ChangeActor():
            return f"change {who([change.id])}: {' '.join(change.changes)}"


def _remove(key: e.Key) -> str:
    match key:
        case e.ReactionKey():
            return f"unreact {key.content} to {key.object_id} by {who([key.actor_id])}"
        case e.ToldVoteKey():
            return f"no vote for {key.object_id}"
        case e.ModeratorKey():
            return f"{who([key.actor_id])} does not moderate {who([key.group_id])}"
        case e.GroupBanKey():
            return f"{who([key.actor_id])} is not banned from {who([key.group_id])}"
        case e.QuoteKey():
            return f"{key.object_id} quotes nothing"
        case e.RequestKey():
            return "forget a request"
        case e.LikeKey():
            return f"unlike of {key.object_id} by {who([key.actor_id])}"
        case e.FollowKey():
            return f"unfollow of {who([key.followed_id])} by {who([key.follower_id])}"
        case e.BlockKey():
            return f"unblock of {who([key.target_id])} by {who([key.actor_id])}"
        case e.PinKey():
            return f"unpin of {key.object_id} by {who([key.actor_id])}"
        case e.ObjectKey():
            return f"delete {key.id}" + ("" if key.tombstone else " without a trace")
        case e.ActorKey():
            return f"delete {who([key.id])}"
