"""Remove: an actor unpins one of its objects.  spec: ap#remove-activity-inbox, toot#featured"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import wire
from fediverse_node.domain.effects import Deliver, Effect, FetchLater, PinKey, Refusal, Refuse, Remove
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor, Object
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.reading import type_among


def needs(verified: Verified) -> Needs:
    """The object."""
    activity = verified.activity
    objects = (activity.object_id,) if activity.object_id else ()
    return Needs(acting=activity.actor, objects=objects, audience=_is_hashtag(verified))


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere unpins something."""
    activity = verified.activity
    actor, object_ = facts.actor(activity.actor), facts.objects.get(activity.object_id or "")
    if actor is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.actor)
    elif actor.featured_uri is None or activity.target_id != actor.featured_uri:
        yield Refuse(Refusal.UNSUPPORTED, f"only pinned objects can be removed: {activity.target_id or ''}")
    elif object_ is None and _is_hashtag(verified) and facts.audience.get(actor.id):
        # Mastodon says so when a hashtag is not shown any more.
        yield FetchLater(f"{actor.uri}#featured", "featured")
    elif object_ is None:
        yield Refuse(Refusal.UNKNOWN_OBJECT, activity.object_id or "")
    elif object_.actor_id != actor.id:
        yield Refuse(Refusal.NOT_THE_OWNER)
    else:
        yield Remove(PinKey(actor.id, object_.id))


def _is_hashtag(verified: Verified) -> bool:
    removed = verified.activity.object
    return removed is not None and type_among(removed, ("Hashtag",)) == "Hashtag"


def compose(actor: Actor, object_: Object, facts: Facts) -> Iterator[Effect]:
    """One of ours unpins something."""
    if object_.actor_id != actor.id:
        yield Refuse(Refusal.NOT_THE_OWNER)
        return
    yield Remove(PinKey(actor.id, object_.id))
    names = facts.world.names
    uri = names.activity(actor.username, "remove", facts.world.ids.next())
    to, cc = wire.profile_audience(actor, object_)
    featured = actor.featured_uri or names.featured(actor.uri)
    document = wire.about("Remove", uri, actor.uri, object_.uri, to=to, cc=cc, target=featured)
    yield Deliver(actor.id, "Remove", uri, document, followers_of=actor.id, object_id=object_.id)
