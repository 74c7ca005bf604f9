"""Reads the body of a request into parameters, within limits: JSON, urlencoded, multipart."""

from __future__ import annotations

from typing import Any

from aiohttp import BodyPartReader, hdrs, web

from fediverse_node.base.config import Config
from fediverse_node.mastodon_api.errors import bad_request, too_large
from fediverse_node.mastodon_api.params import EMPTY, Params, Upload, parse_json, parse_query, tree_of

# The longest post, a page of filters or a profile, with room to spare.
_TEXT_LIMIT_BYTES = 1_048_576
_LARGEST_PART_COUNT = 200


async def read_params(request: web.Request, config: Config) -> Params:
    """Query and body, merged; the body wins. Raises ApiError when it cannot be read."""
    query_string = request.rel_url.raw_query_string
    # Mastodon.py sends bodies also with GET and DELETE, and Rails reads them.
    if not request.can_read_body:
        return Params(parse_query(query_string)) if query_string else EMPTY
    media_type = request.content_type
    if media_type == "multipart/form-data":
        body = await _read_multipart(request, config.media.max_upload_bytes)
    elif media_type == "application/json" or media_type.endswith("+json"):
        body = parse_json(await read_limited(request, _TEXT_LIMIT_BYTES))
    elif media_type == "application/x-www-form-urlencoded":
        body = parse_query(_as_ascii(await read_limited(request, _TEXT_LIMIT_BYTES)))
    else:
        # Some apps POST without parameters and name no type, or an odd one.
        await read_limited(request, _TEXT_LIMIT_BYTES)
        body = {}
    return Params({**parse_query(query_string), **body})


async def read_limited(request: web.Request, limit_bytes: int) -> bytes:
    """The body, or 413."""
    if (request.content_length or 0) > limit_bytes:
        raise too_large(limit_bytes)
    chunks: list[bytes] = []
    size_bytes = 0
    try:
        async for chunk in request.content.iter_any():
            size_bytes += len(chunk)
            if size_bytes > limit_bytes:
                raise too_large(limit_bytes)
            chunks.append(chunk)
    except web.RequestPayloadError:  # compressed, but not as it says; or it ends early
        raise bad_request("The body cannot be read") from None
    return b"".join(chunks)


async def _read_multipart(request: web.Request, file_limit_bytes: int) -> dict[str, Any]:
    limit_bytes = file_limit_bytes + _TEXT_LIMIT_BYTES
    if (request.content_length or 0) > limit_bytes:
        raise too_large(limit_bytes)
    pairs: list[tuple[str, Any]] = []
    left_bytes = limit_bytes
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or part.name is None or len(pairs) >= _LARGEST_PART_COUNT:
                raise bad_request("The multipart body cannot be read")
            data = await _read_part(part, left_bytes, limit_bytes)
            left_bytes -= len(data)
            pairs.append((part.name, _value_of(part, data)))
    except (ValueError, AssertionError, LookupError, web.RequestPayloadError):
        raise bad_request("The multipart body cannot be read") from None
    return tree_of(pairs)


async def _read_part(part: BodyPartReader, left_bytes: int, limit_bytes: int) -> bytes:
    chunks = bytearray()
    while chunk := await part.read_chunk(65_536):
        chunks += chunk
        if len(chunks) > left_bytes:
            raise too_large(limit_bytes)
    return bytes(chunks)


def _value_of(part: BodyPartReader, data: bytes) -> str | Upload:
    if part.filename is not None:
        media_type = part.headers.get(hdrs.CONTENT_TYPE, "application/octet-stream")
        return Upload(part.filename, media_type.partition(";")[0].strip().lower(), data)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise bad_request("The parameters are not UTF-8") from None


def _as_ascii(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise bad_request("The parameters are not UTF-8") from None
