"""Create: somebody says something new.  spec: ap#create-activity-inbox, ap#create-activity-outbox

Votes arrive as Create too and are handed to `domain/votes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import documents, policy, votes
from fediverse_node.domain.effects import Deliver, Effect, FetchLater, NewObject, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor, Object, Visibility
from fediverse_node.domain.publication import publish
from fediverse_node.domain.reception import addressed, participants, received_object
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.objects import ObjectDocument
from fediverse_node.protocol.uris import is_http_uri, same_origin


def needs(verified: Verified) -> Needs:
    """The author and readers, the parent, everybody named, and whether somebody waits for this."""
    document = verified.object
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


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere said something."""
    document = verified.object
    author = facts.actor(verified.activity.actor)
    if document is None or author is None:
        yield Refuse(Refusal.UNSUPPORTED if document is None else Refusal.UNKNOWN_ACTOR)
        return
    refusal = _refusal(document, author, facts)
    if refusal is not None:
        yield refusal
        return
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
    if parent is None and document.in_reply_to and is_http_uri(document.in_reply_to, allow_plain=True):
        yield FetchLater(document.in_reply_to, "object")


def compose(
    record: NewObject, author: Actor, parent: Object | None, people: tuple[Actor, ...], facts: Facts
) -> Iterator[Effect]:
    """One of ours says something: `record` is finished but for what only the facts know."""
    if parent is not None and not policy.may_interact(author, parent, facts):
        yield Refuse(Refusal.NOT_PERMITTED, "this cannot be answered")
        return
    yield from publish(record, author, people, facts)
    yield from deliver(record, author, parent, people, facts)


def deliver(
    record: NewObject, author: Actor, parent: Object | None, people: tuple[Actor, ...], facts: Facts
) -> Iterator[Effect]:
    """The Create of an object of ours goes to those it is for, and to whom it answers."""
    recipients = [person.id for person in people if not person.local]
    if parent is not None and record.visibility is not Visibility.DIRECT:
        answered = facts.author(parent)
        if answered is not None and not answered.local:
            recipients.append(answered.id)
    activity = documents.create_activity(record, author, facts.world.names)
    yield Deliver(
        author.id,
        "Create",
        activity["id"],
        activity,
        to_actor_ids=tuple(dict.fromkeys(recipients)),
        followers_of=author.id if record.visibility is not Visibility.DIRECT else None,
        object_id=record.id,
    )


def _refusal(document: ObjectDocument, author: Actor, facts: Facts) -> Refuse | None:
    if document.attributed_to != author.uri:
        return Refuse(Refusal.NOT_THE_OWNER, document.attributed_to)
    # spec: fep-fe34: an id speaks for its own origin only.
    if not same_origin(document.id, author.uri) or facts.world.names.is_ours(document.id):
        return Refuse(Refusal.WRONG_ORIGIN, document.id)
    if policy.is_gone(author, facts):
        return Refuse(Refusal.SUSPENDED, author.host)
    if document.id in facts.objects:
        return Refuse(Refusal.ALREADY_DONE, document.id)
    if document.id in facts.tombstones:
        return Refuse(Refusal.DELETED, document.id)
    return None
