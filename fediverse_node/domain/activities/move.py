"""Move: an actor goes on elsewhere, and its followers with it.  spec: fep-7628, toot#Move

The new actor must name the old one in `alsoKnownAs`: else anybody could send their followers to anybody.
Before the decision the new actor's document is fetched afresh.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import follows, policy, wire
from fediverse_node.domain.effects import ChangeActor, Deliver, Effect, Patch, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor
from fediverse_node.domain.verified import Verified


def needs(verified: Verified) -> Needs:
    """Both actors, the old one's local followers, and what these have to do with the new one."""
    activity = verified.activity
    return Needs(
        acting=activity.actor,
        actors=(activity.target_id,) if activity.target_id else (),
        audience=True,
        followers=True,
    )


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere moves."""
    activity = verified.activity
    actor, target = facts.actor(activity.actor), facts.actor(activity.target_id)
    if actor is None or target is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.target_id or "")
    elif activity.object_id != actor.uri:
        yield Refuse(Refusal.NOT_THE_OWNER, activity.object_id or "")
    else:
        yield from _move(actor, target, facts)


def compose(actor: Actor, target: Actor, facts: Facts) -> Iterator[Effect]:
    """One of ours moves away; followers on other servers are told."""
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
    else:
        yield Patch(ChangeActor(actor.id, {"moved_to_uri": target.uri}))
        yield from _take_followers_along(actor, target, facts)


def _take_followers_along(actor: Actor, target: Actor, facts: Facts) -> Iterator[Effect]:
    for reader in facts.audience.get(actor.id, ()):
        follower, old = facts.actors_by_id.get(reader.actor_id), facts.follows.get((reader.actor_id, actor.id))
        if follower is None or old is None or not follower.local:
            continue
        follows_already = (follower.id, target.id) in facts.follows
        if not follows_already and policy.may_follow(follower, target, facts):
            options = follows.Options(reader.show_announces, reader.notify, reader.languages)
            yield from follows.ask(follower, target, options, facts)
        yield from follows.leave(follower, actor, old, facts)
