"""`fediverse-node invite`: people come in by invitation, also where registration is not open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from fediverse_node.base.clock import from_ms
from fediverse_node.base.config import Config
from fediverse_node.base.errors import ConfigurationError
from fediverse_node.cli.setup import prepare
from fediverse_node.core import Core
from fediverse_node.storage.queries import invites as queries
from fediverse_node.storage.queries.registration import USER_BY_NAME

_DAY_MS = 86_400_000
_CODE_LENGTH = 12


async def add(config: Config, name: str, *, most_uses: int | None, days: float | None) -> None:
    """Somebody who lives here invites; prints the address to pass on."""
    async with _core(config) as core:
        username = name.removeprefix("@").removesuffix(f"@{config.host}").lower()
        user = await core.database.fetch_one(USER_BY_NAME, username=username)
        if user is None:
            raise ConfigurationError(f"nobody here is called {name!r}, so nobody invites")
        now_ms = core.world.clock.now_ms()
        row = {
            "id": core.world.ids.next(),
            "code": _code(core),
            "actor_id": user["actor_id"],
            "most_uses": most_uses,
            "expires_ms": None if days is None else now_ms + int(days * _DAY_MS),
            "created_ms": now_ms,
        }
        await core.writer.run(lambda: queries.invite(row))
        click.echo(core.world.names.invite_page(str(row["code"])))


async def show(config: Config) -> None:
    """All of them, those that hold no more included."""
    async with _core(config) as core:
        for row in await core.database.fetch(queries.ALL, now_ms=core.world.clock.now_ms()):
            uses = f"{row['uses']} of {row['most_uses']} uses" if row["most_uses"] else f"{row['uses']} uses"
            until = f"until {_spoken(row['expires_ms'])}" if row["expires_ms"] is not None else "for good"
            state = "holds" if row["is_open"] else "over"
            click.echo(f"{row['code']}\t{state}\t@{row['username']}\t{uses}\t{until}")


async def remove(config: Config, code: str) -> None:
    """It holds no more; who came by it stays."""
    async with _core(config) as core:
        if not await core.writer.run(lambda: queries.withdraw(code)):
            raise ConfigurationError(f"there is no invite {code!r}; `fediverse-node invite list` prints all")
        click.echo(f"{code} is gone.")


def _code(core: Core) -> str:
    """Letters and digits only: people read it to each other, and no shell takes it for an option."""
    code = ""
    while len(code) < _CODE_LENGTH:
        code += "".join(each for each in core.world.randomness.token() if each.isalnum())
    return code[:_CODE_LENGTH]


def _spoken(ms: int) -> str:
    return from_ms(ms).strftime("%Y-%m-%d %H:%M UTC")


@asynccontextmanager
async def _core(config: Config) -> AsyncIterator[Core]:
    core = (await prepare(config)).core
    try:
        yield core
    finally:
        await core.close()
