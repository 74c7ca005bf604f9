"""Conversation containers: the owner of a conversation tells what was added to it.  spec: fep-171b

An `Add` of somebody else's activity to a collection of one's own is a hint and no more: what it names is fetched from
where it was written, and belongs to the conversation because of what it says itself that it answers. So only a `Create`
is of use; and nothing that is not for everybody comes this way, because its server does not show it to us.

Conversations that began here in the open are told in the same way, to servers that listen to it: only `Create`s, and
none of what its owner does not want to see. The log that `web/threads.py` serves is of the same `Add`s. Conversations
among followers are not: see FEDERATION.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fediverse_node.domain import policy, wire
from fediverse_node.domain.effects import Deliver, Effect, FetchLater, NewObject, Refusal, Refuse
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, Container, Visibility
from fediverse_node.domain.names import Names
from fediverse_node.domain.references import own_id
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.activitystreams import Activity
from fediverse_node.protocol.addressing import audience_for
from fediverse_node.protocol.collections import COLLECTION_TYPES
from fediverse_node.protocol.reading import types, uri
from fediverse_node.protocol.uris import is_http_uri, same_origin

# What reads such activities, by the name in its NodeInfo. To all others they mean nothing.
SOFTWARE = ("forte", "hubzilla", "mitra", "streams")
_OPEN = (Visibility.PUBLIC, Visibility.UNLISTED)


@dataclass(frozen=True, slots=True)
class Added:
    """A post that was added to a conversation, by its address, and what it is said to answer."""

    post: str
    answers: str


def is_container_add(activity: Activity) -> bool:
    """Whether this adds to a collection that the actor says is its own, and that is at home where the actor is."""
    target = activity.target
    if activity.type != "Add" or target is None or activity.target_id is None:
        return False
    if COLLECTION_TYPES.isdisjoint(types(target)) or uri(target.get("attributedTo")) != activity.actor:
        return False
    return same_origin(activity.target_id, activity.actor)


def added_in(activity: Activity) -> Added | None:
    """The reply inside the activity that was added, if that is one."""
    created = activity.object
    if created is None or "Create" not in types(created):
        return None
    post = created.get("object")
    if not isinstance(post, Mapping):
        return None
    address, answers = uri(post.get("id")), uri(post.get("inReplyTo"))
    return Added(address, answers) if address is not None and answers is not None else None


def decide(activity: Activity, actor: Actor, facts: Facts) -> Iterator[Effect]:
    """The owner of a conversation tells of a reply."""
    added = added_in(activity)
    if added is None or not is_http_uri(added.post, allow_plain=True):
        yield Refuse(Refusal.UNSUPPORTED, "only replies are taken from conversations of others")
    elif policy.is_gone(actor, facts):
        yield Refuse(Refusal.SUSPENDED, actor.host)
    elif added.post in facts.objects or facts.world.names.is_ours(added.post):
        yield Refuse(Refusal.ALREADY_DONE, added.post)
    elif added.post in facts.tombstones:
        yield Refuse(Refusal.DELETED, added.post)
    elif added.answers not in facts.objects:
        yield Refuse(Refusal.NOT_RELEVANT, added.answers)
    else:
        yield FetchLater(added.post, "object")


# Conversations that began here


def activity_of(verified: Verified, reach: Visibility) -> str | None:
    """Where the Create of a post for everybody can be looked up; None where nobody could."""
    activity, id_ = verified.activity, own_id(verified.activity)
    if activity.type != "Create" or reach not in _OPEN or id_ is None or id_ == activity.object_id:
        return None
    # GoToSocial's ids of activities are fragments of the post's: there stands the post.
    return id_ if "#" not in id_ and is_http_uri(id_, allow_plain=True) else None


def proven(verified: Verified) -> Mapping[str, Any] | None:
    """A received Create as it came, if others can believe it without asking for it.  spec: fep-171b#authentication"""
    if verified.activity.type != "Create" or verified.received is None or b'"proof"' not in verified.received:
        return None
    document = json.loads(verified.received)
    return document if isinstance(document, Mapping) and "proof" in document else None


def tell(record: NewObject, author: Actor, whole: Mapping[str, Any] | None, facts: Facts) -> Iterator[Effect]:
    """A reply has become part of a conversation: its owner tells those who listen.

    `whole` is its Create, if that can be shown as it is; else it goes by its address.
    """
    container = facts.containers.get(record.thread_id or record.id)
    if container is None or record.in_reply_to_id is None or record.visibility not in _OPEN:
        return
    owner = facts.actors_by_id.get(container.owner_id)
    what = whole if whole is not None else record.activity_uri
    is_held = record.policy is not None and record.policy.held
    if owner is None or what is None or is_held or not _is_welcome(author, owner, facts):
        return
    document = addition(container, record.id, what, record.published_ms, facts.world.names)
    yield Deliver(owner.id, "Add", document["id"], document, object_id=record.id, inboxes=container.inboxes)


def _is_welcome(author: Actor, owner: Actor, facts: Facts) -> bool:
    if policy.is_gone(owner, facts) or policy.has_left(owner) or policy.is_gone(author, facts):
        return False
    return not (policy.is_blocked_between(owner.id, author.id, facts) or policy.keeps_away(owner.id, author.id, facts))


def addition(
    container: Container, object_id: int, what: Mapping[str, Any] | str, published_ms: int, names: Names
) -> dict[str, Any]:
    """The Add of an activity (or of its address) to a conversation.  spec: fep-171b#adding-activities"""
    to, cc = audience_for(container.visibility, container.followers_uri or names.followers(container.owner_uri), ())
    document = wire.about(
        "Add",
        names.addition(container.thread_id, object_id),
        container.owner_uri,
        what if isinstance(what, str) else {},
        to=to,
        cc=cc,
        published=wire.stamp(published_ms),
        target={
            "type": "OrderedCollection",
            "id": names.history(container.thread_id),
            "attributedTo": container.owner_uri,
        },
    )
    # As it came, with its own context: its proof was made over that.
    return document if isinstance(what, str) else {**document, "object": dict(what)}
