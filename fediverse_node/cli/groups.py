"""`fediverse-node group`: groups of this server. What is done is done by the group itself, as by a moderator of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from fediverse_node.base.config import Config
from fediverse_node.base.errors import ConfigurationError
from fediverse_node.cli.setup import prepare
from fediverse_node.core import Core
from fediverse_node.domain.effects import Refuse
from fediverse_node.outbox.group_desk import GroupDesk
from fediverse_node.storage.engine import Row
from fediverse_node.storage.queries.groups import BANS, MODERATORS, OURS
from fediverse_node.storage.queries.inbox import OBJECT_ID
from fediverse_node.storage.queries.outbox import ACTOR_BY_HANDLE


async def show(config: Config) -> None:
    """All groups here."""
    async with _core(config) as core:
        rows = await core.database.fetch(OURS)
        if not rows:
            click.echo("There are none. `fediverse-node user add NAME --type group --email …` makes one.")
        for row in rows:
            click.echo(f"@{row['username']}: {row['followers_count']} members; {row['posting']} may write")
            for moderator in await core.database.fetch(MODERATORS, group_id=row["id"]):
                click.echo(f"  moderator {_handle(moderator, config)}")
            now_ms = core.world.clock.now_ms()
            for banned in await core.database.fetch(BANS, group_id=row["id"], now_ms=now_ms):
                click.echo(f"  banned {_handle(banned, config)}")


async def set_posting(config: Config, name: str, who: str) -> None:
    """Who may write."""
    async with _core(config) as core:
        group = await _group(core, name)
        await _desk(core).set_posting(group["id"], who)
        click.echo(f"In @{group['username']} {who} may write.")


async def moderator(config: Config, name: str, person: str, *, no_more: bool) -> None:
    """Who has a say."""
    async with _core(config) as core:
        group, person_id = await _group(core, name), await _person(core, person)
        _done(await _desk(core).moderator(group["id"], group["id"], person_id, no_more=no_more))
        click.echo(f"{person} {'does not moderate' if no_more else 'moderates'} @{group['username']}.")


async def ban(config: Config, name: str, person: str, *, lift: bool) -> None:
    """Who is kept out."""
    async with _core(config) as core:
        group, person_id = await _group(core, name), await _person(core, person)
        _done(await _desk(core).ban(group["id"], group["id"], person_id, lift=lift))
        click.echo(f"{person} may {'' if lift else 'not '}write in @{group['username']}.")


async def remove_post(config: Config, name: str, post: str, *, back: bool) -> None:
    """What is in it."""
    async with _core(config) as core:
        group, post_id = await _group(core, name), await _post(core, post)
        _done(await _desk(core).remove_post(group["id"], group["id"], post_id, back=back))
        click.echo(f"It is {'back in' if back else 'out of'} @{group['username']}.")


async def lock(config: Config, name: str, post: str, *, open_again: bool) -> None:
    """What is closed in it."""
    async with _core(config) as core:
        group, post_id = await _group(core, name), await _post(core, post)
        _done(await _desk(core).lock(group["id"], group["id"], post_id, open_again=open_again))
        click.echo(f"The conversation is {'open' if open_again else 'closed'}.")


def _done(refusal: Refuse | None) -> None:
    if refusal is not None:
        raise ConfigurationError(f"nothing was done: {refusal.detail or refusal.reason.sentence}")


def _desk(core: Core) -> GroupDesk:
    return GroupDesk(database=core.database, writer=core.writer, world=core.world)


def _handle(row: Row, config: Config) -> str:
    return f"@{row['username']}@{config.host if row['local'] else row['host']}"


async def _group(core: Core, name: str) -> Row:
    wanted = name.lower().lstrip("@").partition("@")[0]
    for row in await core.database.fetch(OURS):
        if row["username"].lower() == wanted:
            return row
    raise ConfigurationError(f"there is no group {name!r} here; `fediverse-node group list` prints all")


async def _person(core: Core, handle: str) -> int:
    user, _, host = handle.lstrip("@").partition("@")
    where = (host or core.world.names.host).lower()
    row = await core.database.fetch_one(ACTOR_BY_HANDLE, username=user.lower(), host=where)
    if row is None or row["deleted_ms"] is not None:
        raise ConfigurationError(f"nobody known here is called {handle}")
    return int(row["id"])


async def _post(core: Core, uri: str) -> int:
    row = await core.database.fetch_one(OBJECT_ID, uri=uri)
    if row is None:
        raise ConfigurationError(f"there is no post here with the address {uri}")
    return int(row["id"])


@asynccontextmanager
async def _core(config: Config) -> AsyncIterator[Core]:
    core = (await prepare(config)).core
    try:
        yield core
    finally:
        await core.close()
