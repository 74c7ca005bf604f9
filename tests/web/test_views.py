"""The small decisions behind the pages: nesting, times, initials, emoji."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fediverse_node.web.moments import moment
from fediverse_node.web.people_views import Person, initials_of
from fediverse_node.web.post_views import PostView
from fediverse_node.web.rich_text import content_html, excerpt, field_html, name_html
from fediverse_node.web.thread_views import DEPTH_LIMIT, ThreadNode, nest
from tests.web.builders import DAY_MS, HOUR_MS, NOW_MS

BASE = "https://node.example"
_PERSON = Person(
    name=name_html("A", (), BASE),
    plain_name="A",
    handle="@a@node.example",
    link="/@a",
    local=True,
    avatar=None,
    avatar_description="",
    initials="A",
    hue=0,
)


def _post(id_: int) -> PostView:
    return PostView(
        id=id_,
        anchor=f"post-{id_}",
        person=_PERSON,
        link=f"/@a/{id_}",
        published=moment(NOW_MS, NOW_MS),
        edited=None,
        content=content_html("x", (), BASE),
        plain="x",
        warning=None,
        plain_warning="",
        sensitive=False,
        language=None,
        media=(),
        poll=None,
        replies=0,
        likes=0,
        shares=0,
        audience="",
        reply_to=None,
        reply_link=None,
        may_be_found=True,
    )


def _ids(nodes: tuple[ThreadNode, ...]) -> list[object]:
    return [[node.post.id, *_ids(node.answers)] if node.answers else node.post.id for node in nodes]


@pytest.mark.parametrize(
    "parents, nested",
    [
        ({}, []),
        ({2: 1, 3: 1}, [2, 3]),
        ({2: 1, 3: 2, 4: 3}, [[2, [3, 4]]]),
        ({2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 3}, [[2, [3, [4, 5, 6], 7]]]),
        ({2: 99, 3: 2}, []),
        ({2: 3, 3: 2}, []),
        ({1: 3, 2: 1, 3: 2}, [[2, 3]]),
        ({2: 2}, []),
    ],
)
def test_answers_are_nested_below_what_they_answer(parents: dict[int, int], nested: list[object]) -> None:
    posts = [_post(id_) for id_ in sorted(parents)]
    assert _ids(nest(1, posts, parents)) == nested


def test_answers_that_stand_far_from_what_they_answer_say_whom() -> None:
    parents = {2: 1, 3: 2, 4: 3, 5: 4, 6: 5}
    (node,) = nest(1, [_post(id_) for id_ in parents], parents)
    deepest = node.answers[0].answers[0].answers
    assert [(answer.post.id, answer.tells_whom) for answer in deepest] == [(5, False), (6, True)]


def test_a_conversation_of_ten_thousand_answers_in_a_row_is_no_problem() -> None:
    parents = {number: number - 1 for number in range(2, 10_002)}
    nodes = nest(1, [replace(_post(0), id=id_) for id_ in parents], parents)
    sizes = []
    while nodes:
        sizes.append(len(nodes))
        nodes = nodes[0].answers
    assert sizes == [1] * (DEPTH_LIMIT - 1) + [10_000 - DEPTH_LIMIT + 1]


@pytest.mark.parametrize(
    "ago_ms, words",
    [
        (-5000, "just now"),
        (0, "just now"),
        (59_999, "just now"),
        (60_000, "1 minute ago"),
        (59 * 60_000, "59 minutes ago"),
        (HOUR_MS, "1 hour ago"),
        (23 * HOUR_MS, "23 hours ago"),
        (DAY_MS, "1 day ago"),
        (6 * DAY_MS, "6 days ago"),
        (7 * DAY_MS, "14 September"),
        (365 * DAY_MS, "21 September 2025"),
    ],
)
def test_how_long_ago_is_said_as_people_say_it(ago_ms: int, words: str) -> None:
    assert moment(NOW_MS - ago_ms, NOW_MS).short == words


@pytest.mark.parametrize(
    "name, initials",
    [
        ("Alice", "A"),
        ("alice", "A"),
        ("Harbour Town Library", "HL"),
        ("ليلى الكاتبة", "لا"),
        ("(the) »Café«", "TC"),
        ("✨ 🐦", "·"),
        ("", "·"),
        ("山田 太郎", "山太"),
    ],
)
def test_initials_stand_for_names_of_any_script(name: str, initials: str) -> None:
    assert initials_of(name) == initials


@pytest.mark.parametrize(
    "text, limit, cut",
    [
        ("short", 10, "short"),
        ("two  words\nhere", 50, "two words here"),
        ("one two three", 9, "one two…"),
        ("aaaaaaaaaaaaaaa", 5, "aaaaa…"),
        ("Well, this is it", 6, "Well…"),
        ("", 5, ""),
    ],
)
def test_excerpts_end_between_words(text: str, limit: int, cut: str) -> None:
    assert excerpt(text, limit) == cut


def test_links_in_a_profile_field_say_that_they_are_the_persons_own() -> None:
    assert field_html('<a href="https://a.example">a</a>', (), BASE) == (
        '<a href="https://a.example" target="_blank" rel="me nofollow noopener">a</a>'
    )


def test_links_to_pages_of_ours_are_plain_links() -> None:
    html = content_html(f'<p><a href="{BASE}/@bob">b</a> <a href="https://b.example/">c</a></p>', (), BASE)
    assert html == (
        '<p><a href="/@bob">b</a> '
        '<a href="https://b.example/" target="_blank" rel="nofollow noopener noreferrer">c</a></p>'
    )


def test_an_address_that_only_begins_like_ours_is_foreign() -> None:
    emojis = [{"shortcode": "x", "url": f"{BASE}.evil.example/x.png"}]
    assert content_html(":x:", emojis, BASE) == ":x:"
    assert 'rel="nofollow' in content_html(f'<a href="{BASE}.evil.example/">c</a>', (), BASE)
