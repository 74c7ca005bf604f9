"""An actor's document becomes a row: text sanitised, lengths bounded, nothing of ours overwritten."""

from __future__ import annotations

from typing import Any

from fediverse_node.base.clock import to_ms
from fediverse_node.domain.facts import World
from fediverse_node.domain.searching import is_findable
from fediverse_node.protocol import html
from fediverse_node.protocol.actors import ActorDocument
from fediverse_node.protocol.bidi import contain_direction
from fediverse_node.protocol.uris import host_of
from fediverse_node.protocol.webfinger import Acct
from fediverse_node.storage.apply.actors import KeyRow
from fediverse_node.storage.rows import dump_json

_NAME_LIMIT = 200


def actor_row(document: ActorDocument, world: World, *, handle: Acct | None = None) -> dict[str, Any]:
    """Columns of `actors` for a remote actor. `handle` is what WebFinger confirmed, else its name at its id's host."""
    now_ms = world.clock.now_ms()
    host = handle.host if handle is not None else host_of(document.id) or ""
    name = handle.user if handle is not None else document.preferred_username
    return {
        "id": world.ids.next(),
        "local": False,
        "created_ms": min(to_ms(document.published), now_ms) if document.published else now_ms,
        "uri": document.id,
        "type": document.type,
        # An actor need not have a user name (fep-03c1); its host then stands for it.
        "username": name or host.partition(":")[0],
        "host": host,
        "name": contain_direction(document.name[:_NAME_LIMIT]),
        "summary": html.sanitise(document.summary) if document.summary else "",
        "fields": dump_json(
            [
                {"name": html.to_plain_text(name)[:255], "value": html.sanitise(value), "verified_at": None}
                for name, value in document.fields
            ]
        ),
        "emojis": dump_json(
            [{"shortcode": e.shortcode, "url": e.url, "static_url": e.static_url or e.url} for e in document.emojis]
        ),
        "url": document.url,
        "inbox": document.inbox or "",
        "shared_inbox": document.shared_inbox,
        "outbox": document.outbox,
        "followers_uri": document.followers,
        "following_uri": document.following,
        "featured_uri": document.featured,
        "featured_tags_uri": document.featured_tags,
        "icon_url": document.icon.url if document.icon else None,
        "icon_description": document.icon.description if document.icon else "",
        "image_url": document.image.url if document.image else None,
        "image_description": document.image.description if document.image else "",
        "locked": document.manually_approves,
        "discoverable": document.discoverable,
        "indexable": is_findable(document.raw, indexable=document.indexable),
        "memorial": document.memorial,
        "moved_to_uri": document.moved_to,
        "also_known_as": dump_json(list(document.also_known_as)),
        "implements": dump_json(list(document.implements)),
        "fetched_ms": now_ms,
    }


def key_rows(document: ActorDocument) -> list[KeyRow]:
    """The keys that the actor's own document lists."""
    return [
        KeyRow(
            key.id,
            key.pem or key.multibase or "",
            for_proofs=key.for_proofs,
            expires_ms=to_ms(key.expires) if key.expires else None,
        )
        for key in document.public_keys
        if key.pem or key.multibase
    ]
