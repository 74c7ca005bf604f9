"""Announce: an actor passes an object on.  spec: ap#announce-activity-inbox, ap#announce-activity-outbox

An Announce is stored as an object of its own, because clients list, like and undo it as one. Where the object's author
wants to be asked first, see `domain/approvals.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fediverse_node.base.clock import to_ms
from fediverse_node.domain import approvals, granting, group_news, relays, wire
from fediverse_node.domain.effects import Deliver, Effect, ObjectKey, Put, Refusal, Refuse, Remove
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.interaction_policy import Standing, standing
from fediverse_node.domain.model import Actor, Interaction, InteractionRequest, Object, Visibility
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.activitystreams import Activity, inner_activity
from fediverse_node.protocol.addressing import visibility
from fediverse_node.protocol.reading import uri
from fediverse_node.protocol.uris import same_origin


def needs(verified: Verified) -> Needs:
    """Who passes on, what, and who reads them. The object is fetched before, if need be."""
    activity = verified.activity
    inner = inner_activity(activity)
    if inner is None:
        wanted = Needs(
            acting=activity.actor, objects=(activity.object_id,) if activity.object_id else (), audience=True
        )
    else:
        wanted = group_news.needs(activity, inner)
    return replace(wanted, objects=(*wanted.objects, *((activity.id,) if activity.id else ())), relays=True)


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere passes something on."""
    activity = verified.activity
    actor, inner = facts.actor(activity.actor), inner_activity(activity)
    if actor is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.actor)
    elif relays.is_relay(actor, facts):
        # What it passes on was fetched, and stands where everybody's posts stand; in nobody's name.
        known = (inner.object_id if inner is not None else activity.object_id) in facts.objects
        yield from () if known else (Refuse(Refusal.UNKNOWN_OBJECT, activity.object_id or ""),)
    elif inner is None:
        yield from _pass_on(activity, actor, facts.objects.get(activity.object_id or ""), facts)
    else:
        news = list(group_news.decide(activity, inner, facts))
        yield from news
        target = facts.objects.get(inner.object_id or "")
        is_new = inner.type == "Create" and target is not None and not _is_reply(target, inner)
        if is_new and not any(isinstance(effect, Refuse) for effect in news):
            # Some groups say it in these words only, others in two; it is shown to their readers once.
            shown = list(_pass_on(activity, actor, target, facts))
            yield from () if any(isinstance(effect, Refuse) for effect in shown) else shown


def _is_reply(target: Object, inner: Activity) -> bool:
    return target.in_reply_to_id is not None or bool(inner.object is not None and inner.object.get("inReplyTo"))


def _pass_on(activity: Activity, actor: Actor, target: Object | None, facts: Facts) -> Iterator[Effect]:
    if target is None:
        # What nobody here would read is not even asked for.
        is_read = bool(facts.audience.get(actor.id))
        yield Refuse(Refusal.UNKNOWN_OBJECT if is_read else Refusal.NOT_RELEVANT, activity.object_id or "")
        return
    if activity.id is None or not same_origin(activity.id, actor.uri):
        yield Refuse(Refusal.MALFORMED, "an Announce needs an id of its actor's host")
        return
    if activity.id in facts.tombstones:
        yield Refuse(Refusal.DELETED, activity.id)
        return
    if activity.id in facts.objects:
        yield Refuse(Refusal.ALREADY_DONE, activity.id)
        return
    if not target.local and not facts.audience.get(actor.id):
        yield Refuse(Refusal.NOT_RELEVANT)
        return
    refusal = granting.refusal_of_announce(actor, target, facts)
    if refusal is not None:
        yield refusal
        return
    published_ms = min(to_ms(activity.published), facts.now_ms()) if activity.published else facts.now_ms()
    reach = visibility(activity.to, activity.cc, actor.followers_uri, author_uri=actor.uri)
    grant = granting.announce(activity.id, actor, target, reach, published_ms, facts)
    if target.policy is None or target.policy.announce is None:
        yield from grant
        return
    stamp_uri = uri(activity.raw.get("announceAuthorization")) or uri(activity.raw.get("approvedBy"))
    request = replace(_request(activity.id, actor, target, reach, published_ms, facts), stamp_uri=stamp_uri)
    yield from approvals.receive(request, actor, target, facts, grant=grant)


def compose(actor: Actor, target: Object, reach: Visibility, facts: Facts) -> Iterator[Effect]:
    """One of ours passes something on."""
    number = facts.world.ids.next()
    announce_uri = facts.world.names.activity(actor.username, "announce", number)
    refusal, author = granting.refusal_of_announce(actor, target, facts), facts.author(target)
    if refusal is not None or author is None:
        yield refusal or Refuse(Refusal.UNKNOWN_ACTOR)
        return
    now_ms = facts.now_ms()
    found = standing(Interaction.ANNOUNCE, actor, target, facts)
    if found is Standing.DENIED:
        yield approvals.denied(Interaction.ANNOUNCE)
        return
    request = _request(announce_uri, actor, target, reach, now_ms, facts)
    if found is Standing.ASK or (found is Standing.VOUCHED and not author.local):
        document = approvals.announce_document(announce_uri, actor, target, author, reach, now_ms, None)
        yield from approvals.ask(request, document, actor, target, facts)
        return
    yield from approvals.implied(target, actor, facts)
    yield from granting.announce(announce_uri, actor, target, reach, now_ms, facts, number)
    stamp_uri = None
    if found is Standing.VOUCHED:
        stamped = approvals.stamped_by_us(request, author, facts)
        stamp_uri = stamped.stamp_uri
        yield Put(stamped)
    yield Deliver(
        actor.id,
        "Announce",
        announce_uri,
        approvals.announce_document(announce_uri, actor, target, author, reach, now_ms, stamp_uri),
        to_actor_ids=() if author.local else (author.id,),
        followers_of=actor.id,
        object_id=target.id,
    )


def compose_undo(actor: Actor, target: Object, announce: Object, facts: Facts) -> Iterator[Effect]:
    """One of ours takes it back."""
    yield Remove(ObjectKey(announce.id, tombstone=False))
    author = facts.author(target)
    if author is None:
        return
    to, cc = granting.announce_audience(announce.visibility, actor, author)
    inner = wire.about("Announce", announce.uri, actor.uri, target.uri, to=to, cc=cc)
    undo_uri = f"{announce.uri}/undo"
    document = wire.about("Undo", undo_uri, actor.uri, inner, to=to, cc=cc)
    yield Deliver(
        actor.id,
        "Undo",
        undo_uri,
        document,
        to_actor_ids=() if author.local else (author.id,),
        followers_of=actor.id,
        object_id=target.id,
    )


def _request(
    announce_uri: str, actor: Actor, target: Object, reach: Visibility, moment_ms: int, facts: Facts
) -> InteractionRequest:
    return InteractionRequest(
        id=facts.world.ids.next(),
        kind=Interaction.ANNOUNCE,
        actor_id=actor.id,
        target_id=target.id,
        target_actor_id=target.actor_id,
        uri=announce_uri,
        visibility=reach,
        created_ms=moment_ms,
    )
