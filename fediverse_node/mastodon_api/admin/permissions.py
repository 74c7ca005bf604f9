"""Who may call what: a token with the scope is not enough, its person must have a role that may."""

from __future__ import annotations

import functools
from collections.abc import Callable

from aiohttp import web

from fediverse_node.domain.roles import Permission, Role, role_of
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.errors import not_allowed
from fediverse_node.mastodon_api.routing import Call, Handler
from fediverse_node.outbox.moderation_desk import ModerationDesk


def needs(permission: Permission) -> Callable[[Handler], Handler]:
    """Only people whose role may do this get to the handler; others get 403 before anything is read."""

    def guard(handler: Handler) -> Handler:
        @functools.wraps(handler)
        async def guarded(call: Call) -> web.StreamResponse:
            require(call, permission)
            return await handler(call)

        return guarded

    return guard


def require(call: Call, permission: Permission) -> None:
    """403 unless the person's role may."""
    if not role_of(call.viewer.role).may(permission):
        raise not_allowed()


def require_rank_over(call: Call, other: Role) -> None:
    """403 where it is about somebody of the same or a higher role, oneself included."""
    if not role_of(call.viewer.role).outranks(other):
        raise not_allowed()


def moderation_of(context: Context) -> ModerationDesk:
    """The desk at which acts on accounts are done."""
    return ModerationDesk(database=context.database, writer=context.writer, world=context.world, outbox=context.outbox)
