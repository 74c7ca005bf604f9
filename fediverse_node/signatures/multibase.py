"""base58btc in its multibase form ("z..."), as Multikey and proof values use it.

spec: fep-521a#multikey. Other multibase alphabets are not read: no peer uses them in keys or proofs.
"""

from __future__ import annotations

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
# The conversion is quadratic; an RSA key of 16384 bits takes 2,840 characters.
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


def parse_multibase(text: str) -> bytes | None:
    """The bytes of a "z..." text; None if it is not one, or longer than any key or signature."""
    if not text.startswith("z") or len(text) > _LONGEST:
        return None
    digits = text[1:]
    number = 0
    for character in digits:
        value = _VALUES.get(character)
        if value is None:
            return None
        number = number * 58 + value
    zeros = len(digits) - len(digits.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
