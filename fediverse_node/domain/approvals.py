"""Likes, replies and announces that the author of a post wants to be asked about: asked for, held, granted, refused.

spec: gts-interaction#interaction-verification. The same for both sides: posts of ours that say who may answer, and
posts elsewhere that do. An interaction waits as an `InteractionRequest`; a reply is stored besides, seen by its author
and the author of what it answers alone. What was approved is proven to others by a stamp at the approving author's
server. What somebody elsewhere says about a post of a third server counts only with such a stamp, or where the post's
policy lets everybody see that it is permitted.

Our posts: who has to wait and is answered by its author with a like, a reply or a boost was approved by that, as in
GoToSocial; so people do not need an app that knows of requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from fediverse_node.domain import containers, granting, policy, wire
from fediverse_node.domain.effects import (
    Deliver,
    Effect,
    FetchLater,
    NewObject,
    Notify,
    Patch,
    Put,
    Refusal,
    Refuse,
    Remove,
    RequestKey,
    SettleRequest,
)
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.interaction_policy import Standing, standing
from fediverse_node.domain.model import (
    Actor,
    Approval,
    Interaction,
    InteractionPolicy,
    InteractionRequest,
    Object,
    Visibility,
)
from fediverse_node.domain.publication import deliver, tell_readers
from fediverse_node.protocol.authorizations import Authorization
from fediverse_node.protocol.uris import is_http_uri, same_origin

REQUEST_TYPES: Mapping[str, Interaction] = {
    "LikeRequest": Interaction.LIKE,
    "ReplyRequest": Interaction.REPLY,
    "AnnounceRequest": Interaction.ANNOUNCE,
}
_TYPE_OF = {kind: name for name, kind in REQUEST_TYPES.items()}
_SAID = {
    Interaction.LIKE: "its author does not take likes from everybody",
    Interaction.REPLY: "its author does not take answers from everybody",
    Interaction.ANNOUNCE: "its author does not want everybody to pass it on",
    Interaction.QUOTE: "its author does not let everybody quote it",
}


def denied(kind: Interaction) -> Refuse:
    """What one of ours is told who may not do this."""
    return Refuse(Refusal.NOT_PERMITTED, _SAID[kind])


# Somebody elsewhere does something


def receive(
    request: InteractionRequest,
    actor: Actor,
    target: Object,
    facts: Facts,
    *,
    grant: Iterable[Effect],
    put: Iterable[Effect] = (),
) -> Iterator[Effect]:
    """A like, reply or announce comes in that is fine but for what the author of `target` says.

    `grant` is what follows if it is permitted, `put` what is stored while it waits. A `request.request_uri` says that
    it was asked for politely, a `request.stamp_uri` that it claims to be approved.
    """
    owner = facts.author(target)
    found = standing(request.kind, actor, target, facts)
    if owner is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR)
    elif not owner.local:
        yield from _about_others(request, owner, found, facts, grant=grant, put=put)
    elif found is Standing.DENIED:
        yield _answer("Reject", owner, actor, target, request, facts)
        yield denied(request.kind)
    elif found is Standing.ASK:
        yield from put
        yield Put(request)
        # An answer that waits is told like any other: only its author and whom it is about can see it.
        kind = "mention" if request.kind is Interaction.REPLY else f"{request.kind.value}_request"
        if policy.may_notify(owner, actor.id, target.thread_id, facts):
            yield Notify(owner.id, kind, actor.id, request.object_id or target.id)
    else:
        yield from grant
        if found is Standing.VOUCHED or request.request_uri is not None:
            stamped = _stamped(request, owner, facts)
            yield Put(stamped)
            yield _answer("Accept", owner, actor, target, stamped, facts)


def _about_others(
    request: InteractionRequest,
    owner: Actor,
    found: Standing,
    facts: Facts,
    *,
    grant: Iterable[Effect],
    put: Iterable[Effect],
) -> Iterator[Effect]:
    if found is Standing.ALLOWED:
        yield from grant
        return
    stamp = request.stamp_uri if is_stamp_of(request.stamp_uri, owner) else None
    if request.kind is not Interaction.REPLY and stamp is None:
        yield denied(request.kind)
        return
    yield from put
    yield Put(replace(request, stamp_uri=stamp))
    if stamp is not None:
        yield FetchLater(stamp, "stamp")


def is_stamp_of(stamp_uri: str | None, owner: Actor) -> bool:
    """Whether the address can be a stamp of this author: on their own server, where it can be looked up."""
    return stamp_uri is not None and same_origin(stamp_uri, owner.uri) and is_http_uri(stamp_uri, allow_plain=True)


def hold(record: NewObject, target: Object, facts: Facts) -> NewObject:
    """A reply as it is stored while it waits: for its author and the author of what it answers, whatever it says.

    So nothing that lists, counts or searches posts can show it by mistake.
    """
    kept = record.policy or InteractionPolicy()
    told = (target.actor_id,) if target.actor_id != record.actor_id else ()
    return replace(
        record,
        visibility=Visibility.DIRECT,
        mention_ids=told,
        parts={**record.parts, "held_for": list(record.mention_ids)},
        policy=replace(kept, held=True),
    )


def reply_request(record: NewObject, target: Object, facts: Facts, **more: Any) -> InteractionRequest:
    """The request that a reply is to the author of what it answers."""
    return InteractionRequest(
        id=facts.world.ids.next(),
        kind=Interaction.REPLY,
        actor_id=record.actor_id,
        target_id=target.id,
        target_actor_id=target.actor_id,
        uri=record.uri,
        object_id=record.id,
        visibility=record.visibility,
        created_ms=facts.now_ms(),
        **more,
    )


# One of ours does something


def ask(
    request: InteractionRequest, document: Mapping[str, Any], actor: Actor, target: Object, facts: Facts
) -> Iterator[Effect]:
    """One of ours does something that has to be approved: it waits, and its author is asked.

    `document` is the activity (of a reply the object) that everybody gets once it is approved. Servers that do not
    know requests are sent it as it is, and nobody else is.
    """
    owner = facts.author(target)
    if owner is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR)
        return
    is_polite = target.policy is None or target.policy.polite
    if owner.local:
        yield Put(request)
        kind = "mention" if request.kind is Interaction.REPLY else f"{request.kind.value}_request"
        if policy.may_notify(owner, actor.id, target.thread_id, facts):
            yield Notify(owner.id, kind, actor.id, request.object_id or target.id)
        return
    about = request.object_id or target.id
    if not is_polite:
        yield Put(request)
        uri = str(document["id"])
        yield Deliver(actor.id, str(document["type"]), uri, document, to_actor_ids=(owner.id,), object_id=about)
        return
    type_ = _TYPE_OF[request.kind]
    uri = facts.world.names.activity(actor.username, f"{request.kind.value}_request", request.id)
    instrument = document["object"] if request.kind is Interaction.REPLY else document
    inner = {key: value for key, value in instrument.items() if key != "@context"}
    asked = wire.about(type_, uri, actor.uri, target.uri, to=(owner.uri,), instrument=inner)
    yield Put(replace(request, request_uri=uri))
    yield Deliver(actor.id, type_, uri, asked, to_actor_ids=(owner.id,), object_id=about)


def withdraw(request: InteractionRequest, actor: Actor, owner: Actor | None, facts: Facts) -> Iterator[Effect]:
    """One of ours does not want it any more, and nobody has answered yet."""
    yield Remove(RequestKey(request.id))
    target = facts.objects_by_id.get(request.target_id)
    if owner is None or owner.local or target is None:
        return
    inner = wire.about(request.kind.value.capitalize(), request.uri, actor.uri, target.uri, to=(owner.uri,))
    uri = f"{request.uri}/undo"
    document = wire.about("Undo", uri, actor.uri, inner, to=(owner.uri,))
    yield Deliver(actor.id, "Undo", uri, document, to_actor_ids=(owner.id,), object_id=request.target_id)


# Answers


def compose_decision(request: InteractionRequest, owner: Actor, *, accept: bool, facts: Facts) -> Iterator[Effect]:
    """One of ours says yes or no to what waits for it."""
    target, actor = facts.objects_by_id.get(request.target_id), facts.actors_by_id.get(request.actor_id)
    if request.target_actor_id != owner.id or target is None or actor is None:
        yield Refuse(Refusal.UNKNOWN_OBJECT)
        return
    if request.state is not Approval.PENDING:
        yield Refuse(Refusal.ALREADY_DONE)
        return
    if target.policy is not None and target.policy.held:
        yield Refuse(Refusal.NOT_PERMITTED, "what it answers waits for approval itself")
        return
    if not accept:
        yield Patch(SettleRequest(replace(request, state=Approval.REJECTED)))
        if not actor.local:
            yield _answer("Reject", owner, actor, target, request, facts)
        return
    stamped = _stamped(request, owner, facts)
    yield from granted(stamped, actor, target, facts)
    if not actor.local:
        yield _answer("Accept", owner, actor, target, stamped, facts)


def implied(reply: Object, actor: Actor, facts: Facts) -> Iterator[Effect]:
    """One of ours likes, answers or passes on a reply that waits for their approval: it has it."""
    request = facts.requests_by_object.get(reply.id)
    if request is not None and request.state is Approval.PENDING and request.target_actor_id == actor.id:
        yield from compose_decision(request, actor, accept=True, facts=facts)


def granted(request: InteractionRequest, actor: Actor, target: Object, facts: Facts) -> Iterator[Effect]:
    """What waited is permitted: it takes effect, and if it is ours everybody it is for gets it with its stamp."""
    yield Patch(SettleRequest(replace(request, state=Approval.ACCEPTED)))
    if request.kind is Interaction.LIKE:
        if (actor.id, target.id) not in facts.likes:
            yield from granting.like(actor, target, request.uri, facts)
    elif request.kind is Interaction.ANNOUNCE:
        if (actor.id, target.id) not in facts.announces:
            yield from _announced(request, actor, target, facts)
    elif request.object_id is not None:
        yield from _answered(request, actor, target, facts)


def _announced(request: InteractionRequest, actor: Actor, target: Object, facts: Facts) -> Iterator[Effect]:
    reach = request.visibility or Visibility.PUBLIC
    yield from granting.announce(request.uri, actor, target, reach, request.created_ms, facts)
    author = facts.author(target)
    if not actor.local or author is None:
        return
    document = announce_document(request.uri, actor, target, author, reach, request.created_ms, request.stamp_uri)
    yield Deliver(
        actor.id,
        "Announce",
        request.uri,
        document,
        to_actor_ids=() if author.local else (author.id,),
        followers_of=actor.id,
        object_id=target.id,
    )


def announce_document(
    uri: str, actor: Actor, target: Object, author: Actor, reach: Visibility, moment_ms: int, stamp_uri: str | None
) -> dict[str, Any]:
    """The Announce of one of ours, with its approval under both names that are in use."""
    to, cc = granting.announce_audience(reach, actor, author)
    more = {"announceAuthorization": stamp_uri, "approvedBy": stamp_uri} if stamp_uri is not None else {}
    return wire.about("Announce", uri, actor.uri, target.uri, to=to, cc=cc, published=wire.stamp(moment_ms), **more)


def _answered(request: InteractionRequest, actor: Actor, target: Object, facts: Facts) -> Iterator[Effect]:
    held = facts.records.get(request.object_id or 0)
    if held is None:
        return
    record = released(held, request)
    people = tuple(facts.actors_by_id[id_] for id_ in record.mention_ids if id_ in facts.actors_by_id)
    told_before = {target.actor_id}
    for effect in tell_readers(record, actor, people, facts):
        # Whom it answers was told of it when it began to wait.
        if not (isinstance(effect, Notify) and effect.actor_id in told_before):
            yield effect
    if actor.local:
        yield from deliver(record, actor, facts.author(target), people, facts)
    else:
        yield from containers.tell(record, actor, None, facts)


def released(held: NewObject, request: InteractionRequest) -> NewObject:
    """A reply as it is for everybody once it was approved."""
    parts = {key: value for key, value in held.parts.items() if key != "held_for"}
    if request.stamp_uri is not None:
        parts["reply_stamp"] = request.stamp_uri
    return replace(
        held,
        visibility=request.visibility or held.visibility,
        mention_ids=tuple(int(id_) for id_ in held.parts.get("held_for") or held.mention_ids),
        parts=parts,
        policy=replace(held.policy, held=False) if held.policy is not None else None,
    )


def accepted(request: InteractionRequest, owner: Actor, stamp_uri: str | None, facts: Facts) -> Iterator[Effect]:
    """The author elsewhere of what was answered, liked or passed on agrees."""
    target, actor = facts.objects_by_id.get(request.target_id), facts.actors_by_id.get(request.actor_id)
    if target is None or actor is None or request.target_actor_id != owner.id:
        yield Refuse(Refusal.NOT_PERMITTED)
        return
    if request.state is Approval.ACCEPTED:
        yield Refuse(Refusal.ALREADY_DONE)
        return
    # GoToSocial before 0.19 has no stamps; then its word to us is all there is.
    stamp = stamp_uri if is_stamp_of(stamp_uri, owner) else None
    yield from granted(replace(request, stamp_uri=stamp), actor, target, facts)


def rejected(request: InteractionRequest, owner: Actor) -> Iterator[Effect]:
    """The author elsewhere does not agree, or no longer."""
    if request.target_actor_id != owner.id:
        yield Refuse(Refusal.NOT_PERMITTED)
    elif request.state in (Approval.REJECTED, Approval.REVOKED):
        yield Refuse(Refusal.ALREADY_DONE)
    else:
        state = Approval.REVOKED if request.state is Approval.ACCEPTED else Approval.REJECTED
        yield Patch(SettleRequest(replace(request, state=state)))


def verified(stamp: Authorization | None, request: InteractionRequest, facts: Facts) -> Iterator[Effect]:
    """A claimed stamp was looked up at its origin: `stamp` is what stood there under exactly that id, or None."""
    target, actor = facts.objects_by_id.get(request.target_id), facts.actors_by_id.get(request.actor_id)
    owner = facts.actors_by_id.get(request.target_actor_id)
    if target is None or actor is None or owner is None or request.state is not Approval.PENDING:
        yield Refuse(Refusal.ALREADY_DONE if request.state is not Approval.PENDING else Refusal.UNKNOWN_OBJECT)
        return
    is_valid = (
        stamp is not None
        and stamp.kind in (request.kind.value, "")
        and stamp.id == request.stamp_uri
        and stamp.interacting_object == request.uri
        and stamp.interaction_target in (target.uri, None)
        and stamp.attributed_to == owner.uri
        and same_origin(stamp.id, owner.uri)
    )
    if is_valid:
        yield from granted(request, actor, target, facts)
    else:
        yield Patch(SettleRequest(replace(request, state=Approval.REJECTED)))


def _stamped(request: InteractionRequest, owner: Actor, facts: Facts) -> InteractionRequest:
    stamp = facts.world.names.authorization(owner.username, request.id)
    return replace(request, state=Approval.ACCEPTED, stamp_uri=stamp)


def stamped_by_us(request: InteractionRequest, owner: Actor, facts: Facts) -> InteractionRequest:
    """Accepted, with the stamp that we serve for it from now on."""
    return _stamped(request, owner, facts)


def _answer(
    kind: str, owner: Actor, actor: Actor, target: Object, request: InteractionRequest, facts: Facts
) -> Deliver:
    """Accept or Reject. Who asked politely is answered with what they asked, others with what they did."""
    asked: Mapping[str, Any] | str = request.uri
    if request.request_uri is not None:
        asked = {
            "type": _TYPE_OF[request.kind],
            "id": request.request_uri,
            "actor": actor.uri,
            "object": target.uri,
            "instrument": request.uri,
        }
    more: dict[str, Any] = {"target": target.uri}
    if kind == "Accept" and request.stamp_uri is not None:
        more["result"] = request.stamp_uri
    uri = facts.world.names.activity(owner.username, kind.lower(), facts.world.ids.next())
    document = wire.about(kind, uri, owner.uri, asked, to=(actor.uri,), **more)
    return Deliver(owner.id, kind, uri, document, to_actor_ids=(actor.id,))
