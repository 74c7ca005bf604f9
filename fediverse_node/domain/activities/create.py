"""Create: somebody says something new.  spec: ap#create-activity-inbox, ap#create-activity-outbox

What an object has to pass before it is stored is in `domain/arrival.py`. Votes arrive as Create too and are
handed from there to `domain/votes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fediverse_node.domain import approvals, arrival, documents, groups, policy, publication, quotes
from fediverse_node.domain.effects import Effect, NewObject, Place, Put, Refusal, Refuse
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.interaction_policy import Standing, standing
from fediverse_node.domain.model import Actor, Interaction, Object, Quote, Visibility
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
    record: NewObject,
    author: Actor,
    parent: Object | None,
    people: tuple[Actor, ...],
    facts: Facts,
    *,
    quoted: Object | None = None,
) -> Iterator[Effect]:
    """One of ours says something: `record` is finished but for what only the facts know. `quoted` is what it quotes."""
    if policy.has_left(author):
        yield Refuse(Refusal.NOT_PERMITTED, "whoever has moved speaks from the new account")
        return
    if parent is not None and not policy.may_interact(author, parent, facts):
        yield Refuse(Refusal.NOT_PERMITTED, "this cannot be answered")
        return
    if parent is not None and groups.is_locked(parent, facts):
        yield Refuse(Refusal.NOT_PERMITTED, "the group has closed this conversation")
        return
    record = groups.written_in(record, author, parent, people, facts)
    quote: Quote | None = None
    if quoted is not None:
        quote, _ = quotes.compose(record, author, quoted, facts)
        if quote is None:
            yield approvals.denied(Interaction.QUOTE)
            return
        record = quotes.quoting(record, quote)
    implied = list(approvals.implied(parent, author, facts)) if parent is not None else []
    yield from implied
    found = Standing.ALLOWED
    # What is said in private stands under nobody's post.
    if parent is not None and not implied and record.visibility is not Visibility.DIRECT:
        found = standing(Interaction.REPLY, author, parent, facts)
    answered = facts.author(parent) if parent is not None else None
    if parent is None or answered is None or found is Standing.ALLOWED:
        yield from publish(record, author, people, facts)
        yield from deliver(record, author, parent, people, facts)
    elif found is Standing.DENIED:
        yield approvals.denied(Interaction.REPLY)
        return
    elif found is Standing.VOUCHED and answered.local:
        # Nobody has to be asked; but other servers cannot know that without a stamp.
        asked = approvals.stamped_by_us(approvals.reply_request(record, parent, facts), answered, facts)
        record = replace(record, parts={**record.parts, "reply_stamp": asked.stamp_uri})
        yield from publish(record, author, people, facts)
        yield Put(asked)
        yield from deliver(record, author, parent, people, facts)
    else:
        yield from _wait(record, author, parent, facts)
    if quote is not None:
        yield from quotes.publish(record, quote, author, facts)


def deliver(
    record: NewObject, author: Actor, parent: Object | None, people: tuple[Actor, ...], facts: Facts
) -> Iterator[Effect]:
    """The Create of an object of ours goes to those it is for, and to whom it answers."""
    answered = facts.author(parent) if parent is not None else None
    yield from publication.deliver(record, author, answered, people, facts)


def _wait(record: NewObject, author: Actor, parent: Object, facts: Facts) -> Iterator[Effect]:
    """A reply that has to be approved first: its author alone sees it at home."""
    yield Put(approvals.hold(record, parent, facts))
    yield Place(record.id, (author.id,))
    activity = documents.create_activity(record, author, facts.world.names)
    yield from approvals.ask(approvals.reply_request(record, parent, facts), activity, author, parent, facts)
