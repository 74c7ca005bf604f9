"""A remote object comes in for the first time, by its Create or by an Update that overtook it.

The checks that every object passes before anything of it is stored, and what follows from storing it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fediverse_node.domain import policy, votes
from fediverse_node.domain.effects import Effect, FetchLater, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor
from fediverse_node.domain.publication import publish
from fediverse_node.domain.reception import addressed, participants, received_object
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.objects import ObjectDocument
from fediverse_node.protocol.uris import is_http_uri, same_origin

MAX_PARENTS = 200


def needs(verified: Verified) -> Needs:
    """The author and readers, the parent, everybody named, and whether somebody waits for this."""
    document = document_of(verified)
    if document is None:
        return Needs(acting=verified.activity.actor)
    return Needs(
        acting=verified.activity.actor,
        actors=participants(document),
        objects=(document.id, *((document.in_reply_to,) if document.in_reply_to else ())),
        audience=True,
        hashtags=tuple(tag.lower() for tag in document.hashtags),
        orphans_of=(document.id,),
    )


def document_of(verified: Verified) -> ObjectDocument | None:
    """The object of a Create or Update. Takahe addresses the activity only: the object is for the same people."""
    document, activity = verified.object, verified.activity
    if document is None or document.to or document.cc:
        return document
    return replace(document, to=activity.to, cc=activity.cc)


def refusal_of(document: ObjectDocument, author: Actor, facts: Facts) -> Refuse | None:
    """Why nothing this actor says about this object counts, new or changed."""
    if document.attributed_to != author.uri:
        return Refuse(Refusal.NOT_THE_OWNER, document.attributed_to)
    # spec: fep-fe34: an id speaks for its own origin only.
    if not same_origin(document.id, author.uri) or facts.world.names.is_ours(document.id):
        return Refuse(Refusal.WRONG_ORIGIN, document.id)
    if policy.is_gone(author, facts):
        return Refuse(Refusal.SUSPENDED, author.host)
    if document.id in facts.tombstones:
        return Refuse(Refusal.DELETED, document.id)
    return None


def arrive(verified: Verified, document: ObjectDocument, author: Actor, facts: Facts) -> Iterator[Effect]:
    """An object that is not stored yet and passed `refusal_of`."""
    parent = facts.objects.get(document.in_reply_to) if document.in_reply_to else None
    if parent is not None and document.vote_name is not None and parent.poll is not None:
        yield from votes.receive(author, parent, document.vote_name, document.id, facts)
        return
    people = addressed(document, facts)
    solicited = verified.solicited or document.id in facts.awaited
    if not solicited and not policy.is_relevant(author, parent, people, facts):
        yield Refuse(Refusal.NOT_RELEVANT)
        return
    if parent is not None and (parent.actor_id, author.id) in facts.blocks:
        yield Refuse(Refusal.NOT_PERMITTED, "its parent's author blocks its author")
        return
    record = received_object(document, author, parent, facts)
    yield from publish(record, author, people, facts)
    for uri in record.parts.get("absent", ()):
        # Whoever answers here shall not lose them from the conversation.
        if is_http_uri(uri, allow_plain=True) and not facts.world.names.is_ours(uri):
            yield FetchLater(uri, "actor")
    wanted = document.in_reply_to if parent is None else None
    # A thread of endless parents must end somewhere; this is far above what people write.
    if wanted and verified.depth < MAX_PARENTS and is_http_uri(wanted, allow_plain=True):
        yield FetchLater(wanted, "object", verified.depth + 1)
