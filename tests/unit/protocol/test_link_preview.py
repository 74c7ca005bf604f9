"""Which link of a post has a card, and what a page says about itself, whatever it is written in."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fediverse_node.protocol.link_preview import LinkPreview, decode, first_link, read_page, with_oembed

URL = "https://news.example/2026/story"


@pytest.mark.parametrize(
    ("content", "link"),
    [
        ('<p><a href="https://a.example/x">x</a> <a href="https://b.example/">y</a></p>', "https://a.example/x"),
        ('<p><a class="u-url mention" href="https://a.example/@ben">@ben</a></p>', None),
        ('<p><a class="mention hashtag" href="https://a.example/tags/x">#x</a></p>', None),
        ('<p class="quote-inline">RE: <a href="https://q.example/1">q</a></p><p>no</p>', None),
        ('<p class="quote-inline"><a href="https://q.example/1">q</a></p><a href="https://c.example/">c</a>', "https://c.example/"),
        ('<a href="https://file.example/known.png">file</a><a href="https://d.example/#top">d</a>', "https://d.example/"),
        ('<a href="mailto:a@b.example">mail</a> <a href="gemini://e.example/">g</a>', None),
        ('<a href="https://user:word@f.example/">f</a>', None),
        ("<p>https://not.linked.example/</p>", None),
    ],
)  # fmt: skip
def test_the_first_link_that_is_no_mention_hashtag_quote_or_file_counts(content: str, link: str | None) -> None:
    assert first_link(content, besides={"https://file.example/known.png"}) == link


def _title(body: bytes, content_type: str = "text/html") -> str:
    preview = read_page(body, content_type, URL).preview
    return preview.title if preview is not None else ""


@pytest.mark.parametrize(
    ("text", "encoding", "content_type", "head"),
    [
        ("Grüße", "utf-8", "text/html", ""),
        ("Grüße", "utf-8-sig", "text/html; charset=iso-8859-1", ""),
        ("Grüße", "iso-8859-1", "text/html; charset=ISO-8859-1", ""),
        ("Привет", "cp1251", "text/html", '<meta charset="windows-1251">'),
        ("Привет", "koi8-r", "text/html", '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">'),
        ("日本語", "shift_jis", 'text/html; charset="Shift_JIS"', ""),
        ("中文", "gb18030", "text/html; charset=gb18030", ""),
        ("Grüße", "utf-16", "text/html", ""),
    ],
)
def test_pages_in_many_encodings_are_read(text: str, encoding: str, content_type: str, head: str) -> None:
    page = f"<html><head>{head}<title>{text}</title></head></html>"
    assert _title(page.encode(encoding), content_type) == text


@pytest.mark.parametrize("name", ["zip", "rot13", "idna", "unicode_escape", "utf-7", "nonsense", "ütf", "utf-16"])
def test_a_name_that_is_no_encoding_of_pages_means_utf_8(name: str) -> None:
    assert decode(f'<meta charset="{name}">ü'.encode(), "text/html").endswith("ü")


def test_a_page_is_believed_only_in_words_and_addresses() -> None:
    page = """<html><head>
        <script>document.write('<meta property="og:title" content="from a script">')</script>
        <!-- <meta property="og:title" content="from a comment"> -->
        <meta property="og:title" content="  Two\u202e  words  "><meta property="og:title" content="second">
        <meta property="og:image" content="javascript:alert(1)"><meta property="og:site_name" content="&lt;b&gt;Site">
        <meta name="fediverse:creator" content="@ann@Social.example"><meta property="og:locale" content="de_DE">
        <meta property="article:published_time" content="2026-01-02T03:04:05+01:00">
        <link rel="alternate" type="application/json+oembed" href="/oembed?x=1&amp;y=2"></head></html>"""
    found = read_page(page.encode(), "text/html", URL)
    assert found.preview is not None
    assert found.preview.title == "Two words"
    assert found.preview.provider_name == "<b>Site"
    assert found.preview.image_url is None
    assert found.preview.creator == "ann@social.example"
    assert found.preview.language == "de-DE"
    assert found.preview.published == "2026-01-02T02:04:05.000Z"
    assert found.oembed_url == "https://news.example/oembed?x=1&y=2"
    assert LinkPreview.load(found.preview.dump()) == found.preview


@pytest.mark.parametrize(
    "pattern",
    [b"<!--", b"<title>", b"<a ", b"<svg><title>", b'<meta content="', b"&#", b"<![CDATA[", b"<div>", b"\xff"],
)
def test_a_megabyte_of_anything_is_read_in_a_moment(pattern: bytes) -> None:
    began = time.process_time()
    read_page(pattern * (1_000_000 // len(pattern)), "text/html", URL)
    assert time.process_time() - began < 2.0


@given(st.binary(max_size=400), st.text(max_size=40))
def test_no_bytes_and_no_type_break_the_reader(body: bytes, content_type: str) -> None:
    read_page(b"<title>x</title>" + body, content_type, URL)
    with_oembed(LinkPreview(URL, "x"), body, URL)
