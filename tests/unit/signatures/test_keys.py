"""Keys: their wire forms, and which keys of strangers are refused."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.keys import PrivateKey, PublicKey
from fediverse_node.signatures.multibase import dump_multibase, parse_multibase
from fediverse_node.signatures.reasons import SignatureFault

P256_PEM = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----
"""


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _rsa_multibase(modulus: int, exponent: int = 65537) -> str:
    numbers = [_der(2, number.to_bytes(number.bit_length() // 8 + 1, "big")) for number in (modulus, exponent)]
    return dump_multibase(b"\x85\x24" + _der(0x30, b"".join(numbers)))


@pytest.mark.parametrize("name", ["rsa", "ed25519"])
def test_a_key_comes_back_from_each_of_its_wire_forms(keys: Mapping[str, PrivateKey], name: str) -> None:
    private = keys[name]
    public = private.public()
    stored = PrivateKey.parse_pem(private.pem())
    assert stored == private
    assert isinstance(stored, PrivateKey)
    assert stored.sign(b"x") == private.sign(b"x")
    assert PublicKey.parse_pem(public.pem()) == public
    assert PublicKey.parse_multibase(public.multibase()) == public
    assert public.algorithm == private.algorithm == name


@pytest.mark.parametrize("name", ["rsa", "ed25519"])
def test_a_key_verifies_what_it_signed_and_nothing_else(keys: Mapping[str, PrivateKey], name: str) -> None:
    signature = keys[name].sign(b"yes")
    public = keys[name].public()
    assert public.is_signed(b"yes", signature=signature)
    assert not public.is_signed(b"no", signature=signature)
    assert not public.is_signed(b"yes", signature=signature[:-1])
    assert not public.is_signed(b"yes", signature=signature + b"\0")
    assert not public.is_signed(b"yes", signature=b"")
    assert not keys["another rsa"].public().is_signed(b"yes", signature=signature)


def test_a_private_key_does_not_show_itself(rsa_key: PrivateKey) -> None:
    assert repr(rsa_key) == "PrivateKey(algorithm='rsa')"


def test_different_keys_are_not_equal(rsa_key: PrivateKey, another_rsa_key: PrivateKey) -> None:
    assert rsa_key != another_rsa_key
    assert rsa_key.public() != another_rsa_key.public()
    assert len({rsa_key.public(), another_rsa_key.public(), PublicKey.parse_pem(rsa_key.public().pem())}) == 2


@pytest.mark.parametrize(
    "text, reason",
    [
        pytest.param(_rsa_multibase((1 << 1022) | 1), SignatureFault.KEY_TOO_WEAK, id="rsa of 1023 bits"),
        pytest.param(_rsa_multibase((1 << 511) | 1), SignatureFault.KEY_TOO_WEAK, id="rsa of 512 bits"),
        pytest.param(_rsa_multibase((1 << 16384) | 1), SignatureFault.KEY_TOO_LARGE, id="rsa of 16385 bits"),
        pytest.param(
            _rsa_multibase((1 << 2047) | 1, (1 << 1999) | 1), SignatureFault.KEY_TOO_LARGE, id="slow exponent"
        ),
        pytest.param(_rsa_multibase((1 << 1023) | 1, 1), SignatureFault.KEY_UNREADABLE, id="exponent 1"),
        pytest.param(_rsa_multibase((1 << 1023) | 1, 4), SignatureFault.KEY_UNREADABLE, id="exponent 4"),
        pytest.param(dump_multibase(b"\xed\x01" + bytes(31)), SignatureFault.KEY_UNREADABLE, id="short ed25519"),
        pytest.param(dump_multibase(b"\x85\x24" + bytes(40)), SignatureFault.KEY_UNREADABLE, id="rsa that is none"),
        pytest.param(dump_multibase(b"\x80\x24" + bytes(33)), SignatureFault.KEY_UNSUPPORTED, id="p-256"),
        pytest.param("z", SignatureFault.KEY_UNSUPPORTED, id="empty"),
        pytest.param("z0OIl", SignatureFault.KEY_UNREADABLE, id="not base58"),
        pytest.param("u7QE", SignatureFault.KEY_UNREADABLE, id="other alphabet"),
        pytest.param("", SignatureFault.KEY_UNREADABLE, id="nothing"),
        pytest.param("z" + "z" * 100_000, SignatureFault.KEY_UNREADABLE, id="very long"),
    ],
)
def test_a_multikey_that_cannot_be_trusted_is_refused(text: str, reason: SignatureFault) -> None:
    outcome = PublicKey.parse_multibase(text)
    assert isinstance(outcome, Fail)
    assert outcome.reason is reason


@pytest.mark.parametrize("bits", [1024, 16384])
def test_rsa_keys_of_the_smallest_and_largest_size_are_taken(bits: int) -> None:
    key = PublicKey.parse_multibase(_rsa_multibase((1 << (bits - 1)) | 1))
    assert isinstance(key, PublicKey)
    assert not key.is_signed(b"x", signature=b"\1" * (bits // 8))


def test_a_key_with_an_impossible_modulus_proves_nothing() -> None:
    key = PublicKey.parse_multibase(_rsa_multibase(1 << 1023))
    assert isinstance(key, PublicKey)
    assert not key.is_signed(b"x", signature=b"\1" * 128)


@pytest.mark.parametrize(
    "pem, reason",
    [
        pytest.param("", SignatureFault.KEY_UNREADABLE, id="empty"),
        pytest.param("not a key", SignatureFault.KEY_UNREADABLE, id="prose"),
        pytest.param("\udc80", SignatureFault.KEY_UNREADABLE, id="not text"),
        pytest.param(
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", SignatureFault.KEY_UNREADABLE, id="no der"
        ),
        pytest.param(P256_PEM, SignatureFault.KEY_UNSUPPORTED, id="p-256"),
        pytest.param("-" * 20_000, SignatureFault.KEY_TOO_LARGE, id="very long"),
    ],
)
def test_a_pem_that_is_no_key_for_us_is_refused(pem: str, reason: SignatureFault) -> None:
    outcome = PublicKey.parse_pem(pem)
    assert isinstance(outcome, Fail)
    assert outcome.reason is reason


def test_a_private_key_is_not_read_as_a_public_one(rsa_key: PrivateKey) -> None:
    assert isinstance(PublicKey.parse_pem(rsa_key.pem()), Fail)
    assert isinstance(PrivateKey.parse_pem(rsa_key.public().pem()), Fail)


def test_pem_is_read_with_other_line_ends_and_in_the_older_form(rsa_key: PrivateKey) -> None:
    public = rsa_key.public()
    assert PublicKey.parse_pem("\n  " + public.pem().replace("\n", "\r\n")) == public
    multikey = parse_multibase(public.multibase())
    assert multikey is not None
    body = base64.encodebytes(multikey[2:]).decode()
    assert PublicKey.parse_pem(f"-----BEGIN RSA PUBLIC KEY-----\n{body}-----END RSA PUBLIC KEY-----\n") == public


@given(st.binary(max_size=80))
def test_base58_gives_back_what_it_was_given(data: bytes) -> None:
    assert parse_multibase(dump_multibase(data)) == data


@given(st.text(max_size=200))
def test_no_text_makes_the_key_parsers_raise(text: str) -> None:
    for outcome in (PublicKey.parse_pem(text), PublicKey.parse_multibase("z" + text), PrivateKey.parse_pem(text)):
        assert isinstance(outcome, Fail | PublicKey)


def test_the_published_multikeys_are_read_and_written(data_file: Callable[[str], Any]) -> None:
    vectors = data_file("vectors/fep-521a/multikey.json")
    assert vectors
    for vector in vectors:
        data = bytes.fromhex(vector["multicodec"] + vector["hex"])
        assert parse_multibase(vector["multibase"]) == data
        key = PublicKey.parse_multibase(vector["multibase"])
        assert isinstance(key, PublicKey)
        assert key.multibase() == vector["multibase"]
