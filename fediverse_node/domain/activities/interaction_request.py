"""LikeRequest, ReplyRequest, AnnounceRequest: may I?  spec: gts-interaction#interaction-requests

The interaction comes along as `instrument` and is nothing yet but a wish. It is decided like the interaction itself,
and answered in any case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fediverse_node.domain import approvals, arrival, granting, policy
from fediverse_node.domain.effects import Effect, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor, Interaction, InteractionRequest, Object, Visibility
from fediverse_node.domain.references import own_id
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.activitystreams import Activity
from fediverse_node.protocol.addressing import visibility
from fediverse_node.protocol.reading import audience, mapping, type_among, uri
from fediverse_node.protocol.uris import same_origin


def needs(verified: Verified) -> Needs:
    """What it is about, and of a reply everything it needs to arrive."""
    activity, wanted = verified.activity, arrival.needs(verified)
    named = tuple(uri for uri in (activity.object_id, activity.instrument_id) if uri)
    return replace(wanted, objects=tuple(dict.fromkeys((*wanted.objects, *named))), audience=True)


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere asks whether they may like, answer or pass on something of ours."""
    activity = verified.activity
    actor, target = facts.actor(activity.actor), facts.objects.get(activity.object_id or "")
    request_uri, wanted_uri = own_id(activity), activity.instrument_id
    if actor is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.actor)
    elif policy.is_gone(actor, facts):
        yield Refuse(Refusal.SUSPENDED, actor.host)
    elif request_uri is None or wanted_uri is None or not same_origin(wanted_uri, actor.uri):
        yield Refuse(Refusal.MALFORMED, "a request needs an id and an instrument of its actor's host")
    elif target is None or not target.local:
        yield Refuse(Refusal.UNKNOWN_OBJECT if target is None else Refusal.NOT_OURS, activity.object_id or "")
    elif activity.type == "ReplyRequest":
        yield from _reply(verified, actor, target, request_uri, wanted_uri, facts)
    else:
        yield from _act(activity, actor, target, request_uri, wanted_uri, facts)


def _reply(
    verified: Verified, actor: Actor, target: Object, request_uri: str, reply_uri: str, facts: Facts
) -> Iterator[Effect]:
    document = arrival.document_of(verified)
    if document is None or document.id != reply_uri or document.in_reply_to != target.uri:
        yield Refuse(Refusal.MALFORMED, "the instrument is not an answer to the object")
        return
    refusal = arrival.refusal_of(document, actor, facts)
    if refusal is not None:
        yield refusal
    elif reply_uri in facts.objects:
        yield Refuse(Refusal.ALREADY_DONE, reply_uri)
    else:
        yield from arrival.arrive(replace(verified, solicited=True), document, actor, facts, request_uri=request_uri)


def _act(
    activity: Activity, actor: Actor, target: Object, request_uri: str, wanted_uri: str, facts: Facts
) -> Iterator[Effect]:
    kind = approvals.REQUEST_TYPES[activity.type]
    wanted = mapping(activity.raw.get("instrument"))
    is_of_this = uri(wanted.get("object")) in (None, target.uri) and uri(wanted.get("actor")) in (None, actor.uri)
    if wanted and (type_among(wanted, (kind.value.capitalize(),)) != kind.value.capitalize() or not is_of_this):
        yield Refuse(Refusal.MALFORMED, "the instrument is something else than what is asked for")
        return
    reach = None
    if kind is Interaction.ANNOUNCE:
        to, cc = audience(wanted.get("to")), audience(wanted.get("cc"))
        reach = visibility(to, cc, actor.followers_uri, author_uri=actor.uri)
    request = InteractionRequest(
        id=facts.world.ids.next(),
        kind=kind,
        actor_id=actor.id,
        target_id=target.id,
        target_actor_id=target.actor_id,
        uri=wanted_uri,
        request_uri=request_uri,
        visibility=reach,
        created_ms=facts.now_ms(),
    )
    if kind is Interaction.LIKE:
        refusal = granting.refusal_of_like(actor, target, facts)
        grant = granting.like(actor, target, wanted_uri, facts)
    else:
        refusal = granting.refusal_of_announce(actor, target, facts)
        # When it comes itself, with its approval, it is known already.
        grant = granting.announce(wanted_uri, actor, target, reach or Visibility.PUBLIC, facts.now_ms(), facts)
    if refusal is not None:
        yield refusal
    else:
        yield from approvals.receive(request, actor, target, facts, grant=grant)
