"""Create: somebody says something new.  spec: ap#create-activity-inbox, ap#create-activity-outbox

What an object has to pass before it is stored is in `domain/arrival.py`. Votes arrive as Create too and are
handed from there to `domain/votes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import arrival, documents, policy
from fediverse_node.domain.effects import Deliver, Effect, NewObject, Refusal, Refuse
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, Object, Visibility
from fediverse_node.domain.publication import publish
from fediverse_node.domain.verified import Verified

needs = arrival.needs


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere said something."""
    document = arrival.document_of(verified)
    author = facts.actor(verified.activity.actor)
    if document is None or author is None:
        yield Refuse(Refusal.UNSUPPORTED if document is None else Refusal.UNKNOWN_ACTOR)
        return
    refusal = arrival.refusal_of(document, author, facts)
    if refusal is not None:
        yield refusal
    elif document.id in facts.objects:
        # Whoever sends it: a second Create changes nothing, so nobody widens an audience with one.
        yield Refuse(Refusal.ALREADY_DONE, document.id)
    else:
        yield from arrival.arrive(verified, document, author, facts)


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
    if parent is not None and record.visibility in (Visibility.PUBLIC, Visibility.UNLISTED):
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
