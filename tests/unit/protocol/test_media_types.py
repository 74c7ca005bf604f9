"""Which bodies may be read as Activity Streams, and who wants them."""

from __future__ import annotations

import pytest

from fediverse_node.protocol.media_types import is_activity_type, is_json_type, wants_activity


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/activity+json", True),
        ("Application/Activity+JSON; charset=utf-8", True),
        ('application/ld+json; profile="https://www.w3.org/ns/activitystreams"', True),
        ('application/ld+json;profile="https://www.w3.org/ns/activitystreams"', True),
        ("application/ld+json; profile=https://www.w3.org/ns/activitystreams", True),
        (
            'application/ld+json; charset=utf-8; profile="http://a.example/x https://www.w3.org/ns/activitystreams"',
            True,
        ),
        ("application/ld+json", False),
        ('application/ld+json; profile="https://evil.example/"', False),
        ("application/json", False),
        ("text/html", False),
        ("image/png; application/activity+json", False),
        ('text/plain; x="application/activity+json"', False),
        ("", False),
        (None, False),
        ("a" * 5000, False),
    ],
)
def test_only_activity_types_are_read_as_activities(content_type: str | None, expected: bool) -> None:
    assert is_activity_type(content_type) is expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/activity+json", True),
        ('application/ld+json; profile="https://www.w3.org/ns/activitystreams"', True),
        ("application/activity+json, application/ld+json", True),
        ('application/ld+json; profile="https://www.w3.org/ns/activitystreams", application/activity+json;q=0.9', True),
        ("application/json", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("*/*", False),
        ("text/html;q=0.5, application/activity+json", True),
        ("text/html, application/activity+json;q=0.5", False),
        ("application/activity+json;q=0", False),
        ("application/activity+json;q=nan", False),
        (None, False),
    ],
)
def test_browsers_get_the_page_and_servers_the_document(accept: str | None, expected: bool) -> None:
    assert wants_activity(accept) is expected


def test_json_of_any_kind_is_recognised() -> None:
    assert is_json_type("application/jrd+json; charset=utf-8")
    assert is_json_type("application/json")
    assert not is_json_type("text/html")
    assert not is_json_type(None)
