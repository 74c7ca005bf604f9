"""Custom emojis of this server: added, imported, removed.  spec: fep-9098#compatibility

Names and pictures are such that other servers take them: Mastodon wants two letters, digits or underscores at least, a
PNG, GIF or WebP, and at most 256 kB.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fediverse_node.base.outcome import Fail, Reason
from fediverse_node.domain.facts import World
from fediverse_node.outbox.picture_files import MEDIA_NAME_BYTES, PictureFault, remove_files, store_picture
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.queries import emojis as queries
from fediverse_node.storage.writer import Writer

LARGEST_BYTES = 256 * 1024
_LARGEST_PIXELS = 2048 * 2048
_NAME = re.compile(r"[A-Za-z0-9_]{2,100}")
_USED = re.compile(r"(?<![A-Za-z0-9_:]):([A-Za-z0-9_]{2,100}):(?![A-Za-z0-9_:])")
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")


class EmojiFault(Reason):
    """Why a picture does not become an emoji."""

    NAME = "a name has two or more letters, digits or underscores"
    TOO_LARGE = "a picture for an emoji has at most 256 kB: others would not take it"
    FORMAT = "an emoji is a PNG, GIF or WebP picture: others would not take it"


class EmojiDesk:
    """Whoever runs the server works here."""

    def __init__(self, *, database: Database, writer: Writer, world: World, media_dir: Path) -> None:
        self._database = database
        self._writer = writer
        self._world = world
        self._media_dir = media_dir

    async def put(self, name: str, data: bytes, *, category: str = "") -> Fail | None:
        """Add an emoji, or give one a new picture."""
        if not _NAME.fullmatch(name):
            return Fail(EmojiFault.NAME, name)
        if len(data) > LARGEST_BYTES:
            return Fail(EmojiFault.TOO_LARGE, f"{len(data) // 1024} kB")
        if not data.startswith(_MAGIC) and not (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
            return Fail(EmojiFault.FORMAT)
        file_name = self._world.randomness.token(MEDIA_NAME_BYTES)
        stored = await store_picture(data, self._media_dir, name=file_name, max_pixels=_LARGEST_PIXELS)
        if isinstance(stored, Fail):
            return stored if stored.reason is not PictureFault.UNSUPPORTED else Fail(EmojiFault.FORMAT)
        before = await self._database.fetch_one(queries.OURS_BY_SHORTCODE, shortcodes=[name])
        names = self._world.names
        is_moving = stored.media_type == "image/gif"
        row = {
            "id": self._world.ids.next(),
            "shortcode": name,
            "host": "",
            "url": names.media(stored.path),
            "static_url": names.media(stored.preview_path if is_moving else stored.path),
            "category": category or None,
            "uri": names.emoji(name),
        }
        await self._writer.run(lambda: queries.put(row))
        if before is not None:
            await self._forget_files(before)
        return None

    async def remove(self, name: str) -> bool:
        """Whether there was one. In what was said with it, its name stands from now on."""
        row = await self._database.fetch_one(queries.OURS_BY_SHORTCODE, shortcodes=[name])
        if row is None:
            return False
        await self._writer.run(lambda: queries.remove(name))
        await self._forget_files(row)
        return True

    async def listed(self) -> list[Row]:
        """All of them, by category and name."""
        return await self._database.fetch(queries.OURS)

    async def _forget_files(self, row: Mapping[str, Any]) -> None:
        start = self._world.names.media("")
        await remove_files(self._media_dir, *(row[key].removeprefix(start) for key in ("url", "static_url")))


async def find_used(database: Database, world: World, *texts: str) -> list[dict[str, Any]]:
    """The emojis of this server that these texts use, as they are stored beside a post."""
    names = list(dict.fromkeys(name for text in texts for name in _USED.findall(text)))
    if not names:
        return []
    rows = await database.fetch(queries.OURS_BY_SHORTCODE, shortcodes=names)
    return [
        {
            "id": world.names.emoji(row["shortcode"]),
            "shortcode": row["shortcode"],
            "url": row["url"],
            "static_url": row["static_url"],
        }
        for row in rows
    ]
