"""Flag: somebody reports an actor or what it said.  spec: as2#dfn-flag

A report that is passed on is signed by the server's own actor and never says who reported: the reported
person's server could tell them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fediverse_node.domain import policy, wire
from fediverse_node.domain.effects import Deliver, Effect, NewReport, Notify, Put, Refusal, Refuse
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Actor, Object
from fediverse_node.domain.references import own_id
from fediverse_node.domain.verified import Verified

COMMENT_LENGTH = 5_000
REPORTED_OBJECTS = 100
REPORTED_ACTORS = 5


def needs(verified: Verified) -> Needs:
    """What is reported, and who here decides about it."""
    reported = verified.activity.objects[: REPORTED_OBJECTS + REPORTED_ACTORS]
    return Needs(acting=verified.activity.actor, actors=reported, objects=reported, staff=True)


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere reports one of ours. What it says of others is left to their servers."""
    activity = verified.activity
    reporter = facts.actor(activity.actor)
    if reporter is None:
        yield Refuse(Refusal.UNKNOWN_ACTOR, activity.actor)
        return
    if policy.is_gone(reporter, facts):
        yield Refuse(Refusal.SUSPENDED, reporter.host)
        return
    if facts.domains.rejects_reports(reporter.host):
        yield Refuse(Refusal.NOT_PERMITTED, f"reports of {reporter.host} are not taken")
        return
    reported: dict[int, list[int]] = {}
    for uri in activity.objects[: REPORTED_OBJECTS + REPORTED_ACTORS]:
        target, object_ = facts.actor(uri), facts.objects.get(uri)
        if target is not None and target.local:
            reported.setdefault(target.id, [])
        elif object_ is not None and object_.local:
            reported.setdefault(object_.actor_id, []).append(object_.id)
    if not reported:
        yield Refuse(Refusal.NOT_OURS)
        return
    for target_id, object_ids in list(reported.items())[:REPORTED_ACTORS]:
        yield Put(
            NewReport(
                facts.world.ids.next(),
                reporter.id,
                target_id,
                own_id(activity),
                activity.content[:COMMENT_LENGTH],
                tuple(object_ids[:REPORTED_OBJECTS]),
            )
        )
    yield from _tell_staff(reporter, facts)


def compose(
    reporter: Actor,
    target: Actor,
    objects: Sequence[Object],
    facts: Facts,
    *,
    instance_actor_id: int,
    comment: str = "",
    category: str = "other",
    rule_ids: tuple[str, ...] = (),
    forward: bool = False,
) -> Iterator[Effect]:
    """One of ours reports somebody; `forward` tells the server of a remote actor as well, without a name."""
    if reporter.id == target.id:
        yield Refuse(Refusal.NOT_PERMITTED, "nobody can report themselves")
        return
    if any(object_.actor_id != target.id for object_ in objects):
        yield Refuse(Refusal.MALFORMED, "a report is about the posts of one actor")
        return
    number = facts.world.ids.next()
    uri = facts.world.names.flag(number)
    forwarded = forward and not target.local
    about = objects[:REPORTED_OBJECTS]
    comment = comment[:COMMENT_LENGTH]
    object_ids = tuple(object_.id for object_ in about)
    yield Put(NewReport(number, reporter.id, target.id, uri, comment, object_ids, category, rule_ids, forwarded))
    yield from _tell_staff(reporter, facts)
    if forwarded:
        document = wire.about(
            "Flag",
            uri,
            facts.world.names.instance_actor,
            [target.uri, *(object_.uri for object_ in about)],
            to=(target.uri,),
            content=comment,
        )
        yield Deliver(instance_actor_id, "Flag", uri, document, to_actor_ids=(target.id,))


def _tell_staff(reporter: Actor, facts: Facts) -> Iterator[Effect]:
    for moderator_id in facts.staff:
        if moderator_id != reporter.id:
            yield Notify(moderator_id, "report", reporter.id)
