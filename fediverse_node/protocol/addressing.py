"""Who a post is for: `to` and `cc` become one of four visibilities, and back.

spec: ap#delivery, ap#public-addressing. Does not decide who may see a post: that needs the reader,
and lives in the domain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import Enum

from fediverse_node.protocol.uris import same_origin

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"

# spec: ap#public-addressing; Takahe sends "as:Public", others the bare word, a few the http form.
PUBLIC_ALIASES = frozenset({PUBLIC, "as:Public", "Public", "http://www.w3.org/ns/activitystreams#Public"})

_FOLLOWERS_NAMES = frozenset({"followers", "subscribers"})


class Visibility(Enum):
    """How far a post reaches. The value is the name in our own storage."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    FOLLOWERS = "followers"
    DIRECT = "direct"


def is_public(uri: str) -> bool:
    """Whether this is one of the spellings of "everybody"."""
    return uri in PUBLIC_ALIASES


def visibility(
    to: Iterable[str],
    cc: Iterable[str],
    followers_uri: str | None,
    *,
    author_uri: str | None = None,
    known_followers_collections: Collection[str] = (),
) -> Visibility:
    """The visibility of a post addressed like this.

    `followers_uri` is the author's own; without it (author not fetched yet) an address of the author's
    origin that ends in `/followers` stands for it. Other unknown collections of the author (circles,
    lists) count as direct: showing them to all followers would widen what the author narrowed.
    """
    to, cc = tuple(to), tuple(cc)
    if any(uri in PUBLIC_ALIASES for uri in to):
        return Visibility.PUBLIC
    if any(uri in PUBLIC_ALIASES for uri in cc):
        return Visibility.UNLISTED
    for uri in (*to, *cc):
        if uri == followers_uri or uri in known_followers_collections:
            return Visibility.FOLLOWERS
        if author_uri is not None and looks_like_followers(uri) and same_origin(uri, author_uri):
            return Visibility.FOLLOWERS
    return Visibility.DIRECT


def audience_for(
    wanted: Visibility, followers_uri: str | None, mention_uris: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`to` and `cc` of a post of ours: everybody in full, mentioned people always, no doubles."""
    mentions = tuple(dict.fromkeys(mention_uris))
    followers = (followers_uri,) if followers_uri else ()
    if wanted is Visibility.PUBLIC:
        return (PUBLIC,), followers + mentions
    if wanted is Visibility.UNLISTED:
        return followers, (PUBLIC, *mentions)
    if wanted is Visibility.FOLLOWERS:
        return followers, mentions
    return mentions, ()


def looks_like_followers(uri: str) -> bool:
    """Whether an address has the form of somebody's followers, for where their actor is not known."""
    # Friendica and Hubzilla: /followers/alice; everybody else: .../alice/followers
    segments = uri.rstrip("/").rsplit("/", 2)
    return len(segments) == 3 and not _FOLLOWERS_NAMES.isdisjoint(segments[1:])
