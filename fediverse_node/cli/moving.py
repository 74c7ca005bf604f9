"""`fediverse-node user alias` and `user move`: an account comes from elsewhere, goes elsewhere, or comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import click

from fediverse_node.app import Node, build
from fediverse_node.base.config import Config
from fediverse_node.base.errors import ConfigurationError
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.cli.setup import prepare
from fediverse_node.outbox.moving import Moving, Plan
from fediverse_node.storage.queries.registration import USER_BY_NAME

_SOON = "A running server sends this within half a minute; otherwise the next one that starts."


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody here, with the server's rooms around them."""

    node: Node
    name: str
    actor_id: int

    @property
    def moving(self) -> Moving:
        """What can be asked and done about their moves."""
        core = self.node.core
        return Moving(
            database=core.database,
            writer=core.writer,
            world=core.world,
            outbox=self.node.outbox,
            find_handle=self.node.gatherer.handle,
            afresh=self.node.gatherer.afresh,
        )


@asynccontextmanager
async def person(config: Config, name: str) -> AsyncIterator[Person]:
    """A person of this server, with a server around them that asks others but does not serve."""
    core = (await prepare(config)).core
    node = await build(core)
    try:
        row = await core.database.fetch_one(USER_BY_NAME, username=name.lower().lstrip("@"))
        if row is None:
            raise ConfigurationError(f"there is no user {name!r}")
        yield Person(node, row["username"], row["actor_id"])
    finally:
        await node.stop()


async def alias(config: Config, name: str, named: str | None, *, remove: bool) -> None:
    """Show, add or take back a name under which somebody here is known too."""
    async with person(config, name) as found:
        moving = found.moving
        if named is None:
            for uri in await moving.aliases(found.actor_id):
                click.echo(uri)
            return
        change = moving.remove_alias if remove else moving.add_alias
        outcome = await change(found.actor_id, named)
        if not isinstance(outcome, str):
            raise ConfigurationError(f"{outcome}.")
        if remove:
            click.echo(f"@{found.name} is not known as {outcome} any more. {_SOON}")
            return
        click.echo(f"@{found.name} is known as {outcome} too. {_SOON}")
        click.echo("Its followers can be brought here now: say there that that account moves to this one.")


async def move(config: Config, name: str, named: str, *, agreed: bool) -> None:
    """Say what a move would do; do it if somebody has agreed."""
    async with person(config, name) as found:
        plan = await found.moving.plan(found.actor_id, named)
        if not isinstance(plan, Plan):
            raise ConfigurationError(f"{plan}.")
        if plan.fault is not None:
            raise ConfigurationError(f"{_hint(plan, found, config)}")
        if not agreed:
            for line in _explanation(plan, found.name):
                click.echo(line)
            click.echo("Nothing was changed. Say --yes to do it.")
            return
        _done(await found.moving.move(found.actor_id, plan))
        click.echo(f"@{found.name} has moved to {plan.target_uri}. {_SOON}")
        click.echo(f"`fediverse-node user move {found.name} --undo` makes the account usable again.")


async def undo(config: Config, name: str) -> None:
    """Make an account that has moved usable again."""
    async with person(config, name) as found:
        _done(await found.moving.undo(found.actor_id))
        click.echo(f"@{found.name} is here again. Followers who went along do not come back by themselves. {_SOON}")


def _explanation(plan: Plan, name: str) -> tuple[str, ...]:
    return (
        f"@{name} would move to {plan.target_uri}.",
        f"  What moves: the followers, {plan.followers_here} here and {plan.followers_elsewhere} on other servers.",
        "  Those on other servers are moved by their servers, as far as these know moves.",
        "  What stays: posts, media, likes, and whom the account follows, blocks and mutes, lists and bookmarks.",
        f"  The latter can be taken along with `fediverse-node user export {name}`.",
        "  Afterwards the account can be read and says where it went, but cannot post, follow or be followed.",
        "  For thirty days it can move nowhere else.",
    )


def _hint(plan: Plan, found: Person, config: Config) -> str:
    name = f"@{found.name}@{config.host}"
    return f"{plan.fault}. On the new account's server, name {name} as an alias (on Mastodon: Account, moving from)."


def _done(fault: Fail | TemporaryFail | None) -> None:
    if fault is not None:
        raise ConfigurationError(f"{fault}.")
