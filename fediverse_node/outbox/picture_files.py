"""Pictures that people upload: checked, turned upright, freed of metadata, made smaller where they are huge, stored.

What is stored was written by us from pixels, never the bytes that came: a picture tells neither where it was taken nor
hides a web page. Runs in threads. Deliberately absent: video and sound.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fediverse_node.base.outcome import Fail, Reason

T = TypeVar("T")

TYPES = {"JPEG": ("image/jpeg", ".jpg"), "PNG": ("image/png", ".png"), "GIF": ("image/gif", ".gif")}
TYPES["WEBP"] = ("image/webp", ".webp")
SUPPORTED_TYPES = tuple(media_type for media_type, _ in TYPES.values())
_LARGEST_STORED_PIXELS = 8_294_400  # 3840 x 2160
_PREVIEW_SIDE = 640
_BLURHASH_SIDE = 64
_MOST_FRAMES = 1000
_PATH = re.compile(r"[a-z]{1,20}/[A-Za-z0-9_-]{2}/[A-Za-z0-9_-]{16,64}\.(?:jpg|png|gif|webp)")
# Each decoded picture may take a hundred megabytes.
# Random bytes in the name of a file: whoever knows the name may see it.
MEDIA_NAME_BYTES = 24
_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="pictures")


class PictureFault(Reason):
    """Why a file cannot be used. Shown to people."""

    UNSUPPORTED = "this kind of file is not supported: send a JPEG, PNG, GIF or WebP picture"
    FILM = "video and sound are not supported on this server yet: send a JPEG, PNG, GIF or WebP picture"
    BROKEN = "the picture is damaged and cannot be read"
    TOO_MANY_PIXELS = "the picture has too many pixels"
    TOO_LARGE = "the file is too large"


@dataclass(frozen=True, slots=True)
class Picture:
    """One that is stored. Paths are below the media folder."""

    path: str
    preview_path: str
    media_type: str
    size_bytes: int
    width: int
    height: int
    preview_width: int
    preview_height: int
    blurhash: str


@dataclass(frozen=True, slots=True)
class _Encoded:
    data: bytes
    suffix: str
    media_type: str
    width: int
    height: int


async def store_picture(data: bytes, media_dir: Path, *, name: str, max_pixels: int) -> Picture | Fail:
    """Make of an upload a picture and its preview, on disk when this returns. `name` is one that nobody can guess."""
    return await in_thread(lambda: _store(data, media_dir, name, max_pixels))


async def store_profile_picture(
    data: bytes, media_dir: Path, *, name: str, max_pixels: int, folder: str, width: int, height: int
) -> str | Fail:
    """Cut an upload to exactly this shape; its path below the media folder."""
    return await in_thread(lambda: _store_cut(data, media_dir / folder, name, max_pixels, (width, height)))


async def remove_files(media_dir: Path, *paths: str | None) -> None:
    """Delete files that nothing refers to any more."""

    def remove() -> None:
        for path in paths:
            if path and is_stored_path(path):
                (media_dir / path).unlink(missing_ok=True)

    await in_thread(remove)


async def in_thread(work: Callable[[], T]) -> T:
    """Run it where pictures are made."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


def is_stored_path(path: str) -> bool:
    """Whether it has the form of a path that we gave: nothing else is ever read or served."""
    return _PATH.fullmatch(path) is not None


def _store(data: bytes, media_dir: Path, name: str, max_pixels: int) -> Picture | Fail:
    opened = _open(data, max_pixels)
    if isinstance(opened, Fail):
        return opened
    try:
        whole = _encode_animation(opened) if getattr(opened, "n_frames", 1) > 1 else _encode_still(opened)
        opened.seek(0)
        small = _upright(opened)
        small.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
        preview = _write(small, "PNG" if _has_alpha(small) else "JPEG", quality=80)
        blurhash = _blurhash(small)
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, MemoryError) as error:
        return Fail(PictureFault.BROKEN, type(error).__name__)
    return Picture(
        path=_put(whole, media_dir / "attachments", name),
        preview_path=_put(preview, media_dir / "previews", name),
        media_type=whole.media_type,
        size_bytes=len(whole.data),
        width=whole.width,
        height=whole.height,
        preview_width=preview.width,
        preview_height=preview.height,
        blurhash=blurhash,
    )


def _store_cut(data: bytes, folder: Path, name: str, max_pixels: int, size: tuple[int, int]) -> str | Fail:
    from PIL import ImageOps  # noqa: PLC0415 - megabytes that a server without uploads does not need

    opened = _open(data, max_pixels)
    if isinstance(opened, Fail):
        return opened
    try:
        cut = ImageOps.fit(_upright(opened), size)
        encoded = _write(cut, "PNG" if _has_alpha(cut) else "JPEG", quality=88)
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, MemoryError) as error:
        return Fail(PictureFault.BROKEN, type(error).__name__)
    return _put(encoded, folder, name)


