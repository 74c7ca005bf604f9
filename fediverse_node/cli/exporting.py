"""`fediverse-node user export` and `user import`: relations in the files that Mastodon writes and reads."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fediverse_node.base.config import Config
from fediverse_node.base.errors import ConfigurationError
from fediverse_node.base.outcome import Fail
from fediverse_node.cli.moving import person
from fediverse_node.outbox.archives import Kind, Read, dump, parse
from fediverse_node.outbox.importing import Importing
from fediverse_node.storage.queries import archives as queries

_ROWS = {
    Kind.FOLLOWING: queries.FOLLOWING,
    Kind.FOLLOWERS: queries.FOLLOWERS,
    Kind.BLOCKS: queries.BLOCKS,
    Kind.MUTES: queries.MUTES,
    Kind.DOMAIN_BLOCKS: queries.DOMAIN_BLOCKS,
    Kind.LISTS: queries.LISTS,
    Kind.BOOKMARKS: queries.BOOKMARKS,
}
_TELL_EVERY = 25
_LARGEST_FILE_BYTES = 20_000_000


async def export(config: Config, name: str, folder: Path, kinds: tuple[str, ...]) -> None:
    """Write the files of a person; `-` for a folder writes one kind to the standard output."""
    async with person(config, name) as found:
        chosen = [Kind(kind) for kind in kinds] or list(Kind)
        for kind in chosen:
            rows = await found.node.core.database.fetch(_ROWS[kind], actor_id=found.actor_id, patient=True)
            text = dump(kind, rows)
            if str(folder) == "-":
                click.echo(text, nl=False)
                continue
            click.echo(f"{_written(folder / kind.file_name, text)}: {len(rows)}")


async def take_in(config: Config, name: str, file: Path, kind: str | None) -> bool:
    """Take in a file; whether all of it could be done."""
    read = _read(file, kind)
    for line in read.unread:
        click.echo(f"not read: {line}", err=True)
    async with person(config, name) as found:
        core = found.node.core
        importing = Importing(
            database=core.database,
            writer=core.writer,
            world=core.world,
            outbox=found.node.outbox,
            find_handle=found.node.gatherer.handle,
            find_object=found.node.gatherer.object,
        )
        imported = await importing.run(found.actor_id, read.kind, read.entries, progress=_tell)
    for entry, cause in imported.failed:
        click.echo(f"{entry.text}: {cause}", err=True)
    click.echo(
        f"{imported.done} done, {imported.known} were so before, {len(imported.failed)} could not be done."
        " It can be repeated: what is done is not done again."
    )
    return not imported.failed and not read.unread


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whom somebody blocks is nobody else's business.
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


def _read(file: Path, kind: str | None) -> Read:
    if file.stat().st_size > _LARGEST_FILE_BYTES:
        raise ConfigurationError(f"{file} is too large for a list of this kind")
    text = file.read_text(encoding="utf-8", errors="replace")
    read = parse(text, kind=Kind(kind) if kind is not None else None, file_name=file.name)
    if isinstance(read, Fail):
        raise ConfigurationError(f"{file}: {read}.")
    return read


def _tell(done: int, total: int) -> None:
    if sys.stderr.isatty() and (done % _TELL_EVERY == 0 or done == total):
        click.echo(f"{done} of {total}", err=True)
