"""MediaAttachment: a file beside a text, as apps see it.  spec: mastodon-client-api#MediaAttachment"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fediverse_node.domain.names import Names

_TYPES = frozenset(("image", "gifv", "video", "audio"))
_PREVIEW_PIXELS = 640 * 360


def render_attachment(item: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """The entity of an item of the column `objects.attachments`: a file of ours (`path`), or a remote one."""
    path, preview_path = item.get("path"), item.get("preview_path")
    kind = item.get("type") if item.get("type") in _TYPES else "unknown"
    url = names.media(path) if path else item.get("remote_url")
    preview: str | None
    if preview_path:
        preview = names.media(preview_path)
    else:
        # Apps lay a picture out from `preview_url`; of a film without a still there is nothing to show.
        preview = item.get("remote_preview_url") or (url if kind == "image" else None)
    return {
        "id": str(item.get("id") or 0),
        "type": kind,
        "url": url,
        "preview_url": preview,
        "remote_url": None if path else item.get("remote_url"),
        "preview_remote_url": None if path else item.get("remote_preview_url"),
        "text_url": None,
        "meta": _meta(item),
        "description": item.get("description") or None,
        "blurhash": item.get("blurhash"),
    }


def without_media(status: Mapping[str, Any]) -> dict[str, Any]:
    """What is left of a Status whose pictures are not taken: links to them, which nothing loads unasked."""
    hidden = {"type": "unknown", "preview_url": None, "preview_remote_url": None, "blurhash": None}
    return {"media_attachments": [dict(item) | hidden for item in status["media_attachments"]], "emojis": []}


def _meta(item: Mapping[str, Any]) -> dict[str, Any]:
    stored = item.get("meta")
    meta: dict[str, Any] = dict(stored) if isinstance(stored, Mapping) else {}
    width, height, duration_s = item.get("width"), item.get("height"), item.get("duration_s")
    if width and height:
        meta.setdefault("original", _size(int(width), int(height)))
        meta.setdefault("small", _size(*_fitted(int(width), int(height))))
    if duration_s:
        meta.setdefault("original", {})["duration"] = duration_s
    focus = item.get("focus")
    if focus:
        meta["focus"] = {"x": float(focus[0]), "y": float(focus[1])}
    return meta


def _size(width: int, height: int) -> dict[str, Any]:
    return {"width": width, "height": height, "size": f"{width}x{height}", "aspect": width / height}


def _fitted(width: int, height: int) -> tuple[int, int]:
    """The size of the preview: as many pixels as it may have, in the same shape."""
    scale: float = min(1.0, (_PREVIEW_PIXELS / (width * height)) ** 0.5)
    return max(1, round(width * scale)), max(1, round(height * scale))
