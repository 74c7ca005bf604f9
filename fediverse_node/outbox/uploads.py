"""A person's upload becomes a stored picture that waits for a post: for every client, whatever it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from fediverse_node.base.config import Config
from fediverse_node.base.outcome import Fail
from fediverse_node.domain.facts import World
from fediverse_node.outbox.picture_files import MEDIA_NAME_BYTES, Picture, store_picture
from fediverse_node.storage.queries import media as queries
from fediverse_node.storage.writer import Writer


async def store_upload(
    data: bytes,
    *,
    actor_id: int,
    config: Config,
    world: World,
    writer: Writer,
    description: str = "",
    focus: tuple[float, float] | None = None,
) -> Mapping[str, Any] | Fail:
    """The row of the new upload, or why the file cannot be used. `focus`: each from -1 to 1."""
    name = world.randomness.token(MEDIA_NAME_BYTES)
    picture = await store_picture(data, config.media_dir, name=name, max_pixels=config.media.max_image_pixels)
    if isinstance(picture, Fail):
        return picture
    row = {
        "id": world.ids.next(),
        "actor_id": actor_id,
        "object_id": None,
        "type": "image",
        "path": picture.path,
        "preview_path": picture.preview_path,
        "media_type": picture.media_type,
        "size_bytes": picture.size_bytes,
        "meta": orjson.dumps(_meta(picture, focus)).decode(),
        "description": description,
        "blurhash": picture.blurhash,
        "created_ms": world.clock.now_ms(),
    }
    await writer.run(lambda: queries.insert_media(row))
    return row


def _meta(picture: Picture, focus: tuple[float, float] | None) -> dict[str, Any]:
    meta: dict[str, Any] = {
        "original": _size(picture.width, picture.height),
        "small": _size(picture.preview_width, picture.preview_height),
    }
    if focus is not None:
        meta["focus"] = {"x": focus[0], "y": focus[1]}
    return meta


def _size(width: int, height: int) -> dict[str, Any]:
    return {"width": width, "height": height, "size": f"{width}x{height}", "aspect": width / height}
