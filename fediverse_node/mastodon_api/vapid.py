"""The server's VAPID key, by which push services know who sends.  spec: rfc8292#section-2

Only made and shown here: a random number and the point of P-256 that belongs to it. Signing is not done here.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode

import orjson

from fediverse_node.mastodon_api.context import Context
from fediverse_node.storage.queries.instance import SETTING, put_setting_once

_SETTING = "vapid_key"
# spec: fips186-5 / sp800-186#3.2.1.3, curve P-256: y² = x³ - 3x + b over the field of _P, base point _G of order _N.
_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_Point = tuple[int, int] | None


async def load_public_key(context: Context) -> str:
    """The public key in URL-safe base64, 87 characters; made when there is none."""
    row = await context.database.fetch_one(SETTING, key=_SETTING)
    if row is None:
        private = 1 + context.world.randomness.below(_N - 1)
        value = orjson.dumps({"private": dump_scalar(private), "public": public_key_of(private)}).decode()
        stored = await context.writer.run(lambda: put_setting_once(_SETTING, value))
    else:
        stored = row["value"]
    return str(orjson.loads(stored)["public"])


def dump_scalar(number: int) -> str:
    """32 bytes in URL-safe base64 without padding."""
    return urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def public_key_of(private: int) -> str:
    """The uncompressed point that belongs to a private number, in URL-safe base64 without padding."""
    point: _Point = None
    for bit in bin(private)[2:]:
        point = _add(point, point)
        if bit == "1":
            point = _add(point, _G)
    if point is None:
        raise ValueError("the private number is a multiple of the order of the curve")
    x, y = point
    return urlsafe_b64encode(b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")).rstrip(b"=").decode()


def _add(one: _Point, other: _Point) -> _Point:
    if one is None:
        return other
    if other is None:
        return one
    (x1, y1), (x2, y2) = one, other
    if x1 == x2:
        if (y1 + y2) % _P == 0:
            return None
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, _P)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, _P)
    x = (slope * slope - x1 - x2) % _P
    return x, (slope * (x1 - x) - y1) % _P
