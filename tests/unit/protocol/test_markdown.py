"""Files of whoever runs the server as HTML."""

from __future__ import annotations

import time

import pytest

from fediverse_node.protocol.markdown import clean_document, render_markdown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("one\ntwo\n\nthree", "<p>one\ntwo</p>\n<p>three</p>"),
        ("# Top\n## Below ##\n#none", "<h1>Top</h1>\n<h2>Below</h2>\n<p>#none</p>"),
        ("- a\n- b\n  goes on\n\nend", "<ul><li>a</li><li>b\ngoes on</li></ul>\n<p>end</p>"),
        ("text\n- a\n* b", "<p>text</p>\n<ul><li>a</li><li>b</li></ul>"),
        ("3. c\n4. d", '<ol start="3"><li>c</li><li>d</li></ol>'),
        ("1) a", "<ol><li>a</li></ol>"),
        ("> said\n> by *her*", "<blockquote><p>said\nby <em>her</em></p></blockquote>"),
        ("a\n\n---\n\n* * *", "<p>a</p>\n<hr>\n<hr>"),
        ("```\n<b> & *x*\n```\nend", "<pre><code>&lt;b&gt; &amp; *x*</code></pre>\n<p>end</p>"),
        ("one  \ntwo\\\nthree", "<p>one<br>\ntwo<br>\nthree</p>"),
        ("**bold _and_ more** `a*b*` \\*plain\\*", None),
        ("snake_case_name 2*3*4", "<p>snake_case_name 2<em>3</em>4</p>"),
    ],
)
def test_markdown_becomes_html(text: str, html: str | None) -> None:
    expected = "<p><strong>bold <em>and</em> more</strong> <code>a*b*</code> *plain*</p>" if html is None else html
    assert render_markdown(text) == expected


def test_links_are_links_in_all_ways_of_writing_them() -> None:
    html = render_markdown("[our *house*](https://a.example/x?y=1&z=2) <mailto:me@a.example> see https://b.example/c.")
    rel = 'rel="noopener noreferrer"'
    assert f'<a href="https://a.example/x?y=1&amp;z=2" {rel}>our <em>house</em></a>' in html
    assert f'<a href="mailto:me@a.example" {rel}>me@a.example</a>' in html
    assert f'<a href="https://b.example/c" {rel}>https://b.example/c</a>.' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert)",
        '[x](https://a"onclick="alert)',
        "<img src=x onerror=alert(1)>",
        "`<script>`",
        "[<script>](https://a.example)",
    ],
)
def test_nothing_active_gets_through(text: str) -> None:
    html = render_markdown(text)
    for bad in ("<script", "<img", 'href="javascript', 'href="JaVa', 'onclick="'):
        assert bad not in html


def test_html_keeps_its_structure_and_loses_what_is_active() -> None:
    document = (
        "<!doctype html><html><head><title>no</title><style>p{}</style></head><body onload='x()'>"
        "<h2 class='a'>Terms</h2><p>one <b>two</b><script>alert(1)</script></p><ol><li>x</li></ol></body></html>"
    )
    assert clean_document(document) == "<h2>Terms</h2><p>one <b>two</b></p><ol><li>x</li></ol>"


@pytest.mark.parametrize(
    "piece", ["*", "**a", "[", "[a](", "_", "`", "> ", "- \n", "```\n", "<", "\\", "# \n", "1. a\n"]
)
def test_long_and_odd_texts_take_no_time(piece: str) -> None:
    started = time.perf_counter()
    render_markdown(piece * (40_000 // len(piece)))
    assert time.perf_counter() - started < 5
