"""`fediverse-node announcement`: what everybody who lives here is told. Open apps hear of it within seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import click

from fediverse_node.base.clock import from_ms
from fediverse_node.base.config import Config
from fediverse_node.base.errors import ConfigurationError
from fediverse_node.cli.setup import prepare
from fediverse_node.core import Core
from fediverse_node.storage.queries import announcements as queries

_LONGEST = 10_000


async def add(config: Config, text: str, *, starts: str, ends: str, at: str, all_day: bool) -> None:
    """A new one; `starts`, `ends` and `at` are ISO 8601 moments, or empty."""
    words = text.strip()
    if not words:
        raise ConfigurationError("an announcement says something")
    if len(words) > _LONGEST or "\x00" in words:
        raise ConfigurationError(f"an announcement has at most {_LONGEST} characters, and no null among them")
    starts_ms, ends_ms, at_ms = (_moment(given) for given in (starts, ends, at))
    if all_day and (starts_ms is None or ends_ms is None):
        raise ConfigurationError("what takes whole days has a first and a last one: say --starts and --ends")
    if starts_ms is not None and ends_ms is not None and ends_ms < starts_ms:
        raise ConfigurationError("it cannot end before it starts")
    async with _core(config) as core:
        now_ms = core.world.clock.now_ms()
        if ends_ms is not None and ends_ms <= max(now_ms, at_ms or 0):
            raise ConfigurationError("it has ended before anybody is told of it")
        row = {
            "id": core.world.ids.next(),
            "content": words,
            "starts_ms": starts_ms,
            "ends_ms": ends_ms,
            "all_day": all_day,
            "published_ms": now_ms if at_ms is None else at_ms,
            "updated_ms": now_ms,
        }
        await core.writer.run(lambda: queries.announce(row))
        click.echo(f"{row['id']} is announced{f' from {_spoken(at_ms)} on' if at_ms else ''}.")


async def show(config: Config) -> None:
    """All of them, those that are over included."""
    async with _core(config) as core:
        now_ms = core.world.clock.now_ms()
        for row in await core.database.fetch(queries.ALL):
            state = "shown"
            if row["ends_ms"] is not None and row["ends_ms"] <= now_ms:
                state = "over"
            elif row["published_ms"] > now_ms:
                state = f"from {_spoken(row['published_ms'])}"
            reactions = await core.database.fetch(queries.REACTIONS, ids=[row["id"]])
            answers = " ".join(f"{each['name']} {each['count']}" for each in reactions)
            click.echo(f"{row['id']}\t{state}\t{' '.join(row['content'].split())}\t{answers or '-'}")


async def remove(config: Config, number: int) -> None:
    """One less."""
    async with _core(config) as core:
        if not await core.writer.run(lambda: queries.remove(number)):
            raise ConfigurationError(
                f"there is no announcement {number}; `fediverse-node announcement list` prints all"
            )
        click.echo(f"{number} is gone.")


def _moment(given: str) -> int | None:
    if not given:
        return None
    try:
        moment = datetime.fromisoformat(given)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise ConfigurationError(f"{given!r} is no moment: write 2026-12-24 or 2026-12-24T18:00+01:00") from None


def _spoken(ms: int) -> str:
    return from_ms(ms).strftime("%Y-%m-%d %H:%M UTC")


@asynccontextmanager
async def _core(config: Config) -> AsyncIterator[Core]:
    core = (await prepare(config)).core
    try:
        yield core
    finally:
        await core.close()
