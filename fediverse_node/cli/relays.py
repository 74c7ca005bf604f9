"""`fediverse-node relay`: subscriptions to relays. The decisions are those of `outbox.relay_desk`."""

from __future__ import annotations

import click

from fediverse_node.base.clock import from_ms
from fediverse_node.base.config import Config
from fediverse_node.base.errors import ConfigurationError
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.cli.setup import prepare
from fediverse_node.core import Core
from fediverse_node.domain.relays import LITEPUB, style_of
from fediverse_node.outbox.relay_desk import RelayDesk
from fediverse_node.protocol.uris import is_http_uri
from fediverse_node.storage.queries.groups import INBOX_OF


async def add(config: Config, url: str) -> None:
    """Ask a relay; it is sent by the server, and answered when the relay's people like."""
    if not is_http_uri(url, allow_plain=config.development):
        raise ConfigurationError(f"{url!r} is no address of a relay: give its inbox, or its actor")
    inbox = await _inbox_of(config, url) if style_of(url) == LITEPUB else None
    core = (await prepare(config)).core
    try:
        relay = await _desk(core).add(url, inbox=inbox)
    finally:
        await core.close()
    click.echo(f"{url} is asked, in the {relay.style.title()} way. `fediverse-node relay list` says what it answers.")


async def remove(config: Config, url: str) -> None:
    """End a subscription."""
    core = (await prepare(config)).core
    try:
        if not await _desk(core).remove(url):
            raise ConfigurationError(f"{url} is none of the relays; `fediverse-node relay list` prints them")
    finally:
        await core.close()
    click.echo(f"{url} is told that we go.")


async def show(config: Config) -> None:
    """All relays."""
    core = (await prepare(config)).core
    try:
        rows = await _desk(core).listed()
    finally:
        await core.close()
    if not rows:
        click.echo("There are none. `fediverse-node relay add URL` subscribes to one.")
    for row in rows:
        moment = from_ms(row["answered_ms"] or row["created_ms"]).strftime("%Y-%m-%d %H:%M UTC")
        click.echo(f"{row['url']}\t{row['style']}\t{row['state']} {moment}")


def _desk(core: Core) -> RelayDesk:
    return RelayDesk(database=core.database, writer=core.writer, world=core.world)


async def _inbox_of(config: Config, url: str) -> str:
    # A node with all its rooms: its signature is what the relay may want to see.
    from fediverse_node.app import build  # noqa: PLC0415

    node = await build((await prepare(config)).core)
    try:
        found = await node.gatherer.actor(url, renew=True)
        if isinstance(found, Fail | TemporaryFail):
            raise ConfigurationError(f"the relay's actor could not be fetched: {found}")
        row = await node.core.database.fetch_one(INBOX_OF, actor_id=found)
        if row is None or not row["inbox"]:
            raise ConfigurationError(f"{url} has no inbox")
        return str(row["inbox"])
    finally:
        await node.stop()
