"""Multibase as Multikey and proof values use it: "z" and base58btc, or "u" and base64url.

spec: fep-521a#multikey, cid#multibase. The keys and signatures of ML-DSA come in base64url, everything else in
base58btc. Other alphabets are not read: no peer uses them in keys or proofs.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_BASE64URL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
# The conversion is quadratic; an RSA key of 16384 bits takes 2,840 characters, an ML-DSA-44 signature 3,306.
_LONGEST = 4096


def dump_multibase(data: bytes) -> str:
    """`data` as "z" and base58btc."""
    zeros = len(data) - len(data.lstrip(b"\0"))
    number = int.from_bytes(data, "big")
    characters: list[str] = []
    while number:
        number, digit = divmod(number, 58)
        characters.append(_ALPHABET[digit])
    return "z" + "1" * zeros + "".join(reversed(characters))


def dump_multibase_url(data: bytes) -> str:
    """`data` as "u" and base64url without padding."""
    return "u" + urlsafe_b64encode(data).decode("ascii").rstrip("=")


def parse_multibase(text: str) -> bytes | None:
    """The bytes of a "z..." or "u..." text; None if it is neither, or longer than any key or signature."""
    if len(text) > _LONGEST:
        return None
    digits = text[1:]
    if text.startswith("u"):
        return _parse_base64url(digits)
    return _parse_base58(digits) if text.startswith("z") else None


def _parse_base64url(digits: str) -> bytes | None:
    if len(digits) % 4 == 1 or not _BASE64URL.issuperset(digits):
        return None
    return urlsafe_b64decode(digits + "=" * (-len(digits) % 4))


def _parse_base58(digits: str) -> bytes | None:
    number = 0
    for character in digits:
        value = _VALUES.get(character)
        if value is None:
            return None
        number = number * 58 + value
    zeros = len(digits) - len(digits.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
