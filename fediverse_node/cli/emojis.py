"""`fediverse-node emoji`: pictures that people here write by name. The decisions are those of `outbox.emoji_desk`."""

from __future__ import annotations

import json
import zipfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath

import click

from fediverse_node.base.config import Config
from fediverse_node.base.errors import ConfigurationError
from fediverse_node.base.outcome import Fail
from fediverse_node.cli.setup import prepare
from fediverse_node.outbox.emoji_desk import LARGEST_BYTES, EmojiDesk

_SUFFIXES = frozenset((".png", ".gif", ".webp", ".apng"))
_MOST = 10_000
_LARGEST_INDEX_BYTES = 4_000_000
# Misskey and Pleroma keep beside the pictures what they are called.
_INDEXES = ("meta.json", "pack.json")


async def add(config: Config, name: str, file: Path, *, category: str) -> None:
    """One picture under one name."""
    async with _desk(config) as desk:
        fault = await desk.put(name.strip(":"), _read(file), category=category)
        if fault is not None:
            raise ConfigurationError(str(fault))
        click.echo(f":{name.strip(':')}: can be written now. Apps learn of it when they ask again.")


async def import_pack(config: Config, pack: Path, *, category: str) -> None:
    """All pictures of a folder or zip file; prints what was left out and why."""
    added, left_out = 0, 0
    async with _desk(config) as desk:
        for name, said, data in _pictures(pack):
            fault = await desk.put(name, data, category=category or said)
            if isinstance(fault, Fail):
                left_out += 1
                click.echo(f":{name}: was left out: {fault}", err=True)
            else:
                added += 1
    click.echo(f"{added} added, {left_out} left out.")


async def remove(config: Config, name: str) -> None:
    """One less."""
    async with _desk(config) as desk:
        if not await desk.remove(name.strip(":")):
            raise ConfigurationError(f"there is no emoji {name!r}; `fediverse-node emoji list` prints all")
        click.echo(f":{name.strip(':')}: is gone.")


async def show(config: Config) -> None:
    """All of them, by category."""
    async with _desk(config) as desk:
        for row in await desk.listed():
            click.echo(f":{row['shortcode']}:\t{row['category'] or '-'}\t{row['url']}")


def _pictures(pack: Path) -> Iterator[tuple[str, str, bytes]]:
    """(name, category, data) of the pictures in a pack. What is larger than an emoji may be is cut, and so refused."""
    if pack.is_dir():
        files = {path.relative_to(pack).as_posix(): path for path in sorted(pack.rglob("*")) if path.is_file()}
        known = {name: _read(path) for name, path in files.items() if PurePosixPath(name).name in _INDEXES}
        names = _names(known)
        for name, path in list(files.items())[:_MOST]:
            if path.suffix.lower() in _SUFFIXES:
                yield *names.get(name, (path.stem, "")), _read(path)
        return
    try:
        with zipfile.ZipFile(pack) as archive:
            inside = [item for item in archive.infolist() if not item.is_dir()][:_MOST]
            known = {i.filename: _unpack(archive, i) for i in inside if PurePosixPath(i.filename).name in _INDEXES}
            names = _names(known)
            for item in inside:
                member = PurePosixPath(item.filename)
                if member.suffix.lower() in _SUFFIXES:
                    yield *names.get(item.filename, (member.stem, "")), _unpack(archive, item)
    except (zipfile.BadZipFile, OSError) as error:
        raise ConfigurationError(f"{pack} is neither a folder nor a zip file that can be read: {error}") from error


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_limit(path.name))


def _unpack(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> bytes:
    # A few bytes in an archive can be gigabytes outside.
    with archive.open(item) as file:
        return file.read(_limit(item.filename))


def _limit(name: str) -> int:
    return _LARGEST_INDEX_BYTES if PurePosixPath(name).name in _INDEXES else LARGEST_BYTES + 1


def _names(indexes: Mapping[str, bytes]) -> dict[str, tuple[str, str]]:
    """File -> (name, category), of Misskey's `meta.json` and Pleroma's `pack.json`; what is unreadable says nothing."""
    found: dict[str, tuple[str, str]] = {}
    for place, data in indexes.items():
        folder = PurePosixPath(place).parent
        try:
            index = json.loads(data)
        except (ValueError, RecursionError):
            continue
        if not isinstance(index, dict):
            continue
        for item in index.get("emojis") or () if isinstance(index.get("emojis"), list) else ():
            about = item.get("emoji") if isinstance(item, dict) else None
            if isinstance(about, dict) and isinstance(item.get("fileName"), str) and isinstance(about.get("name"), str):
                category = about.get("category")
                found[str(folder / item["fileName"])] = (about["name"], category if isinstance(category, str) else "")
        files = index.get("files")
        for name, file in files.items() if isinstance(files, dict) else ():
            if isinstance(file, str):
                found[str(folder / file)] = (name, "")
    return found


@asynccontextmanager
async def _desk(config: Config) -> AsyncIterator[EmojiDesk]:
    prepared = await prepare(config)
    core = prepared.core
    try:
        yield EmojiDesk(database=core.database, writer=core.writer, world=core.world, media_dir=config.media_dir)
    finally:
        await core.close()
