"""Loads the facts of a whole batch of decisions: one query a table, however many activities there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Integer, bindparam, or_, select

from fediverse_node.domain.domains import DomainPolicy
from fediverse_node.domain.facts import Facts, Needs, World
from fediverse_node.domain.model import Actor, Follow, Object, Reader, Version
from fediverse_node.storage.approval_facts import load_approvals
from fediverse_node.storage.container_facts import load_containers
from fediverse_node.storage.group_facts import GroupFacts, load_group_facts, load_group_posts, local_groups
from fediverse_node.storage.rows import (
    FOLLOW_COLUMNS,
    actor_of,
    follow_of,
    languages_of,
    object_of,
    select_actor,
    select_object,
)
from fediverse_node.storage.statement import Statement, one_of, pair_of
from fediverse_node.storage.tables import (
    actors,
    blocks,
    followed_tags,
    follows,
    likes,
    list_members,
    lists,
    mentions,
    mutes,
    objects,
    tags,
    thread_mutes,
    tombstones,
    user_domain_blocks,
    users,
    votes,
)
from fediverse_node.storage.unit import Fetch, Unit

_ACTORS_BY_URI = Statement(select_actor().where(one_of(actors.c.uri, "uris")))
_ACTORS_BY_ID = Statement(select_actor().where(one_of(actors.c.id, "ids")))
_OBJECTS_BY_URI = Statement(select_object().where(one_of(objects.c.uri, "uris")))
_OBJECTS_BY_ID = Statement(select_object().where(one_of(objects.c.id, "ids")))
_TOMBSTONES = Statement(select(tombstones.c.uri).where(one_of(tombstones.c.uri, "uris")))
_FOLLOWS_BY_URI = Statement(select(*FOLLOW_COLUMNS).where(one_of(follows.c.uri, "uris")))
_LIKES_BY_URI = Statement(select(likes.c.uri, likes.c.actor_id, likes.c.object_id).where(one_of(likes.c.uri, "uris")))
_BLOCKS_BY_URI = Statement(
    select(blocks.c.uri, blocks.c.actor_id, blocks.c.target_id).where(one_of(blocks.c.uri, "uris"))
)
_FOLLOWS = Statement(select(*FOLLOW_COLUMNS).where(pair_of(follows.c.follower_id, follows.c.followed_id, "pairs")))
_BLOCKS = Statement(select(blocks.c.actor_id, blocks.c.target_id).where(one_of(blocks.c.target_id, "ids")))
_DOMAIN_BLOCKS = Statement(
    select(user_domain_blocks.c.actor_id, user_domain_blocks.c.host).where(
        one_of(user_domain_blocks.c.actor_id, "ids"), one_of(user_domain_blocks.c.host, "hosts")
    )
)
_MUTES = Statement(
    select(mutes.c.actor_id, mutes.c.target_id, mutes.c.notifications).where(
        one_of(mutes.c.target_id, "ids"),
        or_(mutes.c.expires_ms.is_(None), mutes.c.expires_ms > bindparam("now_ms", type_=mutes.c.expires_ms.type)),
    )
)
_LIKES = Statement(
    select(likes.c.actor_id, likes.c.object_id).where(
        pair_of(likes.c.actor_id, likes.c.object_id, "pairs"), likes.c.implied.is_(False)
    )
)
_ANNOUNCES = Statement(select_object().where(pair_of(objects.c.actor_id, objects.c.announce_of_id, "pairs")))
_VOTES = Statement(
    select(votes.c.actor_id, votes.c.object_id, votes.c.choice).where(
        pair_of(votes.c.object_id, votes.c.actor_id, "pairs")
    )
)
_MENTIONS = Statement(
    select(mentions.c.object_id, mentions.c.actor_id).where(pair_of(mentions.c.object_id, mentions.c.actor_id, "pairs"))
)
_THREAD_MUTES = Statement(
    select(thread_mutes.c.actor_id, thread_mutes.c.thread_id).where(one_of(thread_mutes.c.thread_id, "ids"))
)
_READERS = select(
    follows.c.followed_id,
    follows.c.follower_id,
    follows.c.show_announces,
    follows.c.notify,
    follows.c.languages,
).where(follows.c.follower_local, follows.c.accepted)
_AUDIENCE = Statement(_READERS.where(one_of(follows.c.followed_id, "ids")))
_SOME_AUDIENCE = Statement(
    _READERS.where(follows.c.followed_id == bindparam("author", type_=follows.c.followed_id.type))
    .order_by(follows.c.id)
    .limit(bindparam("most", type_=Integer()))
)
_EXCLUSIVE = Statement(
    select(lists.c.actor_id.label("reader_id"), list_members.c.actor_id.label("author_id"))
    .select_from(list_members.join(lists, lists.c.id == list_members.c.list_id))
    .where(lists.c.exclusive, one_of(list_members.c.actor_id, "ids"))
)
_HASHTAG_FOLLOWERS = Statement(
    select(tags.c.name, followed_tags.c.actor_id)
    .select_from(followed_tags.join(tags, tags.c.id == followed_tags.c.tag_id))
    .where(one_of(tags.c.name, "names"))
)
_ANNOUNCERS = Statement(
    select(objects.c.announce_of_id, objects.c.actor_id).where(one_of(objects.c.announce_of_id, "ids"), objects.c.local)
)
_STAFF = Statement(select(users.c.actor_id).where(users.c.role != "user"))
_VERSIONS = Statement(
    select(
        objects.c.id,
        objects.c.content,
        objects.c.summary,
        objects.c.sensitive,
        objects.c.attachments,
        objects.c.parts,
    ).where(one_of(objects.c.id, "ids"))
)
_ALL_MENTIONS = Statement(select(mentions.c.object_id, mentions.c.actor_id).where(one_of(mentions.c.object_id, "ids")))
_AWAITED = Statement(
    select(objects.c.in_reply_to_uri)
    .distinct()
    .where(
        objects.c.in_reply_to_id.is_(None),
        objects.c.in_reply_to_uri.is_not(None),
        one_of(objects.c.in_reply_to_uri, "uris"),
    )
)


def load_facts(needs: Sequence[Needs], world: World, domains: DomainPolicy) -> Unit[Facts]:
    """The facts that answer all these needs together."""
    found_actors = yield from _load_actors(needs)
    found_objects = yield from _load_objects(needs)
    by_uri = yield from _load_activities(needs)
    by_id = {actor.id: actor for actor in found_actors.values()}
    objects_by_id = {object_.id: object_ for object_ in found_objects.values()}
    approvals = yield from load_approvals(needs, found_objects, objects_by_id)
    grouped = yield from load_group_posts(needs, found_objects, objects_by_id)
    for row in (yield from _fetch(_OBJECTS_BY_ID, ids=approvals.object_ids() - objects_by_id.keys())):
        objects_by_id[row["id"]] = object_of(row)
    containers = yield from load_containers(needs, objects_by_id)
    owners = {container.owner_id for container in containers.values()}
    missing = _referred_actor_ids(objects_by_id.values(), by_uri) | approvals.actor_ids() | grouped.group_ids
    missing = (missing | owners) - by_id.keys()
    for row in (yield from _fetch(_ACTORS_BY_ID, ids=missing)):
        actor = actor_of(row)
        by_id[actor.id] = actor
    found_actors = {actor.uri: actor for actor in by_id.values()}
    if grouped.relays:
        for row in (yield from _fetch(_ACTORS_BY_URI, uris={world.names.instance_actor} - found_actors.keys())):
            found_actors[row["uri"]] = by_id[row["id"]] = actor_of(row)
    circle = _circle(needs, found_actors, found_objects, objects_by_id)
    our_groups = _join_groups(needs, grouped, found_actors, by_id, objects_by_id, circle)
    acting_ids = {found_actors[n.acting].id for n in needs if (n.audience or n.followers) and n.acting in found_actors}
    # What waited for approval is shown to the readers of its author, who is not the one who approves.
    acting_ids |= approvals.speakers() | our_groups
    circle.people |= approvals.actor_ids() | owners
    for request in approvals.found_requests():
        circle.replied_to.add(request.target_actor_id)
        if request.target_id in objects_by_id:
            circle.object_pairs.add((request.actor_id, request.target_id))
    audience = yield from _load_audience(acting_ids, needs, found_actors, by_id)
    yield from _load_followers(needs, found_actors, audience, circle, by_id)
    relations = yield from _load_relations(circle, audience, objects_by_id, world.clock.now_ms())
    domain_blocks = yield from _load_domain_blocks(circle, by_id)
    extras = yield from _load_extras(needs, found_objects, objects_by_id)
    about_groups = yield from load_group_facts(
        needs, grouped, found_actors, found_objects, objects_by_id, world.clock.now_ms()
    )
    return Facts(
        world=world,
        actors=found_actors,
        actors_by_id=by_id,
        objects=found_objects,
        objects_by_id=objects_by_id,
        audience=audience,
        domains=domains,
        domain_blocks=domain_blocks,
        containers=containers,
        **by_uri,
        **relations,
        **extras,
        **approvals.as_fields(),
        **about_groups,
    )


def _fetch(statement: Statement, **lists_: Any) -> Unit[list[Any]]:
    # Nothing asked, nothing sent: most batches need few of the tables. Sorted, so that a world repeats itself.
    if not next(iter(lists_.values())):
        return []
    rows = yield Fetch(statement, {k: sorted(v) if isinstance(v, set) else v for k, v in lists_.items()})
    return list(rows)


def _load_actors(needs: Sequence[Needs]) -> Unit[dict[str, Actor]]:
    uris = {uri for need in needs for uri in (*need.actors, *need.voters, need.acting) if uri}
    ids = {actor_id for need in needs for actor_id in need.actor_ids}
    rows = yield from _fetch(_ACTORS_BY_URI, uris=uris)
    more = yield from _fetch(_ACTORS_BY_ID, ids=ids)
    return {row["uri"]: actor_of(row) for row in (*rows, *more)}


def _load_objects(needs: Sequence[Needs]) -> Unit[dict[str, Object]]:
    uris = {uri for need in needs for uri in (*need.objects, *need.activities)}
    ids = {object_id for need in needs for object_id in need.object_ids}
    rows = yield from _fetch(_OBJECTS_BY_URI, uris=uris)
    more = yield from _fetch(_OBJECTS_BY_ID, ids=ids)
    found = {row["uri"]: object_of(row) for row in (*rows, *more)}
    targets = {o.announce_of_id for o in found.values() if o.announce_of_id} - {o.id for o in found.values()}
    for row in (yield from _fetch(_OBJECTS_BY_ID, ids=targets)):
        found[row["uri"]] = object_of(row)
    return found


def _load_activities(needs: Sequence[Needs]) -> Unit[dict[str, Any]]:
    uris = {uri for need in needs for uri in need.activities}
    follow_rows = yield from _fetch(_FOLLOWS_BY_URI, uris=uris)
    like_rows = yield from _fetch(_LIKES_BY_URI, uris=uris)
    block_rows = yield from _fetch(_BLOCKS_BY_URI, uris=uris)
    return {
        "follows_by_uri": {row["uri"]: follow_of(row) for row in follow_rows},
        "likes_by_uri": {row["uri"]: (row["actor_id"], row["object_id"]) for row in like_rows},
        "blocks_by_uri": {row["uri"]: (row["actor_id"], row["target_id"]) for row in block_rows},
    }


def _referred_actor_ids(found: Iterable[Object], by_uri: Mapping[str, Any]) -> set[int]:
    # Whom it answers too: a change of it is passed on to the followers of one of ours.
    ids = {id_ for object_ in found for id_ in (object_.actor_id, object_.in_reply_to_actor_id) if id_ is not None}
    for follow in by_uri["follows_by_uri"].values():
        ids |= {follow.follower_id, follow.followed_id}
    for one, other in by_uri["blocks_by_uri"].values():
        ids |= {one, other}
    return ids


class _Circle:
    """Who and what meets in the decisions of a batch, as pairs of ids."""

    def __init__(self) -> None:
        self.people: set[int] = set()
        self.replied_to: set[int] = set()
        self.follow_pairs: set[tuple[int, int]] = set()
        self.object_pairs: set[tuple[int, int]] = set()  # (actor, object)


def _circle(
    needs: Sequence[Needs],
    found_actors: Mapping[str, Actor],
    found_objects: Mapping[str, Object],
    objects_by_id: Mapping[int, Object],
) -> _Circle:
    circle = _Circle()
    for need in needs:
        acting = found_actors.get(need.acting)
        named = [found_objects[uri] for uri in (*need.objects, *need.activities) if uri in found_objects]
        named += [objects_by_id[object_id] for object_id in need.object_ids if object_id in objects_by_id]
        people = {found_actors[uri].id for uri in need.actors if uri in found_actors} | set(need.actor_ids)
        people |= {object_.actor_id for object_ in named}
        circle.replied_to |= {object_.actor_id for object_ in named}
        circle.people |= people
        if acting is None:
            continue
        circle.people.add(acting.id)
        for other in people:
            circle.follow_pairs |= {(acting.id, other), (other, acting.id)}
        circle.object_pairs |= {(acting.id, object_.id) for object_ in named}
    return circle


def _join_groups(
    needs: Sequence[Needs],
    grouped: GroupFacts,
    found_actors: Mapping[str, Actor],
    by_id: Mapping[int, Actor],
    objects_by_id: Mapping[int, Object],
    circle: _Circle,
) -> set[int]:
    """What lies between people and the groups they act in; the groups of ours, whose readers may see what follows."""
    touched = local_groups(needs, found_actors) | grouped.group_ids
    if not touched:
        return set()
    people = {found_actors[uri].id for n in needs if n.groups for uri in (n.acting, *n.actors) if uri in found_actors}
    people |= {id_ for n in needs if n.groups for id_ in n.actor_ids}
    circle.people |= touched
    circle.follow_pairs |= {(person, group) for person in people for group in touched}
    # Where a conversation began counts too, but is not itself what anything is decided about.
    circle.object_pairs |= {(group, object_id) for group, object_id in grouped.pairs() if object_id in objects_by_id}
    for need in needs:
        if need.voters:
            voters = {found_actors[uri].id for uri in need.voters if uri in found_actors}
            circle.object_pairs |= {(voter, id_) for voter in voters for id_ in grouped.posts if id_ in objects_by_id}
    return {group for group in touched if group in by_id and by_id[group].local}


def _load_audience(
    acting_ids: set[int], needs: Sequence[Needs], found_actors: Mapping[str, Actor], by_id: dict[int, Actor]
) -> Unit[dict[int, tuple[Reader, ...]]]:
    readers: dict[int, list[Reader]] = {}
    # An actor acts once in a round: nobody else needs all of these.
    some = {found_actors[n.acting].id: n.most_followers for n in needs if n.most_followers and n.acting in found_actors}
    rows = yield from _fetch(_AUDIENCE, ids=acting_ids - some.keys())
    for actor_id, most in sorted(some.items()):
        rows += yield Fetch(_SOME_AUDIENCE, {"author": actor_id, "most": most})
    for row in rows:
        reader = Reader(
            row["follower_id"], bool(row["show_announces"]), bool(row["notify"]), languages_of(row["languages"])
        )
        readers.setdefault(row["followed_id"], []).append(reader)
    notified = {r.actor_id for found in readers.values() for r in found if r.notify} - by_id.keys()
    for row in (yield from _fetch(_ACTORS_BY_ID, ids=notified)):
        by_id[row["id"]] = actor_of(row)
    return {actor_id: tuple(found) for actor_id, found in readers.items()}


def _load_followers(
    needs: Sequence[Needs],
    found_actors: Mapping[str, Actor],
    audience: Mapping[int, tuple[Reader, ...]],
    circle: _Circle,
    by_id: dict[int, Actor],
) -> Unit[None]:
    """The local followers themselves, with what is between them and everybody the activity names."""
    for need in needs:
        acting = found_actors.get(need.acting)
        if not need.followers or acting is None:
            continue
        readers = {reader.actor_id for reader in audience.get(acting.id, ())}
        others = {found_actors[uri].id for uri in need.actors if uri in found_actors} | {acting.id}
        circle.people |= readers
        circle.follow_pairs |= {(reader, other) for reader in readers for other in others}
        for row in (yield from _fetch(_ACTORS_BY_ID, ids=readers - by_id.keys())):
            by_id[row["id"]] = actor_of(row)


def _load_relations(
    circle: _Circle,
    audience: Mapping[int, tuple[Reader, ...]],
    objects_by_id: Mapping[int, Object],
    now_ms: int,
) -> Unit[dict[str, Any]]:
    reader_ids = {reader.actor_id for readers in audience.values() for reader in readers}
    pairs = circle.follow_pairs | {(reader, author) for reader in reader_ids for author in circle.replied_to}
    follow_rows = yield from _fetch(_FOLLOWS, pairs=pairs)
    # Everybody who avoids somebody in this circle: few rows, and the readers of a fan-out are among them.
    block_rows = yield from _fetch(_BLOCKS, ids=circle.people)
    mute_rows = yield from _fetch(_MUTES, ids=circle.people, now_ms=now_ms)
    like_rows = yield from _fetch(_LIKES, pairs=circle.object_pairs)
    announce_rows = yield from _fetch(_ANNOUNCES, pairs=circle.object_pairs)
    turned = {(object_id, actor_id) for actor_id, object_id in circle.object_pairs}
    mention_rows = yield from _fetch(_MENTIONS, pairs=turned)
    polled = {(object_id, actor_id) for object_id, actor_id in turned if objects_by_id[object_id].poll is not None}
    vote_rows = yield from _fetch(_VOTES, pairs=polled)
    threads = {o.thread_id or o.id for o in objects_by_id.values()}
    thread_mute_rows = yield from _fetch(_THREAD_MUTES, ids=threads)
    hidden_rows = yield from _fetch(_EXCLUSIVE, ids=set(audience))
    found_votes: dict[tuple[int, int], tuple[int, ...]] = {}
    for row in vote_rows:
        key = (row["actor_id"], row["object_id"])
        found_votes[key] = (*found_votes.get(key, ()), row["choice"])
    return {
        "follows": _by_pair(follow_rows),
        "blocks": {(row["actor_id"], row["target_id"]) for row in block_rows},
        "mutes": {(row["actor_id"], row["target_id"]): bool(row["notifications"]) for row in mute_rows},
        "likes": {(row["actor_id"], row["object_id"]) for row in like_rows},
        "announces": {(row["actor_id"], row["announce_of_id"]): object_of(row) for row in announce_rows},
        "mentions": {(row["object_id"], row["actor_id"]) for row in mention_rows},
        "votes": found_votes,
        "thread_mutes": {(row["actor_id"], row["thread_id"]) for row in thread_mute_rows},
        "hidden_from_home": {(row["reader_id"], row["author_id"]) for row in hidden_rows},
    }


def _load_domain_blocks(circle: _Circle, by_id: Mapping[int, Actor]) -> Unit[set[tuple[int, str]]]:
    """Between those who meet in the decisions; whoever else keeps away from a host is spared when they read."""
    met = [by_id[actor_id] for actor_id in circle.people if actor_id in by_id]
    hosts = {actor.host for actor in met if not actor.local}
    if not hosts:
        return set()
    rows = yield from _fetch(_DOMAIN_BLOCKS, ids={actor.id for actor in met if actor.local}, hosts=hosts)
    return {(row["actor_id"], row["host"]) for row in rows}


def _by_pair(rows: Iterable[Any]) -> dict[tuple[int, int], Follow]:
    found = (follow_of(row) for row in rows)
    return {(follow.follower_id, follow.followed_id): follow for follow in found}


def _load_extras(
    needs: Sequence[Needs], found_objects: Mapping[str, Object], objects_by_id: Mapping[int, Object]
) -> Unit[dict[str, Any]]:
    unknown = {uri for need in needs for uri in need.objects if uri not in found_objects}
    tombstone_rows = yield from _fetch(_TOMBSTONES, uris=unknown)
    names = {name for need in needs for name in need.hashtags}
    hashtag_rows = yield from _fetch(_HASHTAG_FOLLOWERS, names=names)
    announced = {
        object_.id
        for need in needs
        if need.announcers
        for object_ in (
            *(found_objects[uri] for uri in need.objects if uri in found_objects),
            *(objects_by_id[i] for i in need.object_ids if i in objects_by_id),
        )
    }
    versions = yield from _load_versions(
        {
            object_.id
            for need in needs
            if need.versions
            for object_ in (
                *(found_objects[uri] for uri in need.objects if uri in found_objects),
                *(objects_by_id[i] for i in need.object_ids if i in objects_by_id),
            )
        }
    )
    announcer_rows = yield from _fetch(_ANNOUNCERS, ids=announced)
    awaited_rows = yield from _fetch(_AWAITED, uris={uri for need in needs for uri in need.orphans_of})
    staff: list[Any] = []
    if any(need.staff for need in needs):
        staff = yield Fetch(_STAFF, {})
    hashtag_followers: dict[str, tuple[int, ...]] = {}
    for row in hashtag_rows:
        hashtag_followers[row["name"]] = (*hashtag_followers.get(row["name"], ()), row["actor_id"])
    announcers: dict[int, tuple[int, ...]] = {}
    for row in announcer_rows:
        announcers[row["announce_of_id"]] = (*announcers.get(row["announce_of_id"], ()), row["actor_id"])
    return {
        "tombstones": {row["uri"] for row in tombstone_rows},
        "hashtag_followers": hashtag_followers,
        "announcers": announcers,
        "staff": tuple(row["actor_id"] for row in staff),
        "versions": versions,
        "awaited": {row["in_reply_to_uri"] for row in awaited_rows},
    }


def _load_versions(ids: set[int]) -> Unit[dict[int, Version]]:
    rows = yield from _fetch(_VERSIONS, ids=ids)
    mentioned: dict[int, tuple[int, ...]] = {}
    for row in (yield from _fetch(_ALL_MENTIONS, ids=ids)):
        mentioned[row["object_id"]] = (*mentioned.get(row["object_id"], ()), row["actor_id"])
    return {
        row["id"]: Version(
            content=row["content"],
            summary=row["summary"],
            sensitive=bool(row["sensitive"]),
            attachments=tuple(orjson.loads(row["attachments"])),
            parts=orjson.loads(row["parts"]),
            mention_ids=mentioned.get(row["id"], ()),
        )
        for row in rows
    }
