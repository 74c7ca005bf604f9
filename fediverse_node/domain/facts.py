"""What a rule needs to know, and what it was told.

A rule declares its `Needs` from the activity alone; storage answers the needs of a whole batch with one
query a table; the rule then decides from `Facts` without asking again. Facts can be out of date in one
respect only: another process may have written meanwhile. Unique keys and idempotent effects cover that.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from fediverse_node.base.clock import Clock
from fediverse_node.base.ids import IdFactory
from fediverse_node.base.randomness import Randomness
from fediverse_node.domain.domains import EVERYBODY, DomainPolicy
from fediverse_node.domain.effects import NewObject
from fediverse_node.domain.model import (
    Actor,
    Container,
    Follow,
    GroupPost,
    GroupRules,
    InteractionRequest,
    Object,
    Quote,
    Reaction,
    Reader,
    Relay,
    Version,
)
from fediverse_node.domain.names import Names


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be loaded before a decision.

    `acting` names whoever acts: relations (follows, blocks, mutes) are loaded between them and everybody
    else the decision names, in both directions.
    """

    acting: str = ""
    actors: tuple[str, ...] = ()
    actor_ids: tuple[int, ...] = ()
    objects: tuple[str, ...] = ()
    object_ids: tuple[int, ...] = ()
    activities: tuple[str, ...] = ()  # ids of Follow, Like, Announce, Block activities that are referred to
    audience: bool = False  # the local followers of whoever acts
    hashtags: tuple[str, ...] = ()
    staff: bool = False  # local actors who moderate
    announcers: bool = False  # local actors who announced the objects
    versions: bool = False  # the text of the objects as stored, to tell an edit from a repetition
    # The local followers of whoever acts, as actors, with their follows and blocks (both ways) of it and of `actors`.
    followers: bool = False
    # Of the local followers load no more than so many; 0 for all.
    most_followers: int = 0
    orphans_of: tuple[str, ...] = ()  # is anybody waiting for this object?
    # The quotes and requests that the named objects are, and (by `stamps`, `requests`, `activities`) others.
    approvals: bool = False
    stamps: tuple[str, ...] = ()
    requests: tuple[int, ...] = ()
    whole: bool = False  # the objects themselves of all quotes and requests that are found
    reactions: bool = False  # what whoever acts said about the objects with a picture
    # The groups in which the objects are, and what matters there; `voters` are those of whom a group tells.
    groups: bool = False
    voters: tuple[str, ...] = ()
    relays: bool = False
    containers: bool = False  # who is told what is added to the conversations in which the objects stand


@dataclass(frozen=True, slots=True)
class World:
    """The ports a decision may use: time, ids, randomness, and how our own URIs are built."""

    clock: Clock
    ids: IdFactory
    randomness: Randomness
    names: Names


@dataclass(frozen=True, slots=True)
class Facts:
    """The answers to the needs of a batch. Lookups miss when something does not exist."""

    world: World
    actors: Mapping[str, Actor] = field(default_factory=dict)
    actors_by_id: Mapping[int, Actor] = field(default_factory=dict)
    objects: Mapping[str, Object] = field(default_factory=dict)
    objects_by_id: Mapping[int, Object] = field(default_factory=dict)
    tombstones: Set[str] = frozenset()
    follows: Mapping[tuple[int, int], Follow] = field(default_factory=dict)  # (follower, followed)
    follows_by_uri: Mapping[str, Follow] = field(default_factory=dict)
    likes_by_uri: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # uri -> (actor, object)
    blocks_by_uri: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # uri -> (actor, target)
    likes: Set[tuple[int, int]] = frozenset()  # (actor, object)
    announces: Mapping[tuple[int, int], Object] = field(default_factory=dict)  # (actor, object) -> the Announce
    votes: Mapping[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)  # (actor, object) -> choices
    mentions: Set[tuple[int, int]] = frozenset()  # (object, actor)
    blocks: Set[tuple[int, int]] = frozenset()  # (who, whom)
    mutes: Mapping[tuple[int, int], bool] = field(default_factory=dict)  # (who, whom) -> also notifications
    thread_mutes: Set[tuple[int, int]] = frozenset()  # (actor, thread)
    audience: Mapping[int, tuple[Reader, ...]] = field(default_factory=dict)  # author -> local followers
    hidden_from_home: Set[tuple[int, int]] = frozenset()  # (reader, author) kept in an exclusive list only
    hashtag_followers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    announcers: Mapping[int, tuple[int, ...]] = field(default_factory=dict)  # object -> local announcers
    versions: Mapping[int, Version] = field(default_factory=dict)  # object -> what it says now
    staff: tuple[int, ...] = ()
    domains: DomainPolicy = EVERYBODY
    domain_blocks: Set[tuple[int, str]] = frozenset()  # (who of ours, the host that they keep away from)
    awaited: Set[str] = frozenset()  # objects that a reply of ours waits for
    waiting_quotes: Mapping[str, tuple[Quote, ...]] = field(default_factory=dict)  # quoted URI -> who waits for it
    quotes: Mapping[int, Quote] = field(default_factory=dict)  # quoting object -> its quote
    quotes_by_request: Mapping[str, Quote] = field(default_factory=dict)
    quotes_by_stamp: Mapping[str, tuple[Quote, ...]] = field(default_factory=dict)
    requests: Mapping[int, InteractionRequest] = field(default_factory=dict)
    requests_by_uri: Mapping[str, InteractionRequest] = field(default_factory=dict)  # its own or that of its asking
    requests_by_stamp: Mapping[str, tuple[InteractionRequest, ...]] = field(default_factory=dict)
    requests_by_object: Mapping[int, InteractionRequest] = field(default_factory=dict)  # reply -> its request
    records: Mapping[int, NewObject] = field(default_factory=dict)  # objects, whole
    # object -> (author here, post of theirs that quotes it); with `announcers`
    quoters: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    reactions: Mapping[tuple[int, int], tuple[Reaction, ...]] = field(default_factory=dict)  # (actor, object)
    reactions_by_uri: Mapping[str, Reaction] = field(default_factory=dict)
    group_posts: Mapping[int, tuple[GroupPost, ...]] = field(default_factory=dict)  # object -> the groups it is in
    group_rules: Mapping[int, GroupRules] = field(default_factory=dict)  # groups of ours
    group_bans: Set[tuple[int, int]] = frozenset()  # (group, actor)
    locked_threads: Mapping[int, int] = field(default_factory=dict)  # thread -> the group that closed it
    told_votes: Set[tuple[int, bytes]] = frozenset()  # (object, voter)
    relays: tuple[Relay, ...] = ()
    containers: Mapping[int, Container] = field(default_factory=dict)  # thread -> it, if somebody is told

    def actor(self, uri: str | None) -> Actor | None:
        """The actor with this URI, if known."""
        return self.actors.get(uri) if uri else None

    def author(self, object_: Object) -> Actor | None:
        """Who said it."""
        return self.actors_by_id.get(object_.actor_id)

    def follows_accepted(self, follower_id: int, followed_id: int) -> bool:
        """Whether the follow exists and was accepted (a request alone is not a follow)."""
        follow = self.follows.get((follower_id, followed_id))
        return follow is not None and follow.accepted

    def now_ms(self) -> int:
        """The moment of the decision, milliseconds since the epoch."""
        return self.world.clock.now_ms()
