"""A remote object comes in for the first time, by its Create or by an Update that overtook it.

The checks that every object passes before anything of it is stored, and what follows from storing it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fediverse_node.domain import approvals, containers, forwarding, policy, quotes, votes
from fediverse_node.domain.effects import Effect, FetchLater, NewObject, Put, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.interaction_policy import Standing, standing
from fediverse_node.domain.model import Actor, Interaction, Object, Visibility
from fediverse_node.domain.publication import publish
from fediverse_node.domain.reception import addressed, participants, received_object
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.objects import ObjectDocument
from fediverse_node.protocol.uris import is_http_uri, same_origin

MAX_PARENTS = 200
# What is fetched leads on to one other post at most, its parent: if each led to a parent, a quote and all whom it
# names, one message could make us ask for a hundred thousand. So only what came by itself, what it answers, and what is
# quoted leads to what it quotes.
_BRANCHING = frozenset({0, 1, quotes.DEPTH_OF_A_QUOTE, 2 * quotes.DEPTH_OF_A_QUOTE})


def needs(verified: Verified) -> Needs:
    """The author and readers, the parent, everybody named, and whether somebody waits for this."""
    document = document_of(verified)
    if document is None:
        return Needs(acting=verified.activity.actor)
    return Needs(
        acting=verified.activity.actor,
        actors=participants(document),
        objects=tuple(uri for uri in (document.id, document.in_reply_to, document.quote) if uri),
        audience=True,
        hashtags=tuple(tag.lower() for tag in document.hashtags),
        orphans_of=(document.id,),
        containers=document.in_reply_to is not None,
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


def arrive(
    verified: Verified, document: ObjectDocument, author: Actor, facts: Facts, *, request_uri: str | None = None
) -> Iterator[Effect]:
    """An object that is not stored yet and passed `refusal_of`. `request_uri`: its author asked whether it may be."""
    parent = facts.objects.get(document.in_reply_to) if document.in_reply_to else None
    if parent is not None and document.vote_name is not None and parent.poll is not None:
        yield from votes.receive(author, parent, document.vote_name, document.id, facts)
        return
    people = addressed(document, facts)
    solicited = verified.solicited or document.id in facts.awaited or document.id in facts.waiting_quotes
    if not solicited and not policy.is_relevant(author, parent, people, facts):
        yield Refuse(Refusal.NOT_RELEVANT)
        return
    if parent is not None and (parent.actor_id, author.id) in facts.blocks:
        yield Refuse(Refusal.NOT_PERMITTED, "its parent's author blocks its author")
        return
    record = received_object(document, author, parent, facts)
    record = replace(record, activity_uri=containers.activity_of(verified, record.visibility))
    settled = list(_settled(record, document, author, parent, people, request_uri, facts))
    yield from settled
    if any(isinstance(effect, Refuse) for effect in settled):
        return
    # Of a conversation that is being looked through, stamps are looked up, but not what else it leads to.
    is_branching = not verified.walked and verified.depth in _BRANCHING
    yield from _quotes(record, document, author, verified.depth if is_branching else quotes.DEEPEST, facts)
    if parent is not None and standing(Interaction.REPLY, author, parent, facts) is Standing.ALLOWED:
        yield from forwarding.of_reply(verified, record.id, record.visibility, facts.author(parent))
    if facts.containers and any(isinstance(effect, Put) and effect.record is record for effect in settled):
        yield from containers.tell(record, author, containers.proven(verified), facts)
    if verified.walked:
        return
    for uri in record.parts.get("absent", ()) if verified.depth == 0 else ():
        # Whoever answers here shall not lose them from the conversation.
        if is_http_uri(uri, allow_plain=True) and not facts.world.names.is_ours(uri):
            yield FetchLater(uri, "actor")
    wanted = document.in_reply_to if parent is None else None
    # A thread of endless parents must end somewhere; this is far above what people write.
    if wanted and verified.depth < MAX_PARENTS and is_http_uri(wanted, allow_plain=True):
        yield FetchLater(wanted, "object", verified.depth + 1)


def _settled(
    record: NewObject,
    document: ObjectDocument,
    author: Actor,
    parent: Object | None,
    people: tuple[Actor, ...],
    request_uri: str | None,
    facts: Facts,
) -> Iterator[Effect]:
    """The object is stored: shown, or as an answer that has to be approved by the author of what it answers."""
    shown = publish(record, author, people, facts)
    # What is said in private stands under nobody's post.
    if parent is None or record.visibility is Visibility.DIRECT:
        yield from shown
        return
    if request_uri is None and standing(Interaction.REPLY, author, parent, facts) is Standing.ALLOWED:
        yield from shown
        return
    request = approvals.reply_request(
        record, parent, facts, request_uri=request_uri, stamp_uri=document.reply_authorization
    )
    put = (Put(approvals.hold(record, parent, facts)),)
    yield from approvals.receive(request, author, parent, facts, grant=shown, put=put)


def _quotes(record: NewObject, document: ObjectDocument, author: Actor, depth: int, facts: Facts) -> Iterator[Effect]:
    """What the object quotes, and what has been waiting to quote it."""
    if document.quote is not None:
        quoted = facts.objects.get(document.quote)
        quote = quotes.assess(record.id, author, document.quote, document.quote_authorization, quoted, facts)
        yield from quotes.arrive(quote, author, record.thread_id, depth, facts)
    if document.id in facts.waiting_quotes:
        yield from quotes.settle_waiting(document.id, slim(record), facts)


def slim(record: NewObject) -> Object:
    """A new object as rules see those that are stored."""
    return Object(
        id=record.id,
        uri=record.uri,
        type=record.type,
        actor_id=record.actor_id,
        local=record.local,
        visibility=record.visibility,
        announce_of_id=record.announce_of_id,
        in_reply_to_id=record.in_reply_to_id,
        in_reply_to_actor_id=record.in_reply_to_actor_id,
        thread_id=record.thread_id,
        published_ms=record.published_ms,
        updated_ms=record.updated_ms,
        poll=record.poll,
        policy=record.policy,
    )
