"""Pictures: what may come in, what is kept of them, how they are served."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import aiohttp
import pytest
from PIL import Image

from tests.api.conftest import ApiNode, Member, Reply
from tests.api.test_accounts import picture


async def upload(member: Member, data: bytes, *, path: str = "/api/v2/media", **fields: str) -> Reply:
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(data), filename="picture.bin", content_type="image/jpeg")
    for name, value in fields.items():
        form.add_field(name, value)
    return await member.call("POST", path, data=form)


def with_place() -> bytes:
    """A photo held sideways that tells where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "SECRET PLACE"
    exif.get_ifd(0x8825)[1] = "N"
    return picture((300, 200), "JPEG", exif=exif, comment=b"SECRET PLACE")


async def test_a_picture_is_ready_when_its_upload_is_answered(alice: Member) -> None:
    reply = await upload(alice, picture((1600, 900)), description=" A red wall ", focus="0.5,-2")
    assert reply.status == 200, reply
    media = reply.json
    assert (media["type"], media["description"], media["remote_url"]) == ("image", "A red wall", None)
    assert media["meta"]["focus"] == {"x": 0.5, "y": -1.0}
    assert media["meta"]["original"] == {"width": 1600, "height": 900, "size": "1600x900", "aspect": 1600 / 900}
    assert media["meta"]["small"]["width"] == 640
    assert len(media["blurhash"]) > 6
    for name, size in (("url", (1600, 900)), ("preview_url", (640, 360))):
        fetched = await alice.node.call("GET", media[name])
        assert Image.open(io.BytesIO(fetched.body)).size == size
        assert fetched.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert fetched.headers["X-Content-Type-Options"] == "nosniff"
        assert fetched.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert await alice.get(f"/api/v1/media/{media['id']}") == media
    assert (await upload(alice, picture(), path="/api/v1/media")).status == 200


async def test_a_photo_is_turned_upright_and_forgets_where_it_was_taken(alice: Member) -> None:
    assert b"SECRET PLACE" in with_place()
    media = (await upload(alice, with_place())).json
    assert media["meta"]["original"]["size"] == "200x300"
    for name in ("url", "preview_url"):
        body = (await alice.node.call("GET", media[name])).body
        assert b"SECRET PLACE" not in body
        assert not Image.open(io.BytesIO(body)).getexif()


async def test_what_hides_behind_a_picture_is_not_kept(alice: Member) -> None:
    media = (await upload(alice, picture() + b"<script>alert(1)</script>")).json
    assert b"<script>" not in (await alice.node.call("GET", media["url"])).body


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG"])
async def test_a_picture_that_moves_keeps_moving(alice: Member, format_: str) -> None:
    frames = [Image.new("RGB", (60, 40), (shade, 0, 0)) for shade in (0, 100, 250)]
    output = io.BytesIO()
    frames[0].save(output, format_, save_all=True, append_images=frames[1:], duration=120)
    reply = await upload(alice, output.getvalue())
    assert reply.status == 200, reply
    fetched = Image.open(io.BytesIO((await alice.node.call("GET", reply.json["url"])).body))
    assert (fetched.format, getattr(fetched, "n_frames", 1)) == (format_, 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
async def test_pictures_of_every_kind_of_pixel_are_taken(alice: Member, mode: str) -> None:
    output = io.BytesIO()
    Image.new(mode, (30, 20)).save(output, "JPEG" if mode == "CMYK" else "PNG")
    assert (await upload(alice, output.getvalue())).status == 200


@pytest.mark.parametrize(
    "data, word",
    [
        pytest.param(b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100, "video and sound are not supported", id="a film"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "this kind of file is not supported", id="SVG"),
        pytest.param(b"%PDF-1.7", "this kind of file is not supported", id="PDF"),
        pytest.param(b"", "this kind of file is not supported", id="nothing"),
        pytest.param(picture((300, 300), "JPEG")[:700], "damaged", id="half a JPEG"),
        pytest.param(picture()[:60], "damaged", id="half a PNG"),
    ],
)
async def test_what_cannot_be_used_is_refused_with_its_cause(alice: Member, data: bytes, word: str) -> None:
    reply = await upload(alice, data)
    assert reply.status == 422, reply
    assert word in reply.json["error"]


async def test_a_small_file_with_a_huge_picture_is_not_unpacked(alice: Member) -> None:
    output = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(output, "PNG")
    assert output.tell() < 100_000
    reply = await upload(alice, output.getvalue())
    assert (reply.status, "too many pixels" in reply.json["error"]) == (422, True)


async def test_the_limit_of_the_configuration_holds(node: ApiNode, alice: Member) -> None:
    limit_bytes = node.running.node.core.config.media.max_upload_bytes
    refused = await upload(alice, b"x" * (limit_bytes + 10))
    assert refused.status == 422
    assert (await upload(alice, b"x" * (limit_bytes + 2_000_000))).status == 413


async def test_an_upload_is_described_later_and_deleted(alice: Member, bob: Member) -> None:
    media = (await upload(alice, picture())).json
    path = f"/api/v1/media/{media['id']}"
    changed = await alice.call("PUT", path, json={"description": "A wall", "focus": "0.1,0.2"})
    assert (changed.json["description"], changed.json["meta"]["focus"]) == ("A wall", {"x": 0.1, "y": 0.2})
    assert (await alice.call("PUT", path, json={"focus": "here"})).status == 400
    assert (await alice.call("PUT", path, json={"description": "x" * 1501})).status == 422
    for method in ("GET", "PUT", "DELETE"):
        assert (await bob.call(method, path)).status == 404
    assert (await alice.call("DELETE", path)).json == {}
    assert (await alice.node.call("GET", media["url"])).status == 404
    await alice.get(path, expect=404)


async def test_what_hangs_on_a_post_is_not_deleted(alice: Member) -> None:
    media = (await upload(alice, picture())).json
    status = await alice.post("/api/v1/statuses", status="look", media_ids=[media["id"]])
    assert [item["id"] for item in status["media_attachments"]] == [media["id"]]
    assert (await alice.call("DELETE", f"/api/v1/media/{media['id']}")).status == 422
    assert (await alice.call("PUT", f"/api/v1/media/{media['id']}", json={"description": "x"})).status == 422


@pytest.mark.parametrize(
    "path",
    [
        "../node.db",
        "..%2fnode.db",
        "%2e%2e/node.db",
        "attachments/../../node.db",
        "/etc/passwd",
        "attachments",
        "x" * 3000,
    ],
)
async def test_nothing_but_uploads_is_served(node: ApiNode, path: str) -> None:
    parts = node.base_url.partition("//")[2].partition(":")
    # A client library would tidy the path up.
    reader, writer = await asyncio.open_connection(parts[0], int(parts[2]))
    writer.write(f"GET /media/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.split(b" ")[1] in (b"404", b"400")
    assert b"SQLite" not in answer


async def test_a_body_that_is_no_multipart_is_refused(alice: Member) -> None:
    for body in (b"", b"--x", b"--x\r\nContent-Disposition: form-data\r\n\r\nvalue\r\n--x--\r\n"):
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        reply = await alice.call("POST", "/api/v2/media", data=body, headers=headers)
        assert reply.status in (400, 422), reply
        assert json.loads(reply.body)["error"]
    without: Any = await alice.call("POST", "/api/v2/media", data=b"x", headers={"Content-Type": "multipart/form-data"})
    assert without.status == 400
