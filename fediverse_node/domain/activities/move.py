"""Move: an actor goes on elsewhere, and its followers with it.  spec: fep-7628, toot#Move

The new actor must name the old one in `alsoKnownAs`: else anybody could send their followers to anybody. Either of the
two may say it: the old one pushes its followers, or the new one pulls them, where the old one's own document names it
in `movedTo`. That document alone is enough too, whoever found it. Both documents are fetched afresh before. Many
followers follow some at a time, as an errand; and nobody is sent about more often than once a week.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import follows, policy, wire
from fediverse_node.domain.effects import ChangeActor, Deliver, Effect, NewErrand, Patch, Put, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor
from fediverse_node.domain.verified import Verified

FOLLOWERS_AT_ONCE = 50
_DAY_MS = 86_400_000
# Mastodon's: followers of others are not sent about again before, nor does one of ours go on and on.
REST_MS = 7 * _DAY_MS
REST_OF_OURS_MS = 30 * _DAY_MS


def needs(verified: Verified) -> Needs:
    """Both actors, the old one's local followers, and what these have to do with the new one."""
    activity = verified.activity
    old_uri = activity.object_id if _is_pulled(verified) else activity.actor
    return needs_of_piece(old_uri or activity.actor, activity.target_id)


def needs_of_piece(actor_uri: str, target_uri: str | None) -> Needs:
    """Both actors, and one local follower more than are taken along at once: whether there are any."""
    return Needs(
        acting=actor_uri,
        actors=(target_uri,) if target_uri else (),
        audience=True,
        followers=True,
        most_followers=FOLLOWERS_AT_ONCE + 1,
    )


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere moves, or has moved."""
    activity = verified.activity
    if _is_pulled(verified):
        yield from found(activity.object_id or "", activity.actor, facts)
        return
    actor, target = facts.actor(activity.actor), facts.actor(activity.target_id)
    if actor is None or target is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.target_id or "")
    elif activity.object_id != actor.uri:
        yield Refuse(Refusal.NOT_THE_OWNER, activity.object_id or "")
    else:
        yield from _move(actor, target, facts)


def found(actor_uri: str, target_uri: str, facts: Facts) -> Iterator[Effect]:
    """The document of somebody elsewhere says that they have moved; nobody needs to have told us."""
    actor, target = facts.actor(actor_uri), facts.actor(target_uri)
    if actor is None or target is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, actor_uri if actor is None else target_uri)
    elif actor.local or actor.moved_to_uri != target.uri:
        yield Refuse(Refusal.NOT_THE_OWNER, "the old actor does not say that it has moved there")
    else:
        yield from _move(actor, target, facts)


def compose(actor: Actor, target: Actor, facts: Facts) -> Iterator[Effect]:
    """One of ours moves away; followers on other servers are told. Once more to the same place tells them again."""
    for effect in _move(actor, target, facts):
        yield effect
        if isinstance(effect, Refuse):
            return
    uri = facts.world.names.activity(actor.username, "move", facts.world.ids.next())
    to = (actor.followers_uri,) if actor.followers_uri else (target.uri,)
    document = wire.about("Move", uri, actor.uri, actor.uri, to=to, target=target.uri)
    yield Deliver(
        actor.id,
        "Move",
        uri,
        document,
        to_actor_ids=() if target.local else (target.id,),
        followers_of=actor.id,
    )


def compose_return(actor: Actor, facts: Facts) -> Iterator[Effect]:
    """One of ours is here again. Followers who went along do not come back by themselves."""
    if not policy.has_left(actor):
        yield Refuse(Refusal.ALREADY_DONE)
        return
    yield Patch(ChangeActor(actor.id, {"moved_to_uri": None}))


def _is_pulled(verified: Verified) -> bool:
    activity = verified.activity
    return activity.target_id == activity.actor != activity.object_id


def _move(actor: Actor, target: Actor, facts: Facts) -> Iterator[Effect]:
    if actor.id == target.id:
        yield Refuse(Refusal.MALFORMED, "an actor cannot move to itself")
    elif policy.is_gone(actor, facts) or policy.is_gone(target, facts):
        yield Refuse(Refusal.SUSPENDED, target.host)
    elif actor.uri not in target.also_known_as:
        yield Refuse(Refusal.NOT_PERMITTED, "the new actor does not name the old one in alsoKnownAs")
    elif target.moved_to_uri is not None:
        # Two actors that move to each other would send our followers back and forth for ever.
        yield Refuse(Refusal.NOT_PERMITTED, "the new actor has moved itself")
    elif _moved_lately(actor, target, facts):
        yield Refuse(Refusal.NOT_PERMITTED, "the actor has moved lately, and its followers shall have some rest")
    else:
        yield Patch(ChangeActor(actor.id, {"moved_to_uri": target.uri, "moved_ms": facts.now_ms()}))
        yield from _take_followers_along(actor, target, facts)


def _moved_lately(actor: Actor, target: Actor, facts: Facts) -> bool:
    if actor.moved_ms is None or (actor.local and actor.moved_to_uri == target.uri):
        return False
    return facts.now_ms() - actor.moved_ms < (REST_OF_OURS_MS if actor.local else REST_MS)


def take_more_along(actor_uri: str, target_uri: str, facts: Facts) -> Iterator[Effect]:
    """The next of the followers; with an errand again if there are still more."""
    actor, target = facts.actor(actor_uri), facts.actor(target_uri)
    if actor is None or target is None or policy.is_gone(target, facts):
        yield Refuse(Refusal.UNKNOWN_ACTOR, target_uri)
        return
    yield from _take_followers_along(actor, target, facts)


def _take_followers_along(actor: Actor, target: Actor, facts: Facts) -> Iterator[Effect]:
    readers = facts.audience.get(actor.id, ())
    if len(readers) > FOLLOWERS_AT_ONCE:
        yield Put(NewErrand(facts.world.ids.next(), "move", actor.id, target.id))
    for reader in readers[:FOLLOWERS_AT_ONCE]:
        follower, old = facts.actors_by_id.get(reader.actor_id), facts.follows.get((reader.actor_id, actor.id))
        if follower is None or old is None or not follower.local:
            continue
        follows_already = (follower.id, target.id) in facts.follows
        if not follows_already and policy.may_follow(follower, target, facts):
            options = follows.Options(reader.show_announces, reader.notify, reader.languages)
            yield from follows.ask(follower, target, options, facts)
        yield from follows.leave(follower, actor, old, facts)
