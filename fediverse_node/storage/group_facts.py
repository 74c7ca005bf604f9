"""The facts about groups, reactions and relays that a batch of decisions needs: nothing is asked that nobody needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import or_, select

from fediverse_node.domain.facts import Needs
from fediverse_node.domain.group_news import voter_of
from fediverse_node.domain.groups import GROUP
from fediverse_node.domain.model import Actor, GroupPost, GroupRules, Object, Reaction, Relay
from fediverse_node.storage.statement import Statement, one_of, pair_of
from fediverse_node.storage.tables import (
    group_bans,
    group_moderators,
    group_posts,
    groups,
    reactions,
    relays,
    told_votes,
)
from fediverse_node.storage.unit import Fetch, Unit

_POSTS = Statement(
    select(group_posts.c.object_id, group_posts.c.group_id, group_posts.c.removed, group_posts.c.locked)
    .where(one_of(group_posts.c.object_id, "ids"))
    .order_by(group_posts.c.object_id, group_posts.c.group_id)
)
_RULES = Statement(select(groups.c.actor_id, groups.c.posting).where(one_of(groups.c.actor_id, "ids")))
_MODERATORS = Statement(
    select(group_moderators.c.group_id, group_moderators.c.actor_id).where(one_of(group_moderators.c.group_id, "ids"))
)
_BANS = Statement(
    select(group_bans.c.group_id, group_bans.c.actor_id, group_bans.c.expires_ms).where(
        one_of(group_bans.c.group_id, "ids"), one_of(group_bans.c.actor_id, "people")
    )
)
_TOLD = Statement(select(told_votes.c.object_id, told_votes.c.voter).where(one_of(told_votes.c.object_id, "ids")))
_COLUMNS = (
    reactions.c.actor_id,
    reactions.c.object_id,
    reactions.c.content,
    reactions.c.host,
    reactions.c.url,
    reactions.c.uri,
)
_REACTIONS = Statement(
    select(*_COLUMNS).where(pair_of(reactions.c.actor_id, reactions.c.object_id, "pairs")).order_by(reactions.c.id)
)
_REACTIONS_BY_URI = Statement(select(*_COLUMNS).where(one_of(reactions.c.uri, "uris")))
_RELAYS = Statement(
    select(
        relays.c.url,
        relays.c.style,
        relays.c.inbox,
        relays.c.follow_uri,
        relays.c.actor_uri,
        relays.c.state,
    )
    .where(or_(relays.c.state == "accepted", relays.c.state == "asked"))
    .order_by(relays.c.url)
)


@dataclass(slots=True)
class GroupFacts:
    """What was found; `group_ids` are the groups that the decisions touch."""

    posts: dict[int, tuple[GroupPost, ...]] = field(default_factory=dict)
    reactions_by_uri: dict[str, Reaction] = field(default_factory=dict)
    relays: tuple[Relay, ...] = ()

    @property
    def group_ids(self) -> set[int]:
        """The groups in which the objects are."""
        return {post.group_id for posts in self.posts.values() for post in posts}

    def pairs(self) -> set[tuple[int, int]]:
        """(group, object): whether a group has announced what is in it."""
        return {(post.group_id, post.object_id) for posts in self.posts.values() for post in posts}


def load_group_posts(
    needs: Sequence[Needs], found_objects: Mapping[str, Object], objects_by_id: Mapping[int, Object]
) -> Unit[GroupFacts]:
    """In which groups the named objects are, or the conversations they stand in; reactions by their ids; relays."""
    found = GroupFacts()
    ids: set[int] = set()
    for need in needs:
        if need.groups:
            for object_ in _named(need, found_objects, objects_by_id):
                ids |= {object_.id, object_.thread_id or object_.id}
    if ids:
        for row in (yield Fetch(_POSTS, {"ids": sorted(ids)})):
            post = GroupPost(row["object_id"], row["group_id"], bool(row["removed"]), bool(row["locked"]))
            found.posts[post.object_id] = (*found.posts.get(post.object_id, ()), post)
    uris = sorted({uri for need in needs if need.reactions for uri in need.activities})
    if uris:
        rows = yield Fetch(_REACTIONS_BY_URI, {"uris": uris})
        found.reactions_by_uri = {row["uri"]: _reaction_of(row) for row in rows}
    if any(need.relays for need in needs):
        rows = yield Fetch(_RELAYS, {})
        found.relays = tuple(
            Relay(row["url"], row["style"], row["inbox"], row["follow_uri"], row["actor_uri"], row["state"])
            for row in rows
        )
    return found


def load_group_facts(
    needs: Sequence[Needs],
    found: GroupFacts,
    found_actors: Mapping[str, Actor],
    found_objects: Mapping[str, Object],
    objects_by_id: Mapping[int, Object],
    now_ms: int,
) -> Unit[dict[str, Any]]:
    """The fields of `Facts` about these subjects."""
    wanting = [need for need in needs if need.groups]
    touched = local_groups(wanting, found_actors) | found.group_ids
    rules, bans = yield from _load_rules(touched, wanting, found_actors, now_ms)
    told: Set[tuple[int, bytes]] = frozenset()
    if found.posts:
        voters = {uri for need in wanting for uri in (*need.voters, need.acting) if uri}
        told = yield from _load_told(sorted(found.posts), voters)
    pairs = {
        (found_actors[need.acting].id, object_.id)
        for need in needs
        if need.reactions and need.acting in found_actors
        for object_ in _named(need, found_objects, objects_by_id)
    }
    said: dict[tuple[int, int], tuple[Reaction, ...]] = {}
    if pairs:
        for row in (yield Fetch(_REACTIONS, {"pairs": sorted(pairs)})):
            reaction = _reaction_of(row)
            key = (reaction.actor_id, reaction.object_id)
            said[key] = (*said.get(key, ()), reaction)
    return {
        "group_posts": found.posts,
        "group_rules": rules,
        "group_bans": bans,
        "told_votes": told,
        "reactions": said,
        "reactions_by_uri": found.reactions_by_uri,
        "relays": found.relays,
    }


def local_groups(needs: Iterable[Needs], found_actors: Mapping[str, Actor]) -> set[int]:
    """Groups that are named by decisions which want to know about groups."""
    ids: set[int] = set()
    by_id = {actor.id: actor for actor in found_actors.values()}
    for need in needs:
        named = [found_actors[uri] for uri in need.actors if uri in found_actors] if need.groups else []
        named += [by_id[id_] for id_ in need.actor_ids if id_ in by_id] if need.groups else []
        ids |= {actor.id for actor in named if actor.type == GROUP}
    return ids


def _load_rules(
    touched: set[int], wanting: Sequence[Needs], found_actors: Mapping[str, Actor], now_ms: int
) -> Unit[tuple[dict[int, GroupRules], set[tuple[int, int]]]]:
    if not touched:
        return {}, set()
    ids = sorted(touched)
    posting = {row["actor_id"]: row["posting"] for row in (yield Fetch(_RULES, {"ids": ids}))}
    moderators: dict[int, set[int]] = {}
    for row in (yield Fetch(_MODERATORS, {"ids": ids})):
        moderators.setdefault(row["group_id"], set()).add(row["actor_id"])
    people = {
        found_actors[uri].id for need in wanting for uri in (need.acting, *need.actors) if uri in found_actors
    } | {id_ for need in wanting for id_ in need.actor_ids}
    bans = yield Fetch(_BANS, {"ids": ids, "people": sorted(people)})
    rules = {
        id_: GroupRules(posting.get(id_, "members"), frozenset(moderators.get(id_, ())))
        for id_ in ids
        if id_ in posting or id_ in moderators
    }
    in_force = (row for row in bans if row["expires_ms"] is None or row["expires_ms"] > now_ms)
    return rules, {(row["group_id"], row["actor_id"]) for row in in_force}


def _load_told(object_ids: list[int], voters: set[str]) -> Unit[set[tuple[int, bytes]]]:
    wanted = {voter_of(uri) for uri in voters}
    if not wanted:
        return set()
    rows = yield Fetch(_TOLD, {"ids": object_ids})
    return {(row["object_id"], bytes(row["voter"])) for row in rows if bytes(row["voter"]) in wanted}


def _named(need: Needs, found_objects: Mapping[str, Object], objects_by_id: Mapping[int, Object]) -> Iterable[Object]:
    for uri in (*need.objects, *need.activities):
        if uri in found_objects:
            yield found_objects[uri]
    for object_id in need.object_ids:
        if object_id in objects_by_id:
            yield objects_by_id[object_id]


def _reaction_of(row: Any) -> Reaction:
    return Reaction(row["actor_id"], row["object_id"], row["content"], row["host"], row["url"], row["uri"])
