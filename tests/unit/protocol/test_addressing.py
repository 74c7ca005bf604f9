"""Addresses become visibilities and back."""

from __future__ import annotations

import pytest

from fediverse_node.protocol.addressing import PUBLIC, Visibility, audience_for, is_public, visibility

ALICE = "https://a.example/users/alice"
FOLLOWERS = ALICE + "/followers"
BOB = "https://a.example/users/bob"


@pytest.mark.parametrize(
    ("to", "cc", "followers", "expected"),
    [
        pytest.param([PUBLIC], [FOLLOWERS], FOLLOWERS, Visibility.PUBLIC, id="everybody in to is public"),
        pytest.param(["as:Public"], [], FOLLOWERS, Visibility.PUBLIC, id="the short spelling of everybody counts"),
        pytest.param([FOLLOWERS], [PUBLIC], FOLLOWERS, Visibility.UNLISTED, id="everybody in cc is unlisted"),
        pytest.param([FOLLOWERS], [BOB], FOLLOWERS, Visibility.FOLLOWERS, id="the followers collection in to"),
        pytest.param([BOB], [FOLLOWERS], FOLLOWERS, Visibility.FOLLOWERS, id="the followers collection in cc"),
        pytest.param([FOLLOWERS], [], None, Visibility.FOLLOWERS, id="unknown author: a name like followers"),
        pytest.param(["https://a.example/followers/alice"], [], None, Visibility.FOLLOWERS, id="as Friendica names it"),
        pytest.param(["https://b.example/x/followers"], [], None, Visibility.DIRECT, id="followers of another origin"),
        pytest.param([BOB], [], FOLLOWERS, Visibility.DIRECT, id="one person is direct"),
        pytest.param(["https://a.example/circles/5"], [], FOLLOWERS, Visibility.DIRECT, id="a circle is not widened"),
        pytest.param([], [], FOLLOWERS, Visibility.DIRECT, id="nobody is direct"),
    ],
)
def test_who_a_post_is_for(to: list[str], cc: list[str], followers: str | None, expected: Visibility) -> None:
    assert visibility(to, cc, followers, author_uri=ALICE) is expected


def test_a_known_collection_counts_as_followers() -> None:
    group = "https://a.example/groups/1/members"
    assert visibility([group], [], None, known_followers_collections={group}) is Visibility.FOLLOWERS


@pytest.mark.parametrize("wanted", list(Visibility))
def test_what_we_address_is_read_as_what_we_meant(wanted: Visibility) -> None:
    to, cc = audience_for(wanted, FOLLOWERS, [BOB, BOB])
    assert visibility(to, cc, FOLLOWERS) is wanted
    assert (to + cc).count(BOB) == 1


@pytest.mark.parametrize("wanted", [Visibility.PUBLIC, Visibility.UNLISTED])
def test_an_actor_without_followers_collection_keeps_its_visibility(wanted: Visibility) -> None:
    to, cc = audience_for(wanted, None, [])
    assert visibility(to, cc, None) is wanted


def test_all_spellings_of_everybody() -> None:
    assert all(map(is_public, (PUBLIC, "as:Public", "Public")))
    assert not is_public("https://a.example/Public")
