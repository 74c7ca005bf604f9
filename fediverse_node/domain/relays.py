"""Relays: servers that pass on what is public to whoever subscribes.  spec: fep-ae0c

Two styles. Of a Mastodon-style relay one follows everybody (`as:Public`), at its inbox, and sends it one's own public
activities; of a LitePub-style relay one follows its actor, which follows back, and announces one's posts to it. Both
are done by the server's own actor. What relays bring is looked up at its origin, unless its author's proof is with it,
and is shown where everybody's posts are: it is in nobody's home timeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fediverse_node.domain import wire
from fediverse_node.domain.effects import Deliver, Effect, Patch, Refusal, Refuse, SettleRelay
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, Relay, Visibility
from fediverse_node.protocol.activitystreams import Activity, inner_activity
from fediverse_node.protocol.addressing import PUBLIC
from fediverse_node.protocol.contexts import with_context
from fediverse_node.protocol.uris import same_origin

MASTODON, LITEPUB = "mastodon", "litepub"
# What Mastodon-style relays pass on. Follows, likes and messages are nobody else's business.
_RELAYED = frozenset({"Create", "Update", "Delete", "Move"})


def style_of(url: str) -> str:
    """What kind of relay an address belongs to: of the one people are given the inbox, of the other its actor."""
    return MASTODON if url.rstrip("/").endswith("/inbox") else LITEPUB


def is_relay(actor: Actor, facts: Facts) -> bool:
    """Whether we have subscribed to this actor as a relay, and it has agreed."""
    return any(relay.actor_uri == actor.uri and relay.state == "accepted" for relay in facts.relays)


def subscription(relay: Relay, instance_actor: str) -> dict[str, Any]:
    """The Follow with which we subscribe."""
    target = PUBLIC if relay.style == MASTODON else relay.actor_uri or relay.url
    to = (relay.actor_uri or relay.url,) if relay.style == LITEPUB else ()
    return wire.about("Follow", relay.follow_uri, instance_actor, target, to=to)


def cancellation(relay: Relay, instance_actor: str) -> dict[str, Any]:
    """The Undo with which we end it."""
    follow = subscription(relay, instance_actor)
    return wire.about("Undo", f"{relay.follow_uri}/undo", instance_actor, follow, to=follow["to"])


def answered(activity: Activity, actor: Actor, facts: Facts) -> Iterator[Effect]:
    """What follows if this Accept or Reject is a relay's answer; nothing if it is none."""
    inner = inner_activity(activity)
    named = {activity.object_id, inner.id if inner is not None else None}
    if inner is not None and inner.actor != facts.world.names.instance_actor:
        return
    for relay in facts.relays:
        if relay.follow_uri not in named:
            continue
        # Anybody can know what we have asked, and of a Mastodon-style relay we only know the inbox.
        if not same_origin(relay.inbox, actor.uri) or (relay.actor_uri or actor.uri) != actor.uri:
            yield Refuse(Refusal.NOT_PERMITTED, "somebody else was asked")
        else:
            yield Patch(SettleRelay(relay.url, "accepted" if activity.type == "Accept" else "rejected", actor.uri))
        return


def with_relays(effects: Sequence[Effect], facts: Facts) -> Iterator[Effect]:
    """What one of ours did, and what of it goes to relays: what everybody may read."""
    relays = [relay for relay in facts.relays if relay.state == "accepted"]
    refused = any(isinstance(effect, Refuse) for effect in effects)
    for effect in effects:
        if not relays or refused or not isinstance(effect, Deliver) or not _is_for_all(effect, facts):
            yield effect
            continue
        yield _to_mastodon_style(effect, relays)
        if effect.type == "Create":
            yield from _to_litepub_style(effect, relays, facts)


def _is_for_all(effect: Deliver, facts: Facts) -> bool:
    document = effect.document
    author = facts.actors_by_id.get(effect.signer_id)
    if effect.type not in _RELAYED or author is None or not author.local or effect.followers_of != author.id:
        return False
    if effect.type == "Delete" and not _was_public(document, facts):
        return False
    return PUBLIC in (document.get("to") or ())


def _was_public(document: Mapping[str, Any], facts: Facts) -> bool:
    """That something is gone may be told to everybody, but not that there was something private."""
    gone = document.get("object")
    known = facts.objects.get(str(gone.get("id"))) if isinstance(gone, Mapping) else None
    return known is not None and known.visibility is Visibility.PUBLIC if isinstance(gone, Mapping) else True


def _to_mastodon_style(effect: Deliver, relays: Iterable[Relay]) -> Deliver:
    inboxes = tuple(relay.inbox for relay in relays if relay.style == MASTODON)
    return replace(effect, inboxes=(*effect.inboxes, *inboxes))


def _to_litepub_style(effect: Deliver, relays: Iterable[Relay], facts: Facts) -> Iterator[Deliver]:
    server = facts.actors.get(facts.world.names.instance_actor)
    inboxes = tuple(relay.inbox for relay in relays if relay.style == LITEPUB)
    post = effect.document.get("object")
    if not inboxes or server is None or not isinstance(post, dict):
        return
    uri = f"{facts.world.names.instance_actor}/announces/{facts.world.ids.next()}"
    document = with_context(
        {
            "id": uri,
            "type": "Announce",
            "actor": server.uri,
            "published": wire.stamp(facts.now_ms()),
            "to": [facts.world.names.followers(server.uri)],
            "cc": [],
            "object": post["id"],
        }
    )
    yield Deliver(server.id, "Announce", uri, document, object_id=effect.object_id, inboxes=inboxes)
