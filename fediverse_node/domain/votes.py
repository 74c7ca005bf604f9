"""Votes: on the wire a Create of a Note that has a name, in reply to a Question.  spec: fep-9967#voting"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fediverse_node.domain import policy, wire
from fediverse_node.domain.effects import Deliver, Effect, NewVotes, Notify, Put, Refusal, Refuse
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, Object, Poll


def receive(actor: Actor, question: Object, name: str, uri: str, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere chose an option of a poll."""
    poll = question.poll
    if poll is None or not question.local:
        yield Refuse(Refusal.NOT_OURS)
    elif not policy.may_interact(actor, question, facts):
        yield Refuse(Refusal.NOT_PERMITTED)
    elif has_ended(poll, facts.now_ms()):
        yield Refuse(Refusal.CLOSED)
    elif name not in poll.options:
        yield Refuse(Refusal.MALFORMED, "the poll has no such option")
    else:
        choice = poll.options.index(name)
        earlier = facts.votes.get((actor.id, question.id), ())
        if choice in earlier or (earlier and not poll.multiple):
            yield Refuse(Refusal.ALREADY_DONE)
        else:
            yield Put(NewVotes(question.id, actor.id, (choice,), uri))


def compose(actor: Actor, question: Object, choices: Sequence[int], facts: Facts) -> Iterator[Effect]:
    """One of ours chooses. One activity an option, as Mastodon sends and expects them."""
    poll = question.poll
    if poll is None:
        yield Refuse(Refusal.UNKNOWN_OBJECT)
        return
    if not policy.may_interact(actor, question, facts) or actor.id == question.actor_id:
        yield Refuse(Refusal.NOT_PERMITTED)
        return
    if has_ended(poll, facts.now_ms()):
        yield Refuse(Refusal.CLOSED)
        return
    if facts.votes.get((actor.id, question.id)):
        yield Refuse(Refusal.ALREADY_DONE)
        return
    wanted = tuple(dict.fromkeys(choices))
    if not wanted or (len(wanted) > 1 and not poll.multiple) or not all(0 <= c < len(poll.options) for c in wanted):
        yield Refuse(Refusal.MALFORMED, "choose from the options there are")
        return
    yield Put(NewVotes(question.id, actor.id, wanted, counts=question.local))
    author = facts.author(question)
    if author is None or author.local:
        return
    for choice in wanted:
        uri = facts.world.names.activity(actor.username, "vote", facts.world.ids.next())
        note = {
            "id": f"{uri}/note",
            "type": "Note",
            "name": poll.options[choice],
            "attributedTo": actor.uri,
            "inReplyTo": question.uri,
            "published": wire.stamp(facts.now_ms()),
            "to": [author.uri],
            "cc": [],
        }
        document = wire.about("Create", uri, actor.uri, note, to=(author.uri,))
        yield Deliver(actor.id, "Create", uri, document, to_actor_ids=(author.id,), object_id=question.id)


def has_ended(poll: Poll, now_ms: int) -> bool:
    """Whether no more votes are taken."""
    return any(end is not None and end <= now_ms for end in (poll.expires_ms, poll.closed_ms))


def end(question_id: int, author: Actor, voters: Sequence[int], facts: Facts) -> Iterator[Effect]:
    """A poll has ended: everybody here who asked or chose is told. `voters` are actors of ours."""
    told = (*voters, author.id) if author.local else tuple(voters)
    for actor_id in dict.fromkeys(told):
        yield Notify(actor_id, "poll", author.id, question_id)
