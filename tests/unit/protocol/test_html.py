"""What strangers send as HTML is safe afterwards, and still says the same."""

from __future__ import annotations

import time

import pytest

from fediverse_node.protocol.html import sanitise, sanitise_inline, to_plain_text

REL = 'target="_blank" rel="nofollow noopener noreferrer"'


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        pytest.param("<p>Hello <b>you</b></p>", "<p>Hello <b>you</b></p>", id="ordinary text stays"),
        pytest.param('<p onclick="x()" style="a">y</p>', "<p>y</p>", id="handlers and styles go"),
        pytest.param("a<script>alert(1)</script>b", "ab", id="scripts go with their text"),
        pytest.param("<iframe>x</iframe><style>p{}</style>y", "y", id="frames and styles go with their text"),
        pytest.param('<a href="javascript:alert(1)">x</a>', "x", id="script addresses go"),
        pytest.param('<a href="/relative">x</a>', "x", id="relative addresses go"),
        pytest.param('<a href="gemini://a/">x</a>', f'<a href="gemini://a/" {REL}>x</a>', id="other schemes stay"),
        pytest.param('<img src=x onerror=alert(1)>"', '"', id="pictures go"),
        pytest.param("<h2>Title</h2><p>x</p>", "<p><strong>Title</strong></p><p>x</p>", id="headings become bold"),
        pytest.param("<ol start=3><li value=4>x</ol>", '<ol start="3"><li value="4">x</li></ol>', id="lists stay"),
        pytest.param("<ruby>字<rp>(<rt>ji<rp>)</ruby>", "<ruby>字<rp>(</rp><rt>ji</rt><rp>)</rp></ruby>", id="ruby"),
        pytest.param("<p>unclosed <b>bold", "<p>unclosed <b>bold</b></p>", id="open tags are closed"),
        pytest.param("&lt;script&gt;", "&lt;script&gt;", id="text that looks like a tag stays text"),
    ],
)
def test_html_is_made_safe(html: str, expected: str) -> None:
    assert sanitise(html) == expected


def test_the_classes_that_clients_look_for_stay_and_no_others() -> None:
    html = '<span class="h-card evil"><a class="u-url mention x" href="https://a.example/@b">@<span>b</span></a></span>'
    assert sanitise(html) == (
        f'<span class="h-card"><a class="u-url mention" href="https://a.example/@b" {REL}>@<span>b</span></a></span>'
    )


def test_sanitising_twice_changes_nothing() -> None:
    html = "<h1>A</h1><p>x <a href='https://a.example/?a=1&b=2' class=mention>y</a> &amp; &lt;z&gt;<br></p>"
    assert sanitise(sanitise(html)) == sanitise(html)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>One<br>two</p><p>three</p>", "One\ntwo\n\nthree"),
        ("<ul><li>a</li><li>b</li></ul>after", "a\nb\nafter"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("plain", "plain"),
        ("x<script>y</script>z", "xz"),
        (
            '<a href="https://a.example/long"><span class="invisible">https://</span>a.example/long</a>',
            "https://a.example/long",
        ),
        ("<p>a\nb</p>", "a b"),
        ("", ""),
    ],
)
def test_html_as_plain_text(html: str, expected: str) -> None:
    assert to_plain_text(html) == expected


def test_a_name_is_one_line_of_escaped_text() -> None:
    assert sanitise_inline("<b>Bob</b>\n & <script>x</script> co") == "Bob &amp; co"
    assert sanitise_inline("  Bob   B ") == "Bob B"


@pytest.mark.parametrize(
    "piece", ["<b>", "<div>", "<ul><li>", "<a href=x><b>", "<table><tr><td>", "<p", "<!--", "</p>", "&amp;"]
)
def test_hostile_html_costs_little(piece: str) -> None:
    html = piece * (400_000 // len(piece))
    started = time.process_time()
    sanitise(html)
    to_plain_text(html)
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    ("html", "clean", "text"),
    [
        ("<div>a</div><div>b</div>", "a<br>b", "a\n\nb"),
        ("<div><p>x</p></div><p>y</p>", "<p>x</p><p>y</p>", "x\n\ny"),
        ("text<div>more</div>tail", "text<br>more<br>tail", "text\n\nmore\n\ntail"),
        ("<figure><img src=x><figcaption>One</figcaption></figure><figure>Two</figure>", "One<br>Two", "One\n\nTwo"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a | b<br>c", None),
        ("a<hr>b", "a<br>b", None),
        ("<ul><li><div>q</div></li></ul>", "<ul><li>q</li></ul>", "q"),
        ("<p>one</p>two<p>three</p>", "<p>one</p>two<p>three</p>", "one\n\ntwo\n\nthree"),
    ],
)
def test_words_of_different_blocks_do_not_run_into_one(html: str, clean: str, text: str | None) -> None:
    assert sanitise(html) == clean
    assert text is None or to_plain_text(html) == text


def test_many_blocks_cost_no_more_than_their_length() -> None:
    assert sanitise("<div> " * 4000 + "x") == "x"
