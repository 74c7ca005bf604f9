"""Tokens for the ActivityPub client API: the same tokens, the same limits, one account of how often somebody asks."""

from __future__ import annotations

from collections.abc import Callable

from fediverse_node.mastodon_api.errors import ApiError
from fediverse_node.mastodon_api.limits import MEDIA, PER_USER, STATUSES, Limit
from fediverse_node.mastodon_api.routing import Surface
from fediverse_node.mastodon_api.scopes import acceptable
from fediverse_node.mastodon_api.viewer import Viewer
from fediverse_node.outbox.bearer import Bearer, Bearers, TooOften

_KINDS: dict[str, tuple[Limit, ...]] = {"any": (), "said": (STATUSES,), "upload": (MEDIA,)}


def bearers_of(surface: Surface) -> Bearers:
    """Who knows tokens, for other rooms than this."""

    async def find(token: str) -> Bearer | None:
        viewer = await surface.viewers.find(token)
        if viewer is None or viewer.user_id is None:
            return None
        return Bearer(viewer.actor_id, viewer.user_id, viewer.app_id, _allows(viewer), viewer.standing)

    def take(bearer: Bearer, kind: str, address: str) -> TooOften | dict[str, str]:
        limiter, headers = surface.limiter, dict[str, str]()
        try:
            for limit in (PER_USER, *_KINDS[kind]):
                headers |= limiter.take(limit, bearer.user_id, spared=limiter.is_spared(address))
        except ApiError as error:
            return TooOften(dict(error.headers))
        return headers

    return Bearers(find, take)


def _allows(viewer: Viewer) -> Callable[[str], bool]:
    return lambda scope: not acceptable(scope).isdisjoint(viewer.scopes)
