"""Add: an actor pins one of its objects to its profile.  spec: ap#add-activity-inbox, toot#featured

Of collections only that of pinned objects is known, and conversations (`domain/containers.py`). Featured hashtags are
said to be added to the same one, as Mastodon does it; what is shown is read from the profile.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import containers, policy, wire
from fediverse_node.domain.effects import Deliver, Effect, FetchLater, NewPin, Put, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor, Object
from fediverse_node.domain.verified import Verified


def needs(verified: Verified) -> Needs:
    """The object, and whether anybody here reads its author."""
    activity = verified.activity
    if containers.is_container_add(activity):
        added = containers.added_in(activity)
        return Needs(acting=activity.actor, objects=(added.post, added.answers) if added is not None else ())
    return Needs(acting=activity.actor, objects=(activity.object_id,) if activity.object_id else (), audience=True)


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere pins something."""
    activity = verified.activity
    actor, object_ = facts.actor(activity.actor), facts.objects.get(activity.object_id or "")
    if actor is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.actor)
    elif containers.is_container_add(activity) and activity.target_id != actor.featured_uri:
        yield from containers.decide(activity, actor, facts)
    elif actor.featured_uri is None or activity.target_id != actor.featured_uri:
        yield Refuse(Refusal.UNSUPPORTED, f"only pinned objects can be added: {activity.target_id or ''}")
    elif policy.is_gone(actor, facts):
        yield Refuse(Refusal.SUSPENDED, actor.host)
    elif object_ is None:
        # Also where a hashtag is put on the profile, as Mastodon says it: all that is shown there is read again.
        if facts.audience.get(actor.id):
            yield FetchLater(f"{actor.uri}#featured", "featured")
        else:
            yield Refuse(Refusal.UNKNOWN_OBJECT, activity.object_id or "")
    elif not policy.may_pin(actor, object_):
        yield Refuse(Refusal.NOT_THE_OWNER if object_.actor_id != actor.id else Refusal.NOT_PERMITTED)
    else:
        yield Put(NewPin(facts.world.ids.next(), actor.id, object_.id))


def compose(actor: Actor, object_: Object, pinned_count: int, facts: Facts) -> Iterator[Effect]:
    """One of ours pins something; `pinned_count` is how many are pinned already, without this one."""
    if not policy.may_pin(actor, object_):
        yield Refuse(Refusal.NOT_THE_OWNER if object_.actor_id != actor.id else Refusal.NOT_PERMITTED)
        return
    if pinned_count >= policy.MAX_PINS:
        yield Refuse(Refusal.NOT_PERMITTED, f"no more than {policy.MAX_PINS} can be pinned")
        return
    yield Put(NewPin(facts.world.ids.next(), actor.id, object_.id))
    names = facts.world.names
    uri = names.activity(actor.username, "add", facts.world.ids.next())
    to, cc = wire.profile_audience(actor, object_)
    featured = actor.featured_uri or names.featured(actor.uri)
    document = wire.about("Add", uri, actor.uri, object_.uri, to=to, cc=cc, target=featured)
    yield Deliver(actor.id, "Add", uri, document, followers_of=actor.id, object_id=object_.id)


def compose_hashtag(actor: Actor, name: str, facts: Facts, *, is_shown: bool = True) -> Iterator[Effect]:
    """One of ours shows a hashtag (without `#`) on the profile, or shows it no more: an Add or Remove."""
    kind, names = "Add" if is_shown else "Remove", facts.world.names
    uri = names.activity(actor.username, kind.lower(), facts.world.ids.next())
    to, cc = wire.public_audience(actor.followers_uri)
    hashtag = {"type": "Hashtag", "href": names.hashtag_page(name), "name": f"#{name}"}
    featured = actor.featured_uri or names.featured(actor.uri)
    document = wire.about(kind, uri, actor.uri, hashtag, to=to, cc=cc, target=featured)
    yield Deliver(actor.id, kind, uri, document, followers_of=actor.id)
