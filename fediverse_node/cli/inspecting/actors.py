"""What the documents say that are no posts: actors, collections, keys, WebFinger, NodeInfo, stamps, tombstones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fediverse_node.base.outcome import Fail
from fediverse_node.cli.inspecting.posts import describe_emojis, stamp, without_empty
from fediverse_node.protocol.actors import ActorDocument, KeyDocument
from fediverse_node.protocol.collections import CollectionPage
from fediverse_node.protocol.html import sanitise, to_plain_text
from fediverse_node.protocol.nodeinfo import NodeInfo
from fediverse_node.protocol.objects import TombstoneDocument
from fediverse_node.protocol.parts import Picture
from fediverse_node.protocol.reading import moment, text, uri
from fediverse_node.protocol.webfinger import Jrd
from fediverse_node.signatures.keys import PublicKey


def describe_actor(actor: ActorDocument) -> dict[str, Any]:
    """Somebody who acts."""
    return without_empty(
        {
            "type": actor.type,
            "id": actor.id,
            "username": actor.preferred_username,
            "name": actor.name,
            "text": to_plain_text(sanitise(actor.summary)),
            "url": actor.url,
            "inbox": actor.inbox,
            "shared_inbox": actor.shared_inbox,
            "outbox": actor.outbox,
            "followers": actor.followers,
            "following": actor.following,
            "featured": actor.featured,
            "featured_tags": actor.featured_tags,
            "webfinger": actor.webfinger,
            "icon": _picture(actor.icon),
            "image": _picture(actor.image),
            "fields": [[name, to_plain_text(sanitise(value))] for name, value in actor.fields],
            "locked": actor.manually_approves or None,
            "discoverable": actor.discoverable,
            "indexable": actor.indexable,
            "memorial": actor.memorial or None,
            "suspended": actor.suspended or None,
            "moved_to": actor.moved_to,
            "also_known_as": list(actor.also_known_as),
            "published": stamp(actor.published),
            "updated": stamp(actor.updated),
            "language": actor.language,
            "emojis": describe_emojis(actor.emojis),
            "attributed_to": list(actor.attributed_to),
            "posting_restricted": actor.posting_restricted or None,
            "wall": actor.wall,
            "implements": list(actor.implements),
            "keys": [describe_key(key) for key in actor.public_keys],
        }
    )


def describe_key(key: KeyDocument) -> dict[str, Any]:
    """A public key, and whether it can be used here."""
    parsed = read_key(key)
    usable = {"refused": str(parsed)} if isinstance(parsed, Fail) else {"algorithm": parsed.algorithm}
    return {"id": key.id, "owner": key.owner, **usable}


def read_key(key: KeyDocument) -> PublicKey | Fail:
    """The key itself."""
    return PublicKey.parse_pem(key.pem) if key.pem else PublicKey.parse_multibase(key.multibase or "")


def describe_collection(page: CollectionPage) -> dict[str, Any]:
    """A collection or a page of it: how many, and which are in it."""
    items = page.items or (page.first_page.items if page.first_page is not None else ())
    return without_empty(
        {
            "type": page.type,
            "id": page.id,
            "total": page.total,
            "first": page.first,
            "next": page.next or (page.first_page.next if page.first_page is not None else None),
            "part_of": page.part_of,
            "items": [_item(item) for item in items],
        }
    )


def describe_tombstone(tombstone: TombstoneDocument) -> dict[str, Any]:
    """What is left of something deleted."""
    return without_empty(
        {"id": tombstone.id, "former_type": tombstone.former_type, "deleted": stamp(tombstone.deleted)}
    )


def describe_webfinger(jrd: Jrd) -> dict[str, Any]:
    """Who a handle is."""
    return without_empty(
        {
            "subject": jrd.subject,
            "actors": list(jrd.actor_uris),
            "url": jrd.profile_url,
            "aliases": list(jrd.aliases),
            "subscribe_template": jrd.subscribe_template,
        }
    )


def describe_nodeinfo(info: NodeInfo) -> dict[str, Any]:
    """What a server runs."""
    return without_empty(
        {
            "software": info.software_name,
            "version": info.software_version,
            "name": info.node_name,
            "protocols": list(info.protocols),
            "open_registrations": info.open_registrations,
            "users": info.users_total,
            "active_users": info.users_active_month,
            "posts": info.posts,
        }
    )


def describe_approval(document: Mapping[str, object], type_: str) -> dict[str, Any]:
    """A stamp by which an author approves what somebody did with a post.  spec: fep-044f#quote-authorization"""
    # GoToSocial's first form of it had `object` and `target`.
    return without_empty(
        {
            "type": type_,
            "id": uri(document.get("id")),
            "author": uri(document.get("attributedTo")),
            "object": uri(document.get("interactingObject")) or uri(document.get("object")),
            "target": uri(document.get("interactionTarget")) or uri(document.get("target")),
        }
    )


def describe_other(document: Mapping[str, object], type_: str) -> dict[str, Any]:
    """As much as can be said of anything."""
    return without_empty(
        {
            "type": type_,
            "id": uri(document.get("id")),
            "author": uri(document.get("attributedTo")),
            "title": text(document.get("name"), 500),
            "text": to_plain_text(sanitise(text(document.get("content") or document.get("summary"), 10_000))),
            "url": uri(document.get("href")) or uri(document.get("url")),
            "published": stamp(moment(document.get("published"))),
        }
    )


def _picture(picture: Picture | None) -> str | None:
    return picture.url if picture is not None else None


def _item(item: str | Mapping[str, object]) -> str:
    if isinstance(item, str):
        return item
    return uri(item) or f"({text(item.get('type'), 100) or 'object'} without an id)"
