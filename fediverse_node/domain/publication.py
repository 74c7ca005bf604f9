"""What follows when something new is said, wherever it was said: timelines, notifications, and to whom it goes."""

from __future__ import annotations

from collections.abc import Iterator

from fediverse_node.domain import containers, documents, policy
from fediverse_node.domain.effects import Deliver, Effect, NewObject, Notify, Place, Put
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.fan_out import readers_of
from fediverse_node.domain.model import Actor, Visibility


def publish(record: NewObject, author: Actor, people: tuple[Actor, ...], facts: Facts) -> Iterator[Effect]:
    """Store a new object, show it to its readers, tell those it speaks to."""
    yield Put(record)
    yield from tell_readers(record, author, people, facts)


def tell_readers(record: NewObject, author: Actor, people: tuple[Actor, ...], facts: Facts) -> Iterator[Effect]:
    """Show what is stored to its readers, and tell those it speaks to."""
    if record.visibility is not Visibility.DIRECT:
        readers = readers_of(
            author,
            object_language=record.language,
            is_reply=record.in_reply_to_uri is not None,
            reply_to_actor_id=record.in_reply_to_actor_id,
            mention_ids=record.mention_ids,
            hashtags=record.hashtags,
            public=record.visibility is Visibility.PUBLIC,
            facts=facts,
        )
        yield Place(record.id, readers)
    else:
        yield Place(record.id, _private_readers(author, people, facts))
    told = set()
    for person in people:
        if person.id not in told and policy.may_notify(person, author.id, record.thread_id, facts):
            told.add(person.id)
            yield Notify(person.id, "mention", author.id, record.id)
    if record.in_reply_to_uri is None and record.visibility is not Visibility.DIRECT:
        for reader in facts.audience.get(author.id, ()):
            recipient = facts.actors_by_id.get(reader.actor_id)
            if reader.notify and reader.actor_id not in told and reader.actor_id != author.id:
                if recipient is not None and not policy.may_notify(recipient, author.id, record.thread_id, facts):
                    continue
                yield Notify(reader.actor_id, "note", author.id, record.id)


def deliver(
    record: NewObject, author: Actor, answered: Actor | None, people: tuple[Actor, ...], facts: Facts
) -> Iterator[Effect]:
    """The Create of an object of ours goes to those it is for, and to whom it answers.

    Where a conversation of ours is told, it is told of it.
    """
    recipients = [person.id for person in people if not person.local]
    # The groups it is written in, those of what it answers among them: they pass it on.
    recipients += [int(group["id"]) for group in record.parts.get("groups") or ()]
    if answered is not None and not answered.local and record.visibility in (Visibility.PUBLIC, Visibility.UNLISTED):
        recipients.append(answered.id)
    activity = documents.create_activity(record, author, facts.world.names)
    unnamed = frozenset(record.parts.get("unnamed") or ())
    yield Deliver(
        author.id,
        "Create",
        activity["id"],
        activity,
        to_actor_ids=tuple(dict.fromkeys(recipients)),
        # The document does not say that it is for them: only their own inbox does.  spec: ap#delivery
        personal_ids=tuple(person_id for person_id in recipients if person_id in unnamed),
        followers_of=author.id if record.visibility is not Visibility.DIRECT else None,
        object_id=record.id,
    )
    yield from containers.tell(record, author, activity, facts)


def _private_readers(author: Actor, people: tuple[Actor, ...], facts: Facts) -> tuple[int, ...]:
    """As Mastodon does it: what is said in private is in the home timeline of those it is for who follow."""
    following = {reader.actor_id for reader in facts.audience.get(author.id, ())}
    ours = (author.id,) if author.local else ()
    return (*ours, *(person.id for person in people if person.local and person.id in following))
