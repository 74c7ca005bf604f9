"""Handles, WebFinger answers, host-meta."""

from __future__ import annotations

import pytest

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.webfinger import (
    Acct,
    Jrd,
    dump_host_meta,
    dump_host_meta_json,
    dump_jrd,
    lookup_url,
    parse_jrd,
    parse_resource,
    subject_acct,
)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("acct:alice@127.0.0.1:8420", Acct("alice", "127.0.0.1:8420")),
        ("acct:alice@[::1]:8420", Acct("alice", "[::1]:8420")),
        ("@alice@Example.com", Acct("alice", "example.com")),
        ("alice@example.com.", Acct("alice", "example.com")),
        ("ACCT:Alice@example.com:443", Acct("Alice", "example.com")),
        ("  alice@bücher.example ", Acct("alice", "xn--bcher-kva.example")),
        ("acct:@alice@example.com", Acct("alice", "example.com")),
        ("https://example.com/@alice", "https://example.com/@alice"),
        ("http://127.0.0.1:8420/@alice", "http://127.0.0.1:8420/@alice"),
    ],
)
def test_handles_and_addresses_are_understood(resource: str, expected: Acct | str) -> None:
    assert parse_resource(resource) == expected


@pytest.mark.parametrize(
    "resource",
    ["", "alice", "@alice", "alice@", "@@example.com", "a b@example.com", "a@b@c", "acct:", "mailto:a@b.example",
     "https://", "javascript:alert(1)", "a/b@example.com", "alice@exa mple", "alice\n@example.com", "x" * 5000],
)  # fmt: skip
def test_what_is_neither_is_refused(resource: str) -> None:
    assert isinstance(parse_resource(resource), Fail)


def test_our_answer_reads_back() -> None:
    acct = Acct("alice", "127.0.0.1:8420")
    base = "http://127.0.0.1:8420"
    doc = dump_jrd(
        acct,
        actor_uri=f"{base}/users/alice",
        profile_url=f"{base}/@alice",
        subscribe_template=f"{base}/authorize_interaction?uri={{uri}}",
        avatar_url=f"{base}/a.png",
        avatar_media_type="image/png",
    )
    jrd = parse_jrd(doc)
    assert jrd == Jrd(
        subject="acct:alice@127.0.0.1:8420",
        aliases=(f"{base}/@alice", f"{base}/users/alice"),
        actor_uri=f"{base}/users/alice",
        profile_url=f"{base}/@alice",
        subscribe_template=f"{base}/authorize_interaction?uri={{uri}}",
        actor_uris=(f"{base}/users/alice",),
    )
    assert isinstance(jrd, Jrd)
    assert subject_acct(jrd) == acct


def test_of_several_actors_the_first_is_meant_and_all_are_kept() -> None:
    doc = {
        "subject": "acct:main@lemmy.example",
        "links": [
            {"rel": "self", "type": "text/html", "href": "https://lemmy.example/no"},
            {"rel": "self", "type": "application/activity+json", "href": "https://lemmy.example/u/main"},
            {"rel": "self", "type": "application/activity+json", "href": "https://lemmy.example/c/main"},
            {"rel": "http://ostatus.org/schema/1.0/subscribe", "template": "javascript:{uri}"},
        ],
    }
    jrd = parse_jrd(doc)
    assert isinstance(jrd, Jrd)
    assert jrd.actor_uri == "https://lemmy.example/u/main"
    assert jrd.actor_uris == ("https://lemmy.example/u/main", "https://lemmy.example/c/main")
    assert jrd.subscribe_template is None


@pytest.mark.parametrize("doc", [None, [], {}, {"subject": 5}, {"subject": "alice"}])
def test_an_answer_without_subject_is_refused(doc: object) -> None:
    assert isinstance(parse_jrd(doc), Fail)


def test_host_meta_names_the_template_and_escapes_it() -> None:
    xml = dump_host_meta('https://a.example"><x/>')
    assert "<x/>" not in xml
    assert "lrdd" in dump_host_meta("https://a.example")
    assert dump_host_meta_json("https://a.example")["links"] == [
        {
            "rel": "lrdd",
            "type": "application/jrd+json",
            "template": "https://a.example/.well-known/webfinger?resource={uri}",
        }
    ]


def test_the_resource_is_escaped_in_a_lookup() -> None:
    assert lookup_url("http://127.0.0.1:8420", "acct:a&b@h:1") == (
        "http://127.0.0.1:8420/.well-known/webfinger?resource=acct%3Aa%26b%40h%3A1"
    )