def _open(data: bytes, max_pixels: int) -> Any:
    """The image, not decoded yet, or Fail. What kind it is only its bytes say."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - as above

    # Our own limit is checked below, with an answer instead of a warning.
    Image.MAX_IMAGE_PIXELS = None
    try:
        image = Image.open(io.BytesIO(data), formats=tuple(TYPES))
        frames = min(getattr(image, "n_frames", 1), _MOST_FRAMES)
    except UnidentifiedImageError:
        return Fail(PictureFault.FILM if _is_film(data) else PictureFault.UNSUPPORTED)
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError) as error:
        return Fail(PictureFault.BROKEN, type(error).__name__)
    pixels = image.width * image.height
    if pixels > max_pixels or pixels * frames > 8 * max_pixels:
        return Fail(PictureFault.TOO_MANY_PIXELS, f"at most {max_pixels}")
    return image


def _is_film(data: bytes) -> bool:
    start = data[:12]
    return (
        start[4:8] == b"ftyp"
        or start.startswith((b"\x1aE\xdf\xa3", b"OggS", b"ID3", b"fLaC", b"\xff\xfb", b"\xff\xf3"))
        or (start.startswith(b"RIFF") and start[8:12] in (b"WAVE", b"AVI "))
    )


def _upright(image: Any) -> Any:
    """The picture as the camera was held, in one of three modes, without metadata."""
    from PIL import ImageOps  # noqa: PLC0415 - as above

    image.load()
    upright = ImageOps.exif_transpose(image)
    wanted = "RGBA" if _has_alpha(upright) else "L" if upright.mode in ("1", "L") else "RGB"
    profile = upright.info.get("icc_profile") if upright.mode in ("RGB", "RGBA") else None
    converted = upright.convert(wanted)
    # Colours stay what they were; a profile says nothing about the person.
    converted.info = {"icc_profile": profile} if isinstance(profile, bytes) else {}
    return converted


def _has_alpha(image: Any) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or (image.mode in ("P", "L", "RGB") and "transparency" in image.info)


def _encode_still(image: Any) -> _Encoded:
    upright = _upright(image)
    pixels = upright.width * upright.height
    if pixels > _LARGEST_STORED_PIXELS:
        scale = (_LARGEST_STORED_PIXELS / pixels) ** 0.5
        size = (max(1, int(upright.width * scale)), max(1, int(upright.height * scale)))
        info, upright = upright.info, upright.resize(size)
        upright.info = info
    # A still GIF has no advantage over PNG.
    return _write(upright, "PNG" if image.format == "GIF" else image.format, quality=90)


def _encode_animation(image: Any) -> _Encoded:
    from PIL import ImageSequence  # noqa: PLC0415 - as above

    frames, durations = [], []
    for number, frame in enumerate(ImageSequence.Iterator(image)):
        if number >= _MOST_FRAMES:
            break
        durations.append(int(frame.info.get("duration", 100) or 100))
        frames.append(frame.convert("RGBA"))
    for frame in frames:
        frame.info = {}
    output = io.BytesIO()
    frames[0].save(
        output,
        format=image.format,
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=int(image.info.get("loop", 0) or 0),
        disposal=2 if image.format == "GIF" else 0,
    )
    media_type, suffix = TYPES[image.format]
    return _Encoded(output.getvalue(), suffix, media_type, frames[0].width, frames[0].height)


def _write(image: Any, format_: str, *, quality: int) -> _Encoded:
    output = io.BytesIO()
    options: dict[str, Any] = {"optimize": True} if format_ in ("PNG", "JPEG") else {"method": 4}
    if format_ != "PNG":
        options["quality"] = quality
    if image.info.get("icc_profile"):
        options["icc_profile"] = image.info["icc_profile"]
    image.save(output, format=format_, **options)
    media_type, suffix = TYPES[format_]
    return _Encoded(output.getvalue(), suffix, media_type, image.width, image.height)


def _blurhash(image: Any) -> str:
    from blurhash_rs import blurhash_encode  # noqa: PLC0415 - as above

    tiny = image.convert("RGB")
    tiny.thumbnail((_BLURHASH_SIDE, _BLURHASH_SIDE))
    return str(blurhash_encode(tiny, 4, 4))


def _put(encoded: _Encoded, folder: Path, name: str) -> str:
    """Write a file so that it is there whole or not at all; its path below the media folder."""
    path = f"{folder.name}/{name[:2]}/{name[2:]}{encoded.suffix}"
    target = folder.parent / path
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    with partial.open("wb") as file:
        file.write(encoded.data)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(target)
    return path
