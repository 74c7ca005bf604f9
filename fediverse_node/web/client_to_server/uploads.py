"""uploadMedia: a file for a post to come, and the object that stands for it.

spec: ap#actor-objects, activitypub-media-upload. Multipart: `file`, and `object` (JSON), of which `name` describes the
file and `focalPoint` says what matters in it. The limits are those of the client API's uploads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import BodyPartReader, web

from fediverse_node.base.outcome import Fail
from fediverse_node.outbox.composition import DESCRIPTION_LIMIT
from fediverse_node.outbox.uploads import store_upload
from fediverse_node.protocol.contexts import with_context
from fediverse_node.protocol.media_types import ACTIVITY_JSON
from fediverse_node.protocol.reading import number, sequence, text
from fediverse_node.storage.queries.media import MEDIA
from fediverse_node.storage.queries.outbox import ACTOR
from fediverse_node.web import responses
from fediverse_node.web.client_to_server.answers import Refused
from fediverse_node.web.client_to_server.owner import require_bearer, require_owner
from fediverse_node.web.context import WEB, WebContext
from fediverse_node.web.local_actors import parse_id

PATH = "/upload"
_OBJECT_LIMIT_BYTES = 64 * 1024
_MOST_PARTS = 10


async def post(request: web.Request) -> web.Response:
    """POST /upload: 201 with Location, the id of the object."""
    bearer = await require_bearer(request, "write:media", kind="upload")
    context = request.app[WEB]
    if request.content_type != "multipart/form-data":
        raise Refused(415, "Send multipart/form-data with the parts file and object")
    parts = await _read(request, context.config.media.max_upload_bytes)
    file = parts.get("file")
    if file is None:
        raise Refused(400, "There is no part called file")
    thing = _object(parts.get("object"))
    description = text(thing.get("name"), DESCRIPTION_LIMIT + 1).strip()
    if len(description) > DESCRIPTION_LIMIT:
        raise Refused(422, f"A description has at most {DESCRIPTION_LIMIT} characters")
    row = await store_upload(
        file,
        actor_id=bearer.actor_id,
        config=context.config,
        world=context.world,
        writer=context.writer,
        description=description,
        focus=_focus(thing.get("focalPoint")),
    )
    if isinstance(row, Fail):
        raise Refused(422, str(row))
    actor = await context.database.fetch_one(ACTOR, id_=bearer.actor_id)
    document = _document(context, str(actor["uri"]) if actor is not None else "", row)
    return web.Response(
        body=orjson.dumps(document),
        status=201,
        headers={"Location": document["id"], "Content-Type": f"{ACTIVITY_JSON}; charset=utf-8"},
    )


async def get(request: web.Request) -> web.Response:
    """GET /users/{name}/uploads/{id}, by its owner."""
    bearer = await require_owner(request, "read", "write:media", kind="any")
    context = request.app[WEB]
    number_ = parse_id(request.match_info["id"])
    row = None
    if number_ is not None:
        row = await context.database.fetch_one(MEDIA, media_id=number_, owner_id=bearer.actor_id)
    if row is None:
        raise Refused(404, "There is no such upload")
    uri = context.names.actor(request.match_info["name"])
    response = responses.activity(request, _document(context, uri, row))
    response.headers["Cache-Control"] = responses.PRIVATE
    return response


async def _read(request: web.Request, file_limit_bytes: int) -> dict[str, bytes]:
    limits = {"file": file_limit_bytes, "object": _OBJECT_LIMIT_BYTES}
    if (request.content_length or 0) > file_limit_bytes + 2 * _OBJECT_LIMIT_BYTES:
        raise _too_large(file_limit_bytes)
    parts: dict[str, bytes] = {}
    count = 0
    try:
        async for part in await request.multipart():
            count += 1
            if not isinstance(part, BodyPartReader) or part.name not in limits or count > _MOST_PARTS:
                raise Refused(400, "The parts of an upload are file and object")
            data = bytearray()
            while chunk := await part.read_chunk(65_536):
                data += chunk
                if len(data) > limits[part.name]:
                    raise _too_large(limits[part.name])
            parts[part.name] = bytes(data)
    except (ValueError, AssertionError, LookupError, web.RequestPayloadError):
        raise Refused(400, "The multipart body cannot be read") from None
    return parts


def _too_large(limit_bytes: int) -> Refused:
    return Refused(413, f"The file is larger than {limit_bytes} bytes", {"Connection": "close"})


def _object(data: bytes | None) -> Mapping[str, object]:
    if not data:
        return {}
    try:
        thing = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise Refused(400, "object is not JSON") from None
    if not isinstance(thing, Mapping):
        raise Refused(400, "object is not a JSON object")
    return thing


def _focus(value: object) -> tuple[float, float] | None:
    found = [number(item) for item in sequence(value)]
    if len(found) != 2 or found[0] is None or found[1] is None:
        return None
    return max(-1.0, min(1.0, found[0])), max(-1.0, min(1.0, found[1]))


def _document(context: WebContext, actor_uri: str, row: Mapping[str, Any]) -> dict[str, Any]:
    meta = orjson.loads(row["meta"])
    original, focus = meta.get("original") or {}, meta.get("focus")
    document: dict[str, object] = {
        "id": context.names.upload(actor_uri, row["id"]),
        "type": "Image",
        "attributedTo": actor_uri,
        "mediaType": row["media_type"],
        "url": context.names.media(row["path"]),
        "name": row["description"] or None,
        "blurhash": row["blurhash"],
        "width": original.get("width"),
        "height": original.get("height"),
    }
    if focus:
        document["focalPoint"] = [focus["x"], focus["y"]]
    return with_context({name: value for name, value in document.items() if value is not None})
