"""Policies as they come from the wire, as they are stored, and as they leave."""

from __future__ import annotations

from typing import Any

import pytest

from fediverse_node.domain.interaction_policy import (
    LARGEST_LIST,
    dump_policy,
    parse_policy,
    plain_policy,
    policy_of_plain,
    published_policy,
    quote_permission,
)
from fediverse_node.domain.model import InteractionPolicy, Permission, Visibility
from fediverse_node.protocol.addressing import PUBLIC
from tests.activities.builders import ALICE, BOB


@pytest.mark.parametrize(
    "wire, expected",
    [
        pytest.param(None, None, id="nothing said"),
        pytest.param({}, None, id="an empty policy says nothing"),
        pytest.param({"canQuote": {}}, InteractionPolicy(polite=False), id="an empty part says nothing"),
        pytest.param(
            {"canReply": {"always": PUBLIC, "approvalRequired": []}},
            InteractionPolicy(reply=Permission(("public",)), polite=False),
            id="the old names, a single value",
        ),
        pytest.param(
            {
                "canReply": {
                    "always": [BOB.uri],
                    "automaticApproval": ["as:Public"],
                    "manualApproval": BOB.followers_uri,
                }
            },
            InteractionPolicy(reply=Permission(("public",), ("followers",))),
            id="the new names win",
        ),
        pytest.param(
            {"canQuote": {"automaticApproval": [BOB.uri, f"{BOB.uri}/following", ALICE.uri, 7, None, ["x"]]}},
            InteractionPolicy(quote=Permission(("author", "following", ALICE.uri))),
            id="words for who is meant, and nothing else",
        ),
        pytest.param(
            {"canLike": [{"automaticApproval": {"id": PUBLIC}}], "canAnnounce": "x"},
            InteractionPolicy(like=Permission(("public",))),
            id="other shapes of the same",
        ),
    ],
)
def test_a_policy_is_read(wire: Any, expected: InteractionPolicy | None) -> None:
    policy = parse_policy(wire, BOB)
    assert policy == expected
    assert policy_of_plain(plain_policy(policy)) == policy, "and kept as it is"


def test_a_list_without_end_is_cut() -> None:
    wire = {"canQuote": {"automaticApproval": [f"https://x.example/{n}" for n in range(10_000)]}}
    policy = parse_policy(wire, BOB)
    assert policy is not None
    assert policy.quote is not None
    assert len(policy.quote.automatic) <= LARGEST_LIST


def test_a_policy_of_ours_is_written_for_old_and_new_servers() -> None:
    policy = InteractionPolicy(
        reply=Permission(("author", "followers"), ("public",)), quote=quote_permission("public", Visibility.PUBLIC)
    )
    assert dump_policy(policy, ALICE) == {
        "canReply": {
            "automaticApproval": [ALICE.uri, ALICE.followers_uri],
            "manualApproval": [PUBLIC],
            "always": [ALICE.uri, ALICE.followers_uri],
            "approvalRequired": [PUBLIC],
        },
        "canQuote": {"automaticApproval": [PUBLIC]},
    }
    assert parse_policy(dump_policy(policy, ALICE), ALICE) == policy


@pytest.mark.parametrize(
    "word, visibility, automatic",
    [
        ("public", Visibility.PUBLIC, "public"),
        ("followers", Visibility.UNLISTED, "followers"),
        ("nobody", Visibility.PUBLIC, "author"),
        ("public", Visibility.FOLLOWERS, "author"),
        ("public", Visibility.DIRECT, "author"),
    ],
)
def test_who_may_quote_depends_on_who_may_read(word: str, visibility: Visibility, automatic: str) -> None:
    assert quote_permission(word, visibility).automatic == (automatic,)


def test_posts_of_ours_from_before_there_were_quotes_say_that_nobody_may() -> None:
    assert published_policy(None, Visibility.PUBLIC).quote == Permission(("author",))
