"""Who may do what. Each question is answered here and nowhere else, for remote and local acts alike."""

from __future__ import annotations

from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, Object, Visibility

MAX_PINS = 5


def is_gone(actor: Actor, facts: Facts) -> bool:
    """Whether nothing of this actor counts any more: deleted, suspended, or its host is."""
    if actor.deleted or actor.suspended:
        return True
    # The host in a handle can be another than that of the id.
    return facts.domains.is_suspended(actor.host) or facts.domains.refuses(actor.uri)


def has_left(actor: Actor) -> bool:
    """Whether somebody of ours goes on elsewhere: here they say and begin nothing any more, but may take back."""
    return actor.local and actor.moved_to_uri is not None


def is_blocked_between(one: int, other: int, facts: Facts) -> bool:
    """Whether either of the two blocks the other."""
    return (one, other) in facts.blocks or (other, one) in facts.blocks


def keeps_away(one: int, other: int, facts: Facts) -> bool:
    """Whether the one wants nothing of the whole host of the other."""
    if not facts.domain_blocks:
        return False
    actor = facts.actors_by_id.get(other)
    return actor is not None and (one, actor.host) in facts.domain_blocks


def may_see(actor: Actor, object_: Object, facts: Facts) -> bool:
    """Whether the object was meant for this actor. Its author always sees it."""
    if object_.actor_id == actor.id:
        return True
    if (object_.actor_id, actor.id) in facts.blocks or (object_.actor_id, actor.host) in facts.domain_blocks:
        return False
    if object_.visibility in (Visibility.PUBLIC, Visibility.UNLISTED):
        return True
    if (object_.id, actor.id) in facts.mentions:
        return True
    return object_.visibility is Visibility.FOLLOWERS and facts.follows_accepted(actor.id, object_.actor_id)


def may_interact(actor: Actor, object_: Object, facts: Facts) -> bool:
    """Whether the actor may like, answer or vote on the object: it sees it, and nobody blocks anybody."""
    return (
        not has_left(actor)
        and may_see(actor, object_, facts)
        and not is_blocked_between(actor.id, object_.actor_id, facts)
    )


def may_announce(actor: Actor, object_: Object, facts: Facts) -> bool:
    """Whether the actor may pass the object on: public ones by everybody, followers-only by their author alone."""
    if object_.announce_of_id is not None or not may_interact(actor, object_, facts):
        return False
    if object_.visibility in (Visibility.PUBLIC, Visibility.UNLISTED):
        return True
    return object_.visibility is Visibility.FOLLOWERS and object_.actor_id == actor.id


def may_pin(actor: Actor, object_: Object) -> bool:
    """Whether the actor may show the object on top of its profile: its own, and not what one person was told."""
    return (
        object_.actor_id == actor.id and object_.announce_of_id is None and object_.visibility is not Visibility.DIRECT
    )


def may_follow(follower: Actor, followed: Actor, facts: Facts) -> bool:
    """Whether a follow or a request for one may exist at all. Whoever has moved is followed where they are now."""
    if follower.id == followed.id or is_blocked_between(follower.id, followed.id, facts):
        return False
    is_new = (follower.id, followed.id) not in facts.follows
    if has_left(follower) or (is_new and followed.moved_to_uri is not None):
        return False
    return not (keeps_away(follower.id, followed.id, facts) or keeps_away(followed.id, follower.id, facts))


def may_notify(recipient: Actor, sender_id: int, thread_id: int | None, facts: Facts) -> bool:
    """Whether the recipient wants to hear of it: no block, no mute of the sender or of the thread."""
    if not recipient.local or recipient.id == sender_id or recipient.suspended or recipient.deleted:
        return False
    return wants_to_hear(recipient.id, sender_id, thread_id, facts)


def wants_to_hear(recipient_id: int, sender_id: int, thread_id: int | None, facts: Facts) -> bool:
    """The same for somebody of whom is known that they are local and here: no block, no mute, no domain block."""
    if keeps_away(recipient_id, sender_id, facts):
        return False
    if is_blocked_between(recipient_id, sender_id, facts) or facts.mutes.get((recipient_id, sender_id), False):
        return False
    return thread_id is None or (recipient_id, thread_id) not in facts.thread_mutes


def is_relevant(author: Actor, in_reply_to: Object | None, mentions: tuple[Actor, ...], facts: Facts) -> bool:
    """Whether anybody here has to do with what a remote actor says.

    Without this, every host could fill our timelines through the shared inbox.
    """
    if facts.audience.get(author.id):
        return True
    if any(mentioned.local for mentioned in mentions):
        return True
    return in_reply_to is not None
