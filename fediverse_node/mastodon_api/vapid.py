"""The server's VAPID key, by which push services know who sends.  spec: rfc8292#section-2

Made once, kept in the settings. What is signed with it is decided by pushing.py.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode

import orjson

from fediverse_node.mastodon_api.context import Context
from fediverse_node.signatures.web_push import P256_ORDER, parse_private, public_key_of
from fediverse_node.storage.queries.instance import SETTING, put_setting_once

_SETTING = "vapid_key"


async def load_public_key(context: Context) -> str:
    """The public key in URL-safe base64, 87 characters; made when there is none."""
    return (await load_keys(context))[1]


async def load_keys(context: Context) -> tuple[int, str]:
    """The private number, and the public key as `load_public_key` gives it."""
    row = await context.database.fetch_one(SETTING, key=_SETTING)
    if row is None:
        private = 1 + context.world.randomness.below(P256_ORDER - 1)
        value = orjson.dumps({"private": dump_scalar(private), "public": public_key_of(private)}).decode()
        stored = await context.writer.run(lambda: put_setting_once(_SETTING, value))
    else:
        stored = row["value"]
    keys = orjson.loads(stored)
    return parse_private(keys["private"]), str(keys["public"])


def dump_scalar(number: int) -> str:
    """32 bytes in URL-safe base64 without padding."""
    return urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
