"""What peers say about the signatures they read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fediverse_node.signatures.negotiation import (
    asked_nonce,
    implements_ed25519,
    implements_rfc9421,
    is_signed_with_rfc9421,
    offered_algorithms,
    offers_rfc9421,
)
from fediverse_node.signatures.request import Request

RFC = "https://datatracker.ietf.org/doc/html/rfc9421"
ED25519 = "https://datatracker.ietf.org/doc/html/rfc9421#name-eddsa-using-curve-edwards25"


@pytest.mark.parametrize(
    "header, offers, algorithms",
    [
        (None, False, set()),
        ("", False, set()),
        ('sig1=("@method" "@target-uri" "content-digest");created;keyid', True, set()),
        ('sig1=("@method");alg="rsa-v1_5-sha256";nonce="abc"', True, {"rsa-v1_5-sha256"}),
        ('a=("@method");alg="ed25519", b=();alg="rsa-v1_5-sha256"', True, {"ed25519", "rsa-v1_5-sha256"}),
        ('sig1=("@method");alg="hmac-sha256"', False, set()),
        ('a=();alg="rsa-pss-sha512", b=();alg="ed25519"', True, {"ed25519"}),
        ("sig1", False, set()),
        ("sig1=1", False, set()),
        ("(((", False, set()),
        ("sig1=();x" * 1000, False, set()),
        ("é", False, set()),
    ],
)
def test_accept_signature_says_what_a_peer_reads(header: str | None, offers: bool, algorithms: set[str]) -> None:
    assert offers_rfc9421(header) is offers
    assert offered_algorithms(header) == algorithms


@pytest.mark.parametrize(
    "header, nonce",
    [
        (None, None),
        ('sig1=("@method");created;nonce="e8N7S2MFd"', "e8N7S2MFd"),
        ('a=();created, b=();nonce="two"', "two"),
        ("sig1=();nonce", None),
        ('sig1=();nonce="a\\"b"', None),
    ],
)
def test_a_challenge_may_ask_for_a_nonce(header: str | None, nonce: str | None) -> None:
    assert asked_nonce(header) == nonce


@pytest.mark.parametrize(
    "implements, rsa, ed25519",
    [
        ([{"href": RFC, "name": "RFC-9421: HTTP Message Signatures"}], True, False),
        ([{"href": RFC}, {"href": ED25519}], True, True),
        ([{"href": ED25519}], True, True),
        ({"href": RFC}, True, False),
        (RFC, True, False),
        ([RFC], True, False),
        ({"id": RFC}, True, False),
        ([{"href": "https://www.rfc-editor.org/rfc/rfc9421"}], True, False),
        ([{"href": "https://w3id.org/fep/844e"}], False, False),
        ([{"name": "RFC-9421"}], False, False),
        ([{"href": [RFC]}, None, 7, [RFC]], False, False),
        (None, False, False),
        ([], False, False),
    ],
)
def test_implements_is_read_in_any_shape(implements: object, rsa: bool, ed25519: bool) -> None:
    assert implements_rfc9421(implements) is rsa
    assert implements_ed25519(implements) is ed25519


def test_the_examples_of_the_proposal_are_read(data_file: Callable[[str], Any]) -> None:
    found = []
    for name in ("payloads/fep/fep-844e_L33.json", "payloads/fep/fep-844e_L56.json"):
        document = data_file(name)
        generator = document.get("generator", document)
        found.append(implements_rfc9421(generator.get("implements")))
    assert any(found)


def test_a_request_shows_that_its_sender_knows_the_new_standard(scene: Any) -> None:
    assert is_signed_with_rfc9421(Request("GET", scene.url, (("signature-input", "sig1=()"),)))
    assert not is_signed_with_rfc9421(Request("GET", scene.url, (("signature", 'keyId="k"'),)))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just(RFC),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["href", "id", "name"]), inner),
    max_leaves=10,
)


@given(st.text(max_size=100), ANY_JSON)
def test_nothing_a_peer_says_makes_us_raise(header: str, implements: object) -> None:
    assert offers_rfc9421(header) in (True, False)
    assert isinstance(offered_algorithms(header), frozenset)
    asked_nonce(header)
    assert implements_ed25519(implements) <= implements_rfc9421(implements)
