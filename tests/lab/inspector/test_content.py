"""Bodies as people read them."""

from __future__ import annotations

import gzip
import zlib

import orjson
import pytest

from fediverse_node.lab.exchange import Message
from fediverse_node.lab.inspector.content import MOST_UNPACKED_BYTES, clean, dump_json, read_content

TEXT = b'{"content": "ni hao"}'


def message(body: bytes, **headers: str) -> Message:
    return Message("HTTP/1.1 200 OK", tuple((name.replace("_", "-"), value) for name, value in headers.items()), body)


@pytest.mark.parametrize(
    "given, read, note",
    [
        pytest.param(message(TEXT), TEXT, "", id="a plain body is read as it is"),
        pytest.param(message(gzip.compress(TEXT), Content_Encoding="gzip"), TEXT, "gzip of", id="gzip is unpacked"),
        pytest.param(
            message(zlib.compress(TEXT), Content_Encoding="deflate"), TEXT, "deflate of", id="deflate is unpacked"
        ),
        pytest.param(
            message(zlib.compress(TEXT, wbits=-15), Content_Encoding="deflate"),
            TEXT,
            "deflate of",
            id="deflate without its frame, as some send it, is unpacked",
        ),
        pytest.param(
            message(TEXT, Content_Encoding="gzip"), TEXT, "", id="what the recorder has unpacked is not unpacked again"
        ),
        pytest.param(
            message(gzip.compress(TEXT)[:-9], Content_Encoding="gzip"),
            gzip.compress(TEXT)[:-9],
            "ends too early",
            id="truncated gzip is shown as it came",
        ),
        pytest.param(
            message(b"\xff\xfe", Content_Encoding="gzip"),
            b"\xff\xfe",
            "cannot be unpacked",
            id="what is no gzip is said not to be",
        ),
        pytest.param(
            message(b"\x8b", Content_Encoding="br"), b"\x8b", "compressed as br", id="other codings are named"
        ),
        pytest.param(
            message(b'5;x=1\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n', Transfer_Encoding="chunked"),
            b'{"a":1}',
            "in chunks",
            id="chunks are joined",
        ),
        pytest.param(message(TEXT, Transfer_Encoding="chunked"), TEXT, "", id="chunks that were joined already stay"),
    ],
)
def test_a_body_is_shown_as_its_text(given: Message, read: bytes, note: str) -> None:
    content = read_content(given)
    assert content.body == read
    assert note in content.note if note else not content.note


def test_a_small_body_that_unpacks_to_a_huge_one_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * (MOST_UNPACKED_BYTES * 10))
    content = read_content(message(bomb, Content_Encoding="gzip"))
    assert content.body == bomb
    assert "more than" in content.note


def test_header_bytes_that_are_no_text_fit_into_json() -> None:
    wire = b"na\xefve".decode("utf-8", "surrogateescape")
    assert clean(wire) == "na\N{REPLACEMENT CHARACTER}ve"
    assert clean("\ud800 alone") == "? alone"
    assert orjson.loads(dump_json({"headers": [["x", wire]], wire: 1})) == {
        "headers": [["x", clean(wire)]],
        clean(wire): 1,
    }
