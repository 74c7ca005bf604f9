"""Groups of our own: who may write in them, what they pass on, and what their moderators do.  spec: fep-1b12

A group passes on to all its members what they write in it and do about it, whole, as an Announce of the activity; a new
post it announces once more by its address alone, which is all that Mastodon understands. Only what everybody may read
goes this way. Moderators decide what is in the group, not what somebody has said: a post that they remove stays with
its author. What groups elsewhere tell is in `domain/group_news.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fediverse_node.base.clock import to_ms
from fediverse_node.domain import follows, policy, wire
from fediverse_node.domain.effects import (
    ChangeGroupPost,
    Deliver,
    Effect,
    FollowKey,
    GroupBanKey,
    ModeratorKey,
    NewGroupBan,
    NewGroupPost,
    NewModerator,
    NewObject,
    ObjectKey,
    Patch,
    Place,
    Put,
    Refuse,
    Remove,
)
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.fan_out import readers_of_announce
from fediverse_node.domain.model import Actor, GroupPost, GroupRules, Object, Visibility
from fediverse_node.domain.reception import mention_of
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.activitystreams import Activity, inner_activity
from fediverse_node.protocol.contexts import with_context

GROUP = "Group"
POSTING = ("everybody", "members", "moderators")
# What concerns a post in a group, and so everybody in it. Reports and follows are nobody else's business.
PASSED_ON = frozenset({"Create", "Update", "Delete", "Like", "Dislike", "EmojiReact", "Undo"})
MODERATING = frozenset({"Delete", "Lock", "Block", "Add", "Remove", "Undo"})
_OPEN = (Visibility.PUBLIC, Visibility.UNLISTED)
# Nobody writes in more groups at once who does not want to flood them.
MOST_GROUPS = 5


def with_groups(needs: Needs, verified: Verified) -> Needs:
    """The needs of a rule, and those of the groups that its activity may concern."""
    activity, document = verified.activity, verified.object
    if activity.type not in PASSED_ON | MODERATING:
        return needs
    inner = inner_activity(activity) if activity.type == "Undo" else None
    named = document.groups[:MOST_GROUPS] if document is not None else ()
    if activity.type in ("Block", "Add", "Remove") or inner is not None:
        about = inner or activity
        named = tuple(uri for uri in (about.target_id, about.object_id, *_owner(about.target_id)) if uri)
    return replace(needs, groups=True, actors=(*needs.actors, *named))


def _owner(collection: str | None) -> tuple[str, ...]:
    """Whose collection of moderators it is, if it is one of ours: see `Names.moderators`."""
    return (collection.removesuffix("/moderators"),) if collection and collection.endswith("/moderators") else ()


# Who may


def groups_of(object_: Object, facts: Facts) -> Iterator[GroupPost]:
    """The groups in which something is, and was not removed from."""
    return (post for post in facts.group_posts.get(object_.id, ()) if not post.removed)


def is_locked(object_: Object, facts: Facts) -> bool:
    """Whether the conversation in which something stands is closed: at the thing itself, or where it began."""
    around = {object_.id, object_.thread_id or object_.id}
    return any(post.locked for id_ in around for post in facts.group_posts.get(id_, ()))


def is_moderator(actor: Actor, group: Actor, facts: Facts) -> bool:
    """Whether the actor has a say in a group of ours: it is named as a moderator, or is the group itself."""
    return actor.id == group.id or actor.id in _rules(group, facts).moderator_ids


def may_write(actor: Actor, group: Actor, facts: Facts) -> bool:
    """Whether what this actor writes in a group of ours is passed on."""
    if policy.is_gone(actor, facts) or policy.is_blocked_between(actor.id, group.id, facts):
        return False
    if is_moderator(actor, group, facts):
        return True
    if (group.id, actor.id) in facts.group_bans:
        return False
    posting = _rules(group, facts).posting
    return posting == "everybody" or (posting == "members" and facts.follows_accepted(actor.id, group.id))


def _rules(group: Actor, facts: Facts) -> GroupRules:
    return facts.group_rules.get(group.id, GroupRules())


# What is written in groups


def written_in(
    record: NewObject, author: Actor, parent: Object | None, people: Iterable[Actor], facts: Facts
) -> NewObject:
    """A new post of ours with the groups that it is in: those it names, and those of what it answers.

    spec: fep-1b12#audience-property
    """
    if record.visibility not in _OPEN:
        return record
    found = {person.id: person for person in people if person.type == GROUP}
    for post in groups_of(parent, facts) if parent is not None else ():
        group = facts.actors_by_id.get(post.group_id)
        if group is not None and not policy.is_gone(group, facts):
            found[group.id] = group
    welcome = [group for group in found.values() if _takes(group, author, facts)][:MOST_GROUPS]
    if not welcome:
        return record
    return replace(record, parts={**record.parts, "groups": [mention_of(group) for group in welcome]})


def _takes(group: Actor, author: Actor, facts: Facts) -> bool:
    return may_write(author, group, facts) if group.local else (group.id, author.id) not in facts.group_bans


def heard(verified: Verified, decided: Iterable[Effect], facts: Facts) -> Iterator[Effect]:
    """What somebody elsewhere did, and what groups make of it. Moderators come first: they may what others may not."""
    activity = verified.activity
    actor = facts.actor(activity.actor)
    if actor is None or activity.type not in PASSED_ON | MODERATING:
        yield from decided
        return
    # What was found at its origin was not said to us: there is nothing to pass on.
    raw = activity.raw if verified.method != "fetched" else {}
    moderated = list(moderate(activity, raw, actor, facts)) if raw else []
    if moderated:
        yield from moderated
        return
    effects = list(decided)
    yield from effects
    if any(isinstance(effect, Refuse) for effect in effects):
        return
    for record in _new_posts(effects):
        yield from _enter(record, _named_groups(verified, record, facts), raw, actor, facts)
    if activity.type != "Create" and raw:
        about = _about(activity, facts)
        if about is not None:
            yield from passed_on(raw, about, actor, facts)


def done_by_ours(effects: Sequence[Effect], facts: Facts) -> Iterator[Effect]:
    """What one of ours did, and what groups make of it: those of ours pass it on."""
    yield from effects
    if any(isinstance(effect, Refuse) for effect in effects):
        return
    made = {record.id: record for record in _new_posts(effects)}
    removed = [x.key.id for x in effects if isinstance(x, Remove) and isinstance(x.key, ObjectKey)]
    for effect in effects:
        if not isinstance(effect, Deliver) or effect.type not in PASSED_ON or not effect.document:
            continue
        actor = facts.actors_by_id.get(effect.signer_id)
        record = made.get(effect.object_id or 0)
        if actor is None or actor.uri != effect.document.get("actor"):
            continue
        if effect.type == "Create" and record is not None:
            named = (facts.actors_by_id.get(int(part["id"])) for part in record.parts.get("groups") or ())
            yield from _enter(record, [group for group in named if group is not None], effect.document, actor, facts)
        elif effect.type != "Create":
            about = facts.objects_by_id.get(effect.object_id or (removed[0] if removed else 0))
            if about is not None:
                yield from passed_on(effect.document, about, actor, facts)


def _new_posts(effects: Iterable[Effect]) -> Iterator[NewObject]:
    """What is new and everybody may read. What waits for approval is not said yet."""
    for effect in effects:
        if isinstance(effect, Put) and isinstance(effect.record, NewObject):
            record = effect.record
            held = record.policy is not None and record.policy.held
            if record.announce_of_id is None and record.visibility in _OPEN and not held:
                yield record


def _named_groups(verified: Verified, record: NewObject, facts: Facts) -> list[Actor]:
    document = verified.object
    uris = document.groups[:MOST_GROUPS] if document is not None else ()
    addressed = (*uris, *document.to, *document.cc) if document is not None else ()
    found = {a.id: a for uri in addressed if (a := facts.actor(uri)) is not None and a.type == GROUP}
    for post in facts.group_posts.get(record.in_reply_to_id or 0, ()):
        group = facts.actors_by_id.get(post.group_id)
        if group is not None and not post.removed:
            found[group.id] = group
    return list(found.values())[:MOST_GROUPS]


def _enter(
    record: NewObject, named: Sequence[Actor], document: Mapping[str, Any], author: Actor, facts: Facts
) -> Iterator[Effect]:
    parent = facts.objects_by_id.get(record.in_reply_to_id or 0)
    for group in named:
        if group.local and not may_write(author, group, facts):
            continue
        yield Put(NewGroupPost(record.id, group.id))
        closed = parent is not None and is_locked(parent, facts) and not is_moderator(author, group, facts)
        if group.local and document and not closed:
            yield _announce(group, document, record.id, facts)
            if record.in_reply_to_uri is None:
                yield from _show(group, record.id, record.uri, record.actor_id, record.thread_id, facts)


def passed_on(document: Mapping[str, Any], about: Object, actor: Actor, facts: Facts) -> Iterator[Effect]:
    """What somebody did about a post goes to everybody in its groups here."""
    if about.visibility not in _OPEN:
        return
    is_gone = document.get("type") == "Delete"
    for post in groups_of(about, facts):
        group = facts.actors_by_id.get(post.group_id)
        if group is None or not group.local or (group.id, actor.id) in facts.group_bans or policy.is_gone(actor, facts):
            continue
        # Of what goes the row goes too, and with it whatever is to be sent about it.
        yield _announce(group, document, None if is_gone else about.id, facts)
        if is_gone:
            yield from _hide(group, about, facts, is_removed=True)


# What moderators do


def moderate(activity: Activity, document: Mapping[str, Any], actor: Actor, facts: Facts) -> Iterator[Effect]:
    """What follows if this is the act of a moderator of one of our groups; nothing if it is not."""
    if activity.type not in MODERATING:
        return
    undone = inner_activity(activity) if activity.type == "Undo" else None
    act, is_undo = (undone, True) if undone is not None else (activity, False)
    if act.type in ("Delete", "Lock"):
        about = facts.objects.get(act.object_id or "")
        if about is None or (act.type == "Delete" and about.actor_id == actor.id):
            return
        for post in facts.group_posts.get(about.id, ()):
            group = facts.actors_by_id.get(post.group_id)
            if group is not None and group.local and is_moderator(actor, group, facts):
                yield from _moderate_post(act.type, is_undo, document, group, about, post, facts)
    elif act.type == "Block":
        group, person = facts.actor(act.target_id), facts.actor(act.object_id)
        if group is not None and group.local and person is not None and is_moderator(actor, group, facts):
            yield from _ban(group, person, act, is_undo, document, facts)
    elif act.type in ("Add", "Remove") and act.target_id is not None:
        group, person = facts.actor(next(iter(_owner(act.target_id)), None)), facts.actor(act.object_id)
        if group is not None and group.local and person is not None and is_moderator(actor, group, facts):
            gone = Remove(ModeratorKey(group.id, person.id))
            yield Put(NewModerator(group.id, person.id)) if (act.type == "Add") != is_undo else gone
            yield _announce(group, document, None, facts)


def _moderate_post(
    kind: str, is_undo: bool, document: Mapping[str, Any], group: Actor, about: Object, post: GroupPost, facts: Facts
) -> Iterator[Effect]:
    yield _announce(group, document, about.id, facts)
    if kind == "Lock":
        yield Patch(ChangeGroupPost(about.id, group.id, locked=not is_undo))
    elif is_undo and post.removed:
        yield Patch(ChangeGroupPost(about.id, group.id, removed=False))
        if about.in_reply_to_id is None:
            yield from _show(group, about.id, about.uri, about.actor_id, about.thread_id, facts)
    elif not is_undo and not post.removed:
        yield Patch(ChangeGroupPost(about.id, group.id, removed=True))
        yield from _hide(group, about, facts)


def _ban(
    group: Actor, person: Actor, act: Activity, is_undo: bool, document: Mapping[str, Any], facts: Facts
) -> Iterator[Effect]:
    yield _announce(group, document, None, facts)
    if is_undo:
        yield Remove(GroupBanKey(group.id, person.id))
        return
    yield Put(NewGroupBan(group.id, person.id, to_ms(act.ends) if act.ends is not None else None))
    yield Remove(ModeratorKey(group.id, person.id))
    follow = facts.follows.get((person.id, group.id))
    if follow is not None:
        yield Remove(FollowKey(person.id, group.id))
        if not person.local:
            yield follows.answer("Reject", group, person, follow.uri, facts)


# What a group says


def _announce(group: Actor, document: Mapping[str, Any], object_id: int | None, facts: Facts) -> Deliver:
    """The activity as it came, in an Announce: nothing of it is changed, so that its proof holds.

    spec: fep-1b12#the-announce-activity
    """
    return _said(group, document, object_id, facts, facts.world.ids.next())


def _said(group: Actor, what: Mapping[str, Any] | str, object_id: int | None, facts: Facts, number: int) -> Deliver:
    uri = facts.world.names.activity(group.username, "announce", number)
    to, cc = wire.public_audience(group.followers_uri or facts.world.names.followers(group.uri))
    said: dict[str, object] = {
        "id": uri,
        "type": "Announce",
        "actor": group.uri,
        "published": wire.stamp(facts.now_ms()),
        "to": list(to),
        "cc": list(cc),
        "object": what if isinstance(what, str) else dict(what),
    }
    return Deliver(group.id, "Announce", uri, with_context(said), followers_of=group.id, object_id=object_id)


def _show(
    group: Actor, object_id: int, object_uri: str, author_id: int, thread_id: int | None, facts: Facts
) -> Iterator[Effect]:
    """A post is announced by its address: so members read it at home, here and where activities are not looked into."""
    if (group.id, object_id) in facts.announces:
        return
    number = facts.world.ids.next()
    said = _said(group, object_uri, object_id, facts, number)
    yield Put(
        NewObject(
            id=number,
            uri=said.uri,
            type="Announce",
            actor_id=group.id,
            local=True,
            visibility=Visibility.PUBLIC,
            published_ms=facts.now_ms(),
            announce_of_id=object_id,
            thread_id=thread_id,
        )
    )
    yield Place(number, readers_of_announce(group, author_id, (), facts))
    yield said


def _hide(group: Actor, about: Object, facts: Facts, *, is_removed: bool = False) -> Iterator[Effect]:
    """Take back that a post was announced. `is_removed`: it goes as a whole, and its announces with it."""
    shown = facts.announces.get((group.id, about.id))
    if shown is None:
        return
    if not is_removed:
        yield Remove(ObjectKey(shown.id, tombstone=False))
    to, cc = wire.public_audience(group.followers_uri or facts.world.names.followers(group.uri))
    inner = wire.about("Announce", shown.uri, group.uri, about.uri, to=to, cc=cc)
    undo_uri = f"{shown.uri}/undo"
    undo = wire.about("Undo", undo_uri, group.uri, inner, to=to, cc=cc)
    yield Deliver(group.id, "Undo", undo_uri, undo, followers_of=group.id)


def _about(activity: Activity, facts: Facts) -> Object | None:
    """The post that somebody changed, liked or took a like back from."""
    if activity.type != "Undo":
        return facts.objects.get(activity.object_id or "")
    inner, uri = inner_activity(activity), activity.object_id or ""
    if inner is not None and inner.type in ("Like", "Dislike", "EmojiReact"):
        return facts.objects.get(inner.object_id or "")
    found = facts.likes_by_uri.get(uri)
    reaction = facts.reactions_by_uri.get(uri)
    object_id = found[1] if found is not None else reaction.object_id if reaction is not None else 0
    return facts.objects_by_id.get(object_id)
