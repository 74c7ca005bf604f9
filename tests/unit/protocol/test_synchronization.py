"""The header about followers: its digest, and reading what strangers write into it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.synchronization import (
    NOBODY,
    Synchronization,
    digest_of,
    digests_by_origin,
    dump_synchronization,
    parse_synchronization,
)

# spec: fep-8fcf#partial-follower-collection-digest
_FOLLOWERS = (
    "https://example.org/users/2",
    "https://testing.example.org/users/1",
    "https://next.example.org/users/foo",
    "https://testing.example.org/users/2",
)
_DIGEST = bytes.fromhex("c33f48cd341ef046a206b8a72ec97af65079f9a3a9b90eef79c5920dce45c61f")
_HEADER = (
    'collectionId="https://example.org/users/1/followers", '
    'url="https://example.org/users/1/followers_synchronization", '
    'digest="c33f48cd341ef046a206b8a72ec97af65079f9a3a9b90eef79c5920dce45c61f"'
)


def test_the_digest_of_a_host_is_the_one_of_the_proposal() -> None:
    by_origin = digests_by_origin(_FOLLOWERS)
    assert by_origin["https://testing.example.org"] == _DIGEST
    assert set(by_origin) == {"https://example.org", "https://testing.example.org", "https://next.example.org"}


def test_hosts_are_told_apart_by_scheme_and_port_and_not_by_spelling() -> None:
    one, other = "https://Example.ORG:443/users/a", "https://example.org/users/b"
    by_origin = digests_by_origin((one, other, "http://example.org/users/a", "https://example.org:8443/users/a"))
    assert by_origin["https://example.org"] == digest_of((one, other))
    assert len(by_origin) == 3


def test_nobody_and_somebody_twice_have_a_digest_of_nothing() -> None:
    assert digest_of(()) == NOBODY == digest_of(("https://example.org/a",) * 2)


def test_the_header_of_the_proposal_is_read_and_written() -> None:
    said = parse_synchronization(_HEADER)
    assert said == Synchronization(
        "https://example.org/users/1/followers", "https://example.org/users/1/followers_synchronization", _DIGEST
    )
    assert dump_synchronization(said) == _HEADER


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="nothing"),
        pytest.param(
            _HEADER.replace("https://example.org/users/1/followers_", "javascript:alert(1)//"), id="no address"
        ),
        pytest.param(_HEADER.replace("c33f", "c3"), id="a short digest"),
        pytest.param(_HEADER.replace("c33f", "c3 f"), id="a digest with a space"),
        pytest.param(_HEADER.replace("c33f", "zzzz"), id="no hexadecimal"),
        pytest.param(_HEADER + ', digest="00"', id="two digests"),
        pytest.param(_HEADER[:-1], id="an open quote"),
        pytest.param("a=" * 5_000, id="too long"),
    ],
)
def test_what_is_not_whole_says_nothing(value: str) -> None:
    assert isinstance(parse_synchronization(value), Fail)


@given(st.text(max_size=300))
def test_no_header_breaks_the_reader(value: str) -> None:
    assert isinstance(parse_synchronization(value), Fail | Synchronization)
