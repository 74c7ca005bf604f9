"""Hosts have one spelling, ids have none changed."""

from __future__ import annotations

import pytest

from fediverse_node.protocol.uris import canonical_host, host_of, is_http_uri, origin_of, same_origin, strip_fragment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("example.com:443", "example.com"),
        ("example.com:8443", "example.com:8443"),
        ("example.com:", "example.com"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("127.0.0.1:8420", "127.0.0.1:8420"),
        ("localhost", "localhost"),
        ("[2001:DB8:0:0::1]:8420", "[2001:db8::1]:8420"),
        ("[::1]", "[::1]"),
        ("a_b.example", "a_b.example"),
    ],
)
def test_every_spelling_of_a_host_becomes_the_one(text: str, expected: str) -> None:
    assert canonical_host(text) == expected
    assert canonical_host(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "a..b", "exa mple.com", "-a.example", "a" * 64 + ".example", "a." * 130 + "example",
        "user@example.com", "example.com/path", "example.com:0", "example.com:99999", "example.com:8x", "1.2.3",
        "0x7f.0x1", "2130706433", "256.1.1.1", "010.0.0.1", "::1", "[::1", "[fe80::1%eth0]", "exa\tmple.com",
        "a\u2024b.example\u0000", "\u202eexample.com", "%31.example", "a\\b.example",
    ],
)  # fmt: skip
def test_what_is_no_host_is_none(text: str) -> None:
    assert canonical_host(text) is None


def test_a_dot_that_only_looks_like_a_dot_gives_the_host_it_resolves_to() -> None:
    assert canonical_host("example\u3002com") == "example.com"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://Example.com/users/a", "https://example.com"),
        ("https://example.com:443/", "https://example.com"),
        ("http://example.com:443/", "http://example.com:443"),
        ("http://127.0.0.1:8420/@a", "http://127.0.0.1:8420"),
        ("https://example.com", "https://example.com"),
        ("https://example.com#main-key", "https://example.com"),
        ("HTTPS://EXAMPLE.COM/A", "https://example.com"),
    ],
)
def test_the_origin_of_an_address(uri: str, expected: str) -> None:
    assert origin_of(uri) == expected


@pytest.mark.parametrize(
    "uri",
    [
        "", "example.com", "/path", "ftp://example.com/", "did:key:z6Mk", "tag:example.com,2024:x", "https://",
        "https://user@example.com/", "https://example.com\\@evil.example/", "https://exa mple.com/",
        "https://example.com\t.evil.example/", "https://[::1/", "https://" + "a" * 3000,
    ],
)  # fmt: skip
def test_what_has_no_safe_origin_has_none(uri: str) -> None:
    assert origin_of(uri) is None
    assert host_of(uri) is None
    assert not same_origin(uri, uri)


def test_same_origin_means_scheme_host_and_port() -> None:
    assert same_origin("https://a.example/x", "https://A.example:443/y")
    assert not same_origin("https://a.example/x", "http://a.example/x")
    assert not same_origin("https://a.example/x", "https://a.example:8443/x")
    assert not same_origin("https://a.example/x", "https://b.a.example/x")


def test_plain_http_is_only_for_development() -> None:
    assert is_http_uri("https://a.example/", allow_plain=False)
    assert not is_http_uri("http://a.example/", allow_plain=False)
    assert is_http_uri("http://a.example/", allow_plain=True)
    assert not is_http_uri("javascript:alert(1)", allow_plain=True)


def test_a_fragment_is_taken_off() -> None:
    assert strip_fragment("https://a.example/u#main-key") == "https://a.example/u"
    assert strip_fragment("https://a.example/u") == "https://a.example/u"
