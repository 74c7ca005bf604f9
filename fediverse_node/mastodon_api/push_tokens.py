"""The access token that a push message carries, kept so that the database alone does not give it away.

Apps with several accounts find out by it whose message they hold, so it has to be sent, and a hash will not do. It is
locked with a key in a file beside the database. Without the file messages go out with an empty token until the app
subscribes again.
"""

from __future__ import annotations

import asyncio
import logging
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

from fediverse_node.base.log import event
from fediverse_node.base.randomness import Randomness
from fediverse_node.mastodon_api.context import Context
from fediverse_node.signatures.locked_text import KEY_BYTES, NONCE_BYTES, lock, unlock

log = logging.getLogger(__name__)

FILE_NAME = "push.key"


async def lock_token(context: Context, token: str, *, token_id: int) -> str:
    """What is stored of the token; empty where there is no place for a key."""
    randomness = context.world.randomness
    key = await asyncio.to_thread(_ensure_key, context.config.data_dir / FILE_NAME, randomness)
    return "" if key is None else lock(token, key, nonce=_random(randomness, NONCE_BYTES), purpose=_purpose(token_id))


async def unlock_token(context: Context, locked: str, *, token_id: int) -> str:
    """The token; empty where it cannot be read any more."""
    if not locked:
        return ""
    key = await asyncio.to_thread(_load_key, context.config.data_dir / FILE_NAME)
    token = None if key is None else unlock(locked, key, purpose=_purpose(token_id))
    if token is None:
        event(log, "push.token_unreadable", logging.WARNING, token_id=token_id)
        return ""
    return token


def _purpose(token_id: int) -> str:
    return f"push subscription of token {token_id}"


def _random(randomness: Randomness, size_bytes: int) -> bytes:
    text = randomness.token(size_bytes)
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _ensure_key(path: Path, randomness: Randomness) -> bytes | None:
    found = _load_key(path)
    if found is not None:
        return found
    made = _random(randomness, KEY_BYTES)
    beside = path.with_name(f"{path.name}.{randomness.token(6)}")
    try:
        # Another process may do the same now: whoever links first has made it, and nobody reads half of it.
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(urlsafe_b64encode(made))
        try:
            os.link(beside, path)
        except FileExistsError:
            return _load_key(path)
        finally:
            beside.unlink()
    except OSError as wrong:
        event(log, "push.key_not_stored", logging.WARNING, path=path, cause=wrong.strerror)
        return None
    return made


def _load_key(path: Path) -> bytes | None:
    try:
        key = urlsafe_b64decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as wrong:
        event(log, "push.key_unreadable", logging.WARNING, path=path, cause=wrong)
        return None
    return key if len(key) == KEY_BYTES else None
