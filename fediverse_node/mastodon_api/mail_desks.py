"""Where the client API finds who writes letters."""

from __future__ import annotations

from fediverse_node.mastodon_api.context import Context
from fediverse_node.outbox.mailing.desk import MailDesk


def mail_desk_of(context: Context) -> MailDesk:
    """The desk at which letters are written and their links spent."""
    return MailDesk(
        config=context.config,
        world=context.world,
        database=context.database,
        writer=context.writer,
        wake=context.wake_post,
    )
