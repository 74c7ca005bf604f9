"""Sealed push messages against the standard's own example and an independent implementation."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import http_ece  # type: ignore[import-untyped]
import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from fediverse_node.signatures.locked_text import lock, unlock
from fediverse_node.signatures.web_push import (
    LARGEST_PLAIN_BYTES,
    dump_base64,
    parse_private,
    parse_receiver,
    public_key_of,
    seal_aes128gcm,
    seal_aesgcm,
    sign_vapid,
)

_AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
_PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_example_of_the_standard_comes_out_to_the_byte() -> None:
    # spec: rfc8291#5
    receiver = parse_receiver(_PUBLIC, _AUTH)
    assert receiver is not None
    sealed = seal_aes128gcm(
        b"When I grow up, I want to be a watermelon",
        receiver,
        private=parse_private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
        salt=_bytes("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert dump_base64(sealed) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize("size", [0, 1, 100, LARGEST_PLAIN_BYTES])
def test_another_implementation_opens_both_forms(size: int) -> None:
    key, auth, salt, plain = ec.generate_private_key(ec.SECP256R1()), b"a" * 16, b"s" * 16, b"x" * size
    receiver = parse_receiver(public_key_of(key.private_numbers().private_value), dump_base64(auth))
    assert receiver is not None
    new = seal_aes128gcm(plain, receiver, private=4711, salt=salt)
    old = seal_aesgcm(plain, receiver, private=4711, salt=salt)
    assert http_ece.decrypt(new, private_key=key, auth_secret=auth, version="aes128gcm") == plain
    sender = _bytes(public_key_of(4711))
    assert http_ece.decrypt(old, salt=salt, private_key=key, dh=sender, auth_secret=auth, version="aesgcm") == plain
    assert max(len(new), len(old)) <= 4096
    assert len(new) == 4096 or size < LARGEST_PLAIN_BYTES


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        ("", _AUTH),
        (_PUBLIC, ""),
        (_PUBLIC[:-4], _AUTH),
        (_PUBLIC, _AUTH + "AAAA"),
        (dump_base64(b"\x04" + b"\x01" * 64), _AUTH),  # beside the curve
        (dump_base64(b"\x02" + _bytes(_PUBLIC)[1:]), _AUTH),
        (dump_base64(bytes(65)), _AUTH),
        ("é" * 87, _AUTH),
    ],
)
def test_keys_that_are_none_are_refused(p256dh: str, auth: str) -> None:
    assert parse_receiver(p256dh, auth) is None


def test_keys_are_read_in_both_alphabets_of_base64() -> None:
    assert parse_receiver(_PUBLIC.replace("-", "+").replace("_", "/") + "=", _AUTH + "==") is not None


def test_a_vapid_token_is_good_for_its_key_alone() -> None:
    token = sign_vapid(4711, {"aud": "https://push.example", "exp": 1})
    head, claims, signature = (_bytes(part) for part in token.split("."))
    assert orjson.loads(head) == {"typ": "JWT", "alg": "ES256"}
    assert orjson.loads(claims) == {"aud": "https://push.example", "exp": 1}
    assert len(signature) == 64
    signed = token.rpartition(".")[0].encode()
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    ec.derive_private_key(4711, ec.SECP256R1()).public_key().verify(der, signed, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        ec.derive_private_key(4712, ec.SECP256R1()).public_key().verify(der, signed, ec.ECDSA(hashes.SHA256()))


def test_a_locked_text_opens_with_its_key_for_its_purpose_alone() -> None:
    locked = lock("secret", b"k" * 32, nonce=b"n" * 12, purpose="one")
    assert "secret" not in locked
    assert unlock(locked, b"k" * 32, purpose="one") == "secret"
    assert unlock(locked, b"k" * 32, purpose="two") is None
    assert unlock(locked, b"j" * 32, purpose="one") is None
    for broken in ("", "a", "AAAA", "é", locked[:-8], locked[::-1]):
        assert unlock(broken, b"k" * 32, purpose="one") is None
