"""PreviewCard: the page that a status links to.  spec: mastodon-client-api#PreviewCard

`html` and `embed_url` are always empty: nothing foreign is ever run in an app because somebody linked to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fediverse_node.protocol.link_preview import LinkPreview
from fediverse_node.protocol.uris import host_of


def render_preview_card(stored: str | None, *, rejects_media: Callable[[str], bool]) -> dict[str, Any] | None:
    """The card of a stored preview; None while there is none. Pictures of hosts that `rejects_media` are left out."""
    if stored is None:
        return None
    preview = LinkPreview.load(stored)
    image = preview.image_url
    image_host = host_of(image) if image is not None else None
    has_image = image_host is not None and not rejects_media(image_host)
    author = {"name": preview.author_name, "url": preview.author_url, "account": None}
    return {
        "url": preview.url,
        "title": preview.title,
        "description": preview.description,
        "language": preview.language,
        "type": preview.type if has_image else "link",
        "author_name": preview.author_name,
        "author_url": preview.author_url,
        "provider_name": preview.provider_name,
        "provider_url": preview.provider_url,
        "html": "",
        "width": preview.width if has_image else 0,
        "height": preview.height if has_image else 0,
        "image": image if has_image else None,
        "image_description": preview.image_description if has_image else "",
        "embed_url": "",
        "blurhash": None,
        "published_at": preview.published,
        "missing_attribution": None,
        "authors": [author] if preview.author_name or preview.author_url else [],
    }
