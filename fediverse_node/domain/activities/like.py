"""Like: an actor favours an object.  spec: ap#like-activity-inbox, ap#like-activity-outbox

Where the object's author wants to be asked first, see `domain/approvals.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import approvals, granting, group_news, groups, policy, reactions, wire
from fediverse_node.domain.effects import Deliver, Effect, LikeKey, Refusal, Refuse, Remove
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.interaction_policy import Standing, standing
from fediverse_node.domain.model import Actor, Interaction, InteractionRequest, Object
from fediverse_node.domain.references import own_id
from fediverse_node.domain.verified import Verified


def needs(verified: Verified) -> Needs:
    """Who likes, and what."""
    activity = verified.activity
    if activity.reaction is not None:
        return reactions.needs(verified)
    return Needs(acting=activity.actor, objects=(activity.object_id,) if activity.object_id else ())


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere likes something we have; with a picture, it is a reaction."""
    activity = verified.activity
    if activity.reaction is not None:
        yield from reactions.decide(verified, facts)
        return
    actor, target = facts.actor(activity.actor), facts.objects.get(activity.object_id or "")
    if actor is None or target is None:
        yield Refuse(Refusal.UNKNOWN_OBJECT, activity.object_id or "")
        return
    if policy.is_gone(actor, facts):
        yield Refuse(Refusal.SUSPENDED, actor.host)
        return
    refusal, uri = granting.refusal_of_like(actor, target, facts), own_id(activity)
    if refusal is not None:
        yield refusal
    elif target.policy is None or target.policy.like is None or uri is None:
        yield from group_news.told_before(actor, target, facts)
        yield from granting.like(actor, target, uri, facts)
    else:
        request = _request(uri, actor, target, facts)
        yield from approvals.receive(request, actor, target, facts, grant=granting.like(actor, target, uri, facts))


def compose(actor: Actor, target: Object, facts: Facts) -> Iterator[Effect]:
    """One of ours likes something."""
    author = facts.author(target)
    uri = facts.world.names.activity(actor.username, "like", facts.world.ids.next())
    refusal = granting.refusal_of_like(actor, target, facts)
    if refusal is not None or author is None:
        yield refusal or Refuse(Refusal.UNKNOWN_ACTOR)
        return
    document = wire.about("Like", uri, actor.uri, target.uri, to=(author.uri,))
    found = standing(Interaction.LIKE, actor, target, facts)
    if found is Standing.DENIED:
        yield approvals.denied(Interaction.LIKE)
    elif found is Standing.ASK:
        yield from approvals.ask(_request(uri, actor, target, facts), document, actor, target, facts)
    else:
        # A Like goes to the author alone, who can see for themselves whether they permit it.
        yield from approvals.implied(target, actor, facts)
        yield from granting.like(actor, target, uri, facts)
        if not author.local:
            yield Deliver(actor.id, "Like", uri, document, to_actor_ids=(author.id,), object_id=target.id)
        else:
            yield from groups.passed_on(document, target, actor, facts)


def compose_undo(actor: Actor, target: Object, uri: str | None, facts: Facts) -> Iterator[Effect]:
    """One of ours does not like it any more. `uri` is that of the Like."""
    yield Remove(LikeKey(actor.id, target.id))
    author = facts.author(target)
    if author is not None:
        like_uri = uri or f"{actor.uri}#likes/{target.id}"
        like = wire.about("Like", like_uri, actor.uri, target.uri, to=(author.uri,))
        undo_uri = f"{like_uri}/undo"
        document = wire.about("Undo", undo_uri, actor.uri, like, to=(author.uri,))
        if not author.local:
            yield Deliver(actor.id, "Undo", undo_uri, document, to_actor_ids=(author.id,), object_id=target.id)
        else:
            yield from groups.passed_on(document, target, actor, facts)


def _request(uri: str, actor: Actor, target: Object, facts: Facts) -> InteractionRequest:
    return InteractionRequest(
        id=facts.world.ids.next(),
        kind=Interaction.LIKE,
        actor_id=actor.id,
        target_id=target.id,
        target_actor_id=target.actor_id,
        uri=uri,
        created_ms=facts.now_ms(),
    )
