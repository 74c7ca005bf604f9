"""The documents of our own activities. Objects and actors themselves are in `documents.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fediverse_node.base.clock import from_ms
from fediverse_node.domain.model import Actor, Object, Visibility
from fediverse_node.protocol.addressing import PUBLIC
from fediverse_node.protocol.contexts import with_context


def stamp(ms: int) -> str:
    """A moment as everybody reads it: UTC, whole seconds. Fractions are valid, but some peers cannot parse them."""
    return from_ms(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def about(
    kind: str,
    uri: str,
    actor_uri: str,
    object_: Mapping[str, Any] | str | Sequence[str],
    *,
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    **more: Any,
) -> dict[str, Any]:
    """An activity of `actor_uri` about an object.  `to` is always there: snac2 drops what has none."""
    inner = {k: v for k, v in object_.items() if k != "@context"} if isinstance(object_, Mapping) else object_
    return with_context(
        {"id": uri, "type": kind, "actor": actor_uri, **more, "object": inner, "to": list(to), "cc": list(cc)}
    )


def follow(uri: str, follower_uri: str, followed_uri: str) -> dict[str, Any]:
    """A Follow."""
    return about("Follow", uri, follower_uri, followed_uri, to=(followed_uri,))


def public_audience(followers_uri: str | None, *others: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`to` and `cc` of what everybody may know."""
    return (PUBLIC,), tuple(uri for uri in (followers_uri, *others) if uri)


def profile_audience(actor: Actor, object_: Object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`to` and `cc` of what `actor` does with an object on its profile: no wider than the object itself."""
    if object_.visibility is Visibility.FOLLOWERS:
        return ((actor.followers_uri,) if actor.followers_uri else ()), ()
    return public_audience(actor.followers_uri)
