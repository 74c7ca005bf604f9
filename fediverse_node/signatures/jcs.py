"""JSON in its one canonical form, over which integrity proofs are made.

spec: rfc8785. Documents as they are read from JSON: their integers beyond 2**53 are taken for the doubles that every
other reader of JSON has. Deliberately absent: anything that JSON cannot say.
"""

from __future__ import annotations

import math

import orjson

from fediverse_node.base.outcome import Fail
from fediverse_node.signatures.reasons import SignatureFault

_LARGEST_EXACT = 2**53 - 1
_DEEPEST = 64


def dump_jcs(value: object) -> bytes | Fail:
    """The canonical bytes of a JSON value; MALFORMED where it is none, or nested deeper than anybody writes."""
    try:
        if _is_simple(value):
            # Of ASCII keys the order of bytes is that of UTF-16 units, and of whole numbers there is one form.
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        parts: list[bytes] = []
        _write(value, parts, 0)
        return b"".join(parts)
    except (TypeError, ValueError) as error:  # half surrogates, infinities
        return Fail(SignatureFault.MALFORMED, f"no canonical form: {str(error)[:100]}")


def _is_simple(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(_DEEPEST):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                if not all(isinstance(key, str) and key.isascii() for key in item):
                    return False
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, float) or (isinstance(item, int) and not -_LARGEST_EXACT <= item <= _LARGEST_EXACT):
                return False
        if not below:
            return True
        level = below
    return False


def _write(value: object, parts: list[bytes], depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("too deep")
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: str(key).encode("utf-16-be"))
        for number, key in enumerate(keys):
            parts.append(b"," if number else b"{")
            parts += (orjson.dumps(str(key)), b":")
            _write(value[key], parts, depth + 1)
        parts.append(b"}" if keys else b"{}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            parts.append(b"," if number else b"[")
            _write(item, parts, depth + 1)
        parts.append(b"]" if value else b"[]")
    elif isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        parts.append(_number(value).encode("ascii"))
    else:
        parts.append(orjson.dumps(value))


def _number(value: float) -> str:
    """As ECMAScript writes it.  spec: rfc8785#3.2.2.3"""
    if isinstance(value, int) and -_LARGEST_EXACT <= value <= _LARGEST_EXACT:
        return str(value)
    value = float(value)
    if not math.isfinite(value):
        raise ValueError("not a number of JSON")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    # Python's repr has the same shortest digits; only where the point stands is written otherwise.
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return f"{sign}{digits[0]}{'.' + digits[1:] if count > 1 else ''}{power}"
