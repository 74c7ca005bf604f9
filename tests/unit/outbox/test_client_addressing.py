"""Whom a client's activity is for: every combination of addresses, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.model import Actor, Visibility
from fediverse_node.outbox.client_activities.addressing import PEOPLE_LIMIT, Addressed, address
from fediverse_node.outbox.client_activities.faults import ClientFault

HOST = "https://home.example"
ME = f"{HOST}/users/me"
MINE = f"{ME}/followers"
BEN, CLEO = "https://there.example/users/ben", "https://there.example/users/cleo"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
AUTHOR = Actor(1, ME, "Person", True, "me", "home.example", f"{ME}/inbox", followers_uri=MINE)

TABLE: list[tuple[dict[str, Any], Visibility, set[str], set[str]]] = [
    ({"to": [PUBLIC]}, Visibility.PUBLIC, set(), set()),
    ({"to": "as:Public"}, Visibility.PUBLIC, set(), set()),
    ({"to": [PUBLIC], "cc": [MINE, BEN]}, Visibility.PUBLIC, {BEN}, set()),
    ({"to": [MINE], "cc": [PUBLIC]}, Visibility.UNLISTED, set(), set()),
    ({"cc": ["Public"]}, Visibility.UNLISTED, set(), set()),
    ({"to": [BEN], "audience": [PUBLIC]}, Visibility.UNLISTED, {BEN}, set()),
    ({"to": [MINE]}, Visibility.FOLLOWERS, set(), set()),
    ({"to": [BEN], "cc": MINE}, Visibility.FOLLOWERS, {BEN}, set()),
    ({"to": [BEN]}, Visibility.DIRECT, {BEN}, set()),
    ({"to": [{"type": "Person", "id": BEN}], "cc": [CLEO]}, Visibility.DIRECT, {BEN, CLEO}, set()),
    ({"to": [ME]}, Visibility.DIRECT, set(), set()),
    ({}, Visibility.DIRECT, set(), set()),
    ({"to": [], "cc": None}, Visibility.DIRECT, set(), set()),
    ({"bto": [BEN]}, Visibility.DIRECT, set(), {BEN}),
    ({"to": [PUBLIC], "bcc": [BEN]}, Visibility.PUBLIC, set(), {BEN}),
    # Who is named anyhow is not unnamed.
    ({"to": [BEN], "bcc": [BEN, CLEO]}, Visibility.DIRECT, {BEN}, {CLEO}),
]


@pytest.mark.parametrize(("stated", "visibility", "people", "unnamed"), TABLE)
def test_addresses_become_one_of_four_visibilities(
    stated: dict[str, Any], visibility: Visibility, people: set[str], unnamed: set[str]
) -> None:
    spread: list[tuple[dict[str, Any], ...]] = [(stated,), ({}, stated), (stated, {})]
    for documents in spread:
        found = address(AUTHOR, *documents)
        assert isinstance(found, Addressed), found
        assert (found.visibility, set(found.people), set(found.unnamed)) == (visibility, people, unnamed)


def test_the_addresses_of_activity_and_object_count_together() -> None:
    found = address(AUTHOR, {"to": [MINE]}, {"cc": [BEN]})
    assert found == Addressed(Visibility.FOLLOWERS, (BEN,))


REFUSED: list[tuple[dict[str, Any], ClientFault]] = [
    ({"bto": [PUBLIC]}, ClientFault.CANNOT_SAY),
    ({"bcc": [MINE]}, ClientFault.CANNOT_SAY),
    ({"to": [f"{BEN}/followers"]}, ClientFault.CANNOT_SAY),
    ({"to": [f"{HOST}/users/other/followers"]}, ClientFault.CANNOT_SAY),
    ({"to": [f"{BEN}/{number}" for number in range(PEOPLE_LIMIT + 1)]}, ClientFault.CANNOT_SAY),
    ({"to": [BEN] * 1000}, ClientFault.MALFORMED),
    ({"to": [BEN, 7]}, ClientFault.MALFORMED),
    ({"to": [BEN, [CLEO]]}, ClientFault.MALFORMED),
    ({"to": {"type": "Person"}}, ClientFault.MALFORMED),
    ({"cc": ["not an address"]}, ClientFault.MALFORMED),
]


@pytest.mark.parametrize(("stated", "reason"), REFUSED)
def test_what_cannot_be_expressed_is_refused_and_never_widened(stated: dict[str, Any], reason: ClientFault) -> None:
    found = address(AUTHOR, stated)
    assert isinstance(found, Fail)
    assert found.reason is reason
    assert found.detail


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.sampled_from([PUBLIC, MINE, BEN, ME]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "href", "type"]), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["to", "cc", "bto", "bcc", "audience"]), _json))
def test_nothing_is_for_everybody_unless_somebody_said_so(stated: dict[str, Any]) -> None:
    found = address(AUTHOR, stated)
    if isinstance(found, Fail):
        return
    words = repr([stated.get(name) for name in ("to", "cc", "audience")])
    if found.visibility in (Visibility.PUBLIC, Visibility.UNLISTED):
        assert "Public" in words
    if found.visibility is Visibility.FOLLOWERS:
        assert MINE in words
    assert not set(found.people) & set(found.unnamed)
