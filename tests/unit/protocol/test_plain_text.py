"""What people type becomes HTML."""

from __future__ import annotations

import time

import pytest

from fediverse_node.protocol.html import sanitise, to_plain_text
from fediverse_node.protocol.plain_text import (
    count_characters,
    extract_hashtags,
    find_links,
    find_mentions,
    handle_key,
    render,
    render_paragraphs,
)

MENTIONS = {
    "alice": ("https://here.example/@alice", "alice"),
    "bob@b.example": ("https://b.example/@bob", "bob@b.example"),
    "eve@127.0.0.1:8420": ("http://127.0.0.1:8420/@eve", "eve@127.0.0.1:8420"),
}


def tag_url(name: str) -> str:
    return f"https://here.example/tags/{name.lower()}"


def mention(url: str, shown: str) -> str:
    return f'<span class="h-card" translate="no"><a href="{url}" class="u-url mention">@<span>{shown}</span></a></span>'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@alice hi", [("alice", None)]),
        ("hi @bob@b.example, and @BOB@b.example!", [("bob", "b.example")]),
        ("(@eve@127.0.0.1:8420)", [("eve", "127.0.0.1:8420")]),
        ("@alice. @a_b-c@b.example.", [("alice", None), ("a_b-c", "b.example")]),
        ("mail bob@b.example is no mention", []),
        ("https://b.example/@bob is none", []),
        ("@bob@bücher.example", [("bob", "bücher.example")]),
        ("@@ @ @-", []),
        ("@eve@[::1]:8420", [("eve", "[::1]:8420")]),
    ],
)
def test_mentions_are_found(text: str, expected: list[tuple[str, str | None]]) -> None:
    assert list(find_mentions(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#one #Two #TWO", ("one", "Two")),
        ("#1984 #4ever", ("4ever",)),
        ("#हिन्दी #日本語 #été #ไทย", ("हिन्दी", "日本語", "été", "ไทย")),
        ("＃全角", ("全角",)),
        ("a#b /#c &#39; https://a.example/#d", ()),
        ("#snake_case, #end.", ("snake_case", "end")),
        ("#_", ()),
    ],
)
def test_hashtags_are_found(text: str, expected: tuple[str, ...]) -> None:
    assert extract_hashtags(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://a.example/x.", ("https://a.example/x",)),
        ("(https://a.example/x_(y))", ("https://a.example/x_(y)",)),
        ("https://a.example/?q=1&r=2#f!", ("https://a.example/?q=1&r=2#f",)),
        ("javascript:alert(1) ftp://x", ()),
        ("https:// nothing", ()),
        ("http://127.0.0.1:8420/@a", ("http://127.0.0.1:8420/@a",)),
    ],
)
def test_links_are_found_without_the_punctuation_around_them(text: str, expected: tuple[str, ...]) -> None:
    assert find_links(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\n\ntwo\nthree", "<p>one</p><p>two<br>three</p>"),
        ("a\r\nb\n\n\n\nc", "<p>a<br>b</p><p>c</p>"),
        ("<script> & \"'", "<p>&lt;script&gt; &amp; &quot;&#x27;</p>"),
        ("", ""),
        ("hi @alice", f"<p>hi {mention('https://here.example/@alice', 'alice')}</p>"),
        ("@Bob@B.example", f"<p>{mention('https://b.example/@bob', 'bob')}</p>"),
        ("@nobody stays", "<p>@nobody stays</p>"),
        (
            "#Café!",
            '<p><a href="https://here.example/tags/café" class="mention hashtag" rel="tag">#<span>Café</span></a>!</p>',
        ),
    ],
)
def test_text_becomes_html(text: str, expected: str) -> None:
    assert render(text, MENTIONS, tag_url) == expected


def test_two_people_of_one_name_are_shown_with_their_hosts() -> None:
    mentions = {
        "bob": ("https://here.example/@bob", "bob"),
        "bob@b.example": ("https://b.example/@bob", "bob@b.example"),
    }
    html = render("@bob @bob@b.example", mentions, tag_url)
    assert mention("https://b.example/@bob", "bob@b.example") in html


def test_a_long_address_is_shortened_for_the_eye_only() -> None:
    url = "https://www.example.com/a/very/long/path?with=query&and=more"
    html = render(url, {}, tag_url)
    assert '<span class="invisible">https://www.</span><span class="ellipsis">example.com/a/very/long/path?w' in html
    assert to_plain_text(html) == url


def test_our_html_survives_our_own_sanitiser() -> None:
    html = render("@alice #tag https://a.example/x\n\nend", MENTIONS, tag_url)
    assert to_plain_text(sanitise(html)) == to_plain_text(html) == "@alice #tag https://a.example/x\n\nend"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello", 5),
        ("https://a.example/" + "x" * 200, 23),
        ("hi @bob@b.example!", 8),
        ("#tag", 4),
        ("👨‍👩‍👧 é 👍🏽 🇩🇪", 7),
        ("e\u0301", 1),
        ("", 0),
    ],
)
def test_characters_are_counted_as_mastodon_does(text: str, expected: int) -> None:
    assert count_characters(text) == expected


def test_other_peoples_plain_text_gets_links_but_no_tags() -> None:
    assert render_paragraphs("#x @y <z>") == "<p>#x @y &lt;z&gt;</p>"


def test_the_key_of_a_mention_is_lower_case() -> None:
    assert (handle_key("Bob", None), handle_key("Bob", "B.example")) == ("bob", "bob@b.example")


@pytest.mark.parametrize("piece", ["@a", "@", "#", "#a", "https://", "a.", "@a@", "(", "https://a(", "@a-.", "_"])
def test_hostile_text_costs_little(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    started = time.process_time()
    render(text, MENTIONS, tag_url)
    count_characters(text)
    assert time.process_time() - started < 2.0
