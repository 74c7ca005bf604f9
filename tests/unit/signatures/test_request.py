"""The parts of a request that are signed, and the dates in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fediverse_node.signatures.http_date import dump_http_date, parse_http_date
from fediverse_node.signatures.request import Request, Target, split_url


@pytest.mark.parametrize(
    "url, target",
    [
        ("https://a.example/x/y?q=1", Target("https", "a.example", "/x/y", "?q=1")),
        ("https://a.example", Target("https", "a.example", "/", "")),
        ("https://a.example?q", Target("https", "a.example", "/", "?q")),
        ("https://a.example/?", Target("https", "a.example", "/", "?")),
        ("https://a.example/x#main-key", Target("https", "a.example", "/x", "")),
        ("HTTPS://A.Example:443/X", Target("https", "a.example", "/X", "")),
        ("http://a.example:80/", Target("http", "a.example", "/", "")),
        ("http://a.example:443/", Target("http", "a.example:443", "/", "")),
        ("http://127.0.0.1:8420/a%2Fb/../c", Target("http", "127.0.0.1:8420", "/a%2Fb/../c", "")),
        ("http://[::1]:8420/", Target("http", "[::1]:8420", "/", "")),
        ("nonsense", Target("nonsense", "", "/", "")),
        ("", Target("", "", "/", "")),
    ],
)
def test_a_url_is_cut_and_only_its_host_is_normalised(url: str, target: Target) -> None:
    assert split_url(url) == target


def test_repeated_headers_are_joined_in_their_order() -> None:
    request = Request("GET", "https://a.example/", (("x", " one "), ("y", "else"), ("x", "two\t")))
    assert request.header("x") == "one, two"
    assert request.header("z") is None


NOON = datetime(2024, 3, 5, 7, 49, 44, tzinfo=UTC)


@pytest.mark.parametrize(
    "text, moment",
    [
        ("Tue, 05 Mar 2024 07:49:44 GMT", NOON),
        ("Tue, 5 Mar 2024 07:49:44 GMT", NOON),
        ("Tue, 05 Mar 2024 07:49:44 UTC", NOON),
        ("Tue, 05 Mar 2024 08:49:44 +0100", NOON),
        ("Tue, 05 Mar 2024 07:49:44", NOON),
        ("Tue, 05 Mar 2024 07:49:60 GMT", NOON + timedelta(seconds=15)),
        ("Tue, 35 Mar 2024 07:49:44 GMT", None),
        ("Tue, 05 Mrz 2024 07:49:44 GMT", None),
        ("2024-03-05T07:49:44Z", None),
        ("Tue, 05 Mar 2024 07:49:44 GMT, Tue, 05 Mar 2024 07:49:44 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
        ("Tue, ٠٥ Mar 2024 07:49:44 GMT", None),
        ("", None),
        ("0" * 100_000, None),
    ],
)
def test_dates_are_read_as_peers_write_them(text: str, moment: datetime | None) -> None:
    assert parse_http_date(text) == moment


@given(st.datetimes(datetime(1970, 1, 1), datetime(5000, 1, 1), timezones=st.just(UTC)))
def test_a_date_that_we_write_is_read_again(moment: datetime) -> None:
    assert parse_http_date(dump_http_date(moment)) == moment.replace(microsecond=0)


@given(st.text(max_size=60))
def test_no_text_makes_the_date_parser_raise(text: str) -> None:
    moment = parse_http_date(text)
    assert moment is None or moment.tzinfo is UTC
