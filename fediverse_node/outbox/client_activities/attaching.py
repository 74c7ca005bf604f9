"""The files of a client's post: uploads of the same person, named by their id or by the address of the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.model import Actor
from fediverse_node.outbox.client_activities.faults import ClientFault, cannot, malformed
from fediverse_node.outbox.client_activities.ports import Ports
from fediverse_node.outbox.composition import DESCRIPTION_LIMIT, MAX_MEDIA, refusal_of_files
from fediverse_node.protocol.reading import sequence, text, uri
from fediverse_node.storage.queries.media import BY_PATHS
from fediverse_node.storage.queries.outbox import MEDIA
from fediverse_node.storage.queries.scheduled import describe_media

_UPLOAD_FIRST = "a file has to be uploaded to uploadMedia first; then attach the object of its Location, or its url"
_LARGEST_ID = 2**63 - 1


async def attached(ports: Ports, author: Actor, value: object, *, object_id: int | None) -> tuple[int, ...] | Fail:
    """The ids of the uploads in `attachment`, in order. `object_id`: the post that some may hang on already."""
    items = sequence(value)
    if not items:
        return ()
    if len(items) > MAX_MEDIA:
        return cannot(f"no more than {MAX_MEDIA} files can be attached")
    rows: list[Mapping[str, Any]] = []
    for item in items:
        row = await _row(ports, author, item)
        if isinstance(row, Fail):
            return row
        if row["object_id"] is not None and row["object_id"] != object_id:
            return Fail(ClientFault.ALREADY_DONE, "the file is part of another post")
        rows.append(row)
    refusal = refusal_of_files(rows)
    if refusal is not None:
        return cannot(refusal)
    for item, row in zip(items, rows, strict=True):
        fault = await _describe(ports, item, row)
        if fault is not None:
            return fault
    return tuple(dict.fromkeys(int(row["id"]) for row in rows))


async def _row(ports: Ports, author: Actor, item: object) -> Mapping[str, Any] | Fail:
    if not isinstance(item, str | Mapping):
        return malformed("an attachment is neither an address nor an object")
    id_ = item if isinstance(item, str) else item.get("id")
    prefix = f"{author.uri}/uploads/"
    if isinstance(id_, str) and id_.startswith(prefix):
        number = id_.removeprefix(prefix)
        if number.isascii() and number.isdigit() and int(number) <= _LARGEST_ID:
            rows = await ports.database.fetch(MEDIA, ids=[int(number)], actor=author.id)
            return rows[0] if rows else Fail(ClientFault.NOT_FOUND, f"there is no upload {id_[:200]}")
    address = uri(item.get("url")) if isinstance(item, Mapping) else item
    media = ports.world.names.media("")
    if address is None or not address.startswith(media):
        return cannot(_UPLOAD_FIRST)
    rows = await ports.database.fetch(BY_PATHS, paths=[address.removeprefix(media)], owner_id=author.id)
    return rows[0] if rows else Fail(ClientFault.NOT_FOUND, f"there is no upload {address[:200]}")


async def _describe(ports: Ports, item: object, row: Mapping[str, Any]) -> Fail | None:
    """The `name` that a client gives with the attachment describes the file."""
    if not isinstance(item, Mapping) or item.get("name") is None:
        return None
    description = text(item["name"], DESCRIPTION_LIMIT + 1).strip()
    if len(description) > DESCRIPTION_LIMIT:
        return cannot(f"a description has at most {DESCRIPTION_LIMIT} characters")
    if description != row["description"]:
        media_id, owner_id, meta = int(row["id"]), int(row["actor_id"]), str(row["meta"])
        await ports.writer.run(lambda: describe_media(owner_id, [(media_id, description, meta)]))
    return None
