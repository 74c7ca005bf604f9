"""Finding actors and objects of ours by what stands in a path."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from typing import Any

import orjson

from fediverse_node.base.clock import from_ms
from fediverse_node.domain.documents import Profile
from fediverse_node.domain.names import Names
from fediverse_node.protocol.actors import KeyDocument
from fediverse_node.protocol.html import to_plain_text
from fediverse_node.protocol.plain_text import extract_hashtags
from fediverse_node.storage.queries.federation_documents import ACTOR_BY_URI, KEYS_OF, LOCAL_ACTOR, OBJECT_BY_ID
from fediverse_node.web.context import WebContext

Row = Any
Keys = tuple[str, str | None, tuple[KeyDocument, ...]]
_LARGEST_ID = 2**63 - 1
_NAME_LIMIT = 256


async def load_actor(context: WebContext, name: str) -> Row | None:
    """The row of the local actor with this username, in any case; deleted ones too. Not the server's own actor."""
    if not 0 < len(name) <= _NAME_LIMIT or "\x00" in name:
        return None
    row = await context.database.fetch_one(LOCAL_ACTOR, username=name.lower(), host=context.config.host)
    return row if row is not None and row["uri"] == context.names.actor(row["username"]) else None


async def load_instance_actor(context: WebContext) -> Row | None:
    """The row of the server's own actor."""
    return await context.database.fetch_one(ACTOR_BY_URI, uri=context.names.instance_actor)


async def load_object(context: WebContext, name: str, number: str) -> Row | None:
    """The object of ours at `/users/name/statuses/number`, boosts too; who may see it is not asked here."""
    object_id = parse_id(number)
    if object_id is None:
        return None
    row = await context.database.fetch_one(OBJECT_BY_ID, object_id=object_id)
    if row is None or not row["author_local"] or row["author_username"].lower() != name.lower():
        return None
    return row


async def load_keys(context: WebContext, row: Row) -> Keys | None:
    """What the actor's document lists; None without an RSA key."""
    rows = await context.database.fetch(KEYS_OF, actor_id=row["id"])
    return keys_of_rows(row["uri"], rows, context.world.clock.now_ms())


def keys_of_rows(actor_uri: str, rows: Sequence[Row], now_ms: int) -> Keys | None:
    """The RSA key as PEM, the Ed25519 key as multibase, and all keys that are listed, from rows of `KEYS_OF`.

    Of RSA keys only the newest: a second would make an array of what many read as an object. Multikeys that were
    replaced are listed until they expire, for what others pass on that was signed before.  spec: fep-521a
    """
    current = [row for row in rows if row["expires_ms"] is None]
    rsa = next((row for row in reversed(current) if row["public"].startswith("-----")), None)
    if rsa is None:
        return None
    listed = [
        KeyDocument(
            row["uri"],
            actor_uri,
            multibase=row["public"],
            for_proofs=True,
            expires=None if row["expires_ms"] is None else from_ms(row["expires_ms"]),
        )
        for row in reversed(rows)
        if not row["public"].startswith("-----") and (row["expires_ms"] is None or row["expires_ms"] > now_ms)
    ]
    ed25519 = next((key.multibase for key in listed if key.expires is None and not key.is_post_quantum), None)
    return rsa["public"], ed25519, (KeyDocument(rsa["uri"], actor_uri, pem=rsa["public"]), *listed)


def parse_id(text: str) -> int | None:
    """A decimal id, or None when it cannot be one."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        return None
    number = int(text)
    return number if 0 < number <= _LARGEST_ID else None


def profile_of(row: Row, rsa_pem: str, ed25519_multibase: str | None, keys: tuple[KeyDocument, ...] = ()) -> Profile:
    """What the actor in the row publishes."""
    icon, image = row["icon_url"], row["image_url"]
    return Profile(
        uri=row["uri"],
        type=row["type"],
        username=row["username"],
        rsa_pem=rsa_pem,
        ed25519_multibase=ed25519_multibase,
        keys=keys,
        name=row["name"],
        summary=row["summary"],
        fields=tuple(orjson.loads(row["fields"])),
        emojis=tuple(orjson.loads(row["emojis"])),
        hashtags=extract_hashtags(to_plain_text(row["summary"])) if "#" in row["summary"] else (),
        icon_path=icon,
        icon_media_type=mimetypes.guess_type(icon)[0] if icon else None,
        icon_description=row["icon_description"],
        image_path=image,
        image_media_type=mimetypes.guess_type(image)[0] if image else None,
        image_description=row["image_description"],
        locked=bool(row["locked"]),
        discoverable=None if row["discoverable"] is None else bool(row["discoverable"]),
        indexable=bool(row["indexable"]),
        memorial=bool(row["memorial"]),
        suspended=row["suspended_ms"] is not None,
        created_ms=row["created_ms"],
        moved_to_uri=row["moved_to_uri"],
        also_known_as=tuple(orjson.loads(row["also_known_as"])),
    )


def path_of(names: Names, uri: str) -> str:
    """A URI of ours without its origin: redirects and links stay where the reader is."""
    return uri.removeprefix(names.base_url) or "/"
