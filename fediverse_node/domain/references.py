"""What an activity refers to when its object is an activity, embedded or named by its id only.

Mastodon embeds it, others send the bare id; snac2 embeds the whole document it once received.
"""

from __future__ import annotations

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Follow, InteractionRequest, Quote
from fediverse_node.protocol.activitystreams import Activity, parse_activity
from fediverse_node.protocol.uris import same_origin


def inner_activity(activity: Activity) -> Activity | None:
    """The embedded activity, if it is whole enough to say who did what."""
    if activity.object is None:
        return None
    inner = parse_activity(activity.object)
    return None if isinstance(inner, Fail) else inner


def own_id(activity: Activity) -> str | None:
    """The activity's id, if its actor's host speaks for it. spec: fep-fe34

    Nothing is stored under a foreign id: a stranger's Follow could otherwise stand in for somebody else's.
    """
    return activity.id if activity.id is not None and same_origin(activity.id, activity.actor) else None


def named_actors(activity: Activity) -> tuple[str, ...]:
    """URIs of the actors of an embedded activity: who did it, and to whom."""
    inner = inner_activity(activity)
    if inner is None:
        return ()
    return (inner.actor, inner.object_id) if inner.object_id else (inner.actor,)


APPROVAL_TYPES = frozenset({"QuoteRequest", "LikeRequest", "ReplyRequest", "AnnounceRequest"})


def answered_objects(activity: Activity) -> tuple[str, ...]:
    """URIs of the posts that an Accept or Reject can be about: what quotes or answers is stored under its own."""
    inner = inner_activity(activity)
    named = (activity.object_id, inner.instrument_id if inner is not None else None)
    return tuple(uri for uri in named if uri)


def answered_approval(activity: Activity, facts: Facts) -> Quote | InteractionRequest | None:
    """What an Accept or Reject of something else than a Follow can mean: by the id of the request, or what it is for.

    GoToSocial before 0.20 answers the interaction itself; others make the id of the request anew.
    """
    uri = activity.object_id or ""
    found = facts.quotes_by_request.get(uri) or facts.requests_by_uri.get(uri)
    if found is not None:
        return found
    inner = inner_activity(activity)
    if inner is not None and inner.type not in APPROVAL_TYPES and "instrument" in inner.raw:
        return None
    wanted = inner.instrument_id if inner is not None and inner.type in APPROVAL_TYPES else activity.object_id
    object_ = facts.objects.get(wanted or "")
    if object_ is None:
        return facts.requests_by_uri.get(wanted or "")
    is_quote = inner is not None and inner.type == "QuoteRequest"
    return facts.quotes.get(object_.id) if is_quote else facts.requests_by_object.get(object_.id)


def named_follows(activity: Activity, facts: Facts) -> tuple[Follow, ...]:
    """The stored follows that the activity can mean: by the id of the Follow, and by the pair it names.

    Peers that lost the id of our Follow make one up; the pair is what counts then.
    """
    found: dict[tuple[int, int], Follow] = {}
    by_uri = facts.follows_by_uri.get(activity.object_id or "")
    if by_uri is not None:
        found[by_uri.follower_id, by_uri.followed_id] = by_uri
    inner = inner_activity(activity)
    if inner is not None and inner.type == "Follow":
        follower, followed = facts.actor(inner.actor), facts.actor(inner.object_id)
        by_pair = facts.follows.get((follower.id, followed.id)) if follower and followed else None
        if by_pair is not None:
            found[by_pair.follower_id, by_pair.followed_id] = by_pair
    return tuple(found.values())
