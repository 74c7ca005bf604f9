"""Uploads, and the files themselves.  spec: mastodon-client-api#media

Pictures are ready when the upload is answered, so 202 and 206 never occur. Deliberately absent: video and sound.
"""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import hdrs, web

from fediverse_node.base.outcome import Fail
from fediverse_node.mastodon_api.context import CONTEXT, Context
from fediverse_node.mastodon_api.entities.attachment import render_attachment
from fediverse_node.mastodon_api.errors import bad_request, invalid, not_found, unprocessable
from fediverse_node.mastodon_api.limits import MEDIA
from fediverse_node.mastodon_api.params import Params, Upload
from fediverse_node.mastodon_api.routing import Call, Routes
from fediverse_node.outbox.composition import DESCRIPTION_LIMIT
from fediverse_node.outbox.picture_files import is_stored_path, remove_files
from fediverse_node.outbox.uploads import store_upload
from fediverse_node.storage.queries import media as queries

routes = Routes()

_FILE_HEADERS = {
    # A path never gets other content.
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


@routes.post("/api/v1/media", scope="write:media")
@routes.post("/api/v2/media", scope="write:media")
async def upload(call: Call) -> web.Response:
    """A picture for a post to come."""
    call.take(MEDIA)
    file = require_upload(call, "file")
    description = _description(call.params) or ""
    focus = _focus(call.params)
    row = await store_upload(
        file.data,
        actor_id=call.viewer.actor_id,
        config=call.context.config,
        world=call.context.world,
        writer=call.context.writer,
        description=description,
        focus=focus,
    )
    if isinstance(row, Fail):
        raise invalid(f"File: {row}")
    return call.json(render_media(row, call.context))


@routes.get("/api/v1/media/{id}", scope="write:media")
async def show(call: Call) -> web.Response:
    """An upload of the viewer."""
    return call.json(render_media(await _require(call), call.context))


@routes.put("/api/v1/media/{id}", scope="write:media")
@routes.patch("/api/v1/media/{id}", scope="write:media")
async def update(call: Call) -> web.Response:
    """Another description or focus, as long as it hangs on nothing."""
    row = await _require(call)
    if row["object_id"] is not None:
        raise unprocessable("The file is part of a post: edit the post instead")
    given, focus = _description(call.params), _focus(call.params)
    description = row["description"] if given is None else given
    meta = orjson.loads(row["meta"])
    if focus is not None:
        meta["focus"] = {"x": focus[0], "y": focus[1]}
    media_id, text = row["id"], orjson.dumps(meta).decode()
    await call.context.writer.run(lambda: queries.describe_media(media_id, description=description, meta=text))
    return call.json(render_media({**dict(row), "description": description, "meta": text}, call.context))


@routes.delete("/api/v1/media/{id}", scope="write:media")
async def delete(call: Call) -> web.Response:
    """The upload and its files are gone, as long as it hangs on nothing."""
    row = await _require(call)
    media_id, me = row["id"], call.viewer.actor_id
    gone = await call.context.writer.run(lambda: queries.delete_media(media_id, me))
    if gone is None:
        raise unprocessable("Media attachment is currently used by a status")
    await remove_files(call.context.config.media_dir, gone["path"], gone["preview_path"])
    return call.json({})


def render_media(row: Any, context: Context) -> dict[str, Any]:
    """MediaAttachment of a row of `media`."""
    meta = orjson.loads(row["meta"])
    focus = meta.get("focus")
    item = {
        "id": row["id"],
        "type": row["type"],
        "path": row["path"],
        "preview_path": row["preview_path"],
        "description": row["description"],
        "blurhash": row["blurhash"],
        "meta": meta,
        "focus": (focus["x"], focus["y"]) if focus else None,
    }
    return render_attachment(item, context.world.names)


def require_upload(call: Call, name: str) -> Upload:
    """The uploaded file of a parameter; 422 without one, 413 when it is too large."""
    file = call.params.file(name)
    if file is None:
        raise invalid(f"{name.capitalize()} can't be blank")
    limit_bytes = call.context.config.media.max_upload_bytes
    if len(file.data) > limit_bytes:
        raise invalid(f"{name.capitalize()} must be less than {limit_bytes // 1_048_576 or 1} MB")
    return file


def mount_files(app: web.Application) -> None:
    """Serve what was stored."""
    app.router.add_get("/media/{path:.+}", _serve)


async def _serve(request: web.Request) -> web.StreamResponse:
    path = request.match_info["path"]
    target = request.app[CONTEXT].config.media_dir / path
    # The form of the path is checked before the disk is touched, so it cannot lead anywhere else.
    if not is_stored_path(path) or not target.is_file():
        raise web.HTTPNotFound(text="There is no such file.")
    response = web.FileResponse(target, headers=_FILE_HEADERS)
    response.headers[hdrs.CONTENT_DISPOSITION] = "inline"
    return response


async def _require(call: Call) -> Any:
    row = await call.context.database.fetch_one(queries.MEDIA, media_id=call.id(), owner_id=call.viewer.actor_id)
    if row is None:
        raise not_found()
    return row


def _description(params: Params) -> str | None:
    text = params.text("description")
    if text is not None and len(text) > DESCRIPTION_LIMIT:
        raise invalid(f"Description is too long (maximum is {DESCRIPTION_LIMIT} characters)")
    return text.strip() if text is not None else None


def _focus(params: Params) -> tuple[float, float] | None:
    """`x,y`, each from -1 to 1; what lies outside is moved to the edge."""
    text = params.text("focus")
    if not text:
        return None
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise bad_request("focus must be two numbers with a comma between them") from None
    if not (abs(x) < 1e6 and abs(y) < 1e6):
        raise bad_request("focus must be two numbers from -1 to 1")
    return max(-1.0, min(1.0, x)), max(-1.0, min(1.0, y))
