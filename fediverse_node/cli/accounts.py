"""Accounts, sign-in links and tokens from the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import click

from fediverse_node.base.config import Config
from fediverse_node.base.errors import ConfigurationError
from fediverse_node.base.outcome import Fail
from fediverse_node.cli.setup import prepare
from fediverse_node.core import Core
from fediverse_node.outbox.key_rotation import KeyRotation
from fediverse_node.storage.engine import Row
from fediverse_node.storage.queries import second_factors
from fediverse_node.storage.queries.registration import USER_BY_NAME


async def add_user(config: Config, name: str, *, email: str, password: str | None, admin: bool, type_: str) -> None:
    """Make an account; prints its handle and, without a password, a way in."""
    async with _core(config) as core:
        made = await core.registration.create(
            name, email, password=password, role="admin" if admin else "user", type_=type_, reserved_allowed=True
        )
        if isinstance(made, Fail):
            raise ConfigurationError(str(made))
        click.echo(f"@{name}@{config.host} is ready.")
        if password is None:
            click.echo(f"Sign in, once, at {await core.registration.sign_in_link(made.user_id)}")


async def sign_in_link(config: Config, name: str) -> None:
    """Print a link that signs the person in once."""
    async with _core(config) as core:
        row = await _user(core, name)
        click.echo(await core.registration.sign_in_link(row["id"]))


async def drop_second_factor(config: Config, name: str) -> None:
    """The password alone is asked for again."""
    async with _core(config) as core:
        row = await _user(core, name)
        user_id = row["id"]
        await core.writer.run(lambda: second_factors.drop(user_id))
        click.echo(f"@{name} signs in with the password alone now.")


async def make_token(config: Config, name: str, *, scopes: str) -> None:
    """Print a new access token alone, so that a script can take it."""
    async with _core(config) as core:
        row = await _user(core, name)
        click.echo(await core.registration.token(row["id"], " ".join(scopes.split())))


async def rotate_keys(config: Config, name: str, *, overlap_days: float) -> None:
    """New keys for a person; prints what others will call them, and until when the old ones count."""
    # The server is most of the program: the other commands of this module start faster without it.
    from fediverse_node.app import load_actor_document  # noqa: PLC0415

    async with _core(config) as core:
        row = await _user(core, name)
        rotation = KeyRotation(
            database=core.database,
            writer=core.writer,
            world=core.world,
            registration=core.registration,
            actor_document_of=lambda actor_id: load_actor_document(core, actor_id),
        )
        made = await rotation.rotate(core.world.names.actor(row["username"]), overlap=timedelta(days=overlap_days))
        if made is None:
            raise ConfigurationError(f"{name} has no actor here")
        for key_id in made:
            click.echo(key_id)
        ended = f"in {overlap_days:g} days" if overlap_days else "now"
        click.echo(f"Followers are told. The keys before these end {ended}; a running server takes half a minute.")


@asynccontextmanager
async def _core(config: Config) -> AsyncIterator[Core]:
    prepared = await prepare(config)
    try:
        yield prepared.core
    finally:
        await prepared.core.close()


async def _user(core: Core, name: str) -> Row:
    row = await core.database.fetch_one(USER_BY_NAME, username=name.lower().lstrip("@"))
    if row is None:
        raise ConfigurationError(f"there is no user {name!r}; `fediverse-node user add {name} --email …` makes one")
    return row
